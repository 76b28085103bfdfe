/* SPDX-License-Identifier: MIT */
/*
 * test_mail.c — addresses within payloads, value by value and tag by tag, and the bounds of what
 * routing keeps for them: with the real identity over a map file. Conversations are transcripts:
 * tests/scenario/mail-*.xft.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail_priv.h"
#include "requests_by_jid_priv.h"
#include "routing_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define X          "<x xmlns=\"http://jabber.org/protocol/muc#user\">"
#define X10(text)  text text text text text text text text text text
#define X700(text) X10(X10(text text text text text text text))
#define ITEM(jid) \
    X             \
    "<item jid=\"" jid "\"/></x>"

static char map_path[] = "/tmp/xf-mail-XXXXXX", domain[] = "a.example", link_title[] = "l";
static struct xf_conf_served served = {.settings = {.domain = domain, .link = link_title}};
static struct xf_conf conf = {
    .policy = {.federation = true, .default_allow = true, .enforce = true},
    .served = &served,
    .served_count = 1};
static struct xf_clock test_clock = {1000};
static struct xf_timers *timers;
static struct xf_routing *routing;

/* clang-format off */
static const struct {
    const char *label, *payload, *want; /* out; NULL: as it was */
} rows[] = {
    {"an item",                      ITEM("u@a.example"),                         ITEM("m@a.example")},
    {"with a resource",              ITEM("u@a.example/r s"),                     ITEM("m@a.example/r s")},
    {"a resource that needs escapes", ITEM("u@a.example/&amp;&lt;&gt;&quot;&apos;"), ITEM("m@a.example/&amp;&lt;&gt;&quot;&apos;")},
    {"a resource that is longer than a JID while it is escaped", ITEM("u@a.example/" X700("&amp;")), ITEM("m@a.example/" X700("&amp;"))},
    {"longer than any JID",          ITEM("u@a.example/" X700("abcde")),  NULL},
    {"case",                         ITEM("U@A.EXAMPLE/R"),                       ITEM("m@a.example/R")},
    {"an address with an apostrophe", ITEM("o@a.example"),                        ITEM("o\\27neil@a.example")},
    {"somebody else's",              ITEM("u@b.example"),                         NULL},
    {"a user without address",       ITEM("n@a.example"),                         NULL},
    {"a domain",                     ITEM("a.example"),                           NULL},
    {"nothing",                      ITEM(""),                                    NULL},
    {"no JID",                       ITEM("u@a.example@"),                        NULL},
    {"a reference that no JID needs", ITEM("u@a.example/&#9;"),                   NULL},
    {"a reference cut short",        ITEM("u@a.example/&am"),                     NULL},
    {"another attribute of the name's end", X "<item xjid=\"u@a.example\" jidx=\"u@a.example\"/></x>", NULL},
    {"a prefixed attribute",         X "<item xmlns:n1=\"u:n\" n1:jid=\"u@a.example\"/></x>", NULL},
    {"behind another attribute",     X "<item a=\"&gt;\" jid=\"u@a.example\" b=\"\">t</item></x>", X "<item a=\"&gt;\" jid=\"m@a.example\" b=\"\">t</item></x>"},
    {"an actor",                     X "<item><actor jid=\"u@a.example\"/></item></x>", X "<item><actor jid=\"m@a.example\"/></item></x>"},
    {"an actor in the wrong place",  X "<actor jid=\"u@a.example\"/><item/></x>", NULL},
    {"an item too deep",             X "<y><item jid=\"u@a.example\"/></y></x>",  NULL},
    {"deeper than any place, and up again", X "<item><a><b><c jid=\"u@a.example\"/></b></a><actor jid=\"u@a.example\"/></item></x>",
                                     X "<item><a><b><c jid=\"u@a.example\"/></b></a><actor jid=\"m@a.example\"/></item></x>"},
    {"an element of another namespace", X "<item xmlns=\"u:o\" jid=\"u@a.example\"/></x>", NULL},
    {"another namespace",            "<x xmlns=\"u:o\"><item jid=\"u@a.example\"/></x>", NULL},
    {"another child's name",         "<y xmlns=\"http://jabber.org/protocol/muc#user\"><item jid=\"u@a.example\"/></y>", NULL},
    {"between other children",       "<body>u@a.example</body>" ITEM("u@a.example") "<item jid=\"u@a.example\"/>",
                                     "<body>u@a.example</body>" ITEM("m@a.example") "<item jid=\"u@a.example\"/>"},
    {"two children",                 ITEM("u@a.example") ITEM("o@a.example"),     ITEM("m@a.example") ITEM("o\\27neil@a.example")},
    {"text between",                 "t" ITEM("u@a.example") "t",                 "t" ITEM("m@a.example") "t"},
    {"XEP-0203",                     "<delay xmlns=\"urn:xmpp:delay\" from=\"u@a.example\"/>", "<delay xmlns=\"urn:xmpp:delay\" from=\"m@a.example\"/>"},
    {"no payload",                   "",                                          NULL},
};
/* clang-format on */

static void set_payload(struct xf_stanza *stanza, struct xf_span payload)
{
    *stanza = (struct xf_stanza){.payload = payload};
    xf_stanza_find_children(stanza);
}

START_TEST(rewrites)
{
    struct xf_stanza stanza;
    struct xf_span later = XF_SPAN_NONE;
    const char *want = rows[_i].want ? rows[_i].want : rows[_i].payload;
    set_payload(&stanza, xf_span_of(rows[_i].payload));
    ck_assert_int_eq(xf_mail_payload_out(routing, &stanza, &later), XF_MAILMAP_FOUND);
    ck_assert_msg(xf_span_is(stanza.payload, want), "%s: %.*s", rows[_i].label,
                  XF_SPAN_ARGS(stanza.payload));
    if (!rows[_i].want || strstr(rows[_i].payload, "U@A"))
        return;
    char *changed = xf_span_dup(stanza.payload); /* and back again */
    set_payload(&stanza, xf_span_of(changed));
    ck_assert_int_eq(xf_mail_payload_in(routing, &stanza, &later), XF_MAILMAP_FOUND);
    ck_assert_msg(xf_span_is(stanza.payload, rows[_i].payload), "%s, back: %.*s", rows[_i].label,
                  XF_SPAN_ARGS(stanza.payload));
    xf_free(changed);
}
END_TEST

/* A thousand addresses at most, so that what a peer sends cannot grow beyond bounds. */
START_TEST(is_bounded)
{
    struct xf_buf text;
    struct xf_stanza stanza;
    struct xf_span later = XF_SPAN_NONE;
    size_t count = 0;
    xf_buf_init(&text, 1u << 20);
    xf_buf_append_str(&text, X);
    for (int i = 0; i < 1500; i++)
        xf_buf_append_str(&text, "<item jid=\"o@a.example\"/>");
    xf_buf_append_str(&text, "</x>");
    set_payload(&stanza, xf_buf_span(&text));
    ck_assert_int_eq(xf_mail_payload_out(routing, &stanza, &later), XF_MAILMAP_FOUND);
    char *got = xf_span_dup(stanza.payload);
    for (const char *at = got; (at = strstr(at, "o\\27neil")); at++)
        count++;
    ck_assert_uint_eq(count, 1000);
    xf_free(got);
    xf_buf_release(&text);
}
END_TEST

START_TEST(remembers_who_was_asked_by_his_jid)
{
    char id[16];
    struct xf_span peer = XF_SPAN("v@b.example/x"), user = XF_SPAN("u@a.example");
    for (int i = 0; i < 1025; i++) {
        (void)snprintf(id, sizeof(id), "q%d", i);
        xf_requests_note(routing, peer, user, xf_span_of(id));
    }
    xf_requests_note(routing, peer, user, XF_SPAN_NONE);
    ck_assert(!xf_requests_take(routing, peer, user, XF_SPAN_NONE));
    ck_assert(!xf_requests_take(routing, peer, user, XF_SPAN("q0"))); /* the oldest gave way */
    ck_assert(!xf_requests_take(routing, XF_SPAN("v@b.example/y"), user, XF_SPAN("q1")));
    ck_assert(!xf_requests_take(routing, peer, XF_SPAN("w@a.example"), XF_SPAN("q1")));
    ck_assert(xf_requests_take(routing, peer, user, XF_SPAN("q1")));
    ck_assert(!xf_requests_take(routing, peer, user, XF_SPAN("q1"))); /* once */
    ck_assert(xf_requests_take(routing, peer, user, XF_SPAN("q1024")));
}
END_TEST

/*
 * A stream that we have closed may still bring stanzas, also after the end of what waited: nobody
 * can be answered then.
 */
START_TEST(ends_while_a_peer_waits)
{
    char scratch[2][XF_JID_MAX + 1];
    const char *text = NULL;
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE, .payload = XF_SPAN("")};
    ck_assert(xf_jid_prepare(XF_SPAN("v@b.example/x"), scratch[0], &stanza.from) == XF_ERR_OK);
    ck_assert(xf_jid_prepare(XF_SPAN("m@a.example"), scratch[1], &stanza.to) == XF_ERR_OK);
    stanza.raw_from = stanza.from.full;
    stanza.raw_to = stanza.to.full;
    xf_routing_finish(routing);
    ck_assert_int_eq(xf_routing_s2s_events.stanza(routing, &stanza, false, &text), XF_S2S_TAKEN);
    ck_assert(!xf_routing_is_idle(routing));
}
END_TEST

/*
 * When the last is known the others are: a stanza with a thousand addresses is not looked through a
 * thousand times.
 */
START_TEST(waits_for_the_last)
{
    struct xf_stanza stanza;
    struct xf_span later = XF_SPAN_NONE;
    set_payload(&stanza, XF_SPAN(ITEM("u@a.example") ITEM("n@b.example") ITEM("o@a.example")
                                     ITEM("v@b.example")));
    ck_assert_int_eq(xf_mail_payload_out(routing, &stanza, &later), XF_MAILMAP_LATER);
    ck_assert(xf_span_is(later, "o@a.example"));
}
END_TEST

/* ------------------------------------------------------------------ the world */

/* Work that is not done before the end. */
static struct {
    void (*work)(void *owner);
    void (*done)(void *owner);
    void *owner;
} held;

static void work_later(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                       void *owner)
{
    (void)pool;
    held.work = work;
    held.done = done;
    held.owner = owner;
}

static void work_now(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                     void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static struct xf_pool pool_later = {work_later}, pool_now = {work_now};

static void begin(struct xf_pool *pool)
{
    int fd = mkstemp(map_path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "we");
    ck_assert(file && fputs("u@a.example m@a.example\no@a.example o'neil@a.example\n", file) >= 0 &&
              fclose(file) == 0);
    static char none[] = "";
    conf.mailmap.file = map_path;
    conf.mailmap.directory.uri = none;
    conf.routing.routes_per_owner = conf.routing.routes = 10;
    conf.routing.answer_bytes_per_owner = conf.routing.answer_bytes = 1u << 20;
    timers = xf_timers_new(&test_clock);
    static struct xf_env env;
    env.clock = &test_clock;
    env.timers = timers;
    routing = xf_routing_new(
        &(struct xf_routing_opts){.env = &env,
                                  .policy = xf_policy_new(&(struct xf_policy_opts){.conf = &conf}),
                                  .settings = &conf.routing});
    xf_routing_attach_mailmap(
        routing,
        xf_mailmap_new(&(struct xf_mailmap_opts){
            .clock = &test_clock, .timers = timers, .pool = pool, .settings = &conf.mailmap}));
}

static void set_up(void)
{
    begin(&pool_now);
}

static void set_up_slow(void)
{
    conf.defaults.mail = true;
    conf.defaults.direction = XF_DIRECTION_BOTH;
    conf.defaults.queue_stanzas = 10;
    conf.defaults.queue_bytes = conf.routing.queue_bytes = 100000;
    begin(&pool_later);
    xf_routing_attach_link(routing, link_title, NULL);
}

static void tear_down(void)
{
    struct xf_mailmap *mailmap = routing->mailmap;
    struct xf_policy *policy = routing->policy;
    xf_routing_free(&routing);
    xf_mailmap_stop(mailmap);
    if (held.work) {
        held.work(held.owner);
        held.done(held.owner);
        held.work = NULL;
    }
    xf_mailmap_free(&mailmap);
    xf_policy_free(&policy);
    xf_timers_free(&timers);
    (void)unlink(map_path);
    memcpy(map_path + strlen(map_path) - 6, "XXXXXX", 6);
}

int main(void)
{
    Suite *suite = suite_create("routing/mail");
    TCase *tests = tcase_create("mail");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, rewrites, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, is_bounded);
    tcase_add_test(tests, remembers_who_was_asked_by_his_jid);
    suite_add_tcase(suite, tests);
    TCase *ends = tcase_create("nothing known");
    tcase_add_checked_fixture(ends, set_up_slow, tear_down);
    tcase_add_test(ends, ends_while_a_peer_waits);
    tcase_add_test(ends, waits_for_the_last);
    suite_add_tcase(suite, ends);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
