/* SPDX-License-Identifier: MIT */
/* test_attempts.c — what is kept of a peer's streams, and for how long. */
#include <xfed/attempts/attempts.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/err.h>

static struct xf_clock now = {.now_ms = 1000};
static struct xf_attempts *attempts;

static void swallow(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner, (void)level, (void)event, (void)line;
}

static bool is_partner(void *owner, struct xf_span peer)
{
    (void)owner;
    return xf_span_is(peer, "partner.example");
}

static void begin(size_t max_bytes)
{
    xf_log_set_sink(swallow, NULL);
    attempts = xf_attempts_new(
        &(struct xf_attempts_opts){.clock = &now, .max_bytes = max_bytes, .is_named = is_partner});
}

static void end(void)
{
    xf_attempts_free(&attempts);
    xf_log_set_sink(NULL, NULL);
}

static void moved(const char *peer, uint64_t stream, const char *purpose, const char *to)
{
    xf_log(XF_LOG_DEBUG, "s2s.state.moved", XF_STR("local", "a.example"), XF_STR("peer", peer),
           XF_WORD("for", purpose), XF_WORD("to", to), XF_INT("stream", stream));
}

static void up(const char *peer, uint64_t stream)
{
    xf_log(XF_LOG_INFO, "s2s.stream.up", XF_WORD("dir", "out"), XF_STR("peer", peer),
           XF_INT("stream", stream));
}

static void down(const char *peer, uint64_t stream, const char *dir, const char *reason)
{
    xf_log(XF_LOG_WARN, "s2s.stream.down", XF_WORD("dir", dir), XF_STR("peer", peer),
           XF_WORD("reason", reason), XF_STR("addr", "192.0.2.1:5269"), XF_INT("stream", stream));
}

struct seen {
    size_t count;
    uint64_t streams[64];
    enum xf_attempt_outcome outcome;
    size_t steps, left_out;
    char last_pairs[512], reason[32], dir[8];
    uint64_t last_ms;
};

static void see(void *owner, const struct xf_attempt *attempt)
{
    struct seen *seen = owner;
    ck_assert_uint_lt(seen->count, XF_ARRAY_LEN(seen->streams));
    seen->streams[seen->count++] = attempt->stream;
    if (seen->count > 1)
        return;
    const struct xf_attempt_step *last = &attempt->steps[attempt->step_count - 1];
    seen->outcome = attempt->outcome;
    seen->steps = attempt->step_count;
    seen->left_out = attempt->steps_left_out;
    seen->last_ms = last->ms;
    snprintf(seen->last_pairs, sizeof(seen->last_pairs), "%s", last->pairs);
    snprintf(seen->reason, sizeof(seen->reason), "%s", attempt->reason);
    snprintf(seen->dir, sizeof(seen->dir), "%s", attempt->dir);
}

static struct seen look(const char *peer)
{
    struct seen seen = {0};
    xf_attempts_show(attempts, xf_span_of(peer), see, &seen);
    return seen;
}

START_TEST(an_attempt_is_told_step_by_step)
{
    begin(1 << 20);
    moved("partner.example", 7, "delivery", "RESOLVING");
    now.now_ms += 12;
    moved("partner.example", 7, "delivery", "DIALING");
    struct seen seen = look("partner.example");
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_int_eq(seen.outcome, XF_ATTEMPT_UNDER_WAY);
    ck_assert_uint_eq(seen.steps, 2);
    ck_assert_uint_eq(seen.last_ms, 12);
    ck_assert_str_eq(seen.last_pairs, "for=delivery to=DIALING");
    ck_assert_str_eq(seen.dir, "out");
    end();
}
END_TEST

START_TEST(outcomes_follow_up_and_down)
{
    begin(1 << 20);
    down("partner.example", 1, "out", "connect");
    ck_assert_int_eq(look("partner.example").outcome, XF_ATTEMPT_FAILED);
    down("partner.example", 1, "out", "tls");
    ck_assert_str_eq(look("partner.example").reason, "tls");
    up("partner.example", 1);
    ck_assert_int_eq(look("partner.example").outcome, XF_ATTEMPT_UP);
    down("partner.example", 1, "out", "idle");
    ck_assert_int_eq(look("partner.example").outcome, XF_ATTEMPT_ENDED);
    end();
}
END_TEST

START_TEST(lines_about_no_stream_or_no_peer_are_not_kept)
{
    begin(1 << 20);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_STR("peer", "partner.example"));
    xf_log(XF_LOG_INFO, "t.event.seen", XF_INT("stream", 3));
    ck_assert_uint_eq(look("partner.example").count, 0);
    end();
}
END_TEST

START_TEST(the_last_ones_of_each_direction_stay)
{
    begin(1 << 20);
    for (uint64_t i = 1; i <= XF_ATTEMPTS_EACH + 2; i++)
        moved("partner.example", i, "delivery", "RESOLVING");
    for (uint64_t i = 101; i <= 140; i++) /* somebody claims the name */
        down("partner.example", i, "in", "not-authorized");
    struct seen seen = look("partner.example");
    ck_assert_uint_eq(seen.count, 2 * XF_ATTEMPTS_EACH);
    ck_assert_uint_eq(seen.streams[0], 140);
    ck_assert_uint_eq(seen.streams[XF_ATTEMPTS_EACH], XF_ATTEMPTS_EACH + 2);
    ck_assert_uint_eq(seen.streams[2 * XF_ATTEMPTS_EACH - 1], 3);
    end();
}
END_TEST

START_TEST(a_long_attempt_keeps_its_beginning_and_its_end)
{
    begin(1 << 20);
    for (unsigned i = 0; i < XF_ATTEMPT_STEPS + 10; i++)
        moved("partner.example", 1, "delivery", "DIALING");
    down("partner.example", 1, "out", "timeout");
    struct seen seen = look("partner.example");
    ck_assert_uint_eq(seen.steps, XF_ATTEMPT_STEPS);
    ck_assert_uint_eq(seen.left_out, 11);
    ck_assert(strstr(seen.last_pairs, "reason=timeout"));
    end();
}
END_TEST

START_TEST(strangers_displace_only_strangers)
{
    char peer[64];
    begin(64 << 10);
    moved("partner.example", 1, "delivery", "RESOLVING");
    for (unsigned i = 0; i < 500; i++) {
        snprintf(peer, sizeof(peer), "x%u.example", i);
        down(peer, 1000 + i, "in", "lost");
    }
    ck_assert_uint_eq(look("partner.example").count, 1);
    ck_assert_uint_eq(look("x0.example").count, 0);
    ck_assert_uint_eq(look("x499.example").count, 1);
    end();
}
END_TEST

START_TEST(a_cut_keeps_characters_whole)
{
    char text[256] = "";
    begin(1 << 20);
    for (size_t i = 0; i + 3 < 250; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    xf_log(XF_LOG_INFO, "t.event.seen", XF_STR("peer", "partner.example"), XF_INT("stream", 1),
           XF_STR("a", text), XF_STR("bc", text));
    const char *pairs = look("partner.example").last_pairs;
    ck_assert_uint_gt(strlen(pairs), 390);
    ck_assert_uint_le(strlen(pairs), 400);
    ck_assert_uint_eq(((unsigned char)pairs[strlen(pairs) - 1] & 0xC0), 0x80);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attempts");
    TCase *tcase = tcase_create("attempts");
    tcase_add_test(tcase, an_attempt_is_told_step_by_step);
    tcase_add_test(tcase, outcomes_follow_up_and_down);
    tcase_add_test(tcase, lines_about_no_stream_or_no_peer_are_not_kept);
    tcase_add_test(tcase, the_last_ones_of_each_direction_stay);
    tcase_add_test(tcase, a_long_attempt_keeps_its_beginning_and_its_end);
    tcase_add_test(tcase, strangers_displace_only_strangers);
    tcase_add_test(tcase, a_cut_keeps_characters_whole);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
