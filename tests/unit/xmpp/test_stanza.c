/* SPDX-License-Identifier: MIT */
/*
 * test_stanza.c — addresses of a stanza, its children, and which stanzas an error may answer: all
 * kinds and types.
 */
#include <xfed/xmpp/stanza.h>

#include <check.h>
#include <stdio.h>

/* clang-format off */
static const struct {
    const char *label;
    const char *raw_from, *raw_to;
    enum xf_err want;
    bool is_from;
    const char *from, *to; /* NULL: absent */
} addresses[] = {
    {"both",                    "A@b/R", "c@D",   XF_ERR_OK,      false, "a@b/R", "c@d"},
    {"prepared already",        "a@b",   "c@d/r", XF_ERR_OK,      false, "a@b",   "c@d/r"},
    {"no from",                 NULL,    "c@d",   XF_ERR_OK,      false, NULL,    "c@d"},
    {"no to",                   "a@b",   NULL,    XF_ERR_OK,      false, "a@b",   NULL},
    {"neither",                 NULL,    NULL,    XF_ERR_OK,      false, NULL,    NULL},
    {"bad from",                "@b",    "c@d",   XF_ERR_BAD_JID, true,  NULL,    NULL},
    {"bad to, from is kept",    "A@b",   "c@",    XF_ERR_BAD_JID, false, "a@b",   NULL},
    {"both bad",                "a b@c", "@",     XF_ERR_BAD_JID, true,  NULL,    NULL},
    {"empty from is not absent", "",     "c@d",   XF_ERR_BAD_JID, true,  NULL,    NULL},
    {"empty to is not absent",  "a@b",   "",      XF_ERR_BAD_JID, false, "a@b",   NULL},
    {"bad to without a from",   NULL,    "/",     XF_ERR_BAD_JID, false, NULL,    NULL},
};
/* clang-format on */

static bool is_jid(const struct xf_jid *jid, const char *want)
{
    return want ? xf_span_is(jid->full, want) : !jid->full.ptr && !jid->domain.ptr;
}

START_TEST(prepares_both_addresses)
{
    static struct xf_stanza_scratch scratch;
    struct xf_stanza stanza = {
        .raw_from = xf_span_of(addresses[_i].raw_from),
        .raw_to = xf_span_of(addresses[_i].raw_to),
    };
    bool is_from = !addresses[_i].is_from;
    enum xf_err err = xf_stanza_address(&stanza, &scratch, &is_from);

    ck_assert_msg(err == addresses[_i].want, "%s", addresses[_i].label);
    ck_assert_msg(err == XF_ERR_OK || is_from == addresses[_i].is_from, "%s", addresses[_i].label);
    ck_assert_msg(is_jid(&stanza.from, addresses[_i].from), "%s", addresses[_i].label);
    ck_assert_msg(is_jid(&stanza.to, addresses[_i].to), "%s", addresses[_i].label);
}
END_TEST

/* A stanza struct is used again: what the one before left may not stay. */
START_TEST(an_absent_address_clears_the_one_before)
{
    static struct xf_stanza_scratch scratch;
    struct xf_stanza stanza = {.raw_from = XF_SPAN("a@b"), .raw_to = XF_SPAN("c@d")};
    bool is_from;

    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    stanza.raw_from = stanza.raw_to = XF_SPAN_NONE;
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    ck_assert_ptr_null(stanza.from.full.ptr);
    ck_assert_ptr_null(stanza.to.domain.ptr);
}
END_TEST

/* Every type of RFC 6121, one that nobody knows, an empty one and none; for all three kinds. */
/* clang-format off */
static const struct {
    const char *type;
    bool message, presence, iq;
} bounces[] = {
    /* type          message presence iq */
    {NULL,           true,   true,    true},
    {"",             true,   false,   true},
    {"unheard-of",   true,   false,   true},
    {"error",        false,  false,   false},
    {"chat",         true,   false,   true},
    {"groupchat",    true,   false,   true},
    {"headline",     true,   false,   true},
    {"normal",       true,   false,   true},
    {"get",          true,   false,   true},
    {"set",          true,   false,   true},
    {"result",       true,   false,   false},
    {"subscribe",    true,   true,    true},
    {"subscribed",   true,   false,   true},
    {"unsubscribe",  true,   false,   true},
    {"unsubscribed", true,   false,   true},
    {"probe",        true,   true,    true},
    {"unavailable",  true,   false,   true},
    {"Error",        true,   false,   true},
};
/* clang-format on */

START_TEST(answers_no_answer)
{
    const char *type = bounces[_i].type;
    struct xf_stanza stanza = {.type = xf_span_of(type)};

    stanza.kind = XF_STANZA_MESSAGE;
    ck_assert_msg(xf_stanza_may_bounce(&stanza) == bounces[_i].message, "message %s",
                  type ? type : "-");
    stanza.kind = XF_STANZA_PRESENCE;
    ck_assert_msg(xf_stanza_may_bounce(&stanza) == bounces[_i].presence, "presence %s",
                  type ? type : "-");
    stanza.kind = XF_STANZA_IQ;
    ck_assert_msg(xf_stanza_may_bounce(&stanza) == bounces[_i].iq, "iq %s", type ? type : "-");
}
END_TEST

START_TEST(kinds_have_their_element_names)
{
    ck_assert_str_eq(xf_stanza_kind_name(XF_STANZA_MESSAGE), "message");
    ck_assert_str_eq(xf_stanza_kind_name(XF_STANZA_PRESENCE), "presence");
    ck_assert_str_eq(xf_stanza_kind_name(XF_STANZA_IQ), "iq");
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *payload, *want; /* want: "name{ns}[whole's length]*" of each child, * for elements of its own */
} walks[] = {
    {"nothing",            "",                                     ""},
    {"text",               "a &lt; b",                             ""},
    {"one, empty",         "<a/>",                                 "a[4] "},
    {"one with text",      "<a>x/y</a>",                           "a[10] "},
    {"a namespace",        "<a xmlns=\"n\" b=\"/\"/>",             "a{n}[20] "},
    {"no namespace",       "<a xmlns=\"\"/>",                      "a{}[13] "},
    {"an attribute first", "<a b=\"c\" d=\"e\"/>",                 "a[16] "},
    {"text between",       "x<a/> y <b/>z",                        "a[4] b[4] "},
    {"elements within",    "<a><b><c/><d>t</d></b></a><e/>",       "a[26]* e[4] "},
    {"the same name within", "<a><a></a><a/></a><b></b>",          "a[18]* b[7] "},
    {"cut in a tag",       "<a/><b",                               "a[4] "},
    {"cut in an element",  "<a/><b><c/>",                          "a[4] "},
    {"an end alone",       "</a><b/>",                             ""},
};
/* clang-format on */

START_TEST(walks_the_children)
{
    char got[256] = "";
    struct xf_span rest = xf_span_of(walks[_i].payload);
    struct xf_stanza_child child;

    while (xf_stanza_next_child(&rest, &child)) {
        size_t len = strlen(got);
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s", XF_SPAN_ARGS(child.name));
        if (child.ns.ptr)
            len += (size_t)snprintf(got + len, sizeof(got) - len, "{%.*s}", XF_SPAN_ARGS(child.ns));
        snprintf(got + len, sizeof(got) - len, "[%zu]%s ", child.whole.len,
                 child.has_elements ? "*" : "");
    }
    ck_assert_msg(strcmp(got, walks[_i].want) == 0, "%s: %s", walks[_i].label, got);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *payload;
    bool names_are_known;
    const char *want; /* name of the child in the namespace n; NULL: none */
} searches[] = {
    {"nothing",                   "",                                           true,  NULL},
    {"the first of two",          "<a/><b xmlns=\"n\"/><c xmlns=\"n\"/>",       true,  "b"},
    {"another namespace",         "<a xmlns=\"nn\"/><b/>",                      true,  NULL},
    {"not of the first level",    "<a><b xmlns=\"n\"/></a>",                    true,  NULL},
    {"names unknown",             "<a/><b xmlns=\"n\"/>",                       false, "b"},
    {"behind more names than are kept", "<a/><a/><a/><a/><a/><a/><a/><a/><b xmlns=\"n\"/>", true, "b"},
};
/* clang-format on */

START_TEST(finds_a_child_by_namespace)
{
    struct xf_stanza stanza = {.payload = xf_span_of(searches[_i].payload)};
    struct xf_stanza_child child;
    const char *want = searches[_i].want;

    if (searches[_i].names_are_known)
        xf_stanza_find_children(&stanza);
    ck_assert_msg(xf_stanza_child_in(&stanza, "n", &child) == !!want, "%s", searches[_i].label);
    ck_assert_msg(!want || xf_span_is(child.name, want), "%s", searches[_i].label);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stanza");
    TCase *tcase = tcase_create("stanza");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, walks_the_children, 0, XF_ARRAY_LEN(walks));
    tcase_add_loop_test(tcase, finds_a_child_by_namespace, 0, XF_ARRAY_LEN(searches));
    tcase_add_loop_test(tcase, prepares_both_addresses, 0, XF_ARRAY_LEN(addresses));
    tcase_add_test(tcase, an_absent_address_clears_the_one_before);
    tcase_add_loop_test(tcase, answers_no_answer, 0, XF_ARRAY_LEN(bounces));
    tcase_add_test(tcase, kinds_have_their_element_names);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
