/* SPDX-License-Identifier: MIT */
/* refusal.h — what xf_conf_load says of a configuration that a test makes. */
#pragma once

#include "folder.h"

/*
 * Load `good` followed by `rest` from a file in `folder`. Why it is refused; NULL: it is not. To be
 * freed. A refusal without a message fails the test.
 */
char *conf_refusal(struct folder *folder, const char *good, const char *rest);
