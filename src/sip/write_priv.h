/* SPDX-License-Identifier: MIT */
/* write_priv.h — what requests and answers share. */
#pragma once

#include <xfed/sip/write.h>

void xf_sip_begin_status(struct xf_sip_writer *writer, struct xf_buf *out, unsigned status,
                         struct xf_span reason);

/* Anything but a token spoils the message. */
void xf_sip_put_token(struct xf_sip_writer *writer, struct xf_span token);

/* "Name: value", both as they came in a parsed message. */
void xf_sip_put_line(struct xf_sip_writer *writer, struct xf_span name, struct xf_span parsed);
