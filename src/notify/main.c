/* SPDX-License-Identifier: MIT */
/*
 * main.c — xfed-notify: tells operators of alarms by chat, and answers what they ask. The command
 * line, and the loop that waits for both sides. Exit: 0 ended by a signal, or -t found nothing; 64
 * wrong usage; 78 the configuration cannot be used.
 */
#include "notify_priv.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/base/log.h>

#define EXIT_USAGE  64
#define EXIT_CONFIG 78
#define TURN_MAX_MS 1000 /* whatever is missed, at most so late */
#define QUIET_MS    300  /* how long news are gathered into one message */
#define AWAY_MS     3000 /* news that waited longer were told late */

struct notifier {
    struct xf_notice_settings settings;
    struct xf_book book;
    struct xf_gateway gateway;
    struct xf_inquiries inquiries;
    struct xf_guard guard;
    struct xf_chat *chat;
    uint64_t news_ms; /* since when there are news; 0: none */
};

static volatile sig_atomic_t is_ending;

static void on_signal(int number)
{
    (void)number;
    is_ending = 1;
}

/* ------------------------------------------------------------------ questions */

static void reply(void *owner, const char *to, const char *text)
{
    struct notifier *s = owner;
    xf_chat_send(s->chat, to, text);
}

static void take_question(struct notifier *s, const struct xf_notice_message *message)
{
    struct xf_buf words;
    json_t *request = NULL;
    xf_notice_text_init(&words);
    const struct xf_question *question =
        xf_question_parse(xf_span_of(message->body), &request, &words);
    if (question && !xf_inquiries_add(&s->inquiries, question, request, message->from))
        xf_notice_put(&words, "Several questions wait already: please ask again later.");
    if (words.len > 0) {
        char *text = xf_span_dup(xf_buf_span(&words));
        xf_chat_send(s->chat, message->from, text);
        xf_free(text);
    }
    xf_buf_release(&words);
}

static void on_message(void *owner, const struct xf_notice_message *message)
{
    struct notifier *s = owner;
    uint64_t now_ms = xf_monotonic_ms();
    const char *reason = NULL;
    switch (xf_guard_judge(&s->guard, message, now_ms, &reason)) {
    case XF_GUARD_PASS:
        take_question(s, message);
        return;
    case XF_GUARD_SLOW:
        xf_chat_send(s->chat, message->from, "Too many questions: please wait a minute.");
        return;
    case XF_GUARD_IGNORE:
        xf_guard_log(&s->guard, reason, now_ms);
        return;
    }
}

static const struct xf_chat_events events = {.message = on_message};

/* ------------------------------------------------------------------ news */

static void tell_news(struct notifier *s, uint64_t now_ms)
{
    struct xf_buf text;
    if (s->book.news.count == 0)
        return;
    if (s->news_ms == 0)
        s->news_ms = now_ms;
    if (!xf_chat_is_up(s->chat) || now_ms - s->news_ms < QUIET_MS ||
        !xf_book_tell(&s->book, now_ms - s->news_ms > AWAY_MS, &text))
        return;
    char *words = xf_span_dup(xf_buf_span(&text));
    for (size_t i = 0; i < s->settings.operators.count; i++)
        xf_chat_send(s->chat, s->settings.operators.item[i], words);
    xf_log(XF_LOG_INFO, "notify.alarms.told", XF_INT("bytes", text.len));
    xf_free(words);
    xf_buf_release(&text);
    s->news_ms = 0;
}

/* ------------------------------------------------------------------ the loop */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_and_work(struct notifier *s, uint64_t until_ms, uint64_t *out_next_ms)
{
    enum { GATEWAY, INQUIRY, CHAT, FDS };
    struct pollfd fds[FDS] = {
        [GATEWAY] = {.fd = s->gateway.ask.fd, .events = POLLIN},
        [INQUIRY] = {.fd = s->inquiries.ask.fd, .events = POLLIN},
        [CHAT] = {.fd = xf_chat_fd(s->chat), .events = POLLIN},
    };
    uint64_t now_ms = xf_monotonic_ms();
    int timeout = until_ms > now_ms ? (int)least(until_ms - now_ms, TURN_MAX_MS) : 0;
    (void)poll(fds, FDS, timeout);
    now_ms = xf_monotonic_ms();
    uint64_t next_ms = xf_chat_turn(s->chat, now_ms); /* brings questions */
    next_ms = least(next_ms, xf_gateway_turn(&s->gateway, fds[GATEWAY].revents != 0, now_ms));
    next_ms = least(next_ms, xf_inquiries_turn(&s->inquiries, fds[INQUIRY].revents != 0, now_ms));
    tell_news(s, now_ms);
    if (s->book.news.count > 0)
        next_ms = least(next_ms, now_ms + QUIET_MS);
    *out_next_ms = xf_chat_has_output(s->chat) ? now_ms : next_ms;
}

static int run(struct notifier *s)
{
    const struct sigaction ends = {.sa_handler = on_signal}, ignored = {.sa_handler = SIG_IGN};
    uint64_t next_ms = 0;
    sigaction(SIGTERM, &ends, NULL);
    sigaction(SIGINT, &ends, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    xf_gateway_init(&s->gateway, s->settings.control, &s->book);
    xf_inquiries_init(&s->inquiries, s->settings.control, reply, s);
    xf_guard_init(&s->guard, &s->settings.operators);
    s->chat = xf_chat_new(&s->settings, &events, s);
    xf_log(XF_LOG_INFO, "notify.process.started", XF_STR("version", XFED_VERSION),
           XF_STR("jid", s->settings.jid), XF_INT("operators", s->settings.operators.count));
    while (!is_ending)
        wait_and_work(s, next_ms, &next_ms);
    xf_log(XF_LOG_INFO, "notify.process.stopped", XF_STR("jid", s->settings.jid));
    xf_inquiries_release(&s->inquiries);
    xf_gateway_release(&s->gateway);
    xf_chat_free(&s->chat);
    xf_guard_release(&s->guard);
    xf_book_release(&s->book);
    return 0;
}

static int usage(FILE *out, int code)
{
    fputs("usage: xfed-notify [-c FILE] [-t]\n\n"
          "  -c FILE    the configuration; else " XF_NOTICE_CONF "\n"
          "  -t         check it, and end\n"
          "  --version, --help\n",
          out);
    return code;
}

int main(int argc, char **argv)
{
    struct notifier s = {0};
    const char *file = XF_NOTICE_CONF;
    bool is_test = false;
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "-c") == 0 && at + 1 < argc) {
            file = argv[++at];
        } else if (strcmp(argv[at], "-t") == 0) {
            is_test = true;
        } else if (strcmp(argv[at], "--version") == 0) {
            puts("xfed-notify " XFED_VERSION);
            return 0;
        } else {
            bool is_help = strcmp(argv[at], "--help") == 0;
            return usage(is_help ? stdout : stderr, is_help ? 0 : EXIT_USAGE);
        }
    }
    if (!xf_notice_settings_load(file, &s.settings))
        return EXIT_CONFIG;
    int code = is_test ? (printf("%s: good\n", file), 0) : run(&s);
    xf_notice_settings_release(&s.settings);
    return code;
}
