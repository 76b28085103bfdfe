/* SPDX-License-Identifier: MIT */
/* settings.h — the section dialback { }: the secret that our dialback keys are made from. */
#pragma once

struct xf_dialback_settings {
    char *secret_file; /* "" for none */
    char *secret;      /* from secret-file; NULL: a random one for this process */
};
