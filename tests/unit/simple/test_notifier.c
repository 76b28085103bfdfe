/* SPDX-License-Identifier: MIT */
/*
 * Watches of the process before: what a record must be to be taken, and what they cost in memory.
 * What happens between SIP and the cluster: tests/scenario/sip-presence-in-*.xft.
 */
#include "fake_conn.h"
#include "notifier_priv.h"
#include "stage.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

#define MANY      20000
#define BYTES_MAX 1200 /* of a subscription, with one resource: 50,000 in 60 MB */

static const char peers[] =
    "listen { sip-tcp = {\"127.0.0.1:5060\"} }\n"
    "peer \"b.example\" { protocol = sip sip-transport = tcp sip-from = {192.0.2.1} "
    "route = {\"192.0.2.1:5060\"} }\n"
    "peer \"c.example\" { protocol = sip sip-transport = tcp sip-from = {192.0.2.2} "
    "route = {\"192.0.2.2:5060\"} direction = out }\n"
    "peer \"e.example\" { protocol = sip sip-transport = tcp sip-from = {192.0.2.3} "
    "route = {\"192.0.2.3:5060\"} sip-subscriptions = 2 }\n";

static unsigned probes, deaf; /* what is for the first users waits: their link is down */

static enum xf_simple_taken on_stanza(void *owner, struct xf_stanza *stanza, uint64_t *out_wait_ms)
{
    (void)owner;
    (void)out_wait_ms;
    ck_assert(xf_span_is(stanza->type, "probe") || xf_span_is(stanza->type, "subscribe"));
    if (strtoul(stanza->to.local.ptr + strlen("user"), NULL, 10) < deaf)
        return XF_SIMPLE_LATER;
    probes++;
    return XF_SIMPLE_TAKEN;
}

static const struct xf_simple_events simple_events = {.stanza = on_stanza};

static void set_up(void)
{
    probes = deaf = 0;
    stage_begin(peers, &simple_events, NULL);
}

/* ------------------------------------------------------------------ records */

struct made {
    char key[1 + XF_ID_CHARS + 1], bytes[XF_DIALOGS_RECORD_MAX];
    size_t len;
};

static void put_text(struct xf_buf *out, const char *text)
{
    const char len[] = {(char)(strlen(text) >> 8), (char)strlen(text)};
    ck_assert_int_eq(xf_buf_try_append(out, len, sizeof(len)), XF_ERR_OK);
    ck_assert_int_eq(xf_buf_try_append(out, text, strlen(text)), XF_ERR_OK);
}

/* As notifier_store.c has it; sizes are those of a usual peer. */
static void make_record(struct made *out, unsigned number, enum xf_notifier_state state,
                        const char *peer)
{
    char tag[XF_ID_CHARS + 1], user[40], watcher[60], from[100], to[100], target[100];
    const char head[10] = {1, (char)state, [9] = 1}; /* asked in 1970 */
    struct xf_buf bytes;
    (void)snprintf(tag, sizeof(tag), "t%021u", number);
    (void)snprintf(out->key, sizeof(out->key), "n%s", tag);
    (void)snprintf(user, sizeof(user), "user%u@a.example", number);
    (void)snprintf(watcher, sizeof(watcher), "watcher%u@%s", number, peer);
    (void)snprintf(from, sizeof(from), "<sip:%s>;tag=%s", user, tag);
    (void)snprintf(to, sizeof(to), "<sip:%s>;tag=0123456789abcdef", watcher);
    (void)snprintf(target, sizeof(target), "sip:watcher%u@10.0.0.1:5061;transport=tls", number);
    char served[] = "a.example", call_id[] = "0123456789abcdef0123456789abcdef@10.0.0.1",
         remote_tag[] = "0123456789abcdef", route[] = "sip:proxy.b.example:5061;transport=tls;lr\n",
         name[20];
    (void)snprintf(name, sizeof(name), "%s", peer);
    const struct xf_dialog value = {.served = served,
                                    .peer = name,
                                    .call_id = call_id,
                                    .local_tag = tag,
                                    .remote_tag = remote_tag,
                                    .from = from,
                                    .to = to,
                                    .target = target,
                                    .route = route,
                                    .local_cseq = 70,
                                    .remote_cseq = 2};
    xf_buf_init(&bytes, sizeof(out->bytes));
    ck_assert_int_eq(xf_buf_try_append(&bytes, head, sizeof(head)), XF_ERR_OK);
    put_text(&bytes, user);
    put_text(&bytes, watcher);
    put_text(&bytes, "17");
    ck_assert_int_eq(xf_dialog_pack(&value, &bytes), XF_ERR_OK);
    memcpy(out->bytes, xf_buf_ptr(&bytes), bytes.len);
    out->len = bytes.len;
    xf_buf_release(&bytes);
}

static bool restore(const struct made *made)
{
    return xf_notifier_restore(simple, xf_span_of(made->key),
                               (struct xf_span){made->bytes, made->len},
                               env.env.unix_s(&env.env) + 600, 1);
}

static size_t count_in(void)
{
    struct xf_simple_counts counts;
    xf_simple_count(simple, &counts);
    return counts.subscriptions_in;
}

START_TEST(good_ones_go_on)
{
    struct made made;
    make_record(&made, 1, XF_NOTIFIER_APPROVED, "b.example");
    ck_assert(restore(&made));
    make_record(&made, 2, XF_NOTIFIER_BLOCKED, "b.example");
    ck_assert(restore(&made));
    make_record(&made, 3, XF_NOTIFIER_ASKED, "b.example");
    ck_assert(restore(&made));
    ck_assert_uint_eq(count_in(), 3);
    xf_simple_resume(simple);
    /* Who may not know it seems to ask, too: the link may be down, and must be so for both. */
    ck_assert_uint_eq(probes, 2);
}
END_TEST

/* Users of a link that is down do not stand in the way of others. */
START_TEST(who_cannot_be_told_keeps_nobody_waiting)
{
    struct made made;
    deaf = 250;
    for (unsigned i = 0; i <= deaf; i++) {
        make_record(&made, i, XF_NOTIFIER_APPROVED, "b.example");
        ck_assert(restore(&made));
    }
    xf_simple_resume(simple);
    fake_env_advance(&env, 1000);
    ck_assert_uint_eq(probes, 1);
    deaf = 0;
    fake_env_advance(&env, 1000);
    ck_assert_uint_eq(probes, 251);
}
END_TEST

START_TEST(what_policy_forbids_now_does_not)
{
    struct made made;
    make_record(&made, 1, XF_NOTIFIER_APPROVED, "c.example"); /* direction = out */
    ck_assert(!restore(&made));
    make_record(&made, 1, XF_NOTIFIER_APPROVED, "d.example"); /* not of SIP */
    ck_assert(!restore(&made));
    ck_assert_uint_eq(count_in(), 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    struct made made;
    make_record(&made, 1, XF_NOTIFIER_APPROVED, "b.example");
    size_t len = made.len;
    ck_assert(!xf_notifier_restore(simple, xf_span_of(made.key),
                                   (struct xf_span){made.bytes, made.len}, env.env.unix_s(&env.env),
                                   1));
    for (made.len = 0; made.len < len; made.len++)
        ck_assert_msg(!restore(&made), "cut after %zu bytes", made.len);
    made.key[5] ^= 1;
    ck_assert(!restore(&made));
    made.key[5] ^= 1;
    for (unsigned char state = 0; state < 255; state++) {
        bool is_one = state == XF_NOTIFIER_ASKED || state == XF_NOTIFIER_APPROVED ||
                      state == XF_NOTIFIER_BLOCKED;
        made.bytes[1] = (char)state;
        ck_assert(is_one || !restore(&made));
    }
    ck_assert_uint_eq(count_in(), 0);
}
END_TEST

/* A flipped bit may leave a sound record; that it is taken or refused is all there is to say. */
START_TEST(damage_does_no_harm)
{
    struct made made;
    for (unsigned bit = 0;; bit++) {
        make_record(&made, bit, XF_NOTIFIER_ASKED, "b.example");
        if (bit / 8 == made.len)
            break;
        made.bytes[bit / 8] = (char)(made.bytes[bit / 8] ^ 1 << bit % 8);
        (void)restore(&made);
    }
    xf_simple_resume(simple);
    fake_env_advance(&env, 10000);
}
END_TEST

static struct xf_notifier_watch *watch_of(unsigned number)
{
    char user[40], watcher[60];
    (void)snprintf(user, sizeof(user), "user%u@a.example", number);
    (void)snprintf(watcher, sizeof(watcher), "watcher%u@b.example", number);
    return xf_notifier_find(simple, xf_span_of(user), xf_span_of(watcher));
}

/*
 * Our user was asked longer ago than our clock runs, such as before a restart of the machine. When
 * the watcher leaves, that is forgotten in its time all the same.
 */
START_TEST(a_question_before_the_clock_began_is_forgotten)
{
    struct made made;
    make_record(&made, 1, XF_NOTIFIER_ASKED, "b.example");
    ck_assert(restore(&made));
    struct xf_notifier_watch *watch = watch_of(1);
    ck_assert(watch);
    xf_notifier_dialog_lose(XF_CONTAINER(watch->dialogs.next, struct xf_notifier_dialog, node));
    xf_notifier_settle(watch);
    fake_env_advance(&env, XF_NOTIFIER_ASK_MS);
    ck_assert(!watch_of(1));
}
END_TEST

/* Whatever the file says, and however the calendar was set: no longer than what we grant. */
START_TEST(none_lasts_longer_than_we_grant)
{
    const int64_t now_s = env.env.unix_s(&env.env);
    const int64_t ends_s[] = {now_s + 10 * 366 * 86400ll, INT64_MAX};
    struct made made;
    for (unsigned i = 0; i < XF_ARRAY_LEN(ends_s); i++) {
        make_record(&made, i, XF_NOTIFIER_BLOCKED, "b.example");
        ck_assert(xf_notifier_restore(simple, xf_span_of(made.key),
                                      (struct xf_span){made.bytes, made.len}, ends_s[i], 1));
        const struct xf_notifier_watch *watch = watch_of(i);
        ck_assert_uint_le(
            XF_CONTAINER(watch->dialogs.next, struct xf_notifier_dialog, node)->expires_ms,
            env.clock.now_ms + 7200000);
    }
}
END_TEST

/* ------------------------------------------------------------------ links */

static void begin_with(unsigned count)
{
    struct made made;
    for (unsigned i = 0; i < count; i++) {
        make_record(&made, i, XF_NOTIFIER_APPROVED, "b.example");
        ck_assert(restore(&made));
    }
    xf_simple_resume(simple);
    fake_env_advance(&env, 1000);
    ck_assert_uint_eq(probes, count);
    probes = 0;
}

static void come_up(const char *link, const char *peer)
{
    fake_env_advance(&env, 1);
    xf_simple_link_state(simple, xf_span_of(link), xf_span_of(peer), false);
    xf_simple_link_state(simple, xf_span_of(link), xf_span_of(peer), true);
    fake_env_run(&env);
}

START_TEST(a_link_that_is_up_again_is_asked_some_at_a_time)
{
    begin_with(250);
    come_up("l", NULL);
    ck_assert_uint_eq(probes, 100);
    xf_simple_resume(simple); /* the cluster takes more; nothing is owed */
    ck_assert_uint_eq(probes, 100);
    fake_env_advance(&env, 250);
    ck_assert_uint_eq(probes, 200);
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 250);
}
END_TEST

/* Another leg, or the same one once more, during a round: each is asked behind it again. */
START_TEST(a_link_that_comes_up_twice_is_asked_twice)
{
    begin_with(150);
    come_up("l", NULL);
    ck_assert_uint_eq(probes, 100);
    come_up("l", NULL);
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 250);
}
END_TEST

START_TEST(other_links_are_not_asked)
{
    begin_with(3);
    come_up("m", NULL);
    come_up("l", "c.example"); /* names = per-peer: the part for another peer */
    come_up("m", "b.example"); /* ... that of another link, for this one */
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 0);
    come_up("l", "b.example");
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 3);
}
END_TEST

START_TEST(a_domain_that_moves_to_another_link_is_asked_there)
{
    begin_with(3);
    stage_reload("l", peers);
    ck_assert_uint_eq(probes, 0);
    deaf = 3; /* the other one is down */
    stage_reload("m", peers);
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 0);
    deaf = 0;
    come_up("m", NULL);
    xf_simple_resume(simple);
    fake_env_advance(&env, 5000);
    ck_assert_uint_eq(probes, 3);
    stage_reload("m", peers);
    come_up("l", NULL);
    ck_assert_uint_eq(probes, 3);
}
END_TEST

/* ------------------------------------------------------------------ memory */

static void show(unsigned number)
{
    char from[40], to[60];
    struct xf_stanza_scratch scratch;
    bool is_from;
    enum xf_stanza_error error;
    const char *text;
    (void)snprintf(from, sizeof(from), "user%u@a.example/desktop", number);
    (void)snprintf(to, sizeof(to), "watcher%u@b.example", number);
    struct xf_stanza stanza = {
        .kind = XF_STANZA_PRESENCE,
        .raw_from = xf_span_of(from),
        .raw_to = xf_span_of(to),
        .payload = XF_SPAN("<show>away</show><status>In a meeting until noon</status>")};
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    ck_assert(xf_simple_take(simple, &stanza, &error, &text));
}

START_TEST(a_subscription_is_small)
{
    struct made made;
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < MANY; i++) {
        make_record(&made, i, XF_NOTIFIER_ASKED, "b.example");
        ck_assert(restore(&made));
        show(i);
    }
    size_t bytes = mallinfo2().uordblks - before;
    ck_assert_uint_eq(count_in(), MANY);
    printf("%zu bytes a subscription\n", bytes / MANY);
    ck_assert_uint_le(bytes / MANY, BYTES_MAX); /* 0 with a sanitizer, which has its own malloc */
}
END_TEST

/* Presence of user 1 for a peer that may have 2 KiB of it. */
static void show_long(unsigned resource, const char *type)
{
    char from[40], payload[1000];
    struct xf_stanza_scratch scratch;
    bool is_from;
    enum xf_stanza_error error;
    const char *text;
    (void)snprintf(from, sizeof(from), "user1@a.example/%02u", resource);
    (void)snprintf(payload, sizeof(payload), "<status>%0900u</status>", resource);
    struct xf_stanza stanza = {.kind = XF_STANZA_PRESENCE,
                               .raw_from = xf_span_of(from),
                               .raw_to = XF_SPAN("watcher1@e.example"),
                               .type = type ? xf_span_of(type) : XF_SPAN_NONE,
                               .payload = xf_span_of(payload)};
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    ck_assert(xf_simple_take(simple, &stanza, &error, &text));
}

static size_t notes_of(const struct xf_notifier_watch *watch, size_t *out_count)
{
    struct xf_pidf_resource resources[XF_NOTIFIER_RESOURCES_MAX];
    size_t notes = 0;
    *out_count = xf_notifier_resources_list(watch, resources);
    for (size_t i = 0; i < *out_count; i++)
        notes += resources[i].availability.note_count;
    return notes;
}

START_TEST(texts_of_a_peer_are_bounded)
{
    struct made made;
    size_t count;
    make_record(&made, 1, XF_NOTIFIER_ASKED, "e.example");
    ck_assert(restore(&made));
    const struct xf_notifier_watch *watch =
        xf_notifier_find(simple, XF_SPAN("user1@a.example"), XF_SPAN("watcher1@e.example"));
    ck_assert(watch);
    for (unsigned i = 0; i < XF_NOTIFIER_RESOURCES_MAX; i++)
        show_long(i, NULL);
    ck_assert_uint_eq(notes_of(watch, &count), 2);
    ck_assert_uint_lt(count, XF_NOTIFIER_RESOURCES_MAX);
    for (unsigned i = 0; i < XF_NOTIFIER_RESOURCES_MAX; i++)
        show_long(i, "unavailable");
    show_long(7, NULL);
    show_long(8, NULL);
    ck_assert_uint_eq(notes_of(watch, &count), 2);
    ck_assert_uint_eq(count, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simple/notifier");
    TCase *tc = tcase_create("restore");
    tcase_add_checked_fixture(tc, set_up, stage_end);
    tcase_set_timeout(tc, 60); /* with sanitizers many take their time */
    tcase_add_test(tc, good_ones_go_on);
    tcase_add_test(tc, who_cannot_be_told_keeps_nobody_waiting);
    tcase_add_test(tc, what_policy_forbids_now_does_not);
    tcase_add_test(tc, what_makes_no_sense_is_refused);
    tcase_add_test(tc, damage_does_no_harm);
    tcase_add_test(tc, a_question_before_the_clock_began_is_forgotten);
    tcase_add_test(tc, texts_of_a_peer_are_bounded);
    tcase_add_test(tc, none_lasts_longer_than_we_grant);
    tcase_add_test(tc, a_subscription_is_small);
    tcase_add_test(tc, a_link_that_is_up_again_is_asked_some_at_a_time);
    tcase_add_test(tc, a_link_that_comes_up_twice_is_asked_twice);
    tcase_add_test(tc, other_links_are_not_asked);
    tcase_add_test(tc, a_domain_that_moves_to_another_link_is_asked_there);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
