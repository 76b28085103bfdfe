/* SPDX-License-Identifier: MIT */
/*
 * test_subscriber.c — subscriptions of our users: their table, their records, and how much memory
 * they need. What they do: tests/scenario/sip-presence-out-*.xft.
 */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "stage.h"
#include "subscriber_priv.h"
#include "tables.h"

#define MANY          4000
#define OF_A_USER     2000
#define BYTES_OF_EACH 1200 /* 50,000 in 60 MB */

/* clang-format off */
#define MOVE(in, on, to) {XF_SUBSCRIPTION_##in, XF_SUBSCRIPTION_ON_##on, XF_SUBSCRIPTION_##to}

static const struct table_move moves[] = {
    MOVE(NEW, START, RESTING),      MOVE(NEW, PENDING, PENDING),    MOVE(NEW, ACTIVE, ACTIVE),
    MOVE(RESTING, DUE, ASKED),      MOVE(RESTING, SLEEP, AWAY),     MOVE(RESTING, LEAVE, ENDED),
    MOVE(ASKED, ACCEPTED, WAITING), MOVE(ASKED, PENDING, PENDING),  MOVE(ASKED, ACTIVE, ACTIVE),
    MOVE(ASKED, LOST, RESTING),     MOVE(ASKED, REFUSED, ENDED),    MOVE(ASKED, LEAVE, ENDED),
    MOVE(WAITING, PENDING, PENDING), MOVE(WAITING, ACTIVE, ACTIVE),
    MOVE(WAITING, LOST, RESTING),   MOVE(WAITING, REFUSED, ENDED),  MOVE(WAITING, LEAVE, ENDED),
    MOVE(PENDING, ACTIVE, ACTIVE),  MOVE(PENDING, DUE, PENDING),    MOVE(PENDING, LOST, RESTING),
    MOVE(PENDING, SLEEP, AWAY),     MOVE(PENDING, REFUSED, ENDED),  MOVE(PENDING, LEAVE, ENDING),
    MOVE(ACTIVE, PENDING, PENDING), MOVE(ACTIVE, DUE, ACTIVE),      MOVE(ACTIVE, LOST, RESTING),
    MOVE(ACTIVE, SLEEP, AWAY),      MOVE(ACTIVE, REFUSED, ENDED),   MOVE(ACTIVE, LEAVE, ENDING),
    MOVE(ENDING, LEFT, ENDED),      MOVE(ENDING, START, RESTING),
    MOVE(AWAY, WAKE, RESTING),      MOVE(AWAY, LEAVE, ENDED),
    MOVE(ENDED, START, RESTING),    MOVE(ENDED, TOLD, OVER),
    MOVE(RESTING, SUSPEND, RESTING), MOVE(ASKED, SUSPEND, RESTING), MOVE(WAITING, SUSPEND, RESTING),
    MOVE(PENDING, SUSPEND, RESTING), MOVE(ACTIVE, SUSPEND, RESTING),
    {XF_MACHINE_ANY, XF_SUBSCRIPTION_ON_BAR, XF_SUBSCRIPTION_ENDED},
    {XF_MACHINE_ANY, XF_SUBSCRIPTION_ON_DROP, XF_SUBSCRIPTION_OVER},
};
/* clang-format on */

START_TEST(the_table_is_as_expected)
{
    table_must_be(&xf_subscription_machine, XF_SUBSCRIPTION_STATE_COUNT,
                  XF_SUBSCRIPTION_EVENT_COUNT, moves, XF_ARRAY_LEN(moves));
}
END_TEST

/* ------------------------------------------------------------------ records */

static const char peers[] = "listen { sip-tcp = {\"127.0.0.1:5060\"} }\n"
                            "peer \"b.example\" { protocol = sip sip-subscriptions = 4000 }\n"
                            "peer \"d.example\" { protocol = sip }\n";

static bool link_is_down; /* then nothing is taken */
static unsigned offers;

static enum xf_simple_taken take(void *owner, struct xf_stanza *stanza, uint64_t *out_wait_ms)
{
    (void)owner, (void)stanza, (void)out_wait_ms;
    offers++;
    return link_is_down ? XF_SIMPLE_LATER : XF_SIMPLE_TAKEN;
}

static const struct xf_simple_events nobody = {.stanza = take}; /* listens */

static void set_up(void)
{
    stage_begin(peers, &nobody, NULL);
}

static void put(struct xf_buf *out, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        char byte = (char)(number >> (8 * bytes));
        xf_buf_append(out, &byte, 1);
    }
}

/* A dialog of user `number` with v@ of the peer, as a server with one Record-Route makes it. */
static void put_dialog(struct xf_buf *out, unsigned number, const char *peer)
{
    struct xf_buf packed;
    xf_buf_init(&packed, XF_DIALOG_BYTES_MAX);
    struct xf_dialog dialog = {
        .served = xf_strdup("a.example"),
        .peer = xf_strdup(peer),
        .call_id = xf_asprintf("c%021u", number),
        .local_tag = xf_asprintf("t%021u", number),
        .remote_tag = xf_strdup("0123456789abcdef"),
        .from = xf_asprintf("<sip:u%u@a.example>;tag=t%021u", number, number),
        .to = xf_strdup("<sip:v@b.example>;tag=0123456789abcdef"),
        .target = xf_strdup("sip:v@sip.b.example:5061;transport=tls"),
        .route = xf_strdup("sip:sip.b.example;transport=tls;lr\n"),
        .local_cseq = 7,
        .remote_cseq = 8,
    };
    ck_assert_int_eq(xf_dialog_pack(&dialog, &packed), XF_ERR_OK);
    put(out, packed.len, 2);
    xf_buf_append_span(out, xf_buf_span(&packed));
    xf_dialog_fini(&dialog);
    xf_buf_release(&packed);
}

/* An active subscription, in the form of src/simple/subscriber_record.c. */
static void make_record_of(struct xf_buf *out, unsigned number, const char *peer)
{
    static const char payload[] = "<show>away</show><status>in a meeting</status>";
    uint64_t now_s = (uint64_t)env.env.unix_s(&env.env);
    xf_buf_clear(out);
    put(out, 1, 1);
    put(out, 2 | 4, 1); /* a state, which is open */
    put(out, 1, 1);
    put(out, now_s, 8);
    put(out, now_s + 3600, 8);
    put(out, now_s + 3000, 8);
    put(out, 0, 4);
    put_dialog(out, number, peer);
    put(out, strlen(payload), 2);
    xf_buf_append_str(out, payload);
}

static void make_record(struct xf_buf *out, unsigned number)
{
    make_record_of(out, number, "b.example");
}

static size_t restored(const char *key, struct xf_span record)
{
    (void)!xf_subscriber_restore(simple, xf_span_of(key), record, 1);
    return xf_map_count(simple->subscriber.by_pair);
}

START_TEST(what_is_no_record_is_forgotten)
{
    static const char *const bad_keys[] = {
        "o",
        "ou1@a.example",
        "ou1@a.example ",
        "o v@b.example",
        "ou1@a.example v@b.example v@b.example",
        "ou1@a.example/desk v@b.example",
        "ou1@a.example v@b.example/phone",
        "oa.example v@b.example",
        "oU1@a.example v@b.example",
        "ou1@other.example v@b.example", /* not served */
        "ou1@a.example v@c.example",     /* not SIP's */
        "ou1@a.example v@sub.b.example", /* the dialog is another domain's */
    };
    static const char key[] = "ou1@a.example v@b.example";
    struct xf_buf record;
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record(&record, 1);
    for (size_t i = 0; i < XF_ARRAY_LEN(bad_keys); i++)
        ck_assert_msg(restored(bad_keys[i], xf_buf_span(&record)) == 0, "%s", bad_keys[i]);
    for (size_t len = 0; len < record.len; len++)
        ck_assert_uint_eq(restored(key, (struct xf_span){xf_buf_ptr(&record), len}), 0);
    xf_buf_append_str(&record, "x");
    ck_assert_uint_eq(restored(key, xf_buf_span(&record)), 0);
    ((char *)(uintptr_t)xf_buf_ptr(&record))[0] = 2; /* of another version */
    ck_assert_uint_eq(restored(key, (struct xf_span){xf_buf_ptr(&record), record.len - 1}), 0);
    make_record(&record, 1);
    ck_assert_uint_eq(restored(key, xf_buf_span(&record)), 1);
    ck_assert_uint_eq(restored(key, xf_buf_span(&record)), 1); /* twice the same */
    ck_assert_uint_eq(restored("ou2@a.example v@b.example", xf_buf_span(&record)), 1);
    xf_buf_release(&record);
}
END_TEST

/* Broken bytes may be taken for good ones, but for nothing else. */
START_TEST(a_changed_byte_does_no_harm)
{
    static const char key[] = "ou1@a.example v@b.example";
    struct xf_buf record;
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record(&record, 1);
    for (size_t at = 0; at < record.len; at++) {
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            char *byte = (char *)(uintptr_t)xf_buf_ptr(&record) + at, before = *byte;
            *byte = (char)(before ^ (int)bit);
            if (restored(key, xf_buf_span(&record)) == 1) {
                void *sub = xf_map_find(simple->subscriber.by_pair, xf_span_of(key + 1));
                xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
            }
            ck_assert_uint_eq(xf_map_count(simple->subscriber.by_tag), 0);
            *byte = before;
        }
    }
    xf_buf_release(&record);
}
END_TEST

/* With sanitizers mallinfo2 counts nothing. */
START_TEST(many_need_little_memory)
{
    struct xf_buf record;
    char key[64];
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record(&record, 0);
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < MANY; i++) {
        make_record(&record, i);
        snprintf(key, sizeof(key), "ou%u@a.example v@b.example", i);
        ck_assert_uint_eq(restored(key, xf_buf_span(&record)), i + 1);
    }
    size_t each = (mallinfo2().uordblks - before) / MANY;
    ck_assert_uint_le(each, BYTES_OF_EACH);
    /* The next one is one too many. */
    make_record(&record, MANY);
    snprintf(key, sizeof(key), "ou%u@a.example v@b.example", MANY);
    ck_assert_uint_eq(restored(key, xf_buf_span(&record)), MANY);
    xf_buf_release(&record);
}
END_TEST

/* One user has not all places of a domain; what ends leaves its place. */
START_TEST(a_user_has_so_many)
{
    struct xf_buf record;
    char key[64];
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    for (unsigned i = 0; i <= OF_A_USER; i++) {
        make_record(&record, i);
        snprintf(key, sizeof(key), "ou@a.example v%u@b.example", i);
        ck_assert_uint_eq(restored(key, xf_buf_span(&record)), i < OF_A_USER ? i + 1 : i);
    }
    make_record(&record, MANY);
    ck_assert_uint_eq(restored("ow@a.example v@b.example", xf_buf_span(&record)), OF_A_USER + 1);
    void *sub = xf_map_find(simple->subscriber.by_pair, XF_SPAN("u@a.example v7@b.example"));
    xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
    make_record(&record, MANY + 1);
    ck_assert_uint_eq(restored(key, xf_buf_span(&record)), OF_A_USER + 1);
    xf_buf_release(&record);
}
END_TEST

static void restore_many(void)
{
    struct xf_buf record;
    char key[64];
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    for (unsigned i = 0; i < MANY; i++) {
        make_record(&record, i);
        snprintf(key, sizeof(key), "ou%u@a.example v@b.example", i);
        ck_assert_uint_eq(restored(key, xf_buf_span(&record)), i + 1);
    }
    xf_buf_release(&record);
}

static unsigned waiting(void)
{
    unsigned count = 0;
    void *value;
    for (size_t cursor = 0; xf_map_next(simple->subscriber.by_pair, &cursor, NULL, &value);)
        count += xf_turn_waits(&((struct xf_subscription *)value)->turn);
    return count;
}

/*
 * What a peer says puts no SUBSCRIBE before its turn: else each would take several turns in the
 * time of one, and those of other peers would never come.
 */
START_TEST(a_notify_does_not_jump_the_queue)
{
    restore_many();
    fake_env_advance(&env, 1);
    ck_assert_uint_gt(waiting(), MANY / 2);
    void *value;
    for (size_t cursor = 0; xf_map_next(simple->subscriber.by_pair, &cursor, NULL, &value);) {
        struct xf_subscription *sub = value;
        if (!xf_turn_waits(&sub->turn))
            continue;
        xf_subscription_shorten(sub, 6);
        ck_assert_uint_eq(sub->due_ms, UINT64_MAX);
        ck_assert_ptr_null(sub->client);
    }
}
END_TEST

/* However many wait for a turn to one peer, one to another waits for no more than one of them. */
START_TEST(another_peer_does_not_wait_for_all)
{
    struct xf_buf record;
    restore_many();
    fake_env_advance(&env, 1);
    unsigned before = waiting();
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record_of(&record, MANY, "d.example");
    ck_assert_uint_eq(restored("ou@a.example v@d.example", xf_buf_span(&record)), MANY + 1);
    fake_env_advance(&env, 11);
    const struct xf_subscription *sub =
        xf_map_find(simple->subscriber.by_pair, XF_SPAN("u@a.example v@d.example"));
    ck_assert(sub->client);
    ck_assert_uint_gt(waiting(), before - 4);
    xf_buf_release(&record);
}
END_TEST

static void set_up_strangers(void)
{
    stage_begin("listen { sip-tcp = {\"127.0.0.1:5060\"} }\n"
                "policy { default = allow }\n"
                "peer \"*.example\" { protocol = sip }\n"
                "peer \"d.example\" { protocol = sip }\n",
                &nobody, NULL);
}

/* However many strangers there are, and owners of theirs, a peer with a section waits for none. */
START_TEST(a_peer_with_a_section_waits_for_no_stranger)
{
    struct xf_buf record;
    restore_many();
    fake_env_advance(&env, 1);
    unsigned before = waiting();
    ck_assert_uint_gt(before, MANY / 2);
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record_of(&record, MANY, "d.example");
    ck_assert_uint_eq(restored("ou@a.example v@d.example", xf_buf_span(&record)), MANY + 1);
    fake_env_advance(&env, 1);
    const struct xf_subscription *sub =
        xf_map_find(simple->subscriber.by_pair, XF_SPAN("u@a.example v@d.example"));
    ck_assert(sub->client);
    ck_assert_uint_eq(waiting(), before);
    xf_buf_release(&record);
}
END_TEST

/* Who is left by its user while it waits for its turn says so at once, and waits no longer. */
START_TEST(who_leaves_does_not_wait)
{
    restore_many();
    fake_env_advance(&env, 1);
    unsigned before = waiting();
    void *value;
    for (size_t cursor = 0; xf_map_next(simple->subscriber.by_pair, &cursor, NULL, &value);)
        if (xf_turn_waits(&((struct xf_subscription *)value)->turn))
            break;
    xf_subscription_fire(value, XF_SUBSCRIPTION_ON_LEAVE);
    ck_assert_uint_eq(waiting(), before - 1);
}
END_TEST

/* Whatever happens elsewhere makes us look whether the cluster takes more: not at all of them. */
START_TEST(users_are_told_some_at_a_time)
{
    void *value;
    restore_many();
    fake_env_advance(&env, 1);
    link_is_down = true;
    for (size_t cursor = 0; xf_map_next(simple->subscriber.by_pair, &cursor, NULL, &value);)
        xf_subscription_tell(value, XF_TELL_STATE);
    offers = 0;
    for (unsigned i = 0; i < 100; i++)
        xf_simple_resume(simple);
    ck_assert_uint_gt(offers, 0);
    ck_assert_uint_lt(offers, MANY / 4);
    /* Behind those whose link is down there may be others: each is looked at (or refreshed). */
    fake_env_advance(&env, 2000);
    ck_assert_uint_ge(offers, MANY);
    ck_assert_uint_lt(offers, MANY + MANY / 4);
    link_is_down = false;
    offers = 0;
    xf_simple_resume(simple);
    fake_env_advance(&env, 1000);
    ck_assert_uint_eq(offers, MANY);
    ck_assert(xf_list_is_empty(&simple->subscriber.untold));
}
END_TEST

/* The calendar of the process before may have been ahead of ours. */
START_TEST(a_sign_of_life_is_never_in_the_future)
{
    struct xf_buf record;
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record(&record, 1);
    char bytes[2 * XF_DIALOG_BYTES_MAX];
    ck_assert_uint_le(record.len, sizeof(bytes));
    memcpy(bytes, xf_buf_ptr(&record), record.len);
    uint64_t seen_s = (uint64_t)env.env.unix_s(&env.env) + 5;
    for (unsigned i = 0; i < 8; i++)
        bytes[3 + i] = (char)(seen_s >> (56 - 8 * i));
    ck_assert_uint_eq(restored("ou1@a.example v@b.example", (struct xf_span){bytes, record.len}),
                      1);
    fake_env_advance(&env, 1);
    const struct xf_subscription *sub =
        xf_map_find(simple->subscriber.by_pair, XF_SPAN("u1@a.example v@b.example"));
    ck_assert(sub && sub->client); /* it is refreshed, as of a user who is there */
    xf_buf_release(&record);
}
END_TEST

/* At the cap all records together are more than may wait to be written. */
START_TEST(a_good_record_is_not_written_again)
{
    struct xf_buf record;
    xf_buf_init(&record, 2 * XF_DIALOG_BYTES_MAX);
    make_record(&record, 1);
    ck_assert_uint_eq(restored("ou1@a.example v@b.example", xf_buf_span(&record)), 1);
    const struct xf_subscription *sub =
        xf_map_find(simple->subscriber.by_pair, XF_SPAN("u1@a.example v@b.example"));
    ck_assert(sub && sub->state == XF_SUBSCRIPTION_ACTIVE && !sub->is_changed);
    fake_env_advance(&env, 1);
    ck_assert(sub->client && sub->is_changed); /* its CSeq is another one now */
    xf_buf_release(&record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subscriber");
    TCase *tests = tcase_create("subscriber");
    tcase_add_test(tests, the_table_is_as_expected);
    suite_add_tcase(suite, tests);
    TCase *records = tcase_create("records");
    tcase_add_checked_fixture(records, set_up, stage_end);
    tcase_add_test(records, what_is_no_record_is_forgotten);
    tcase_add_test(records, a_changed_byte_does_no_harm);
    tcase_add_test(records, many_need_little_memory);
    tcase_add_test(records, a_user_has_so_many);
    tcase_add_test(records, a_notify_does_not_jump_the_queue);
    tcase_add_test(records, another_peer_does_not_wait_for_all);
    tcase_add_test(records, who_leaves_does_not_wait);
    tcase_add_test(records, users_are_told_some_at_a_time);
    tcase_add_test(records, a_sign_of_life_is_never_in_the_future);
    tcase_add_test(records, a_good_record_is_not_written_again);
    suite_add_tcase(suite, records);
    TCase *strangers = tcase_create("strangers");
    tcase_add_checked_fixture(strangers, set_up_strangers, stage_end);
    tcase_add_test(strangers, a_peer_with_a_section_waits_for_no_stranger);
    suite_add_tcase(suite, strangers);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
