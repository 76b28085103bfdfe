/* SPDX-License-Identifier: MIT */
/*
 * in_elements.c — what an accepted stream does with each element that the peer sends, and when: a
 * table to be read aloud. Stanzas go to in_gate.c instead.
 *
 * The table goes by how far the stream has come and by the name of the element. The handlers check
 * what depends on values: settings of the peer, its certificate, attributes, what was claimed
 * before. To take another element: give it a row here, an answer in in_priv.h with its handler
 * below, and a place in tests/unit/s2s/test_elements.c for each phase.
 */
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

struct row {
    const char *ns, *name; /* name NULL: any other in the namespace */
    bool is_answer;        /* fits only with an attribute `type`: it answers a question */
    enum xf_in_answer answers[XF_IN_PHASE_COUNT];
};

/* clang-format off */
#define CELLS(a, b, c, d, e, f) {XF_IN_DO_##a, XF_IN_DO_##b, XF_IN_DO_##c, XF_IN_DO_##d, XF_IN_DO_##e, XF_IN_DO_##f}
#define ROW(ns, name, ...) {XF_NS_##ns, name, false, CELLS(__VA_ARGS__)}
#define ANSWER(ns, ...) {XF_NS_##ns, NULL, true, CELLS(__VA_ARGS__)}

/*
 * The first row that fits counts; an element that fits none is ignored.
 * DIALBACK: XEP-0220. TLS and SASL: RFC 6120 §5 and §6. COMPRESS: XEP-0138 §3. BIDI: XEP-0288. STREAM: also a second <stream>.
 * SERVER: anything but a stanza (RFC 6120 §4.9.3.24). CLIENT: stanzas in the namespace of clients, which would be lost in silence.
 */
static const struct row rows[] = {
    /*  element                 HEADER_DUE      PLAIN           PLAIN_PAIRED    TLS            TLS_PAIRED      AUTH */
    ANSWER(DIALBACK,            NOT_AUTHORIZED, UNASKED,        UNASKED,        UNASKED,       UNASKED,        UNASKED),
    ROW(DIALBACK, "result",     NOT_AUTHORIZED, RESULT,         RESULT,         RESULT,        RESULT,         RESULT),
    ROW(DIALBACK, "verify",     NOT_AUTHORIZED, VERIFY,         VERIFY,         VERIFY,        VERIFY,         VERIFY),
    ROW(DIALBACK, NULL,         NOT_AUTHORIZED, IGNORE,         IGNORE,         IGNORE,        IGNORE,         IGNORE),
    ROW(TLS,      "starttls",   NO_STARTTLS,    STARTTLS,       NO_STARTTLS,    NO_STARTTLS,   NO_STARTTLS,    NO_STARTTLS),
    ROW(SASL,     "auth",       SASL_NOT_DUE,   SASL_IN_CLEAR,  SASL_NOT_DUE,   SASL_AUTH,     SASL_NOT_DUE,   SASL_NOT_DUE),
    ROW(SASL,     "response",   SASL_NOT_DUE,   SASL_NOT_DUE,   SASL_NOT_DUE,   SASL_RESPONSE, SASL_NOT_DUE,   SASL_NOT_DUE),
    ROW(SASL,     "abort",      SASL_NOT_DUE,   SASL_ABORT,     SASL_NOT_DUE,   SASL_ABORT,    SASL_NOT_DUE,   SASL_NOT_DUE),
    ROW(SASL,     NULL,         SASL_NOT_DUE,   SASL_NOT_DUE,   SASL_NOT_DUE,   SASL_NOT_DUE,  SASL_NOT_DUE,   SASL_NOT_DUE),
    ROW(COMPRESS, "compress",   NO_COMPRESSION, NO_COMPRESSION, NO_COMPRESSION, NO_COMPRESSION,NO_COMPRESSION, NO_COMPRESSION),
    ROW(BIDI,     "bidi",       BIDI_EARLY,     BIDI,           BIDI_LATE,      BIDI,          BIDI_LATE,      BIDI_LATE),
    ROW(SM,       "enable",     NOT_AUTHORIZED, SM_EARLY,       SM_ENABLE,      SM_EARLY,      SM_ENABLE,      SM_ENABLE),
    ROW(SM,       "resume",     NOT_AUTHORIZED, SM_EARLY,       SM_EARLY,       SM_EARLY,      SM_EARLY,       SM_RESUME),
    ROW(SM,       NULL,         IGNORE,         IGNORE,         SM,             IGNORE,        SM,             SM),
    ROW(STREAM,   NULL,         UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,   UNSUPPORTED,    UNSUPPORTED),
    ROW(SERVER,   NULL,         UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,   UNSUPPORTED,    UNSUPPORTED),
    ROW(CLIENT,   NULL,         UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,    UNSUPPORTED,   UNSUPPORTED,    UNSUPPORTED),
};
/* clang-format on */

/* ------------------------------------------------------------------ refusals */

/* An extension that we did not offer: the peer gets no answer (ejabberd #4300). */
static void ignore(struct xf_in *in, const struct xf_elem *elem)
{
    (void)in, (void)elem;
}

/* An answer to a dialback question, but we ask none on a stream that the peer opened. */
static void log_unasked(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_in_log(in, XF_LOG_WARN, "dialback.answer.ignored", XF_STR("local", in->local),
              XF_STR("peer", in->peer), XF_WORD("reason", "not-asked"));
}

static void refuse_compression(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_stream_send(&in->stream,
                   "<failure xmlns='" XF_NS_COMPRESS "'><unsupported-method/></failure>");
}

static void fail_not_authorized(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_in_fail(in, XF_STREAM_ERROR_NOT_AUTHORIZED, XF_HELP_PROTOCOL_ERROR, NULL);
}

static void fail_unsupported(struct xf_in *in, const struct xf_elem *elem)
{
    xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_STANZA_TYPE, XF_HELP_PROTOCOL_ERROR,
               xf_span_is(elem->ns, XF_NS_CLIENT) ? XF_TEXT_CLIENT_STANZA : NULL);
}

/* ------------------------------------------------------------------ dispatch */

static void (*const handlers[])(struct xf_in *in, const struct xf_elem *elem) = {
    [XF_IN_DO_IGNORE] = ignore,
    [XF_IN_DO_UNASKED] = log_unasked,
    [XF_IN_DO_NOT_AUTHORIZED] = fail_not_authorized,
    [XF_IN_DO_UNSUPPORTED] = fail_unsupported,
    [XF_IN_DO_NO_COMPRESSION] = refuse_compression,
    [XF_IN_DO_NO_STARTTLS] = xf_in_refuse_starttls,
    [XF_IN_DO_SASL_NOT_DUE] = xf_in_sasl_not_due,
    [XF_IN_DO_SASL_IN_CLEAR] = xf_in_sasl_in_clear,
    [XF_IN_DO_BIDI_EARLY] = xf_in_bidi_early,
    [XF_IN_DO_BIDI_LATE] = xf_in_bidi_late,
    [XF_IN_DO_RESULT] = xf_in_dialback_result,
    [XF_IN_DO_VERIFY] = xf_in_dialback_verify,
    [XF_IN_DO_STARTTLS] = xf_in_starttls,
    [XF_IN_DO_SASL_AUTH] = xf_in_sasl_auth,
    [XF_IN_DO_SASL_RESPONSE] = xf_in_sasl_response,
    [XF_IN_DO_SASL_ABORT] = xf_in_sasl_abort,
    [XF_IN_DO_BIDI] = xf_in_bidi,
    [XF_IN_DO_SM_ENABLE] = xf_in_sm_enable,
    [XF_IN_DO_SM_RESUME] = xf_in_sm_resume,
    [XF_IN_DO_SM_EARLY] = xf_in_sm_early,
    [XF_IN_DO_SM] = xf_in_sm,
};

enum xf_in_phase xf_in_phase_of(const struct xf_in *in)
{
    bool is_paired = in->valid_pairs > 0;
    if (!in->is_open)
        return XF_IN_HEADER_DUE;
    switch (in->pass) {
    case XF_PASS_PLAIN:
        return is_paired ? XF_IN_PLAIN_PAIRED : XF_IN_PLAIN;
    case XF_PASS_TLS:
        return is_paired ? XF_IN_TLS_PAIRED : XF_IN_TLS;
    case XF_PASS_AUTH:
        break;
    }
    return XF_IN_AUTH;
}

static bool fits(const struct row *row, const struct xf_elem *elem)
{
    return xf_span_is(elem->ns, row->ns) && (!row->name || xf_span_is(elem->name, row->name)) &&
           (!row->is_answer || xf_elem_attr(elem, "type").ptr);
}

enum xf_in_answer xf_in_answer_to(enum xf_in_phase phase, const struct xf_elem *elem)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++)
        if (fits(&rows[i], elem))
            return rows[i].answers[phase];
    return XF_IN_DO_IGNORE;
}

void xf_in_element(struct xf_in *in, const struct xf_elem *elem)
{
    handlers[xf_in_answer_to(xf_in_phase_of(in), elem)](in, elem);
}
