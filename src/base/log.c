/* SPDX-License-Identifier: MIT */
/*
 * log.c — one line for each event.
 *
 * A line is built on the stack (level, event, pairs) and given to the sink, or written to standard
 * error with a time stamp or journald's priority in front. It takes a single write(2), so that
 * lines of several processes on one pipe do not mix; a line is never longer than what pipes accept
 * at once (4096 bytes on Linux). Pairs that do not fit are omitted, and `cut=yes` is added.
 *
 * A reader that has stopped (a stopped pager, journald while it is away) must not stop us: when
 * standard error takes nothing for PATIENCE_MS the line is lost, and those that follow at once,
 * until it takes one again. Then their number is told. The same holds for a file on a full disk.
 *
 * Texts come from strangers. They must not end the line, fake a pair, or control the reader's
 * terminal: control characters (also the C1 set), line separators and bidirectional overrides
 * become \xNN, byte for byte, and so do bytes that are not UTF-8. A backslash comes before quotes
 * and backslashes, as readers of logfmt expect it.
 */
#include <xfed/base/log.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/clock.h>
#include <xfed/base/err.h>
#include <xfed/base/timestamp.h>
#include <xfed/base/utf8.h>

#define TEXT_BYTES  256 /* maximum of a value, before escaping */
#define PATIENCE_MS 200

static const char cut_mark[] = " cut=yes";

struct line {
    char text[XF_LOG_LINE_BYTES];
    size_t len;
};

struct level {
    const char *word;
    int priority; /* of syslog(3), for journald */
};

static const struct level levels[] = {
    [XF_LOG_ERROR] = {"error", 3},
    [XF_LOG_WARN] = {"warn", 4},
    [XF_LOG_INFO] = {"info", 6},
    [XF_LOG_DEBUG] = {"debug", 7},
};

enum stderr_kind { STDERR_UNKNOWN, STDERR_PLAIN, STDERR_JOURNAL };

enum xf_log_level xf_log_threshold = XF_LOG_INFO;
enum xf_log_level xf_log_wanted = XF_LOG_INFO;

/* The only global state: every module may log without being given a log. */
static struct {
    xf_log_sink_fn sink;
    void *owner;
    enum stderr_kind stderr_kind;
    struct xf_node watchers; /* zeroed: never used */
    pthread_t watching;      /* their thread */
    atomic_uint lost;        /* lines that standard error did not take */
    atomic_bool is_torn;     /* it took the beginning of the last one at most */
} output;

static bool is_watched(void)
{
    return output.watchers.next && !xf_list_is_empty(&output.watchers);
}

void xf_log_set_level(enum xf_log_level level)
{
    xf_log_threshold = level;
    xf_log_wanted = is_watched() ? XF_LOG_DEBUG : level;
}

const char *xf_log_level_name(enum xf_log_level level)
{
    return levels[level].word;
}

void xf_log_watch(struct xf_log_watcher *watcher)
{
    if (!output.watchers.next)
        xf_list_init(&output.watchers);
    output.watching = pthread_self();
    xf_list_push(&output.watchers, &watcher->node);
    xf_log_set_level(xf_log_threshold);
}

void xf_log_unwatch(struct xf_log_watcher *watcher)
{
    xf_list_remove(&watcher->node);
    xf_log_set_level(xf_log_threshold);
}

const struct xf_kv *xf_log_find(const struct xf_log_event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++) {
        const struct xf_kv *kv = &event->kvs[i];
        if (strcmp(kv->key, key) == 0 && (kv->kind == XF_KV_NUMBER || kv->text.ptr))
            return kv;
    }
    return NULL;
}

struct xf_span xf_log_text(const struct xf_log_event *event, const char *key)
{
    const struct xf_kv *kv = xf_log_find(event, key);
    return kv ? kv->text : XF_SPAN_NONE;
}

bool xf_log_level_parse(const char *word, enum xf_log_level *out_level)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(levels); i++) {
        if (strcmp(word, levels[i].word) == 0) {
            *out_level = (enum xf_log_level)i;
            return true;
        }
    }
    return false;
}

void xf_log_set_sink(xf_log_sink_fn sink, void *owner)
{
    output.sink = sink;
    output.owner = owner;
    output.stderr_kind = STDERR_UNKNOWN;
}

static void put(struct line *line, const char *bytes, size_t len)
{
    size_t room = sizeof(line->text) - line->len;

    /* Once something did not fit, the line counts as full: later text must not take its place. */
    if (len > room)
        line->len = sizeof(line->text);
    if (line->len == sizeof(line->text))
        return;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void put_str(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_escaped(struct line *line, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char hex[5];

        (void)snprintf(hex, sizeof(hex), "\\x%02x", bytes[i]); /* always 4 characters */
        put(line, hex, 4);
    }
}

/* At most TEXT_BYTES, not ending within a character. */
static size_t cut_len(struct xf_span text)
{
    size_t len = TEXT_BYTES;

    if (text.len <= TEXT_BYTES)
        return text.len;
    /* Go back over at most 3 continuation bytes; invalid UTF-8 has no boundaries to respect. */
    for (int back = 0; back < 3 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80; back++)
        len--;
    return len;
}

bool xf_log_next_line(struct xf_span *text, struct xf_span *out_line, struct xf_span *out_rest)
{
    if (text->len == 0)
        return false;

    const char *newline = memchr(text->ptr, '\n', text->len), *end = text->ptr + text->len;
    struct xf_span line = {text->ptr, (size_t)((newline ? newline : end) - text->ptr)};
    const char *next = newline ? newline + 1 : end;
    size_t shown = cut_len(line);

    *out_line = line;
    *out_rest =
        shown < line.len ? (struct xf_span){line.ptr + shown, line.len - shown} : XF_SPAN_NONE;
    *text = (struct xf_span){next, (size_t)(end - next)};
    return true;
}

static void put_quoted(struct line *line, struct xf_span text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t left = cut_len(text);

    put(line, "\"", 1);
    while (left > 0) {
        size_t len = xf_utf8_shown(p, left);

        if (len == 1 && (*p == '"' || *p == '\\')) {
            const char escaped[] = {'\\', (char)*p};
            put(line, escaped, sizeof(escaped));
        } else if (len == 0) {
            len = xf_utf8_unshown(p, left);
            put_escaped(line, p, len);
        } else {
            put(line, (const char *)p, len);
        }
        p += len;
        left -= len;
    }
    put(line, "\"", 1);
}

/* Our own words are written without quotes, provided that they are plain words. */
static bool is_plain_word(struct xf_span word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-";

    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\0' || !strchr(plain, word.ptr[i]))
            return false;
    }
    return word.len > 0 && word.len <= TEXT_BYTES;
}

static void put_pair(struct line *line, const struct xf_kv *kv)
{
    char number[24];

    put(line, " ", 1);
    put_str(line, kv->key);
    put(line, "=", 1);
    if (kv->kind == XF_KV_NUMBER) {
        (void)snprintf(number, sizeof(number), "%" PRId64, kv->number); /* 20 characters at most */
        put_str(line, number);
    } else if (kv->kind == XF_KV_WORD && is_plain_word(kv->text)) {
        put(line, kv->text.ptr, kv->text.len);
    } else {
        put_quoted(line, kv->text);
    }
}

/* Writes each pair whole or not at all, and reserves room for the mark, a newline and a NUL. */
static void put_pairs(struct line *line, const struct xf_kv *kvs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = line->len;

        if (kvs[i].kind != XF_KV_NUMBER && !kvs[i].text.ptr)
            continue;
        put_pair(line, &kvs[i]);
        if (line->len + sizeof(cut_mark) + 1 > sizeof(line->text)) {
            line->len = before;
            put_str(line, cut_mark);
            return;
        }
    }
}

/*
 * Does standard error lead to journald? JOURNAL_STREAM holds its device and inode
 * (systemd.exec(5)); they must match, since the variable outlives a redirection.
 */
static enum stderr_kind find_stderr_kind(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return STDERR_PLAIN;
    (void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0 ? STDERR_JOURNAL : STDERR_PLAIN;
}

static void put_prefix(struct line *line, enum xf_log_level level)
{
    char text[XF_TIMESTAMP_BYTES];

    if (output.stderr_kind == STDERR_UNKNOWN)
        output.stderr_kind = find_stderr_kind();
    if (output.stderr_kind == STDERR_JOURNAL) {
        (void)snprintf(text, sizeof(text), "<%d>", levels[level].priority);
        put_str(line, text);
        return;
    }
    put_str(line, xf_timestamp_ms(xf_unix_ms(), text));
    put_str(line, " ");
}

/* A pipe that has room takes a whole line. */
static bool has_room(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    int ready;

    do {
        ready = poll(&fd, 1, atomic_load(&output.lost) ? 0 : PATIENCE_MS);
    } while (ready < 0 && errno == EINTR);
    return ready != 0;
}

static ssize_t write_once(const char *text, size_t len)
{
    ssize_t written;

    do {
        written = write(STDERR_FILENO, text, len);
    } while (written < 0 && errno == EINTR);
    return written;
}

/* False: the file is full, or the reader is gone, since the last line. */
static bool end_torn_line(void)
{
    if (!atomic_load(&output.is_torn))
        return true;
    if (write_once("\n", 1) != 1)
        return false;
    atomic_store(&output.is_torn, false);
    return true;
}

/* One write. False: it is lost, but for its beginning, if there was room for that in a file. */
static bool take_line(const struct line *line)
{
    bool is_whole = write_once(line->text, line->len) == (ssize_t)line->len;

    if (!is_whole)
        atomic_store(&output.is_torn, true);
    return is_whole;
}

/*
 * When the reader of the pipe is gone or stuck there is nobody to tell. Nor are watchers told of
 * each line that is lost: only when lines are taken again.
 */
static void write_line(const struct line *line)
{
    unsigned lost;

    if (!has_room() || !end_torn_line()) {
        atomic_fetch_add(&output.lost, 1);
        return;
    }
    lost = atomic_exchange(&output.lost, 0);
    if (lost > 0) {
        xf_log(XF_LOG_WARN, "log.lines.lost", XF_INT("lost", lost));
        if (atomic_load(&output.lost) > 0) { /* that one too: it counts for this one */
            atomic_fetch_add(&output.lost, lost);
            return;
        }
    }
    if ((lost > 0 && !has_room()) || !take_line(line))
        atomic_fetch_add(&output.lost, 1);
}

static void put_event(struct line *line, const struct xf_log_event *event)
{
    put_str(line, levels[event->level].word);
    put(line, " ", 1);
    put_str(line, event->name);
    put_pairs(line, event->kvs, event->count);
}

void xf_log_print(const struct xf_log_event *event, char out_line[XF_LOG_LINE_BYTES])
{
    struct line line;

    line.len = 0;
    put_event(&line, event);
    memcpy(out_line, line.text, line.len);
    out_line[line.len] = '\0';
}

static void show_watchers(const struct xf_log_event *event)
{
    XF_LIST_EACH_SAFE (node, &output.watchers) {
        struct xf_log_watcher *watcher = XF_CONTAINER(node, struct xf_log_watcher, node);
        watcher->see(watcher, event);
    }
}

static void write_event(const struct xf_log_event *event)
{
    struct line line;

    line.len = 0;
    if (!output.sink)
        put_prefix(&line, event->level);
    put_event(&line, event);
    if (output.sink) {
        put(&line, "", 1);
        output.sink(output.owner, event->level, event->name, line.text);
        return;
    }
    put(&line, "\n", 1);
    write_line(&line);
}

void xf_log_tell(const struct xf_log_event *event)
{
    if (is_watched() && pthread_equal(output.watching, pthread_self()))
        show_watchers(event);
    if (event->level <= xf_log_threshold)
        write_event(event);
}
