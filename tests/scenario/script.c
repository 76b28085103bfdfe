/* SPDX-License-Identifier: MIT */
/*
 * script.c — reads a transcript.
 *
 * A line that begins with white space belongs to the line before it; in `A sip> ...` and `A sip<
 * ...` it stays a line of its own. `conf {` and `reload {` take
 * everything up to a line that is only `}`. `play NAME key=value ...` reads lib/NAME.inc beside the
 * transcript, with its @key@ replaced: a part that several conversations share. In bytes from the
 * peer, \xNN, \r, \n, \t and {{TEXT*COUNT}} are expanded, so that a stanza of 300 KB needs one
 * line. What is sent or expected is XML, or a phrase (phrase.c).
 */
#include "script.h"

#include "phrase.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#define FILE_MAX_BYTES     (1u << 20)
#define EXPANDED_MAX_BYTES (64u << 20)

struct parser {
    const char *file;
    const char *keys; /* from `play`: "key=value ...", or "" */
    FILE *in;
    int line; /* number of the last line read */
    struct script *script;
    char *ahead;  /* a line that was read ahead; NULL: none */
    bool is_part; /* another transcript plays this one */
};

static bool complain(const struct parser *p, int line, const char *fmt, ...) XF_PRINTF(3, 4);

static bool complain(const struct parser *p, int line, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "%s:%d: ", p->file, line);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

/* The value of a key in "key=value key=value"; absent: the key is not there. */
static struct xf_span find_key(const char *keys, const char *key, size_t len)
{
    while (*keys) {
        size_t pair = strcspn(keys, " ");
        if (pair > len && memcmp(keys, key, len) == 0 && keys[len] == '=')
            return (struct xf_span){keys + len + 1, pair - len - 1};
        keys += pair;
        keys += strspn(keys, " ");
    }
    return XF_SPAN_NONE;
}

/* Replace each @key@ by its value from p->keys; any other text stays. */
static char *substitute_keys(const struct parser *p, const char *line)
{
    struct xf_buf out;
    xf_buf_init(&out, FILE_MAX_BYTES);
    while (*line) {
        size_t plain = strcspn(line, "@");
        xf_buf_append(&out, line, plain);
        line += plain;
        size_t len = *line ? strspn(line + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
        struct xf_span value =
            len && line[len + 1] == '@' ? find_key(p->keys, line + 1, len) : XF_SPAN_NONE;
        if (value.ptr) {
            xf_buf_append_span(&out, value);
            line += len + 2;
        } else if (*line) {
            xf_buf_append(&out, line++, 1);
        }
    }
    char *text = xf_span_dup(xf_buf_span(&out));
    xf_buf_release(&out);
    return text;
}

/* One physical line without its newline, or NULL. The caller frees. */
static char *read_line(struct parser *p)
{
    if (p->ahead) {
        char *line = p->ahead;
        p->ahead = NULL;
        p->line++;
        return line;
    }
    char *raw = NULL;
    size_t cap = 0;
    ssize_t len = getline(&raw, &cap, p->in);
    char *line = NULL;
    if (len >= 0) {
        while (len > 0 && (raw[len - 1] == '\n' || raw[len - 1] == '\r'))
            len--;
        raw[len] = '\0';
        line = substitute_keys(p, raw);
        p->line++;
    }
    free(raw); /* getline allocated it */
    return line;
}

static void unread_line(struct parser *p, char *line)
{
    p->ahead = line;
    p->line--;
}

/* Is the second word "sip>" or "sip<"? */
static bool is_of_sip(const char *line)
{
    const char *second = strchr(line, ' ');
    return second && (strncmp(second, " sip> ", 6) == 0 || strncmp(second, " sip< ", 6) == 0);
}

/* A statement: a line and the indented lines after it. */
static char *read_statement(struct parser *p, int *out_line)
{
    char *first = read_line(p);
    *out_line = p->line;
    if (!first || first[0] == '#' || first[0] == '\0')
        return first;
    struct xf_buf joined;
    bool is_sip = is_of_sip(first);
    xf_buf_init(&joined, FILE_MAX_BYTES);
    xf_buf_append_str(&joined, first);
    xf_free(first);
    char *next;
    while ((next = read_line(p)) != NULL) {
        if (next[0] != ' ' && next[0] != '\t') {
            unread_line(p, next);
            break;
        }
        const char *more = next + strspn(next, " \t");
        if (is_sip)
            xf_buf_append_str(&joined, "\n");
        else if (*more != '<') /* attributes need a blank; between elements it would be text */
            xf_buf_append_str(&joined, " ");
        xf_buf_append_str(&joined, more);
        xf_free(next);
    }
    char *text = xf_span_dup(xf_buf_span(&joined));
    xf_buf_release(&joined);
    return text;
}

/* All lines up to the line "}". */
static char *read_block(struct parser *p)
{
    struct xf_buf block;
    xf_buf_init(&block, FILE_MAX_BYTES);
    char *line, *text = NULL;
    while ((line = read_line(p)) != NULL) {
        bool is_end = strcmp(line, "}") == 0;
        if (!is_end) {
            xf_buf_append_str(&block, line);
            xf_buf_append_str(&block, "\n");
        }
        xf_free(line);
        if (is_end) {
            text = xf_span_dup(xf_buf_span(&block));
            break;
        }
    }
    xf_buf_release(&block);
    return text;
}

static struct step *add_step(struct parser *p, enum step_kind kind, int line)
{
    struct script *script = p->script;
    if (script->count == script->cap) {
        script->cap = script->cap ? 2 * script->cap : 64;
        script->steps = xf_realloc(script->steps, script->cap * sizeof(*script->steps));
    }
    struct step *step = &script->steps[script->count++];
    *step = (struct step){.kind = kind, .file = p->file, .line = line};
    return step;
}

/* The word at *text; *text moves past it and past blanks. NULL when there is none. */
static char *take_word(const char **text)
{
    size_t len = strcspn(*text, " \t\n");
    if (len == 0)
        return NULL;
    char *word = xf_strndup(*text, len);
    *text += len;
    *text += strspn(*text, " \t\n");
    return word;
}

/* Append {{TEXT*COUNT}} expanded, and return what follows it; NULL: `text` begins differently. */
static const char *expand_repeat(struct xf_buf *out, const char *text)
{
    const char *end = strstr(text, "}}");
    const char *star = NULL;
    for (const char *c = text; end && c < end; c++) {
        if (*c == '*')
            star = c;
    }
    if (!star)
        return NULL;
    unsigned long count = strtoul(star + 1, NULL, 10);
    for (unsigned long i = 0; i < count; i++)
        xf_buf_append(out, text + 2, (size_t)(star - text - 2));
    return end + 2;
}

static const char *expand_escape(struct xf_buf *out, const char *text)
{
    static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *letter = text[1] ? strchr(letters, text[1]) : NULL;
    if (letter) {
        xf_buf_append(out, &bytes[letter - letters], 1);
        return text + 2;
    }
    if (text[1] == 'x' && isxdigit((unsigned char)text[2]) && isxdigit((unsigned char)text[3])) {
        char hex[3] = {text[2], text[3], 0};
        char byte = (char)strtoul(hex, NULL, 16);
        xf_buf_append(out, &byte, 1);
        return text + 4;
    }
    return NULL;
}

static char *expand(const char *text)
{
    struct xf_buf out;
    xf_buf_init(&out, EXPANDED_MAX_BYTES);
    while (*text) {
        const char *next = NULL;
        if (text[0] == '{' && text[1] == '{')
            next = expand_repeat(&out, text);
        else if (text[0] == '\\')
            next = expand_escape(&out, text);
        if (!next) {
            xf_buf_append(&out, text, 1);
            next = text + 1;
        }
        text = next;
    }
    char *expanded = xf_span_dup(xf_buf_span(&out));
    xf_buf_release(&out);
    return expanded;
}

/* "30s", "1500ms", "5m" */
static bool parse_ms(const char *text, unsigned long *out_ms)
{
    char *unit = NULL;
    unsigned long number = strtoul(text + (*text == '+'), &unit, 10);
    unsigned long factor = strcmp(unit, "ms") == 0  ? 1
                           : strcmp(unit, "s") == 0 ? 1000
                           : strcmp(unit, "m") == 0 ? 60000
                                                    : 0;
    *out_ms = number * factor;
    return factor != 0;
}

/* XML as it is, or the XML that a phrase stands for; NULL: neither. */
static char *xml_of(const char *text)
{
    if (*text == '<' || *text == '\\' || *text == '{')
        return expand(text);
    return phrase_xml(text);
}

static bool parse_send(struct parser *p, const char *conn, const char *text, bool in_one_piece,
                       int line)
{
    bool is_end = strcmp(text, "close") == 0 || strcmp(text, "reset") == 0;
    struct step *step = add_step(p, is_end ? STEP_SEND_END : STEP_SEND, line);
    step->conn = xf_strdup(conn);
    if (is_end) {
        step->word = xf_strdup(text);
        return true;
    }
    if (in_one_piece)
        step->word = xf_strdup("whole");
    step->text = xml_of(text);
    return step->text || complain(p, line, "to send: <xml>, close, reset, or a phrase (phrase.c)");
}

/* What follows `A<` or `link`. */
static bool parse_output(struct parser *p, const char *conn, const char *text, int line)
{
    struct step *step = add_step(p, STEP_EXPECT_XML, line);
    step->conn = xf_strdup(conn);
    step->text = xml_of(text);
    if (step->text)
        return true;
    char *verb = take_word(&text);
    bool is_known = true;
    if (verb && strcmp(verb, "closed") == 0) {
        step->kind = STEP_EXPECT_CLOSED;
    } else if (verb && strcmp(verb, "space") == 0) {
        step->kind = STEP_EXPECT_SPACE;
    } else if (verb && strcmp(verb, "error") == 0) {
        step->kind = STEP_EXPECT_ERROR;
        step->word = take_word(&text);
        is_known = step->word != NULL;
    } else if (verb && strcmp(verb, "bounced") == 0) {
        step->kind = STEP_EXPECT_BOUNCE;
        step->word = take_word(&text);
        step->text = xf_strdup(text);
        is_known = step->word && *text == '<';
    } else {
        is_known = false;
    }
    xf_free(verb);
    return is_known || complain(p, line,
                                "accepted: <xml>, a phrase, closed, space, error CONDITION, "
                                "bounced CONDITION <stanza/>");
}

/*
 * `A tls ...`, `A judged ...`, `A congested`, `A paused yes`, and for the link `handshake`,
 * `manual` or output.
 */
static bool parse_conn(struct parser *p, const char *conn, const char *text, int line)
{
    const char *rest = text;
    char *verb = take_word(&rest);
    struct step *step = NULL;
    if (verb && strcmp(verb, "tls") == 0) {
        step = add_step(p, STEP_TLS, line);
        step->text = xf_strdup(rest);
    } else if (verb && strcmp(verb, "judged") == 0) {
        step = add_step(p, STEP_JUDGED, line);
        step->text = xf_strdup(rest);
    } else if (verb && (strcmp(verb, "sip>") == 0 || strcmp(verb, "sip<") == 0)) {
        step = add_step(p, verb[3] == '>' ? STEP_SIP_SEND : STEP_SIP_EXPECT, line);
        step->text = xf_strdup(rest);
    } else if (verb && strcmp(verb, "reads") == 0) {
        step = add_step(p, STEP_CONGEST, line);
        step->word = xf_strdup(strcmp(rest, "no") == 0 ? "on" : "off");
    } else if (verb && strcmp(verb, "paused") == 0) {
        step = add_step(p, STEP_EXPECT_PAUSED, line);
        step->word = xf_strdup(rest);
    } else if (verb && strcmp(verb, "handshake") == 0) {
        step = add_step(p, STEP_LINK_HANDSHAKE, line);
    } else if (verb && strcmp(verb, "manual") == 0) {
        step = add_step(p, STEP_LINK_MANUAL, line);
    }
    xf_free(verb);
    if (step) {
        step->conn = xf_strdup(conn);
        return true;
    }
    if (strcmp(conn, "link") == 0)
        return parse_output(p, conn, text, line);
    return complain(
        p, line,
        "accepted after a conn's name: tls, judged, reads, paused, sip>, sip<, and > or < without "
        "a blank before it");
}

static bool is_failure(const char *how)
{
    static const char *const words[] = {"refused", "unreachable", "portless", "silent"};
    for (size_t i = 0; i < XF_ARRAY_LEN(words); i++)
        if (strcmp(how, words[i]) == 0)
            return true;
    return false;
}

static bool parse_expect_connect(struct parser *p, const char *text, int line)
{
    struct step *step = add_step(p, STEP_EXPECT_CONNECT, line);
    step->text = take_word(&text);
    char *how = take_word(&text);
    if (how && strcmp(how, "from") == 0) {
        step->from = take_word(&text);
        xf_free(how);
        how = take_word(&text);
    }
    bool is_good = step->text && how;
    if (is_good && strcmp(how, "as") == 0) {
        step->conn = take_word(&text);
        is_good = step->conn != NULL;
    } else if (is_good && is_failure(how)) {
        step->word = xf_strdup(how);
    } else {
        is_good = false;
    }
    xf_free(how);
    char *within = take_word(&text);
    if (within)
        is_good = is_good && strcmp(within, "within") == 0 && parse_ms(text, &step->ms);
    xf_free(within);
    return is_good || complain(p, line,
                               "accepted: expect connect ADDRESS [from ADDRESS] as NAME | refused "
                               "| unreachable | portless | silent [within 5s]");
}

static bool parse_expect(struct parser *p, const char *text, int line)
{
    char *what = take_word(&text);
    bool is_good = true;
    if (what && strcmp(what, "connect") == 0) {
        is_good = parse_expect_connect(p, text, line);
    } else if (what && strcmp(what, "log") == 0) {
        add_step(p, STEP_EXPECT_LOG, line)->text = xf_strdup(text);
    } else if (what && strcmp(what, "no-log") == 0) {
        add_step(p, STEP_REFUSE_LOG, line)->text = xf_strdup(text);
    } else if (what && strcmp(what, "nothing") == 0) {
        add_step(p, STEP_EXPECT_NOTHING, line);
    } else {
        is_good = complain(p, line, "accepted: expect connect | log | no-log | nothing");
    }
    xf_free(what);
    return is_good;
}

static bool parse_block(struct parser *p, enum step_kind kind, int line)
{
    char *block = read_block(p);
    add_step(p, kind, line)->text = block;
    return block || complain(p, line, "no line \"}\" ends this block");
}

static bool parse_file(struct parser *p, const char *file, const char *keys);

static bool parse_play(struct parser *p, const char *text, int line)
{
    char *name = take_word(&text);
    const char *slash = strrchr(p->file, '/');
    int folder_len = slash ? (int)(slash - p->file) + 1 : 0;
    if (!name || p->is_part)
        return complain(p, line, "accepted: play NAME key=value ..., and not in a part");
    char *file = xf_asprintf("%.*slib/%s.inc", folder_len, p->file, name);
    struct parser part = {.script = p->script, .is_part = true};
    bool is_good = parse_file(&part, file, text);
    xf_free(file);
    xf_free(name);
    return is_good;
}

static bool parse_statement(struct parser *p, const char *text, int line)
{
    char *first = take_word(&text);
    size_t len = first ? strlen(first) : 0;
    bool is_good = true;
    if (!first) {
        is_good = complain(p, line, "a statement begins at the start of its line");
    } else if (strcmp(first, "conf") == 0 && strcmp(text, "{") == 0) {
        is_good = parse_block(p, STEP_CONF, line);
    } else if (strcmp(first, "reload") == 0 && strcmp(text, "{") == 0) {
        is_good = parse_block(p, STEP_RELOAD, line);
    } else if (strcmp(first, "reload") == 0 && strcmp(text, "") == 0) {
        (void)add_step(p, STEP_RELOAD, line);
    } else if (strcmp(first, "dns") == 0) {
        struct step *step = add_step(p, STEP_DNS, line);
        if (*text == '@') {
            text++;
            step->word = take_word(&text);
        }
        step->text = xf_strdup(text);
    } else if (strcmp(first, "refuse") == 0) {
        add_step(p, STEP_REFUSE, line)->text = xf_strdup(text);
    } else if (strcmp(first, "pool") == 0 || strcmp(first, "directory") == 0) {
        add_step(p, strcmp(first, "pool") == 0 ? STEP_POOL : STEP_DIRECTORY, line)->word =
            xf_strdup(text);
    } else if (strcmp(first, "judgements") == 0) {
        add_step(p, STEP_JUDGEMENTS, line)->word = xf_strdup(text);
    } else if (strcmp(first, "drain") == 0) {
        add_step(p, STEP_DRAIN, line)->word = xf_strdup(text);
    } else if (strcmp(first, "restart") == 0 && strcmp(text, "{") == 0) {
        is_good = parse_block(p, STEP_RESTART, line);
    } else if (strcmp(first, "restart") == 0) {
        (void)add_step(p, STEP_RESTART, line);
    } else if (strcmp(first, "time") == 0) {
        unsigned long ms = 0;
        is_good = parse_ms(text, &ms) || complain(p, line, "accepted: time +30s, +500ms, +5m");
        add_step(p, STEP_TIME, line)->ms = ms;
    } else if (strcmp(first, "accept") == 0) {
        struct step *step = add_step(p, STEP_ACCEPT, line);
        step->conn = take_word(&text);
        step->text = xf_strdup(text);
        is_good = step->conn ||
                  complain(p, line, "accepted: accept NAME [direct | sip [clear]] [from ADDRESS]");
    } else if (strcmp(first, "expect") == 0) {
        is_good = parse_expect(p, text, line);
    } else if (strcmp(first, "route") == 0) {
        is_good = parse_send(p, "link", text, false, line);
    } else if (strcmp(first, "play") == 0) {
        is_good = parse_play(p, text, line);
    } else if (first[len - 1] == '>') {
        size_t name_len = strcspn(first, ">");
        char *conn = xf_strndup(first, name_len);
        is_good = parse_send(p, conn, text, len - name_len == 2, line);
        xf_free(conn);
    } else if (first[len - 1] == '<') {
        char *conn = xf_strndup(first, len - 1);
        is_good = parse_output(p, conn, text, line);
        xf_free(conn);
    } else {
        is_good = parse_conn(p, first, text, line);
    }
    xf_free(first);
    return is_good;
}

static bool parse_file(struct parser *p, const char *file, const char *keys)
{
    xf_require(p->script->file_count < SCRIPT_FILES_MAX);
    p->file = p->script->files[p->script->file_count++] = xf_strdup(file);
    p->keys = keys;
    p->in = fopen(file, "re");
    if (!p->in)
        return complain(p, 0, "cannot be opened");
    bool is_good = true;
    int line;
    char *text;
    while (is_good && (text = read_statement(p, &line)) != NULL) {
        if (*text && *text != '#')
            is_good = parse_statement(p, text, line);
        xf_free(text);
    }
    xf_free(p->ahead);
    (void)fclose(p->in); /* opened to read only: closing cannot lose data */
    return is_good;
}

bool script_load(const char *file, struct script *out_script)
{
    *out_script = (struct script){0};
    struct parser p = {.script = out_script};
    return parse_file(&p, file, "");
}

void script_free(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        xf_free(script->steps[i].conn);
        xf_free(script->steps[i].word);
        xf_free(script->steps[i].text);
        xf_free(script->steps[i].from);
    }
    for (size_t i = 0; i < script->file_count; i++)
        xf_free(script->files[i]);
    xf_free(script->steps);
    *script = (struct script){0};
}
