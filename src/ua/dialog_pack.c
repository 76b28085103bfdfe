/* SPDX-License-Identifier: MIT */
/*
 * dialog_pack.c — dialogs as bytes: a version, two numbers, and the texts in the order of the
 * table, each with its length. Numbers have four bytes, lengths two, most significant first. What
 * nearly every request in a dialog needs is done with the bytes: unpacking allocates each text.
 */
#include <xfed/base/alloc.h>

#include "dialog_priv.h"

#define VERSION     1
#define FIXED_BYTES (1 + 4 + 4)
#define NO_CSEQ     UINT32_MAX /* above XF_SIP_CSEQ_MAX: no request came */

static const size_t texts[] = {
    offsetof(struct xf_dialog, served),     offsetof(struct xf_dialog, peer),
    offsetof(struct xf_dialog, call_id),    offsetof(struct xf_dialog, local_tag),
    offsetof(struct xf_dialog, remote_tag), offsetof(struct xf_dialog, from),
    offsetof(struct xf_dialog, to),         offsetof(struct xf_dialog, target),
    offsetof(struct xf_dialog, route),
};

static char **text_at(struct xf_dialog *dialog, size_t i)
{
    return (char **)(void *)((char *)dialog + texts[i]);
}

static const char *text_of(const struct xf_dialog *dialog, size_t i)
{
    return *(char *const *)(const void *)((const char *)dialog + texts[i]);
}

size_t xf_dialog_packed_bytes(const struct xf_dialog *dialog)
{
    size_t total = FIXED_BYTES;
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        total += 2 + strlen(text_of(dialog, i));
    return total;
}

static void put_number(struct xf_draft *draft, uint32_t number)
{
    const unsigned char bytes[] = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                                   (unsigned char)(number >> 8), (unsigned char)number};
    xf_draft_append(draft, bytes, sizeof(bytes));
}

enum xf_err xf_dialog_pack(const struct xf_dialog *dialog, struct xf_buf *out)
{
    static const unsigned char version = VERSION;
    struct xf_draft draft = xf_draft_begin(out);
    bool is_first = dialog->remote_cseq == XF_SIP_ABSENT;
    xf_draft_append(&draft, &version, 1);
    put_number(&draft, dialog->local_cseq);
    put_number(&draft, is_first ? NO_CSEQ : (uint32_t)dialog->remote_cseq);
    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++) {
        size_t len = strlen(text_of(dialog, i));
        const unsigned char bytes[] = {(unsigned char)(len >> 8), (unsigned char)len};
        xf_draft_append(&draft, bytes, sizeof(bytes));
        xf_draft_append(&draft, text_of(dialog, i), len);
    }
    return xf_draft_end(&draft);
}

static uint32_t take_number(struct xf_span *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes->ptr;
    bytes->ptr += 4;
    bytes->len -= 4;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* NULL: there is none, or it holds a NUL. */
static char *take_text(struct xf_span *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes->ptr;
    if (bytes->len < 2)
        return NULL;
    size_t len = (size_t)at[0] << 8 | at[1];
    if (bytes->len - 2 < len || memchr(bytes->ptr + 2, '\0', len))
        return NULL;
    char *text = xf_strndup(bytes->ptr + 2, len);
    bytes->ptr += 2 + len;
    bytes->len -= 2 + len;
    return text;
}

/* Each URI of a route set is ended by LF, and nothing else holds one. */
static bool is_sound(const struct xf_dialog *dialog)
{
    size_t len = strlen(dialog->route);
    for (size_t i = 0; i + 1 < XF_ARRAY_LEN(texts); i++)
        if (strchr(text_of(dialog, i), '\n'))
            return false;
    return *dialog->target && *dialog->local_tag && (!len || dialog->route[len - 1] == '\n') &&
           dialog->local_cseq <= XF_SIP_CSEQ_MAX && dialog->remote_cseq <= XF_SIP_CSEQ_MAX;
}

enum xf_err xf_dialog_unpack(struct xf_span bytes, struct xf_dialog *out_dialog)
{
    struct xf_dialog dialog = {0};
    bool is_good = bytes.len > FIXED_BYTES && bytes.len <= XF_DIALOG_BYTES_MAX &&
                   (unsigned char)bytes.ptr[0] == VERSION;
    if (!is_good)
        return XF_ERR_BAD_VALUE;
    bytes.ptr++;
    bytes.len--;
    dialog.local_cseq = take_number(&bytes);
    dialog.remote_cseq = take_number(&bytes);
    if (dialog.remote_cseq == NO_CSEQ)
        dialog.remote_cseq = XF_SIP_ABSENT;
    for (size_t i = 0; i < XF_ARRAY_LEN(texts) && is_good; i++)
        is_good = (*text_at(&dialog, i) = take_text(&bytes)) != NULL;
    if (!is_good || bytes.len || !is_sound(&dialog)) {
        xf_dialog_fini(&dialog);
        return XF_ERR_BAD_VALUE;
    }
    xf_dialog_settle_route(&dialog);
    *out_dialog = dialog;
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ as it is packed */

#define REMOTE_CSEQ_AT (1 + 4)

/* Of one that xf_dialog_pack wrote. */
static struct xf_span packed_text(struct xf_span packed, size_t offset)
{
    const unsigned char *at = (const unsigned char *)packed.ptr + FIXED_BYTES;
    for (size_t i = 0; texts[i] != offset; i++)
        at += 2 + ((size_t)at[0] << 8 | at[1]);
    return (struct xf_span){(const char *)at + 2, (size_t)at[0] << 8 | at[1]};
}

#define PACKED(packed, name) packed_text(packed, offsetof(struct xf_dialog, name))

unsigned xf_dialog_look(struct xf_span packed, const struct xf_sip_message *request,
                        bool *out_is_same)
{
    struct xf_span number = {packed.ptr + REMOTE_CSEQ_AT, 4}, target = xf_dialog_target_in(request);
    uint32_t remote_cseq = take_number(&number);
    if (!xf_span_eq(request->call_id, PACKED(packed, call_id)) ||
        !xf_span_eq(request->to.tag, PACKED(packed, local_tag)) ||
        !xf_span_eq(request->from.tag, PACKED(packed, remote_tag)))
        return 481;
    if (remote_cseq != NO_CSEQ && request->cseq.number <= remote_cseq)
        return 500;
    *out_is_same = !request->contact.uri.ptr || xf_span_eq(target, PACKED(packed, target));
    return 0;
}

void xf_dialog_note(char *packed, uint32_t remote_cseq)
{
    for (unsigned i = 0; i < 4; i++)
        packed[REMOTE_CSEQ_AT + i] = (char)(remote_cseq >> (24 - 8 * i));
}
