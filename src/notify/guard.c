/* SPDX-License-Identifier: MIT */
/*
 * guard.c — which messages are from operators, and how many they may send.
 *
 * The server of our account stamps `from`, so a message is from whom it says, or that server lies.
 * A JID counts only when it is an operator's in its prepared form: one that merely looks like it
 * prepares to something else. Whoever is no operator gets no answer, not even an error.
 */
#include "notify_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/utf8.h>

#define LINE_EVERY_MS 60000

void xf_guard_init(struct xf_guard *guard, const struct xf_texts *operators)
{
    *guard = (struct xf_guard){.operators = operators};
    guard->allowances = xf_alloc((operators->count + 1) * sizeof(*guard->allowances));
    for (size_t i = 0; i < operators->count; i++)
        guard->allowances[i] = (struct xf_allowance){.left = XF_GUARD_BURST};
}

void xf_guard_release(struct xf_guard *guard)
{
    xf_free(guard->allowances);
}

/* The number of operators when it is none of them. */
static size_t operator_of(const struct xf_guard *guard, const char *from)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    size_t count = guard->operators->count;
    if (!xf_utf8_valid(from, strlen(from)) ||
        xf_jid_prepare(xf_span_of(from), scratch, &jid) != XF_ERR_OK)
        return count;
    for (size_t i = 0; i < count; i++)
        if (xf_span_is(xf_jid_bare(&jid), guard->operators->item[i]))
            return i;
    return count;
}

static void fill(struct xf_allowance *allowance, uint64_t now_ms)
{
    uint64_t more = (now_ms - allowance->filled_ms) / XF_GUARD_EVERY_MS;
    if (more == 0)
        return;
    allowance->filled_ms += more * XF_GUARD_EVERY_MS;
    allowance->left =
        more < XF_GUARD_BURST - allowance->left ? allowance->left + (unsigned)more : XF_GUARD_BURST;
    allowance->was_told = allowance->was_told && allowance->left < XF_GUARD_BURST;
}

static enum xf_guard_ruling ignore(const char *reason, const char **out_reason)
{
    *out_reason = reason;
    return XF_GUARD_IGNORE;
}

enum xf_guard_ruling xf_guard_judge(struct xf_guard *guard, const struct xf_notice_message *message,
                                    uint64_t now_ms, const char **out_reason)
{
    bool is_chat = !message->type || strcmp(message->type, "chat") == 0 ||
                   strcmp(message->type, "normal") == 0;
    if (!is_chat)
        return ignore("type", out_reason);
    if (message->is_copy)
        return ignore("copy", out_reason);
    if (!message->body)
        return ignore("no-body", out_reason);
    size_t who = message->from ? operator_of(guard, message->from) : guard->operators->count;
    if (who == guard->operators->count)
        return ignore("not-an-operator", out_reason);
    struct xf_allowance *allowance = &guard->allowances[who];
    fill(allowance, now_ms);
    if (allowance->left > 0) {
        allowance->left--;
        return XF_GUARD_PASS;
    }
    if (allowance->was_told)
        return ignore("too-many", out_reason);
    allowance->was_told = true;
    return XF_GUARD_SLOW;
}

void xf_guard_log(struct xf_guard *guard, const char *reason, uint64_t now_ms)
{
    if (now_ms < guard->next_line_ms) {
        guard->suppressed++;
        return;
    }
    xf_log(XF_LOG_INFO, "notify.message.ignored", XF_WORD("reason", reason),
           XF_INT("suppressed", guard->suppressed));
    guard->suppressed = 0;
    guard->next_line_ms = now_ms + LINE_EVERY_MS;
}
