/* SPDX-License-Identifier: MIT */
/*
 * page.c — reads the page of a partner's operator: three tables under headings that we know.
 *
 * It came by mail, and perhaps not from whom it seems to. So every cell is either refused or made
 * anew: a domain is prepared, a key is 64 hex digits, an address is one for inet_pton, a port is a
 * number. No text of the page is copied, and everything has a number up to which it is taken.
 */
#include "setup_priv.h"

#include <arpa/inet.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#define LINE_BYTES 1024
#define CELLS_MAX  4
#define KEY_CHARS  64
#define TITLE      "# XMPP federation between "
#define SIP_TITLE  "# SIP federation between "

struct key {
    char domain[XF_DOMAIN_MAX + 1];
    char hex[KEY_CHARS + 1];
};

struct page {
    const char *name; /* the partner's, prepared */
    unsigned line;
    struct xf_texts domains, routes;
    struct key keys[XF_PAGE_MAX_KEYS];
    size_t key_count;
    struct xf_error *err;
};

struct row {
    struct xf_span cells[CELLS_MAX];
    size_t count;
};

static enum xf_err refuse(struct page *page, const char *expected)
{
    return xf_fail(page->err, XF_ERR_BAD_VALUE, "line %u of the page: expected %s", page->line,
                   expected);
}

static enum xf_err too_many(struct page *page, const char *what, unsigned most)
{
    return xf_fail(page->err, XF_ERR_LIMIT, "line %u of the page: expected at most %u %s",
                   page->line, most, what);
}

/* ------------------------------------------------------------------ cells */

static struct xf_span trimmed(struct xf_span text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool take_domain(struct xf_span cell, char out[XF_DOMAIN_MAX + 1])
{
    return cell.len > 0 && xf_utf8_valid(cell.ptr, cell.len) &&
           xf_domain_prepare(cell, out) == XF_ERR_OK;
}

static bool is_theirs(const struct page *page, const char *domain)
{
    size_t len = strlen(domain), name_len = strlen(page->name);
    if (len < name_len || strcmp(domain + len - name_len, page->name) != 0)
        return false;
    return len == name_len || domain[len - name_len - 1] == '.';
}

/* `64 hex digits`, in lower case. */
static bool take_key(struct xf_span cell, char out[KEY_CHARS + 1])
{
    if (cell.len != KEY_CHARS + 2 || cell.ptr[0] != '`' || cell.ptr[cell.len - 1] != '`')
        return false;
    for (size_t i = 0; i < KEY_CHARS; i++) {
        char c = cell.ptr[i + 1];
        bool is_upper = c >= 'A' && c <= 'F';
        if (!is_upper && !(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9'))
            return false;
        out[i] = (char)(is_upper ? c - 'A' + 'a' : c);
    }
    out[KEY_CHARS] = '\0';
    return true;
}

/* ------------------------------------------------------------------ tables */

static enum xf_err on_domain(struct page *page, const struct row *row)
{
    char domain[XF_DOMAIN_MAX + 1];
    if (!take_domain(row->cells[0], domain))
        return refuse(page, "a domain in the first column");
    if (!is_theirs(page, domain))
        return XF_ERR_OK;
    if (page->domains.count == XF_PAGE_MAX_DOMAINS)
        return too_many(page, "domains", XF_PAGE_MAX_DOMAINS);
    xf_texts_add_new(&page->domains, domain);
    return XF_ERR_OK;
}

static enum xf_err on_key(struct page *page, const struct row *row)
{
    struct key key;
    if (!take_domain(row->cells[0], key.domain))
        return refuse(page, "a domain in the first column");
    if (!take_key(row->cells[1], key.hex))
        return refuse(page, "64 hex digits between ` in the second column");
    if (!is_theirs(page, key.domain))
        return XF_ERR_OK;
    if (page->key_count == XF_PAGE_MAX_KEYS)
        return too_many(page, "keys", XF_PAGE_MAX_KEYS);
    page->keys[page->key_count++] = key;
    return XF_ERR_OK;
}

/* A page comes by mail: it must not lead us to this host, or to what only this network reaches. */
static bool is_abroad(const unsigned char *bytes, bool is_v6)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const unsigned char compatible[12] = {0};
    if (is_v6 && (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, compatible, 12) == 0))
        return is_abroad(bytes + 12, false);
    if (is_v6)
        return bytes[0] != 0xff && !(bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
    return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224 &&
           !(bytes[0] == 169 && bytes[1] == 254);
}

static enum xf_err add_route(struct page *page, struct xf_span text, unsigned port)
{
    unsigned char bytes[16];
    char address[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(address))
        return refuse(page, "IP addresses in the second column");
    memcpy(address, text.ptr, text.len);
    address[text.len] = '\0';
    bool is_v6 = inet_pton(AF_INET6, address, bytes) == 1;
    if (!is_v6 && inet_pton(AF_INET, address, bytes) != 1)
        return refuse(page, "IP addresses in the second column");
    if (!is_abroad(bytes, is_v6))
        return refuse(page, "addresses of servers, not of a host or its own network,");
    if (page->routes.count == XF_PAGE_MAX_ROUTES)
        return too_many(page, "addresses", XF_PAGE_MAX_ROUTES);
    char *route = xf_asprintf(is_v6 ? "[%s]:%u" : "%s:%u", address, port);
    xf_texts_add_new(&page->routes, route);
    xf_free(route);
    return XF_ERR_OK;
}

static enum xf_err on_server(struct page *page, const struct row *row)
{
    struct xf_span left = row->cells[1];
    char host[XF_DOMAIN_MAX + 1];
    uint64_t port;
    if (!take_domain(row->cells[0], host))
        return refuse(page, "the name of a host in the first column");
    if (!xf_span_number(row->cells[2], 65535, &port) || port == 0)
        return refuse(page, "a port in the third column");
    while (left.len > 0) {
        const char *comma = memchr(left.ptr, ',', left.len);
        size_t len = comma ? (size_t)(comma - left.ptr) : left.len;
        enum xf_err result =
            add_route(page, trimmed((struct xf_span){left.ptr, len}), (unsigned)port);
        if (result != XF_ERR_OK)
            return result;
        len += comma != NULL;
        left = (struct xf_span){left.ptr + len, left.len - len};
    }
    return XF_ERR_OK;
}

static const struct table {
    const char *heading;
    size_t columns;
    enum xf_err (*on_row)(struct page *page, const struct row *row);
} tables[] = {
    {"## Our domains", 2, on_domain},
    {"## Our servers", 4, on_server},
    {"## Our certificates", 2, on_key},
};

static const struct table *find_table(struct xf_span heading)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(tables); i++)
        if (xf_span_is(heading, tables[i].heading))
            return &tables[i];
    return NULL;
}

/* "| a | b |" into cells; false: there are more than any table has, or no | at the end. */
static bool split(struct xf_span line, struct row *out)
{
    *out = (struct row){0};
    if (line.len < 2 || line.ptr[line.len - 1] != '|')
        return false;
    for (size_t at = 1; at < line.len; out->count++) {
        const char *bar = memchr(line.ptr + at, '|', line.len - at);
        size_t len = (size_t)(bar - (line.ptr + at)); /* there is one: the last byte */
        if (out->count == CELLS_MAX)
            return false;
        out->cells[out->count] = trimmed((struct xf_span){line.ptr + at, len});
        at += len + 1;
    }
    return true;
}

/* ------------------------------------------------------------------ lines */

struct place {
    const struct table *table; /* NULL: nothing that we read */
    unsigned rows;             /* of it so far; two are its head */
};

static enum xf_err on_line(struct page *page, struct place *place, struct xf_span line)
{
    struct row row;
    if (line.len > 0 && line.ptr[0] == '#') {
        *place = (struct place){find_table(line), 0};
        return XF_ERR_OK;
    }
    if (!place->table || line.len == 0 || line.ptr[0] != '|' || ++place->rows <= 2)
        return XF_ERR_OK;
    if (!split(line, &row) || row.count != place->table->columns)
        return refuse(page, "a row with as many columns as its table has");
    return place->table->on_row(page, &row);
}

/* A line without its end, for which CR LF of mail is one; false: there are no more. */
static bool next_line(struct xf_span *left, struct xf_span *out)
{
    if (left->len == 0)
        return false;
    const char *end = memchr(left->ptr, '\n', left->len);
    size_t len = end ? (size_t)(end - left->ptr) : left->len;
    *out = (struct xf_span){left->ptr, len};
    if (len > 0 && out->ptr[len - 1] == '\r')
        out->len--;
    len += end != NULL;
    *left = (struct xf_span){left->ptr + len, left->len - len};
    return true;
}

static bool begins_with(struct xf_span line, const char *title)
{
    return line.len >= strlen(title) && memcmp(line.ptr, title, strlen(title)) == 0;
}

static enum xf_err read_lines(struct page *page, struct xf_span text)
{
    struct place place = {0};
    struct xf_span line;
    enum xf_err result = XF_ERR_OK;
    while (result == XF_ERR_OK && next_line(&text, &line)) {
        page->line++;
        if (line.len > LINE_BYTES)
            return too_many(page, "bytes on a line", LINE_BYTES);
        if (memchr(line.ptr, '\0', line.len))
            return refuse(page, "text");
        if (page->line == 1 && begins_with(line, SIP_TITLE))
            return refuse(page, "the page of an XMPP server: of one of SIP write the section by "
                                "hand, such as the one at the end of the page");
        if (page->line == 1 && !begins_with(line, TITLE))
            return refuse(page, "the page that xfedd --partner prints, from its first line on");
        result = on_line(page, &place, trimmed(line));
    }
    if (result == XF_ERR_OK && !xf_texts_has(&page->domains, page->name))
        return xf_fail(page->err, XF_ERR_NOT_FOUND,
                       "the page does not have %.120s among its domains: is it theirs?",
                       page->name);
    return result;
}

/* ------------------------------------------------------------------ sections */

static bool has_key(const struct page *page, const char *domain)
{
    for (size_t i = 0; i < page->key_count; i++)
        if (strcmp(page->keys[i].domain, domain) == 0)
            return true;
    return false;
}

/* Chat rooms without a certificate of their own use that of the domain. */
static void put_pins(const struct page *page, const char *domain, struct xf_draft *out)
{
    const char *owner = has_key(page, domain) ? domain : page->name;
    if (!has_key(page, owner)) {
        xf_draft_str(out, "    # Their page has no key: this section demands no certificate. Ask "
                          "them before you use it.\n");
        return;
    }
    xf_draft_str(out, "    certificate = required\n    pins        = {");
    const char *before = "";
    for (size_t i = 0; i < page->key_count; i++)
        if (strcmp(page->keys[i].domain, owner) == 0) {
            xf_draft_printf(out, "%s\"sha256:%s\"", before, page->keys[i].hex);
            before = ", ";
        }
    xf_draft_str(out, "}\n");
}

static void put_route(const struct page *page, struct xf_draft *out)
{
    if (page->routes.count == 0)
        return;
    xf_draft_str(out, "    route       = {");
    for (size_t i = 0; i < page->routes.count; i++)
        xf_draft_printf(out, "%s\"%s\"", i ? ", " : "", page->routes.item[i]);
    xf_draft_str(out, "}\n");
}

static enum xf_err put_sections(const struct page *page, bool with_route, struct xf_buf *out)
{
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_printf(&draft, "# From the page of %s, read by xfedctl partner.\n", page->name);
    for (size_t i = 0; i < page->domains.count; i++) {
        xf_draft_printf(&draft, "peer \"%s\" {\n    tls         = required\n",
                        page->domains.item[i]);
        put_pins(page, page->domains.item[i], &draft);
        if (with_route)
            put_route(page, &draft);
        xf_draft_str(&draft, "}\n");
    }
    return xf_draft_end(&draft);
}

enum xf_err xf_setup_read_page(FILE *file, const char *name, bool with_route, struct xf_buf *out,
                               struct xf_error *err)
{
    char *bytes = xf_alloc(XF_PAGE_MAX_BYTES + 1);
    struct page *page = xf_new(struct page);
    *page = (struct page){.name = name, .err = err};
    size_t len = fread(bytes, 1, XF_PAGE_MAX_BYTES + 1, file);
    enum xf_err result;
    if (ferror(file))
        result = xf_fail(err, XF_ERR_IO, "the page cannot be read");
    else if (len > XF_PAGE_MAX_BYTES)
        result = xf_fail(err, XF_ERR_LIMIT, "the page is too large: expected at most %u KiB",
                         XF_PAGE_MAX_BYTES >> 10);
    else
        result = read_lines(page, (struct xf_span){bytes, len});
    if (result == XF_ERR_OK)
        result = put_sections(page, with_route, out);
    xf_texts_release(&page->domains);
    xf_texts_release(&page->routes);
    xf_free(page);
    xf_free(bytes);
    return result;
}
