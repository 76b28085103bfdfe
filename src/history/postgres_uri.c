/* SPDX-License-Identifier: MIT */
/*
 * postgres_uri.c — memory { uri }: which URIs of PostgreSQL are accepted, and what libpq is given.
 *
 * libpq asks DNS by a call that waits, which the loop cannot afford. So each server is an address
 * or the folder of a Unix socket; a name may stand beside hostaddr, for its certificate. A secret
 * in the URI would be in the configuration, in --dump and in copies of both: it belongs in
 * memory { password-file }. And whatever libpq would look up elsewhere by itself (.pgpass, the
 * user's name and Kerberos tickets) is set here, since looking may wait.
 *
 * Several servers are tried one after the other by us and not by libpq, which would stay with the
 * first one for as long as that does not answer.
 */
#include "postgres_priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define NO_FILE  "/dev/null/none"
#define ACCEPTED "expected postgresql://USER@ADDRESS/DATABASE or postgresql:///DATABASE?host=FOLDER"

/* Without them libpq looks into the home folder, where the sandbox lets nobody look. */
static const char *const tls_files[] = {"sslrootcert", "sslcert", "sslkey", "sslcrl"};

static const struct {
    const char *keyword, *instead;
} refused[] = {
    {"password", "put the password into memory { password-file }"},
    {"passfile", "put the password into memory { password-file }"},
    {"sslpassword", "use a key without password, which only xfedd can read"},
    {"service", "write its parameters into the URI"},
    {"gssencmode", "use sslmode"},
    {"replication", "leave it out"},
};

static enum xf_err refuse(struct xf_error *err, const char *what, const char *expected)
{
    return xf_fail(err, XF_ERR_CONFIG, "uri: %.100s: %s", what, expected);
}

const char *xf_pg_uri_value(const struct xf_pg_uri *uri, const char *keyword)
{
    for (const PQconninfoOption *o = uri->options; o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && *o->val ? o->val : NULL;
    return NULL;
}

/* ------------------------------------------------------------------ servers */

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (const char *c = list; c && *c; c++)
        count += *c == ',';
    return count;
}

/* Item i of a list with commas, in new memory; NULL: it is empty, or there is no list. */
static char *item_of(const char *list, size_t i)
{
    while (list && i > 0 && (list = strchr(list, ',')))
        list++, i--;
    size_t len = list ? strcspn(list, ",") : 0;
    return len ? xf_strndup(list, len) : NULL;
}

static void take_servers(struct xf_pg_uri *uri)
{
    const char *hosts = xf_pg_uri_value(uri, "host"), *ports = xf_pg_uri_value(uri, "port"),
               *addresses = xf_pg_uri_value(uri, "hostaddr");
    size_t count = count_items(addresses ? addresses : hosts);
    uri->server_count = count < XF_PG_SERVERS_MAX ? count : XF_PG_SERVERS_MAX;
    for (size_t i = 0; i < uri->server_count; i++)
        uri->servers[i] =
            (struct xf_pg_server){.host = item_of(hosts, i),
                                  .address = item_of(addresses, i),
                                  .port = item_of(ports, count_items(ports) > 1 ? i : 0)};
}

static bool is_address(const char *text)
{
    struct in6_addr ignored;
    return text &&
           (inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1);
}

static bool is_socket(const struct xf_pg_server *server)
{
    return !server->address && server->host && server->host[0] == '/';
}

static bool is_port(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    return *end == '\0' && port >= 1 && port <= UINT16_MAX;
}

static enum xf_err check_server(const struct xf_pg_server *server, struct xf_error *err)
{
    if (!server->host && !server->address)
        return refuse(err, "it names no server", ACCEPTED);
    if (server->port && !is_port(server->port))
        return refuse(err, server->port, "is not a port: expected a number up to 65535");
    if (server->address && !is_address(server->address))
        return refuse(err, server->address, "is not an IP address: expected one in hostaddr");
    if (server->address || is_socket(server) || is_address(server->host))
        return XF_ERR_OK;
    return refuse(
        err, server->host,
        "is a name, and libpq would make everything wait for DNS: expected an IP address or "
        "the folder of a socket; with ?hostaddr=ADDRESS the name may stay, for the "
        "certificate");
}

static enum xf_err check(const struct xf_pg_uri *uri, struct xf_error *err)
{
    const char *hosts = xf_pg_uri_value(uri, "host"), *addresses = xf_pg_uri_value(uri, "hostaddr");
    for (size_t i = 0; i < XF_ARRAY_LEN(refused); i++)
        if (xf_pg_uri_value(uri, refused[i].keyword))
            return refuse(err, refused[i].keyword, refused[i].instead);
    if (count_items(addresses ? addresses : hosts) > XF_PG_SERVERS_MAX)
        return refuse(err, "too many servers", "expected at most 8");
    if (xf_pg_uri_value(uri, "sslmode") && !xf_pg_uri_value(uri, "sslrootcert") &&
        strncmp(xf_pg_uri_value(uri, "sslmode"), "verify-", 7) == 0)
        return refuse(err, "sslmode verifies a certificate",
                      "expected sslrootcert=FILE with the authority for it");
    if (hosts && addresses && count_items(hosts) != count_items(addresses))
        return refuse(err, "host and hostaddr differ in number", "expected an address for each");
    enum xf_err result = XF_ERR_OK;
    for (size_t i = 0; i < uri->server_count && result == XF_ERR_OK; i++)
        result = check_server(&uri->servers[i], err);
    return result;
}

/* ------------------------------------------------------------------ life */

static bool has_scheme(const char *uri)
{
    return strncmp(uri, "postgresql://", 13) == 0 || strncmp(uri, "postgres://", 11) == 0;
}

enum xf_err xf_pg_uri_parse(const char *uri, struct xf_pg_uri *out_uri, struct xf_error *err)
{
    char *words = NULL;
    if (!has_scheme(uri))
        return refuse(err, "it does not begin with postgresql://", ACCEPTED);
    *out_uri = (struct xf_pg_uri){.options = PQconninfoParse(uri, &words)};
    if (!out_uri->options) {
        size_t len = words ? strcspn(words, "\n") : 0;
        enum xf_err result =
            xf_fail(err, XF_ERR_CONFIG, "uri: %.*s: " ACCEPTED, (int)len, words ? words : "");
        PQfreemem(words);
        return result;
    }
    take_servers(out_uri);
    enum xf_err result = check(out_uri, err);
    if (result != XF_ERR_OK)
        xf_pg_uri_release(out_uri);
    return result;
}

void xf_pg_uri_release(struct xf_pg_uri *uri)
{
    for (size_t i = 0; i < uri->server_count; i++) {
        xf_free(uri->servers[i].host);
        xf_free(uri->servers[i].address);
        xf_free(uri->servers[i].port);
    }
    PQconninfoFree(uri->options);
    *uri = (struct xf_pg_uri){0};
}

/* ------------------------------------------------------------------ what libpq is given */

static void add(struct xf_pg_params *params, const char *keyword, const char *value)
{
    if (!value)
        return;
    xf_require(params->count + 1 < XF_PG_PARAMS_MAX); /* libpq knows about forty */
    params->keywords[params->count] = keyword;
    params->values[params->count++] = value;
}

static bool is_of_server(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

void xf_pg_uri_params(const struct xf_pg_uri *uri, size_t server, const char *password,
                      const char *application_name, struct xf_pg_params *out_params)
{
    const struct xf_pg_server *at = &uri->servers[server];
    *out_params = (struct xf_pg_params){0};
    /* The last one of a keyword counts, so what has a default of ours comes first. */
    add(out_params, "user", "xfedd");
    add(out_params, "dbname", "xfedd");
    add(out_params, "application_name", application_name);
    for (size_t i = 0; i < XF_ARRAY_LEN(tls_files); i++)
        add(out_params, tls_files[i], NO_FILE);
    for (const PQconninfoOption *o = uri->options; o->keyword; o++)
        if (o->val && *o->val && !is_of_server(o->keyword))
            add(out_params, o->keyword, o->val);
    add(out_params, "host", at->host);
    add(out_params, "hostaddr", is_address(at->host) && !at->address ? at->host : at->address);
    add(out_params, "port", at->port);
    add(out_params, "password", password);
    add(out_params, "passfile", NO_FILE);     /* or ~/.pgpass is looked for */
    add(out_params, "gssencmode", "disable"); /* or a ticket is */
    add(out_params, "client_encoding", "UTF8");
}

/* ------------------------------------------------------------------ for the daemon */

enum xf_err xf_history_uri_check(const char *uri, struct xf_error *err)
{
    struct xf_pg_uri parsed;
    enum xf_err result = xf_pg_uri_parse(uri, &parsed, err);
    if (result == XF_ERR_OK)
        xf_pg_uri_release(&parsed);
    return result;
}

void xf_history_uri_files(const char *uri, struct xf_texts *out_files)
{
    struct xf_pg_uri parsed;
    if (xf_pg_uri_parse(uri, &parsed, NULL) != XF_ERR_OK)
        return;
    for (size_t i = 0; i < XF_ARRAY_LEN(tls_files); i++) {
        const char *file = xf_pg_uri_value(&parsed, tls_files[i]);
        if (file && *file == '/')
            xf_texts_add_new(out_files, file);
    }
    xf_pg_uri_release(&parsed);
}

bool xf_history_uri_is_local(const char *uri)
{
    struct xf_pg_uri parsed;
    bool is_local = false;
    if (xf_pg_uri_parse(uri, &parsed, NULL) != XF_ERR_OK)
        return false;
    for (size_t i = 0; i < parsed.server_count; i++)
        is_local = is_local || is_socket(&parsed.servers[i]);
    xf_pg_uri_release(&parsed);
    return is_local;
}
