/* SPDX-License-Identifier: MIT */
/*
 * words.c — answers, in a few lines of plain text: a chat has no room for tables. xfedctl shows
 * all of it.
 */
#include "notify_priv.h"

#include <inttypes.h>

#include <xfed/base/clock.h>
#include <xfed/base/readable.h>

#define ITEMS_MAX   8  /* of each list */
#define EXPLAIN_MAX 12 /* lines */

static void put_key(struct xf_buf *out, const char *before, const json_t *object, const char *key)
{
    const char *text = xf_json_text(object, key);
    if (!*text)
        return;
    xf_notice_put(out, before);
    xf_notice_put_shown(out, text);
}

/* Calls `put` for the first rows of a kind (NULL: of all), then says how many more there are. */
static void put_some(struct xf_buf *out, const json_t *rows, const char *kind,
                     void (*put)(struct xf_buf *out, const json_t *row))
{
    size_t index, count = 0;
    const json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        if (kind && strcmp(xf_json_text(row, "kind"), kind) != 0)
            continue;
        if (count++ < ITEMS_MAX)
            put(out, row);
    }
    if (count > ITEMS_MAX)
        xf_notice_putf(out, "\n... and %zu more", count - ITEMS_MAX);
}

/* ------------------------------------------------------------------ status, alarms */

static void put_link(struct xf_buf *out, const json_t *link)
{
    char text[XF_READABLE_BYTES];
    uint64_t down_ms = xf_json_number(link, "down_ms");
    put_key(out, "\nlink ", link, "link");
    xf_notice_put(out, xf_json_is(link, "up") ? ": up" : ": DOWN");
    if (down_ms)
        xf_notice_putf(out, " for %s", xf_readable_duration(down_ms, text));
}

static void put_certificate(struct xf_buf *out, const json_t *cert)
{
    char text[XF_READABLE_BYTES];
    int64_t end_s = xf_json_signed(cert, "not_after_s");
    put_key(out, "\ncertificate ", cert, "name");
    xf_notice_putf(out, ": %s", xf_readable_left(end_s, xf_unix_s(), text));
}

void xf_words_status(struct xf_buf *out, const json_t *rows, const json_t *result)
{
    char text[XF_READABLE_BYTES];
    (void)rows;
    put_key(out, "xfedd ", result, "version");
    put_key(out, ", ", result, "state");
    xf_notice_putf(out, " for %s", xf_readable_duration(xf_json_number(result, "uptime_ms"), text));
    put_key(out, "\nfederation: ", result, "federation");
    put_some(out, xf_json_get(result, "links"), NULL, put_link);
    xf_notice_putf(out, "\nstreams: in %" PRIu64 ", out %" PRIu64 " (%" PRIu64 " ready)",
                   xf_json_number(result, "streams.in"), xf_json_number(result, "streams.out"),
                   xf_json_number(result, "streams.ready"));
    xf_notice_putf(out, "\nwaiting: %" PRIu64 " stanzas, %s",
                   xf_json_number(result, "waiting.stanzas"),
                   xf_readable_bytes(xf_json_number(result, "waiting.bytes"), text));
    put_some(out, xf_json_get(result, "certificates"), NULL, put_certificate);
}

static void put_alarm(struct xf_buf *out, const json_t *row)
{
    char text[XF_READABLE_BYTES];
    int64_t since_s = xf_unix_s() - xf_json_signed(row, "since_unix_s");
    xf_notice_put(out, out->len > 0 ? "\n" : "");
    xf_notice_put_alarm(out, row);
    if (since_s > 0)
        xf_notice_putf(out, " (for %s)", xf_readable_duration((uint64_t)since_s * 1000, text));
}

void xf_words_alarms(struct xf_buf *out, const json_t *rows, const json_t *result)
{
    (void)result;
    put_some(out, rows, NULL, put_alarm);
    if (out->len == 0)
        xf_notice_put(out, "No alarm.");
}

/* ------------------------------------------------------------------ one peer */

static void put_ruling(struct xf_buf *out, const json_t *ruling)
{
    if (xf_json_is(ruling, "passes"))
        xf_notice_put(out, "passes");
    else
        put_key(out, "refused by ", ruling, "rule");
}

static void put_policy(struct xf_buf *out, const json_t *pair)
{
    put_key(out, "\npolicy for ", pair, "local");
    xf_notice_put(out, ": out ");
    put_ruling(out, xf_json_get(pair, "out"));
    xf_notice_put(out, ", in ");
    put_ruling(out, xf_json_get(pair, "in"));
}

static void put_route(struct xf_buf *out, const json_t *row)
{
    put_key(out, "\nroute of ", row, "local");
    put_key(out, ": ", row, "state");
    xf_notice_putf(out, ", %" PRIu64 " stanzas wait", xf_json_number(row, "queued.stanzas"));
    put_key(out, ", ", row, "text");
}

static void put_stream(struct xf_buf *out, const json_t *row)
{
    char text[XF_READABLE_BYTES];
    put_key(out, "\nstream ", row, "dir");
    put_key(out, " ", row, "local");
    put_key(out, " ", row, "addr");
    put_key(out, ": ", row, "state");
    put_key(out, ", ", row, "tls");
    put_key(out, ", ", row, "auth");
    put_key(out, ", certificate ", row, "cert");
    xf_notice_putf(out, ", for %s", xf_readable_duration(xf_json_number(row, "age_ms"), text));
}

/* The newest comes first. */
/* Of an attempt that anybody may have made in the name of the peer. */
static bool are_words_of_anybody(const json_t *row)
{
    return strcmp(xf_json_text(row, "dir"), "in") == 0 &&
           strcmp(xf_json_text(row, "outcome"), "failed") == 0;
}

static void put_last_attempt(struct xf_buf *out, const json_t *rows)
{
    size_t index;
    const json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        if (strcmp(xf_json_text(row, "kind"), "attempt") != 0 || are_words_of_anybody(row))
            continue;
        put_key(out, "\nlast attempt, ", row, "dir");
        put_key(out, ": ", row, "outcome");
        put_key(out, ", ", row, "reason");
        put_key(out, ": ", row, "detail");
        put_key(out, "\nadvice: ", row, "advice");
        return;
    }
}

static void put_rows(struct xf_buf *out, const json_t *rows)
{
    put_some(out, rows, "route", put_route);
    put_some(out, rows, "stream", put_stream);
    put_last_attempt(out, rows);
    if (json_array_size(rows) == 0)
        xf_notice_put(out, "\nno route, no stream, and no attempt that is remembered");
}

void xf_words_peer(struct xf_buf *out, const json_t *rows, const json_t *result)
{
    put_key(out, "peer ", result, "peer");
    put_key(out, ", section at ", result, "place");
    put_some(out, xf_json_get(result, "policy"), NULL, put_policy);
    put_rows(out, rows);
}

void xf_words_explain(struct xf_buf *out, const json_t *rows, const json_t *result)
{
    const char *text = xf_json_text(result, "policy");
    for (size_t lines = 0; *text && lines < EXPLAIN_MAX; lines++) {
        char line[400];
        size_t len = strcspn(text, "\n"), some = len < sizeof(line) ? len : sizeof(line) - 1;
        memcpy(line, text, some);
        line[some] = '\0';
        xf_notice_put(out, lines ? "\n" : "");
        xf_notice_put_shown(out, line);
        text += len + (text[len] == '\n');
    }
    if (*text)
        xf_notice_put(out, "\n... (xfedctl explain shows all settings)");
    put_rows(out, rows);
}

void xf_words_check(struct xf_buf *out, const json_t *rows, const json_t *result)
{
    const char *detail = xf_json_text(result, "detail");
    (void)rows;
    put_key(out, "", result, "peer");
    xf_notice_put(out, xf_json_is(result, "reachable") ? " can be reached" : " cannot be reached");
    put_key(out, " from ", result, "local");
    if (!xf_json_is(result, "reachable"))
        put_key(out, ": ", result, *detail ? "detail" : "text");
    put_key(out, "\nadvice: ", result, "advice");
    put_some(out, xf_json_get(result, "links"), NULL, put_link);
}
