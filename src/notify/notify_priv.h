/* SPDX-License-Identifier: MIT */
/*
 * notify_priv.h — what the files of xfed-notify share.
 *
 *   main.c       the command line, and the loop that waits for both sides
 *   settings.c   its configuration file
 *   gateway.c    follows the alarms of xfedd over the control socket
 *   book.c       which alarms stand, and what is still to be told
 *   chat.c       the account at the local server (libstrophe)
 *   guard.c      which messages are from operators, and how many they may send
 *   questions.c  what operators may ask
 *   inquiry.c    asks xfedd, one question at a time
 *   words.c      answers, in a few lines of plain text
 *   text.c       text that is bounded, and in which strangers' words do no harm
 *
 * It is a process of its own, so that what blocks here (names, files, a server that does not
 * answer) never holds up xfedd. It asks the control socket and nothing else, and only what the
 * table in questions.c has: nothing there changes the gateway.
 */
#pragma once

#include <xfed/ask/ask.h>
#include <xfed/base/buf.h>
#include <xfed/base/list.h>
#include <xfed/base/texts.h>
#include <xfed/xmpp/jid.h>

#define XF_NOTICE_TEXT_MAX 4000 /* bytes of a message that we send */

/* ------------------------------------------------------------------ text.c */

void xf_notice_text_init(struct xf_buf *text); /* at most XF_NOTICE_TEXT_MAX */
/* Words of ours; what does not fit is cut. */
void xf_notice_put(struct xf_buf *text, const char *words);
void xf_notice_putf(struct xf_buf *text, const char *fmt, ...) XF_PRINTF(2, 3);
/* Words that others may have chosen: nothing in them ends the line or turns it. */
void xf_notice_put_shown(struct xf_buf *text, const char *words);
/* A line of an alarm: "peer.unreachable partner.example: text: detail". */
void xf_notice_put_alarm(struct xf_buf *text, const json_t *row);

/* ------------------------------------------------------------------ settings.c */

enum xf_notice_tls { XF_NOTICE_TLS_REQUIRED, XF_NOTICE_TLS_ANY_CERTIFICATE };

struct xf_notice_settings {
    char *jid;      /* bare, prepared */
    char *password; /* wiped when it is freed */
    char *host;     /* of the server; NULL: DNS says */
    unsigned port;
    char *ca_file; /* NULL: those of the system */
    enum xf_notice_tls tls;
    struct xf_texts operators; /* bare JIDs, prepared */
    char *control;
};

/* False: it cannot be used, as explained on standard error. Warnings go there too. */
bool xf_notice_settings_load(const char *file, struct xf_notice_settings *out);
void xf_notice_settings_release(struct xf_notice_settings *settings);

/* ------------------------------------------------------------------ book.c */

struct xf_book {
    struct xf_texts keys, lines; /* of the alarms that stand: "name subject", and their text */
    struct xf_texts seen;        /* keys, while what stands is being listed */
    struct xf_texts news;        /* lines to tell */
    size_t more;                 /* news for which there was no room */
};
#define XF_BOOK_NEWS_MAX 30

void xf_book_release(struct xf_book *book);
/* A row of the verb alarms (doc/operators/CONTROL.md). */
void xf_book_take(struct xf_book *book, const json_t *row);
void xf_book_begin_list(struct xf_book *book); /* a new connection: what stands comes first */
/* Something that is no alarm of xfedd. */
void xf_book_say(struct xf_book *book, const char *line);
/* What is to be told, as one message; false: nothing. `was_away`: it could not be told at once. */
bool xf_book_tell(struct xf_book *book, bool was_away, struct xf_buf *out);

/* ------------------------------------------------------------------ gateway.c */

struct xf_gateway {
    const char *path;
    struct xf_book *book;
    struct xf_ask ask;
    uint64_t retry_ms, wait_ms; /* when to connect next; how long to wait after that */
    uint64_t heard_ms;          /* when it last said something on this connection */
    uint64_t lost_ms;           /* since when xfedd does not answer; 0: it does */
    bool is_lost_told;
    char why[XF_ASK_WHY_BYTES];
};

void xf_gateway_init(struct xf_gateway *gateway, const char *path, struct xf_book *book);
void xf_gateway_release(struct xf_gateway *gateway);
/* Do what is due; `is_readable`: something has come. Returns when to call again at the latest. */
uint64_t xf_gateway_turn(struct xf_gateway *gateway, bool is_readable, uint64_t now_ms);

/* ------------------------------------------------------------------ questions.c */

#define XF_QUESTION_MAX 1024 /* bytes of a message from an operator */

struct xf_question {
    const char *name, *args, *help;
    const char *keys[2]; /* of the request, for its arguments */
    /* The answer in words. */
    void (*answer)(struct xf_buf *out, const json_t *rows, const json_t *result);
};

/*
 * What the message asks; *out_request is the caller's. NULL: it asks nothing, and `out_words` says
 * what may be asked.
 */
const struct xf_question *xf_question_parse(struct xf_span text, json_t **out_request,
                                            struct xf_buf *out_words);

/* ------------------------------------------------------------------ words.c */

void xf_words_status(struct xf_buf *out, const json_t *rows, const json_t *result);
void xf_words_alarms(struct xf_buf *out, const json_t *rows, const json_t *result);
void xf_words_peer(struct xf_buf *out, const json_t *rows, const json_t *result);
void xf_words_check(struct xf_buf *out, const json_t *rows, const json_t *result);
void xf_words_explain(struct xf_buf *out, const json_t *rows, const json_t *result);

/* ------------------------------------------------------------------ inquiry.c */

#define XF_INQUIRIES_MAX 5 /* that wait, of all operators */

struct xf_inquiry { /* one that waits or is under way */
    struct xf_node node;
    const struct xf_question *question;
    json_t *request;
    char *to; /* who asked: a full JID */
};

typedef void (*xf_answer_fn)(void *owner, const char *to, const char *text);

struct xf_inquiries {
    const char *path;
    xf_answer_fn answer;
    void *owner;
    struct xf_node waiting; /* the first is under way while ask.fd >= 0 */
    size_t count;
    struct xf_ask ask;
    json_t *rows;
    uint64_t due_ms; /* when to give up */
};

void xf_inquiries_init(struct xf_inquiries *inquiries, const char *path, xf_answer_fn answer,
                       void *owner);
void xf_inquiries_release(struct xf_inquiries *inquiries);
/* False: too many wait. `request` is taken over either way. */
bool xf_inquiries_add(struct xf_inquiries *inquiries, const struct xf_question *question,
                      json_t *request, const char *to);
uint64_t xf_inquiries_turn(struct xf_inquiries *inquiries, bool is_readable, uint64_t now_ms);

/* ------------------------------------------------------------------ guard.c */

/* What counts of a message; NULL: it has none. */
struct xf_notice_message {
    const char *from, *type, *body;
    bool is_copy; /* delayed, forwarded, a carbon, of an archive, or through a chat room */
};

#define XF_GUARD_BURST    10   /* questions of an operator at once */
#define XF_GUARD_EVERY_MS 6000 /* ... and then one in so long */

enum xf_guard_ruling {
    XF_GUARD_PASS,
    XF_GUARD_SLOW,   /* too many questions: say so, once */
    XF_GUARD_IGNORE, /* say nothing: *out_reason is a word for the log */
};

struct xf_guard {
    const struct xf_texts *operators; /* borrowed */
    struct xf_allowance {
        unsigned left; /* questions */
        uint64_t filled_ms;
        bool was_told; /* that they were too many */
    } * allowances;    /* beside the operators */
    uint64_t next_line_ms;
    unsigned suppressed;
};

void xf_guard_init(struct xf_guard *guard, const struct xf_texts *operators);
void xf_guard_release(struct xf_guard *guard);
enum xf_guard_ruling xf_guard_judge(struct xf_guard *guard, const struct xf_notice_message *message,
                                    uint64_t now_ms, const char **out_reason);
/* Log what was ignored, a line a minute at most. */
void xf_guard_log(struct xf_guard *guard, const char *reason, uint64_t now_ms);

/* ------------------------------------------------------------------ chat.c */

struct xf_chat;

struct xf_chat_events {
    void (*message)(void *owner, const struct xf_notice_message *message); /* borrowed */
};

struct xf_chat *xf_chat_new(const struct xf_notice_settings *settings,
                            const struct xf_chat_events *events, void *owner);
void xf_chat_free(struct xf_chat **chat);       /* says goodbye */
int xf_chat_fd(const struct xf_chat *chat);     /* to wait for; -1: none */
bool xf_chat_is_up(const struct xf_chat *chat); /* messages may be sent */
/* Do what is due. Returns when to call again at the latest; or when xf_chat_fd has something. */
uint64_t xf_chat_turn(struct xf_chat *chat, uint64_t now_ms);
bool xf_chat_has_output(const struct xf_chat *chat); /* that the next turn writes */
void xf_chat_send(struct xf_chat *chat, const char *to, const char *text);
