/* SPDX-License-Identifier: MIT */
/* records.c — what DNS says about us. */
#include "selfcheck_priv.h"

void xf_selfcheck_records(struct xf_selfcheck *check)
{
    (void)check;
}

void xf_selfcheck_records_end(struct xf_selfcheck *check)
{
    (void)check;
}
