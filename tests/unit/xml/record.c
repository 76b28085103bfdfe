/* SPDX-License-Identifier: MIT */
/* record.c — run a reader over an input, cut in some way, and write down all that it says. */
#include "record.h"

#include <stdint.h>

#include <xfed/base/alloc.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#define RECORD_MAX (64u << 20)

void record_init(struct record *record, const char *content_ns)
{
    *record = (struct record){.content_ns = content_ns, .limits = {262144, 65536, 65536, 64, 64}};
    xf_buf_init(&record->lines, RECORD_MAX);
    xf_buf_init(&record->written, RECORD_MAX);
}

void record_fini(struct record *record)
{
    xf_reader_free(&record->reader);
    xf_buf_release(&record->lines);
    xf_buf_release(&record->written);
}

/* ------------------------------------------------------------------ lines */

static void put(struct record *record, const char *text)
{
    xf_buf_append_str(&record->lines, text);
}

/* The line that was begun does not count. */
static void drop_line(struct record *record, size_t before)
{
    if (record->only_stanzas)
        record->lines.len = before;
}

static void put_span(struct record *record, struct xf_span s)
{
    for (size_t i = 0; i < s.len; i++)
        xf_buf_append(&record->lines, s.ptr[i] == XF_CONTENT_NS_MARK ? "$" : &s.ptr[i], 1);
}

static void put_field(struct record *record, const char *name, struct xf_span value)
{
    if (!value.ptr)
        return;
    put(record, " ");
    put(record, name);
    put(record, "=[");
    put_span(record, value);
    put(record, "]");
}

static void end_event(struct record *record)
{
    put(record, "\n");
    if (++record->events == record->stop_at)
        xf_reader_stop(record->reader);
}

static void on_header(void *owner, const struct xf_header *header)
{
    struct record *record = owner;
    size_t before = record->lines.len;

    put(record, "H ");
    put_span(record, header->name);
    put_field(record, "ns", header->ns);
    put_field(record, "content", header->content_ns);
    put_field(record, "from", header->from);
    put_field(record, "to", header->to);
    put_field(record, "id", header->id);
    put_field(record, "version", header->version);
    put_field(record, "lang", header->lang);
    put(record, header->has_dialback_ns ? " db" : "");
    end_event(record);
    drop_line(record, before);
}

static void put_children(struct record *record, const struct xf_stanza *stanza)
{
    xf_buf_appendf(&record->lines, " %u:", stanza->child_count);
    for (unsigned i = 0; i < stanza->child_count && i < XF_STANZA_CHILDREN; i++) {
        put(record, " ");
        if (stanza->children[i].ns.ptr) {
            put(record, "{");
            put_span(record, stanza->children[i].ns);
            put(record, "}");
        }
        put_span(record, stanza->children[i].name);
    }
}

/* Also: its size is known to the byte without writing it. */
static void write_stanza(struct record *record, struct xf_stanza *stanza)
{
    size_t before = record->written.len;

    stanza->from.full = stanza->raw_from; /* not prepared: any text is good here */
    stanza->to.full = stanza->raw_to;
    xf_require(xf_xml_stanza(&record->written, stanza, record->write_ns, XF_SPAN_NONE) ==
               XF_ERR_OK);
    size_t bytes = record->written.len - before;
    xf_require(xf_xml_stanza_fits(stanza, record->write_ns, bytes) &&
               !xf_xml_stanza_fits(stanza, record->write_ns, bytes - 1));
}

/* Who walks the payload must see what the parser saw. */
static void check_children(const struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    unsigned count = 0;

    for (; xf_stanza_next_child(&rest, &child); count++) {
        if (count >= XF_STANZA_CHILDREN)
            continue;
        xf_require(xf_span_eq(child.name, stanza->children[count].name));
        xf_require(xf_span_eq(child.ns, stanza->children[count].ns));
        xf_require(!child.ns.ptr == !stanza->children[count].ns.ptr);
    }
    xf_require(count == stanza->child_count);
}

static void on_stanza(void *owner, struct xf_stanza *stanza)
{
    struct record *record = owner;

    check_children(stanza);
    put(record, "S ");
    put(record, xf_stanza_kind_name(stanza->kind));
    put_field(record, "from", stanza->raw_from);
    put_field(record, "to", stanza->raw_to);
    put_field(record, "type", stanza->type);
    put_field(record, "id", stanza->id);
    put_field(record, "lang", stanza->lang);
    if (stanza->extra.len)
        put_field(record, "extra", stanza->extra);
    put(record, stanza->has_ns_mark ? " mark" : "");
    put_children(record, stanza);
    put(record, " ");
    put_span(record, stanza->payload);
    if (record->write_ns)
        write_stanza(record, stanza);
    end_event(record);
}

static void put_qname(struct record *record, struct xf_span ns, struct xf_span name)
{
    if (ns.ptr) {
        put(record, "{");
        put_span(record, ns);
        put(record, "}");
    }
    put_span(record, name);
}

/* A test may recurse: depth has a limit. */
static void put_elem(struct record *record, const struct xf_elem *elem)
{
    put(record, "<");
    put_qname(record, elem->ns, elem->name);
    for (unsigned i = 0; i < elem->attr_count; i++) {
        put(record, " ");
        put_qname(record, elem->attrs[i].ns, elem->attrs[i].name);
        put(record, "=[");
        put_span(record, elem->attrs[i].value);
        put(record, "]");
    }
    put(record, ">");
    put_span(record, elem->text);
    for (const struct xf_elem *child = elem->first_child; child; child = child->next)
        put_elem(record, child);
    put(record, "</>");
}

static void on_element(void *owner, const struct xf_elem *elem)
{
    struct record *record = owner;
    size_t before = record->lines.len;

    put(record, "E ");
    put_elem(record, elem);
    end_event(record);
    drop_line(record, before);
}

static void on_footer(void *owner)
{
    struct record *record = owner;
    size_t before = record->lines.len;

    put(record, "F");
    end_event(record);
    drop_line(record, before);
}

static const struct xf_reader_events record_events = {on_header, on_stanza, on_element, on_footer};

/* ------------------------------------------------------------------ running */

static size_t next_piece(struct record *record, size_t left)
{
    if (record->cut == RECORD_BYTES)
        return 1;
    if (record->cut == RECORD_WHOLE)
        return left;
    record->seed = record->seed * 1103515245u + 12345u;
    size_t piece = 1 + (record->seed >> 16) % ((record->seed >> 8) % 8 == 0 ? 600 : 40);
    return piece < left ? piece : left;
}

void record_run(struct record *record, const char *input, size_t len)
{
    if (!record->reader) {
        record->reader = xf_reader_new(record->content_ns, &record->limits, &record_events, record);
        xf_reader_share(record->reader, record->parsers);
        xf_reader_unwrap(record->reader, record->wrapper);
    }
    for (size_t done = 0; done < len && record->err == XF_ERR_OK;) {
        size_t piece = next_piece(record, len - done), used = 0;
        char *copy =
            xf_strndup(input + done, piece); /* so that ASan sees a read beyond the piece */

        record->err = xf_reader_feed(record->reader, copy, piece, &used);
        xf_require(used <= piece && (record->err != XF_ERR_OK || used == piece));
        xf_free(copy);
        done += piece;
        record->used += used;
        if (record->parks)
            xf_reader_park(record->reader);
    }
    record->problem = xf_reader_problem(record->reader, &record->problem_text);
}

const char *record_lines(struct record *record)
{
    xf_buf_append(&record->lines, "", 1);
    record->lines.len--;
    return xf_buf_ptr(&record->lines);
}

char *record_stream(const struct record *record)
{
    return xf_asprintf("<stream:stream xmlns='%s' xmlns:stream='" XF_NS_STREAM
                       "'>%.*s</stream:stream>",
                       record->write_ns, (int)record->written.len, xf_buf_ptr(&record->written));
}
