/* SPDX-License-Identifier: MIT */
/* dialog_priv.h — between dialog.c and dialog_pack.c. */
#pragma once

#include <xfed/ua/dialog.h>

/* The URI of Contact as a remote target; absent: there is none, or none of SIP. */
struct xf_span xf_dialog_target_in(const struct xf_sip_message *message);
/* Make strict_route of route and target. */
void xf_dialog_settle_route(struct xf_dialog *dialog);
/* How long it is when it is packed. */
size_t xf_dialog_packed_bytes(const struct xf_dialog *dialog);
