/* SPDX-License-Identifier: MIT */
/*
 * notifier_dialog.c — dialogs of watches as bytes: in memory, and in the store a record for each,
 * under "n" and our tag.
 *
 *     version, state of the watch (a byte each), when our user was asked (Unix time, 8 bytes; 0:
 *     not yet, since the link was down), then the user, the watcher and the id of Event, each
 *     with its length (2 bytes), and the dialog
 *
 * A record is not written at each NOTIFY: it has the last CSeq of a block, and the next process
 * begins behind that (gaps are allowed, RFC 3261 section 12.2.1.1).
 */
#include "notifier_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>

#define CSEQ_BLOCK 64
#define KEY_BYTES  (1 + XF_ID_CHARS + 1)

/* ------------------------------------------------------------------ in memory */

void xf_notifier_dialog_put(struct xf_notifier_dialog *dialog, const struct xf_dialog *value,
                            const char *event_id)
{
    struct xf_buf *packed = &dialog->watch->simple->notifier->packed;
    size_t id_bytes = strlen(event_id) + 1;
    xf_buf_clear(packed);
    /* It was small enough when it was made, and only grows by what xf_dialog_refresh checks. */
    xf_require(xf_dialog_pack(value, packed) == XF_ERR_OK);
    dialog->packed = xf_realloc(dialog->packed, packed->len + id_bytes); /* mostly as it was */
    memcpy(dialog->packed, xf_buf_ptr(packed), packed->len);
    memcpy(dialog->packed + packed->len, event_id, id_bytes);
    dialog->packed_len = (uint32_t)packed->len;
}

const char *xf_notifier_dialog_event_id(const struct xf_notifier_dialog *dialog)
{
    return dialog->packed + dialog->packed_len;
}

void xf_notifier_dialog_pack(struct xf_notifier_dialog *dialog, const struct xf_dialog *value)
{
    char id[XF_NOTIFIER_EVENT_ID_MAX + 1];
    (void)snprintf(id, sizeof(id), "%s", xf_notifier_dialog_event_id(dialog));
    xf_notifier_dialog_put(dialog, value, id);
}

void xf_notifier_dialog_unpack(const struct xf_notifier_dialog *dialog, struct xf_dialog *out_value)
{
    struct xf_span bytes = {dialog->packed, dialog->packed_len};
    xf_require(xf_dialog_unpack(bytes, out_value) == XF_ERR_OK);
}

/* ------------------------------------------------------------------ in the store */

static struct xf_span key_of(const struct xf_notifier_dialog *dialog, char out[KEY_BYTES])
{
    (void)snprintf(out, KEY_BYTES, "n%s", dialog->tag);
    return xf_span_of(out);
}

static void put_text(struct xf_draft *draft, struct xf_span text)
{
    const unsigned char len[] = {(unsigned char)(text.len >> 8), (unsigned char)text.len};
    xf_draft_append(draft, len, sizeof(len));
    xf_draft_span(draft, text);
}

static void put_time(struct xf_draft *draft, int64_t seconds)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)((uint64_t)seconds >> (56 - 8 * i));
    xf_draft_append(draft, bytes, sizeof(bytes));
}

/*
 * Whenever the record is written in a block, it says the same: the number with which the next
 * process begins must not show the watcher that our user decided something.
 */
static uint32_t end_of_block(uint32_t cseq)
{
    return cseq <= XF_SIP_CSEQ_MAX - CSEQ_BLOCK ? (cseq + CSEQ_BLOCK - 1) / CSEQ_BLOCK * CSEQ_BLOCK
                                                : XF_SIP_CSEQ_MAX;
}

/* XF_ERR_LIMIT: it is too large. */
static enum xf_err write_record(struct xf_notifier_dialog *dialog, struct xf_dialog *value,
                                struct xf_buf *out)
{
    const struct xf_notifier_watch *watch = dialog->watch;
    struct xf_env *env = watch->simple->env;
    const unsigned char head[] = {XF_NOTIFIER_RECORD_VERSION, (unsigned char)watch->state};
    uint64_t age_ms = env->clock->now_ms - watch->asked_ms;
    value->local_cseq = end_of_block(value->local_cseq);
    dialog->kept_cseq = value->local_cseq;
    xf_buf_clear(out);
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_append(&draft, head, sizeof(head));
    put_time(&draft, watch->owes & XF_NOTIFIER_OWES_SUBSCRIBE
                         ? 0
                         : env->unix_s(env) - (int64_t)(age_ms / 1000));
    put_text(&draft, watch->user);
    put_text(&draft, watch->watcher);
    put_text(&draft, xf_span_of(xf_notifier_dialog_event_id(dialog)));
    if (xf_draft_end(&draft) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return xf_dialog_pack(value, out);
}

void xf_notifier_dialog_keep(struct xf_notifier_dialog *dialog)
{
    struct xf_simple *simple = dialog->watch->simple;
    struct xf_env *env = simple->env;
    struct xf_buf *record = &simple->notifier->record;
    struct xf_dialog value;
    char key[KEY_BYTES];
    if (!simple->dialogs)
        return;
    uint64_t now_ms = env->clock->now_ms;
    uint64_t left_ms = dialog->expires_ms > now_ms ? dialog->expires_ms - now_ms : 0;
    xf_notifier_dialog_unpack(dialog, &value);
    if (write_record(dialog, &value, record) == XF_ERR_OK)
        (void)xf_dialogs_put(simple->dialogs, key_of(dialog, key), xf_buf_span(record),
                             env->unix_s(env) + (int64_t)(left_ms / 1000));
    xf_dialog_fini(&value);
}

void xf_notifier_keep(struct xf_notifier_watch *watch)
{
    XF_LIST_EACH (node, &watch->dialogs) {
        struct xf_notifier_dialog *dialog = XF_CONTAINER(node, struct xf_notifier_dialog, node);
        if (xf_notifier_dialog_is_live(dialog))
            xf_notifier_dialog_keep(dialog);
    }
}

void xf_notifier_dialog_drop(const struct xf_notifier_dialog *dialog)
{
    char key[KEY_BYTES];
    xf_dialogs_remove(dialog->watch->simple->dialogs, key_of(dialog, key));
}
