/* SPDX-License-Identifier: MIT */
/*
 * dump.c — a configuration as text: what is in force, with every default (--dump) or without them
 * (--dump --changed), the annotated sample (--sample), and the rows of the manual.
 *
 * All come from the option table. A dump can be loaded again and then dumps the same; secrets stay
 * in their files. A peer's section shows only its own settings, since the rest is in `defaults`.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

#define TEXT_COLUMNS 100

static size_t key_width(enum xf_section section)
{
    size_t count, width = 0;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].key) > width)
            width = strlen(options[i].key);
    return width;
}

static bool is_changed(const struct xf_option *option, const void *target)
{
    if (!option->initial)
        return true;
    struct xf_buf value, initial;
    void *fresh = xf_alloc(option->offset + xf_value_bytes(option->kind));
    xf_buf_init(&value, XF_VALUE_TEXT_MAX);
    xf_buf_init(&initial, XF_VALUE_TEXT_MAX);
    xf_value_reset(option, fresh);
    xf_value_write(option, target, &value);
    xf_value_write(option, fresh, &initial);
    bool is_same = xf_span_eq(xf_buf_span(&value), xf_buf_span(&initial));
    xf_value_release(option, fresh);
    xf_free(fresh);
    xf_buf_release(&value);
    xf_buf_release(&initial);
    return !is_same;
}

static void put_setting(const struct xf_option *option, const void *target, const char *indent,
                        size_t width, FILE *out)
{
    struct xf_buf value;
    xf_buf_init(&value, XF_VALUE_TEXT_MAX);
    xf_value_write(option, target, &value);
    fprintf(out, "%s%-*s = %.*s\n", indent, (int)width, option->key,
            XF_SPAN_ARGS(xf_buf_span(&value)));
    xf_buf_release(&value);
}

struct dump {
    FILE *out;
    enum xf_dump what;
};

/* `mask`: only for a peer's section, the settings that it has. */
static bool is_wanted(const struct dump *dump, enum xf_section section,
                      const struct xf_option *option, const void *target,
                      const struct xf_peer_set *mask)
{
    if (section == XF_SECTION_PEER)
        return xf_option_is_in(mask, option);
    return dump->what == XF_DUMP_ALL || is_changed(option, target);
}

static void put_section(const struct dump *dump, enum xf_section section, const char *title,
                        const void *target, const struct xf_peer_set *mask)
{
    size_t count, wanted = 0;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    bool is_top = section == XF_SECTION_TOP;
    FILE *out = dump->out;
    struct xf_buf quoted;
    for (size_t i = 0; i < count; i++)
        wanted += is_wanted(dump, section, &options[i], target, mask);
    if (wanted == 0 && !title)
        return;
    xf_buf_init(&quoted, XF_VALUE_TEXT_MAX);
    if (title)
        xf_value_quote(title, &quoted);
    if (!is_top)
        fprintf(out, "\n%s%s%.*s {\n", xf_section_facts(section)->word, title ? " " : "",
                XF_SPAN_ARGS(xf_buf_span(&quoted)));
    for (size_t i = 0; i < count; i++)
        if (is_wanted(dump, section, &options[i], target, mask))
            put_setting(&options[i], target, is_top ? "" : "    ", key_width(section), out);
    if (!is_top)
        fputs("}\n", out);
    xf_buf_release(&quoted);
}

static void dump_titled(const struct dump *dump, const struct xf_conf *conf,
                        enum xf_section section)
{
    for (size_t i = 0; section == XF_SECTION_LINK && i < conf->link_count; i++)
        put_section(dump, section, conf->links[i].settings.title, &conf->links[i].settings, NULL);
    for (size_t i = 0; section == XF_SECTION_SERVED && i < conf->served_count; i++)
        put_section(dump, section, conf->served[i].settings.domain, &conf->served[i].settings,
                    NULL);
    for (size_t i = 0; section == XF_SECTION_NODE && i < conf->node_count; i++)
        put_section(dump, section, conf->nodes[i].settings.title, &conf->nodes[i].settings, NULL);
    for (size_t i = 0; section == XF_SECTION_PEER && i < conf->peer_count; i++)
        put_section(dump, section, conf->peers[i].pattern, &conf->peers[i].settings,
                    &conf->peers[i].settings.set);
}

void xf_conf_dump(const struct xf_conf *conf, enum xf_dump what, FILE *out)
{
    const struct dump dump = {out, what};
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++) {
        const void *target =
            s == XF_SECTION_DEFAULTS ? (const void *)&conf->defaults : (const void *)conf;
        if (xf_section_facts(s)->title)
            dump_titled(&dump, conf, s);
        else
            put_section(&dump, s, NULL, target, NULL);
    }
}

/* ---- the sample */

/* Print a comment, broken between words to fit the columns of a line. */
static void put_comment(const char *indent, const char *text, FILE *out)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > TEXT_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s#", indent);
        column += (size_t)fprintf(out, " %.*s", (int)len, text);
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

static char *accepted(const struct xf_option *option)
{
    struct xf_buf text;
    xf_buf_init(&text, 1024);
    xf_buf_append_str(&text, "Takes ");
    xf_value_expected(option, &text);
    if (xf_kind_is_list(option->kind))
        xf_buf_append_str(&text, "; several in {...}");
    xf_buf_append_str(&text, ".");
    char *line = xf_strndup(xf_buf_ptr(&text), text.len);
    xf_buf_release(&text);
    return line;
}

static bool is_quoted(const struct xf_option *option)
{
    return option->kind == XF_KIND_TEXT || xf_kind_is_list(option->kind);
}

static bool shows_default(const struct xf_option *option)
{
    return option->initial && (*option->initial || !option->example);
}

/* The default or an example, as it is written in the file. */
static char *shown_value(const struct xf_option *option)
{
    const char *value = shows_default(option) ? option->initial : option->example;
    bool is_list = xf_kind_is_list(option->kind), has_item = !is_list || *value;
    const char *quote = is_quoted(option) && has_item ? "\"" : "";
    return xf_asprintf("%s%s%s%s%s", is_list ? "{" : "", quote, value, quote, is_list ? "}" : "");
}

/* Does the sample set it? It sets what has no default, and the files of a served domain. */
static bool is_live(const struct xf_option *option)
{
    return !option->initial ||
           (option->section == XF_SECTION_SERVED && option->form == XF_FORM_PATH);
}

static void sample_section(enum xf_section section, FILE *out)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    const struct xf_section_facts *facts = xf_section_facts(section);
    const char *indent = section == XF_SECTION_TOP ? "" : "    ";
    fputc('\n', out);
    if (section != XF_SECTION_TOP) {
        put_comment("", facts->help, out);
        if (facts->title)
            fprintf(out, "%s \"%s\" {\n", facts->word, facts->title);
        else
            fprintf(out, "%s {\n", facts->word);
    }
    for (size_t i = 0; i < count; i++) {
        char *takes = accepted(&options[i]), *value = shown_value(&options[i]);
        if (i > 0)
            fputc('\n', out);
        put_comment(indent, options[i].help, out);
        put_comment(indent, takes, out);
        /* Commented out if the program would do the same without it. */
        fprintf(out, "%s%s%s = %s  # %s\n", indent, is_live(&options[i]) ? "" : "#", options[i].key,
                value, shows_default(&options[i]) ? "default" : "example");
        xf_free(takes);
        xf_free(value);
    }
    if (section != XF_SECTION_TOP)
        fputs("}\n", out);
}

static void sample_peer(FILE *out)
{
    const struct xf_section_facts *facts = xf_section_facts(XF_SECTION_PEER);
    fputc('\n', out);
    put_comment("", facts->help, out);
    fprintf(out, "#%s \"%s\" {\n#    direction  = in\n#    max-stanza = 64k\n#}\n", facts->word,
            facts->title);
}

void xf_conf_sample(FILE *out)
{
    put_comment(
        "",
        "Configuration of xfedd, as printed by xfedd --sample. Each line says whether it shows the "
        "default or an example. Relative file names are relative to this file. "
        "include(\"file\"), outside of sections, reads another file.",
        out);
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++) {
        if (s == XF_SECTION_PEER)
            sample_peer(out);
        else
            sample_section(s, out);
    }
}

static void call_with_row(const struct xf_option *option, const struct xf_section_facts *facts,
                          xf_conf_row_fn each, void *owner)
{
    char *takes = accepted(option), *value = shown_value(option);
    struct xf_conf_row row = {facts->word, facts->title,     facts->help,
                              option->key, option->help,     takes,
                              value,       !option->initial, !shows_default(option)};
    each(owner, &row);
    xf_free(takes);
    xf_free(value);
}

void xf_conf_each_row(xf_conf_row_fn each, void *owner)
{
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++) {
        const struct xf_section_facts *facts = xf_section_facts(s);
        struct xf_conf_row same = {.section = facts->word, facts->title, facts->help};
        size_t count;
        const struct xf_option *options = xf_conf_options_of(s, &count);
        if (s == XF_SECTION_PEER)
            each(owner, &same);
        for (size_t i = 0; s != XF_SECTION_PEER && i < count; i++)
            call_with_row(&options[i], facts, each, owner);
    }
}
