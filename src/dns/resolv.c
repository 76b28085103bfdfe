/* SPDX-License-Identifier: MIT */
/*
 * resolv.c — the nameservers of resolv.conf(5).
 *
 * Only "nameserver ADDRESS" counts: search lists do not apply to a server that looks up complete
 * names, and timeouts are in our own configuration. An IPv6 address may carry a scope
 * ("fe80::1%eth0").
 */
#include "resolv_priv.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES 1024
#define DNS_PORT   53

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
