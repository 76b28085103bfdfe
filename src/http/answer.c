/* SPDX-License-Identifier: MIT */
/*
 * answer.c — answers a request: refuses it, or finds its page.
 *
 * libmicrohttpd calls xf_http_answer when it has read the headers, then for each part of a form,
 * and once more behind it. A request that carries no form is answered at once, and each answer
 * closes its connection. A page that has no answer yet has its connection suspended: libmicrohttpd
 * leaves it alone until xf_http_again, and then calls here once more. An answer that is kept
 * (fresh_ms) is shared by all connections that send it: slow readers take no memory of their own
 * for it.
 */
#include "http_priv.h"

#include <xfed/base/alloc.h>

/* Path and method are compared whole and as they came: nothing is decoded, so nothing is hidden. */
static const struct xf_http_page *find_page(struct xf_http *http, const char *path,
                                            struct xf_http_table **out_table)
{
    for (size_t i = 0; i < http->table_count; i++) {
        *out_table = &http->tables[i];
        for (size_t k = 0; k < (*out_table)->count; k++)
            if (strcmp((*out_table)->pages[k].path, path) == 0)
                return &(*out_table)->pages[k];
    }
    return NULL;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    xf_require(MHD_add_response_header(response, name, value) == MHD_YES);
}

/*
 * Referrer-Policy: with no-referrer, a browser would not say which page a form came from (its
 * Origin is "null" then), and guard.c would refuse it.
 */
static struct MHD_Response *make_response(const struct xf_http_answer *answer, struct xf_span body)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        {"Cache-Control", "no-store"},
        {"Connection", "close"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "same-origin"},
        {"X-Content-Type-Options", "nosniff"},
    };
    static const char nothing[] = "default-src 'none'; frame-ancestors 'none'";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)body.ptr, MHD_RESPMEM_MUST_COPY);
    xf_require(response != NULL); /* only without memory */
    for (size_t i = 0; i < XF_ARRAY_LEN(always); i++)
        add_header(response, always[i].name, always[i].value);
    add_header(response, "Content-Security-Policy", answer->policy ? answer->policy : nothing);
    add_header(response, "Content-Type", answer->type);
    if (answer->location)
        add_header(response, "Location", answer->location);
    return response;
}

static void count(struct xf_http_counts *counts, unsigned status)
{
    size_t i = 0;
    while (i + 1 < XF_HTTP_CODES && counts->answers[i].code && counts->answers[i].code != status)
        i++;
    counts->answers[i].code = status;
    counts->answers[i].count++;
}

static enum MHD_Result send_response(struct xf_http *http, struct MHD_Connection *connection,
                                     unsigned status, struct MHD_Response *response)
{
    count(&http->counts, status);
    return MHD_queue_response(connection, status, response);
}

static const char *refusal_words(unsigned status)
{
    static const struct {
        unsigned status;
        const char *words;
    } all[] = {
        {MHD_HTTP_NOT_FOUND, "there is no such page\n"},
        {MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n"},
        {MHD_HTTP_MISDIRECTED_REQUEST, "unknown Host: see listen { http-hosts }\n"},
        {MHD_HTTP_FORBIDDEN, "another site asks\n"},
        {MHD_HTTP_CONTENT_TOO_LARGE, "a request here has no body, or a short form\n"},
        {MHD_HTTP_LENGTH_REQUIRED, "a form needs its length\n"},
        {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "this is not a form\n"},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(all); i++)
        if (all[i].status == status)
            return all[i].words;
    return "bad request\n";
}

static enum MHD_Result refuse(struct xf_http *http, struct MHD_Connection *connection,
                              unsigned status)
{
    static const struct xf_http_answer text = {.type = "text/plain; charset=utf-8"};
    struct MHD_Response *response = make_response(&text, xf_span_of(refusal_words(status)));
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        add_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result = send_response(http, connection, status, response);
    MHD_destroy_response(response); /* our reference */
    return result;
}

/* ------------------------------------------------------------------ pages */

/* False: the page has no answer yet. */
static bool make_kept(struct xf_http *http, const struct xf_http_table *table,
                      const struct xf_http_page *page, const struct xf_http_request *request,
                      struct xf_http_kept *kept)
{
    struct xf_http_answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    xf_buf_init(&answer.body, XF_HTTP_BODY_MAX);
    page->answer(table->owner, request, &answer);
    if (!answer.later) {
        if (kept->response)
            MHD_destroy_response(kept->response);
        *kept = (struct xf_http_kept){.response = make_response(&answer, xf_buf_span(&answer.body)),
                                      .status = answer.status,
                                      .made_ms = xf_loop_clock(http->loop)->now_ms};
    }
    xf_buf_release(&answer.body);
    return !answer.later;
}

static bool is_fresh(const struct xf_http *http, const struct xf_http_page *page,
                     const struct xf_http_kept *kept)
{
    return kept->response && xf_loop_clock(http->loop)->now_ms - kept->made_ms < page->fresh_ms;
}

static bool wants_text(struct MHD_Connection *connection)
{
    const char *accept =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    return accept && strstr(accept, "text/plain") &&
           !strstr(accept, "application/openmetrics-text");
}

static enum MHD_Result suspend(struct xf_http *http, struct xf_http_conn *conn)
{
    xf_list_push(&http->waiting, &conn->waiting);
    MHD_suspend_connection(conn->connection);
    return MHD_YES;
}

void xf_http_resume(struct xf_http *http)
{
    XF_LIST_EACH_SAFE (node, &http->waiting) {
        xf_list_remove(node);
        MHD_resume_connection(XF_CONTAINER(node, struct xf_http_conn, waiting)->connection);
    }
}

static enum MHD_Result show(struct xf_http *http, struct xf_http_conn *conn, bool is_post)
{
    struct xf_http_request request = {.path = conn->page->path,
                                      .wants_text = wants_text(conn->connection),
                                      .query = conn->query ? conn->query : "",
                                      .is_post = is_post,
                                      .form = xf_buf_span(&conn->form)};
    struct xf_http_kept *kept =
        &conn->table->kept[conn->page - conn->table->pages][request.wants_text];
    if (!is_fresh(http, conn->page, kept) &&
        !make_kept(http, conn->table, conn->page, &request, kept))
        return suspend(http, conn);
    return send_response(http, conn->connection, kept->status, kept->response);
}

/* ------------------------------------------------------------------ requests */

static enum MHD_Result count_hosts(void *count, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    (void)kind;
    (void)value;
    *(size_t *)count += strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0;
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static unsigned refusal(const struct xf_http *http, struct MHD_Connection *connection,
                        const char *method, const struct xf_http_page *page)
{
    struct xf_http_heads heads = {
        .method = method,
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .fetch_site = header(connection, "Sec-Fetch-Site"),
        .length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH),
        .coding = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING),
        .type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .takes_form = page && page->takes_form,
    };
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct xf_addr local;
    socklen_t bytes = sizeof(local);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_hosts, &heads.host_count);
    if (!info || getsockname(info->connect_fd, &local.sa, &bytes) != 0)
        return MHD_HTTP_BAD_REQUEST;
    return xf_http_guard(&heads, &local, &http->hosts);
}

/* guard.c has seen that it fits. */
static enum MHD_Result take_form(struct xf_http_conn *conn, const char *bytes, size_t *len)
{
    enum xf_err result = xf_buf_try_append(&conn->form, bytes, *len);
    *len = 0;
    return result == XF_ERR_OK ? MHD_YES : MHD_NO;
}

enum MHD_Result xf_http_answer(void *owner, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_bytes, void **request)
{
    struct xf_http *http = owner;
    struct xf_http_conn *conn =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0, has_begun = conn->page != NULL;
    (void)version;
    (void)request;
    if (!has_begun) {
        const struct xf_http_page *page = find_page(http, path, &conn->table);
        unsigned status = refusal(http, connection, method, page);
        if (status || !page)
            return refuse(http, connection, status ? status : MHD_HTTP_NOT_FOUND);
        conn->page = page;
    }
    if (is_post && !has_begun)
        return MHD_YES; /* the form is behind the headers */
    if (*upload_bytes > 0)
        return take_form(conn, upload, upload_bytes);
    return show(http, conn, is_post);
}

void xf_http_serve(struct xf_http *http, const struct xf_http_page *pages, size_t count,
                   void *owner)
{
    xf_require(http->table_count < XF_HTTP_TABLES);
    struct xf_http_table *table = &http->tables[http->table_count++];
    *table = (struct xf_http_table){.pages = pages, .count = count, .owner = owner};
    table->kept = xf_alloc((count + 1) * sizeof(*table->kept));
}

void xf_http_forget_answers(struct xf_http *http)
{
    for (size_t i = 0; i < http->table_count; i++) {
        struct xf_http_table *table = &http->tables[i];
        for (size_t k = 0; k < 2 * table->count; k++)
            if (table->kept[k / 2][k % 2].response)
                MHD_destroy_response(table->kept[k / 2][k % 2].response);
        xf_free(table->kept);
    }
    http->table_count = 0;
}
