/* SPDX-License-Identifier: MIT */
/* manual_priv.h — the parts of the program that makes manual pages in mdoc(7). */
#pragma once

#include <stdio.h>

/* ---- roff.c */
/* Write words for a line of mdoc: what roff or mdoc would take for its own is escaped. */
void xf_roff_words(const char *text, FILE *out);
/* Write running text in lines, each sentence on lines of its own, as mdoc wants it. */
void xf_roff_text(const char *text, FILE *out);
/* Write a short sentence that has neither its capital letter nor its full stop yet. */
void xf_roff_sentence(const char *text, FILE *out);

/* ---- settings.c */
void xf_manual_settings(FILE *out); /* sections and keys of xfed.conf */

/* ---- usage.c */
void xf_manual_synopsis(FILE *out);
void xf_manual_modes(FILE *out);
void xf_manual_signals(FILE *out);
void xf_manual_exits(FILE *out);
void xf_manual_verbs(FILE *out); /* of xfedctl */
