/* SPDX-License-Identifier: MIT */
/*
 * blocklist.c — the domains to refuse, read from files of tens of thousands of lines.
 *
 * One block of memory holds names and reasons, a second one the entries, a third one an
 * open-addressing table of their numbers: about 80 bytes for an entry with a name of 20 bytes. The
 * hash is keyed, since others write the lists. A lookup searches for the name, then for each of its
 * suffixes, where only entries with a * count.
 *
 * Line: NAME or *.NAME, then words: until=YYYY-MM-DD, and a reason. # begins a comment.
 */
#include <xfed/policy/policy.h>

#include <limits.h>
#include <stdio.h>
#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>
#include <xfed/base/clock.h>
#include <xfed/base/crypto.h>
#include <xfed/base/siphash.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#define TEXT_MAX_BYTES   (1u << 30) /* of all names and reasons */
#define REASON_MAX_BYTES 400
#define FEWEST_SLOTS     64

struct entry {
    /* Offsets in `text`; the reason ends with a NUL; equal reasons in a row are stored once. */
    uint32_t name_off, reason_off;
    uint32_t line;
    int32_t until_day; /* since 1970; INT32_MAX: for ever */
    uint16_t file;
    uint16_t name_len; /* XF_DOMAIN_MAX at most */
    bool covers_below; /* *.name */
};

/*
 * Half of the hash is stored beside the number, so that a search need not touch entries of other
 * names, which are seldom in the processor's cache.
 */
struct slot {
    uint32_t number; /* of the entry plus one, 0: free */
    uint32_t tag;
};

struct xf_blocklist {
    struct xf_siphash_key key;
    struct xf_buf text;
    struct entry *entries;
    struct slot *slots; /* at most half of them are used */
    size_t count, room, slot_count;
    char **files;
    size_t file_count;
};

struct xf_blocklist *xf_blocklist_new(void)
{
    struct xf_blocklist *list = xf_new(struct xf_blocklist);
    xf_rand_bytes(&list->key, sizeof(list->key));
    xf_buf_init(&list->text, TEXT_MAX_BYTES);
    xf_buf_append(&list->text, "", 1); /* the empty reason; banned-ok: the first byte */
    return list;
}

void xf_blocklist_free(struct xf_blocklist **list)
{
    if (!*list)
        return;
    for (size_t i = 0; i < (*list)->file_count; i++)
        xf_free((*list)->files[i]);
    xf_free((*list)->files);
    xf_free((*list)->entries);
    xf_free((*list)->slots);
    xf_buf_release(&(*list)->text);
    xf_free(*list);
    *list = NULL;
}

size_t xf_blocklist_count(const struct xf_blocklist *list)
{
    return list->count;
}

/* ------------------------------------------------------------------ the table */

static struct xf_span name_of(const struct xf_blocklist *list, const struct entry *entry)
{
    return (struct xf_span){xf_buf_ptr(&list->text) + entry->name_off, entry->name_len};
}

/* The position of a search for a name. */
struct probe {
    struct xf_span name;
    size_t slot;
    uint32_t tag;
};

static struct probe begin(const struct xf_blocklist *list, struct xf_span name)
{
    uint64_t hash = xf_siphash13(&list->key, name);
    return (struct probe){name, hash & (list->slot_count - 1), (uint32_t)(hash >> 32)};
}

/* The next entry with that name; NULL: none. There are at most two. */
static struct entry *next_of(const struct xf_blocklist *list, struct probe *probe)
{
    while (list->slots[probe->slot].number) {
        const struct slot *slot = &list->slots[probe->slot];
        probe->slot = (probe->slot + 1) & (list->slot_count - 1);
        struct entry *entry = &list->entries[slot->number - 1];
        if (slot->tag == probe->tag && xf_span_eq(name_of(list, entry), probe->name))
            return entry;
    }
    return NULL;
}

static void place(struct xf_blocklist *list, size_t number)
{
    struct probe probe = begin(list, name_of(list, &list->entries[number]));
    while (list->slots[probe.slot].number)
        probe.slot = (probe.slot + 1) & (list->slot_count - 1);
    list->slots[probe.slot] = (struct slot){(uint32_t)number + 1, probe.tag};
}

static void grow(struct xf_blocklist *list)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room + list->room / 2 : FEWEST_SLOTS / 2;
        list->entries = xf_realloc(list->entries, list->room * sizeof(*list->entries));
    }
    if (list->count < list->slot_count / 2)
        return;
    xf_free(list->slots);
    list->slot_count = list->slot_count ? 2 * list->slot_count : FEWEST_SLOTS;
    list->slots = xf_alloc(list->slot_count * sizeof(*list->slots));
    for (size_t i = 0; i < list->count; i++)
        place(list, i);
}

static struct entry *find_same(const struct xf_blocklist *list, struct xf_span name,
                               bool covers_below)
{
    struct entry *entry = NULL;
    if (list->slot_count == 0)
        return NULL;
    struct probe probe = begin(list, name);
    while ((entry = next_of(list, &probe)) && entry->covers_below != covers_below)
        ;
    return entry;
}

/* ------------------------------------------------------------------ lines */

struct line {
    const char *file;
    int number;
    char name[XF_DOMAIN_MAX + 1];
    bool covers_below;
    int32_t until_day;
    char reason[REASON_MAX_BYTES];
};

/*
 * Append as much of a word as has room, with ? for each character that must not be shown: others
 * write the lists, and terminals show what is in them.
 */
static void append_shown(char *text, size_t room, struct xf_span word)
{
    const unsigned char *bytes = (const unsigned char *)word.ptr;
    size_t len = strlen(text);
    for (size_t at = 0; at < word.len;) {
        size_t shown = xf_utf8_shown(bytes + at, word.len - at), step = shown ? shown : 1;
        if (len + step >= room)
            break;
        memcpy(text + len, shown ? word.ptr + at : "?", step);
        len += step;
        at += shown ? shown : xf_utf8_unshown(bytes + at, word.len - at);
    }
    text[len] = '\0';
}

static enum xf_err refuse(struct xf_error *err, const struct line *line, struct xf_span word,
                          const char *expected)
{
    char shown[61] = "";
    append_shown(shown, sizeof(shown), word);
    return xf_fail(err, XF_ERR_BAD_VALUE, "%.120s:%d: %s: %s", line->file, line->number, shown,
                   expected);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the rest of a line; empty at the end. */
static struct xf_span take_word(struct xf_span *rest)
{
    while (rest->len > 0 && is_space(*rest->ptr)) {
        rest->ptr++;
        rest->len--;
    }
    size_t len = 0;
    while (len < rest->len && !is_space(rest->ptr[len]))
        len++;
    struct xf_span word = {rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return word;
}

/*
 * Days since 1970 of a day of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
 * algorithms").
 */
static int32_t days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int32_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
}

static bool read_number(const char *text, int digits, int min, int max, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return *out >= min && *out <= max;
}

/* YYYY-MM-DD */
static bool read_day(struct xf_span text, int32_t *out)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !read_number(text.ptr, 4, 1970, 9999, &year) ||
        !read_number(text.ptr + 5, 2, 1, 12, &month) || !read_number(text.ptr + 8, 2, 1, 31, &day))
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *out = days_of(year, month, day);
    return day <= lengths[month - 1] + (month == 2 && is_leap);
}

static bool read_name(struct xf_span word, struct line *line)
{
    line->covers_below = word.len > 2 && memcmp(word.ptr, "*.", 2) == 0;
    if (line->covers_below)
        word = (struct xf_span){word.ptr + 2, word.len - 2};
    return xf_utf8_valid(word.ptr, word.len) && !memchr(word.ptr, '*', word.len) &&
           xf_domain_prepare(word, line->name) == XF_ERR_OK;
}

/* Truncate it if it is too long. */
static void add_reason(struct line *line, struct xf_span word)
{
    if (*line->reason)
        append_shown(line->reason, sizeof(line->reason), XF_SPAN(" "));
    append_shown(line->reason, sizeof(line->reason), word);
}

static enum xf_err read_line(struct xf_span text, struct line *line, struct xf_error *err)
{
    struct xf_span word = take_word(&text);
    line->until_day = INT32_MAX;
    line->reason[0] = '\0';
    if (!read_name(word, line))
        return refuse(err, line, word, "expected a domain or *.domain");
    while ((word = take_word(&text)).len > 0) {
        struct xf_span day = {word.ptr + 6, word.len - 6};
        if (word.len < 6 || memcmp(word.ptr, "until=", 6) != 0)
            add_reason(line, word);
        else if (line->until_day != INT32_MAX || !read_day(day, &line->until_day))
            return refuse(err, line, word, "expected one until=YYYY-MM-DD");
    }
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ adding */

/* In lists many neighbouring entries have the same reason, which is stored once. */
static enum xf_err keep_reason(struct xf_blocklist *list, const char *reason, uint32_t *out_off)
{
    const struct entry *last = list->count ? &list->entries[list->count - 1] : NULL;
    *out_off = 0;
    if (!*reason)
        return XF_ERR_OK;
    if (last && strcmp(xf_buf_ptr(&list->text) + last->reason_off, reason) == 0) {
        *out_off = last->reason_off;
        return XF_ERR_OK;
    }
    *out_off = (uint32_t)list->text.len;
    return xf_buf_try_append(&list->text, reason, strlen(reason) + 1);
}

static enum xf_err add_line(struct xf_blocklist *list, const struct line *line)
{
    size_t name_len = strlen(line->name);
    uint32_t reason_off, name_off;
    struct entry *same =
        find_same(list, (struct xf_span){line->name, name_len}, line->covers_below);
    if (same && same->until_day >= line->until_day)
        return XF_ERR_OK;
    if (keep_reason(list, line->reason, &reason_off) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    name_off = same ? same->name_off : (uint32_t)list->text.len;
    if (!same && xf_buf_try_append(&list->text, line->name, name_len) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    if (!same)
        grow(list);
    struct entry *entry = same ? same : &list->entries[list->count];
    *entry = (struct entry){.name_off = name_off,
                            .reason_off = reason_off,
                            .line = (uint32_t)line->number,
                            .until_day = line->until_day,
                            .file = (uint16_t)(list->file_count - 1),
                            .name_len = (uint16_t)name_len,
                            .covers_below = line->covers_below};
    if (!same)
        place(list, list->count++);
    return XF_ERR_OK;
}

/* The line without its comment, from the first word on. */
static struct xf_span without_comment(struct xf_span line)
{
    const char *hash = line.len ? memchr(line.ptr, '#', line.len) : NULL;
    if (hash)
        line.len = (size_t)(hash - line.ptr);
    while (line.len > 0 && is_space(*line.ptr)) {
        line.ptr++;
        line.len--;
    }
    return line;
}

static struct xf_span take_line(struct xf_span *text)
{
    const char *newline = memchr(text->ptr, '\n', text->len);
    size_t len = newline ? (size_t)(newline - text->ptr) : text->len;
    struct xf_span line = {text->ptr, len};
    len += newline != NULL;
    *text = (struct xf_span){text->ptr + len, text->len - len};
    return line;
}

enum xf_err xf_blocklist_add(struct xf_blocklist *list, const char *file, struct xf_span text,
                             struct xf_error *err)
{
    struct line line = {.file = file};
    if (list->file_count == UINT16_MAX)
        return xf_fail(err, XF_ERR_BAD_VALUE, "%.120s: expected at most %d blocklists", file,
                       UINT16_MAX);
    list->files = xf_realloc(list->files, (list->file_count + 1) * sizeof(*list->files));
    list->files[list->file_count++] = xf_strdup(file);
    text = xf_utf8_without_mark(text);
    while (text.len > 0 && line.number < INT_MAX) {
        struct xf_span words = without_comment(take_line(&text));
        line.number++;
        if (words.len == 0)
            continue;
        enum xf_err result = read_line(words, &line, err);
        if (result != XF_ERR_OK)
            return result;
        if (add_line(list, &line) != XF_ERR_OK)
            return xf_fail(err, XF_ERR_BAD_VALUE,
                           "%.120s:%d: the lists are too large: expected 1 GiB at most", file,
                           line.number);
    }
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ asking */

static bool holds(const struct entry *entry, int64_t unix_s)
{
    return entry->until_day == INT32_MAX || unix_s < (int64_t)entry->until_day * XF_DAY_S;
}

static void tell(const struct xf_blocklist *list, const struct entry *entry, struct xf_blocked *out)
{
    *out = (struct xf_blocked){
        .file = list->files[entry->file],
        .reason = xf_buf_ptr(&list->text) + entry->reason_off,
        .line = (int)entry->line,
        .until_s = entry->until_day == INT32_MAX ? 0 : (int64_t)entry->until_day * XF_DAY_S,
    };
}

static const struct entry *find_name(const struct xf_blocklist *list, struct xf_span name,
                                     bool is_suffix, int64_t unix_s)
{
    const struct entry *entry;
    struct probe probe = begin(list, name);
    while ((entry = next_of(list, &probe)))
        if ((entry->covers_below || !is_suffix) && holds(entry, unix_s))
            return entry;
    return NULL;
}

bool xf_blocklist_find(const struct xf_blocklist *list, struct xf_span domain, int64_t unix_s,
                       struct xf_blocked *out)
{
    const char *dot;
    if (list->count == 0 || domain.len == 0)
        return false;
    const struct entry *entry = find_name(list, domain, false, unix_s);
    while (!entry && (dot = memchr(domain.ptr, '.', domain.len))) {
        domain = (struct xf_span){dot + 1, (size_t)(domain.ptr + domain.len - dot - 1)};
        if (domain.len == 0)
            return false;
        entry = find_name(list, domain, true, unix_s);
    }
    if (entry)
        tell(list, entry, out);
    return entry != NULL;
}
