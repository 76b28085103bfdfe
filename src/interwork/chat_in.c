/* SPDX-License-Identifier: MIT */
/*
 * chat_in.c — what a SIP request of the peer carries, as a message (RFC 7572 section 5).
 *
 * A body goes through up to three steps: the best part of a multipart one is found (multipart.c),
 * its characters become UTF-8, markup is taken off (html.c). What comes out is cleaned for XML.
 */
#include "chat_priv.h"

#include <xfed/base/utf8.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#include "text_priv.h"

/* ------------------------------------------------------------------ character sets */

static bool is_one_of(struct xf_span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (xf_span_eq_nocase(name, xf_span_of(names[i])))
            return true;
    }
    return false;
}

static enum xf_err put_latin1(struct xf_buf *out, struct xf_span text)
{
    struct xf_draft draft = xf_draft_begin(out);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char two[2] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};

        if (c < 0x80)
            xf_draft_append(&draft, text.ptr + i, 1);
        else
            xf_draft_append(&draft, two, sizeof(two));
    }
    return xf_draft_end(&draft);
}

/*
 * The content of a part in UTF-8, in `scratch` if it was in another one. A text in US-ASCII may be
 * in UTF-8: peers send so. Returns 0 or a status.
 */
static unsigned decode(const struct xf_im_part *part, struct xf_buf *scratch,
                       struct xf_span *out_text)
{
    static const char *const unicode[] = {"utf-8", "utf8", "us-ascii", "ascii"}, *const latin1[] = {
                                                                                     "iso-8859-1",
                                                                                     "latin1"};

    if (is_one_of(part->charset, latin1, XF_ARRAY_LEN(latin1))) {
        xf_buf_clear(scratch);
        *out_text = XF_SPAN_NONE;
        if (put_latin1(scratch, part->content) != XF_ERR_OK)
            return 413;
        *out_text = xf_buf_span(scratch);
        return 0;
    }
    if (part->charset.ptr && !is_one_of(part->charset, unicode, XF_ARRAY_LEN(unicode)))
        return 415;
    *out_text = part->content;
    return xf_utf8_valid(part->content.ptr, part->content.len) ? 0 : 400;
}

/* ------------------------------------------------------------------ texts */

static enum xf_err put_html(struct xf_draft *draft, struct xf_span html)
{
    struct xf_buf plain;
    struct xf_draft text;

    xf_buf_init(&plain, XF_IM_TEXT_MAX);
    text = xf_draft_begin(&plain);
    xf_im_html_text(&text, html);
    enum xf_err err = xf_draft_end(&text);
    if (err == XF_ERR_OK)
        xf_interwork_put_lines(draft, xf_buf_span(&plain));
    xf_buf_release(&plain);
    return err;
}

static unsigned put_part(struct xf_draft *draft, const struct xf_im_part *part,
                         struct xf_buf *scratch)
{
    struct xf_span text;
    unsigned status = decode(part, scratch, &text);

    if (status != 0)
        return status;
    if (part->is_html)
        return put_html(draft, text) == XF_ERR_OK ? 0 : 413;
    xf_interwork_put_lines(draft, text);
    return 0;
}

/* Subject and thread, behind the text. `at` notes where each one begins. */
static void put_headers(struct xf_draft *draft, const struct xf_sip_message *message, size_t at[3])
{
    char line[XF_IM_SUBJECT_MAX + 1];

    at[0] = xf_draft_len(draft);
    xf_interwork_show(xf_sip_value(message, XF_SIP_H_SUBJECT), line, sizeof(line));
    xf_draft_str(draft, line);
    at[1] = xf_draft_len(draft);
    if (message->call_id.len <= XF_IM_THREAD_MAX)
        xf_interwork_put_lines(draft, message->call_id);
    at[2] = xf_draft_len(draft);
}

static struct xf_span between(const struct xf_buf *texts, size_t from, size_t to)
{
    return to > from ? (struct xf_span){xf_buf_ptr(texts) + from, to - from} : XF_SPAN_NONE;
}

static struct xf_span language_of(const struct xf_sip_message *message)
{
    struct xf_sip_values values = xf_sip_values_begin(message, XF_SIP_H_CONTENT_LANGUAGE);
    struct xf_span lang;

    return xf_sip_values_next(&values, &lang) && xf_interwork_is_language(lang) ? lang
                                                                                : XF_SPAN_NONE;
}

static unsigned read_text(const struct xf_sip_message *message, const struct xf_im_part *part,
                          struct xf_buf *scratch, struct xf_buf *texts, struct xf_im *out)
{
    struct xf_draft draft = xf_draft_begin(texts);
    size_t at[3];
    unsigned status = put_part(&draft, part, scratch);

    put_headers(&draft, message, at);
    if (xf_draft_end(&draft) != XF_ERR_OK && status == 0)
        return 413;
    if (status != 0)
        return status;
    *out = (struct xf_im){.kind = at[0] > 0 ? XF_IM_TEXT : XF_IM_NOTHING,
                          .text = between(texts, 0, at[0]),
                          .subject = between(texts, at[0], at[1]),
                          .thread = between(texts, at[1], at[2]),
                          .lang = language_of(message)};
    return 0;
}

/* ------------------------------------------------------------------ bodies */

bool xf_im_media_is(const struct xf_sip_media *media, const char *type, const char *subtype)
{
    return xf_span_eq_nocase(media->type, xf_span_of(type)) &&
           xf_span_eq_nocase(media->subtype, xf_span_of(subtype));
}

static unsigned read_composing(struct xf_span body, struct xf_im *out)
{
    struct xf_im chat = {.kind = XF_IM_TYPING};

    if (!xf_im_read_composing(body, &chat))
        return 400;
    *out = chat;
    return 0;
}

/* The part that is shown; returns 0 or a status. */
static unsigned find_part(const struct xf_sip_message *message, struct xf_buf *scratch,
                          struct xf_im_part *out_part)
{
    const struct xf_sip_media *media = &message->content_type;
    bool is_html = xf_im_media_is(media, "text", "html");

    if (xf_span_eq_nocase(media->type, XF_SPAN("multipart"))) {
        if (xf_im_find_part(media, message->body, scratch, out_part) != XF_ERR_OK)
            return 400;
        return out_part->content.ptr ? 0 : 415;
    }
    *out_part = (struct xf_im_part){
        .content = message->body, .charset = media->charset, .is_html = is_html};
    return !media->type.ptr || is_html || xf_im_media_is(media, "text", "plain") ? 0 : 415;
}

static unsigned read_body(const struct xf_sip_message *message, struct xf_buf *texts,
                          struct xf_im *out)
{
    struct xf_im_part part;
    struct xf_buf charset, scratch;

    if (xf_im_media_is(&message->content_type, "application", "im-iscomposing+xml"))
        return read_composing(message->body, out);
    xf_buf_init(&charset, XF_IM_HEADER_MAX);
    xf_buf_init(&scratch, 2 * XF_IM_TEXT_MAX);
    unsigned status = find_part(message, &charset, &part);
    if (status == 0)
        status = read_text(message, &part, &scratch, texts, out);
    xf_buf_release(&charset);
    xf_buf_release(&scratch);
    return status;
}

unsigned xf_im_read_request(const struct xf_sip_message *message, struct xf_buf *texts,
                            struct xf_im *out)
{
    xf_buf_clear(texts);
    if (message->body.len == 0) {
        *out = (struct xf_im){.kind = XF_IM_NOTHING};
        return 0;
    }
    if (message->body.len > XF_IM_TEXT_MAX)
        return 413;
    return xf_sip_is_encoded(message) ? 415 : read_body(message, texts, out);
}

/* ------------------------------------------------------------------ the stanza */

static void put_element(struct xf_draft *draft, const char *name, struct xf_span text)
{
    if (!text.ptr)
        return;
    xf_draft_printf(draft, "<%s>", name);
    xf_xml_text(draft, text);
    xf_draft_printf(draft, "</%s>", name);
}

void xf_im_write_stanza(struct xf_draft *draft, const struct xf_im *chat)
{
    if (chat->kind == XF_IM_TYPING) {
        xf_draft_printf(draft, "<%s xmlns=\"" XF_NS_CHATSTATES "\"/>",
                        chat->is_typing ? "composing" : "active");
        return;
    }
    put_element(draft, "subject", chat->subject);
    put_element(draft, "body", chat->text);
    put_element(draft, "thread", chat->thread);
}
