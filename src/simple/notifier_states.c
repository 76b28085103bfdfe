/* SPDX-License-Identifier: MIT */
/*
 * notifier_states.c — the states of a watch and of its dialogs, as tables to be read aloud.
 *
 *   NEW -> ASKED -> APPROVED <-> BLOCKED      what our user has decided
 *          ASKED, APPROVED, BLOCKED -> DENIED
 *
 * APPROVED is forgotten with the last device: servers keep it, and answer the next `subscribe` by
 * themselves (RFC 6121 section 3.1.3). The other states stay for a while (FORGET), so that nobody
 * can ask a user again and again by leaving and coming back.
 *
 *   QUIET -> TELLING <-> OWING                one NOTIFY at a time, always the newest state
 *   ... -> LAST -> ENDING -> GONE             and a last one
 */
#include "notifier_priv.h"

#include <xfed/base/log.h>

/* clang-format off */
#define ROW(in, on, to, action) {XF_NOTIFIER_##in, XF_NOTIFIER_ON_##on, XF_NOTIFIER_##to, XF_MACHINE_ACTION(struct xf_notifier_watch, action)}

static const struct xf_machine_row watch_rows[] = {
    /*  in state   on event  go to      and do */
    ROW(NEW,       ASK,      ASKED,     xf_notifier_ask),
    ROW(NEW,       APPROVE,  NEW,       NULL),            /* the last NOTIFY is under way */
    ROW(NEW,       HIDE,     NEW,       NULL),
    ROW(NEW,       DENY,     NEW,       NULL),
    ROW(NEW,       REFUSE,   NEW,       NULL),
    ROW(NEW,       LEAVE,    NEW,       NULL),            /* a poll, or REFUSE */
    ROW(NEW,       WAS_ASKED,    ASKED,    NULL),
    ROW(NEW,       WAS_APPROVED, APPROVED, xf_notifier_return),
    ROW(NEW,       WAS_BLOCKED,  BLOCKED,  xf_notifier_return),
    ROW(ASKED,     ASK,      ASKED,     xf_notifier_ask),
    ROW(ASKED,     APPROVE,  APPROVED,  xf_notifier_begin),
    ROW(ASKED,     HIDE,     BLOCKED,   xf_notifier_hide),
    ROW(ASKED,     DENY,     DENIED,    xf_notifier_reject),
    ROW(ASKED,     REFUSE,   NEW,       xf_notifier_reject),
    ROW(ASKED,     LEAVE,    ASKED,     NULL),
    ROW(ASKED,     FORGET,   NEW,       NULL),
    ROW(APPROVED,  APPROVE,  APPROVED,  NULL),
    ROW(APPROVED,  HIDE,     BLOCKED,   xf_notifier_hide),
    ROW(APPROVED,  DENY,     DENIED,    xf_notifier_reject),
    ROW(APPROVED,  REFUSE,   NEW,       xf_notifier_expel),   /* policy has changed its mind */
    ROW(APPROVED,  LEAVE,    NEW,       xf_notifier_leave),
    ROW(BLOCKED,   ASK,      BLOCKED,   xf_notifier_ask_for_show), /* as if our server were asked */
    ROW(BLOCKED,   APPROVE,  APPROVED,  xf_notifier_begin),  /* our user thought better of it */
    ROW(BLOCKED,   HIDE,     BLOCKED,   NULL),
    ROW(BLOCKED,   DENY,     DENIED,    xf_notifier_reject),
    ROW(BLOCKED,   REFUSE,   BLOCKED,   xf_notifier_reject), /* as APPROVED, for the watcher */
    ROW(BLOCKED,   LEAVE,    BLOCKED,   xf_notifier_part),
    ROW(BLOCKED,   FORGET,   NEW,       NULL),
    ROW(DENIED,    APPROVE,  NEW,       NULL),            /* the next SUBSCRIBE is answered at once */
    ROW(DENIED,    HIDE,     DENIED,    NULL),
    ROW(DENIED,    DENY,     DENIED,    NULL),
    ROW(DENIED,    REFUSE,   DENIED,    NULL),
    ROW(DENIED,    LEAVE,    DENIED,    NULL),
    ROW(DENIED,    FORGET,   NEW,       NULL),
};
#undef ROW

#define ROW(in, on, to, action)                                                             \
    {XF_NOTIFIER_DIALOG_##in, XF_NOTIFIER_DIALOG_ON_##on, XF_NOTIFIER_DIALOG_##to,          \
     XF_MACHINE_ACTION(struct xf_notifier_dialog, action)}

static const struct xf_machine_row dialog_rows[] = {
    ROW(QUIET,     TELL,     TELLING,   xf_notifier_dialog_send),
    ROW(QUIET,     END,      ENDING,    xf_notifier_dialog_send_last),
    ROW(QUIET,     LOSE,     GONE,      xf_notifier_dialog_part),
    ROW(TELLING,   TELL,     OWING,     NULL),
    ROW(TELLING,   END,      LAST,      NULL),
    ROW(TELLING,   DONE,     QUIET,     NULL),
    ROW(TELLING,   LOSE,     GONE,      xf_notifier_dialog_part),
    ROW(OWING,     TELL,     OWING,     NULL),
    ROW(OWING,     END,      LAST,      NULL),
    ROW(OWING,     DONE,     TELLING,   xf_notifier_dialog_send),
    ROW(OWING,     LOSE,     GONE,      xf_notifier_dialog_part),
    ROW(LAST,      DONE,     ENDING,    xf_notifier_dialog_send_last),
    ROW(LAST,      LOSE,     GONE,      xf_notifier_dialog_part),
    ROW(ENDING,    DONE,     GONE,      xf_notifier_dialog_part),
    ROW(ENDING,    LOSE,     GONE,      xf_notifier_dialog_part),
};
#undef ROW
/* clang-format on */

static const char *const watch_states[] = {XF_NOTIFIER_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const watch_events[] = {XF_NOTIFIER_EVENT_MAP(XF_MACHINE_TITLE)};
static const char *const dialog_states[] = {XF_NOTIFIER_DIALOG_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const dialog_events[] = {XF_NOTIFIER_DIALOG_EVENT_MAP(XF_MACHINE_TITLE)};

static void log_move(const struct xf_notifier_watch *watch, const char *kind, const char *from,
                     const char *on, const char *to)
{
    const struct xf_jid user = xf_notifier_user(watch);
    xf_log(XF_LOG_DEBUG, "sip.watch.moved", XF_SPN("local", user.domain),
           XF_SPN("peer", xf_notifier_peer(watch)), XF_WORD("kind", kind), XF_WORD("from", from),
           XF_WORD("on", on), XF_WORD("to", to));
}

/* ------------------------------------------------------------------ watches */

static void run_watch(void *self, xf_machine_action action)
{
    ((void (*)(struct xf_notifier_watch *))action)(self);
}

static void log_watch(const void *self, const char *from, const char *on, const char *to)
{
    log_move(self, "watch", from, on, to);
}

static void count_watch(void *self)
{
    struct xf_notifier_watch *watch = self;
    bool is_pending = watch->state == XF_NOTIFIER_ASKED;
    if (is_pending != watch->is_pending)
        xf_notifier_limits_count(watch->simple, xf_notifier_peer(watch), 0, is_pending ? 1 : -1);
    watch->is_pending = is_pending;
}

static void check_watch(const void *self, bool has_acted)
{
    const struct xf_notifier_watch *watch = self;
    xf_require(watch->live_count <= watch->dialog_count);
    if (!has_acted)
        return;
    xf_require(watch->is_pending == (watch->state == XF_NOTIFIER_ASKED));
    if (watch->state == XF_NOTIFIER_NEW || watch->state == XF_NOTIFIER_DENIED)
        xf_require(watch->live_count == 0);
    if (watch->is_active)
        xf_require(xf_notifier_is_decided(watch) && watch->live_count > 0);
    if (watch->state == XF_NOTIFIER_BLOCKED)
        xf_require(!xf_notifier_resources_are_open(watch));
}

const struct xf_machine xf_notifier_machine = {
    .name = "watch of a peer's user",
    .states = watch_states,
    .events = watch_events,
    .state_count = XF_ARRAY_LEN(watch_states),
    .event_count = XF_ARRAY_LEN(watch_events),
    .rows = watch_rows,
    .row_count = XF_ARRAY_LEN(watch_rows),
    .run = run_watch,
    .state_at = offsetof(struct xf_notifier_watch, state),
    .first = XF_NOTIFIER_NEW,
    .final = XF_MACHINE_NONE,
    .parting = XF_MACHINE_NONE,
    .log = log_watch,
    .moved = count_watch,
    .check = check_watch,
};

/* ------------------------------------------------------------------ dialogs */

static void run_dialog(void *self, xf_machine_action action)
{
    ((void (*)(struct xf_notifier_dialog *))action)(self);
}

static void log_dialog(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_notifier_dialog *dialog = self;
    log_move(dialog->watch, "dialog", from, on, to);
}

static void check_dialog(const void *self, bool has_acted)
{
    const struct xf_notifier_dialog *dialog = self;
    if (dialog->state == XF_NOTIFIER_DIALOG_QUIET)
        xf_require(!dialog->client);
    if (has_acted && dialog->state == XF_NOTIFIER_DIALOG_TELLING)
        xf_require(dialog->client);
}

const struct xf_machine xf_notifier_dialog_machine = {
    .name = "dialog of a watch",
    .states = dialog_states,
    .events = dialog_events,
    .state_count = XF_ARRAY_LEN(dialog_states),
    .event_count = XF_ARRAY_LEN(dialog_events),
    .rows = dialog_rows,
    .row_count = XF_ARRAY_LEN(dialog_rows),
    .run = run_dialog,
    .state_at = offsetof(struct xf_notifier_dialog, state),
    .first = XF_NOTIFIER_DIALOG_QUIET,
    .final = XF_NOTIFIER_DIALOG_GONE,
    .parting = XF_NOTIFIER_DIALOG_GONE,
    .log = log_dialog,
    .check = check_dialog,
};
