/* SPDX-License-Identifier: MIT */
/*
 * journal.c — which messages wait, and which of them are in the file.
 *
 *   add -> fresh -> (50 ms) -> a batch -> the thread pool -> the file -> stored
 *   remove of a fresh one: it is forgotten, and was never written
 *   remove of a stored one: its number goes into the next batch, which deletes it
 *
 * Only one batch is written at a time, and a message that leaves while its batch is written is
 * deleted by the next. If writing fails, the same batch is tried again every few seconds; until
 * then the journal takes no further messages, and only numbers to delete gather.
 */
#include "journal_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/database/database.h>

#define WRITE_MS    50
#define RETRY_MS    5000
#define BATCH_BYTES (1u << 20) /* the last message of a batch may exceed it */
#define FULL_MS     60000      /* one line in the log about a full journal */
#define ENTRY_BYTES 64         /* what a message costs besides its XML */

struct xf_journal {
    struct xf_journal_settings settings;
    struct xf_pool *pool;
    struct xf_timers *timers;
    const struct xf_clock *clock;
    int64_t (*unix_s)(void);
    struct xf_database *file;
    struct xf_timer timer; /* of the next write */
    struct xf_node fresh, stored;
    int64_t last_id;
    size_t bytes, count; /* of all entries */
    int64_t *gone;       /* numbers to delete with the next batch */
    size_t gone_count, gone_room;
    struct xf_journal_batch batch; /* being written, or waits for a retry */
    bool has_batch, is_writing, has_failed;
    enum xf_err result;
    struct xf_error error;
    uint64_t full_ms; /* when a line about it was logged; 0: never */
    unsigned full_count;
};

/* ------------------------------------------------------------------ entries */

static void count_in(struct xf_journal *journal, const struct xf_journal_entry *entry)
{
    journal->bytes += entry->xml_bytes + ENTRY_BYTES;
    journal->count++;
}

static void free_entry(struct xf_journal *journal, struct xf_journal_entry *entry)
{
    xf_list_remove(&entry->node);
    journal->bytes -= entry->xml_bytes + ENTRY_BYTES;
    journal->count--;
    xf_free(entry->xml);
    xf_free(entry);
}

static void free_entries(struct xf_journal *journal, struct xf_node *list)
{
    XF_LIST_EACH_SAFE (node, list)
        free_entry(journal, XF_CONTAINER(node, struct xf_journal_entry, node));
}

static void note_gone(struct xf_journal *journal, int64_t id)
{
    if (journal->gone_count == journal->gone_room) {
        journal->gone_room = 2 * journal->gone_room + 64;
        journal->gone = xf_realloc(journal->gone, journal->gone_room * sizeof(*journal->gone));
    }
    journal->gone[journal->gone_count++] = id;
}

static void move_to(struct xf_node *list, struct xf_journal_entry *entry,
                    enum xf_journal_stage stage)
{
    xf_list_remove(&entry->node);
    xf_list_push(list, &entry->node);
    entry->stage = stage;
}

/* ------------------------------------------------------------------ writing behind */

static bool has_work(const struct xf_journal *journal)
{
    return journal->has_batch || journal->gone_count > 0 || !xf_list_is_empty(&journal->fresh);
}

static void fill_batch(struct xf_journal *journal)
{
    size_t bytes = 0;
    xf_list_init(&journal->batch.added);
    while (!xf_list_is_empty(&journal->fresh) && bytes < BATCH_BYTES) {
        struct xf_journal_entry *entry =
            XF_CONTAINER(journal->fresh.next, struct xf_journal_entry, node);
        bytes += entry->xml_bytes;
        move_to(&journal->batch.added, entry, XF_JOURNAL_WRITING);
    }
    journal->batch.removed = journal->gone;
    journal->batch.removed_count = journal->gone_count;
    journal->gone = NULL;
    journal->gone_count = journal->gone_room = 0;
    journal->has_batch = true;
}

/* Runs on the thread pool; the loop does not touch the batch and the file meanwhile. */
static void write_batch(void *owner)
{
    struct xf_journal *journal = owner;
    journal->result = xf_journal_file_write(journal->file, &journal->batch, &journal->error);
}

static void settle_entry(struct xf_journal *journal, struct xf_journal_entry *entry)
{
    xf_free(entry->xml);
    entry->xml = NULL;
    move_to(&journal->stored, entry, XF_JOURNAL_STORED);
    if (entry->copies > 0)
        return;
    note_gone(journal, entry->id);
    free_entry(journal, entry);
}

static void log_result(struct xf_journal *journal, bool failed)
{
    if (failed && !journal->has_failed)
        xf_log(XF_LOG_ERROR, "journal.write.failed", XF_STR("file", journal->settings.file),
               XF_STR("detail", journal->error.detail), XF_HELP(XF_HELP_FILE_UNWRITABLE));
    else if (!failed && journal->has_failed)
        xf_log(XF_LOG_INFO, "journal.write.recovered", XF_STR("file", journal->settings.file));
}

static void settle_batch(struct xf_journal *journal)
{
    bool failed = journal->result != XF_ERR_OK;
    log_result(journal, failed);
    journal->has_failed = failed;
    if (failed)
        return;
    XF_LIST_EACH_SAFE (node, &journal->batch.added)
        settle_entry(journal, XF_CONTAINER(node, struct xf_journal_entry, node));
    xf_free(journal->batch.removed);
    journal->batch.removed = NULL;
    journal->has_batch = false;
}

static void schedule(struct xf_journal *journal)
{
    if (journal->pool && has_work(journal) && !journal->is_writing &&
        !xf_timer_is_running(&journal->timer))
        xf_timer_start(journal->timers, &journal->timer, journal->has_failed ? RETRY_MS : WRITE_MS);
}

static void on_written(void *owner)
{
    struct xf_journal *journal = owner;
    journal->is_writing = false;
    settle_batch(journal);
    schedule(journal);
}

static void on_time(void *owner)
{
    struct xf_journal *journal = owner;
    if (!journal->has_batch)
        fill_batch(journal);
    journal->is_writing = true;
    xf_pool_run(journal->pool, write_batch, on_written, journal);
}

static void write_the_rest(struct xf_journal *journal)
{
    while (has_work(journal)) {
        if (!journal->has_batch)
            fill_batch(journal);
        write_batch(journal);
        settle_batch(journal);
        if (journal->has_failed)
            return;
    }
}

/* ------------------------------------------------------------------ open and free */

static void release(struct xf_journal *journal)
{
    xf_timer_stop(&journal->timer);
    free_entries(journal, &journal->fresh);
    free_entries(journal, &journal->stored);
    free_entries(journal, &journal->batch.added);
    xf_free(journal->batch.removed);
    xf_free(journal->gone);
    xf_database_close(&journal->file);
    xf_free(journal);
}

enum xf_err xf_journal_open(const struct xf_journal_opts *opts, struct xf_journal **out_journal,
                            struct xf_error *err)
{
    struct xf_journal *journal = xf_new(struct xf_journal);
    journal->settings = *opts->settings;
    journal->pool = opts->pool;
    journal->timers = opts->timers;
    journal->clock = opts->clock;
    journal->unix_s = opts->unix_s;
    xf_list_init(&journal->fresh);
    xf_list_init(&journal->stored);
    xf_list_init(&journal->batch.added);
    xf_timer_init(&journal->timer, on_time, journal);
    enum xf_err result = xf_journal_file_open(journal->settings.file, &journal->file, err);
    if (result == XF_ERR_OK)
        result = xf_journal_file_last_id(journal->file, &journal->last_id, err);
    if (result == XF_ERR_OK)
        *out_journal = journal;
    else
        release(journal);
    return result;
}

bool xf_journal_is_writing(const struct xf_journal *journal)
{
    return journal && journal->is_writing;
}

void xf_journal_finish(struct xf_journal *journal)
{
    if (!journal)
        return;
    journal->pool = NULL;
    xf_timer_stop(&journal->timer);
}

void xf_journal_free(struct xf_journal **journal)
{
    struct xf_journal *j = *journal;
    if (!j)
        return;
    xf_require(!j->is_writing);
    *journal = NULL;
    write_the_rest(j);
    release(j);
}

/* ------------------------------------------------------------------ what waits */

static bool has_room(const struct xf_journal *journal, size_t xml_bytes)
{
    return journal->count < journal->settings.messages &&
           journal->bytes + xml_bytes + ENTRY_BYTES <= journal->settings.bytes;
}

static void log_full(struct xf_journal *journal)
{
    uint64_t now_ms = journal->clock->now_ms;
    journal->full_count++;
    if (journal->full_ms && now_ms - journal->full_ms < FULL_MS)
        return;
    journal->full_ms = now_ms;
    /* bounded: FULL_MS */
    xf_log(XF_LOG_WARN, "journal.file.full", XF_STR("file", journal->settings.file),
           XF_INT("stanzas", journal->count), XF_INT("bytes", journal->bytes),
           XF_INT("suppressed", journal->full_count - 1));
    journal->full_count = 0;
}

static struct xf_journal_entry *make_entry(struct xf_journal *journal,
                                           const struct xf_stanza *stanza)
{
    size_t xml_bytes = 0;
    char *xml = xf_journal_xml(stanza, &xml_bytes);
    if (!xml || !has_room(journal, xml_bytes)) {
        xf_free(xml);
        log_full(journal);
        return NULL;
    }
    struct xf_journal_entry *entry = xf_new(struct xf_journal_entry);
    entry->id = ++journal->last_id;
    entry->queued_s = journal->unix_s();
    entry->xml = xml;
    entry->xml_bytes = xml_bytes;
    xf_list_push(&journal->fresh, &entry->node);
    count_in(journal, entry);
    return entry;
}

/* NULL: the journal does not take it. */
static struct xf_journal_entry *entry_for(struct xf_journal *journal,
                                          const struct xf_stanza *stanza)
{
    struct xf_journal_entry *entry = stanza->journal_entry;
    if (!entry && !journal->has_failed && xf_journal_wants(stanza))
        entry = make_entry(journal, stanza);
    if (!entry)
        return NULL;
    entry->copies++;
    schedule(journal);
    return entry;
}

void xf_journal_add(struct xf_journal *journal, struct xf_stanza_copy *copy,
                    const struct xf_stanza *stanza)
{
    if (journal && !copy->journal_entry)
        copy->journal_entry = entry_for(journal, stanza);
}

/* The message has no copy that could be removed. */
bool xf_journal_keep(struct xf_journal *journal, const struct xf_stanza *stanza)
{
    return journal && journal->settings.keep_at_stop && entry_for(journal, stanza) != NULL;
}

static void let_go(struct xf_journal *journal, struct xf_journal_entry *entry)
{
    if (--entry->copies > 0 || entry->stage == XF_JOURNAL_WRITING)
        return;
    if (entry->stage == XF_JOURNAL_STORED)
        note_gone(journal, entry->id);
    free_entry(journal, entry);
    schedule(journal);
}

void xf_journal_remove(struct xf_journal *journal, struct xf_stanza_copy *copy)
{
    if (!copy->journal_entry)
        return;
    let_go(journal, copy->journal_entry);
    copy->journal_entry = NULL;
}

bool xf_journal_keeps(const struct xf_journal *journal, const struct xf_stanza_copy *copy)
{
    return copy->journal_entry && journal->settings.keep_at_stop &&
           copy->journal_entry->stage == XF_JOURNAL_STORED;
}

/* ------------------------------------------------------------------ sessions */

bool xf_journal_keeps_sessions(const struct xf_journal *journal)
{
    return journal && journal->settings.sessions && !journal->has_failed;
}

bool xf_journal_room(struct xf_journal *journal, struct xf_journal_room *out)
{
    const struct xf_journal_settings *settings = &journal->settings;
    if (journal->is_writing || journal->has_failed)
        return false;
    *out = (struct xf_journal_room){
        .file = journal->file,
        .settings = settings,
        .now_s = journal->unix_s(),
        .bytes = settings->bytes > journal->bytes ? settings->bytes - journal->bytes : 0,
        .stanzas = settings->messages > journal->count ? settings->messages - journal->count : 0,
    };
    return true;
}

/* ------------------------------------------------------------------ replay */

struct replay {
    struct xf_journal *journal;
    struct xf_journal_entry *entry; /* the one being delivered */
    xf_journal_deliver_fn deliver;
    void *owner;
    struct xf_journal_parser *parser;
    int64_t now_s;
    uint64_t delivered, late, damaged;
};

static void on_parsed(void *owner, struct xf_stanza *stanza)
{
    struct replay *replay = owner;
    int64_t queued_s = replay->entry->queued_s;
    uint64_t age_ms = queued_s < replay->now_s ? (uint64_t)(replay->now_s - queued_s) * 1000 : 0;
    bool is_late = age_ms > replay->journal->settings.age_ms;
    replay->late += is_late;
    replay->delivered += !is_late;
    stanza->journal_entry = replay->entry;
    replay->deliver(replay->owner, stanza, queued_s, is_late);
}

static void on_row(void *owner, int64_t id, int64_t queued_s, struct xf_span xml)
{
    struct replay *replay = owner;
    struct xf_journal *journal = replay->journal;
    struct xf_journal_entry *entry = xf_new(struct xf_journal_entry);
    entry->id = id;
    entry->queued_s = queued_s;
    entry->xml_bytes = xml.len;
    entry->stage = XF_JOURNAL_STORED;
    entry->copies = 1;
    xf_list_push(&journal->stored, &entry->node);
    count_in(journal, entry);
    replay->entry = entry;
    if (!xf_journal_parse(replay->parser, xml))
        replay->damaged++;
    let_go(journal, entry);
}

static void log_replay(const struct replay *replay)
{
    if (replay->delivered + replay->late + replay->damaged == 0)
        return;
    xf_log(replay->damaged ? XF_LOG_ERROR : XF_LOG_INFO, "journal.messages.replayed",
           XF_STR("file", replay->journal->settings.file), XF_INT("stanzas", replay->delivered),
           XF_INT("late", replay->late), XF_INT("damaged", replay->damaged));
}

void xf_journal_replay(struct xf_journal *journal, xf_journal_deliver_fn deliver, void *owner)
{
    struct replay replay = {
        .journal = journal, .deliver = deliver, .owner = owner, .now_s = journal->unix_s()};
    struct xf_error err = {0};
    replay.parser = xf_journal_parser_new(false, on_parsed, &replay);
    if (xf_journal_file_read(journal->file, on_row, &replay, &err) != XF_ERR_OK)
        xf_log(XF_LOG_ERROR, "journal.read.failed", XF_STR("file", journal->settings.file),
               XF_STR("detail", err.detail));
    xf_journal_parser_free(&replay.parser);
    log_replay(&replay);
}
