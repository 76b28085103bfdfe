/* SPDX-License-Identifier: MIT */
/*
 * http_priv.h — what the files of http share.
 *
 *   server.c   libmicrohttpd on our loop; connections and their time
 *   guard.c    which requests are refused, whatever they ask for
 *   answer.c   finds the page of a request and answers
 */
#pragma once

#include <microhttpd.h>
#include <xfed/base/list.h>
#include <xfed/http/http.h>

#define XF_HTTP_TABLES 4

/* One answer that is good for further requests. */
struct xf_http_kept {
    struct MHD_Response *response; /* a reference; NULL: none */
    unsigned status;
    uint64_t made_ms;
};

struct xf_http_table {
    const struct xf_http_page *pages;
    size_t count;
    void *owner;
    struct xf_http_kept (*kept)[2]; /* of each page: without and with wants_text */
};

/* A connection and its one request. */
struct xf_http_conn {
    struct xf_node node; /* in conns, until its time is over */
    int fd;              /* libmicrohttpd's */
    uint64_t since_ms;
    struct MHD_Connection *connection;
    char *query;                     /* NULL: none */
    struct xf_http_table *table;     /* of `page` */
    const struct xf_http_page *page; /* NULL: its headers have not been judged yet */
    struct xf_buf form;
    struct xf_node waiting; /* in http->waiting while the page has no answer */
};

struct xf_http {
    struct xf_loop *loop;
    struct MHD_Daemon *daemon;
    struct xf_loop_watch *watch; /* of the daemon's descriptors together */
    struct xf_timer turn;        /* libmicrohttpd has something to do by itself */
    struct xf_addr addr;
    struct xf_texts hosts;
    struct xf_http_table tables[XF_HTTP_TABLES];
    size_t table_count;
    struct xf_node conns;   /* struct xf_http_conn, oldest first */
    struct xf_node waiting; /* those whose page said `later`: suspended */
    struct xf_timer sweep;  /* the oldest one has had its time */
    struct xf_http_counts counts;
};

/* ---- guard.c */
struct xf_http_heads {
    const char *method;
    const char *host; /* NULL: none, as the next ones */
    size_t host_count;
    const char *origin, *fetch_site;
    const char *length, *coding; /* Content-Length and Transfer-Encoding */
    const char *type;            /* Content-Type */
    bool takes_form;             /* the page does */
};
/*
 * The status to refuse the request with; 0: it may pass. `local` is the address that the client
 * connected to.
 */
unsigned xf_http_guard(const struct xf_http_heads *heads, const struct xf_addr *local,
                       const struct xf_texts *hosts);

/* ---- answer.c */
/* As MHD_AccessHandlerCallback. */
enum MHD_Result xf_http_answer(void *http, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_bytes, void **request);
void xf_http_forget_answers(struct xf_http *http);
/* Let them go on, each once. */
void xf_http_resume(struct xf_http *http);
