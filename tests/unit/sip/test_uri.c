/* SPDX-License-Identifier: MIT */
/* test_uri.c — URIs: what is one, what it is made of, which are the same, and users in and out. */
#include <xfed/sip/uri.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

/* `parts`: scheme|user|password|host|port|params|headers; "-" absent. NULL: refused. */
/* clang-format off */
static const struct {
    const char *label, *text, *parts;
} cases[] = {
    {"the usual", "sip:juliet@capulet.example", "sip|juliet|-|capulet.example|0||-"},
    {"a host alone", "sip:capulet.example", "sip|-|-|capulet.example|0||-"},
    {"all parts", "sips:juliet:secret@capulet.example:5061;transport=tls;lr?Subject=x&Priority=y",
     "sips|juliet|secret|capulet.example|5061|;transport=tls;lr|Subject=x&Priority=y"},
    {"capitals", "SIP:Juliet@Capulet.Example", "SIP|Juliet|-|Capulet.Example|0||-"},
    {"a user with what separates elsewhere", "sip:a;b?c/d,e=f&g+h$i@b.example", "sip|a;b?c/d,e=f&g+h$i|-|b.example|0||-"},
    {"an empty password", "sip:a:@b.example", "sip|a||b.example|0||-"},
    {"escapes stay", "sip:%75se%72@b.example", "sip|%75se%72|-|b.example|0||-"},
    {"an escaped NUL", "sip:%00@b.example", "sip|%00|-|b.example|0||-"}, /* RFC 4475 section 3.1.1.4 */
    {"a parameter that looks like a user", "sip:b.example;maddr=x@c.example", "sip|b.example;maddr=x|-|c.example|0||-"},
    {"Microsoft's GRUU", "sip:a@b.example;opaque=user:epid:Ab-_9wAA;gruu", "sip|a|-|b.example|0|;opaque=user:epid:Ab-_9wAA;gruu|-"},
    {"a signed route", "sip:p.example:5061;transport=tls;ms-fe=f.example;opaque=state:T:F:Ci.R1;lr;lr;ms-route-sig=ab-_==",
     "sip|-|-|p.example|5061|;transport=tls;ms-fe=f.example;opaque=state:T:F:Ci.R1;lr;lr;ms-route-sig=ab-_==|-"},
    {"IPv4", "sip:a@192.0.2.1:5060", "sip|a|-|192.0.2.1|5060||-"},
    {"IPv6", "sip:a@[2001:db8::1]:5060;lr", "sip|a|-|2001:db8::1|5060|;lr|-"},
    {"IPv6 with IPv4", "sip:[::ffff:192.0.2.1]", "sip|-|-|::ffff:192.0.2.1|0||-"},
    {"an underscore in a host", "sip:a@my_host.example", "sip|a|-|my_host.example|0||-"},
    {"a dot at the end of a host", "sip:a@b.example.", "sip|a|-|b.example.|0||-"},
    {"a host of one label", "sip:pc33", "sip|-|-|pc33|0||-"},
    {"a telephone number as user", "sip:+1-212-555-1212:1234@gw.example;user=phone", "sip|+1-212-555-1212|1234|gw.example|0|;user=phone|-"},
    {"tel", "tel:+15550100;ext=7", "tel|-|-|-|0||-"},
    {"im", "im:juliet@capulet.example", "im|-|-|-|0||-"},
    {"an unknown scheme", "nobodyKnowsThisScheme:totallyopaquecontent", "nobodyKnowsThisScheme|-|-|-|0||-"},
    {"a scheme with dots", "soap.beep://192.0.2.103:3002", "soap.beep|-|-|-|0||-"},

    {"nothing", "", NULL},
    {"no scheme", "juliet@capulet.example", NULL},
    {"a scheme alone", "sip:", NULL},
    {"an empty scheme", ":a@b.example", NULL},
    {"a digit first in the scheme", "1sip:a@b.example", NULL},
    {"an underscore in the scheme", "s_p:a", NULL},
    {"an empty user", "sip:@b.example", NULL},
    {"no user, but a password", "sip::x@b.example", NULL},
    {"no host", "sip:a@", NULL},
    {"%zz", "sip:a%zzb@b.example", NULL},
    {"%zz in the password", "sip:a:%zz@b.example", NULL},
    {"a number that is longer than an address", "sip:a@1111111111111111111111111111111111111111111111111111111111111111", NULL},
    {"an escape that is cut", "sip:a%4@b.example", NULL},
    {"an escape at the end", "sip:a@b.example;x=%4", NULL},
    {"an escape in the host", "sip:a@b%2eexample", NULL},
    {"a space in the user", "sip:a b@b.example", NULL},
    {"a space in front", "sip: a@b.example", NULL},
    {"a space behind", "sip:a@b.example ", NULL},
    {"a quote", "sip:\"a\"@b.example", NULL},
    {"<>", "<sip:a@b.example>", NULL},
    {"two @", "sip:a@b@c.example", NULL},
    {"a user in UTF-8", "sip:j\xc3\xbcrgen@b.example", NULL},
    {"a domain in UTF-8", "sip:a@b\xc3\xbc" "cher.example", NULL},
    {"a control byte", "sip:a\x01@b.example", NULL},
    {"CR LF", "sip:a@b.example\r\nX: y", NULL},
    {"an empty label", "sip:a@b..example", NULL},
    {"a dot in front", "sip:a@.example", NULL},
    {"a hyphen in front of a label", "sip:a@-b.example", NULL},
    {"a hyphen behind a label", "sip:a@b-.example", NULL},
    {"a number that is not IPv4", "sip:a@192.0.2", NULL},
    {"IPv4 out of range", "sip:a@192.0.2.256", NULL},
    {"IPv6 without brackets", "sip:a@2001:db8::1", NULL},
    {"IPv6 without end", "sip:a@[2001:db8::1", NULL},
    {"IPv6 with a zone", "sip:a@[fe80::1%25eth0]", NULL},
    {"IPv6 that is none", "sip:a@[1::2::3]", NULL},
    {"empty brackets", "sip:a@[]", NULL},
    {"port 0", "sip:a@b.example:0", NULL},
    {"port 65536", "sip:a@b.example:65536", NULL},
    {"an empty port", "sip:a@b.example:", NULL},
    {"a port with letters", "sip:a@b.example:50x", NULL},
    {"an empty parameter", "sip:a@b.example;;lr", NULL},
    {"a parameter without name", "sip:a@b.example;=x", NULL},
    {"a parameter that ends with =", "sip:a@b.example;x=", NULL},
    {"a semicolon at the end", "sip:a@b.example;", NULL},
    {"no headers behind ?", "sip:a@b.example?", NULL},
    {"a comma behind the host", "sip:a@b.example,c", NULL},
    {"another scheme with a space", "tel:+1 555", NULL},
    {"another scheme with nothing behind", "tel:", NULL},
};
/* clang-format on */

/* In memory of exactly its size. */
static struct xf_span exactly(const char *text)
{
    size_t len = strlen(text);
    char *copy = xf_alloc(len > 0 ? len : 1);

    memcpy(copy, text, len);
    return (struct xf_span){copy, len};
}

static void put(struct xf_buf *out, struct xf_span part)
{
    if (part.ptr)
        xf_buf_append_span(out, part);
    else
        xf_buf_append_str(out, "-");
    xf_buf_append_str(out, "|");
}

START_TEST(splits)
{
    struct xf_span text = exactly(cases[_i].text);
    struct xf_sip_uri uri = {.port = 7};
    struct xf_buf out;

    xf_buf_init(&out, 1024);
    enum xf_err code = xf_sip_uri_parse(text, &uri);
    ck_assert_msg(code == (cases[_i].parts ? XF_ERR_OK : XF_ERR_BAD_VALUE), "%s", cases[_i].label);
    if (code == XF_ERR_OK) {
        put(&out, uri.scheme_name);
        put(&out, uri.user);
        put(&out, uri.password);
        put(&out, uri.host);
        xf_buf_appendf(&out, "%u|%.*s|", uri.port, XF_SPAN_ARGS(uri.params));
        put(&out, uri.headers);
        xf_buf_truncate(&out, out.len - 1);
        ck_assert_msg(xf_span_is(xf_buf_span(&out), cases[_i].parts), "%s: %.*s", cases[_i].label,
                      XF_SPAN_ARGS(xf_buf_span(&out)));
        ck_assert(xf_span_eq(uri.text, text));
    } else {
        ck_assert_uint_eq(uri.port, 7);
    }
    xf_buf_release(&out);
    xf_free((char *)text.ptr);
}
END_TEST

START_TEST(bounds_parts)
{
    static const struct {
        const char *start, *part;
    } kinds[] = {{"sip:b.example", ";x"}, {"sip:b.example?x=y", "&x=y"}};

    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        struct xf_sip_uri uri;
        struct xf_buf buf;

        xf_buf_init(&buf, 4096);
        xf_buf_append_str(&buf, kinds[i].start);
        for (unsigned count = (unsigned)i; count < XF_SIP_URI_PARTS_MAX; count++)
            xf_buf_append_str(&buf, kinds[i].part);
        ck_assert_int_eq(xf_sip_uri_parse(xf_buf_span(&buf), &uri), XF_ERR_OK);
        xf_buf_append_str(&buf, kinds[i].part);
        ck_assert_int_eq(xf_sip_uri_parse(xf_buf_span(&buf), &uri), XF_ERR_BAD_VALUE);
        xf_buf_release(&buf);
    }
}
END_TEST

START_TEST(bounds_hosts)
{
    struct xf_sip_uri uri;
    struct xf_buf buf;

    xf_buf_init(&buf, 4096);
    xf_buf_append_str(&buf, "sip:");
    while (buf.len < 4 + XF_SIP_HOST_MAX)
        xf_buf_append_str(&buf, "x");
    ck_assert_int_eq(xf_sip_uri_parse(xf_buf_span(&buf), &uri), XF_ERR_OK);
    xf_buf_append_str(&buf, "x");
    ck_assert_int_eq(xf_sip_uri_parse(xf_buf_span(&buf), &uri), XF_ERR_BAD_VALUE);
    xf_buf_release(&buf);
}
END_TEST

START_TEST(finds_parameters)
{
    struct xf_span value;
    struct xf_sip_uri uri;

    ck_assert_int_eq(
        xf_sip_uri_parse(XF_SPAN("sip:b.example;Transport=tls;lr;x=a=b?transport=udp"), &uri),
        XF_ERR_OK);
    ck_assert(xf_sip_uri_param(&uri, "transport", &value) && xf_span_is(value, "tls"));
    ck_assert(xf_sip_uri_param(&uri, "LR", &value) && !value.ptr);
    ck_assert(xf_sip_uri_param(&uri, "x", &value) && xf_span_is(value, "a=b"));
    ck_assert(!xf_sip_uri_param(&uri, "maddr", &value) && !value.ptr);
}
END_TEST

START_TEST(knows_schemes)
{
    static const struct {
        const char *text;
        enum xf_sip_scheme scheme;
    } known[] = {{"sip:a", XF_SIP_SCHEME_SIP},      {"SIPS:a", XF_SIP_SCHEME_SIPS},
                 {"tel:1", XF_SIP_SCHEME_TEL},      {"im:a@b", XF_SIP_SCHEME_IM},
                 {"Pres:a@b", XF_SIP_SCHEME_PRES},  {"mailto:a@b", XF_SIP_SCHEME_MAILTO},
                 {"xmpp:a@b", XF_SIP_SCHEME_OTHER}, {"sipx:a", XF_SIP_SCHEME_OTHER}};

    for (size_t i = 0; i < XF_ARRAY_LEN(known); i++) {
        struct xf_sip_uri uri;

        ck_assert_int_eq(xf_sip_uri_parse(xf_span_of(known[i].text), &uri), XF_ERR_OK);
        ck_assert_msg(uri.scheme == known[i].scheme, "%s", known[i].text);
    }
}
END_TEST

/* RFC 3261 section 19.1.4 has most of these. */
/* clang-format off */
static const struct {
    const char *a, *b;
    bool is_equal;
} pairs[] = {
    {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
    {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
    {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
    {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
     "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
    {"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
    {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
    {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
    {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
    {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
    {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
    {"sip:a@b.example", "sips:a@b.example", false},
    {"sip:a@b.example", "sip:b.example", false},
    {"sip:a:x@b.example", "sip:a@b.example", false},
    {"sip:a:x@b.example", "sip:a:X@b.example", false},
    {"sip:a;b@c.example", "sip:a%3bb@c.example", false}, /* ";" is reserved */
    {"sip:a;b@c.example", "sip:a%3Bb@c.example", false},
    {"sip:a%3bb@c.example", "sip:a%3Bb@c.example", true},
    {"sip:a@b.example;user=phone", "sip:a@b.example", false},
    {"sip:a@b.example;ttl=1", "sip:a@b.example", false},
    {"sip:a@b.example;maddr=192.0.2.1", "sip:a@b.example", false},
    {"sip:a@b.example", "sip:a@b.example;lr", true},
    {"sip:a@b.example;lr", "sip:a@b.example;lr=on", false},
    {"sip:a@b.example;%6cr=x", "sip:a@b.example;lr=X", true},
    {"sip:a@b.example?x=1&x=1&y=2", "sip:a@b.example?x=1&y=2&y=2", false},
    {"sip:a@[2001:DB8::1]", "sip:a@[2001:db8::1]", true},
    {"sip:9@b.example", "sip:%39@b.example", true},
    {"sip:a%2a@b.example", "sip:a%2A@b.example", true},
    {"sip:ab@b.example", "sip:a@b.example", false},
    {"sip:a@b.example;lr;lr", "sip:a@b.example;lr", true},
    {"sip:a@b.example;x=1;x=2", "sip:a@b.example;x=2;x=1", true}, /* each equals itself */
    {"sip:a@b.example;x=1;x=2", "sip:a@b.example;x=1", false},
    {"tel:+1555", "tel:+1555", true},
    {"TEL:+1555", "tel:+1555", true},
    {"tel:+1555", "tel:+1556", false},
    {"x-a:1", "x-b:1", false},
};
/* clang-format on */

START_TEST(compares)
{
    struct xf_sip_uri a, b;

    ck_assert_int_eq(xf_sip_uri_parse(xf_span_of(pairs[_i].a), &a), XF_ERR_OK);
    ck_assert_int_eq(xf_sip_uri_parse(xf_span_of(pairs[_i].b), &b), XF_ERR_OK);
    ck_assert_msg(xf_sip_uri_equal(&a, &b) == pairs[_i].is_equal, "%s %s", pairs[_i].a,
                  pairs[_i].b);
    ck_assert_msg(xf_sip_uri_equal(&b, &a) == pairs[_i].is_equal, "%s %s", pairs[_i].b,
                  pairs[_i].a);
    ck_assert(xf_sip_uri_equal(&a, &a) && xf_sip_uri_equal(&b, &b));
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *user, *text; /* NULL: refused */
    const char *again;               /* encoded again; NULL: as it was */
} users[] = {
    {"plain", "juliet", "juliet", NULL},
    {"escapes", "%75se%72", "user", "user"},
    {"a space", "I%20have%20spaces", "I have spaces", NULL},
    {"UTF-8", "j%c3%bcrgen", "j\xc3\xbcrgen", "j%C3%BCrgen"},
    {"an @", "user%40a.example", "user@a.example", NULL},
    {"what a user may hold", "a;b?c/d,e=f&g+h$i-_.!~*'()", "a;b?c/d,e=f&g+h$i-_.!~*'()", NULL},
    {"what it may not", "%22%23%25%3A%3C%3E%5B%5C%5D%5E%60%7B%7C%7D", "\"#%:<>[\\]^`{|}", NULL},
    {"nothing", "", NULL, NULL},
    {"NUL", "a%00", NULL, NULL},
    {"a line break", "a%0d%0aX", NULL, NULL},
    {"DEL", "a%7f", NULL, NULL},
    {"not UTF-8", "a%ff", NULL, NULL},
    {"half a character", "a%c3", NULL, NULL},
    {"overlong", "a%c0%80", NULL, NULL},
    {"not an escape", "a%zz", NULL, NULL},
    {"cut", "a%4", NULL, NULL},
    {"raw UTF-8", "\xc3\xbc", NULL, NULL},
    {"a raw space", "a b", NULL, NULL},
};
/* clang-format on */

START_TEST(decodes_and_encodes_users)
{
    struct xf_span user = exactly(users[_i].user);
    struct xf_buf out;

    xf_buf_init(&out, 256);
    xf_buf_append_str(&out, "x:");
    enum xf_err code = xf_sip_user_decode(user, &out);
    ck_assert_msg(code == (users[_i].text ? XF_ERR_OK : XF_ERR_BAD_VALUE), "%s", users[_i].label);
    if (users[_i].text) {
        struct xf_span text = xf_buf_span(&out);
        text = (struct xf_span){text.ptr + 2, text.len - 2};
        ck_assert_msg(xf_span_is(text, users[_i].text), "%s: %.*s", users[_i].label,
                      XF_SPAN_ARGS(text));

        struct xf_buf again;
        xf_buf_init(&again, 256);
        ck_assert_int_eq(xf_sip_user_encode(text, &again), XF_ERR_OK);
        ck_assert_msg(
            xf_span_is(xf_buf_span(&again), users[_i].again ? users[_i].again : users[_i].user),
            "%s: %.*s", users[_i].label, XF_SPAN_ARGS(xf_buf_span(&again)));
        xf_buf_release(&again);
    } else {
        ck_assert(xf_span_is(xf_buf_span(&out), "x:"));
    }
    xf_buf_release(&out);
    xf_free((char *)user.ptr);
}
END_TEST

START_TEST(leaves_a_full_buffer)
{
    struct xf_buf out;

    xf_buf_init(&out, 5);
    xf_buf_append_str(&out, "ab");
    ck_assert_int_eq(xf_sip_user_encode(XF_SPAN("x y"), &out), XF_ERR_LIMIT);
    ck_assert_int_eq(xf_sip_user_decode(XF_SPAN("abcd"), &out), XF_ERR_LIMIT);
    ck_assert(xf_span_is(xf_buf_span(&out), "ab"));
    ck_assert_int_eq(xf_sip_user_encode(XF_SPAN(" "), &out), XF_ERR_OK);
    ck_assert(xf_span_is(xf_buf_span(&out), "ab%20"));
    xf_buf_release(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sip/uri");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, splits, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tc, bounds_parts);
    tcase_add_test(tc, bounds_hosts);
    tcase_add_test(tc, finds_parameters);
    tcase_add_test(tc, knows_schemes);
    tcase_add_loop_test(tc, compares, 0, (int)XF_ARRAY_LEN(pairs));
    tcase_add_loop_test(tc, decodes_and_encodes_users, 0, (int)XF_ARRAY_LEN(users));
    tcase_add_test(tc, leaves_a_full_buffer);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
