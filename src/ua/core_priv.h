/* SPDX-License-Identifier: MIT */
/* core_priv.h — one request of a peer while it is checked (core.c). */
#pragma once

#include "flow_priv.h"

struct xf_core_call {
    struct xf_flow *flow;
    struct xf_ua *ua;
    const struct xf_sip_message *request;
    struct xf_ua_caller caller;     /* once its From was found good */
    char from[XF_DOMAIN_MAX + 1];   /* domain of From, prepared */
    char local[XF_DOMAIN_MAX + 1];  /* the served domain that it is to; "" until that was checked */
    struct xf_ua_fault fault;       /* why it is refused */
    char detail[XF_DOMAIN_MAX + 1]; /* ... of what, for the log: a domain, a tag */
    xf_ua_more_fn more;             /* headers of the refusal; NULL: none */
};

void xf_core_request(struct xf_flow *flow, const struct xf_sip_message *request);
void xf_core_refuse_malformed(struct xf_flow *flow, const struct xf_sip_message *request,
                              unsigned status);
