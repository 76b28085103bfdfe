/* SPDX-License-Identifier: MIT */
/*
 * notifier_store.c — dialogs of the process before, from the records of notifier_dialog.c. What our
 * user's presence is nobody knows: our server is asked, and the watcher told when it has answered,
 * or with the next refresh.
 */
#include "notifier_priv.h"

#include <xfed/base/alloc.h>

#define FIXED_BYTES (1 + 1 + 8)

struct record {
    enum xf_notifier_state state;
    int64_t asked_s;
    struct xf_span user, watcher, event_id, packed;
};

/* False: there is none. */
static bool take_text(struct xf_span *bytes, struct xf_span *out)
{
    const unsigned char *at = (const unsigned char *)bytes->ptr;
    if (bytes->len < 2)
        return false;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (bytes->len - 2 < len)
        return false;
    *out = (struct xf_span){bytes->ptr + 2, len};
    *bytes = (struct xf_span){bytes->ptr + 2 + len, bytes->len - 2 - len};
    return true;
}

static bool read_record(struct xf_span bytes, struct record *out)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    uint64_t seconds = 0;
    if (bytes.len < FIXED_BYTES || at[0] != XF_NOTIFIER_RECORD_VERSION ||
        at[1] > XF_NOTIFIER_BLOCKED)
        return false;
    for (size_t i = 2; i < FIXED_BYTES; i++)
        seconds = seconds << 8 | at[i];
    *out = (struct record){.state = (enum xf_notifier_state)at[1], .asked_s = (int64_t)seconds};
    bytes = (struct xf_span){bytes.ptr + FIXED_BYTES, bytes.len - FIXED_BYTES};
    if (!take_text(&bytes, &out->user) || !take_text(&bytes, &out->watcher) ||
        !take_text(&bytes, &out->event_id))
        return false;
    out->packed = bytes;
    return out->event_id.len <= XF_NOTIFIER_EVENT_ID_MAX && out->state != XF_NOTIFIER_NEW &&
           out->asked_s >= 0;
}

/* Do the parts belong together, and does policy still allow the pair? */
static bool is_good(const struct xf_simple *simple, const struct record *record,
                    const struct xf_dialog *value, struct xf_span key)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user, watcher;
    return xf_jid_prepare(record->user, scratch, &user) == XF_ERR_OK &&
           user.full.ptr == record->user.ptr && !user.resource.ptr &&
           xf_span_is(user.domain, value->served) &&
           xf_jid_prepare(record->watcher, scratch, &watcher) == XF_ERR_OK &&
           watcher.full.ptr == record->watcher.ptr && !watcher.resource.ptr &&
           xf_span_is(watcher.domain, value->peer) && strlen(value->local_tag) == XF_ID_CHARS &&
           key.len == 1 + XF_ID_CHARS && memcmp(key.ptr + 1, value->local_tag, XF_ID_CHARS) == 0 &&
           xf_simple_reaches(simple, record->user, watcher.domain, XF_DIRECTION_IN);
}

/* From one time of the calendar, which may have been set, to another; not above a limit. */
static uint64_t ms_until(int64_t from_s, int64_t to_s, int64_t most_s)
{
    if (to_s <= from_s)
        return 0;
    return 1000 * (uint64_t)(to_s - from_s < most_s ? to_s - from_s : most_s);
}

/* A watch of the process before: our user was asked then, and may have decided. */
static struct xf_notifier_watch *watch_of(struct xf_simple *simple, const struct record *record)
{
    struct xf_env *env = simple->env;
    struct xf_notifier_watch *watch = xf_notifier_find(simple, record->user, record->watcher);
    if (watch)
        return watch;
    /* Longer ago is as good: it may be before our clock began. */
    uint64_t age_ms = ms_until(record->asked_s, env->unix_s(env), XF_NOTIFIER_ASK_MS / 1000);
    watch = xf_notifier_new(simple, record->user, record->watcher);
    watch->asked_ms = env->clock->now_ms - age_ms;
    return watch;
}

static void restore(struct xf_simple *simple, const struct record *record,
                    const struct xf_dialog *value, int64_t expires_s)
{
    static const enum xf_notifier_event events[] = {
        [XF_NOTIFIER_ASKED] = XF_NOTIFIER_ON_WAS_ASKED,
        [XF_NOTIFIER_APPROVED] = XF_NOTIFIER_ON_WAS_APPROVED,
        [XF_NOTIFIER_BLOCKED] = XF_NOTIFIER_ON_WAS_BLOCKED,
    };
    struct xf_env *env = simple->env;
    struct xf_notifier_watch *watch = watch_of(simple, record);
    struct xf_notifier_dialog *dialog;
    if (watch->dialog_count >= XF_NOTIFIER_DIALOGS_MAX)
        return;
    dialog = xf_notifier_dialog_new(watch, value, record->event_id);
    dialog->expires_ms =
        env->clock->now_ms + ms_until(env->unix_s(env), expires_s, XF_NOTIFIER_EXPIRES_MAX_S);
    dialog->kept_cseq = value->local_cseq; /* the next number is written first */
    if (watch->state == XF_NOTIFIER_NEW) {
        xf_notifier_fire(watch, events[record->state]);
        if (watch->state == XF_NOTIFIER_ASKED && record->asked_s == 0) {
            watch->asked_ms = env->clock->now_ms;
            xf_notifier_pay_later(watch, XF_NOTIFIER_OWES_SUBSCRIBE);
        }
    }
    xf_notifier_settle(watch);
}

bool xf_notifier_restore(struct xf_simple *simple, struct xf_span key, struct xf_span bytes,
                         int64_t expires_s, uint32_t starts)
{
    struct xf_env *env = simple->env;
    struct record record;
    struct xf_dialog value;
    if (expires_s <= env->unix_s(env) || !read_record(bytes, &record) ||
        xf_dialog_unpack(record.packed, &value) != XF_ERR_OK)
        return false;
    bool is_sound = is_good(simple, &record, &value, key);
    if (is_sound) {
        xf_dialog_skip(&value, starts);
        restore(simple, &record, &value, expires_s);
    }
    xf_dialog_fini(&value);
    return is_sound;
}
