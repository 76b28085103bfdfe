/* SPDX-License-Identifier: MIT */
/*
 * hosts.c — names and addresses of /etc/hosts (hosts(5)).
 *
 * A line is an address and names; '#' begins a comment. Read whole at start and again when a look
 * at the file, at most one a minute, shows that it has changed (file.c). Malformed lines, addresses
 * with a scope and invalid names are ignored, as in the C library.
 */
#include "hosts_priv.h"

#include <arpa/inet.h>
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/map.h>

#include "file_priv.h"
#include "name_priv.h"

#define LINE_BYTES 4096  /* longer lines are ignored */
#define NAMES_MAX  65536 /* names with their addresses; further ones are ignored */

struct address {
    struct address *next;
    enum xf_dns_type type;
    uint8_t bytes[16];
};

struct xf_dns_hosts {
    struct xf_dns_file file;
    struct xf_map *map; /* name to struct address, the first line first */
    size_t count;
};

static void forget_all(struct xf_dns_hosts *hosts)
{
    size_t cursor = 0;
    void *value;

    while (xf_map_next(hosts->map, &cursor, NULL, &value)) {
        for (struct address *address = value, *next; address; address = next) {
            next = address->next;
            xf_free(address);
        }
    }
    xf_map_free(&hosts->map);
    hosts->map = xf_map_new();
    hosts->count = 0;
}

static void add(struct xf_dns_hosts *hosts, struct xf_span name, const struct address *what)
{
    char prepared[XF_DNS_NAME_MAX + 1];

    if (!xf_dns_name_prepare(name, prepared) || hosts->count >= NAMES_MAX)
        return;

    struct address *address = xf_new(struct address);
    struct address *last = xf_map_find(hosts->map, xf_span_of(prepared));
    *address = *what;
    hosts->count++;
    if (!last) {
        xf_map_set(hosts->map, xf_span_of(prepared), address);
        return;
    }
    while (last->next)
        last = last->next;
    last->next = address;
}

static bool parse_address(const char *text, struct address *address)
{
    *address = (struct address){.type = XF_DNS_A};
    if (inet_pton(AF_INET, text, address->bytes) == 1)
        return true;
    address->type = XF_DNS_AAAA;
    return inet_pton(AF_INET6, text, address->bytes) == 1;
}

static void read_line(struct xf_dns_hosts *hosts, char *line)
{
    struct address address;
    bool has_address = false;
    char *word;

    line[strcspn(line, "#\r\n")] = '\0';
    while ((word = strsep(&line, " \t"))) {
        if (*word == '\0')
            continue;
        if (has_address)
            add(hosts, xf_span_of(word), &address);
        else if (!parse_address(word, &address))
            return;
        has_address = true;
    }
}

static void read_file(struct xf_dns_hosts *hosts, FILE *file)
{
    char line[LINE_BYTES];
    bool is_tail = false; /* of a line longer than the buffer */

    while (fgets(line, sizeof(line), file)) {
        bool is_end = strchr(line, '\n') || feof(file);

        if (!is_tail && is_end)
            read_line(hosts, line);
        is_tail = !is_end;
    }
}

static void look(struct xf_dns_hosts *hosts, uint64_t every_ms)
{
    FILE *file;

    if (!xf_dns_file_has_changed(&hosts->file, every_ms))
        return;
    forget_all(hosts);
    if ((file = fopen(hosts->file.path, "re"))) {
        read_file(hosts, file);
        fclose(file);
    }
}

struct xf_dns_hosts *xf_dns_hosts_new(const char *path, const struct xf_clock *clock)
{
    struct xf_dns_hosts *hosts = xf_new(struct xf_dns_hosts);

    hosts->map = xf_map_new();
    xf_dns_file_init(&hosts->file, path, clock);
    look(hosts, 0);
    return hosts;
}

void xf_dns_hosts_free(struct xf_dns_hosts **hosts)
{
    if (!*hosts)
        return;
    forget_all(*hosts);
    xf_map_free(&(*hosts)->map);
    xf_dns_file_release(&(*hosts)->file);
    xf_free(*hosts);
    *hosts = NULL;
}

bool xf_dns_hosts_find(struct xf_dns_hosts *hosts, const char *name, enum xf_dns_type type,
                       struct xf_dns_record records[XF_DNS_RECORDS_MAX], size_t *out_count)
{
    look(hosts, XF_DNS_FILE_LOOK_MS);

    const struct address *first = xf_map_find(hosts->map, xf_span_of(name));
    *out_count = 0;
    for (const struct address *address = first; address && *out_count < XF_DNS_RECORDS_MAX;
         address = address->next) {
        if (address->type != type)
            continue;
        records[*out_count] = (struct xf_dns_record){0};
        memcpy(records[(*out_count)++].address, address->bytes, sizeof(address->bytes));
    }
    return first != NULL;
}
