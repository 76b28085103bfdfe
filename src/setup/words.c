/* SPDX-License-Identifier: MIT */
/*
 * words.c — whether one word is a good answer, and how it is used.
 *
 * What passes here is written into configurations of three kinds, so nothing passes that could end
 * a quoted text in any of them: domains are prepared, other words have few kinds of characters.
 */
#include "setup_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#define PATH_BYTES 1024

static char *refuse(struct xf_error *err, const char *word, const char *expected)
{
    (void)xf_fail(err, XF_ERR_BAD_VALUE, "\"%.80s\": expected %s", word, expected);
    return NULL;
}

static bool is_ip(const char *word)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, word, bytes) == 1 || inet_pton(AF_INET6, word, bytes) == 1;
}

char *xf_init_take_domain(const char *word, struct xf_error *err)
{
    char domain[XF_DOMAIN_MAX + 1];
    if (is_ip(word) || word[0] == '[' || !strchr(word, '.') || !xf_utf8_valid(word, strlen(word)) ||
        xf_domain_prepare(xf_span_of(word), domain) != XF_ERR_OK || !strchr(domain, '.'))
        return refuse(err, word, "the full name of a domain, such as example.org");
    return xf_strdup(domain);
}

static char *one_of(const char *word, const char *const *words, const char *expected,
                    struct xf_error *err)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return xf_strdup(word);
    return refuse(err, word, expected);
}

char *xf_init_take_server(const char *word, struct xf_error *err)
{
    static const char *const kinds[] = {"prosody", "ejabberd", "jabberd2", NULL};
    return one_of(word, kinds, "prosody, ejabberd or jabberd2", err);
}

char *xf_init_take_federation(const char *word, struct xf_error *err)
{
    static const char *const kinds[] = {"open", "partners", NULL};
    return one_of(word, kinds, "open or partners", err);
}

/* The host of "192.0.2.1:5347" or "[2001:db8::1]:5347" is an address. */
static bool has_address(const char *word, const char *colon)
{
    char host[INET6_ADDRSTRLEN + 2];
    size_t len = (size_t)(colon - word);
    bool is_v6 = word[0] == '[' && len > 2 && colon[-1] == ']';
    if (len >= sizeof(host))
        return false;
    memcpy(host, word + is_v6, len - 2 * is_v6);
    host[len - 2 * is_v6] = '\0';
    return is_ip(host) && is_v6 == (strchr(host, ':') != NULL);
}

char *xf_init_take_host_port(const char *word, struct xf_error *err)
{
    const char *colon = strrchr(word, ':');
    uint64_t port;
    if (!colon || !has_address(word, colon) ||
        !xf_span_number(xf_span_of(colon + 1), 65535, &port) || port == 0)
        return refuse(err, word, "an address with port, such as 127.0.0.1:5347");
    return xf_strdup(word);
}

char *xf_init_take_address(const char *word, struct xf_error *err)
{
    return is_ip(word) ? xf_strdup(word) : refuse(err, word, "an IP address, such as 203.0.113.5");
}

static bool is_plain_path(const char *word)
{
    if (word[0] != '/' || strlen(word) > PATH_BYTES || !xf_utf8_valid(word, strlen(word)))
        return false;
    for (; *word; word++)
        if ((unsigned char)*word < ' ' || strchr("\"\\$\x7f", *word))
            return false;
    return true;
}

static char *path(const char *word, const char *expected, struct xf_error *err)
{
    if (!is_plain_path(word))
        return refuse(err, word, expected);
    if (access(word, R_OK) != 0)
        return refuse(err, word, "a file that exists and can be read");
    return xf_strdup(word);
}

char *xf_init_take_certificate(const char *word, struct xf_error *err)
{
    if (strcmp(word, "request") == 0)
        return xf_strdup(word);
    return path(word, "request, or a file or folder by its full path", err);
}

char *xf_init_take_key(const char *word, struct xf_error *err)
{
    return path(word, "a file by its full path", err);
}
