/* SPDX-License-Identifier: MIT */
/*
 * events.c — log events -> metrics: a table. What is counted here is counted where the log says it,
 * whether or not the line is written.
 *
 * A label is the value of a key of the event, or with `=` a constant. Only keys whose values are
 * words of ours or titles of links may become labels: a name or text of others would make as many
 * series as they like.
 *
 * Some events are written at most once in a while, with the number of those left out in a key
 * (`plus`): these count too, when the next one is written.
 */
#include "metrics_priv.h"

enum what { ADD, SET, CLEAR, OBSERVE_MS };

struct row {
    const char *event;
    enum xf_metric metric;
    enum what what;
    const char *labels[XF_METRIC_LABELS_MAX]; /* in the order of the family */
    const char *plus; /* a key with the number of events left out; NULL: none is */
};

/* clang-format off */
#define ROW(name, metric, what, ...) {name, XF_METRIC_##metric, what, {__VA_ARGS__}, NULL}
#define ROW_PLUS(name, metric, plus, ...) {name, XF_METRIC_##metric, ADD, {__VA_ARGS__}, plus}

/* Rows of one event stand together. */
static const struct row rows[] = {
    ROW("s2s.stream.up",            AUTHENTICATIONS, ADD,        "dir", "auth", "=ok"),
    ROW("s2s.stream.up",            CERT_VERDICTS,   ADD,        "dir", "cert"),
    ROW("s2s.stream.up",            NEGOTIATION,     OBSERVE_MS, "dir"),
    ROW("s2s.stream.down",          STREAMS_ENDED,   ADD,        "dir", "reason"),
    ROW("s2s.external.refused",     AUTHENTICATIONS, ADD,        "=out", "=external", "=refused"),
    ROW("s2s.external.denied",      AUTHENTICATIONS, ADD,        "=in", "=external", "=refused"),
    ROW("dialback.key.denied",      AUTHENTICATIONS, ADD,        "=in", "=dialback", "reason"),
    ROW("dialback.key.checked",     DIALBACK_CHECKS, ADD,        "answer"),
    ROW("s2s.stanza.refused",       STANZAS_REFUSED, ADD,        "=peer", "reason"),
    ROW("s2s.stanza.dropped",       STANZAS_REFUSED, ADD,        "=peer", "reason"),
    ROW("peer.key.changed",         PEER_ALARMS,     ADD,        "=key-changed"),
    ROW("peer.auth.weaker",         PEER_ALARMS,     ADD,        "=auth-weaker"),
    ROW("peer.tls.lost",            PEER_ALARMS,     ADD,        "=tls-lost"),

    ROW_PLUS("routing.stanza.refused", STANZAS_REFUSED, "suppressed", "=cluster", "reason"),
    ROW("routing.stanza.bounced",   BOUNCES,         ADD,        "=cluster", "reason"),
    ROW("routing.stanza.returned",  BOUNCES,         ADD,        "=peer", "reason"),
    ROW("routing.route.failed",     ROUTE_FAILURES,  ADD,        "reason"),
    ROW_PLUS("routing.queue.full",  QUEUE_FULL,      "suppressed", NULL),
    ROW("routing.link.paused",      READ_PAUSES,     ADD,        "=cluster", "=queue"),
    ROW("policy.peer.refused",      POLICY_PEERS,    ADD,        "rule"),

    ROW("link.stream.down",         LINK_ENDED,      ADD,        "link", "reason"),
    ROW("link.stream.failed",       LINK_ENDED,      ADD,        "link", "reason"),
    ROW("link.stanza.expired",      LINK_EXPIRED,    ADD,        "link"),
    ROW("link.stanza.quarantined",  LINK_QUARANTINED, ADD,       "link"),

    ROW("sip.conn.up",              SIP_CONNS_OPENED, ADD,       "dir"),
    ROW("sip.conn.down",            SIP_CONNS_ENDED, ADD,        "dir", "reason"),
    ROW("sip.conn.refused",         SIP_CONNS_REFUSED, ADD,      "dir", "reason"),
    ROW("sip.hop.failed",           SIP_HOP_FAILURES, ADD,       "reason"),
    ROW("sip.request.refused",      SIP_REQUESTS_REFUSED, ADD,   "reason"),
    ROW("sip.message.malformed",    SIP_REQUESTS_REFUSED, ADD,   "=malformed"),

    ROW("dns.query.answered",       DNS_LOOKUPS,     ADD,        "type", "result"),
    ROW("dns.query.answered",       DNS_TIME,        OBSERVE_MS, NULL),

    ROW("config.reload.done",       RELOADS,         ADD,        "=done"),
    ROW("config.reload.done",       RELOAD_REFUSED,  CLEAR,      NULL),
    ROW("config.reload.refused",    RELOADS,         ADD,        "=refused"),
    ROW("config.reload.refused",    RELOAD_REFUSED,  SET,        NULL),
    ROW("config.restart.needed",    RESTART_NEEDED,  SET,        NULL),

    ROW("memory.write.failed",      DEPENDENCY_DOWN, SET,        "=history"),
    ROW("memory.write.recovered",   DEPENDENCY_DOWN, CLEAR,      "=history"),
    ROW("memory.store.lost",        DEPENDENCY_DOWN, SET,        "=database"),
    ROW("memory.store.found",       DEPENDENCY_DOWN, CLEAR,      "=database"),
    ROW("journal.write.failed",     DEPENDENCY_DOWN, SET,        "=journal"),
    ROW("journal.write.recovered",  DEPENDENCY_DOWN, CLEAR,      "=journal"),
    ROW("dialogs.write.failed",     DEPENDENCY_DOWN, SET,        "=dialogs"),
    ROW("dialogs.write.recovered",  DEPENDENCY_DOWN, CLEAR,      "=dialogs"),
    ROW("identity.directory.lost",  DEPENDENCY_DOWN, SET,        "=directory"),
    ROW("identity.directory.found", DEPENDENCY_DOWN, CLEAR,      "=directory"),
    ROW("identity.directory.removed", DEPENDENCY_DOWN, CLEAR,    "=directory"),
    ROW("audit.write.failed",       DEPENDENCY_DOWN, SET,        "=audit"),
    ROW("audit.write.recovered",    DEPENDENCY_DOWN, CLEAR,      "=audit"),
};
/* clang-format on */

static int64_t number_of(const struct xf_log_event *event, const char *key)
{
    const struct xf_kv *kv = key ? xf_log_find(event, key) : NULL;
    return kv && kv->kind == XF_KV_NUMBER ? kv->number : 0;
}

static void fill_labels(const struct row *row, const struct xf_log_event *event,
                        struct xf_label_values *out)
{
    for (size_t i = 0; i < XF_METRIC_LABELS_MAX; i++) {
        const char *source = row->labels[i];
        out->of[i] = !source          ? XF_SPAN_NONE
                     : *source == '=' ? xf_span_of(source + 1)
                                      : xf_log_text(event, source);
    }
}

static void apply(struct xf_metrics *metrics, const struct row *row,
                  const struct xf_log_event *event)
{
    struct xf_label_values labels;
    fill_labels(row, event, &labels);
    switch (row->what) {
    case ADD:
        xf_metrics_add(metrics, row->metric, &labels, 1 + number_of(event, row->plus));
        return;
    case SET:
    case CLEAR:
        xf_metrics_set(metrics, row->metric, &labels, row->what == SET);
        return;
    case OBSERVE_MS:
        xf_metrics_observe(metrics, row->metric, &labels, (uint64_t)number_of(event, "ms"));
        return;
    }
}

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_metrics *metrics = XF_CONTAINER(watcher, struct xf_metrics, watcher);
    const struct row *row = xf_map_find(metrics->events, xf_span_of(event->name));
    if (event->level <= XF_LOG_INFO)
        xf_metrics_add(metrics, XF_METRIC_LOG_EVENTS,
                       XF_LABEL_VALUES(xf_span_of(xf_log_level_name(event->level))), 1);
    for (; row && row < rows + XF_ARRAY_LEN(rows) && strcmp(row->event, event->name) == 0; row++)
        apply(metrics, row, event);
}

/*
 * Rows whose labels are all constants have a series from the start: a counter that begins with 1
 * shows no increase.
 */
static void begin_at_zero(struct xf_metrics *metrics, const struct row *row)
{
    static const struct xf_log_event nothing = {.name = ""};
    struct xf_label_values labels;
    for (size_t i = 0; i < XF_METRIC_LABELS_MAX; i++)
        if (row->labels[i] && *row->labels[i] != '=')
            return;
    fill_labels(row, &nothing, &labels);
    if (row->what != OBSERVE_MS)
        xf_metrics_add(metrics, row->metric, &labels, 0);
}

void xf_metrics_watch_log(struct xf_metrics *metrics)
{
    metrics->events = xf_map_new();
    for (size_t i = XF_ARRAY_LEN(rows); i > 0; i--) {
        (void)xf_map_set(metrics->events, xf_span_of(rows[i - 1].event), (void *)&rows[i - 1]);
        begin_at_zero(metrics, &rows[i - 1]);
    }
    for (int level = XF_LOG_ERROR; level <= XF_LOG_INFO; level++)
        xf_metrics_add(metrics, XF_METRIC_LOG_EVENTS,
                       XF_LABEL_VALUES(xf_span_of(xf_log_level_name((enum xf_log_level)level))), 0);
    metrics->watcher.see = see;
    xf_log_watch(&metrics->watcher);
}

void xf_events_end(struct xf_metrics *metrics)
{
    if (!metrics->events)
        return;
    xf_log_unwatch(&metrics->watcher);
    xf_map_free(&metrics->events);
}
