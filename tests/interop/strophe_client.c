/* SPDX-License-Identifier: MIT */
/*
 * strophe_client.c — a client on libstrophe that plays a short script: an implementation that is
 * not ours, written in C, as a second opinion of what passes through xfedd.
 *
 *     strophe_client --jid u@a.example --pass secret --host 127.0.0.1 --port 5222
 *                    --send v@b.example=hello --expect v@b.example=welcome --timeout 20
 *
 * It logs in, sends presence, then does the steps in the order given: --send JID=BODY, --send-raw
 * XML, --expect JID=BODY (a message from that bare JID with exactly that body), --expect-error
 * JID=CONDITION, --expect-presence JID=TYPE ("available" when there is no type), --wait SECONDS.
 * What comes early is kept, so that steps do not race. One line for each thing that happens goes to
 * standard output. Exit: 0 all done, 1 a step was not met in time, 2 no login or the stream was
 * lost, 64 usage.
 *
 * libstrophe's traps (0001-component-link-not-on-libstrophe.md): look-ups block, so --host
 * is an address; the connection is released only after the loop; SIGPIPE is ours to ignore.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strophe.h>

#define STEPS_MAX 256
#define SEEN_MAX  4096
#define TURN_MS   20

enum what { SEND, SEND_RAW, EXPECT_BODY, EXPECT_ERROR, EXPECT_PRESENCE, WAIT };

struct step {
    enum what what;
    char *jid, *value;
};

struct seen {
    enum what what;
    char *jid, *value;
    bool is_used;
};

struct client {
    xmpp_ctx_t *xmpp;
    const char *jid, *pass, *host;
    unsigned short port;
    unsigned long flags;
    double timeout_s;
    struct step steps[STEPS_MAX];
    size_t step_count, at;
    struct seen seen[SEEN_MAX];
    size_t seen_count;
    double wait_until_s;
    bool is_online, is_over;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *what, const char *jid, const char *value)
{
    printf("%s %s %s\n", what, jid ? jid : "-", value ? value : "");
    (void)fflush(stdout);
}

static void note(struct client *client, enum what what, const char *from, const char *value)
{
    if (client->seen_count == SEEN_MAX || !from)
        return;
    client->seen[client->seen_count++] = (struct seen){.what = what,
                                                       .jid = strndup(from, strcspn(from, "/")),
                                                       .value = strdup(value ? value : "")};
}

/* The name of the condition: the child of <error/> in the stanza errors' namespace that is not
 * <text/>. */
static const char *condition_of(xmpp_stanza_t *stanza)
{
    xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(stanza, "error");
    xmpp_stanza_t *child = error ? xmpp_stanza_get_children(error) : NULL;
    for (; child; child = xmpp_stanza_get_next(child)) {
        const char *ns = xmpp_stanza_get_ns(child), *name = xmpp_stanza_get_name(child);
        if (ns && name && strcmp(ns, XMPP_NS_STANZAS_IETF) == 0 && strcmp(name, "text") != 0)
            return name;
    }
    return "undefined-condition";
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    struct client *client = owner;
    const char *from = xmpp_stanza_get_from(stanza), *type = xmpp_stanza_get_type(stanza);
    (void)conn;
    if (type && strcmp(type, "error") == 0) {
        say("error", from, condition_of(stanza));
        note(client, EXPECT_ERROR, from, condition_of(stanza));
        return 1;
    }
    char *body = xmpp_message_get_body(stanza);
    if (body) {
        say("message", from, body);
        note(client, EXPECT_BODY, from, body);
        xmpp_free(client->xmpp, body);
    }
    return 1;
}

static int on_presence(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    const char *from = xmpp_stanza_get_from(stanza), *type = xmpp_stanza_get_type(stanza);
    (void)conn;
    say("presence", from, type ? type : "available");
    note(owner, EXPECT_PRESENCE, from, type ? type : "available");
    return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                          xmpp_stream_error_t *stream_error, void *owner)
{
    struct client *client = owner;
    (void)error;
    if (event == XMPP_CONN_CONNECT) {
        say("online", client->jid, xmpp_conn_is_secured(conn) ? "tls" : "clear");
        xmpp_handler_add(conn, on_message, NULL, "message", NULL, client);
        xmpp_handler_add(conn, on_presence, NULL, "presence", NULL, client);
        xmpp_stanza_t *presence = xmpp_presence_new(client->xmpp);
        xmpp_send(conn, presence);
        xmpp_stanza_release(presence);
        client->is_online = true;
        return;
    }
    say("offline", client->jid, stream_error && stream_error->text ? stream_error->text : "");
    client->is_over = true;
}

static void send_message(struct client *client, xmpp_conn_t *conn, const struct step *step)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "strophe-%zu", client->at);
    xmpp_stanza_t *message = xmpp_message_new(client->xmpp, "chat", step->jid, id);
    xmpp_message_set_body(message, step->value);
    xmpp_send(conn, message);
    xmpp_stanza_release(message);
    say("sent", step->jid, step->value);
}

static bool take_seen(struct client *client, const struct step *step)
{
    for (size_t i = 0; i < client->seen_count; i++) {
        struct seen *seen = &client->seen[i];
        if (!seen->is_used && seen->what == step->what && strcmp(seen->jid, step->jid) == 0 &&
            strcmp(seen->value, step->value) == 0)
            return seen->is_used = true;
    }
    return false;
}

/* Is the present step done? */
static bool try_step(struct client *client, xmpp_conn_t *conn)
{
    const struct step *step = &client->steps[client->at];
    switch (step->what) {
    case SEND:
        send_message(client, conn, step);
        return true;
    case SEND_RAW:
        xmpp_send_raw(conn, step->value, strlen(step->value));
        say("sent", "raw", step->value);
        return true;
    case WAIT:
        if (client->wait_until_s == 0)
            client->wait_until_s = now_s() + strtod(step->value, NULL);
        if (now_s() < client->wait_until_s)
            return false;
        client->wait_until_s = 0;
        return true;
    default:
        return take_seen(client, step);
    }
}

static int play(struct client *client, xmpp_conn_t *conn)
{
    double end_s = now_s() + client->timeout_s;
    while (!client->is_over && client->at < client->step_count && now_s() < end_s) {
        xmpp_run_once(client->xmpp, TURN_MS);
        while (client->is_online && !client->is_over && client->at < client->step_count &&
               try_step(client, conn))
            client->at++;
    }
    if (client->at == client->step_count && client->is_online)
        return 0;
    if (!client->is_online || client->is_over) {
        fprintf(stderr, "strophe_client: %s\n",
                client->is_online ? "the stream was lost" : "no login");
        return 2;
    }
    const struct step *step = &client->steps[client->at];
    fprintf(stderr, "strophe_client: step %zu was not met in time: %s=%s\n", client->at + 1,
            step->jid ? step->jid : "", step->value);
    return 1;
}

/*
 * Close the stream and let what is queued go out; libstrophe gives up by itself after two seconds.
 */
static void finish(struct client *client, xmpp_conn_t *conn)
{
    double end_s = now_s() + 3;
    if (client->is_online && !client->is_over)
        xmpp_disconnect(conn);
    while (client->is_online && !client->is_over && now_s() < end_s)
        xmpp_run_once(client->xmpp, TURN_MS);
}

static int usage(void)
{
    fputs("usage: strophe_client --jid JID --pass PASSWORD --host ADDRESS [--port N] [--tls "
          "off|on] [--timeout S]\n"
          "       then any of: --send JID=BODY --send-raw XML --expect JID=BODY --expect-error "
          "JID=CONDITION\n"
          "                    --expect-presence JID=TYPE --wait S\n",
          stderr);
    return 64;
}

static bool add_step(struct client *client, enum what what, const char *text)
{
    bool has_jid = what != SEND_RAW && what != WAIT;
    const char *equals = strchr(text, '=');
    if (client->step_count == STEPS_MAX || (has_jid && !equals))
        return false;
    client->steps[client->step_count++] = (struct step){
        .what = what,
        .jid = has_jid ? strndup(text, (size_t)(equals - text)) : NULL,
        .value = strdup(has_jid ? equals + 1 : text),
    };
    return true;
}

static bool parse_args(struct client *client, int argc, char **argv)
{
    static const struct option options[] = {
        {"jid", 1, NULL, 'j'},
        {"pass", 1, NULL, 'p'},
        {"host", 1, NULL, 'h'},
        {"port", 1, NULL, 'P'},
        {"tls", 1, NULL, 't'},
        {"timeout", 1, NULL, 'T'},
        {"send", 1, NULL, 's'},
        {"send-raw", 1, NULL, 'r'},
        {"expect", 1, NULL, 'e'},
        {"expect-error", 1, NULL, 'E'},
        {"expect-presence", 1, NULL, 'x'},
        {"wait", 1, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    bool is_good = true;
    int option;
    while (is_good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        /* clang-format off */
        switch (option) {
        case 'j': client->jid = optarg; break;
        case 'p': client->pass = optarg; break;
        case 'h': client->host = optarg; break;
        case 'P': client->port = (unsigned short)strtoul(optarg, NULL, 10); break;
        case 'T': client->timeout_s = strtod(optarg, NULL); break;
        case 't':
            client->flags = strcmp(optarg, "off") == 0 ? XMPP_CONN_FLAG_DISABLE_TLS : XMPP_CONN_FLAG_TRUST_TLS;
            break;
        case 's': is_good = add_step(client, SEND, optarg); break;
        case 'r': is_good = add_step(client, SEND_RAW, optarg); break;
        case 'e': is_good = add_step(client, EXPECT_BODY, optarg); break;
        case 'E': is_good = add_step(client, EXPECT_ERROR, optarg); break;
        case 'x': is_good = add_step(client, EXPECT_PRESENCE, optarg); break;
        case 'w': is_good = add_step(client, WAIT, optarg); break;
        default: is_good = false; break;
        }
        /* clang-format on */
    }
    return is_good && optind == argc && client->jid && client->pass && client->host;
}

static void forget(struct client *client)
{
    for (size_t i = 0; i < client->step_count; i++) {
        free(client->steps[i].jid);
        free(client->steps[i].value);
    }
    for (size_t i = 0; i < client->seen_count; i++) {
        free(client->seen[i].jid);
        free(client->seen[i].value);
    }
}

int main(int argc, char **argv)
{
    static struct client client = {
        .port = 5222, .timeout_s = 20, .flags = XMPP_CONN_FLAG_TRUST_TLS};
    if (!parse_args(&client, argc, argv))
        return usage();
    (void)signal(SIGPIPE, SIG_IGN);
    xmpp_initialize();
    client.xmpp = xmpp_ctx_new(
        NULL, getenv("STROPHE_DEBUG") ? xmpp_get_default_logger(XMPP_LEVEL_DEBUG) : NULL);
    xmpp_conn_t *conn = xmpp_conn_new(client.xmpp);
    (void)xmpp_conn_set_flags(conn, (long)(client.flags | XMPP_CONN_FLAG_DISABLE_SM));
    xmpp_conn_set_jid(conn, client.jid);
    xmpp_conn_set_pass(conn, client.pass);
    int exit_code = 2;
    if (xmpp_connect_client(conn, client.host, client.port, on_connection, &client) == XMPP_EOK) {
        exit_code = play(&client, conn);
        finish(&client, conn);
    }
    (void)xmpp_conn_release(conn);
    xmpp_ctx_free(client.xmpp);
    xmpp_shutdown();
    forget(&client);
    return exit_code;
}
