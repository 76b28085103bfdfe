/* SPDX-License-Identifier: MIT */
/*
 * log.h — one line an event: time, level, stable event name, key=value pairs.
 *
 *     xf_log(XF_LOG_INFO, "s2s.stream.up", XF_STR("peer", peer), XF_INT("ms", took_ms));
 *     2026-01-02T03:04:05.678Z info s2s.stream.up peer="b.example" ms=143
 *
 * Event names are literals `<area>.<noun>.<past verb>`; keys are snake_case with their unit. Text
 * values are quoted and escaped (control bytes, quotes, backslash, invalid UTF-8 as \xNN), cut at
 * 256 bytes: names come from strangers. Secrets, keys and stanza bodies are never logged. Disabled
 * levels cost one comparison.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/span.h>

enum xf_log_level { XF_LOG_ERROR, XF_LOG_WARN, XF_LOG_INFO, XF_LOG_DEBUG };

enum xf_kv_kind { XF_KV_TEXT, XF_KV_NUMBER, XF_KV_WORD };

struct xf_kv {
    const char *key;
    enum xf_kv_kind kind;
    struct xf_span text;
    int64_t number;
};

/* Text, left out when NULL or absent; WORD is for our own words, which stand without quotes. */
#define XF_STR(k, v)  ((struct xf_kv){(k), XF_KV_TEXT, xf_span_of(v), 0})
#define XF_SPN(k, v)  ((struct xf_kv){(k), XF_KV_TEXT, (v), 0})
#define XF_WORD(k, v) ((struct xf_kv){(k), XF_KV_WORD, xf_span_of(v), 0})
#define XF_INT(k, v)  ((struct xf_kv){(k), XF_KV_NUMBER, XF_SPAN_NONE, (int64_t)(v)})

extern enum xf_log_level xf_log_threshold; /* written by xf_log_set_level only */

void xf_log_set_level(enum xf_log_level level);

/* "error", "warn", "info", "debug" -> level. */
bool xf_log_level_parse(const char *word, enum xf_log_level *out_level);

/*
 * Where lines go: by default to standard error, whole lines, with journald's "<N>" prefix when
 * JOURNAL_STREAM names it and no time stamp of our own then. A line has at most 4096 bytes: pairs
 * which do not fit are left out, and `cut=yes` says so. A test gives a sink of its own, which gets
 * the line from the level on, without time and newline; a NULL sink is standard error again, looked
 * at anew.
 */
typedef void (*xf_log_sink_fn)(void *owner, enum xf_log_level level, const char *event,
                               const char *line);
void xf_log_set_sink(xf_log_sink_fn sink, void *owner);

#define xf_log(level, event, ...)                                                             \
    do {                                                                                      \
        enum xf_log_level xf_log_at = (level); /* once: it may count lines */                 \
        if (__builtin_expect(xf_log_at <= xf_log_threshold, 0))                               \
            xf_log_event(xf_log_at, "" event, (const struct xf_kv[]){__VA_ARGS__},            \
                         sizeof((const struct xf_kv[]){__VA_ARGS__}) / sizeof(struct xf_kv)); \
    } while (0)

void xf_log_event(enum xf_log_level level, const char *event, const struct xf_kv *kvs,
                  size_t count);
