/* SPDX-License-Identifier: MIT */
/*
 * subscriber_record.c — the dialog of a subscription of ours, packed; and subscriptions as records
 * (dialogs.h), so that the next process goes on with them. The key is "o" and the pair; the record
 * has a version, numbers, the dialog and the presence kept. Times are those of the calendar.
 *
 * What cannot be read, or is of another version, counts as no record. A record may be a second old
 * after a crash (xf_dialog_skip).
 */
#include "subscriber_priv.h"

#include <xfed/base/alloc.h>

#define VERSION 1
#define DAY_S   86400
#define KEPT_S  (8 * DAY_S) /* without any change, to the end of the day */

enum {
    WANTS_ANSWER = 1,
    HAS_STATE = 2,
    IS_OPEN = 4,
    IS_MISSING = 8,
    OWES_STATE = 16, /* what our user has to be told, while the link is down */
    OWES_SUBSCRIBED = 32,
    OWES_MISSING = 64,
    OWES_UNSUBSCRIBED = 128,
};
enum { RESTS, IS_ACTIVE, IS_OVER };

static const struct {
    unsigned flag, tidings;
} owed[] = {
    {OWES_STATE, XF_TELL_STATE},
    {OWES_SUBSCRIBED, XF_TELL_SUBSCRIBED},
    {OWES_MISSING, XF_TELL_MISSING},
    {OWES_UNSUBSCRIBED, XF_TELL_UNSUBSCRIBED},
};

/* ------------------------------------------------------------------ the dialog */

bool xf_subscription_open(const struct xf_subscription *sub, struct xf_dialog *out_dialog)
{
    return sub->dialog && xf_dialog_unpack((struct xf_span){sub->dialog, sub->dialog_len},
                                           out_dialog) == XF_ERR_OK;
}

void xf_subscription_close(struct xf_subscription *sub, struct xf_dialog *dialog)
{
    struct xf_buf *packed = &sub->simple->subscriber.packed;
    xf_buf_clear(packed);
    /* It cannot fail: dialogs are bounded when they are made. */
    xf_require(xf_dialog_pack(dialog, packed) == XF_ERR_OK);
    xf_dialog_fini(dialog);
    xf_subscription_replace(&sub->dialog, &sub->dialog_len, xf_buf_span(packed));
    sub->is_changed = true;
}

/*
 * Mostly the new bytes fit in the place of the old ones. To free that and take another one
 * scatters what is free all over the memory of all other subscriptions, and the allocator searches
 * it for every small thing from then on: that took a fifth of what a NOTIFY costs.
 */
void xf_subscription_replace(char **bytes, uint32_t *len, struct xf_span with)
{
    if (!with.len) {
        xf_free(*bytes);
        *bytes = NULL;
    } else if (with.len != *len) {
        *bytes = xf_realloc(*bytes, with.len);
    }
    if (with.len)
        memcpy(*bytes, with.ptr, with.len);
    *len = (uint32_t)with.len;
}

/* ------------------------------------------------------------------ writing */

static void put(struct xf_draft *draft, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        char byte = (char)(number >> (8 * bytes));
        xf_draft_append(draft, &byte, 1);
    }
}

static struct xf_span key_of(const struct xf_subscription *sub)
{
    struct xf_buf *key = &sub->simple->subscriber.key;
    xf_buf_clear(key);
    struct xf_draft draft = xf_draft_begin(key);
    xf_draft_str(&draft, "o");
    xf_draft_span(&draft, sub->key);
    return xf_draft_end(&draft) == XF_ERR_OK ? xf_buf_span(key) : XF_SPAN_NONE;
}

static unsigned flags_of(const struct xf_subscription *sub)
{
    unsigned flags = (sub->wants_answer ? WANTS_ANSWER : 0) | (sub->has_state ? HAS_STATE : 0) |
                     (sub->is_open ? IS_OPEN : 0) | (sub->is_missing ? IS_MISSING : 0) |
                     (sub->tell & XF_TELL_GONE ? OWES_STATE : 0);
    for (size_t i = 0; i < XF_ARRAY_LEN(owed); i++)
        flags |= sub->tell & owed[i].tidings ? owed[i].flag : 0;
    return flags;
}

/* A time of the clock as one of the calendar; 0: never. */
static uint64_t to_unix(const struct xf_env *env, int64_t now_s, uint64_t at_ms)
{
    uint64_t now_ms = env->clock->now_ms;
    if (at_ms == UINT64_MAX)
        return 0;
    return at_ms >= now_ms ? (uint64_t)now_s + (at_ms - now_ms) / 1000
                           : (uint64_t)now_s - (now_ms - at_ms) / 1000;
}

void xf_subscription_unsave(const struct xf_subscription *sub)
{
    xf_dialogs_remove(sub->simple->dialogs, key_of(sub));
}

void xf_subscription_save(struct xf_subscription *sub)
{
    struct xf_env *env = sub->simple->env;
    struct xf_buf *out = &sub->simple->subscriber.record;
    if (!sub->is_changed || !sub->simple->dialogs)
        return;
    bool is_over = sub->state == XF_SUBSCRIPTION_ENDED;
    sub->is_changed = false;
    sub->is_owing = sub->tell != 0;
    if (sub->state == XF_SUBSCRIPTION_ENDING || (is_over && !sub->tell)) {
        xf_subscription_unsave(sub);
        return;
    }
    int64_t now_s = env->unix_s(env);
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    put(&draft, VERSION, 1);
    put(&draft, flags_of(sub), 1);
    put(&draft, is_over ? IS_OVER : sub->state == XF_SUBSCRIPTION_ACTIVE ? IS_ACTIVE : RESTS, 1);
    put(&draft, to_unix(env, now_s, sub->seen_ms), 8);
    put(&draft, to_unix(env, now_s, sub->expires_ms), 8);
    put(&draft, to_unix(env, now_s, sub->due_ms), 8);
    put(&draft, sub->expires_s, 4);
    put(&draft, sub->dialog_len, 2);
    xf_draft_append(&draft, sub->dialog, sub->dialog_len);
    put(&draft, sub->payload_len, 2);
    xf_draft_append(&draft, sub->payload, sub->payload_len);
    if (xf_draft_end(&draft) != XF_ERR_OK ||
        !xf_dialogs_put(sub->simple->dialogs, key_of(sub), xf_buf_span(out),
                        (now_s + KEPT_S) / DAY_S * DAY_S + DAY_S))
        sub->is_changed = true; /* there may be room later */
}

/* ------------------------------------------------------------------ reading */

struct reader {
    struct xf_span rest;
    bool is_short;
};

static struct xf_span take(struct reader *reader, size_t len)
{
    struct xf_span part = {reader->rest.ptr, len};
    if (len > reader->rest.len) {
        reader->is_short = true;
        return (struct xf_span){"", 0};
    }
    reader->rest.ptr += len;
    reader->rest.len -= len;
    return part;
}

static uint64_t number(struct reader *reader, unsigned bytes)
{
    struct xf_span part = take(reader, bytes);
    uint64_t number = 0;
    for (size_t i = 0; i < part.len; i++)
        number = number << 8 | (unsigned char)part.ptr[i];
    return number;
}

/* Never before the clock began, nor beyond a year. */
static uint64_t to_ms(const struct xf_env *env, int64_t now_s, uint64_t at_s)
{
    uint64_t now_ms = env->clock->now_ms, year_s = 366 * 86400ull;
    if (at_s == 0)
        return UINT64_MAX;
    if (at_s >= (uint64_t)now_s)
        return now_ms + 1000 * (at_s - (uint64_t)now_s < year_s ? at_s - (uint64_t)now_s : year_s);
    uint64_t ago_s = (uint64_t)now_s - at_s;
    return ago_s < now_ms / 1000 ? now_ms - 1000 * ago_s : 0;
}

static char *copy_of(struct xf_span bytes)
{
    return bytes.len ? xf_strndup(bytes.ptr, bytes.len) : NULL;
}

/* Tag and Call-ID are in it; they were ours, and it was for this pair. */
static bool take_dialog(struct xf_subscription *sub, struct xf_span bytes, uint32_t starts)
{
    struct xf_dialog dialog = {0};
    if (!bytes.len)
        return true;
    if (xf_dialog_unpack(bytes, &dialog) != XF_ERR_OK)
        return false;
    struct xf_map *by_tag = sub->simple->subscriber.by_tag;
    bool is_good = strlen(dialog.local_tag) <= XF_ID_CHARS &&
                   strlen(dialog.call_id) <= XF_ID_CHARS && dialog.local_tag[0] &&
                   !xf_map_find(by_tag, xf_span_of(dialog.local_tag)) &&
                   xf_span_is(xf_simple_domain_of(xf_subscription_user(sub)), dialog.served) &&
                   xf_span_is(xf_simple_domain_of(xf_subscription_contact(sub)), dialog.peer);
    if (!is_good) {
        xf_dialog_fini(&dialog);
        return false;
    }
    memcpy(sub->tag, dialog.local_tag, strlen(dialog.local_tag) + 1);
    memcpy(sub->call_id, dialog.call_id, strlen(dialog.call_id) + 1);
    (void)xf_map_set(by_tag, xf_span_of(sub->tag), sub);
    xf_dialog_skip(&dialog, starts);
    xf_subscription_close(sub, &dialog);
    return true;
}

static void owe(struct xf_subscription *sub, unsigned flags)
{
    unsigned tidings = 0;
    for (size_t i = 0; i < XF_ARRAY_LEN(owed); i++)
        tidings |= flags & owed[i].flag ? owed[i].tidings : 0;
    sub->is_owing = tidings != 0;
    if (tidings)
        xf_subscription_tell(sub, tidings);
}

bool xf_subscription_read(struct xf_subscription *sub, struct xf_span record, uint32_t starts,
                          enum xf_subscription_event *out_event)
{
    struct xf_env *env = sub->simple->env;
    struct reader reader = {.rest = record};
    int64_t now_s = env->unix_s(env);
    bool is_ours = number(&reader, 1) == VERSION;
    unsigned flags = (unsigned)number(&reader, 1);
    unsigned state = (unsigned)number(&reader, 1);
    uint64_t seen_s = number(&reader, 8), expires_s = number(&reader, 8),
             due_s = number(&reader, 8);
    uint32_t least_s = (uint32_t)number(&reader, 4);
    struct xf_span dialog = take(&reader, number(&reader, 2));
    struct xf_span payload = take(&reader, number(&reader, 2));
    if (!is_ours || reader.is_short || reader.rest.len > 0 || seen_s == 0 ||
        !take_dialog(sub, dialog, starts))
        return false;
    sub->wants_answer = flags & WANTS_ANSWER;
    sub->has_state = flags & HAS_STATE;
    sub->is_open = flags & IS_OPEN;
    sub->is_missing = flags & IS_MISSING;
    sub->seen_ms = to_ms(env, now_s, seen_s < (uint64_t)now_s ? seen_s : (uint64_t)now_s);
    sub->expires_ms = to_ms(env, now_s, expires_s);
    sub->due_ms = to_ms(env, now_s, due_s);
    sub->expires_s = least_s;
    sub->requested_s = UINT32_MAX; /* of the request before, which nobody knows any more */
    sub->payload = copy_of(payload);
    sub->payload_len = (uint32_t)payload.len;
    *out_event = state == IS_OVER     ? XF_SUBSCRIPTION_ON_BAR
                 : !dialog.len        ? XF_SUBSCRIPTION_ON_START
                 : state == IS_ACTIVE ? XF_SUBSCRIPTION_ON_ACTIVE
                                      : XF_SUBSCRIPTION_ON_PENDING;
    owe(sub, flags);
    return true;
}
