/* SPDX-License-Identifier: MIT */
/* sip_lines.c — SIP messages of transcripts: made, and compared. */
#include "sip_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/sip/message.h>

#define MESSAGE_MAX (16u << 20)
#define SHOWN_BYTES 1500 /* of a message that is not as it should be */

/* The line at *text, which moves behind its end; NULL: there is none. Caller frees. */
static char *take_line(const char **text)
{
    if (!**text)
        return NULL;
    size_t len = strcspn(*text, "\n");
    char *line = xf_strndup(*text, len);
    *text += len;
    *text += **text == '\n';
    return line;
}

/* ------------------------------------------------------------------ what a peer sends */

/* Is "Name: value" or "-Name" among the lines? */
static bool is_named(const char *lines, const char *name)
{
    size_t len = strlen(name);
    char *line;
    bool is_it = false;
    while (!is_it && (line = take_line(&lines)) != NULL) {
        const char *at = line + (line[0] == '-');
        is_it = strncasecmp(at, name, len) == 0 && strchr(":", at[len]);
        xf_free(line);
    }
    return is_it;
}

static void header(struct xf_buf *out, const char *lines, const char *name, const char *fmt, ...)
    XF_PRINTF(4, 5);

/* A header that is there unless the statement says otherwise. */
static void header(struct xf_buf *out, const char *lines, const char *name, const char *fmt, ...)
{
    va_list args;
    if (is_named(lines, name))
        return;
    va_start(args, fmt);
    char *value = xf_vasprintf(fmt, args);
    va_end(args);
    xf_buf_appendf(out, "%s: %s\r\n", name, value);
    xf_free(value);
}

/* All lines with this name in a message, as they are, with `more` behind them. */
static void copy_header(struct xf_buf *out, const char *lines, const char *message,
                        const char *name, const char *more)
{
    size_t len = strlen(name);
    if (is_named(lines, name))
        return;
    for (const char *line = message; *line && *line != '\r';) {
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            char *text = xf_strndup(line, (size_t)(end - line));
            /* a request in a dialog has the tag already */
            xf_buf_appendf(out, "%s%s\r\n", text, strstr(text, ";tag=") ? "" : more);
            xf_free(text);
        }
        line = end + 2;
    }
}

/* Does the message have a tag in To? */
static bool has_to_tag(const char *message)
{
    const char *to = strstr(message, "\r\nTo:"), *end = to ? strstr(to + 2, "\r\n") : NULL;
    const char *tag = to ? strstr(to, ";tag=") : NULL;
    return tag && tag < end;
}

static void put_answer(struct xf_buf *out, const char *lines, const char *request,
                       const char *start)
{
    xf_buf_appendf(out, "SIP/2.0 %s%s\r\n", start, strchr(start, ' ') ? "" : " Words");
    copy_header(out, lines, request, "Via", "");
    copy_header(out, lines, request, "From", "");
    copy_header(out, lines, request, "To", has_to_tag(request) ? "" : ";tag=t1");
    copy_header(out, lines, request, "Call-ID", "");
    copy_header(out, lines, request, "CSeq", "");
}

static void put_request(struct xf_buf *out, const char *lines, const char *start, unsigned number)
{
    size_t len = strcspn(start, " ");
    const char *uri = start[len] ? start + len + 1 : "sip:u@a.example";
    xf_buf_appendf(out, "%.*s %s SIP/2.0\r\n", (int)len, start, uri);
    header(out, lines, "Via", "SIP/2.0/TLS sip.b.example;branch=z9hG4bKpeer%u", number);
    header(out, lines, "Max-Forwards", "70");
    header(out, lines, "From", "<sip:v@b.example>;tag=f%u", number);
    header(out, lines, "To", "<sip:u@a.example>");
    header(out, lines, "Call-ID", "call%u@b.example", number);
    header(out, lines, "CSeq", "1 %.*s", (int)len, start);
}

/* "| text" is the body, each a line of it; others are headers. */
static void put_lines(struct xf_buf *out, const char *lines, const struct xf_map *names,
                      struct xf_buf *body)
{
    char *raw;
    while ((raw = take_line(&lines)) != NULL) {
        char *line = text_expand(raw, names);
        if (line[0] == '|')
            xf_buf_append_str(body, line + 1 + (line[1] == ' '));
        else if (line[0] != '-')
            xf_buf_appendf(out, "%s\r\n", line);
        xf_free(line);
        xf_free(raw);
    }
}

char *sip_lines_make(const char *statement, const char *request, unsigned number,
                     const struct xf_map *names, char **out_why)
{
    struct xf_buf out, body;
    const char *lines = statement;
    char *raw = take_line(&lines), *start = text_expand(raw, names), *bytes = NULL;
    xf_buf_init(&out, MESSAGE_MAX);
    xf_buf_init(&body, MESSAGE_MAX);
    bool is_answer = start[0] >= '0' && start[0] <= '9';
    if (is_answer && !request) {
        *out_why = xf_strdup("no request of ours can be answered");
    } else {
        if (is_answer)
            put_answer(&out, lines, request, start);
        else
            put_request(&out, lines, start, number);
        put_lines(&out, lines, names, &body);
        header(&out, lines, "Content-Length", "%zu", body.len);
        xf_buf_appendf(&out, "\r\n%.*s", (int)body.len, xf_buf_ptr(&body));
        bytes = xf_strndup(xf_buf_ptr(&out), out.len);
    }
    xf_buf_release(&out);
    xf_buf_release(&body);
    xf_free(start);
    xf_free(raw);
    return bytes;
}

/* ------------------------------------------------------------------ what we send */

/* The next message, and how long its head is; NULL: there is none. Caller frees. */
static char *take_message(struct xf_buf *got, char **request, size_t *out_head_len, char **out_why)
{
    static struct xf_sip_message message;
    static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    struct xf_sip_error error;
    xf_sip_frame(&framer, xf_buf_ptr(got), got->len, &limits, &frame);
    if (frame.kind != XF_SIP_FRAME_MESSAGE) {
        *out_why =
            xf_asprintf("no message, but \"%.*s\"",
                        (int)(got->len < SHOWN_BYTES ? got->len : SHOWN_BYTES), xf_buf_ptr(got));
        return NULL;
    }
    char *text = xf_strndup(xf_buf_ptr(got), frame.len);
    char *parsed = xf_strndup(text, frame.len);
    xf_buf_consume(got, frame.len);
    bool is_sound = xf_sip_parse(parsed, frame.len, &limits, &message, &error) == XF_ERR_OK;
    if (is_sound && message.is_request && message.method != XF_SIP_ACK) {
        xf_free(*request);
        *request = xf_strdup(text);
    }
    xf_free(parsed);
    *out_head_len = frame.head_len;
    if (is_sound)
        return text;
    *out_why = xf_asprintf("our own parser refuses this (%s): %s", error.text, text);
    xf_free(text);
    return NULL;
}

/* "METHOD URI SIP/2.0" against "METHOD URI"; "SIP/2.0 200 OK" against "200" or "200 OK". */
static bool start_matches(const char *message, const char *wanted, struct xf_map *names)
{
    size_t len = strcspn(message, "\r");
    bool is_answer = strncmp(message, "SIP/2.0 ", 8) == 0;
    char *seen = is_answer ? xf_strndup(message + 8, strchr(wanted, ' ') ? len - 8 : strlen("200"))
                           : xf_strndup(message, len - strlen(" SIP/2.0"));
    bool is_good = text_matches(wanted, seen, names);
    xf_free(seen);
    return is_good;
}

static bool has_line(const char *message, size_t head_len, const char *wanted, struct xf_map *names)
{
    bool is_good = false;
    for (const char *line = message; !is_good && line < message + head_len;) {
        const char *end = strstr(line, "\r\n");
        char *one = xf_strndup(line, (size_t)(end - line));
        is_good = text_matches(wanted, one, names);
        xf_free(one);
        line = end + 2;
    }
    return is_good;
}

static bool line_matches(const char *message, size_t head_len, const char *wanted,
                         struct xf_map *names)
{
    if (wanted[0] == '|') {
        char *body = text_expand(wanted + 1 + (wanted[1] == ' '), NULL);
        bool is_good = text_matches(body, message + head_len, names);
        xf_free(body);
        return is_good;
    }
    if (wanted[0] != '-')
        return has_line(message, head_len, wanted, names);
    char *name = xf_asprintf("%s:*", wanted + 1);
    bool is_there = has_line(message, head_len, name, names);
    xf_free(name);
    return !is_there;
}

bool sip_lines_match(struct xf_buf *got, char **request, const char *statement,
                     struct xf_map *names, char **out_why)
{
    size_t head_len;
    char *message = take_message(got, request, &head_len, out_why), *line;
    if (!message)
        return false;
    line = take_line(&statement);
    if (!start_matches(message, line, names))
        *out_why = xf_asprintf("this was sent:\n%.*s", SHOWN_BYTES, message);
    xf_free(line);
    while (!*out_why && (line = take_line(&statement)) != NULL) {
        if (!line_matches(message, head_len, line, names))
            *out_why =
                xf_asprintf("not so: %s\n  in what was sent:\n%.*s", line, SHOWN_BYTES, message);
        xf_free(line);
    }
    xf_free(message);
    return !*out_why;
}
