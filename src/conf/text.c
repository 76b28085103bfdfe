/* SPDX-License-Identifier: MIT */
/*
 * text.c — turns the bytes of a configuration file into text that libconfuse reads as a person
 * does.
 *
 * libconfuse 3.3 counts the line of a comment twice, accepts a section that is never closed and an
 * unterminated comment, replaces ${NAME} by an environment variable, drops characters that it does
 * not know (`peer *.x` becomes `.x`), and does not clear its include stack after an error. So a
 * scanner with the same tokens reads the file first:
 *
 * - comments become blanks, so that libconfuse's lines are right
 * - what would be misread is refused with its line
 * - include("file") is blanked and remembered: parse.c reads that file after this one (nothing in
 *   our syntax depends on the order of sections)
 * - the line where each section opens is kept, because libconfuse only remembers where it ended
 *
 * The scanner does not check the grammar: libconfuse does that.
 */
#include "conf_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#define FILE_MAX_BYTES (16u << 20)
#define DEPTH_MAX      8

enum token { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK };

struct scanner {
    struct xf_text *text;
    struct xf_problems *problems;
    char *at;
    int line;
    int opened[DEPTH_MAX]; /* line of each open brace */
    size_t depth;
    bool failed;
    /* The token read last. */
    enum token token;
    char *token_at;
    size_t token_len;
    int token_line;
};

static bool refuse(struct scanner *s, int line, const char *what)
{
    xf_problem(s->problems, s->text->file, line, "%s", what);
    s->failed = true;
    return false;
}

static void blank(char *from, const char *end)
{
    for (; from < end; from++)
        if (*from != '\n')
            *from = ' ';
}

static void skip_line_comment(struct scanner *s)
{
    char *end = s->at + strcspn(s->at, "\n");
    blank(s->at, end);
    s->at = end;
}

static bool skip_block_comment(struct scanner *s)
{
    char *end = strstr(s->at + 2, "*/");
    if (!end)
        return refuse(s, s->line, "this comment is not closed: expected */");
    for (const char *p = s->at; p < end; p++)
        s->line += *p == '\n';
    blank(s->at, end + 2);
    s->at = end + 2;
    return true;
}

/* Skip white space and comments. */
static bool skip_blanks(struct scanner *s)
{
    for (;;) {
        if (*s->at == '\n') {
            s->line++;
            s->at++;
        } else if (*s->at == ' ' || *s->at == '\t') {
            s->at++;
        } else if (*s->at == '\r') {
            *s->at++ = ' '; /* a file with CRLF line ends */
        } else if (*s->at == '#' || strncmp(s->at, "//", 2) == 0) {
            skip_line_comment(s);
        } else if (strncmp(s->at, "/*", 2) != 0) {
            return true;
        } else if (!skip_block_comment(s)) {
            return false;
        }
    }
}

static bool read_string(struct scanner *s)
{
    char quote = *s->at++;
    s->token = TOKEN_STRING;
    s->token_at = s->at;
    for (; *s->at && *s->at != '\n' && *s->at != quote; s->at++) {
        if (quote == '"' && s->at[0] == '$' && s->at[1] == '{')
            return refuse(
                s, s->line,
                "environment variables are not read: write \"\\${\" for these two characters");
        if (*s->at == '\\' && s->at[1] && s->at[1] != '\n')
            s->at++;
    }
    if (*s->at != quote)
        return refuse(s, s->line,
                      "this string is not closed: expected its second quote on the same line");
    s->token_len = (size_t)(s->at - s->token_at);
    s->at++;
    return true;
}

/* A word as in libconfuse: anything but its own marks, quotes, white space and '*'. */
static bool read_word(struct scanner *s)
{
    size_t len = strcspn(s->at, " #\"'\t\n\r={}()+,*");
    s->token = TOKEN_WORD;
    s->token_at = s->at;
    s->token_len = len;
    s->at += len;
    if (*s->at == '*' || (*s->at == '+' && s->at[1] != '='))
        return refuse(s, s->line, "a text with * or + needs quotes: expected \"...\"");
    if (len > 0 && s->at[-1] == '$' && *s->at == '{')
        return refuse(s, s->line, "environment variables are not read: expected a value");
    return true;
}

static bool open_brace(struct scanner *s, int line)
{
    if (s->depth == DEPTH_MAX)
        return refuse(s, s->line,
                      "braces are nested too deeply: a section holds keys, a key holds a list");
    if (s->depth == 0) {
        struct xf_text *text = s->text;
        text->section_lines =
            xf_realloc(text->section_lines, (text->section_count + 1) * sizeof(int));
        text->section_lines[text->section_count++] = line;
    }
    s->opened[s->depth++] = s->line;
    return true;
}

/*
 * `before` is the line of the token before the mark: a section begins at its name, not at its
 * brace.
 */
static bool read_mark(struct scanner *s, int before)
{
    s->token = TOKEN_MARK;
    s->token_at = s->at;
    s->token_len = *s->at == '+' ? 2 : 1;
    s->at += s->token_len;
    if (*s->token_at == '{')
        return open_brace(s, before ? before : s->line);
    if (*s->token_at == '}' && s->depth > 0)
        s->depth--; /* libconfuse refuses one too many */
    return true;
}

static bool next_token(struct scanner *s)
{
    int before = s->token_line;
    if (!skip_blanks(s))
        return false;
    s->token_line = s->line;
    if (!*s->at) {
        s->token = TOKEN_END;
        return true;
    }
    if (*s->at == '"' || *s->at == '\'')
        return read_string(s);
    if (strchr("={}(),", *s->at) || strncmp(s->at, "+=", 2) == 0)
        return read_mark(s, before);
    return read_word(s);
}

static bool token_is(const struct scanner *s, enum token token, const char *text)
{
    return s->token == token && xf_span_is((struct xf_span){s->token_at, s->token_len}, text);
}

/* The rest of include("path") after its first word. */
static bool read_include(struct scanner *s)
{
    char *begin = s->token_at;
    int line = s->token_line;
    static const char *const form = "include needs one file in quotes: expected include(\"file\")";
    if (!next_token(s) || !token_is(s, TOKEN_MARK, "("))
        return s->failed ? false : refuse(s, line, form);
    if (!next_token(s) || s->token != TOKEN_STRING || s->token_len == 0)
        return s->failed ? false : refuse(s, line, form);
    struct xf_text *text = s->text;
    char *name = xf_strndup(s->token_at, s->token_len);
    text->includes =
        xf_realloc(text->includes, (text->include_count + 1) * sizeof(*text->includes));
    text->includes[text->include_count++] =
        (struct xf_include){xf_path_join(text->dir, name), line};
    xf_free(name);
    if (!next_token(s) || !token_is(s, TOKEN_MARK, ")"))
        return s->failed ? false : refuse(s, line, form);
    blank(begin, s->at);
    return true;
}

static bool scan(struct scanner *s)
{
    do {
        if (!next_token(s))
            return false;
        if (s->depth == 0 && token_is(s, TOKEN_WORD, "include") && !read_include(s))
            return false;
    } while (s->token != TOKEN_END);
    if (s->depth > 0)
        return refuse(s, s->opened[s->depth - 1], "this { is not closed: expected }");
    return true;
}

/* What is said of a file as a whole: of an included one, at the line that names it. */
static void refuse_file(const struct xf_text_from *from, const char *file, const char *what,
                        int number, struct xf_problems *problems)
{
    char words[128];
    const char *why = number ? strerror_r(number, words, sizeof(words)) : "";
    const char *colon = number ? ": " : "";
    if (from)
        xf_problem(problems, from->file, from->line, "include(\"%.255s\") %s%s%s", file, what,
                   colon, why);
    else
        xf_problem(problems, file, 0, "%s%s%s", what, colon, why);
}

/* A pipe that nobody writes is empty: waiting for it would keep up every later reload. */
int xf_conf_open(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, O_RDONLY); /* one that somebody writes is read to its end */
    return fd;
}

static bool read_bytes(const char *file, const struct xf_text_from *from, struct xf_buf *out,
                       struct xf_problems *problems)
{
    int fd = xf_conf_open(file);
    FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!in) {
        refuse_file(from, file, "cannot be opened", errno, problems);
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool fits = true;
    for (size_t n = 1; n > 0 && fits;) {
        char *room = xf_buf_reserve(out, 4096);
        fits = room != NULL;
        n = fits ? fread(room, 1, 4096, in) : 0;
        xf_buf_commit(out, n);
    }
    bool failed = ferror(in);
    int why = errno;
    fclose(in);
    if (failed)
        refuse_file(from, file, "cannot be read", why, problems);
    else if (!fits)
        xf_problem(problems, file, 0, "is too large: at most %u bytes", FILE_MAX_BYTES);
    return fits && !failed;
}

/* The line of the first byte that is not UTF-8. */
static int bad_line(struct xf_span text)
{
    int line = 1;
    while (text.len > 0) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        if (!xf_utf8_valid(text.ptr, len))
            return line;
        len += newline != NULL;
        text = (struct xf_span){text.ptr + len, text.len - len};
        line++;
    }
    return line;
}

static bool is_text(const char *file, const struct xf_buf *bytes, struct xf_problems *problems)
{
    struct xf_span all = xf_buf_span(bytes);
    int line = 1;
    for (size_t i = 0; i < all.len; i++) {
        if (all.ptr[i] == '\n') {
            line++;
        } else if (((unsigned char)all.ptr[i] < 0x20 && all.ptr[i] != '\t' && all.ptr[i] != '\r') ||
                   all.ptr[i] == 0x7f) {
            xf_problem(problems, file, line, "a control character: expected text");
            return false;
        }
    }
    if (xf_utf8_valid(all.ptr, all.len))
        return true;
    xf_problem(problems, file, bad_line(all), "is not UTF-8 text");
    return false;
}

bool xf_text_read(const char *file, const struct xf_text_from *from, struct xf_text *out_text,
                  struct xf_problems *problems)
{
    *out_text = (struct xf_text){.file = xf_strdup(file), .dir = xf_path_dir(file)};
    struct xf_buf bytes;
    xf_buf_init(&bytes, FILE_MAX_BYTES);
    bool good = read_bytes(file, from, &bytes, problems) && is_text(file, &bytes, problems);
    if (good) {
        out_text->bytes = xf_span_dup(xf_utf8_without_mark(xf_buf_span(&bytes)));
        struct scanner s = {
            .text = out_text, .problems = problems, .at = out_text->bytes, .line = 1};
        good = scan(&s);
    }
    xf_buf_release(&bytes);
    return good;
}

void xf_text_release(struct xf_text *text)
{
    for (size_t i = 0; i < text->include_count; i++)
        xf_free(text->includes[i].path);
    xf_free(text->includes);
    xf_free(text->section_lines);
    xf_free(text->bytes);
    xf_free(text->dir);
    xf_free(text->file);
    *text = (struct xf_text){0};
}
