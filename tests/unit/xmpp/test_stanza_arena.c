/* SPDX-License-Identifier: MIT */
/* test_stanza_arena.c — copies in few pieces of memory: order of freeing, sizes, what is left. */
#include <check.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/stanza_arena.h>

static char body[8192];

static struct xf_stanza_copy *copy_of(struct xf_stanza_arena *arena, size_t bytes, char fill)
{
    memset(body, fill, bytes);
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE, .payload = {body, bytes}};
    struct xf_stanza_copy *copy = xf_stanza_arena_copy(arena, &stanza, 1);
    ck_assert(!copy->piece || (uintptr_t)copy % 64 == 0);
    return copy;
}

static void is_whole(const struct xf_stanza_copy *copy, size_t bytes, char fill)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    ck_assert_uint_eq(stanza.payload.len, bytes);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_int_eq(stanza.payload.ptr[i], fill);
}

/* Bytes of payload of each copy in turn, and in which order they are freed. */
static const struct {
    const char *label;
    size_t bytes[8];
    size_t order[8];
    size_t count;
} tests[] = {
    /* clang-format off */
    {"in order",                {10, 200, 30, 400, 50},        {0, 1, 2, 3, 4},       5},
    {"the newest first",        {10, 200, 30, 400, 50},        {4, 3, 2, 1, 0},       5},
    {"over several pieces",     {900, 900, 900, 900, 900, 900},{0, 2, 1, 5, 3, 4},    6},
    {"large ones on their own", {10, 5000, 10, 8000},          {1, 0, 3, 2},          4},
    /* clang-format on */
};

START_TEST(frees_in_any_order)
{
    struct xf_stanza_arena arena = {0};
    struct xf_stanza_copy *copies[8];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < tests[_i].count; i++)
            copies[i] = copy_of(&arena, tests[_i].bytes[i], (char)('a' + i));
        for (size_t i = 0; i < tests[_i].count; i++) {
            size_t at = tests[_i].order[i];
            is_whole(copies[at], tests[_i].bytes[at], (char)('a' + at));
            xf_stanza_arena_free(&arena, copies[at]);
        }
        ck_assert_msg(!arena.last, "%s", tests[_i].label);
    }
}
END_TEST

START_TEST(takes_one_out)
{
    struct xf_stanza_arena arena = {0};
    struct xf_stanza_copy *first = copy_of(&arena, 100, 'a'), *second = copy_of(&arena, 100, 'b');
    ck_assert(first->piece && first->piece == second->piece);
    struct xf_stanza_copy *own = xf_stanza_arena_take(&arena, first);
    ck_assert(!own->piece && own->bytes > 100);
    xf_stanza_arena_free(&arena, second);
    ck_assert(!arena.last);
    is_whole(own, 100, 'a');
    ck_assert(xf_stanza_arena_take(&arena, own) == own);
    xf_free(own);
}
END_TEST

START_TEST(grows_with_what_it_holds)
{
    struct xf_stanza_arena arena = {0};
    struct xf_stanza_copy *copies[400];
    for (size_t i = 0; i < XF_ARRAY_LEN(copies); i++)
        copies[i] = copy_of(&arena, 1000, 'x');
    ck_assert_uint_eq(arena.next_bytes, XF_ARENA_PIECE_MAX);
    for (size_t i = 0; i < XF_ARRAY_LEN(copies); i++)
        xf_stanza_arena_free(&arena, copies[i]);
    ck_assert(!arena.last);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stanza arena");
    TCase *tcase = tcase_create("stanza arena");
    tcase_add_loop_test(tcase, frees_in_any_order, 0, (int)XF_ARRAY_LEN(tests));
    tcase_add_test(tcase, takes_one_out);
    tcase_add_test(tcase, grows_with_what_it_holds);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
