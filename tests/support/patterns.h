/* SPDX-License-Identifier: MIT */
/* patterns.h — texts of transcripts: expanded, and patterns with captures. */
#pragma once

#include <stdbool.h>

struct xf_map; /* name -> char * */

/* $name replaced by what was captured, and \r \n \xNN {{TEXT*COUNT}} expanded; caller frees. */
char *text_expand(const char *text, const struct xf_map *names);
/*
 * Does all of `text` match? `*` matches anything; $name what was captured, or anything, which is
 * captured then.
 */
bool text_matches(const char *pattern, const char *text, struct xf_map *names);
void names_free(struct xf_map **names);
