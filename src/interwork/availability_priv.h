/* SPDX-License-Identifier: MIT */
/* availability_priv.h — parts of a struct xf_availability. */
#pragma once

#include <xfed/interwork/presence.h>

/* "" for NONE. */
const char *xf_show_text(enum xf_show show);
/* NONE for a text that is no <show/>. */
enum xf_show xf_show_find(struct xf_span text);

/*
 * Add a note: trimmed, cut, and only if it is not empty, has another language than those before it,
 * and there is room.
 */
void xf_availability_add_note(struct xf_availability *availability, struct xf_span lang,
                              struct xf_span text);
