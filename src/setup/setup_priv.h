/* SPDX-License-Identifier: MIT */
/*
 * setup_priv.h — what the files of setup share.
 *
 *   init.c       `xfedctl init`: the order of its steps
 *   answers.c    what there is to know, as a table: option, question, what Enter stands for
 *   words.c      whether one word is a good answer
 *   ask.c        options, and questions on the terminal
 *   conf.c       xfed.conf made of the answers
 *   server.c     what the local server's configuration needs
 *   request.c    a key, a request for a certificate, a certificate signed by itself
 *   stage.c      files that appear all together, with their modes, or not at all
 *   child.c      runs xfedd and takes what it prints
 *   next.c       what is left to do
 *   partner.c    `xfedctl partner`: our page, and theirs into a peer section
 *   page.c       reads a partner's page
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <xfed/base/buf.h>
#include <xfed/base/err.h>
#include <xfed/base/texts.h>
#include <xfed/setup/setup.h>

#define XF_SETUP_GROUP "xfedd" /* that may read secrets and keys */

/* ------------------------------------------------------------------ answers.c */

enum xf_init_answer {
    XF_INIT_DOMAIN,
    XF_INIT_ROOMS,
    XF_INIT_SERVER,
    XF_INIT_SERVER_ADDRESS,
    XF_INIT_HOST,
    XF_INIT_ADDRESS,
    XF_INIT_CERTIFICATE,
    XF_INIT_KEY,
    XF_INIT_FEDERATION,
    XF_INIT_PARTNER,
    XF_INIT_COUNT
};

struct xf_init_answers {
    struct xf_texts of[XF_INIT_COUNT];
    bool is_given[XF_INIT_COUNT];
};

/* A word that was given: a copy as it is to be used; NULL, with what is expected: it is refused. */
typedef char *(*xf_init_take_fn)(const char *word, struct xf_error *err);

struct xf_init_question {
    const char *option; /* without "--" */
    const char *value;  /* for the usage */
    const char *text;   /* what the terminal asks, and the usage says */
    bool is_list;
    bool may_be_none; /* by the word "none" */
    xf_init_take_fn take;
    /* What Enter stands for; NULL: there is nothing. The caller frees it. */
    char *(*usual)(const struct xf_init_answers *answers);
    /* NULL: always. */
    bool (*is_needed)(const struct xf_init_answers *answers);
};
extern const struct xf_init_question xf_init_questions[XF_INIT_COUNT];

/* The first word of an answer; "" without one. */
const char *xf_init_answer(const struct xf_init_answers *answers, enum xf_init_answer which);
bool xf_init_answer_is(const struct xf_init_answers *answers, enum xf_init_answer which,
                       const char *word);
/*
 * Take an answer of one or several words, divided by spaces or commas. On failure the old answer
 * stays.
 */
XF_MUST_USE enum xf_err xf_init_answer_set(struct xf_init_answers *answers,
                                           enum xf_init_answer which, const char *text,
                                           struct xf_error *err);
void xf_init_answers_release(struct xf_init_answers *answers);
/* A file of this name exists; a folder, if `is_folder`. */
bool xf_setup_there_is(const char *path, bool is_folder);

/* ------------------------------------------------------------------ words.c */

char *xf_init_take_domain(const char *word, struct xf_error *err);
char *xf_init_take_server(const char *word, struct xf_error *err);
char *xf_init_take_host_port(const char *word, struct xf_error *err);
char *xf_init_take_address(const char *word, struct xf_error *err);
char *xf_init_take_certificate(const char *word, struct xf_error *err);
char *xf_init_take_key(const char *word, struct xf_error *err);
char *xf_init_take_federation(const char *word, struct xf_error *err);

/* ------------------------------------------------------------------ ask.c */

struct xf_init_options {
    const char *folder, *xfedd;
    bool is_quiet; /* --yes: ask nothing */
    bool is_forced;
};
/* False: explained on standard error. */
bool xf_init_options_take(int argc, char **argv, struct xf_init_options *out,
                          struct xf_init_answers *answers);
void xf_init_usage(FILE *out);
/* Ask for what is not given. False: explained, or the input has ended. */
bool xf_init_ask(const struct xf_init_options *options, struct xf_init_answers *answers);

/* ------------------------------------------------------------------ conf.c, server.c, next.c */

#define XF_SETUP_TEXT_MAX (256u << 10) /* of one file */
#define XF_SECRET_CHARS   64

char *xf_setup_component(const struct xf_init_answers *answers); /* the name of our link */
/* XF_ERR_LIMIT: the answers are too many for `out`. */
XF_MUST_USE enum xf_err xf_setup_conf(const struct xf_init_answers *answers, struct xf_buf *out);
/* The file's name, for the kind of server. */
const char *xf_setup_server_file(const struct xf_init_answers *answers);
XF_MUST_USE enum xf_err xf_setup_server(const struct xf_init_answers *answers, const char *secret,
                                        struct xf_buf *out);
void xf_setup_next(const struct xf_init_answers *answers, const char *folder, FILE *out);

/* ------------------------------------------------------------------ request.c */

struct xf_setup_request {
    struct xf_buf key, csr, certificate; /* PEM */
};
/* `names` is what xfedd --csr-names prints. The certificate holds for 90 days. */
XF_MUST_USE enum xf_err xf_setup_request_make(struct xf_span names, struct xf_setup_request *out,
                                              struct xf_error *err);
void xf_setup_request_release(struct xf_setup_request *request);

/* ------------------------------------------------------------------ stage.c */

/* Who may read a file: everybody; the group of xfedd; its owner alone. */
enum xf_stage_for { XF_FOR_ALL, XF_FOR_XFEDD, XF_FOR_OWNER };

/* A folder beside the files to be: a name is in it only until xf_stage_publish. */
struct xf_stage {
    char *folder, *path;
    struct xf_texts names;
    bool is_forced;
};
XF_MUST_USE enum xf_err xf_stage_open(const char *folder, bool is_forced, struct xf_stage *out,
                                      struct xf_error *err);
/* Never readable for more than `who`, not for a moment. */
XF_MUST_USE enum xf_err xf_stage_put(struct xf_stage *stage, const char *name,
                                     enum xf_stage_for who, struct xf_span text,
                                     struct xf_error *err);
/* XF_ERR_REFUSED: a file of this name exists that somebody wrote, and the stage is not forced. */
XF_MUST_USE enum xf_err xf_stage_may(const struct xf_stage *stage, const char *name,
                                     struct xf_error *err);
/*
 * Move all files to their places, the last one first: so a configuration, put first, never names a
 * file that is not there. One that is replaced is kept as NAME.old.
 */
XF_MUST_USE enum xf_err xf_stage_publish(struct xf_stage *stage, struct xf_error *err);
void xf_stage_close(struct xf_stage *stage); /* removes what was not published */

/* ------------------------------------------------------------------ child.c */

/*
 * Run argv[0], with standard output, and error too if `with_errors`, into `out`; NULL: they go
 * where ours go. Its exit status; -1: it did not start, was killed, or printed more than `out`
 * holds.
 */
int xf_setup_run(const char *const argv[], struct xf_buf *out, bool with_errors);
