/* SPDX-License-Identifier: MIT */
/*
 * standing.h — faults that last: which events of the log said that something is broken, and no
 * other event has said since that it is well again. So that an operator who comes later is told
 * what the log told once, in its words.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/clock.h>
#include <xfed/base/help.h>

struct xf_standing;

struct xf_standing_fault {
    const char *event; /* that told it */
    const char *part;  /* as in struct xf_finding */
    const char *where; /* which file, node or server; "": there is one only */
    const char *text;  /* detail and other words of the event */
    enum xf_help help;
    uint64_t since_ms;
};

/* Watches the log from now on. */
struct xf_standing *xf_standing_new(const struct xf_clock *clock);
void xf_standing_free(struct xf_standing **standing);

/* Those of one part, or with NULL all. The fault is borrowed for the call. */
typedef void (*xf_standing_fn)(void *owner, const struct xf_standing_fault *fault);
void xf_standing_show(const struct xf_standing *standing, const char *part, xf_standing_fn show,
                      void *owner);
