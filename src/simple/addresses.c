/* SPDX-License-Identifier: MIT */
/*
 * addresses.c — whom a request of a peer is from and to, as JIDs; the addresses of a request of
 * ours; and where somebody is who has moved.
 */
#include "simple_priv.h"

#include <stdio.h>
#include <xfed/interwork/address.h>
#include <xfed/interwork/moved.h>

#define URI_MAX (8 * XF_JID_MAX) /* an escape has three bytes, one of XEP-0106 more */

/* ------------------------------------------------------------------ requests of peers */

unsigned xf_addresses_read_to(struct xf_simple *simple, struct xf_ua_server *server,
                              const struct xf_sip_message *request, struct xf_jid *out_to)
{
    bool accepts_sips = xf_policy_peer(simple->policy, xf_ua_server_peer(server))->sip_sips;
    const struct xf_span uris[] = {request->request_uri, request->to.uri};
    struct xf_sip_uri uri;
    for (size_t i = 0; i < XF_ARRAY_LEN(uris); i++) {
        if (xf_sip_uri_parse(uris[i], &uri) != XF_ERR_OK)
            return 400;
        unsigned status = xf_interwork_read_uri(&uri, accepts_sips, simple->scratch.to, out_to);
        if (status)
            return status;
        if (xf_span_eq(out_to->domain, xf_ua_server_local(server)))
            return out_to->local.ptr ? 0 : 484;
    }
    return 404;
}

/* RFC 7247 section 8 speaks of the Request-URI and To alone: From may be sips. */
unsigned xf_addresses_read_from(struct xf_simple *simple, struct xf_ua_server *server,
                                const struct xf_sip_message *request, struct xf_jid *out_from)
{
    struct xf_sip_uri uri;
    if (xf_sip_uri_parse(request->from.uri, &uri) != XF_ERR_OK)
        return 400;
    unsigned status = xf_interwork_read_uri(&uri, true, simple->scratch.from, out_from);
    if (status)
        return status;
    return xf_span_eq(out_from->domain, xf_ua_server_from(server)) ? 0 : 400;
}

/* ------------------------------------------------------------------ requests of ours */

struct xf_jid xf_addresses_shown(const struct xf_stanza *stanza, char scratch[XF_JID_MAX + 1])
{
    struct xf_jid jid = stanza->from;
    if (stanza->shown_from.ptr && xf_jid_prepare(stanza->shown_from, scratch, &jid) != XF_ERR_OK)
        jid = stanza->from;
    return jid;
}

/* "<URI>", and behind it `tail`. */
static enum xf_err write_address(struct xf_buf *out, const struct xf_jid *jid, const char *tail)
{
    xf_buf_clear(out);
    enum xf_err err = xf_buf_try_append(out, "<", 1);
    if (err == XF_ERR_OK)
        err = xf_interwork_write_uri(out, jid);
    return err == XF_ERR_OK ? xf_buf_try_append(out, tail, strlen(tail)) : err;
}

enum xf_err xf_addresses_write(struct xf_simple *simple, const struct xf_jid *from,
                               const struct xf_jid *to)
{
    char tail[XF_ID_CHARS + 8];
    const struct xf_jid bare = {.full = xf_jid_bare(to), .local = to->local, .domain = to->domain};
    xf_ua_make_id(simple->ua, simple->tag);
    snprintf(tail, sizeof(tail), ">;tag=%s", simple->tag);
    xf_buf_clear(&simple->uri);
    enum xf_err err = xf_interwork_write_uri(&simple->uri, to);
    if (err == XF_ERR_OK)
        err = write_address(&simple->from, from, tail);
    return err == XF_ERR_OK ? write_address(&simple->to, &bare, ">") : err;
}

enum xf_err xf_addresses_write_contact(struct xf_simple *simple, const struct xf_jid *user,
                                       struct xf_span peer)
{
    char tail[32];
    /* Our host in place of the user's domain: it is in our certificate, and resolves. */
    const struct xf_jid at_host = {.local = user->local, .domain = xf_span_of(simple->host)};
    bool is_clear = xf_policy_peer(simple->policy, peer)->sip_transport == XF_SIP_TCP;
    snprintf(tail, sizeof(tail), ":%u;transport=%s>", is_clear ? simple->tcp_port : simple->port,
             is_clear ? "tcp" : "tls");
    return write_address(&simple->contact, &at_host, tail);
}

/* ------------------------------------------------------------------ of those who have moved */

/* Headers in it are for the request that is sent there (RFC 3261 section 19.1.5): not for users. */
static bool read_new(const struct xf_simple *simple, struct xf_span peer, struct xf_span contact,
                     char storage[XF_JID_MAX + 1], struct xf_jid *out_jid)
{
    struct xf_sip_address address;
    struct xf_sip_uri uri;
    if (xf_sip_address_read(contact, &address) != XF_ERR_OK ||
        xf_sip_uri_parse(address.uri, &uri) != XF_ERR_OK)
        return false;
    uri.headers = XF_SPAN_NONE;
    return xf_interwork_read_uri(&uri, xf_policy_peer(simple->policy, peer)->sip_sips, storage,
                                 out_jid) == 0;
}

/* RFC 7247 section 7.2, note 1. Of several the first that XMPP can reach: there may be tel: too. */
struct xf_span xf_addresses_read_moved(struct xf_simple *simple, struct xf_span peer,
                                       const struct xf_sip_message *answer)
{
    struct xf_sip_values values = xf_sip_values_begin(answer, XF_SIP_H_CONTACT);
    struct xf_span value;
    xf_buf_clear(&simple->moved);
    if (answer->status != 301 && answer->status != 302)
        return XF_SPAN_NONE;
    while (xf_sip_values_next(&values, &value)) {
        char storage[XF_JID_MAX + 1];
        struct xf_jid jid;
        if (read_new(simple, peer, value, storage, &jid) &&
            xf_interwork_moved_write(&simple->moved, &jid) == XF_ERR_OK)
            return xf_buf_span(&simple->moved);
    }
    return XF_SPAN_NONE;
}

enum xf_err xf_addresses_write_moved(struct xf_simple *simple, const struct xf_jid *jid)
{
    return write_address(&simple->contact, jid, ">");
}

void xf_addresses_init(struct xf_simple *simple)
{
    xf_buf_init(&simple->uri, URI_MAX);
    xf_buf_init(&simple->from, URI_MAX);
    xf_buf_init(&simple->to, URI_MAX);
    xf_buf_init(&simple->contact, URI_MAX);
    xf_buf_init(&simple->moved, URI_MAX);
}

void xf_addresses_fini(struct xf_simple *simple)
{
    xf_buf_release(&simple->uri);
    xf_buf_release(&simple->from);
    xf_buf_release(&simple->to);
    xf_buf_release(&simple->contact);
    xf_buf_release(&simple->moved);
}
