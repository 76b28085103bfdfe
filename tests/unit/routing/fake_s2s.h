/* SPDX-License-Identifier: MIT */
/*
 * fake_s2s.h — outbound streams that do what the test says, behind the functions of s2s.h that
 * routing calls.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/s2s/s2s.h>

struct xf_s2s {
    bool carries;        /* what xf_s2s_carries says */
    struct xf_node outs; /* struct xf_out, oldest first, ended ones included */
    unsigned resumed;    /* calls of xf_s2s_resume_inbound */
};

struct xf_out {
    struct xf_node node;
    char *local, *peer;
    const struct xf_out_events *events; /* NULL once it ended */
    void *owner;
    /* committed: cannot be abandoned */
    bool is_probe, is_taken, is_ready, is_congested, is_committed;
    unsigned takes;      /* after so many stanzas it is congested; 0: never */
    struct xf_addr addr; /* no network: they all share one */
    size_t max_bytes;    /* larger payloads are refused; 0: none */
    /* ids since fake_out_take, separated by blanks; cut when there are too many */
    char sent[4096];
    size_t sent_count;
    struct xf_stanza_sum unproved; /* as the test says; it is part of what waits in all, too */
};

void fake_s2s_init(struct xf_s2s *s2s);
void fake_s2s_fini(struct xf_s2s *s2s);

/* The oldest stream that this function did not return yet, or NULL. */
struct xf_out *fake_out_next(struct xf_s2s *s2s);

void fake_out_ready(struct xf_out *out);
void fake_out_drained(struct xf_out *out);
void fake_out_ended(struct xf_out *out, enum xf_cause cause, const char *text);

/* From now on xf_out_send says CLOSED; fake_out_ended is to follow. */
void fake_out_closing(struct xf_out *out);
