/* SPDX-License-Identifier: MIT */
/*
 * forms.h — values of the configuration that are stored as they were written, taken apart for the
 * one who uses them. Everything that loaded parses; false is for texts from elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>

#define XF_WEEK_MINUTES (7 * 24 * 60)

/*
 * `hours`: "mon-fri 08:00-18:00", "sat,sun 10:00-12:00", "daily 22:00-06:00" (over midnight counts
 * to the day it begins on). Days wrap too (fri-mon). The end does not belong to it; 24:00 is the
 * end of the day.
 */
struct xf_hours {
    uint8_t days;              /* bit 0 is Monday */
    uint16_t from_min, to_min; /* of the day; to <= from: over midnight */
};
XF_MUST_USE bool xf_hours_parse(const char *text, struct xf_hours *out);
/* Minute 0 of the week is Monday 00:00. */
bool xf_hours_hold(const struct xf_hours *hours, unsigned minute_of_week);

/* `source-ports`: "30000-35999", or one port. */
XF_MUST_USE bool xf_ports_parse(const char *text, uint16_t *out_first, uint16_t *out_last);

/*
 * `nodes` of a link: "ADDRESS:PORT", or "ADDRESS:PORT weight=N" with N from 0 to 100; without it
 * the weight is 1. The address is not looked at, and borrows from `text`.
 */
XF_MUST_USE bool xf_weighted_parse(const char *text, struct xf_span *out_addr,
                                   unsigned *out_weight);

/* `groups` of directory: "NAME=DN". The spans borrow from `text`. */
XF_MUST_USE bool xf_group_parse(const char *text, struct xf_span *out_name, struct xf_span *out_dn);
