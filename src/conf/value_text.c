/* SPDX-License-Identifier: MIT */
/*
 * value_text.c — one value as text: as it is written in a file (what value.c reads again), and what
 * is accepted, in words.
 */
#include "conf_priv.h"

#include <string.h>

static uint64_t load_number(const struct xf_option *option, const void *target)
{
    union {
        bool flag;
        unsigned count;
        size_t size;
        uint64_t ms;
    } value;
    memcpy(&value, xf_value_field(option, target), xf_value_bytes(option->kind));
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

static void write_with_unit(uint64_t number, const struct xf_unit *units, size_t count,
                            struct xf_buf *out)
{
    size_t i = 0;
    while (i + 1 < count && (number < units[i].factor || number % units[i].factor != 0))
        i++;
    xf_buf_appendf(out, "%llu%s", (unsigned long long)(number / units[i].factor),
                   number ? units[i].suffix : "");
}

static void write_number(const struct xf_option *option, uint64_t number, struct xf_buf *out)
{
    size_t count;
    const struct xf_unit *units = xf_units_of(option->kind, &count);
    if (units)
        write_with_unit(number, units, count, out);
    else
        xf_buf_appendf(out, "%llu", (unsigned long long)number);
}

void xf_value_quote(const char *text, struct xf_buf *out)
{
    xf_buf_append_str(out, "\"");
    for (const char *p = text; *p; p++) {
        /*
         * libconfuse takes "${" for an environment variable. Control characters are not accepted in
         * values, so none has to be escaped.
         */
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

static void write_words(const struct xf_option *option, unsigned set, struct xf_buf *out)
{
    const char *comma = "";
    xf_buf_append_str(out, "{");
    for (const struct xf_word *word = option->words; word->word; word++) {
        if (!(set & word->value))
            continue;
        xf_buf_append_str(out, comma);
        xf_value_quote(word->word, out);
        comma = ", ";
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
        memcpy(&text, xf_value_field(option, target), sizeof(text));
        xf_value_quote(text ? text : "", out);
        break;
    case XF_KIND_TEXTS:
        memcpy(&texts, xf_value_field(option, target), sizeof(texts));
        write_texts(&texts, out);
        break;
    case XF_KIND_WORDS:
        write_words(option, (unsigned)load_number(option, target), out);
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
        xf_buf_appendf(out, "%s%s",
                       word == option->words ? ""
                       : word[1].word        ? ", "
                                             : " or ",
                       word->word);
}

/* As the sample has it, since each service has a port of its own. */
static const char *example_of(const struct xf_option *option)
{
    return option->example ? option->example : option->initial;
}

static void expected_listener(const struct xf_option *option, struct xf_buf *out)
{
    const char *port = strrchr(example_of(option), ':') + 1;
    xf_buf_appendf(out, "an address with port, such as 192.0.2.1:%s or [2001:db8::1]:%s", port,
                   port);
}

static void expected_host_port(const struct xf_option *option, struct xf_buf *out)
{
    const char *example = example_of(option);
    xf_buf_appendf(out, "a host with port, such as %s or 192.0.2.1%s", example,
                   strrchr(example, ':'));
}

static const char *form_words(const struct xf_option *option)
{
    static const char *const words[] = {
        [XF_FORM_ANY] = "a text",
        [XF_FORM_WORDS] = "a text of at most 500 bytes",
        [XF_FORM_PATH] = "the name of a file",
        [XF_FORM_DOMAIN] = "a domain name",
        [XF_FORM_HOST] = "a host name, and no address",
        [XF_FORM_NODE] = ("an address with port, such as 192.0.2.1:5347, or with weight: "
                          "\"192.0.2.1:5347 weight=3\" (0 to 100)"),
        [XF_FORM_ADDRESS] = "an address, such as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53",
        [XF_FORM_PIN] = "sha256: and 64 hex digits, or the name of a file",
        [XF_FORM_IP] = "an address without port, such as 192.0.2.1 or 2001:db8::1",
        [XF_FORM_PORTS] = "ports, such as 30000-35999",
        [XF_FORM_USER] =
            "a bare JID, such as *@sales.example.org, where * stands for any characters",
        [XF_FORM_HOURS] = "days and times, such as mon-fri 08:00-18:00 or daily 22:00-06:00",
        [XF_FORM_GROUP] = "NAME=DN, such as federation=cn=federation,ou=groups,dc=example,dc=org",
        [XF_FORM_INTERFACE] = "the name of a network interface, such as eth0",
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
    case XF_KIND_WORDS:
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
        if (option->form == XF_FORM_LISTEN)
            expected_listener(option, out);
        else if (option->form == XF_FORM_HOST_PORT)
            expected_host_port(option, out);
        else
            xf_buf_append_str(out, form_words(option));
    }
}
