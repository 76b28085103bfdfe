/* SPDX-License-Identifier: MIT */
/*
 * doors_priv.h — back-off for hosts that we connect to (doors.c). A door is a domain or an address; a stranger may have named one whose owner
 * never heard of XMPP.
 */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/base/err.h>
#include <xfed/base/list.h>
#include <xfed/base/map.h>

struct xf_doors {
    const struct xf_clock *clock;
    uint64_t shut_min_ms, shut_max_ms;
    struct xf_map *by_name; /* -> struct xf_door */
    struct xf_node failed;  /* doors that failed and have nobody before them, the longest ago first */
    size_t failed_count;
};
void xf_doors_init(struct xf_doors *doors, const struct xf_clock *clock, uint64_t shut_min_ms, uint64_t shut_max_ms);
void xf_doors_fini(struct xf_doors *doors); /* nobody stands before any */

/* One more stands before the door, unless `max` do. */
XF_MUST_USE bool xf_door_enter(struct xf_doors *doors, const char *name, unsigned max);
void xf_door_leave(struct xf_doors *doors, const char *name);
unsigned xf_door_count(const struct xf_doors *doors, const char *name);

/* Nobody opened: it stays shut for shut_min_ms, doubling up to shut_max_ms with each failure in a row. `note` is for xf_door_is_shut. */
void xf_door_failed(struct xf_doors *doors, const char *name, int note, const char *text);
void xf_door_opened(struct xf_doors *doors, const char *name);
/* The text lives until the next call that changes doors. Both may be NULL. */
bool xf_door_is_shut(const struct xf_doors *doors, const char *name, int *out_note, const char **out_text);
