/* SPDX-License-Identifier: MIT */
/* address_priv.h — JIDs that outlive the text from which they were prepared. */
#pragma once

#include <xfed/xmpp/jid.h>

/* Move it to `storage`, where it may be already: a JID that was prepared stays in its text. */
void xf_interwork_keep_jid(struct xf_jid *jid, char storage[XF_JID_MAX + 1]);
