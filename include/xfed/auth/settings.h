/* SPDX-License-Identifier: MIT */
/*
 * settings.h — dialback { }: the secret behind our dialback keys.
 */
#pragma once

struct xf_dialback_settings {
    char *secret_file; /* "" for none */
    char *secret;      /* from secret-file; NULL: a random one for this process */
};
