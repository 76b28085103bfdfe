/* SPDX-License-Identifier: MIT */
/*
 * peer.c — the conforming opposite side (peer.h says how it behaves).
 *
 * It knows nothing of our code: what we send is split into units by xmlmatch (expat) and looked at
 * as text; what it says is written out in phrase.c.
 */
#include "peer.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>

#include "phrase.h"
#include "xmlmatch.h"

#define OUR_ADDRESS_FOR_PEER "192.0.2.1:40000"
/* a key of ours for a stream id: anyone can tell whether we made it */
#define KEY_PREFIX "key-of-"

void peer_init(struct peer *peer, struct world *world, const struct side *self,
               enum side_cert our_cert)
{
    *peer = (struct peer){.world = world, .self = *self, .our_cert = our_cert};
}

void peer_fini(struct peer *peer)
{
    for (size_t i = 0; i < peer->channel_count; i++) {
        xf_free(peer->channels[i].id);
        xf_free(peer->channels[i].key);
    }
}

static struct channel *add_channel(struct peer *peer, struct wire *wire, bool is_server)
{
    xf_require(peer->channel_count < PEER_CHANNELS_MAX);
    struct channel *channel = &peer->channels[peer->channel_count++];
    *channel = (struct channel){.wire = wire, .is_server = is_server};
    return channel;
}

/* ------------------------------------------------------------------ saying */

static void say(struct peer *peer, struct channel *channel, const char *xml)
{
    world_feed(peer->world, channel->wire, xml, strlen(xml));
}

static void say_phrase(struct peer *peer, struct channel *channel, const char *phrase)
{
    char *xml = phrase_xml(phrase);
    xf_require(xml);
    say(peer, channel, xml);
    xf_free(xml);
}

static void hang_up(struct peer *peer, struct channel *channel)
{
    channel->is_over = true;
    say(peer, channel, "</stream:stream>");
    channel->wire->has_end = true;
    channel->wire->end = XF_CONN_END_EOF;
    world_settle(peer->world);
}

static void open_stream(struct peer *peer, struct channel *channel)
{
    say_phrase(peer, channel, "header from=" PEER_DOMAIN " to=" OUR_DOMAIN);
}

static struct channel *connect_to_us(struct peer *peer)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "to-us-%zu", peer->channel_count);
    struct channel *channel =
        add_channel(peer, world_accept(peer->world, name, OUR_ADDRESS_FOR_PEER, false), false);
    open_stream(peer, channel);
    return channel;
}

void peer_connect(struct peer *peer)
{
    (void)connect_to_us(peer);
}

/* ------------------------------------------------------------------ reading */

static bool has(struct xf_span text, const char *what)
{
    return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static bool begins(struct xf_span text, const char *with)
{
    return text.len >= strlen(with) && memcmp(text.ptr, with, strlen(with)) == 0;
}

/* The value of an attribute of the first tag; absent when there is none. */
static struct xf_span attr(struct xf_span unit, const char *name)
{
    struct xf_span tag = unit, value = XF_SPAN_NONE;
    if (begins(unit, "<?xml"))
        tag.ptr = memmem(unit.ptr, unit.len, "?>", 2);
    tag.len = unit.len - (size_t)(tag.ptr - unit.ptr);
    const char *end = memchr(tag.ptr + 2, '>', tag.len - 2);
    char *key = xf_asprintf(" %s=", name);
    const char *at = memmem(tag.ptr, (size_t)(end - tag.ptr), key, strlen(key));
    if (at) {
        value.ptr = at + strlen(key) + 1;
        value.len = (size_t)((const char *)memchr(value.ptr, value.ptr[-1], unit.len) - value.ptr);
    }
    xf_free(key);
    return value;
}

static struct xf_span text_of(struct xf_span unit)
{
    const char *begin = memchr(unit.ptr, '>', unit.len);
    const char *end = memrchr(unit.ptr, '<', unit.len);
    return begin && end > begin ? (struct xf_span){begin + 1, (size_t)(end - begin - 1)}
                                : XF_SPAN("");
}

/* ------------------------------------------------------------------ TLS */

/* As a server with a bad certificate of its own it is lax: so are the file's rows. */
static bool ends_handshake(const struct peer *peer, const struct channel *channel)
{
    bool is_strict = peer->self.strict && !channel->verifies &&
                     (!channel->is_server || peer->self.cert == SIDE_CERT_VALID);
    return is_strict && peer->our_cert == SIDE_CERT_INVALID;
}

static void handshake(struct peer *peer, struct channel *channel)
{
    if (!channel->wire->fake->wants_tls)
        return; /* we did not go on behind <proceed/>: there is nothing to shake */
    if (ends_handshake(peer, channel)) {
        channel->is_over = true;
        fake_conn_secured(channel->wire->fake, NULL);
        world_settle(peer->world);
        return;
    }
    struct xf_cert_name name = {XF_CERT_DNS, xf_strdup(PEER_DOMAIN)};
    struct xf_tls_facts facts = {
        .version = "TLSv1.3",
        .cipher = "TLS_AES_128_GCM_SHA256",
        .is_server = channel->wire->fake->tls_request.is_server,
        .for_server = true,
        .for_client = true,
        .is_judged = true,
        .chain = peer->self.cert == SIDE_CERT_VALID     ? XF_CERT_TRUSTED
                 : peer->self.cert == SIDE_CERT_INVALID ? XF_CERT_BAD
                                                        : XF_CERT_NONE,
        .names = &name,
        .name_count = peer->self.cert != SIDE_CERT_MISSING,
    };
    if (facts.chain == XF_CERT_BAD)
        (void)snprintf(facts.chain_text, sizeof(facts.chain_text), "certificate has expired");
    channel->is_secure = true;
    fake_conn_secured(channel->wire->fake, &facts);
    xf_free(name.text);
    world_settle(peer->world);
}

/* ------------------------------------------------------------------ as receiving server */

static bool takes_dialback(const struct peer *peer, const struct channel *channel)
{
    return peer->self.dialback && (channel->is_secure || peer->self.tls != SIDE_TLS_REQUIRED);
}

static void offer_features(struct peer *peer, struct channel *channel)
{
    bool tls = !channel->is_secure && peer->self.tls != SIDE_TLS_DISABLED &&
               peer->self.cert != SIDE_CERT_MISSING;
    bool is_required = peer->self.tls == SIDE_TLS_REQUIRED;
    bool external =
        channel->is_secure && !channel->is_authenticated && peer->our_cert == SIDE_CERT_VALID;
    char *phrase =
        xf_asprintf("features%s%s%s",
                    !tls          ? ""
                    : is_required ? " starttls-required"
                                  : " starttls",
                    external ? " external" : "", takes_dialback(peer, channel) ? " dialback" : "");
    say_phrase(peer, channel, phrase);
    xf_free(phrase);
}

static void answer_header(struct peer *peer, struct channel *channel)
{
    xf_free(channel->id);
    channel->id = xf_asprintf("peer%u", ++peer->ids);
    char *phrase = xf_asprintf("header from=" PEER_DOMAIN " to=" OUR_DOMAIN " id=%s", channel->id);
    say_phrase(peer, channel, phrase);
    xf_free(phrase);
    offer_features(peer, channel);
}

/* Somebody wants to be a.example: ask a.example. */
static void verify(struct peer *peer, struct channel *channel, struct xf_span key)
{
    if (!takes_dialback(peer, channel)) {
        say_phrase(peer, channel, "stream-error policy-violation");
        hang_up(peer, channel);
        return;
    }
    xf_free(channel->key);
    channel->key = xf_span_dup(key);
    struct channel *asking = connect_to_us(peer);
    asking->verifies = channel;
}

static void answer_result(struct peer *peer, struct channel *channel, bool is_valid)
{
    channel->is_authenticated = channel->is_authenticated || is_valid;
    say(peer, channel,
        is_valid ? "<db:result from='" PEER_DOMAIN "' to='" OUR_DOMAIN "' type='valid'/>"
                 : "<db:result from='" PEER_DOMAIN "' to='" OUR_DOMAIN "' type='invalid'/>");
}

static void answer_verify(struct peer *peer, struct channel *channel, struct xf_span unit)
{
    struct xf_span id = attr(unit, "id"), key = text_of(unit);
    char *made = xf_asprintf(KEY_PREFIX "%.*s", XF_SPAN_ARGS(id));
    char *xml =
        xf_asprintf("<db:verify from='" PEER_DOMAIN "' to='" OUR_DOMAIN "' id='%.*s' type='%s'/>",
                    XF_SPAN_ARGS(id), xf_span_is(key, made) ? "valid" : "invalid");
    say(peer, channel, xml);
    xf_free(xml);
    xf_free(made);
}

static void on_auth(struct peer *peer, struct channel *channel)
{
    bool is_good = channel->is_secure && peer->our_cert == SIDE_CERT_VALID;
    channel->is_authenticated = channel->is_authenticated || is_good;
    say_phrase(peer, channel, is_good ? "success" : "failure not-authorized");
}

static void serve(struct peer *peer, struct channel *channel, struct xf_span unit)
{
    if (begins(unit, "<starttls")) {
        say_phrase(peer, channel, "proceed");
        handshake(peer, channel);
    } else if (begins(unit, "<auth")) {
        on_auth(peer, channel);
    } else if (begins(unit, "<db:result")) {
        verify(peer, channel, text_of(unit));
    } else if (begins(unit, "<db:verify")) {
        answer_verify(peer, channel, unit);
    } else if (begins(unit, "<message")) {
        peer->stanzas += channel->is_authenticated;
        peer->early_stanzas += !channel->is_authenticated;
    }
}

/* ------------------------------------------------------------------ as initiating server */

static void send_result(struct peer *peer, struct channel *channel)
{
    char *xml = xf_asprintf("<db:result from='" PEER_DOMAIN "' to='" OUR_DOMAIN "'>" KEY_PREFIX
                            "%s</db:result>",
                            channel->id);
    say(peer, channel, xml);
    xf_free(xml);
}

static void send_verify(struct peer *peer, struct channel *channel)
{
    char *xml =
        xf_asprintf("<db:verify from='" PEER_DOMAIN "' to='" OUR_DOMAIN "' id='%s'>%s</db:verify>",
                    channel->verifies->id, channel->verifies->key);
    say(peer, channel, xml);
    xf_free(xml);
}

static void send_message(struct peer *peer, struct channel *channel)
{
    channel->is_authenticated = true;
    say(peer, channel,
        "<message from='v@" PEER_DOMAIN "' to='u@" OUR_DOMAIN
        "' id='in'><body>in</body></message>");
}

static void on_features(struct peer *peer, struct channel *channel, struct xf_span features)
{
    bool certificates_are_good =
        peer->self.cert == SIDE_CERT_VALID && peer->our_cert == SIDE_CERT_VALID;
    if (channel->is_authenticated)
        send_message(peer, channel);
    else if (!channel->is_secure && has(features, "<starttls") &&
             peer->self.tls != SIDE_TLS_DISABLED)
        say_phrase(peer, channel, "starttls");
    else if (channel->verifies)
        send_verify(peer, channel);
    else if (channel->is_secure && has(features, "EXTERNAL") && certificates_are_good)
        say_phrase(peer, channel, "external =");
    else if (takes_dialback(peer, channel))
        send_result(peer, channel);
    else
        hang_up(peer, channel);
}

static void on_answer(struct peer *peer, struct channel *channel, struct xf_span unit)
{
    if (begins(unit, "<proceed")) {
        handshake(peer, channel);
        if (channel->is_secure)
            open_stream(peer, channel);
    } else if (begins(unit, "<success")) {
        channel->is_authenticated = true;
        open_stream(peer, channel);
    } else if (begins(unit, "<failure")) {
        if (takes_dialback(peer, channel))
            send_result(peer, channel);
        else
            hang_up(peer, channel);
    } else if (begins(unit, "<db:result")) {
        if (xf_span_is(attr(unit, "type"), "valid"))
            send_message(peer, channel);
        else
            hang_up(peer, channel);
    } else if (begins(unit, "<db:verify") && channel->verifies) {
        answer_result(peer, channel->verifies, xf_span_is(attr(unit, "type"), "valid"));
        hang_up(peer, channel);
    } else if (begins(unit, "<stream:error")) {
        hang_up(peer, channel);
    }
}

/* A question that came to nothing is an answer too. */
static void give_up_verify(struct peer *peer, struct channel *channel)
{
    if (channel->verifies && !channel->verifies->is_authenticated && !channel->verifies->is_over)
        answer_result(peer, channel->verifies, false);
}

/* ------------------------------------------------------------------ the loop */

static void on_unit(struct peer *peer, struct channel *channel, enum unit_kind kind,
                    struct xf_span unit)
{
    if (kind == UNIT_HEADER) {
        if (channel->is_server) {
            answer_header(peer, channel);
        } else {
            xf_free(channel->id);
            channel->id = xf_span_dup(attr(unit, "id"));
        }
    } else if (kind == UNIT_FOOTER) {
        if (!channel->is_over)
            hang_up(peer, channel);
        give_up_verify(peer, channel);
    } else if (channel->is_server) {
        serve(peer, channel, unit);
    } else if (begins(unit, "<stream:features")) {
        on_features(peer, channel, unit);
    } else {
        on_answer(peer, channel, unit);
    }
}

/* True when there was something to read. */
static bool read_unit(struct peer *peer, struct channel *channel)
{
    struct unit unit;
    bool is_garbage;
    struct xf_span got = xf_buf_span(&channel->wire->got);
    if (channel->is_over || !unit_next(got, &unit, &is_garbage) || unit.kind == UNIT_SPACE)
        return false;
    char *text = xf_strndup(got.ptr, unit.len);
    xf_buf_consume(&channel->wire->got, unit.len);
    const char *begin = text + strspn(text, " \n");
    on_unit(peer, channel, unit.kind, xf_span_of(begin));
    xf_free(text);
    return true;
}

/* Our connects to the peer's server succeed. */
static bool take_connect(struct peer *peer)
{
    char name[24];
    struct fake_conn *fake = fake_conn_next(&peer->world->env, PEER_ADDRESS);
    if (!fake || !fake->conn)
        return fake != NULL;
    (void)snprintf(name, sizeof(name), "from-us-%zu", peer->channel_count);
    (void)add_channel(peer, world_add_wire(peer->world, name, fake), true);
    fake_conn_connected(fake);
    world_settle(peer->world);
    return true;
}

void peer_play(struct peer *peer)
{
    bool was_busy = true;
    world_settle(peer->world);
    while (was_busy) {
        was_busy = take_connect(peer);
        for (size_t i = 0; i < peer->channel_count; i++)
            was_busy |= read_unit(peer, &peer->channels[i]);
    }
}
