/* SPDX-License-Identifier: MIT */
/* jid_escape_priv.h — escaped local parts of JIDs (XEP-0106), as interwork/address.h has them. */
#pragma once

#include <xfed/base/draft.h>

/* Append what a prepared local part stands for; never longer than it. */
void xf_interwork_unescape(struct xf_draft *draft, struct xf_span local);

/* Append any text as a local part; at most three times as long. The inverse of undo. */
void xf_interwork_escape(struct xf_draft *draft, struct xf_span text);
