/* SPDX-License-Identifier: MIT */
/*
 * fuzz_mail.c — any bytes as the content of a stream, and the addresses of our users within the
 * payloads of its stanzas: out with e-mail addresses in place of JIDs, and in again. What must hold
 * for every stanza and both directions:
 *   - what is written is read again as a stanza with the same children, and but for attribute
 *     values it is the same text;
 *   - at the places of MAIL-ADDRESSES.md no JID of a user with an address is left (out), no
 *     such address (in): an element tree of our reader is the second opinion, up to the thousandth
 *     place;
 *   - once is enough, and who went there and back comes to the same place again;
 *   - it grows by no more than its addresses do.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/xml/reader.h>
#include <xfed/xmpp/ns.h>

#include "mail_priv.h"
#include "routing_priv.h"

#define INPUT_MAX_BYTES 8192
#define PLACES_MAX      1000 /* addresses of one stanza that are looked at */
#define TEXT_MAX        (64u << 20)
#define ROOT            "<stream:stream xmlns='jabber:server' xmlns:stream='" XF_NS_STREAM "'>"
#define L64             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char map[] = "u@a.example m@mail.example\n"
                          "o@a.example o'neil@mail.example\n"
                          "x@a.example x@a.example\n"
                          "s@a.example " L64 L64 L64 L64 "@mail.example\n"
                          "first.last@a.example f&l@a.example\n";

static struct xf_routing *routing;

/* ------------------------------------------------------------------ the world */

static void work_now(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                     void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static struct xf_pool pool = {work_now};

static void begin(void)
{
    static char path[64], none[] = "", jids[] = "a.example", mails[] = "mail.example",
                          title[] = "l";
    static struct xf_clock clock = {1000};
    static struct xf_conf_served served[] = {{.settings = {.domain = jids, .link = title}},
                                             {.settings = {.domain = mails, .link = title}}};
    static struct xf_conf conf = {
        .policy = {.federation = true, .default_allow = true}, .served = served, .served_count = 2};
    static struct xf_env env;
    int fd = memfd_create("map", MFD_CLOEXEC);
    xf_require(fd >= 0 && write(fd, map, sizeof(map) - 1) == (ssize_t)sizeof(map) - 1);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    conf.mailmap.file = path;
    conf.mailmap.directory.uri = none;
    env = (struct xf_env){.clock = &clock, .timers = xf_timers_new(&clock)};
    routing = xf_routing_new(
        &(struct xf_routing_opts){.env = &env,
                                  .policy = xf_policy_new(&(struct xf_policy_opts){.conf = &conf}),
                                  .settings = &conf.routing});
    xf_routing_attach_mailmap(
        routing,
        xf_mailmap_new(&(struct xf_mailmap_opts){
            .clock = &clock, .timers = env.timers, .pool = &pool, .settings = &conf.mailmap}));
    (void)close(fd);
}

/* ------------------------------------------------------------------ texts */

static char *rewrite(struct xf_span payload, bool is_in)
{
    struct xf_stanza stanza = {.payload = payload};
    struct xf_span later = XF_SPAN_NONE;
    xf_stanza_find_children(&stanza);
    xf_require((is_in ? xf_mail_payload_in : xf_mail_payload_out)(routing, &stanza, &later) ==
               XF_MAILMAP_FOUND);
    return xf_span_dup(stanza.payload);
}

/* Everything but what stands between quotes of a tag. */
static char *without_values(const char *text)
{
    char *out = xf_strdup(text), *to = out;
    bool is_tag = false, is_value = false;
    for (; *text; text++) {
        is_tag = *text == '<' ? true : *text == '>' && !is_value ? false : is_tag;
        if (*text == '"' && is_tag)
            is_value = !is_value;
        if (!is_value || *text == '"')
            *to++ = *text;
    }
    *to = '\0';
    return out;
}

static void check_same_but_values(const char *a, const char *b)
{
    char *left = without_values(a), *right = without_values(b);
    xf_require(strcmp(left, right) == 0);
    xf_free(left);
    xf_free(right);
}

static void check_again(const char *text, bool is_in)
{
    char *again = rewrite(xf_span_of(text), is_in), *back = rewrite(xf_span_of(text), !is_in);
    char *there = rewrite(xf_span_of(back), is_in),
         *back_again = rewrite(xf_span_of(there), !is_in);
    xf_require(strcmp(again, text) == 0);
    /* the first way back may have prepared what came unprepared */
    xf_require(strcmp(back_again, back) == 0);
    xf_free(again);
    xf_free(back);
    xf_free(there);
    xf_free(back_again);
}

/* ------------------------------------------------------------------ the second opinion: a tree */

/* clang-format off */
static const char *const places[] = {
    "http://jabber.org/protocol/muc#user x/invite@from", "http://jabber.org/protocol/muc#user x/invite@to",
    "http://jabber.org/protocol/muc#user x/decline@from", "http://jabber.org/protocol/muc#user x/decline@to",
    "http://jabber.org/protocol/muc#user x/item@jid", "http://jabber.org/protocol/muc#user x/item/actor@jid",
    "http://jabber.org/protocol/muc#admin query/item@jid", "http://jabber.org/protocol/muc#admin query/item/actor@jid",
    "http://jabber.org/protocol/address addresses/address@jid", "urn:xmpp:delay delay@from", "jabber:x:delay x@from",
    "http://jabber.org/protocol/rosterx x/item@jid", "urn:xmpp:jingle:1 jingle@initiator", "urn:xmpp:jingle:1 jingle@responder",
};
/* clang-format on */

struct look {
    bool is_in;
    size_t count; /* of places */
};

static bool is_place(const char *path)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(places); i++)
        if (strcmp(places[i], path) == 0)
            return true;
    return false;
}

static void check_value(struct look *look, struct xf_span value)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    struct xf_span other;
    if (look->count++ >= PLACES_MAX || xf_jid_prepare(value, scratch, &jid) != XF_ERR_OK ||
        !jid.local.ptr)
        return;
    struct xf_span bare = xf_jid_bare(&jid);
    enum xf_mailmap_answer answer =
        (look->is_in ? xf_mailmap_jid_of : xf_mailmap_mail_of)(routing->mailmap, bare, &other);
    xf_require(answer != XF_MAILMAP_FOUND || xf_span_eq(other, bare));
}

static void walk(struct look *look, struct xf_span ns, const struct xf_elem *elem,
                 const char *above)
{
    char path[512], place[600];
    if (!xf_span_eq(elem->ns, ns) || snprintf(path, sizeof(path), "%s%.*s/", above,
                                              XF_SPAN_ARGS(elem->name)) >= (int)sizeof(path))
        return;
    for (unsigned i = 0; i < elem->attr_count; i++) {
        (void)snprintf(place, sizeof(place), "%.*s@%.*s", (int)strlen(path) - 1, path,
                       XF_SPAN_ARGS(elem->attrs[i].name));
        if (!elem->attrs[i].ns.ptr && is_place(place))
            check_value(look, elem->attrs[i].value);
    }
    for (const struct xf_elem *child = elem->first_child; child; child = child->next)
        walk(look, ns, child, path);
}

static void on_element(void *owner, const struct xf_elem *elem)
{
    char ns[256];
    if (snprintf(ns, sizeof(ns), "%.*s ", XF_SPAN_ARGS(elem->ns)) < (int)sizeof(ns))
        walk(owner, elem->ns, elem, ns);
}

static void no_header(void *owner, const struct xf_header *header)
{
    (void)owner, (void)header;
}

static void no_stanza(void *owner, struct xf_stanza *stanza)
{
    (void)owner, (void)stanza;
}

static void no_footer(void *owner)
{
    (void)owner;
}

static const struct xf_reader_limits ample = {TEXT_MAX, TEXT_MAX, TEXT_MAX, 100000, 1000};

/*
 * The children as elements of a stream: those that are stanzas there have no place of ours. Text
 * between them has no room there.
 */
static void check_places(struct xf_span payload, bool is_in)
{
    static const struct xf_reader_events events = {no_header, no_stanza, on_element, no_footer};
    struct look look = {.is_in = is_in};
    struct xf_reader *reader = xf_reader_new(XF_NS_SERVER, &ample, &events, &look);
    struct xf_stanza_child child;
    struct xf_buf text;
    size_t used;
    xf_buf_init(&text, TEXT_MAX);
    xf_buf_append_str(&text, ROOT);
    while (xf_stanza_next_child(&payload, &child))
        for (size_t i = 0; i < child.whole.len; i++) {
            bool is_mark = child.whole.ptr[i] == XF_CONTENT_NS_MARK;
            xf_buf_append(&text, is_mark ? XF_NS_SERVER : &child.whole.ptr[i],
                          is_mark ? strlen(XF_NS_SERVER) : 1);
        }
    xf_require(xf_reader_feed(reader, xf_buf_ptr(&text), text.len, &used) == XF_ERR_OK);
    xf_buf_release(&text);
    xf_reader_free(&reader);
}

/* ------------------------------------------------------------------ one stanza */

static void check_children(const struct xf_stanza *before, struct xf_span after)
{
    struct xf_stanza again = {.payload = after};
    xf_stanza_find_children(&again);
    xf_require(again.child_count == before->child_count);
    for (unsigned i = 0; i < again.child_count && i < XF_STANZA_CHILDREN; i++)
        xf_require(xf_span_eq(again.children[i].ns, before->children[i].ns) &&
                   xf_span_eq(again.children[i].name, before->children[i].name));
}

static void check_direction(const struct xf_stanza *stanza, bool is_in)
{
    char *before = xf_span_dup(stanza->payload), *after = rewrite(stanza->payload, is_in);
    size_t places_bound = stanza->payload.len < PLACES_MAX ? stanza->payload.len : PLACES_MAX;
    check_same_but_values(before, after);
    check_children(stanza, xf_span_of(after));
    check_places(xf_span_of(after), is_in);
    check_again(after, is_in);
    xf_require(strlen(after) <= stanza->payload.len + places_bound * 6 * XF_JID_MAX);
    xf_free(before);
    xf_free(after);
}

static void on_stanza(void *owner, struct xf_stanza *stanza)
{
    (void)owner;
    if (!stanza->payload.len)
        return;
    check_direction(stanza, false);
    check_direction(stanza, true);
}

static void no_element(void *owner, const struct xf_elem *elem)
{
    (void)owner, (void)elem;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct xf_reader_events events = {no_header, on_stanza, no_element, no_footer};
    size_t used;
    if (len > INPUT_MAX_BYTES)
        return 0;
    if (!routing)
        begin();
    struct xf_reader *reader = xf_reader_new(XF_NS_SERVER, &ample, &events, NULL);
    if (xf_reader_feed(reader, ROOT, strlen(ROOT), &used) == XF_ERR_OK)
        (void)!xf_reader_feed(reader, (const char *)bytes, len, &used); /* its end is fuzz_xml's */
    xf_reader_free(&reader);
    return 0;
}
