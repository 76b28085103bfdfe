/* SPDX-License-Identifier: MIT */
/*
 * answer.c — answers a request: refuses it, or finds its page.
 *
 * libmicrohttpd calls xf_http_answer when it has read the headers. Each request is answered then,
 * so it never reads a body; and each answer closes its connection. An answer that is kept
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

static struct MHD_Response *make_response(const char *type, struct xf_span body)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        {"Cache-Control", "no-store"},
        {"Connection", "close"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)body.ptr, MHD_RESPMEM_MUST_COPY);
    xf_require(response != NULL); /* only without memory */
    for (size_t i = 0; i < XF_ARRAY_LEN(always); i++)
        xf_require(MHD_add_response_header(response, always[i].name, always[i].value) == MHD_YES);
    xf_require(MHD_add_response_header(response, "Content-Type", type) == MHD_YES);
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

static enum MHD_Result refuse(struct xf_http *http, struct MHD_Connection *connection,
                              unsigned status)
{
    static const char allowed[] = "GET, HEAD";
    const char *words = status == MHD_HTTP_NOT_FOUND            ? "there is no such page\n"
                        : status == MHD_HTTP_METHOD_NOT_ALLOWED ? "only GET and HEAD\n"
                        : status == MHD_HTTP_MISDIRECTED_REQUEST
                            ? "unknown Host: see listen { http-hosts }\n"
                        : status == MHD_HTTP_FORBIDDEN         ? "another site asks\n"
                        : status == MHD_HTTP_CONTENT_TOO_LARGE ? "a request here has no body\n"
                                                               : "bad request\n";
    struct MHD_Response *response = make_response("text/plain; charset=utf-8", xf_span_of(words));
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        xf_require(MHD_add_response_header(response, "Allow", allowed) == MHD_YES);
    enum MHD_Result result = send_response(http, connection, status, response);
    MHD_destroy_response(response); /* our reference */
    return result;
}

/* ------------------------------------------------------------------ pages */

static void make_kept(struct xf_http *http, const struct xf_http_table *table,
                      const struct xf_http_page *page, const struct xf_http_request *request,
                      struct xf_http_kept *kept)
{
    struct xf_http_answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    xf_buf_init(&answer.body, XF_HTTP_BODY_MAX);
    page->answer(table->owner, request, &answer);
    if (kept->response)
        MHD_destroy_response(kept->response);
    *kept = (struct xf_http_kept){.response = make_response(answer.type, xf_buf_span(&answer.body)),
                                  .status = answer.status,
                                  .made_ms = xf_loop_clock(http->loop)->now_ms};
    xf_buf_release(&answer.body);
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

static enum MHD_Result show(struct xf_http *http, struct MHD_Connection *connection,
                            struct xf_http_table *table, const struct xf_http_page *page)
{
    struct xf_http_request request = {.path = page->path, .wants_text = wants_text(connection)};
    struct xf_http_kept *kept = &table->kept[page - table->pages][request.wants_text];
    if (!is_fresh(http, page, kept))
        make_kept(http, table, page, &request, kept);
    return send_response(http, connection, kept->status, kept->response);
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
                        const char *method)
{
    struct xf_http_heads heads = {
        .method = method,
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .fetch_site = header(connection, "Sec-Fetch-Site"),
        .has_body = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
                    header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING),
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

enum MHD_Result xf_http_answer(void *owner, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_bytes, void **request)
{
    struct xf_http *http = owner;
    struct xf_http_table *table;
    (void)version;
    (void)upload;
    (void)upload_bytes;
    (void)request;
    unsigned status = refusal(http, connection, method);
    if (status)
        return refuse(http, connection, status);
    const struct xf_http_page *page = find_page(http, path, &table);
    return page ? show(http, connection, table, page)
                : refuse(http, connection, MHD_HTTP_NOT_FOUND);
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
