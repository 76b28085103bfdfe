/* SPDX-License-Identifier: MIT */
/* error_priv.h — the condition of an error stanza, as an element. */
#pragma once

#include <xfed/xmpp/stanza.h>

/* The first child of <error/> that can be a condition. False: there is none. */
bool xf_interwork_find_condition(const struct xf_stanza *stanza, struct xf_stanza_child *out_child);
