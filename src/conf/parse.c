/* SPDX-License-Identifier: MIT */
/*
 * parse.c — parses configuration text into raw sections with libconfuse. No other file uses
 * libconfuse.
 *
 * The option table is turned into libconfuse's arrays. Every key is a CFGT_PTR, so that our
 * callback keeps each value as it was written, with its line. load.c judges the values, because it
 * has the table rows, which tell what would be accepted. That way one run reports all bad values.
 * Bad grammar and unknown keys make libconfuse stop. A setting with an unknown key is blanked, and
 * the file parsed again, so that all of them are told; after bad grammar the rest is not known.
 *
 * libconfuse passes no pointer of ours to its callbacks and has one scanner for the whole process,
 * so a static variable here holds the parse in progress. A parse never waits and never starts
 * another parse. Included files are parsed one after the other, each with a cfg_t of its own. An
 * unset key and a key that is written twice look alike to libconfuse: SEEN, a flag bit that it does
 * not use, tells them apart.
 */
#include "conf_priv.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define SEEN      (1 << 24)
#define FILES_MAX 1000
#define AGAIN_MAX 100 /* parses of one file; further unknown keys are not told */

struct value {
    int line;
    bool is_again;
    char text[];
};

struct parse {
    const struct xf_text *text;
    struct xf_problems *problems;
    size_t sections;  /* closed so far */
    char unknown[64]; /* the key at which the parse ended; "": none */
    int unknown_line;
};

static struct parse *under_way;

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
    struct value *value = xf_alloc(sizeof(*value) + strlen(text) + 1);
    memcpy(value->text, text, strlen(text));
    value->line = cfg->line;
    value->is_again = (opt->flags & SEEN) && opt->nvalues <= 1;
    opt->flags |= SEEN;
    *(void **)result = value;
    return 0;
}

/* At the end of a section: give it the line where it began. */
static int on_section(cfg_t *root, cfg_opt_t *opt)
{
    (void)root;
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    if (under_way->sections < under_way->text->section_count)
        section->line = under_way->text->section_lines[under_way->sections++];
    return 0;
}

static const struct xf_section_facts *facts_of(const cfg_t *cfg, enum xf_section *out_section)
{
    *out_section = XF_SECTION_TOP;
    for (unsigned s = XF_SECTION_TOP + 1; s < XF_SECTION_COUNT; s++)
        if (strcmp(cfg->name, xf_section_facts(s)->word) == 0)
            *out_section = s;
    return xf_section_facts(*out_section);
}

/* Every word that may stand in a section; outside of sections, the names of sections too. */
#define WORDS_MAX 128

static size_t words_of(enum xf_section section, const char *words[WORDS_MAX])
{
    size_t count, n = 0;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    xf_require(count + XF_SECTION_COUNT <= WORDS_MAX);
    for (size_t i = 0; i < count; i++)
        words[n++] = options[i].key;
    for (unsigned s = XF_SECTION_TOP + 1; section == XF_SECTION_TOP && s < XF_SECTION_COUNT; s++)
        words[n++] = xf_section_facts(s)->word;
    return n;
}

static void list_words(struct xf_buf *out, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        xf_buf_appendf(out, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", words[i]);
}

static void unknown_key(const cfg_t *cfg, const char *key)
{
    enum xf_section section;
    const struct xf_section_facts *facts = facts_of(cfg, &section);
    const char *words[WORDS_MAX];
    size_t count = words_of(section, words);
    const char *nearest = xf_spell_nearest(key, words, count);

    struct xf_buf place, hint;
    xf_buf_init(&place, 512);
    xf_buf_init(&hint, 32 * WORDS_MAX);
    if (section != XF_SECTION_TOP)
        xf_buf_appendf(&place, " in %s", facts->word);
    if (cfg->title)
        xf_buf_appendf(&place, " \"%.255s\"", cfg->title);
    if (nearest)
        xf_buf_appendf(&hint, "did you mean \"%s\"?", nearest);
    else
        xf_buf_appendf(&hint, "expected ");
    if (!nearest)
        list_words(&hint, words, count);
    xf_problem(under_way->problems, under_way->text->file, cfg->line,
               "unknown key \"%.100s\"%.*s: %.*s", key, XF_SPAN_ARGS(xf_buf_span(&place)),
               XF_SPAN_ARGS(xf_buf_span(&hint)));
    xf_buf_release(&place);
    xf_buf_release(&hint);
    snprintf(under_way->unknown, sizeof(under_way->unknown), "%s", key);
    under_way->unknown_line = cfg->line;
}

static void duplicate_title(cfg_t *root, const char *title)
{
    cfg_t *first = NULL;
    for (unsigned i = 0; !first && cfg_getnopt(root, i); i++) {
        cfg_opt_t *opt = cfg_getnopt(root, i);
        if (opt->type == CFGT_SEC && (opt->flags & CFGF_TITLE))
            first = cfg_opt_gettsec(opt, title);
    }
    xf_problem(under_way->problems, under_way->text->file, root->line,
               "%s \"%.255s\" is written twice (first in line %d): expected one section for it",
               first ? first->name : "section", title, first ? first->line : 0);
}

/* Replaces the messages of libconfuse that we can word better, and passes the others on. */
static void XF_PRINTF(2, 0) on_error(cfg_t *cfg, const char *fmt, va_list args)
{
    if (strcmp(fmt, "no such option '%s'") == 0) {
        unknown_key(cfg, va_arg(args, const char *));
    } else if (strcmp(fmt, "found duplicate title '%s'") == 0) {
        duplicate_title(cfg, va_arg(args, const char *));
    } else {
        char words[256];
        vsnprintf(words, sizeof(words), fmt, args);
        xf_problem(under_way->problems, under_way->text->file, cfg->line,
                   "%s: expected key = value, key = {value, ...} or section {...}", words);
    }
}

static cfg_opt_t key_option(const struct xf_option *option)
{
    return (cfg_opt_t){.name = option->key,
                       .type = CFGT_PTR,
                       .flags = xf_kind_is_list(option->kind) ? CFGF_LIST : CFGF_NONE,
                       .parsecb = on_value,
                       .freecb = xf_free};
}

/* The rows of a section for libconfuse, ended by CFG_END. libconfuse copies them. */
static cfg_opt_t *options_of(enum xf_section section, size_t more)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    cfg_opt_t *opts = xf_alloc((count + more + 1) * sizeof(*opts));
    for (size_t i = 0; i < count; i++)
        opts[i] = key_option(&options[i]);
    opts[count + more] = (cfg_opt_t)CFG_END();
    return opts;
}

static cfg_t *make_parser(void)
{
    size_t top_count;
    xf_conf_options_of(XF_SECTION_TOP, &top_count);
    cfg_opt_t *top = options_of(XF_SECTION_TOP, XF_SECTION_COUNT - 1),
              *subs[XF_SECTION_COUNT] = {0};
    for (unsigned s = XF_SECTION_TOP + 1; s < XF_SECTION_COUNT; s++) {
        subs[s] = options_of(s, 0);
        /* MULTI for all: libconfuse would silently merge a second `dns {}` into the first. */
        int flags =
            xf_section_facts(s)->title ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_MULTI;
        top[top_count + s - 1] = (cfg_opt_t){.name = xf_section_facts(s)->word,
                                             .type = CFGT_SEC,
                                             .flags = flags,
                                             .subopts = subs[s],
                                             .validcb = on_section};
    }
    cfg_t *cfg = cfg_init(top, CFGF_NONE);
    xf_require(cfg != NULL);
    cfg_set_error_function(cfg, on_error);
    for (unsigned s = 0; s < XF_SECTION_COUNT; s++)
        xf_free(subs[s]);
    xf_free(top);
    return cfg;
}

/* Was the key written? For an empty list, only libconfuse's flag "modified" tells. */
static bool is_written(const cfg_opt_t *opt)
{
    return opt->nvalues > 0 || ((opt->flags & CFGF_LIST) && (opt->flags & CFGF_MODIFIED));
}

static void take_setting(struct xf_raw_section *section, const struct xf_option *option,
                         cfg_opt_t *opt)
{
    section->settings =
        xf_realloc(section->settings, (section->count + 1) * sizeof(*section->settings));
    struct xf_raw_setting *setting = &section->settings[section->count++];
    *setting = (struct xf_raw_setting){.option = option, .line = section->line};
    setting->is_again = opt->nvalues == 0 && (opt->flags & SEEN); /* {"a"} and then {} */
    for (unsigned i = 0; i < opt->nvalues; i++) {
        const struct value *value = opt->values[i]->ptr;
        if (i == 0)
            setting->line = value->line;
        setting->is_again |= value->is_again;
        xf_texts_add(&setting->values, xf_strdup(value->text));
    }
}

static int by_line(int a, int b)
{
    return (a > b) - (a < b);
}

static int setting_by_line(const void *a, const void *b)
{
    return by_line(((const struct xf_raw_setting *)a)->line,
                   ((const struct xf_raw_setting *)b)->line);
}

static int section_by_line(const void *a, const void *b)
{
    return by_line(((const struct xf_raw_section *)a)->line,
                   ((const struct xf_raw_section *)b)->line);
}

static void take_section(struct xf_raw *raw, enum xf_section kind, cfg_t *cfg)
{
    raw->sections = xf_realloc(raw->sections, (raw->count + 1) * sizeof(*raw->sections));
    struct xf_raw_section *section = &raw->sections[raw->count++];
    *section = (struct xf_raw_section){.section = kind,
                                       .title = xf_strdup(cfg->title),
                                       .file = xf_strdup(under_way->text->file),
                                       .dir = xf_strdup(under_way->text->dir),
                                       .line = kind == XF_SECTION_TOP ? 0 : cfg->line};
    size_t count;
    const struct xf_option *options = xf_conf_options_of(kind, &count);
    for (size_t i = 0; i < count; i++) {
        cfg_opt_t *opt = cfg_getnopt(cfg, (unsigned)i);
        if (is_written(opt))
            take_setting(section, &options[i], opt);
    }
    if (section->count > 1)
        qsort(section->settings, section->count, sizeof(*section->settings), setting_by_line);
}

/*
 * Take the sections in the order of the file, not of the table, because messages come in that
 * order.
 */
static void take_all(struct xf_raw *raw, cfg_t *cfg)
{
    size_t before = raw->count;
    take_section(raw, XF_SECTION_TOP, cfg);
    for (unsigned s = XF_SECTION_TOP + 1; s < XF_SECTION_COUNT; s++) {
        cfg_opt_t *opt = cfg_getopt(cfg, xf_section_facts(s)->word);
        for (unsigned i = 0; i < cfg_opt_size(opt); i++)
            take_section(raw, s, cfg_opt_getnsec(opt, i));
    }
    qsort(raw->sections + before, raw->count - before, sizeof(*raw->sections), section_by_line);
}

/* Behind the value that begins at `at`: a list, a text in quotes, or a word. */
static char *end_of_value(char *at)
{
    at += strspn(at, " \t\r\n");
    if (*at == '{')
        return at + strcspn(at, "}") + (strchr(at, '}') != NULL);
    if (*at != '"' && *at != '\'')
        return at + strcspn(at, " \t\r\n{},#");
    for (char quote = *at++; *at && *at != quote; at++)
        at += *at == '\\' && at[1];
    return at + (*at != '\0');
}

static char *start_of_line(char *bytes, int line)
{
    for (int i = 1; i < line && bytes; i++) {
        bytes = strchr(bytes, '\n');
        bytes = bytes ? bytes + 1 : NULL;
    }
    return bytes;
}

/* False: it is not `KEY = VALUE`, or not found in that line. */
static bool blank_setting(char *bytes, int line, const char *key)
{
    char *start = start_of_line(bytes, line), *found = start;
    size_t len = strlen(key);
    while (found && (found = strstr(found, key)) &&
           ((found > bytes && !strchr(" \t\n{};,\"", found[-1])) || !strchr(" \t=+", found[len])))
        found++;
    if (!found || memchr(start, '\n', (size_t)(found - start)))
        return false;
    char *sign = found + len + strspn(found + len, " \t");
    sign += *sign == '+';
    if (*sign != '=')
        return false;
    for (char *end = end_of_value(sign + 1); found < end; found++)
        *found = *found == '\n' ? '\n' : ' ';
    return true;
}

/* True: the text should be parsed again, without the setting that has an unknown key. */
static bool parse_once(struct xf_text *text, struct xf_raw *raw, struct xf_problems *problems,
                       bool may_again)
{
    struct parse parse = {.text = text, .problems = problems};
    under_way = &parse;
    cfg_t *cfg = make_parser();
    size_t errors = problems->errors;
    bool is_whole = cfg_parse_buf(cfg, text->bytes) == CFG_SUCCESS;
    if (!is_whole && problems->errors == errors)
        xf_problem(problems, text->file, cfg->line, "cannot be parsed");
    bool is_again = !is_whole && may_again && *parse.unknown &&
                    blank_setting(text->bytes, parse.unknown_line, parse.unknown);
    if (!is_again) {
        take_all(raw, cfg);
        raw->is_partial |= !is_whole;
    }
    cfg_free(cfg);
    under_way = NULL;
    return is_again;
}

static void read_one(struct xf_text *text, struct xf_raw *raw, struct xf_problems *problems)
{
    int times = 0;
    while (parse_once(text, raw, problems, ++times < AGAIN_MAX)) {
    }
}

/* The files to read, and where each of them is included; the first is not. */
struct queue {
    struct xf_texts files;
    struct xf_text_from *from;
};

static void add_file(struct queue *queue, const char *path, const char *includer, int line)
{
    xf_texts_add(&queue->files, xf_strdup(path));
    queue->from = xf_realloc(queue->from, queue->files.count * sizeof(*queue->from));
    queue->from[queue->files.count - 1] = (struct xf_text_from){includer, line};
}

static void add_includes(struct queue *queue, const char *includer, const struct xf_text *text,
                         struct xf_problems *problems)
{
    const struct xf_texts *files = &queue->files;
    for (size_t i = 0; i < text->include_count; i++) {
        const struct xf_include *include = &text->includes[i];
        for (size_t k = 0; k < files->count; k++) {
            if (strcmp(files->item[k], include->path) == 0) {
                xf_problem(problems, text->file, include->line,
                           "\"%.255s\" is included twice: expected once", include->path);
                return;
            }
        }
        if (files->count == FILES_MAX) {
            xf_problem(problems, text->file, include->line, "too many files: at most %d",
                       FILES_MAX);
            return;
        }
        add_file(queue, include->path, includer, include->line);
    }
}

void xf_raw_read(const char *file, struct xf_raw *out_raw, struct xf_problems *problems)
{
    *out_raw = (struct xf_raw){0};
    struct queue queue = {0};
    add_file(&queue, file, NULL, 0);
    for (size_t i = 0; i < queue.files.count; i++) {
        struct xf_text text;
        const char *path = queue.files.item[i];
        if (xf_text_read(path, i ? &queue.from[i] : NULL, &text, problems)) {
            read_one(&text, out_raw, problems);
            add_includes(&queue, path, &text, problems);
        } else {
            out_raw->is_partial = true;
        }
        xf_text_release(&text);
    }
    xf_free(queue.from);
    out_raw->files = queue.files;
}

void xf_raw_release(struct xf_raw *raw)
{
    for (size_t i = 0; i < raw->count; i++) {
        struct xf_raw_section *section = &raw->sections[i];
        for (size_t k = 0; k < section->count; k++)
            xf_texts_release(&section->settings[k].values);
        xf_free(section->settings);
        xf_free(section->title);
        xf_free(section->file);
        xf_free(section->dir);
    }
    xf_free(raw->sections);
    xf_texts_release(&raw->files);
    *raw = (struct xf_raw){0};
}

int xf_raw_line(const struct xf_raw_section *section, const char *const *keys)
{
    if (!section)
        return 0;
    for (; *keys; keys++)
        for (size_t i = 0; i < section->count; i++)
            if (strcmp(section->settings[i].option->key, *keys) == 0)
                return section->settings[i].line;
    return section->line;
}
