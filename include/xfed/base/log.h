/* SPDX-License-Identifier: MIT */
/*
 * log.h — one line for each event: time, level, stable event name, key=value pairs.
 *
 *     xf_log(XF_LOG_INFO, "s2s.stream.up", XF_STR("peer", peer), XF_INT("ms", took_ms));
 *     2026-01-02T03:04:05.678Z info s2s.stream.up peer="b.example" ms=143
 *
 * Event names are literals `<area>.<noun>.<past verb>`; keys are snake_case with their unit. Text
 * values are quoted and escaped (control bytes, quotes, backslash, invalid UTF-8 as \xNN), cut at
 * 256 bytes, since strangers choose the names. Secrets, keys and stanza bodies are never logged. A
 * disabled level costs one comparison.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/list.h>
#include <xfed/base/span.h>

enum xf_log_level { XF_LOG_ERROR, XF_LOG_WARN, XF_LOG_INFO, XF_LOG_DEBUG };

enum xf_kv_kind { XF_KV_TEXT, XF_KV_NUMBER, XF_KV_WORD };

struct xf_kv {
    const char *key;
    enum xf_kv_kind kind;
    struct xf_span text;
    int64_t number;
};

/* XF_STR: text, omitted when NULL or absent. XF_WORD: a word of ours, without quotes. */
#define XF_STR(k, v)  ((struct xf_kv){(k), XF_KV_TEXT, xf_span_of(v), 0})
#define XF_SPN(k, v)  ((struct xf_kv){(k), XF_KV_TEXT, (v), 0})
#define XF_WORD(k, v) ((struct xf_kv){(k), XF_KV_WORD, xf_span_of(v), 0})
#define XF_INT(k, v)  ((struct xf_kv){(k), XF_KV_NUMBER, XF_SPAN_NONE, (int64_t)(v)})

/* Set by log.c only: what is written, and what is written or watched. */
extern enum xf_log_level xf_log_threshold, xf_log_wanted;

void xf_log_set_level(enum xf_log_level level);
const char *xf_log_level_name(enum xf_log_level level);

/* "error", "warn", "info", "debug" -> level. */
bool xf_log_level_parse(const char *word, enum xf_log_level *out_level);

/*
 * Where lines go. By default each is written whole to standard error; when JOURNAL_STREAM names
 * standard error, with journald's "<N>" prefix in place of a time stamp. A line has at most 4096
 * bytes: pairs that do not fit are omitted, and `cut=yes` is added. Tests set a sink of their own,
 * which gets the line from the level on, without time and newline. NULL selects standard error
 * again and rereads JOURNAL_STREAM.
 */
typedef void (*xf_log_sink_fn)(void *owner, enum xf_log_level level, const char *event,
                               const char *line);
void xf_log_set_sink(xf_log_sink_fn sink, void *owner);

/*
 * A watcher sees every event of this thread as its values, also those at debug and those that are
 * not written: metrics, audit, the attempts of a peer and live views are made of them. The values
 * are borrowed for the call, which must not log. A watcher may leave while it is called, but no
 * other one. Watchers belong to one thread, the one of the loop; what other threads log is only
 * written.
 */
struct xf_log_event {
    enum xf_log_level level;
    const char *name; /* a literal */
    const struct xf_kv *kvs;
    size_t count;
};

struct xf_log_watcher {
    struct xf_node node;
    void (*see)(struct xf_log_watcher *watcher, const struct xf_log_event *event);
};

void xf_log_watch(struct xf_log_watcher *watcher);
void xf_log_unwatch(struct xf_log_watcher *watcher); /* nothing if it does not watch */

/* NULL: the event has no such key, or its text is absent. */
const struct xf_kv *xf_log_find(const struct xf_log_event *event, const char *key);
/* The text of a key; absent when the event has none. */
struct xf_span xf_log_text(const struct xf_log_event *event, const char *key);

/*
 * Take the first line of a text, for one line of the log each. *out_rest is what one pair does not
 * show of it, absent if it shows all: for a second pair. False: there is none.
 */
bool xf_log_next_line(struct xf_span *text, struct xf_span *out_line, struct xf_span *out_rest);

/* The line as it is written, from the level on, without time and newline; always terminated. */
#define XF_LOG_LINE_BYTES 4096
void xf_log_print(const struct xf_log_event *event, char out_line[XF_LOG_LINE_BYTES]);

#define xf_log(level, event, ...)                                                       \
    do {                                                                                \
        enum xf_log_level xf_log_at = (level); /* evaluated once: it may count lines */ \
        if (__builtin_expect(xf_log_at <= xf_log_wanted, 0))                            \
            xf_log_tell(&(const struct xf_log_event){                                   \
                xf_log_at, "" event, (const struct xf_kv[]){__VA_ARGS__},               \
                sizeof((const struct xf_kv[]){__VA_ARGS__}) / sizeof(struct xf_kv)});   \
    } while (0)

void xf_log_tell(const struct xf_log_event *event);
