/* SPDX-License-Identifier: MIT */
/*
 * value.c — parses one value of the file into the field of a struct, by the kind of its table row.
 *
 * A struct is written by offset with memcpy; options.c has checked the field's type when it was
 * compiled. Lists are parsed whole, so that a bad item leaves the field as it was.
 */
#include "conf_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

/* Largest first, as they are written; all of one kind. */
static const struct xf_unit time_units[] = {{"d", 86400000},
                                            {"h", 3600000},
                                            {"m", 60000},
                                            {"s", 1000},
                                            {"ms", 1}};
static const struct xf_unit size_units[] = {{"M", 1024 * 1024}, {"k", 1024}, {"", 1}};

const struct xf_unit *xf_units_of(enum xf_kind kind, size_t *out_count)
{
    *out_count = kind == XF_KIND_DURATION ? XF_ARRAY_LEN(time_units)
                 : kind == XF_KIND_SIZE   ? XF_ARRAY_LEN(size_units)
                                          : 0;
    return kind == XF_KIND_DURATION ? time_units : kind == XF_KIND_SIZE ? size_units : NULL;
}

char *xf_path_dir(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return xf_strdup("");
    return xf_strndup(file, slash == file ? 1 : (size_t)(slash - file));
}

char *xf_path_join(const char *dir, const char *path)
{
    if (path[0] == '/' || path[0] == '\0' || dir[0] == '\0')
        return xf_strdup(path);
    return xf_asprintf("%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", path);
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};
    for (size_t i = 0; i < XF_ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* Parse digits up to the first other character. False: no digits, or too many. */
static bool parse_digits(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t number = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (p == *text)
        return false;
    *text = p;
    *out = number;
    return true;
}

static bool parse_with_unit(const char *text, const struct xf_unit *units, size_t count,
                            uint64_t *out)
{
    uint64_t number;
    if (!parse_digits(&text, &number))
        return false;
    if (number == 0 && !*text) { /* 0 needs no unit */
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, units[i].suffix) == 0 && number <= UINT64_MAX / units[i].factor) {
            *out = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct xf_option *option, const char *text, uint64_t *out)
{
    size_t count;
    const struct xf_unit *units = xf_units_of(option->kind, &count);
    bool good =
        units ? parse_with_unit(text, units, count, out) : parse_digits(&text, out) && !*text;
    return good && *out >= option->min && *out <= option->max;
}

static const struct xf_word *find_word(const struct xf_option *option, const char *text)
{
    const struct xf_word *word = option->words;
    while (word->word && strcmp(word->word, text) != 0)
        word++;
    return word->word ? word : NULL;
}

static bool is_port(const char *text)
{
    uint64_t port;
    return parse_digits(&text, &port) && !*text && port > 0 && port <= 65535;
}

static bool is_address(const char *text, size_t len, int family)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return inet_pton(family, copy, bytes) == 1;
}

/*
 * Split "host:port", "[v6]:port", "host" or a bare v6 address: *out_host is the host, *out_port the
 * start of the port or NULL.
 */
static bool split_port(const char *text, struct xf_span *out_host, const char **out_port)
{
    const char *colon = strrchr(text, ':'), *end;
    if (text[0] == '[') {
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        *out_host = (struct xf_span){text + 1, (size_t)(end - text - 1)};
        *out_port = end[1] ? end + 2 : NULL;
        return is_address(out_host->ptr, out_host->len, AF_INET6);
    }
    bool has_port = colon && strchr(text, ':') == colon;
    *out_host = (struct xf_span){text, has_port ? (size_t)(colon - text) : strlen(text)};
    *out_port = has_port ? colon + 1 : NULL;
    return true;
}

static bool is_host_port(const char *text, bool needs_port, bool allows_name)
{
    struct xf_span host;
    const char *port;
    char prepared[XF_DOMAIN_MAX + 1];
    if (!split_port(text, &host, &port) || (port ? !is_port(port) : needs_port))
        return false;
    if (text[0] == '[' || is_address(host.ptr, host.len, AF_INET))
        return true;
    if (!port && is_address(host.ptr, host.len, AF_INET6))
        return true;
    return allows_name && xf_domain_prepare(host, prepared) == XF_ERR_OK &&
           !xf_domain_is_address(xf_span_of(prepared));
}

static char *parse_node(const char *text)
{
    struct xf_span addr;
    unsigned weight;
    if (!xf_weighted_parse(text, &addr, &weight))
        return NULL;
    char *host_port = xf_span_dup(addr);
    bool is_one = is_host_port(host_port, true, false);
    xf_free(host_port);
    return is_one ? xf_strdup(text) : NULL;
}

bool xf_text_is_plain(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t len = strlen(text), step;
    for (size_t i = 0; i < len; i += step) {
        step = xf_utf8_shown(bytes + i, len - i);
        if (step == 0)
            return false;
    }
    return true;
}

static char *parse_domain(const char *text)
{
    char prepared[XF_DOMAIN_MAX + 1];
    if (xf_domain_prepare(xf_span_of(text), prepared) != XF_ERR_OK)
        return NULL;
    return xf_strdup(prepared);
}

static char *parse_host(const char *text)
{
    char *domain = parse_domain(text);
    if (domain && xf_domain_is_address(xf_span_of(domain))) {
        xf_free(domain);
        return NULL;
    }
    return domain;
}

static char *parse_pin(const char *text, const char *dir)
{
    uint8_t digest[32];
    if (xf_conf_pin_is_file(text))
        return xf_path_join(dir, text);
    return xf_pin_parse(text, digest) ? xf_strdup(text) : NULL;
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/*
 * The part of a pattern after '@'. A domain, alone or after "*.", is prepared; with any other *,
 * its letters are only lower-cased. NULL: not a valid pattern.
 */
static char *parse_user_domain(const char *text)
{
    char prepared[XF_DOMAIN_MAX + 1];
    const char *prefix = strncmp(text, "*.", 2) == 0 ? "*." : "", *domain = text + strlen(prefix);
    if (strchr(domain, '*')) {
        char *pattern = xf_strdup(text);
        lower(pattern);
        return pattern;
    }
    return xf_domain_prepare(xf_span_of(domain), prepared) == XF_ERR_OK
               ? xf_asprintf("%s%s", prefix, prepared)
               : NULL;
}

/*
 * A bare JID in which * stands for any characters. Without *, it is prepared like the JIDs that it
 * is compared with. With *, its local part is only lower-cased, as nodeprep does with ASCII.
 */
static char *parse_user(const char *text)
{
    char prepared[XF_JID_MAX + 1];
    struct xf_jid jid;
    if (!strchr(text, '*')) {
        bool good = xf_jid_prepare(xf_span_of(text), prepared, &jid) == XF_ERR_OK &&
                    jid.local.ptr && !jid.resource.ptr;
        return good ? xf_span_dup(jid.full) : NULL;
    }
    const char *at = strchr(text, '@');
    if (!at || strchr(at + 1, '@') || strchr(text, '/') || strlen(text) > XF_JID_MAX)
        return NULL;
    char *domain = parse_user_domain(at + 1);
    if (!domain)
        return NULL;
    char *pattern = xf_asprintf("%.*s@%s", (int)(at - text), text, domain);
    lower(pattern);
    xf_free(domain);
    return pattern;
}

/* At most 15 characters, which IFNAMSIZ holds, and only those that firewall rules may quote. */
static bool is_interface(const char *text)
{
    size_t len = strlen(text);
    return len <= 15 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@") ==
               len;
}

static char *copy_if(bool good, const char *text)
{
    return good ? xf_strdup(text) : NULL;
}

static char *parse_shape(enum xf_form form, const char *text)
{
    struct xf_hours hours;
    struct xf_span name, dn;
    uint16_t first, last;
    switch (form) {
    case XF_FORM_WORDS:
        return copy_if(strlen(text) <= XF_WORDS_MAX, text);
    case XF_FORM_IP:
        return copy_if(is_address(text, strlen(text), AF_INET) ||
                           is_address(text, strlen(text), AF_INET6),
                       text);
    case XF_FORM_PORTS:
        return copy_if(xf_ports_parse(text, &first, &last), text);
    case XF_FORM_USER:
        return parse_user(text);
    case XF_FORM_HOURS:
        return copy_if(xf_hours_parse(text, &hours), text);
    case XF_FORM_GROUP:
        return copy_if(xf_group_parse(text, &name, &dn), text);
    case XF_FORM_INTERFACE:
        return copy_if(is_interface(text), text);
    default:
        return xf_strdup(text);
    }
}

/* The text in its stored form, which the caller owns; NULL: not accepted. */
static char *parse_form(const struct xf_option *option, const char *text, const char *dir)
{
    bool is_optional = option->kind == XF_KIND_TEXT && option->initial;
    if (!*text)
        return is_optional ? xf_strdup("") : NULL;
    if (!xf_text_is_plain(text))
        return NULL;
    switch (option->form) {
    case XF_FORM_PATH:
        return xf_path_join(dir, text);
    case XF_FORM_DOMAIN:
        return parse_domain(text);
    case XF_FORM_HOST:
        return parse_host(text);
    case XF_FORM_LISTEN:
        return is_host_port(text, true, false) ? xf_strdup(text) : NULL;
    case XF_FORM_NODE:
        return parse_node(text);
    case XF_FORM_ADDRESS:
        return is_host_port(text, false, false) ? xf_strdup(text) : NULL;
    case XF_FORM_HOST_PORT:
        return is_host_port(text, true, true) ? xf_strdup(text) : NULL;
    case XF_FORM_PIN:
        return parse_pin(text, dir);
    default:
        return parse_shape(option->form, text);
    }
}

static void store(const struct xf_option *option, void *target, const void *value, size_t bytes)
{
    memcpy((char *)target + option->offset, value, bytes);
}

size_t xf_value_bytes(enum xf_kind kind)
{
    static const size_t bytes[] = {
        [XF_KIND_BOOL] = sizeof(bool),
        [XF_KIND_SWITCH] = sizeof(bool),
        [XF_KIND_WORD] = sizeof(unsigned),
        [XF_KIND_DURATION] = sizeof(uint64_t),
        [XF_KIND_SIZE] = sizeof(size_t),
        [XF_KIND_COUNT] = sizeof(unsigned),
        [XF_KIND_WORDS] = sizeof(unsigned),
        [XF_KIND_TEXT] = sizeof(char *),
        [XF_KIND_TEXTS] = sizeof(struct xf_texts),
    };
    return bytes[kind];
}

static void store_number(const struct xf_option *option, void *target, uint64_t number)
{
    bool flag = number != 0;
    unsigned count = (unsigned)number;
    size_t size = (size_t)number;
    switch (option->kind) {
    case XF_KIND_BOOL:
    case XF_KIND_SWITCH:
        store(option, target, &flag, sizeof(flag));
        break;
    case XF_KIND_SIZE:
        store(option, target, &size, sizeof(size));
        break;
    case XF_KIND_DURATION:
        store(option, target, &number, sizeof(number));
        break;
    default:
        store(option, target, &count, sizeof(count));
    }
}

static bool parse_text(const struct xf_option *option, const char *text, const char *dir,
                       void *target)
{
    char *value = parse_form(option, text, dir);
    if (!value)
        return false;
    xf_value_release(option, target);
    store(option, target, &value, sizeof(value));
    return true;
}

bool xf_value_parse(const struct xf_option *option, const char *text, const char *dir, void *target)
{
    uint64_t number = 0;
    bool flag = false;
    const struct xf_word *word;
    switch (option->kind) {
    case XF_KIND_TEXT:
        return parse_text(option, text, dir, target);
    case XF_KIND_WORDS:
    case XF_KIND_TEXTS: {
        size_t bad;
        char *item = xf_strdup(text);
        bool good = xf_value_parse_list(option, &(struct xf_texts){&item, 1}, dir, target, &bad);
        xf_free(item);
        return good;
    }
    case XF_KIND_BOOL:
        if (!parse_bool(text, &flag))
            return false;
        number = flag;
        break;
    case XF_KIND_SWITCH:
    case XF_KIND_WORD:
        if (!(word = find_word(option, text)))
            return false;
        number = word->value;
        break;
    default:
        if (!parse_number(option, text, &number))
            return false;
    }
    store_number(option, target, number);
    return true;
}

static bool parse_words(const struct xf_option *option, const struct xf_texts *texts, void *target,
                        size_t *out_bad)
{
    unsigned set = 0;
    for (size_t i = 0; i < texts->count; i++) {
        const struct xf_word *word = find_word(option, texts->item[i]);
        if (!word) {
            *out_bad = i;
            return false;
        }
        set |= word->value;
    }
    store(option, target, &set, sizeof(set));
    return true;
}

bool xf_value_parse_list(const struct xf_option *option, const struct xf_texts *texts,
                         const char *dir, void *target, size_t *out_bad)
{
    if (option->kind == XF_KIND_WORDS)
        return parse_words(option, texts, target, out_bad);
    struct xf_texts list = {0};
    for (size_t i = 0; i < texts->count; i++) {
        char *item = parse_form(option, texts->item[i], dir);
        if (!item) {
            *out_bad = i;
            xf_texts_release(&list);
            return false;
        }
        xf_texts_add(&list, item);
    }
    xf_value_release(option, target);
    store(option, target, &list, sizeof(list));
    return true;
}

void xf_value_reset(const struct xf_option *option, void *target)
{
    xf_value_release(option, target);
    if (!option->initial || (xf_kind_is_list(option->kind) && !option->initial[0]))
        return;
    xf_require(xf_value_parse(option, option->initial, "", target));
}

void xf_value_copy(const struct xf_option *option, void *into, const void *from)
{
    store(option, into, xf_value_field(option, from), xf_value_bytes(option->kind));
}

void xf_value_release(const struct xf_option *option, void *target)
{
    if (option->kind == XF_KIND_TEXT) {
        char *text;
        memcpy(&text, xf_value_field(option, target), sizeof(text));
        xf_free(text);
    } else if (option->kind == XF_KIND_TEXTS) {
        struct xf_texts texts;
        memcpy(&texts, xf_value_field(option, target), sizeof(texts));
        xf_texts_release(&texts);
    }
    memset((char *)target + option->offset, 0, xf_value_bytes(option->kind));
}
