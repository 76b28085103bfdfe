/* SPDX-License-Identifier: MIT */
/*
 * value.c — one value of the file: its text to the field of a struct and back, by the kind of its table row.
 *
 * A struct is written by offset with memcpy; options.c has checked the field's type when it was compiled. Lists are
 * parsed whole, so that a bad item leaves the field as it was.
 */
#include "conf_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first, as they are written; all of one kind. */
static const struct unit time_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {{"M", 1024 * 1024}, {"k", 1024}, {"", 1}};

void xf_texts_add(struct xf_texts *texts, char *taken)
{
    texts->item = xf_realloc(texts->item, (texts->count + 1) * sizeof(*texts->item));
    texts->item[texts->count++] = taken;
}

void xf_texts_release(struct xf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        xf_free(texts->item[i]);
    xf_free(texts->item);
    *texts = (struct xf_texts){0};
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

/* Digits only, up to the first other character. False: none, or too many. */
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

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
    uint64_t number;
    if (!parse_digits(&text, &number))
        return false;
    if (number == 0 && !*text) { /* nothing has no unit */
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
    bool good;
    if (option->kind == XF_KIND_DURATION)
        good = parse_with_unit(text, time_units, XF_ARRAY_LEN(time_units), out);
    else if (option->kind == XF_KIND_SIZE)
        good = parse_with_unit(text, size_units, XF_ARRAY_LEN(size_units), out);
    else
        good = parse_digits(&text, out) && !*text;
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

/* Where the host of "host:port", "[v6]:port", "host" or a bare v6 address ends, and its port begins or NULL. */
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
    return allows_name && xf_domain_prepare(host, prepared) == XF_ERR_OK && !xf_domain_is_address(xf_span_of(prepared));
}

bool xf_text_is_plain(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return xf_utf8_valid(text, len);
}

static char *parse_domain(const char *text)
{
    char prepared[XF_DOMAIN_MAX + 1];
    if (xf_domain_prepare(xf_span_of(text), prepared) != XF_ERR_OK)
        return NULL;
    return xf_strdup(prepared);
}

/* The text in its stored form, in memory of the caller; NULL: not accepted. */
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
    case XF_FORM_LISTEN:
        return is_host_port(text, true, false) ? xf_strdup(text) : NULL;
    case XF_FORM_ADDRESS:
        return is_host_port(text, false, false) ? xf_strdup(text) : NULL;
    case XF_FORM_HOST_PORT:
        return is_host_port(text, true, true) ? xf_strdup(text) : NULL;
    case XF_FORM_ANY:
    default:
        return xf_strdup(text);
    }
}

static void store(const struct xf_option *option, void *target, const void *value, size_t bytes)
{
    memcpy((char *)target + option->offset, value, bytes);
}

static const void *field_of(const struct xf_option *option, const void *target)
{
    return (const char *)target + option->offset;
}

static size_t field_bytes(enum xf_kind kind)
{
    static const size_t bytes[] = {
        [XF_KIND_BOOL] = sizeof(bool),    [XF_KIND_SWITCH] = sizeof(bool),       [XF_KIND_WORD] = sizeof(unsigned),
        [XF_KIND_DURATION] = sizeof(uint64_t), [XF_KIND_SIZE] = sizeof(size_t),  [XF_KIND_COUNT] = sizeof(unsigned),
        [XF_KIND_TEXT] = sizeof(char *),  [XF_KIND_TEXTS] = sizeof(struct xf_texts),
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

static uint64_t load_number(const struct xf_option *option, const void *target)
{
    union {
        bool flag;
        unsigned count;
        size_t size;
        uint64_t ms;
    } value;
    memcpy(&value, field_of(option, target), field_bytes(option->kind));
    switch (option->kind) {
    case XF_KIND_BOOL:
    case XF_KIND_SWITCH:
        return value.flag;
    case XF_KIND_SIZE:
        return value.size;
    case XF_KIND_DURATION:
        return value.ms;
    default:
        return value.count;
    }
}

static bool parse_text(const struct xf_option *option, const char *text, const char *dir, void *target)
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

bool xf_value_parse_list(const struct xf_option *option, const struct xf_texts *texts, const char *dir, void *target,
                         size_t *out_bad)
{
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
    if (!option->initial || (option->kind == XF_KIND_TEXTS && !option->initial[0]))
        return;
    xf_require(xf_value_parse(option, option->initial, "", target));
}

void xf_value_copy(const struct xf_option *option, void *into, const void *from)
{
    store(option, into, field_of(option, from), field_bytes(option->kind));
}

void xf_value_release(const struct xf_option *option, void *target)
{
    if (option->kind == XF_KIND_TEXT) {
        char *text;
        memcpy(&text, field_of(option, target), sizeof(text));
        xf_free(text);
    } else if (option->kind == XF_KIND_TEXTS) {
        struct xf_texts texts;
        memcpy(&texts, field_of(option, target), sizeof(texts));
        xf_texts_release(&texts);
    }
    memset((char *)target + option->offset, 0, field_bytes(option->kind));
}

static void write_with_unit(uint64_t number, const struct unit *units, size_t count, struct xf_buf *out)
{
    size_t i = 0;
    while (i + 1 < count && (number < units[i].factor || number % units[i].factor != 0))
        i++;
    xf_buf_appendf(out, "%llu%s", (unsigned long long)(number / units[i].factor), number ? units[i].suffix : "");
}

static void write_number(const struct xf_option *option, uint64_t number, struct xf_buf *out)
{
    if (option->kind == XF_KIND_DURATION)
        write_with_unit(number, time_units, XF_ARRAY_LEN(time_units), out);
    else if (option->kind == XF_KIND_SIZE)
        write_with_unit(number, size_units, XF_ARRAY_LEN(size_units), out);
    else
        xf_buf_appendf(out, "%llu", (unsigned long long)number);
}

void xf_value_quote(const char *text, struct xf_buf *out)
{
    xf_buf_append_str(out, "\"");
    for (const char *p = text; *p; p++) {
        /* "${" is the environment to libconfuse; a control character never comes in, so none goes out. */
        if (*p == '"' || *p == '\\' || (p[0] == '$' && p[1] == '{'))
            xf_buf_append_str(out, "\\");
        xf_buf_append(out, p, 1);
    }
    xf_buf_append_str(out, "\"");
}

static void write_texts(const struct xf_texts *texts, struct xf_buf *out)
{
    xf_buf_append_str(out, "{");
    for (size_t i = 0; i < texts->count; i++) {
        xf_buf_append_str(out, i ? ", " : "");
        xf_value_quote(texts->item[i], out);
    }
    xf_buf_append_str(out, "}");
}

static const char *word_of(const struct xf_option *option, unsigned value)
{
    const struct xf_word *word = option->words;
    while (word->word && word->value != value)
        word++;
    return word->word ? word->word : "?";
}

void xf_value_write(const struct xf_option *option, const void *target, struct xf_buf *out)
{
    char *text;
    struct xf_texts texts;
    switch (option->kind) {
    case XF_KIND_TEXT:
        memcpy(&text, field_of(option, target), sizeof(text));
        xf_value_quote(text ? text : "", out);
        break;
    case XF_KIND_TEXTS:
        memcpy(&texts, field_of(option, target), sizeof(texts));
        write_texts(&texts, out);
        break;
    case XF_KIND_BOOL:
        xf_buf_append_str(out, load_number(option, target) ? "yes" : "no");
        break;
    case XF_KIND_SWITCH:
    case XF_KIND_WORD:
        xf_buf_append_str(out, word_of(option, (unsigned)load_number(option, target)));
        break;
    default:
        write_number(option, load_number(option, target), out);
    }
}

static void expected_range(const struct xf_option *option, struct xf_buf *out)
{
    xf_buf_append_str(out, " from ");
    write_number(option, option->min, out);
    xf_buf_append_str(out, " to ");
    write_number(option, option->max, out);
}

static void expected_words(const struct xf_option *option, struct xf_buf *out)
{
    for (const struct xf_word *word = option->words; word->word; word++)
        xf_buf_appendf(out, "%s%s", word == option->words ? "" : word[1].word ? ", " : " or ", word->word);
}

static const char *form_words(const struct xf_option *option)
{
    static const char *const words[] = {
        [XF_FORM_ANY] = "a text",
        [XF_FORM_PATH] = "the name of a file",
        [XF_FORM_DOMAIN] = "a domain name",
        [XF_FORM_LISTEN] = "an address with port, as 192.0.2.1:5269 or [2001:db8::1]:5269",
        [XF_FORM_ADDRESS] = "an address, as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53",
        [XF_FORM_HOST_PORT] = "a host with port, as xmpp.example.org:5269 or 192.0.2.1:5269",
    };
    return words[option->form];
}

void xf_value_expected(const struct xf_option *option, struct xf_buf *out)
{
    switch (option->kind) {
    case XF_KIND_BOOL:
        xf_buf_append_str(out, "yes or no (on, off, true, false)");
        break;
    case XF_KIND_SWITCH:
    case XF_KIND_WORD:
        expected_words(option, out);
        break;
    case XF_KIND_DURATION:
        xf_buf_append_str(out, "a duration with a unit (ms, s, m, h, d)");
        expected_range(option, out);
        break;
    case XF_KIND_SIZE:
        xf_buf_append_str(out, "a size in bytes (or with k, M)");
        expected_range(option, out);
        break;
    case XF_KIND_COUNT:
        xf_buf_append_str(out, "a number");
        expected_range(option, out);
        break;
    default:
        xf_buf_append_str(out, form_words(option));
    }
}
