/* SPDX-License-Identifier: MIT */
/*
 * sip_lines.h — the SIP lines of transcripts: what a peer sends, made of what the transcript says,
 * and what we send, compared with it. A statement has several lines, parted by LF: the start,
 * headers, and `| body`.
 */
#pragma once

#include <xfed/base/buf.h>

#include "patterns.h"

/*
 * The bytes of "METHOD [URI]", or of "STATUS [words]", an answer to `request`. Headers replace
 * those that are there by themselves; `-Name` leaves one out. `number` makes ids that no other
 * message has. `request`: the last one that we sent on the conn; NULL: there was none. Caller
 * frees; NULL: *out_why says why, caller frees that.
 */
char *sip_lines_make(const char *statement, const char *request, unsigned number,
                     const struct xf_map *names, char **out_why);

/*
 * Take the next message out of `got`; if it is a request that is answered, *request becomes a copy
 * of it. Compare it with "METHOD URI" or "STATUS [words]", and of its headers those that the
 * statement has. False: *out_why as above. Our own strict parser must take what we send.
 */
bool sip_lines_match(struct xf_buf *got, char **request, const char *statement,
                     struct xf_map *names, char **out_why);
