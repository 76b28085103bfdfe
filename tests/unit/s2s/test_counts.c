/* SPDX-License-Identifier: MIT */
/*
 * test_counts.c — peers are counted by name as long as there is room; what is counted is never
 * lost, whoever has to make room.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "in_priv.h"
#include "out_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define ROOM 3

static struct xf_conf_peer named[] = {{.pattern = (char[]){"named.example"}}};
static struct xf_conf conf = {.peers = named, .peer_count = 1};
static struct xf_s2s s2s;

static void begin(void)
{
    s2s = (struct xf_s2s){.settings.counted_peers = ROOM,
                          .policy = xf_policy_new(&(struct xf_policy_opts){.conf = &conf})};
    xf_counting_init(&s2s.counting);
}

static void end(void)
{
    xf_counting_fini(&s2s.counting);
    xf_policy_free(&s2s.policy);
}

/* One stanza of 10 bytes from the peer, one of 20 to it. */
static struct xf_counted *talk(const char *peer)
{
    struct xf_counted *counted = xf_counted_hold(&s2s, xf_span_of(peer));
    xf_traffic_add(&counted->counts.in, XF_STANZA_MESSAGE, 10);
    xf_traffic_add(&counted->counts.out, XF_STANZA_IQ, 20);
    return counted;
}

static void talk_and_leave(const char *peer)
{
    struct xf_counted *counted = talk(peer);
    xf_counted_leave(&s2s, &counted);
}

struct seen {
    char names[500];
    size_t count;
    uint64_t in, out, bytes, of_others;
};

static void see(void *owner, struct xf_span peer, const struct xf_peer_counts *counts)
{
    struct seen *seen = owner;
    size_t len = strlen(seen->names);
    (void)snprintf(seen->names + len, sizeof(seen->names) - len, "%.*s ", XF_SPAN_ARGS(peer));
    seen->count += peer.ptr != NULL;
    seen->in += counts->in.stanzas[XF_STANZA_MESSAGE];
    seen->out += counts->out.stanzas[XF_STANZA_IQ];
    seen->bytes += counts->in.bytes + counts->out.bytes;
    if (!peer.ptr)
        seen->of_others = counts->in.stanzas[XF_STANZA_MESSAGE];
}

static struct seen look(void)
{
    struct seen seen = {.names = ""};
    xf_s2s_each_peer(&s2s, see, &seen);
    return seen;
}

START_TEST(a_peer_is_found_again)
{
    talk_and_leave("b.example");
    struct xf_counted *first = talk("b.example"), *second = talk("b.example");
    ck_assert_ptr_eq(first, second);
    xf_counted_leave(&s2s, &first);
    ck_assert_ptr_null(first);
    xf_counted_leave(&s2s, &second);
    struct seen seen = look();
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.in, 3);
    ck_assert_uint_eq(seen.bytes, 90);
    ck_assert_uint_eq(seen.of_others, 0);
}
END_TEST

START_TEST(the_longest_unused_one_makes_room)
{
    talk_and_leave("b.example");
    talk_and_leave("c.example");
    talk_and_leave("d.example");
    talk_and_leave("b.example");
    talk_and_leave("e.example"); /* c goes */
    struct seen seen = look();
    ck_assert_uint_eq(seen.count, ROOM);
    ck_assert_ptr_null(strstr(seen.names, "c.example"));
    ck_assert_ptr_nonnull(strstr(seen.names, "b.example"));
    ck_assert_uint_eq(seen.of_others, 1);
    ck_assert_uint_eq(seen.in, 5);
}
END_TEST

START_TEST(nobody_who_is_there_makes_room)
{
    struct xf_counted *held[ROOM] = {talk("b.example"), talk("c.example"), talk("d.example")};
    struct xf_counted *more = talk("e.example");
    struct seen seen = look();
    ck_assert_uint_eq(seen.count, ROOM);
    ck_assert_uint_eq(seen.of_others, 1);
    xf_counted_leave(&s2s, &more);
    for (size_t i = 0; i < ROOM; i++)
        xf_counted_leave(&s2s, &held[i]);
}
END_TEST

START_TEST(no_flood_of_names_hides_a_named_peer)
{
    char name[32];
    talk_and_leave("named.example");
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "%d.example", i);
        talk_and_leave(name);
    }
    struct seen seen = look();
    ck_assert_uint_eq(seen.count, ROOM + 1);
    ck_assert_ptr_nonnull(strstr(seen.names, "named.example"));
    ck_assert_uint_eq(seen.in, 100001);
    ck_assert_uint_eq(seen.out, 100001);
    ck_assert_uint_eq(seen.bytes, 30 * 100001ull);
}
END_TEST

START_TEST(the_last_certificate_is_noted)
{
    const struct xf_tls_facts good = {.chain = XF_CERT_TRUSTED, .not_after_s = 1800000000},
                              none = {.chain = XF_CERT_NONE};
    struct xf_counted *counted = talk("b.example");
    xf_counted_note_tls(counted, NULL);
    ck_assert_int_eq(counted->counts.cert_until_s, 0);
    xf_counted_note_tls(counted, &good);
    xf_counted_note_tls(counted, &none);
    ck_assert_int_eq(counted->counts.cert_until_s, 1800000000);
    xf_counted_leave(&s2s, &counted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/counts");
    TCase *tc = tcase_create("counts");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_peer_is_found_again);
    tcase_add_test(tc, the_longest_unused_one_makes_room);
    tcase_add_test(tc, nobody_who_is_there_makes_room);
    tcase_add_test(tc, no_flood_of_names_hides_a_named_peer);
    tcase_add_test(tc, the_last_certificate_is_noted);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
