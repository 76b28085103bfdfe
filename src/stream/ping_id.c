/* SPDX-License-Identifier: MIT */
/* ping_id.c — PREFIX KEY "-" NUMBER. */
#include <xfed/stream/ping_id.h>

#include <stdio.h>

const char *xf_ping_key(struct xf_env *env, struct xf_map *askers, char key[XF_ID_CHARS + 1],
                        void *asker)
{
    if (!key[0]) {
        env->make_id(env, key);
        (void)xf_map_set(askers, xf_span_of(key), asker);
    }
    return key;
}

void xf_ping_key_forget(struct xf_map *askers, char key[XF_ID_CHARS + 1])
{
    if (key[0])
        (void)xf_map_remove(askers, xf_span_of(key));
    key[0] = '\0';
}

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
