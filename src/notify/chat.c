/* SPDX-License-Identifier: MIT */
/*
 * chat.c — the account at the local server, by libstrophe: log in over TLS, send and take messages,
 * and come back when the connection is lost. A ping finds a server that does not answer any more.
 *
 * A connection is released outside of libstrophe's handlers, which still use it.
 */
#include "notify_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include <strophe.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/log.h>

#define RESOURCE      "xfed-notify"
#define WAIT_MIN_MS   1000
#define WAIT_MAX_MS   60000
#define LOGIN_MS      30000 /* for a whole login */
#define PING_MS       60000
#define SILENCE_MS    100000 /* nothing came for so long, although we ping */
#define CONNECTING_MS 20     /* libstrophe has to be called this often then */

enum state { OFF, LOGIN, UP, OVER };

struct xf_chat {
    const struct xf_notice_settings *settings;
    const struct xf_chat_events *events;
    void *owner;
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn; /* NULL: none */
    int fd;
    enum state state;
    uint64_t now_ms, began_ms, heard_ms, ping_ms; /* ping_ms: when the next is due */
    uint64_t retry_ms, wait_ms;
    char why[160]; /* what libstrophe said last */
    bool was_told; /* that it cannot log in */
};

static struct xf_chat *the_chat; /* libstrophe passes no owner to the handlers of these */

static int on_socket(xmpp_conn_t *conn, void *socket)
{
    (void)conn;
    the_chat->fd = *(int *)socket;
    return 0;
}

static int on_bad_certificate(const xmpp_tlscert_t *cert, const char *const why)
{
    (void)cert;
    snprintf(the_chat->why, sizeof(the_chat->why), "the certificate of the server: %s", why);
    return 0; /* refuse */
}

/* Not the texts of libstrophe: at debug they have what passes. */
static void on_log(void *owner, xmpp_log_level_t level, const char *area, const char *text)
{
    struct xf_chat *chat = owner;
    if (level >= XMPP_LEVEL_WARN && !*chat->why)
        snprintf(chat->why, sizeof(chat->why), "%s: %s", area, text);
}

/* ------------------------------------------------------------------ what comes */

static bool has_any(xmpp_stanza_t *stanza, const char *const *namespaces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (xmpp_stanza_get_child_by_ns(stanza, namespaces[i]))
            return true;
    return false;
}

static bool is_copy(xmpp_stanza_t *stanza)
{
    static const char *const namespaces[] = {
        "urn:xmpp:delay",
        "jabber:x:delay",
        "urn:xmpp:forward:0",
        "urn:xmpp:carbons:2",
        "urn:xmpp:mam:2",
        "urn:xmpp:mam:1",
        "urn:xmpp:mam:0",
        "http://jabber.org/protocol/muc#user",
        "jabber:x:conference",
        "http://jabber.org/protocol/address",
        "http://jabber.org/protocol/pubsub#event",
    };
    return has_any(stanza, namespaces, XF_ARRAY_LEN(namespaces));
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    struct xf_chat *chat = owner;
    char *body = xmpp_message_get_body(stanza);
    (void)conn;
    chat->events->message(chat->owner,
                          &(struct xf_notice_message){.from = xmpp_stanza_get_from(stanza),
                                                      .type = xmpp_stanza_get_type(stanza),
                                                      .body = body,
                                                      .is_copy = is_copy(stanza)});
    if (body)
        xmpp_free(chat->ctx, body);
    return 1;
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    struct xf_chat *chat = owner;
    (void)conn, (void)stanza;
    chat->heard_ms = chat->now_ms;
    return 1;
}

/* Is it from our own server? Others who ask get nothing. */
static bool is_of_server(const struct xf_chat *chat, const char *from)
{
    const char *jid = chat->settings->jid;
    return !from || strcmp(from, jid) == 0 || strcmp(from, strchr(jid, '@') + 1) == 0;
}

/* A server may ping us, and closes the connection of who does not answer. */
static int on_iq(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    struct xf_chat *chat = owner;
    const char *type = xmpp_stanza_get_type(stanza);
    if (!type || (strcmp(type, "get") != 0 && strcmp(type, "set") != 0) ||
        !is_of_server(chat, xmpp_stanza_get_from(stanza)))
        return 1;
    bool is_ping = xmpp_stanza_get_child_by_ns(stanza, "urn:xmpp:ping") != NULL;
    xmpp_stanza_t *reply =
        is_ping ? xmpp_stanza_reply(stanza)
                : xmpp_stanza_reply_error(stanza, "cancel", "service-unavailable", NULL);
    if (is_ping)
        xmpp_stanza_set_type(reply, "result");
    xmpp_send(conn, reply);
    xmpp_stanza_release(reply);
    return 1;
}

/* ------------------------------------------------------------------ the connection */

static void be_up(struct xf_chat *chat)
{
    xmpp_stanza_t *presence = xmpp_presence_new(chat->ctx);
    xmpp_handler_add(chat->conn, on_stanza, NULL, NULL, NULL, chat);
    xmpp_handler_add(chat->conn, on_message, NULL, "message", NULL, chat);
    xmpp_handler_add(chat->conn, on_iq, NULL, "iq", NULL, chat);
    xmpp_send(chat->conn, presence);
    xmpp_stanza_release(presence);
    chat->state = UP;
    chat->heard_ms = chat->now_ms;
    chat->ping_ms = chat->now_ms + PING_MS;
    chat->wait_ms = WAIT_MIN_MS;
    chat->was_told = false;
    xf_log(XF_LOG_INFO, "notify.chat.up", XF_STR("jid", xmpp_conn_get_bound_jid(chat->conn)));
}

static void on_conn(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                    xmpp_stream_error_t *stream_error, void *owner)
{
    struct xf_chat *chat = owner;
    (void)error;
    if (event == XMPP_CONN_CONNECT && xmpp_conn_is_secured(conn)) {
        be_up(chat);
        return;
    }
    if (event == XMPP_CONN_CONNECT) {
        snprintf(chat->why, sizeof(chat->why), "the server offers no TLS");
        xmpp_disconnect(conn);
        return;
    }
    if (stream_error && stream_error->text)
        snprintf(chat->why, sizeof(chat->why), "the server says: %s", stream_error->text);
    chat->fd = -1;
    chat->state = OVER;
}

static void log_end(struct xf_chat *chat, bool was_up)
{
    const char *detail = *chat->why ? chat->why
                         : was_up   ? "the server closed the connection"
                                    : "the server cannot be reached, or does not accept the login";
    if (was_up)
        xf_log(XF_LOG_WARN, "notify.chat.down", XF_STR("detail", detail));
    else if (!chat->was_told)
        xf_log(XF_LOG_WARN, "notify.chat.failed", XF_STR("jid", chat->settings->jid),
               XF_STR("detail", detail));
    chat->was_told = chat->was_told || !was_up;
}

static void give_up(struct xf_chat *chat)
{
    log_end(chat, chat->heard_ms >= chat->began_ms);
    xmpp_conn_release(chat->conn);
    chat->conn = NULL;
    chat->fd = -1;
    chat->state = OFF;
    chat->retry_ms = chat->now_ms + xf_rand_jitter_ms(chat->wait_ms);
    chat->wait_ms = 2 * chat->wait_ms < WAIT_MAX_MS ? 2 * chat->wait_ms : (uint64_t)WAIT_MAX_MS;
}

static void log_in(struct xf_chat *chat)
{
    const struct xf_notice_settings *settings = chat->settings;
    char jid[XF_JID_MAX + sizeof(RESOURCE) + 2];
    snprintf(jid, sizeof(jid), "%s/%s", settings->jid, RESOURCE);
    chat->conn = xmpp_conn_new(chat->ctx);
    xmpp_conn_set_flags(
        chat->conn,
        (long)(XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_DISABLE_SM |
               (settings->tls == XF_NOTICE_TLS_ANY_CERTIFICATE ? XMPP_CONN_FLAG_TRUST_TLS : 0)));
    xmpp_conn_set_jid(chat->conn, jid);
    xmpp_conn_set_pass(chat->conn, settings->password);
    if (settings->ca_file)
        xmpp_conn_set_cafile(chat->conn, settings->ca_file);
    xmpp_conn_set_certfail_handler(chat->conn, on_bad_certificate);
    xmpp_conn_set_sockopt_callback(chat->conn, on_socket);
    chat->began_ms = chat->now_ms;
    chat->heard_ms = 0;
    chat->why[0] = '\0';
    chat->state = LOGIN;
    if (xmpp_connect_client(chat->conn, settings->host, (unsigned short)settings->port, on_conn,
                            chat) != 0)
        chat->state = OVER;
}

static void ping(struct xf_chat *chat)
{
    char id[XF_ID_CHARS + 1];
    xf_rand_id(id);
    xmpp_stanza_t *iq = xmpp_iq_new(chat->ctx, "get", id), *child = xmpp_stanza_new(chat->ctx);
    xmpp_stanza_set_name(child, "ping");
    xmpp_stanza_set_ns(child, "urn:xmpp:ping");
    xmpp_stanza_set_to(iq, strchr(chat->settings->jid, '@') + 1);
    xmpp_stanza_add_child(iq, child);
    xmpp_send(chat->conn, iq);
    xmpp_stanza_release(child);
    xmpp_stanza_release(iq);
    chat->ping_ms = chat->now_ms + PING_MS;
}

/* Ends a connection that does not go on. */
static void keep_alive(struct xf_chat *chat)
{
    bool is_late = chat->state == LOGIN && chat->now_ms - chat->began_ms > LOGIN_MS,
         is_silent = chat->state == UP && chat->now_ms - chat->heard_ms > SILENCE_MS;
    if (is_late || is_silent) {
        snprintf(chat->why, sizeof(chat->why), "the server does not answer");
        chat->state = OVER;
    } else if (chat->state == UP && chat->now_ms >= chat->ping_ms) {
        ping(chat);
    }
}

/* ------------------------------------------------------------------ for the owner */

struct xf_chat *xf_chat_new(const struct xf_notice_settings *settings,
                            const struct xf_chat_events *events, void *owner)
{
    static xmpp_log_t log = {.handler = on_log};
    struct xf_chat *chat = xf_new(struct xf_chat);
    *chat = (struct xf_chat){
        .settings = settings, .events = events, .owner = owner, .fd = -1, .wait_ms = WAIT_MIN_MS};
    log.userdata = chat;
    the_chat = chat;
    xmpp_initialize();
    chat->ctx = xmpp_ctx_new(NULL, &log);
    xmpp_ctx_set_timeout(chat->ctx, 1);
    return chat;
}

void xf_chat_free(struct xf_chat **chat)
{
    struct xf_chat *s = *chat;
    *chat = NULL;
    if (s->conn && s->state == UP) {
        xmpp_disconnect(s->conn);
        xmpp_run_once(s->ctx, 10);
    }
    if (s->conn)
        xmpp_conn_release(s->conn);
    xmpp_ctx_free(s->ctx);
    xmpp_shutdown();
    xf_free(s);
}

int xf_chat_fd(const struct xf_chat *chat)
{
    return chat->state == UP ? chat->fd : -1;
}

bool xf_chat_is_up(const struct xf_chat *chat)
{
    return chat->state == UP;
}

uint64_t xf_chat_turn(struct xf_chat *chat, uint64_t now_ms)
{
    chat->now_ms = now_ms;
    if (!chat->conn && now_ms >= chat->retry_ms)
        log_in(chat);
    /* It reads 4096 bytes each time, and a record of TLS may have four times as many. */
    for (int i = 0; i < 5 && chat->conn && chat->state != OVER; i++)
        xmpp_run_once(chat->ctx, 0);
    if (chat->conn)
        keep_alive(chat);
    if (chat->conn && chat->state == OVER)
        give_up(chat);
    if (!chat->conn)
        return chat->retry_ms;
    return chat->state == UP ? chat->ping_ms : now_ms + CONNECTING_MS;
}

bool xf_chat_has_output(const struct xf_chat *chat)
{
    return chat->state == UP && xmpp_conn_send_queue_len(chat->conn) > 0;
}

void xf_chat_send(struct xf_chat *chat, const char *to, const char *text)
{
    char id[XF_ID_CHARS + 1];
    if (chat->state != UP)
        return;
    xf_rand_id(id);
    xmpp_stanza_t *message = xmpp_message_new(chat->ctx, "chat", to, id);
    xmpp_message_set_body(message, text);
    xmpp_send(chat->conn, message);
    xmpp_stanza_release(message);
}
