/* SPDX-License-Identifier: MIT */
/* members.c — who is in which group, as one set of both names; and what a reading of the directory leaves behind. */
#include "identity_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

#define GROUP_NAME_MAX 4096 /* conf's lines are shorter */

static struct xf_span member_key(struct xf_buf *buf, struct xf_span group, struct xf_span jid)
{
    xf_buf_clear(buf);
    xf_buf_append_span(buf, group);
    xf_buf_append(buf, "", 1);
    xf_buf_append_span(buf, jid);
    return xf_buf_span(buf);
}

bool xf_members_has(const struct xf_map *members, const char *group, struct xf_span jid)
{
    struct xf_buf key;
    size_t len = strlen(group);
    if (!members || len > GROUP_NAME_MAX)
        return false;
    xf_buf_init(&key, GROUP_NAME_MAX + XF_JID_MAX + 1);
    bool has = xf_map_find(members, member_key(&key, (struct xf_span){group, len}, jid)) != NULL;
    xf_buf_release(&key);
    return has;
}

void xf_members_add(struct xf_map *members, struct xf_span group, struct xf_span jid)
{
    struct xf_buf key;
    xf_buf_init(&key, GROUP_NAME_MAX + XF_JID_MAX + 1);
    (void)xf_map_set(members, member_key(&key, group, jid), members);
    xf_buf_release(&key);
}

void xf_loaded_release(struct xf_loaded *loaded)
{
    xf_table_free(&loaded->users);
    xf_map_free(&loaded->members);
    xf_notes_release(&loaded->notes);
}
