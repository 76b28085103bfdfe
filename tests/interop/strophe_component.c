/* SPDX-License-Identifier: MIT */
/*
 * strophe_component.c — an XEP-0114 component on libstrophe that echoes messages: connected to the
 * same server as xfedd, it is the second opinion of the handshake and of what a component is given.
 *
 *     strophe_component --name echo.a.example --secret s3cret --host 127.0.0.1 --port 5347
 * [--messages N] [--timeout S]
 *
 * Each message with a body is sent back to its sender. Exit: 0 when N messages were echoed
 * (default: run until the timeout), 1 when fewer came in time, 2 when the handshake failed or the
 * stream was lost, 64 usage.
 *
 * Debian's libstrophe dereferences NULL on every component connection
 * (doc/design/adr/0001-component-link-not-on-libstrophe.md):
 * conn->sm_state is only allocated by a client connect. prime() makes one, whose socket our
 * callback refuses before any packet leaves.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <strophe.h>

#define TURN_MS 20

struct component {
    xmpp_ctx_t *xmpp;
    const char *name, *secret, *host;
    unsigned short port;
    double timeout_s;
    unsigned long wanted, echoed;
    bool is_primed, is_online, is_over;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *owner)
{
    struct component *component = owner;
    const char *type = xmpp_stanza_get_type(stanza), *from = xmpp_stanza_get_from(stanza),
               *to = xmpp_stanza_get_to(stanza);
    char *body = xmpp_message_get_body(stanza);
    if (body && from && to && !(type && strcmp(type, "error") == 0)) {
        xmpp_stanza_t *echo =
            xmpp_message_new(component->xmpp, "chat", from, xmpp_stanza_get_id(stanza));
        xmpp_stanza_set_from(echo, to);
        xmpp_message_set_body(echo, body);
        xmpp_send(conn, echo);
        xmpp_stanza_release(echo);
        component->echoed++;
        printf("echoed %s %s\n", from, body);
        (void)fflush(stdout);
    }
    if (body)
        xmpp_free(component->xmpp, body);
    return 1;
}

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                          xmpp_stream_error_t *stream_error, void *owner)
{
    struct component *component = owner;
    (void)error;
    if (!component->is_primed)
        return;
    if (event == XMPP_CONN_CONNECT) {
        component->is_online = true;
        xmpp_handler_add(conn, on_message, NULL, "message", NULL, component);
        printf("online %s\n", component->name);
    } else {
        component->is_over = true;
        printf("offline %s %s\n", component->name,
               stream_error && stream_error->text ? stream_error->text : "");
    }
    (void)fflush(stdout);
}

static int on_socket(xmpp_conn_t *conn, void *socket)
{
    (void)conn;
    (void)socket;
    return -1;
}

static void prime(struct component *component, xmpp_conn_t *conn)
{
    xmpp_conn_set_sockopt_callback(conn, on_socket);
    (void)xmpp_connect_client(conn, component->host, component->port, on_connection, component);
    xmpp_conn_set_sockopt_callback(conn, NULL);
    component->is_primed = true;
}

static bool parse_args(struct component *component, int argc, char **argv)
{
    static const struct option options[] = {
        {"name", 1, NULL, 'n'}, {"secret", 1, NULL, 's'},   {"host", 1, NULL, 'h'},
        {"port", 1, NULL, 'P'}, {"messages", 1, NULL, 'm'}, {"timeout", 1, NULL, 'T'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        /* clang-format off */
        switch (option) {
        case 'n': component->name = optarg; break;
        case 's': component->secret = optarg; break;
        case 'h': component->host = optarg; break;
        case 'P': component->port = (unsigned short)strtoul(optarg, NULL, 10); break;
        case 'm': component->wanted = strtoul(optarg, NULL, 10); break;
        case 'T': component->timeout_s = strtod(optarg, NULL); break;
        default: return false;
        }
        /* clang-format on */
    }
    return optind == argc && component->name && component->secret && component->host;
}

static int run(struct component *component, xmpp_conn_t *conn)
{
    double end_s = now_s() + component->timeout_s;
    bool is_done = false;
    while (!component->is_over && !is_done && now_s() < end_s) {
        xmpp_run_once(component->xmpp, TURN_MS);
        is_done = component->wanted > 0 && component->echoed >= component->wanted;
    }
    if (!component->is_online || component->is_over)
        return 2;
    xmpp_disconnect(conn);
    for (end_s = now_s() + 3; !component->is_over && now_s() < end_s;)
        xmpp_run_once(component->xmpp, TURN_MS);
    return component->echoed >= component->wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct component component = {.port = 5347, .timeout_s = 20};
    if (!parse_args(&component, argc, argv)) {
        fputs("usage: strophe_component --name N --secret S --host ADDRESS [--port N] [--messages "
              "N] [--timeout S]\n",
              stderr);
        return 64;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    xmpp_initialize();
    component.xmpp = xmpp_ctx_new(
        NULL, getenv("STROPHE_DEBUG") ? xmpp_get_default_logger(XMPP_LEVEL_DEBUG) : NULL);
    xmpp_conn_t *conn = xmpp_conn_new(component.xmpp);
    xmpp_conn_set_jid(conn, component.name);
    xmpp_conn_set_pass(conn, component.secret);
    prime(&component, conn);
    int exit_code = 2;
    if (xmpp_connect_component(conn, component.host, component.port, on_connection, &component) ==
        XMPP_EOK)
        exit_code = run(&component, conn);
    (void)xmpp_conn_release(conn);
    xmpp_ctx_free(component.xmpp);
    xmpp_shutdown();
    return exit_code;
}
