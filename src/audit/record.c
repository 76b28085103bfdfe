/* SPDX-License-Identifier: MIT */
/* record.c — from an event of the log to a line of the audit. */
#include "audit_priv.h"

#include <string.h>

#include <xfed/base/timestamp.h>
#include <xfed/json/json.h>

#define VERSION 1

/* clang-format off */
static const struct {
    const char *event, *kind;
} kinds[] = {
    {"policy.peer.refused",     "policy"},
    {"policy.stanza.refused",   "policy"},
    {"policy.stanza.passed",    "policy"},
    {"s2s.stream.up",           "authentication"},
    {"s2s.stream.down",         "authentication"},
    {"s2s.stream.resumed",      "authentication"},
    {"s2s.external.denied",     "authentication"},
    {"s2s.external.refused",    "authentication"},
    {"s2s.tls.skipped",         "authentication"},
    {"s2s.stanza.refused",      "authentication"},
    {"dialback.key.denied",     "authentication"},
    {"dialback.key.checked",    "authentication"},
    {"s2s.lines.suppressed",    "authentication"},
    {"peer.key.changed",        "key"},
    {"peer.key.renewed",        "key"},
    {"peer.auth.weaker",        "key"},
    {"peer.tls.lost",           "key"},
    {"control.verb.done",       "administration"},
    {"control.verb.refused",    "administration"},
    {"control.client.refused",  "administration"},
    {"control.token.refused",   "administration"},
    {"config.reload.done",      "administration"},
    {"config.reload.refused",   "administration"},
    {"process.started",         "administration"},
    {"process.stopping",        "administration"},
};
/* clang-format on */

const char *xf_audit_kind(const struct xf_log_event *event)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].event, event->name) == 0)
            return event->level <= XF_LOG_INFO ? kinds[i].kind : NULL;
    return NULL;
}

static json_t *record_of(const struct xf_log_event *event, const char *kind, int64_t unix_ms,
                         uint64_t number)
{
    char time[XF_TIMESTAMP_BYTES];
    json_t *record = json_object(), *values = json_object();
    xf_json_put_int(record, "v", VERSION);
    xf_json_put(record, "time", xf_timestamp_ms(unix_ms, time));
    xf_json_put_int(record, "number", number);
    xf_json_put(record, "kind", kind);
    xf_json_put(record, "event", event->name);
    xf_json_put(record, "level", xf_log_level_name(event->level));
    for (size_t i = 0; i < event->count; i++) {
        const struct xf_kv *kv = &event->kvs[i];
        if (kv->kind == XF_KV_NUMBER)
            xf_json_put_signed(values, kv->key, kv->number);
        else
            xf_json_put_span(values, kv->key, kv->text);
    }
    xf_json_put_new(record, "values", values);
    return record;
}

enum xf_err xf_audit_record(const struct xf_log_event *event, const char *kind, int64_t unix_ms,
                            uint64_t number, struct xf_buf *out)
{
    json_t *record = record_of(event, kind, unix_ms, number);
    enum xf_err result = xf_json_append_line(out, record);
    json_decref(record);
    return result;
}
