/* SPDX-License-Identifier: MIT */
/*
 * sessions.c — streams that can be resumed, from one process to the next.
 *
 * At the end everything is written in one transaction, in which the messages of these stanzas leave
 * the journal too: otherwise they would be delivered twice. At the start everything is read into
 * memory and removed from the file in one transaction, and used only once that is certain.
 *
 * The file may be damaged, or written by somebody else: a session is used only if a process of ours
 * could have written it, and a stanza only if it is between the names of its session, or from an
 * e-mail address of its domain.
 */
#include "journal_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/utf8.h>
#include <xfed/database/database.h>

#define SESSIONS_MAX 262144        /* a process keeps fewer: strangers { broken-streams } */
#define LEFT_MAX_MS  (3600 * 1000) /* ... and none for longer */
#define ID_MAX       1023

/* ------------------------------------------------------------------ at the end */

struct xf_handover {
    struct xf_journal *journal;
    struct xf_journal_room room;
    uint64_t base; /* the serials of the process begin behind those in the file */
    uint64_t sessions, stanzas;
    bool has_failed;
};

static void log_failed(const char *file, const char *detail)
{
    /* bounded: once, at the end */
    xf_log(XF_LOG_ERROR, "journal.sessions.failed", XF_STR("file", file), XF_STR("detail", detail));
}

static void log_database(const struct xf_journal_room *room, const char *what)
{
    struct xf_error err = {0};
    (void)xf_database_fail(room->file, what, &err);
    log_failed(room->settings->file, err.detail);
}

struct xf_handover *xf_handover_begin(struct xf_journal *journal)
{
    struct xf_journal_room room;
    if (!xf_journal_room(journal, &room)) {
        log_failed("", "the journal is still being written, or cannot be");
        return NULL;
    }
    uint64_t base = 0;
    if (!xf_database_begin(room.file) || !xf_session_rows_last_serial(room.file, &base)) {
        log_database(&room, "cannot be written");
        xf_database_roll_back(room.file);
        return NULL;
    }
    struct xf_handover *handover = xf_new(struct xf_handover);
    handover->journal = journal;
    handover->room = room;
    handover->base = base;
    return handover;
}

void xf_handover_session(struct xf_handover *handover, const struct xf_session *session)
{
    struct xf_session_row row = {.session = *session, .saved_s = handover->room.now_s};
    if (row.session.serial)
        row.session.serial += handover->base;
    if (handover->has_failed)
        return;
    handover->has_failed =
        handover->sessions++ == SESSIONS_MAX || !xf_session_row_add(handover->room.file, &row);
}

/* The number of the row that stands for this copy only; 0: none. */
static int64_t message_of(const struct xf_stanza_copy *copy)
{
    const struct xf_journal_entry *entry = copy->journal_entry;
    return entry && entry->copies == 1 && entry->stage == XF_JOURNAL_STORED ? entry->id : 0;
}

bool xf_handover_stanza(struct xf_handover *handover, uint64_t serial, int64_t came_s,
                        const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    size_t bytes = 0;
    xf_stanza_copy_read(copy, &stanza);
    char *xml = xf_journal_xml(&stanza, &bytes);
    bool fits = xml && bytes <= handover->room.bytes && handover->room.stanzas > 0;
    if (fits && !handover->has_failed) {
        const struct xf_session_stanza_row row = {
            .serial = handover->base + serial,
            .stanza = {.number = copy->number,
                       .came_s = came_s,
                       .is_unproved = copy->is_unproved,
                       .shown_from = stanza.shown_from,
                       .shown_to = stanza.shown_to},
            .xml = {xml, bytes},
            .message_id = message_of(copy),
        };
        handover->room.bytes -= bytes;
        handover->room.stanzas--;
        handover->stanzas++;
        handover->has_failed = !xf_session_stanza_row_add(handover->room.file, &row);
    }
    xf_free(xml);
    return fits;
}

bool xf_handover_end(struct xf_handover **handover)
{
    struct xf_handover *h = *handover;
    bool is_written = !h->has_failed && xf_database_commit(h->room.file);
    if (!is_written) {
        log_database(&h->room, "cannot be written");
        xf_database_roll_back(h->room.file);
    } else if (h->sessions > 0) {
        /* bounded: once, at the end */
        xf_log(XF_LOG_INFO, "journal.sessions.kept", XF_INT("sessions", h->sessions),
               XF_INT("stanzas", h->stanzas));
    }
    *handover = NULL;
    xf_free(h);
    return is_written;
}

/* ------------------------------------------------------------------ at the start: read */

struct stanza {
    struct xf_node node;
    struct xf_session_stanza info;
    char *shown_from, *shown_to, *xml;
    size_t xml_bytes;
};

struct session {
    struct xf_node node;
    struct xf_session session;
    char *local, *peer, *id;
    struct xf_node stanzas;
};

struct load {
    struct xf_journal_room room;
    const struct xf_sessions_events *events;
    void *owner;
    struct xf_node sessions;
    struct session *current; /* of the stanza being delivered */
    const struct stanza *stanza;
    uint64_t session_count, stanza_count, late, damaged;
};

static bool is_domain(struct xf_span text)
{
    char prepared[XF_DOMAIN_MAX + 1];
    return text.len > 0 && xf_utf8_valid(text.ptr, text.len) && !memchr(text.ptr, 0, text.len) &&
           xf_domain_prepare(text, prepared) == XF_ERR_OK && xf_span_is(text, prepared);
}

/* A peer may choose any characters of XML. */
static bool is_id(struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' && !memchr("\t\n\r", text.ptr[i], 3))
            return false;
    return text.len > 0 && text.len <= ID_MAX && xf_utf8_valid(text.ptr, text.len);
}

/* Could a process of ours have written it? */
static bool is_sound(const struct xf_session *session)
{
    bool carries = session->is_ours || session->both_ways;
    return is_domain(session->local) && is_domain(session->peer) && is_id(session->id) &&
           session->left_ms <= LEFT_MAX_MS && session->max_ms <= LEFT_MAX_MS &&
           session->proved <= session->sent && carries == (session->serial != 0) &&
           session->serial <= INT64_MAX;
}

/* A clock that went backwards says nothing of how much time has passed. */
static uint64_t time_left_ms(const struct xf_session *session, int64_t saved_s, int64_t now_s)
{
    if (saved_s > now_s || saved_s < now_s - LEFT_MAX_MS / 1000)
        return 0;
    uint64_t passed_ms = 1000 * (uint64_t)(now_s - saved_s);
    return session->left_ms > passed_ms ? session->left_ms - passed_ms : 0;
}

static void take_session(struct load *load, const struct xf_session_row *row)
{
    struct session *last = xf_list_is_empty(&load->sessions)
                               ? NULL
                               : XF_CONTAINER(load->sessions.prev, struct session, node);
    bool is_twice = last && row->session.serial && last->session.serial == row->session.serial;
    if (!is_sound(&row->session) || is_twice || load->session_count == SESSIONS_MAX) {
        load->damaged++;
        return;
    }
    struct session *session = xf_new(struct session);
    session->session = row->session;
    session->session.left_ms = time_left_ms(&row->session, row->saved_s, load->room.now_s);
    session->session.local = xf_span_of(session->local = xf_span_dup(row->session.local));
    session->session.peer = xf_span_of(session->peer = xf_span_dup(row->session.peer));
    session->session.id = xf_span_of(session->id = xf_span_dup(row->session.id));
    xf_list_init(&session->stanzas);
    xf_list_push(&load->sessions, &session->node);
    load->session_count++;
    load->late += session->session.left_ms == 0;
}

/* An address that a peer knows a user by. */
static bool may_show(struct xf_span address)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    return !address.ptr || (address.len <= XF_JID_MAX && xf_utf8_valid(address.ptr, address.len) &&
                            !memchr(address.ptr, 0, address.len) &&
                            xf_jid_prepare(address, scratch, &jid) == XF_ERR_OK);
}

static struct xf_span keep(struct xf_span text, char **out_copy)
{
    *out_copy = text.ptr ? xf_span_dup(text) : NULL;
    return *out_copy ? xf_span_of(*out_copy) : XF_SPAN_NONE;
}

static void take_stanza(struct load *load, struct session *session,
                        const struct xf_session_stanza_row *row)
{
    bool is_possible = session && session->session.serial == row->serial &&
                       row->stanza.number > 0 && row->stanza.number <= session->session.sent &&
                       may_show(row->stanza.shown_from) && may_show(row->stanza.shown_to);
    if (!is_possible || load->room.stanzas == 0 || row->xml.len > load->room.bytes) {
        load->damaged++;
        return;
    }
    struct stanza *stanza = xf_new(struct stanza);
    stanza->info = row->stanza;
    stanza->info.shown_from = keep(row->stanza.shown_from, &stanza->shown_from);
    stanza->info.shown_to = keep(row->stanza.shown_to, &stanza->shown_to);
    stanza->xml = xf_span_dup(row->xml);
    stanza->xml_bytes = row->xml.len;
    load->room.bytes -= row->xml.len;
    load->room.stanzas--;
    xf_list_push(&session->stanzas, &stanza->node);
}

static bool read_sessions(struct load *load)
{
    struct xf_session_row row;
    while (xf_session_row_next(load->room.file, &row))
        take_session(load, &row);
    return xf_database_end(load->room.file, XF_JOURNAL_READ_SESSIONS);
}

/* Both are sorted by the serial; negative ones, which are damaged, come first. */
static bool read_stanzas(struct load *load)
{
    struct xf_session_stanza_row row;
    struct xf_node *at = load->sessions.next;
    while (xf_session_stanza_row_next(load->room.file, &row)) {
        while (row.serial <= INT64_MAX && at != &load->sessions &&
               XF_CONTAINER(at, struct session, node)->session.serial < row.serial)
            at = at->next;
        take_stanza(load, at == &load->sessions ? NULL : XF_CONTAINER(at, struct session, node),
                    &row);
    }
    return xf_database_end(load->room.file, XF_JOURNAL_READ_STANZAS);
}

static bool read_all(struct load *load)
{
    struct xf_database *file = load->room.file;
    if (xf_database_begin(file) && read_sessions(load) && read_stanzas(load) &&
        xf_session_rows_remove(file) && xf_database_commit(file))
        return true;
    log_database(&load->room, "cannot be read");
    xf_database_roll_back(file);
    return false;
}

/* ------------------------------------------------------------------ at the start: deliver */

/* The sender's domain, or that of the e-mail address by which the peer knows him. */
static bool came_from(const struct xf_stanza *stanza, struct xf_span shown_from,
                      struct xf_span local)
{
    char domain[XF_DOMAIN_MAX + 1];
    return xf_span_eq(stanza->from.domain, local) ||
           (shown_from.ptr && xf_jid_named_domain(shown_from, domain) == XF_ERR_OK &&
            xf_span_is(local, domain));
}

static void on_parsed(void *owner, struct xf_stanza *stanza)
{
    struct load *load = owner;
    const struct xf_session *session = &load->current->session;
    struct xf_session_stanza info = load->stanza->info;
    struct xf_stanza_scratch scratch;
    bool is_from;
    if (xf_stanza_address(stanza, &scratch, &is_from) != XF_ERR_OK ||
        !came_from(stanza, info.shown_from, session->local) ||
        !xf_span_eq(stanza->to.domain, session->peer)) {
        load->damaged++;
        return;
    }
    info.age_max_ms = xf_journal_wants(stanza) ? load->room.settings->age_ms : 0;
    stanza->shown_from = info.shown_from;
    stanza->shown_to = info.shown_to;
    load->stanza_count++;
    load->events->stanza(load->owner, session, &info, stanza);
}

static void free_stanza(struct stanza *stanza)
{
    xf_list_remove(&stanza->node);
    xf_free(stanza->shown_from);
    xf_free(stanza->shown_to);
    xf_free(stanza->xml);
    xf_free(stanza);
}

/* ... and free it. */
static void deliver(struct load *load, struct session *session, struct xf_journal_parser *parser)
{
    load->current = session;
    if (parser)
        load->events->session(load->owner, &session->session);
    XF_LIST_EACH_SAFE (node, &session->stanzas) {
        struct stanza *stanza = XF_CONTAINER(node, struct stanza, node);
        load->stanza = stanza;
        if (parser && !xf_journal_parse(parser, (struct xf_span){stanza->xml, stanza->xml_bytes}))
            load->damaged++;
        free_stanza(stanza);
    }
    xf_list_remove(&session->node);
    xf_free(session->local);
    xf_free(session->peer);
    xf_free(session->id);
    xf_free(session);
}

void xf_sessions_load(struct xf_journal *journal, const struct xf_sessions_events *events,
                      void *owner)
{
    struct load load = {.events = events, .owner = owner};
    struct xf_journal_parser *parser = NULL;
    xf_list_init(&load.sessions);
    xf_require(xf_journal_room(journal, &load.room)); /* nothing is written before the start */
    if (read_all(&load))
        parser = xf_journal_parser_new(true, on_parsed, &load);
    XF_LIST_EACH_SAFE (node, &load.sessions)
        deliver(&load, XF_CONTAINER(node, struct session, node), parser);
    xf_journal_parser_free(&parser);
    if (load.session_count + load.damaged > 0)
        /* bounded: once, at the start */
        xf_log(load.damaged ? XF_LOG_WARN : XF_LOG_INFO, "journal.sessions.taken",
               XF_STR("file", load.room.settings->file), XF_INT("sessions", load.session_count),
               XF_INT("stanzas", load.stanza_count), XF_INT("late", load.late),
               XF_INT("damaged", load.damaged));
}
