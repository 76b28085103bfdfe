/* SPDX-License-Identifier: MIT */
/*
 * test_stanza_queue.c — stanzas that wait: their order, and sums that hold whatever is put in and
 * taken out.
 */
#include <xfed/xmpp/stanza_queue.h>

#include <check.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

static struct xf_stanza stanza(const char *id)
{
    struct xf_span from = XF_SPAN("a@b"), to = XF_SPAN("c@d");
    return (struct xf_stanza){
        .from = {.full = from, .local = {from.ptr, 1}, .domain = {from.ptr + 2, 1}},
        .to = {.full = to, .local = {to.ptr, 1}, .domain = {to.ptr + 2, 1}},
        .id = xf_span_of(id),
    };
}

static void push(struct xf_stanza_queue *queue, const char *id, uint64_t now_ms)
{
    struct xf_stanza one = stanza(id);
    xf_stanza_queue_push(queue, &one, now_ms);
}

static void expect_id(const struct xf_stanza_copy *copy, const char *id)
{
    struct xf_stanza read;
    xf_stanza_copy_read(copy, &read);
    ck_assert_msg(xf_span_is(read.id, id), "%.*s instead of %s", XF_SPAN_ARGS(read.id), id);
}

/* Whole queue, oldest first, one letter a stanza; and that its sum is what it holds. */
static void expect(const struct xf_stanza_queue *queue, const char *ids)
{
    size_t bytes = 0, count = 0;
    XF_STANZA_QUEUE_EACH (copy, queue) {
        const char id[] = {ids[count++], '\0'};
        expect_id(copy, id);
        bytes += copy->bytes;
    }
    ck_assert_uint_eq(count, strlen(ids));
    ck_assert_uint_eq(queue->held.count, count);
    ck_assert_uint_eq(queue->held.bytes, bytes);
    ck_assert(xf_stanza_queue_is_empty(queue) == (count == 0));
}

START_TEST(stanzas_come_out_in_the_order_in_which_they_came)
{
    struct xf_stanza_queue queue;
    xf_stanza_queue_init(&queue, NULL);
    ck_assert_ptr_null(xf_stanza_queue_front(&queue));
    push(&queue, "1", 10);
    push(&queue, "2", 20);
    push(&queue, "3", 30);
    expect(&queue, "123");
    ck_assert_uint_eq(xf_stanza_queue_front(&queue)->at_ms, 10);
    for (unsigned i = 1; i <= 3; i++) {
        struct xf_stanza_copy *copy = xf_stanza_queue_pop(&queue);
        ck_assert_uint_eq(copy->at_ms, 10 * i);
        xf_free(copy);
    }
    expect(&queue, "");
}
END_TEST

START_TEST(one_that_was_taken_out_can_go_back_in_front_or_to_the_end)
{
    struct xf_stanza_queue queue, other;
    xf_stanza_queue_init(&queue, NULL);
    xf_stanza_queue_init(&other, NULL);
    push(&queue, "1", 0);
    push(&queue, "2", 0);
    struct xf_stanza_copy *first = xf_stanza_queue_pop(&queue);
    expect(&queue, "2");
    push(&queue, "3", 0);
    xf_stanza_queue_put_back(&queue, first);
    expect(&queue, "123");
    push(&other, "4", 0);
    xf_stanza_queue_append(&other, xf_stanza_queue_pop(&queue));
    expect(&queue, "23");
    expect(&other, "41");
    xf_stanza_queue_clear(&queue);
    xf_stanza_queue_put_back(&queue, xf_stanza_queue_pop(&other));
    expect(&queue, "4");
    xf_stanza_queue_clear(&queue);
    xf_stanza_queue_clear(&other);
    expect(&queue, "");
    expect(&other, "");
}
END_TEST

START_TEST(a_walk_may_take_out_what_it_meets)
{
    static const char *const taken[] = {"1", "3", "5", "135", "12345", ""}, *const left[] = {
                                                                                "2345", "1245",
                                                                                "1234", "24",
                                                                                "",     "12345"};
    struct xf_stanza_queue queue;
    xf_stanza_queue_init(&queue, NULL);
    for (char id[] = "1"; *id <= '5'; ++*id)
        push(&queue, id, 0);
    char number = '1';
    XF_STANZA_QUEUE_EACH (copy, &queue) {
        if (strchr(taken[_i], number++)) {
            xf_stanza_queue_remove(&queue, copy);
            xf_free(copy);
        }
    }
    expect(&queue, left[_i]);
    xf_stanza_queue_clear(&queue);
}
END_TEST

START_TEST(queues_share_a_sum)
{
    struct xf_stanza_sum sum = {0};
    struct xf_stanza_queue one, two;
    xf_stanza_queue_init(&one, &sum);
    xf_stanza_queue_init(&two, &sum);
    push(&one, "1", 0);
    push(&one, "22", 0);
    push(&two, "333", 0);
    ck_assert_uint_eq(sum.count, 3);
    ck_assert_uint_eq(sum.bytes, one.held.bytes + two.held.bytes);
    xf_stanza_queue_append(&two, xf_stanza_queue_pop(&one));
    ck_assert_uint_eq(sum.count, 3);
    ck_assert_uint_eq(sum.bytes, one.held.bytes + two.held.bytes);
    xf_stanza_queue_clear(&one);
    ck_assert_uint_eq(sum.count, 2);
    ck_assert_uint_eq(sum.bytes, two.held.bytes);
    xf_stanza_queue_clear(&two);
    ck_assert_uint_eq(sum.count, 0);
    ck_assert_uint_eq(sum.bytes, 0);
}
END_TEST

START_TEST(a_stanza_takes_what_was_said_before)
{
    struct xf_stanza_queue queue;
    struct xf_stanza one = stanza("an id");
    xf_stanza_queue_init(&queue, NULL);
    size_t bytes = xf_stanza_copy_size(&one);
    xf_stanza_queue_push(&queue, &one, 0);
    ck_assert_uint_eq(queue.held.bytes, bytes);
    xf_stanza_queue_clear(&queue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xmpp/stanza_queue");
    TCase *tc = tcase_create("stanza_queue");
    tcase_add_test(tc, stanzas_come_out_in_the_order_in_which_they_came);
    tcase_add_test(tc, one_that_was_taken_out_can_go_back_in_front_or_to_the_end);
    tcase_add_loop_test(tc, a_walk_may_take_out_what_it_meets, 0, 6);
    tcase_add_test(tc, queues_share_a_sum);
    tcase_add_test(tc, a_stanza_takes_what_was_said_before);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
