/* SPDX-License-Identifier: MIT */
/* test_list.c — order, removal and walking of the intrusive list. */
#include <xfed/base/list.h>

#include <check.h>

#include <xfed/base/err.h>

struct item {
    char name;
    struct xf_node node;
};

static void expect(struct xf_node *head, const char *names)
{
    const char *want = names;

    XF_LIST_EACH (node, head) {
        ck_assert_msg(*want == XF_CONTAINER(node, struct item, node)->name, "%s", names);
        ck_assert_ptr_eq(node->next->prev, node);
        want++;
    }
    ck_assert_msg(*want == '\0', "%s", names);
}

START_TEST(keeps_order_and_forgets_the_removed)
{
    struct xf_node head;
    struct item items[3] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};

    xf_list_init(&head);
    ck_assert(xf_list_is_empty(&head));
    for (size_t i = 0; i < XF_ARRAY_LEN(items); i++)
        xf_list_push(&head, &items[i].node);
    expect(&head, "abc");
    ck_assert(xf_list_is_linked(&items[1].node));

    xf_list_remove(&items[1].node);
    expect(&head, "ac");
    ck_assert(!xf_list_is_linked(&items[1].node));
    xf_list_remove(&items[1].node); /* nothing happens */
    expect(&head, "ac");

    xf_list_push(&head, &items[1].node);
    expect(&head, "acb");
}
END_TEST

START_TEST(zeroed_and_initialised_nodes_are_not_linked)
{
    struct xf_node zeroed = {0}, ring;

    xf_list_init(&ring);
    ck_assert(!xf_list_is_linked(&zeroed));
    ck_assert(!xf_list_is_linked(&ring));
    xf_list_remove(&zeroed);
}
END_TEST

START_TEST(the_body_of_a_safe_walk_may_remove)
{
    struct xf_node head;
    struct item items[4] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
    size_t seen = 0;

    xf_list_init(&head);
    for (size_t i = 0; i < XF_ARRAY_LEN(items); i++)
        xf_list_push(&head, &items[i].node);
    XF_LIST_EACH_SAFE (node, &head) {
        if (seen++ % 2 == 0)
            xf_list_remove(node);
    }
    ck_assert_uint_eq(seen, 4);
    expect(&head, "bd");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("list");
    TCase *tcase = tcase_create("list");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, keeps_order_and_forgets_the_removed);
    tcase_add_test(tcase, zeroed_and_initialised_nodes_are_not_linked);
    tcase_add_test(tcase, the_body_of_a_safe_walk_may_remove);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
