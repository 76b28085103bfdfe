/* SPDX-License-Identifier: MIT */
/* chat_out.c — a message of our user, as what a SIP request carries (RFC 7572 section 4). */
#include "chat_priv.h"

#include <xfed/xmpp/ns.h>

#include "document_priv.h"
#include "text_priv.h"

/* Our reader and the cluster limit what a message has; a few of these are enough to choose from. */
struct reading {
    const struct xf_stanza *stanza;
    struct xf_buf *texts;
    bool has_body, has_best_body, has_state, is_typing, is_too_large;
    /* Texts, by their place in `texts`, which moves while it grows; len 0: none. */
    struct {
        size_t at, len;
    } body, subject, thread, lang;
};

/* ------------------------------------------------------------------ the parts of a stanza */

/* CRLF in place of LF, as text/plain has it (RFC 2046 section 4.1.1). */
static void put_body(struct xf_draft *draft, struct xf_span text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        bool has_cr = end && len > 0 && text.ptr[len - 1] == '\r';

        xf_draft_append(draft, text.ptr, has_cr ? len - 1 : len);
        if (!end)
            return;
        xf_draft_str(draft, "\r\n");
        text = (struct xf_span){end + 1, text.len - len - 1};
    }
}

static void read_body(struct reading *reading, const struct xf_elem *body)
{
    struct xf_span lang = xf_interwork_lang(body);
    bool is_best = !lang.ptr || xf_span_eq_nocase(lang, reading->stanza->lang);

    if (body->text.len == 0 || reading->has_best_body || (reading->has_body && !is_best))
        return;
    reading->has_body = true;
    reading->has_best_body = is_best;
    struct xf_draft draft = xf_draft_begin(reading->texts);
    put_body(&draft, body->text);
    reading->body.at = draft.start;
    reading->body.len = xf_draft_len(&draft);
    reading->lang.at = draft.start + reading->body.len;
    xf_draft_span(&draft, lang);
    reading->lang.len = lang.len;
    reading->is_too_large |= xf_draft_end(&draft) != XF_ERR_OK;
}

static void read_subject(struct reading *reading, const struct xf_elem *subject)
{
    char line[XF_IM_SUBJECT_MAX + 1];

    if (reading->subject.len > 0)
        return;
    xf_interwork_show(subject->text, line, sizeof(line));
    reading->subject.at = reading->texts->len;
    reading->subject.len = strlen(line);
    reading->is_too_large |=
        xf_buf_try_append(reading->texts, line, reading->subject.len) != XF_ERR_OK;
}

/* word [ "@" word ] of RFC 3261 section 25.1 */
static bool is_call_id(struct xf_span text)
{
    static const char others[] = "-.!%*_+`'~()<>:\\\"/[]?{}";
    unsigned at_signs = 0;

    if (text.len == 0 || text.len > XF_IM_THREAD_MAX || text.ptr[0] == '@' ||
        text.ptr[text.len - 1] == '@')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        at_signs += c == '@';
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '@' || (c != '\0' && strchr(others, c))))
            return false;
    }
    return at_signs <= 1;
}

static void read_thread(struct reading *reading, const struct xf_elem *thread)
{
    if (reading->thread.len > 0 || !is_call_id(thread->text))
        return;
    reading->thread.at = reading->texts->len;
    reading->thread.len = thread->text.len;
    reading->is_too_large |=
        xf_buf_try_append(reading->texts, thread->text.ptr, thread->text.len) != XF_ERR_OK;
}

/* composing is active, every other state idle (RFC 7573 section 6). */
static void read_state(struct reading *reading, struct xf_span name)
{
    static const char *const idle[] = {"active", "inactive", "paused", "gone"};

    if (xf_span_is(name, "composing"))
        reading->has_state = reading->is_typing = true;
    for (size_t i = 0; i < XF_ARRAY_LEN(idle); i++)
        reading->has_state |= xf_span_is(name, idle[i]);
}

static void read_child(struct reading *reading, const struct xf_stanza_child *child)
{
    struct xf_document *document;
    bool is_body = xf_span_is(child->name, "body");

    if (xf_span_is(child->ns, XF_NS_CHATSTATES)) {
        read_state(reading, child->name);
        return;
    }
    if (child->ns.ptr ||
        !(is_body || xf_span_is(child->name, "subject") || xf_span_is(child->name, "thread")))
        return;
    enum xf_err err = xf_interwork_parse(child->whole, &document);
    if (err != XF_ERR_OK) {
        reading->is_too_large |= is_body && err == XF_ERR_LIMIT;
        return;
    }
    const struct xf_elem *elem = xf_document_root(document);
    if (is_body)
        read_body(reading, elem);
    else if (xf_span_is(child->name, "subject"))
        read_subject(reading, elem);
    else
        read_thread(reading, elem);
    xf_document_free(&document);
}

/* ------------------------------------------------------------------ the whole */

static struct xf_span text_at(const struct reading *reading, size_t at, size_t len)
{
    return len > 0 ? (struct xf_span){xf_buf_ptr(reading->texts) + at, len} : XF_SPAN_NONE;
}

static struct xf_im chat_of(const struct reading *reading)
{
    struct xf_span lang = text_at(reading, reading->lang.at, reading->lang.len);

    if (!reading->has_body)
        return (struct xf_im){.kind = reading->has_state ? XF_IM_TYPING : XF_IM_NOTHING,
                              .is_typing = reading->is_typing,
                              .refresh_s = reading->is_typing ? XF_IM_REFRESH_S : 0};
    if (!lang.ptr && xf_interwork_is_language(reading->stanza->lang))
        lang = reading->stanza->lang;
    return (struct xf_im){.kind = XF_IM_TEXT,
                          .text = text_at(reading, reading->body.at, reading->body.len),
                          .subject = text_at(reading, reading->subject.at, reading->subject.len),
                          .thread = text_at(reading, reading->thread.at, reading->thread.len),
                          .lang = lang};
}

static enum xf_err read_children(const struct xf_stanza *stanza, struct xf_buf *texts,
                                 struct xf_im *out, enum xf_stanza_error *out_error)
{
    struct reading reading = {.stanza = stanza, .texts = texts};
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;

    while (rest.ptr && xf_stanza_next_child(&rest, &child))
        read_child(&reading, &child);
    if (reading.is_too_large || reading.body.len > XF_IM_TEXT_MAX) {
        *out_error = XF_STANZA_ERROR_POLICY_VIOLATION;
        return XF_ERR_REFUSED;
    }
    *out = chat_of(&reading);
    return XF_ERR_OK;
}

enum xf_err xf_im_read_stanza(const struct xf_stanza *stanza, struct xf_buf *texts,
                              struct xf_im *out, enum xf_stanza_error *out_error)
{
    xf_buf_clear(texts);
    if (xf_span_is(stanza->type, "groupchat")) {
        *out_error = XF_STANZA_ERROR_NOT_ACCEPTABLE;
        return XF_ERR_REFUSED;
    }
    if (xf_span_is(stanza->type, "error")) {
        *out = (struct xf_im){.kind = XF_IM_NOTHING};
        return XF_ERR_OK;
    }
    return read_children(stanza, texts, out, out_error);
}

const char *xf_im_write_body(struct xf_draft *draft, const struct xf_im *chat)
{
    if (chat->kind == XF_IM_TYPING) {
        xf_im_write_composing(draft, chat->is_typing);
        return "application/im-iscomposing+xml";
    }
    xf_draft_span(draft, chat->text);
    return "text/plain;charset=UTF-8";
}
