/* SPDX-License-Identifier: MIT */
/*
 * check_listen.c — one address and port serves one list of listen { }: the start would fail at the
 * second ("address already in use"), with the name of one of them alone.
 */
#include "conf_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>

struct listener {
    const char *key, *text; /* "192.0.2.1:5269" or "[::]:5269" */
    int family;
    unsigned char address[16];
    unsigned long port;
};

enum clash { NO_CLASH, CLASH, CLASH_OF_FAMILIES };

static const unsigned char any[16];

static size_t bytes_of(const struct listener *listener)
{
    return listener->family == AF_INET6 ? 16 : 4;
}

/* The option table accepts no other text than address and port; false: it is something else. */
static bool read_listener(const char *key, const char *text, struct listener *out)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':'), *start = text + (text[0] == '[');
    size_t len = colon ? (size_t)(colon - start) - (text[0] == '[') : sizeof(host);
    if (len >= sizeof(host))
        return false;
    memcpy(host, start, len);
    host[len] = '\0';
    *out = (struct listener){.key = key,
                             .text = text,
                             .family = text[0] == '[' ? AF_INET6 : AF_INET,
                             .port = strtoul(colon + 1, NULL, 10)};
    return inet_pton(out->family, host, out->address) == 1;
}

static bool is_any(const struct listener *listener)
{
    return memcmp(listener->address, any, bytes_of(listener)) == 0;
}

/* [::] takes IPv4 as well, unless systemd opened it with BindIPv6Only=ipv6-only. */
static enum clash clash_of(const struct listener *a, const struct listener *b)
{
    if (a->port != b->port)
        return NO_CLASH;
    if (a->family == b->family)
        return is_any(a) || is_any(b) || memcmp(a->address, b->address, bytes_of(a)) == 0
                   ? CLASH
                   : NO_CLASH;
    return is_any(a->family == AF_INET6 ? a : b) ? CLASH_OF_FAMILIES : NO_CLASH;
}

static void compare(const struct xf_check *check, const struct listener *before,
                    const struct listener *listener)
{
    const struct xf_conf_place *at = &check->conf->listen_at;
    int line = xf_conf_line(at, listener->key);
    switch (clash_of(before, listener)) {
    case NO_CLASH:
        break;
    case CLASH:
        xf_problem(check->problems, at->file, line,
                   "%s = \"%s\": listen { %s } has that address and port already (\"%s\"): "
                   "expected another port",
                   listener->key, listener->text, before->key, before->text);
        break;
    case CLASH_OF_FAMILIES:
        xf_warning(check->problems, at->file, line,
                   "%s = \"%s\": listen { %s } has \"%s\", and [::] takes IPv4 as well: expected "
                   "another port, or one of the two",
                   listener->key, listener->text, before->key, before->text);
        break;
    }
}

/* Those of `texts` behind the `count` that are there; returns the new count. */
static size_t add(struct listener *list, size_t count, const char *key,
                  const struct xf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        count += read_listener(key, texts->item[i], &list[count]);
    return count;
}

/* Host has a name or an address, perhaps with a port. */
static void check_hosts(const struct xf_check *check)
{
    const struct xf_conf_place *at = &check->conf->listen_at;
    const struct xf_texts *hosts = &check->conf->listen.http_hosts;
    for (size_t i = 0; i < hosts->count; i++)
        if (strpbrk(hosts->item[i], "/*@ "))
            xf_problem(check->problems, at->file, xf_conf_line(at, "http-hosts"),
                       "http-hosts = \"%.255s\": no client would send that as Host: expected a "
                       "name, such as metrics.example.org, without http://, path and *",
                       hosts->item[i]);
}

/* Of a list that is written for a listener that is not there. */
static void warn_of_idle(const struct xf_check *check, const char *key, size_t count,
                         const char *listener, const char *value)
{
    const struct xf_conf_place *at = &check->conf->listen_at;
    if (count > 0 && !*value)
        xf_warning(check->problems, at->file, xf_conf_line(at, key),
                   "%s without %s does nothing: expected both or neither", key, listener);
}

void xf_check_listen(const struct xf_check *check)
{
    const struct xf_listen_settings *listen = &check->conf->listen;
    check_hosts(check);
    warn_of_idle(check, "control-readers", listen->control_readers.count, "control",
                 listen->control);
    warn_of_idle(check, "control-admins", listen->control_admins.count, "control", listen->control);
    warn_of_idle(check, "http-hosts", listen->http_hosts.count, "http", listen->http);
    char *http = listen->http;
    const struct xf_texts of_http = {.item = &http, .count = *http != '\0'};
    struct listener *list = xf_alloc((listen->s2s.count + listen->s2s_direct.count +
                                      listen->sip.count + listen->sip_tcp.count + 1) *
                                     sizeof(*list));
    size_t count = add(list, 0, "s2s", &listen->s2s);
    count = add(list, count, "s2s-direct", &listen->s2s_direct);
    count = add(list, count, "sip", &listen->sip);
    count = add(list, count, "sip-tcp", &listen->sip_tcp);
    count = add(list, count, "http", &of_http);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            compare(check, &list[k], &list[i]);
    xf_free(list);
}
