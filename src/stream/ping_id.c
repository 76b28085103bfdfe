/* SPDX-License-Identifier: MIT */
/* ping_id.c — PREFIX KEY "-" NUMBER. */
#include <xfed/stream/ping_id.h>

#include <stdio.h>

void xf_ping_id_write(char out[XF_PING_ID_BYTES], const char *prefix, const char *key,
                      unsigned number)
{
    snprintf(out, XF_PING_ID_BYTES, "%s%s-%u", prefix, key, number);
}

bool xf_ping_id_read(struct xf_span id, const char *prefix, struct xf_ping_id *out)
{
    size_t len = strlen(prefix), before = len + XF_ID_CHARS + 1;
    uint64_t number;
    if (id.len <= before || memcmp(id.ptr, prefix, len) != 0 || id.ptr[before - 1] != '-' ||
        !xf_span_number((struct xf_span){id.ptr + before, id.len - before}, UINT32_MAX, &number))
        return false;
    *out = (struct xf_ping_id){{id.ptr + len, XF_ID_CHARS}, (unsigned)number};
    return true;
}
