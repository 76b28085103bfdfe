/* SPDX-License-Identifier: MIT */
/*
 * usage.h — what the command line of xfedd takes and does, as tables. --help and the manual page
 * are made of them.
 */
#pragma once

#include <stdio.h>

struct xf_usage_row {
    const char *words; /* arguments, a signal, an exit code; NULL ends a table */
    const char *help;  /* a sentence without a full stop */
};

extern const struct xf_usage_row xf_usage_modes[], xf_usage_signals[], xf_usage_exits[];

void xf_usage_print(FILE *out);
