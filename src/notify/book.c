/* SPDX-License-Identifier: MIT */
/*
 * book.c — which alarms stand, and what is still to be told of them.
 *
 * With a new connection to xfedd all alarms that stand come first, and then a row that says so: an
 * alarm that we know and that was not among them is over.
 */
#include "notify_priv.h"

#include <xfed/base/alloc.h>

static size_t find(const struct xf_texts *texts, const char *text)
{
    size_t i = 0;
    while (i < texts->count && strcmp(texts->item[i], text) != 0)
        i++;
    return i;
}

static void remove_at(struct xf_texts *texts, size_t at)
{
    xf_free(texts->item[at]);
    memmove(&texts->item[at], &texts->item[at + 1], (texts->count - at - 1) * sizeof(*texts->item));
    texts->count--;
}

static char *take_text(struct xf_buf *text)
{
    char *copy = xf_strndup(xf_buf_ptr(text), text->len);
    xf_buf_release(text);
    return copy;
}

static char *key_of(const json_t *row)
{
    struct xf_buf key;
    xf_notice_text_init(&key);
    xf_notice_put_shown(&key, xf_json_text(row, "alarm"));
    xf_notice_put(&key, " ");
    xf_notice_put_shown(&key, xf_json_text(row, "subject"));
    return take_text(&key);
}

static char *line_of(const json_t *row)
{
    struct xf_buf line;
    xf_notice_text_init(&line);
    xf_notice_put_alarm(&line, row);
    return take_text(&line);
}

void xf_book_release(struct xf_book *book)
{
    xf_texts_release(&book->keys);
    xf_texts_release(&book->lines);
    xf_texts_release(&book->seen);
    xf_texts_release(&book->news);
}

static void tell(struct xf_book *book, const char *head, const char *line)
{
    struct xf_buf text;
    if (book->news.count >= XF_BOOK_NEWS_MAX) {
        book->more++;
        return;
    }
    xf_notice_text_init(&text);
    xf_notice_put(&text, head);
    xf_notice_put(&text, line);
    xf_texts_add(&book->news, take_text(&text));
}

void xf_book_say(struct xf_book *book, const char *line)
{
    tell(book, "", line);
}

/* Takes `key` over. */
static void raise(struct xf_book *book, char *key, const json_t *row)
{
    const char *advice = xf_json_text(row, "advice");
    if (find(&book->keys, key) < book->keys.count) {
        xf_free(key);
        return;
    }
    xf_texts_add(&book->keys, key);
    xf_texts_add(&book->lines, line_of(row));
    tell(book, "ALARM ", book->lines.item[book->lines.count - 1]);
    if (*advice && book->more == 0 && book->news.count < XF_BOOK_NEWS_MAX)
        tell(book, "  ", advice);
}

static void end(struct xf_book *book, const char *key, const char *head)
{
    size_t at = find(&book->keys, key);
    if (at == book->keys.count)
        return;
    tell(book, head, book->lines.item[at]);
    remove_at(&book->keys, at);
    remove_at(&book->lines, at);
}

void xf_book_begin_list(struct xf_book *book)
{
    xf_texts_release(&book->seen);
}

static void end_list(struct xf_book *book)
{
    for (size_t i = book->keys.count; i > 0; i--)
        if (!xf_texts_has(&book->seen, book->keys.item[i - 1]))
            end(book, book->keys.item[i - 1], "over: ");
    xf_texts_release(&book->seen);
}

void xf_book_take(struct xf_book *book, const json_t *row)
{
    const char *change = xf_json_text(row, "change");
    char *key = key_of(row);
    if (strcmp(change, "stands") == 0)
        xf_texts_add_new(&book->seen, key);
    if (strcmp(change, "stands") == 0 || strcmp(change, "raised") == 0) {
        raise(book, key, row);
        return;
    }
    if (strcmp(change, "following") == 0)
        end_list(book);
    else if (strcmp(change, "ended") == 0)
        end(book, key, "over: ");
    else if (strcmp(change, "lapsed") == 0)
        end(book, key, "over (nothing more was heard of it): ");
    xf_free(key);
}

bool xf_book_tell(struct xf_book *book, bool was_away, struct xf_buf *out)
{
    if (book->news.count == 0)
        return false;
    xf_notice_text_init(out);
    if (was_away)
        xf_notice_put(out, "While I was away:\n");
    for (size_t i = 0; i < book->news.count; i++) {
        xf_notice_put(out, i ? "\n" : "");
        xf_notice_put(out, book->news.item[i]);
    }
    if (book->more)
        xf_notice_putf(out, "\n... and %zu more: ask me \"alarms\"", book->more);
    xf_texts_release(&book->news);
    book->more = 0;
    return true;
}
