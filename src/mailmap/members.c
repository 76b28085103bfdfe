/* SPDX-License-Identifier: MIT */
/*
 * members.c — the members of groups, as a set of (group, JID); and the result of reading the
 * directory.
 */
#include "mailmap_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

/* "group\0jid" in `buf`, which the caller releases. */
static struct xf_span member_key(struct xf_buf *buf, struct xf_span group, struct xf_span jid)
{
    xf_buf_init(buf, group.len + 1 + jid.len);
    struct xf_draft draft = xf_draft_begin(buf);
    xf_draft_span(&draft, group);
    xf_draft_append(&draft, "", 1);
    xf_draft_span(&draft, jid);
    (void)!xf_draft_end(&draft); /* the ceiling is its length */
    return xf_buf_span(buf);
}

bool xf_members_has(const struct xf_map *members, const char *group, struct xf_span jid)
{
    struct xf_buf key;
    if (!members)
        return false;
    bool has = xf_map_find(members, member_key(&key, xf_span_of(group), jid)) != NULL;
    xf_buf_release(&key);
    return has;
}

void xf_members_add(struct xf_map *members, struct xf_span group, struct xf_span jid)
{
    struct xf_buf key;
    (void)xf_map_set(members, member_key(&key, group, jid), members);
    xf_buf_release(&key);
}

void xf_loaded_release(struct xf_loaded *loaded)
{
    xf_table_free(&loaded->users);
    xf_map_free(&loaded->members);
    xf_notes_release(&loaded->notes);
    xf_buf_release(&loaded->kept);
}
