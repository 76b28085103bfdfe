/* SPDX-License-Identifier: MIT */
/*
 * http.h — a small HTTP server on the loop, for scrapers, health checks and operators.
 *
 * It answers GET and HEAD of the paths in its tables, and POST of a short form where a page takes
 * one; one request on each connection. It lets nobody hold it up: connections, their number for
 * each address, headers and time are limited, any other body is refused unread. A browser that was
 * led here by somebody else's page gets nothing: the Host must be a name of this machine (DNS
 * rebinding), and Origin and Sec-Fetch-Site must not say that another site asks. Answers are not
 * cached, not sniffed, not framed.
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/base/texts.h>
#include <xfed/net/addr.h>
#include <xfed/net/loop.h>

#define XF_HTTP_BODY_MAX (16u << 20) /* of a page */
#define XF_HTTP_FORM_MAX 1024        /* of what a POST sends */

struct xf_http;

struct xf_http_request {
    const char *path; /* as in the table */
    /* The client wants text/plain, and did not name OpenMetrics. */
    bool wants_text;
    /* As they came: nothing is decoded. "" where there is none. */
    const char *query;   /* what is behind the question mark */
    bool is_post;        /* of a page that takes forms */
    struct xf_span form; /* its body: application/x-www-form-urlencoded */
};

struct xf_http_answer {
    unsigned status;  /* 200 unless the page sets another */
    const char *type; /* Content-Type; a literal */
    /* Content-Security-Policy; a literal. NULL: nothing may be loaded by the page. */
    const char *policy;
    const char *location; /* with status 303; a literal. NULL: none */
    /* There is no answer yet: ask the page again after xf_http_again. */
    bool later;
    struct xf_buf body;
};

/* A page of a table: the answer is written at once, in bounded time. `owner` is the table's. */
struct xf_http_page {
    const char *path; /* "/metrics": exact, without query */
    /*
     * The answer is good for other requests for this long, so that a client that asks all the time
     * costs nothing; 0: it is made anew each time.
     */
    unsigned fresh_ms;
    bool takes_form; /* by POST */
    void (*answer)(void *owner, const struct xf_http_request *request, struct xf_http_answer *out);
};

struct xf_http_opts {
    struct xf_loop *loop;
    struct xf_addr addr;          /* listens there; port 0: any */
    const struct xf_texts *hosts; /* copied: names that Host may have besides the address */
};

/*
 * Listens from now on, and answers while the loop runs. XF_ERR_IO: the address cannot be used.
 * Needs no privilege later.
 */
XF_MUST_USE enum xf_err xf_http_open(const struct xf_http_opts *opts, struct xf_http **out_http,
                                     struct xf_error *err);
void xf_http_close(struct xf_http **http); /* cuts what is under way */

/* Serve a table of pages too; borrowed until xf_http_close. Tables do not share paths. */
void xf_http_serve(struct xf_http *http, const struct xf_http_page *pages, size_t count,
                   void *owner);

/*
 * Soon ask the pages again that said `later`. The time of a connection runs on meanwhile, and is
 * not looked at before this is called.
 */
void xf_http_again(struct xf_http *http);

/* The address with the actual port. */
void xf_http_addr(const struct xf_http *http, struct xf_addr *out_addr);

/* How many answers there were of each status code. */
#define XF_HTTP_CODES 16
struct xf_http_counts {
    unsigned conns; /* now */
    struct {
        unsigned code; /* 0: none */
        uint64_t count;
    } answers[XF_HTTP_CODES];
};
const struct xf_http_counts *xf_http_counts(const struct xf_http *http);
