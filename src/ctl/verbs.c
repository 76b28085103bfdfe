/* SPDX-License-Identifier: MIT */
/* verbs.c — what xfedctl can ask, and how it shows the answer. */
#include "ctl_priv.h"

#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>
#include <xfed/ctl/verbs.h>

/* ------------------------------------------------------------------ arguments */

static void put(json_t *request, const char *key, const char *text)
{
    json_object_set_new(request, key, json_string(text));
}

/* False: it is not a number. */
static bool put_number(json_t *request, const char *key, const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || number < 0)
        return false;
    json_object_set_new(request, key, json_integer(number));
    return true;
}

static bool no_args(int argc, char **argv, json_t *request)
{
    (void)argv, (void)request;
    return argc == 0;
}

static bool one_peer(int argc, char **argv, json_t *request)
{
    if (argc == 1)
        put(request, "peer", argv[0]);
    return argc == 1;
}

static bool maybe_peer(int argc, char **argv, json_t *request)
{
    return argc == 0 || one_peer(argc, argv, request);
}

static bool queue_args(int argc, char **argv, json_t *request)
{
    if (argc > 0 && strcmp(argv[argc - 1], "--all") == 0) {
        json_object_set_new(request, "all", json_true());
        argc--;
    }
    return maybe_peer(argc, argv, request);
}

static bool alarms_args(int argc, char **argv, json_t *request)
{
    if (argc == 1 && strcmp(argv[0], "--follow") == 0)
        json_object_set_new(request, "follow", json_true());
    return argc == 0 || json_object_get(request, "follow");
}

static bool check_args(int argc, char **argv, json_t *request)
{
    if (argc == 1 && strcmp(argv[0], "--self") == 0) {
        put(request, "verb", "check-self");
        return true;
    }
    if (argc > 0 && strcmp(argv[0], "--inbound") == 0) {
        put(request, "verb", "check-inbound");
        if (argc == 2)
            put(request, "local", argv[1]);
        return argc <= 2;
    }
    if (argc == 2)
        put(request, "local", argv[1]);
    return argc > 0 && argc <= 2 && one_peer(1, argv, request);
}

/* A number is a stream: no domain is one. sip:NUMBER is a SIP connection. */
static bool close_args(int argc, char **argv, json_t *request)
{
    if (argc == 1 && strncmp(argv[0], "sip:", 4) == 0)
        return put_number(request, "conn", argv[0] + 4);
    return argc == 1 && (put_number(request, "stream", argv[0]) || one_peer(argc, argv, request));
}

static bool two_jids(int argc, char **argv, json_t *request)
{
    if (argc != 2)
        return false;
    put(request, "from", argv[0]);
    put(request, "to", argv[1]);
    return true;
}

static bool federation_args(int argc, char **argv, json_t *request)
{
    if (argc < 1)
        return false;
    put(request, "turn", argv[0]);
    return maybe_peer(argc - 1, argv + 1, request);
}

/* TEXT [MINUTES] */
static bool with_minutes(int argc, char **argv, const char *key, json_t *request)
{
    if (argc < 1 || argc > 2)
        return false;
    put(request, key, argv[0]);
    return argc == 1 || put_number(request, "minutes", argv[1]);
}

static bool log_args(int argc, char **argv, json_t *request)
{
    return with_minutes(argc, argv, "level", request);
}

static bool trace_args(int argc, char **argv, json_t *request)
{
    return with_minutes(argc, argv, "peer", request);
}

/* ------------------------------------------------------------------ tables */

/* clang-format off */
static const struct xf_ctl_column peer_columns[] = {
    {"PEER", "peer", XF_CTL_TEXT}, {"STATE", "state", XF_CTL_TEXT}, {"NAMED", "named", XF_CTL_YES}, {"IN", "in", XF_CTL_COUNT},
    {"OUT", "out", XF_CTL_COUNT}, {"QUEUED", "queued.stanzas", XF_CTL_COUNT}, {"RETRY", "retry_ms", XF_CTL_DURATION},
    {"HEARD", "heard_ms", XF_CTL_DURATION}, {"LAST FAILURE", "last_failure.detail", XF_CTL_TEXT},
};
static const struct xf_ctl_column stream_columns[] = {
    {"STREAM", "stream", XF_CTL_COUNT}, {"SIP", "conn", XF_CTL_COUNT}, {"DIR", "dir", XF_CTL_TEXT},
    {"LOCAL", "local", XF_CTL_TEXT}, {"PEER", "peer", XF_CTL_TEXT},
    {"ADDRESS", "addr", XF_CTL_TEXT}, {"STATE", "state", XF_CTL_TEXT}, {"TLS", "tls", XF_CTL_TEXT}, {"CERT", "cert", XF_CTL_TEXT},
    {"AUTH", "auth", XF_CTL_TEXT}, {"VIA", "via", XF_CTL_TEXT}, {"AGE", "age_ms", XF_CTL_DURATION}, {"IDLE", "idle_ms", XF_CTL_DURATION},
    {"STANZAS IN", "stanzas_in", XF_CTL_COUNT}, {"OUT", "stanzas_out", XF_CTL_COUNT}, {"UNPROVED", "unproved.stanzas", XF_CTL_COUNT},
};
static const struct xf_ctl_column queue_columns[] = {
    {"LOCAL", "local", XF_CTL_TEXT}, {"PEER", "peer", XF_CTL_TEXT}, {"STATE", "state", XF_CTL_TEXT}, {"QUEUED", "queued.stanzas", XF_CTL_COUNT},
    {"SIZE", "queued.bytes", XF_CTL_BYTES}, {"OLDEST", "oldest_ms", XF_CTL_DURATION}, {"UNPROVED", "unproved.stanzas", XF_CTL_COUNT},
    {"SENT", "sent", XF_CTL_COUNT}, {"BOUNCED", "bounced", XF_CTL_COUNT}, {"RETRY", "retry_ms", XF_CTL_DURATION}, {"WHY", "text", XF_CTL_TEXT},
};

#define TABLE(columns) (columns), XF_ARRAY_LEN(columns)

const struct xf_ctl_verb xf_ctl_verbs[] = {
    {"status", "", "the gateway at a glance: links, streams, queues, certificates", no_args, NULL, 0, NULL, xf_ctl_show_status, NULL},
    {"peers", "", "every known peer with its state and last failure", no_args, TABLE(peer_columns), "no peer is known yet", NULL, NULL},
    {"peer", "PEER", "one peer: policy, routes, streams, the last attempts step by step", one_peer, NULL, 0, NULL, xf_ctl_show_peer, NULL},
    {"streams", "[PEER]", "the streams and SIP connections with other servers", maybe_peer, TABLE(stream_columns), "no stream", NULL, NULL},
    {"queue", "[PEER] [--all]", "what waits for peers; --all: also routes in which nothing waits", queue_args, TABLE(queue_columns),
     "nothing waits", NULL, NULL},
    {"explain", "FROM TO", "can one reach the other: policy, e-mail address, route, streams, last error", two_jids, NULL, 0, NULL,
     xf_ctl_show_explain, NULL},
    {"check", "PEER|--self|--inbound [OURS]", "try to reach a peer now, without a stanza: DNS, each address, TLS, certificates, "
     "authentication; --self: what is wrong here; --inbound: what peers find of us", check_args, NULL, 0, NULL, xf_ctl_show_check, NULL},
    {"trace", "PEER [MINUTES]", "every event about one peer as it happens, for 10 minutes unless said", trace_args, NULL, 0, NULL, NULL,
     xf_ctl_show_trace_row},
    {"alarms", "[--follow]", "what an operator should know now; --follow: also what comes and goes from now on", alarms_args, NULL, 0, NULL,
     xf_ctl_show_alarms, xf_ctl_show_alarm_row},
    {"top", "", "peers by traffic, renewed every 2 s", no_args, NULL, 0, NULL, NULL, NULL},
    {"close", "PEER|STREAM|CONN", "close the streams and SIP connections of a peer, or one by its number (sip:7)",
     close_args, NULL, 0, NULL, xf_ctl_show_closed, NULL},
    {"retry", "PEER", "try a peer that failed now, whatever its back-off", one_peer, NULL, 0, NULL, xf_ctl_show_retry, NULL},
    {"flush", "PEER", "return what waits for a peer to its senders", one_peer, NULL, 0, NULL, xf_ctl_show_flush, NULL},
    {"forget", "PEER", "forget which protocol a peer with protocol = auto belongs to: it is found out anew", one_peer, NULL, 0, NULL,
     xf_ctl_show_forget, NULL},
    {"federation", "on|off [PEER]", "switch a peer, or all, off until xfedd ends; or on again", federation_args, NULL, 0, NULL,
     xf_ctl_show_federation, NULL},
    {"log", "LEVEL [MINUTES]", "set the log's level: error, warn, info, debug; for a time, or until a reload", log_args, NULL, 0, NULL,
     xf_ctl_show_log, NULL},
    {"reload", "", "read the configuration again, and say what came of it", no_args, NULL, 0, NULL, xf_ctl_show_reload, NULL},
    {"page", "", "where the status page is, and a token for what one may do there", no_args, NULL, 0, NULL, xf_ctl_show_page, NULL},
    {"drain", "", "empty the queues, close all streams, stop xfedd", no_args, NULL, 0, NULL, xf_ctl_show_drain, NULL},
};
/* clang-format on */

const size_t xf_ctl_verb_count = XF_ARRAY_LEN(xf_ctl_verbs);

void xf_ctl_each_verb(xf_ctl_verb_fn each, void *owner)
{
    for (const struct xf_ctl_tool *tool = xf_ctl_tools; tool->name; tool++)
        each(owner, tool->name, tool->args, tool->help);
    for (size_t i = 0; i < xf_ctl_verb_count; i++)
        each(owner, xf_ctl_verbs[i].name, xf_ctl_verbs[i].args, xf_ctl_verbs[i].help);
}
