/* SPDX-License-Identifier: MIT */
/*
 * settings.h — audit { }: who was let in or refused, which keys changed, and what operators did.
 */
#pragma once

#include <stdbool.h>

struct xf_audit_settings {
    char *file;  /* JSON lines; "": none */
    bool syslog; /* the same lines to the machine's syslog or journal */
};
