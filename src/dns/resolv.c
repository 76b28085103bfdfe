/* SPDX-License-Identifier: MIT */
/*
 * resolv.c — the nameservers of resolv.conf(5).
 *
 * Only "nameserver ADDRESS" counts: search lists do not apply to a server that looks up complete
 * names, and timeouts are in our own configuration. An IPv6 address may carry a scope
 * ("fe80::1%eth0").
 *
 * The file may come late, and changes when the machine moves to another network: it is looked at
 * again and again. Programs that write it empty it for a moment, or for as long as the machine is
 * offline: so we keep the servers until it names others.
 */
#include "resolv_priv.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES    1024
#define DNS_PORT      53
#define LOOK_EARLY_MS 1000 /* while no server is named */

static bool parse_scope(const char *text, uint32_t *out_scope)
{
    char *end;
    unsigned index = if_nametoindex(text);

    *out_scope = index ? index : (uint32_t)strtoul(text, &end, 10);
    return index || (end != text && *end == '\0');
}

static bool parse_server(char *text, struct xf_addr *out_server)
{
    uint8_t bytes[16];
    uint32_t scope = 0;
    char *percent = strchr(text, '%');

    if (percent) {
        *percent = '\0';
        if (!parse_scope(percent + 1, &scope))
            return false;
    }
    if (!percent && inet_pton(AF_INET, text, bytes) == 1) {
        *out_server = xf_addr_from_v4(bytes, DNS_PORT);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return false;
    *out_server = xf_addr_from_v6(bytes, DNS_PORT);
    if (out_server->sa.sa_family == AF_INET6)
        out_server->v6.sin6_scope_id = scope;
    return true;
}

size_t xf_dns_resolv_read(const char *path, struct xf_addr *out_servers, size_t max)
{
    char line[LINE_BYTES];
    size_t count = 0;
    FILE *file = path && *path ? fopen(path, "re") : NULL;

    if (!file)
        return 0;
    while (count < max && fgets(line, sizeof(line), file)) {
        char *rest = line, *word;

        line[strcspn(line, "#;\r\n")] = '\0';
        if ((word = strsep(&rest, " \t")) == NULL || strcmp(word, "nameserver") != 0)
            continue;
        while ((word = strsep(&rest, " \t")) && *word == '\0')
            ;
        if (word && parse_server(word, &out_servers[count]))
            count++;
    }
    fclose(file);
    return count;
}

static bool is_same_server(const struct xf_addr *a, const struct xf_addr *b)
{
    return xf_addr_eq(a, b) &&
           (a->sa.sa_family != AF_INET6 || a->v6.sin6_scope_id == b->v6.sin6_scope_id);
}

static bool is_same_list(const struct xf_dns_resolv *resolv, const struct xf_addr *servers,
                         size_t count)
{
    for (size_t i = 0; i < count && i < resolv->count; i++)
        if (!is_same_server(&resolv->servers[i], &servers[i]))
            return false;
    return count == resolv->count;
}

bool xf_dns_resolv_look(struct xf_dns_resolv *resolv, bool is_reload)
{
    struct xf_addr servers[XF_DNS_SERVERS_MAX];
    uint64_t every_ms = resolv->is_named ? XF_DNS_FILE_LOOK_MS : LOOK_EARLY_MS;

    if (!xf_dns_file_has_changed(&resolv->file, is_reload ? 0 : every_ms))
        return false;
    size_t count = xf_dns_resolv_read(resolv->file.path, servers, XF_DNS_SERVERS_MAX);
    if (count == 0) {
        xf_dns_file_forget(&resolv->file); /* perhaps we could not read it just now */
        return false;
    }
    resolv->is_named = true;
    if (is_same_list(resolv, servers, count))
        return false;
    memcpy(resolv->servers, servers, count * sizeof(*servers));
    resolv->count = count;
    return true;
}

void xf_dns_resolv_init(struct xf_dns_resolv *resolv, const char *path,
                        const struct xf_clock *clock)
{
    *resolv = (struct xf_dns_resolv){.count = 1};
    resolv->servers[0] = xf_addr_from_v4((const uint8_t[]){127, 0, 0, 1}, DNS_PORT);
    xf_dns_file_init(&resolv->file, path, clock);
    xf_dns_resolv_look(resolv, true);
}

void xf_dns_resolv_release(struct xf_dns_resolv *resolv)
{
    xf_dns_file_release(&resolv->file);
}

size_t xf_dns_servers_text(const struct xf_addr *servers, size_t count,
                           char out[XF_DNS_SERVERS_TEXT_BYTES])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && i < XF_DNS_SERVERS_MAX; i++) {
        if (i > 0)
            out[len++] = ' ';
        xf_addr_text(&servers[i], out + len);
        len += strlen(out + len);
    }
    return len;
}
