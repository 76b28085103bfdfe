/* SPDX-License-Identifier: MIT */
/* verbs.h — what xfedctl can ask, for its manual page. */
#pragma once

/* `help` is a sentence without a full stop. All are static. */
typedef void (*xf_ctl_verb_fn)(void *owner, const char *name, const char *args, const char *help);
/* Call `each` for every verb, in the order of --help. */
void xf_ctl_each_verb(xf_ctl_verb_fn each, void *owner);
