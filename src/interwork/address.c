/* SPDX-License-Identifier: MIT */
/*
 * address.c — a JID as a SIP address and back.
 *
 * Out: XEP-0106 undone, then percent-encoded. In: percent-decoded, then XEP-0106, and the JID that
 * this makes is prepared like any other (RFC 7247 section 6.4, steps 3 to 8).
 */
#include <xfed/interwork/address.h>

#include <xfed/base/draft.h>

#include "address_priv.h"
#include "jid_escape_priv.h"

/* A user part of 4 KiB, each byte escaped: what is longer makes no legal JID. */
#define TEXT_MAX_BYTES (16u << 10)

/* ------------------------------------------------------------------ out */

static void put_encoded(struct xf_draft *draft, struct xf_span text,
                        enum xf_err (*encode)(struct xf_span text, struct xf_buf *out))
{
    if (!draft->is_short)
        draft->is_short = encode(text, draft->out) != XF_ERR_OK;
}

static void put_local(struct xf_draft *draft, struct xf_span local)
{
    struct xf_buf plain;
    struct xf_draft undone;

    xf_buf_init(&plain, XF_JID_PART_MAX);
    undone = xf_draft_begin(&plain);
    xf_interwork_unescape(&undone, local);
    xf_require(xf_draft_end(&undone) == XF_ERR_OK); /* never longer than the local part */
    put_encoded(draft, xf_buf_span(&plain), xf_sip_user_encode);
    xf_buf_release(&plain);
}

static void put_user(struct xf_draft *draft, const struct xf_jid *jid)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];

    if (jid->local.ptr) {
        put_local(draft, jid->local);
        xf_draft_str(draft, "@");
    }
    xf_require(xf_domain_to_ascii(jid->domain, host) == XF_ERR_OK); /* it is prepared */
    xf_draft_str(draft, host);
}

enum xf_err xf_interwork_write_user(struct xf_buf *out, const struct xf_jid *jid)
{
    struct xf_draft draft = xf_draft_begin(out);

    put_user(&draft, jid);
    return xf_draft_end(&draft);
}

enum xf_err xf_interwork_write_uri(struct xf_buf *out, const struct xf_jid *jid)
{
    struct xf_draft draft = xf_draft_begin(out);

    xf_draft_str(&draft, "sip:");
    put_user(&draft, jid);
    if (jid->resource.ptr) {
        xf_draft_str(&draft, ";gr=");
        put_encoded(&draft, jid->resource, xf_sip_param_encode);
    }
    return xf_draft_end(&draft);
}

/* ------------------------------------------------------------------ in */

static enum xf_err put_decoded_local(struct xf_buf *out, struct xf_span user)
{
    struct xf_buf plain;

    xf_buf_init(&plain, TEXT_MAX_BYTES);
    enum xf_err err = xf_sip_user_decode(user, &plain);
    if (err == XF_ERR_OK) {
        struct xf_draft draft = xf_draft_begin(out);

        xf_interwork_escape(&draft, xf_buf_span(&plain));
        xf_draft_str(&draft, "@");
        err = xf_draft_end(&draft);
    }
    xf_buf_release(&plain);
    return err;
}

static enum xf_err put_host(struct xf_buf *out, const struct xf_sip_uri *uri)
{
    struct xf_draft draft = xf_draft_begin(out);

    xf_draft_str(&draft, uri->is_ipv6 ? "[" : "");
    xf_draft_span(&draft, uri->host);
    xf_draft_str(&draft, uri->is_ipv6 ? "]" : "");
    return xf_draft_end(&draft);
}

static enum xf_err put_resource(struct xf_buf *out, const struct xf_sip_uri *uri)
{
    struct xf_span gr;

    if (!xf_sip_uri_param(uri, "gr", &gr) || !gr.ptr)
        return XF_ERR_OK;
    if (xf_buf_try_append(out, "/", 1) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return xf_sip_param_decode(gr, out);
}

static enum xf_err put_jid(struct xf_buf *out, const struct xf_sip_uri *uri)
{
    enum xf_err err = uri->user.ptr ? put_decoded_local(out, uri->user) : XF_ERR_OK;

    if (err == XF_ERR_OK)
        err = put_host(out, uri);
    return err == XF_ERR_OK ? put_resource(out, uri) : err;
}

void xf_interwork_keep_jid(struct xf_jid *jid, char storage[XF_JID_MAX + 1])
{
    const char *from = jid->full.ptr;

    memmove(storage, from, jid->full.len);
    storage[jid->full.len] = '\0';
    jid->full.ptr = storage;
    jid->domain.ptr = storage + (jid->domain.ptr - from);
    if (jid->local.ptr)
        jid->local.ptr = storage + (jid->local.ptr - from);
    if (jid->resource.ptr)
        jid->resource.ptr = storage + (jid->resource.ptr - from);
}

static enum xf_err read_jid(const struct xf_sip_uri *uri, char storage[XF_JID_MAX + 1],
                            struct xf_jid *out_jid)
{
    struct xf_jid jid;
    struct xf_buf text;

    xf_buf_init(&text, TEXT_MAX_BYTES);
    enum xf_err err = put_jid(&text, uri);
    if (err == XF_ERR_OK)
        err = xf_jid_prepare(xf_buf_span(&text), storage, &jid);
    if (err == XF_ERR_OK) {
        xf_interwork_keep_jid(&jid, storage);
        *out_jid = jid;
    }
    xf_buf_release(&text);
    return err;
}

unsigned xf_interwork_read_uri(const struct xf_sip_uri *uri, bool accepts_sips,
                               char storage[XF_JID_MAX + 1], struct xf_jid *out_jid)
{
    if (uri->scheme == XF_SIP_SCHEME_SIPS && !accepts_sips)
        return 480;
    if (!xf_sip_uri_is_sip(uri))
        return 416;
    if (uri->password.ptr || uri->headers.ptr)
        return 400;
    return read_jid(uri, storage, out_jid) == XF_ERR_OK ? 0 : 400;
}

/* Behind a scheme that an entity may have. */
static struct xf_span without_scheme(struct xf_span entity)
{
    static const struct xf_span schemes[] = {XF_SPAN_INIT("pres:"), XF_SPAN_INIT("im:"),
                                             XF_SPAN_INIT("sip:"), XF_SPAN_INIT("sips:")};

    for (size_t i = 0; i < XF_ARRAY_LEN(schemes); i++) {
        size_t len = schemes[i].len;

        if (entity.len >= len && xf_span_eq_nocase((struct xf_span){entity.ptr, len}, schemes[i]))
            return (struct xf_span){entity.ptr + len, entity.len - len};
    }
    return entity;
}

bool xf_interwork_read_entity(struct xf_span entity, char storage[XF_JID_MAX + 1],
                              struct xf_jid *out_jid)
{
    struct xf_buf text;
    struct xf_sip_uri uri;

    xf_buf_init(&text, TEXT_MAX_BYTES);
    struct xf_draft draft = xf_draft_begin(&text);
    xf_draft_str(&draft, "sip:");
    xf_draft_span(&draft, without_scheme(entity));
    bool is_good = xf_draft_end(&draft) == XF_ERR_OK &&
                   xf_sip_uri_parse(xf_buf_span(&text), &uri) == XF_ERR_OK;
    if (is_good) {
        uri.params = XF_SPAN("");
        is_good = xf_interwork_read_uri(&uri, false, storage, out_jid) == 0;
    }
    xf_buf_release(&text);
    return is_good;
}
