/* SPDX-License-Identifier: MIT */
/*
 * stanza_copy.c — copies of stanzas for queues.
 *
 * The texts follow the struct one after the other, so each copy costs a single allocation. A JID is
 * stored as its full text and the lengths of local part and domain; a separator follows each of
 * them, and the rest is the resource.
 */
#include <xfed/xmpp/stanza_copy.h>

#include <xfed/base/alloc.h>

#define ABSENT UINT32_MAX

enum text { FROM, TO, SHOWN_FROM, SHOWN_TO, TYPE, ID, LANG, EXTRA, PAYLOAD, TEXTS };

_Static_assert(TEXTS == XF_ARRAY_LEN(((struct xf_stanza_copy *)NULL)->len), "one length a text");

/* Where they are in a stanza. */
static const size_t text_at[TEXTS] = {
    [FROM] = offsetof(struct xf_stanza, from.full),
    [TO] = offsetof(struct xf_stanza, to.full),
    [SHOWN_FROM] = offsetof(struct xf_stanza, shown_from),
    [SHOWN_TO] = offsetof(struct xf_stanza, shown_to),
    [TYPE] = offsetof(struct xf_stanza, type),
    [ID] = offsetof(struct xf_stanza, id),
    [LANG] = offsetof(struct xf_stanza, lang),
    [EXTRA] = offsetof(struct xf_stanza, extra),
    [PAYLOAD] = offsetof(struct xf_stanza, payload),
};

static const struct xf_span *text_of(const struct xf_stanza *stanza, size_t which)
{
    return (const struct xf_span *)(const void *)((const char *)stanza + text_at[which]);
}

size_t xf_stanza_copy_size(const struct xf_stanza *stanza)
{
    size_t sum = sizeof(struct xf_stanza_copy);
    for (size_t i = 0; i < TEXTS; i++)
        sum += text_of(stanza, i)->len;
    return sum;
}

static uint32_t length(struct xf_span text)
{
    xf_require(text.len < ABSENT);
    return text.ptr ? (uint32_t)text.len : ABSENT;
}

struct xf_stanza_copy *xf_stanza_copy_new(const struct xf_stanza *stanza, uint64_t now_ms)
{
    size_t bytes = xf_stanza_copy_size(stanza);
    struct xf_stanza_copy *copy = xf_realloc(NULL, bytes);
    xf_stanza_copy_write(copy, stanza, bytes, now_ms);
    return copy;
}

/* Field by field: nearly all are written, and clearing the rest first would cost as much again. */
void xf_stanza_copy_write(struct xf_stanza_copy *copy, const struct xf_stanza *stanza, size_t bytes,
                          uint64_t now_ms)
{
    copy->node = (struct xf_node){NULL, NULL};
    copy->bytes = bytes;
    copy->piece = NULL;
    copy->journal_entry = NULL;
    copy->sender = NULL;
    copy->end = copy->sent_ms = copy->serial = copy->number = 0;
    copy->at_ms = now_ms;
    copy->is_unproved = false;
    copy->losses = 0;
    copy->kind = (uint8_t)stanza->kind;
    copy->has_ns_mark = stanza->has_ns_mark;
    copy->from_local = length(stanza->from.local);
    copy->from_domain = length(stanza->from.domain);
    copy->to_local = length(stanza->to.local);
    copy->to_domain = length(stanza->to.domain);
    copy->wire_bytes = stanza->wire_bytes;
    char *at = copy->text;
    for (size_t i = 0; i < TEXTS; i++) {
        const struct xf_span *text = text_of(stanza, i);
        copy->len[i] = length(*text);
        if (text->len)
            memcpy(at, text->ptr, text->len);
        at += text->len;
    }
}

static struct xf_jid split(struct xf_span full, uint32_t local, uint32_t domain)
{
    struct xf_jid jid = {.full = full};
    const char *at = full.ptr;
    if (!at)
        return jid;
    if (local != ABSENT) {
        jid.local = (struct xf_span){at, local};
        at += local + 1; /* '@' */
    }
    jid.domain = (struct xf_span){at, domain};
    at += domain;
    if (at < full.ptr + full.len) /* '/' */
        jid.resource = (struct xf_span){at + 1, (size_t)(full.ptr + full.len - at - 1)};
    return jid;
}

void xf_stanza_copy_read(const struct xf_stanza_copy *copy, struct xf_stanza *out_stanza)
{
    struct xf_span texts[TEXTS];
    const char *at = copy->text;
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = copy->len[i] == ABSENT ? XF_SPAN_NONE : (struct xf_span){at, copy->len[i]};
        at += texts[i].len;
    }
    *out_stanza = (struct xf_stanza){
        .kind = copy->kind,
        .raw_from = texts[FROM],
        .raw_to = texts[TO],
        .from = split(texts[FROM], copy->from_local, copy->from_domain),
        .to = split(texts[TO], copy->to_local, copy->to_domain),
        .shown_from = texts[SHOWN_FROM],
        .shown_to = texts[SHOWN_TO],
        .type = texts[TYPE],
        .id = texts[ID],
        .lang = texts[LANG],
        .extra = texts[EXTRA],
        .payload = texts[PAYLOAD],
        .has_ns_mark = copy->has_ns_mark,
        .journal_entry = copy->journal_entry,
        .wire_bytes = copy->wire_bytes,
    };
}
