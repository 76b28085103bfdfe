/* SPDX-License-Identifier: MIT */
/*
 * table.c — a map of users in both directions, compact: one text for all, one array of users, and
 * for each direction an index of their numbers.
 *
 * One thread fills it, then it is only read, so the pool can build a new one while the old one
 * answers. The hash is keyed, since the names come from a directory that many people may write to.
 */
#include "mailmap_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/siphash.h>

#define FEWEST_SLOTS 64
#define TEXT_MAX     (1u << 30)

struct user {
    uint32_t jid_off, mail_off, line;
    uint16_t jid_len, mail_len;
    bool is_void; /* others have its address too */
};

struct index {
    uint32_t *slots; /* number of a user + 1, or 0 */
    bool is_mail;
};

struct xf_table {
    struct xf_siphash_key key;
    struct xf_buf text;
    struct user *users;
    /* `slot_count` is a power of 2, at least twice `count`. */
    size_t count, room, users_max, slot_count;
    struct index by_jid, by_mail;
};

struct xf_table *xf_table_new(size_t users_max)
{
    struct xf_table *table = xf_new(struct xf_table);
    xf_rand_bytes(&table->key, sizeof(table->key));
    xf_buf_init(&table->text, TEXT_MAX);
    table->users_max = users_max;
    table->slot_count = FEWEST_SLOTS;
    table->by_jid.slots = xf_alloc(FEWEST_SLOTS * sizeof(uint32_t));
    table->by_mail = (struct index){xf_alloc(FEWEST_SLOTS * sizeof(uint32_t)), true};
    return table;
}

void xf_table_free(struct xf_table **table)
{
    if (!*table)
        return;
    xf_buf_release(&(*table)->text);
    xf_free((*table)->users);
    xf_free((*table)->by_jid.slots);
    xf_free((*table)->by_mail.slots);
    xf_free(*table);
    *table = NULL;
}

static struct xf_span name_of(const struct xf_table *table, const struct user *user, bool is_mail)
{
    const char *text = xf_buf_ptr(&table->text);
    return is_mail ? (struct xf_span){text + user->mail_off, user->mail_len}
                   : (struct xf_span){text + user->jid_off, user->jid_len};
}

static uint32_t *slot_of(const struct xf_table *table, const struct index *index,
                         struct xf_span name)
{
    size_t mask = table->slot_count - 1, slot = xf_siphash13(&table->key, name) & mask;
    while (index->slots[slot] &&
           !xf_span_eq(name_of(table, &table->users[index->slots[slot] - 1], index->is_mail), name))
        slot = (slot + 1) & mask;
    return &index->slots[slot];
}

static struct user *find(const struct xf_table *table, const struct index *index,
                         struct xf_span name)
{
    uint32_t number = *slot_of(table, index, name);
    return number ? &table->users[number - 1] : NULL;
}

static void fill_index(struct xf_table *table, struct index *index)
{
    xf_free(index->slots);
    index->slots = xf_alloc(table->slot_count * sizeof(uint32_t));
    for (size_t i = 0; i < table->count; i++)
        *slot_of(table, index, name_of(table, &table->users[i], index->is_mail)) = (uint32_t)i + 1;
}

static void grow(struct xf_table *table)
{
    if (table->count == table->room) {
        table->room = table->room ? table->room + table->room / 2 : FEWEST_SLOTS / 2;
        table->users = xf_realloc(table->users, table->room * sizeof(*table->users));
    }
    if (2 * (table->count + 1) <= table->slot_count)
        return;
    table->slot_count *= 2;
    fill_index(table, &table->by_jid);
    fill_index(table, &table->by_mail);
}

static void show(const struct xf_table *table, const struct user *user, struct xf_user *out)
{
    *out = (struct xf_user){name_of(table, user, false), name_of(table, user, true), user->line};
}

enum xf_table_add xf_table_add(struct xf_table *table, const struct xf_user *user,
                               struct xf_user *out_other)
{
    struct user *other = find(table, &table->by_jid, user->jid);
    if (other) {
        show(table, other, out_other);
        return xf_span_eq(out_other->mail, user->mail) ? XF_TABLE_SAME : XF_TABLE_JID_TAKEN;
    }
    if ((other = find(table, &table->by_mail, user->mail))) {
        show(table, other, out_other);
        other->is_void = true;
        return XF_TABLE_MAIL_TAKEN;
    }
    struct xf_draft names = xf_draft_begin(&table->text);
    if (table->count == table->users_max || table->count == UINT32_MAX / 4)
        return XF_TABLE_FULL;
    xf_draft_span(&names, user->jid);
    xf_draft_span(&names, user->mail);
    if (xf_draft_end(&names) != XF_ERR_OK)
        return XF_TABLE_FULL;
    grow(table);
    table->users[table->count] = (struct user){
        .jid_off = (uint32_t)names.start,
        .mail_off = (uint32_t)(names.start + user->jid.len),
        .line = user->line,
        .jid_len = (uint16_t)user->jid.len,
        .mail_len = (uint16_t)user->mail.len,
    };
    *slot_of(table, &table->by_jid, user->jid) = *slot_of(table, &table->by_mail, user->mail) =
        (uint32_t)++table->count;
    return XF_TABLE_ADDED;
}

static enum xf_mailmap_answer answer(const struct xf_table *table, const struct index *index,
                                     struct xf_span name, struct xf_span *out)
{
    const struct user *user = table ? find(table, index, name) : NULL;
    if (!user)
        return XF_MAILMAP_LATER;
    if (user->is_void)
        return XF_MAILMAP_NONE;
    *out = name_of(table, user, !index->is_mail);
    return XF_MAILMAP_FOUND;
}

enum xf_mailmap_answer xf_table_mail(const struct xf_table *table, struct xf_span jid,
                                     struct xf_span *out_mail)
{
    return answer(table, table ? &table->by_jid : NULL, jid, out_mail);
}

enum xf_mailmap_answer xf_table_jid(const struct xf_table *table, struct xf_span mail,
                                    struct xf_span *out_jid)
{
    return answer(table, table ? &table->by_mail : NULL, mail, out_jid);
}

size_t xf_table_count(const struct xf_table *table)
{
    return table ? table->count : 0;
}

void xf_table_user(const struct xf_table *table, size_t number, struct xf_user *out)
{
    xf_require(number < table->count);
    show(table, &table->users[number], out);
}

size_t xf_table_bytes(const struct xf_table *table)
{
    return table->text.cap + table->room * sizeof(struct user) +
           2 * table->slot_count * sizeof(uint32_t) + sizeof(*table);
}

void xf_table_note(struct xf_notes *notes, const char *where, enum xf_table_add result,
                   const struct xf_user *user, const struct xf_user *other)
{
    char here[16] = "", there[32] = "";
    if (user->line) {
        (void)snprintf(here, sizeof(here), ":%u: ", user->line);
        (void)snprintf(there, sizeof(there), " (line %u)", other->line);
    }
    if (result == XF_TABLE_MAIL_TAKEN)
        xf_note(notes,
                "%s%s%.*s has the address %.*s of %.*s%s: neither is known by it, expected one "
                "user for an address",
                where, here, XF_SPAN_ARGS(user->jid), XF_SPAN_ARGS(user->mail),
                XF_SPAN_ARGS(other->jid), there);
    else if (result == XF_TABLE_JID_TAKEN)
        xf_note(
            notes,
            "%s%s%.*s has a second address %.*s: %.*s%s is used, expected one address for a user",
            where, here, XF_SPAN_ARGS(user->jid), XF_SPAN_ARGS(user->mail),
            XF_SPAN_ARGS(other->mail), there);
}
