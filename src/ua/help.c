/* SPDX-License-Identifier: MIT */
/* help.c — what an operator can do about a conn that did not come up, or broke. */
#include "ua_priv.h"

enum xf_help xf_ua_help(enum xf_conn_end end)
{
    switch (end) {
    case XF_CONN_END_TIMEOUT:
        return XF_HELP_TCP_TIMEOUT;
    case XF_CONN_END_UNREACHABLE:
        return XF_HELP_TCP_UNREACHABLE;
    case XF_CONN_END_SOURCE:
        return XF_HELP_TCP_SOURCE;
    case XF_CONN_END_REFUSED:
        return XF_HELP_TCP_REFUSED;
    case XF_CONN_END_TLS:
        return XF_HELP_SIP_TLS;
    case XF_CONN_END_TLS_ALIEN:
        return XF_HELP_SIP_NO_TLS;
    case XF_CONN_END_TLS_VERSION:
        return XF_HELP_TLS_TOO_OLD;
    case XF_CONN_END_TLS_REFUSED:
        return XF_HELP_SIP_OUR_CERT;
    default:
        return XF_HELP_NONE;
    }
}
