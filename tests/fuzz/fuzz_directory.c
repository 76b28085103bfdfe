/* SPDX-License-Identifier: MIT */
/*
 * fuzz_directory.c — a directory whose server, or whoever may write into it, is hostile.
 *
 * The first byte of the input says what the rest is: 'V' one value of an attribute; 'L' what a
 * server answers while all users and a group are read; 'A' what it answers to questions about one
 * user (the second byte: by JID, by address, both). What must hold:
 *   - a value is no user, or a bare JID in normal form, which stays what it is when it is read
 *     again or written as a directory would write it;
 *   - what stands in a filter is plain or \XX, and says the value again;
 *   - answers bring a whole table or none; members and answers are bare JIDs in normal form; a note
 *     is one line of text.
 * The operations end: the input does.
 */
#include "fuzz.h"

#include <ldap.h>
#include <openldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#include "mailmap_priv.h"

#define ANSWER_MAX_BYTES 65536
#define FILTER_MAX       65536
#define PROTO_TCP        1 /* LDAP_PROTO_TCP of libldap's own headers */

/*
 * libldap 2.5 loses its own request when a server goes away in the midst of an entry, some 4 KB
 * each time. Named by function, which needs whole stacks, so that what we forget to give back to it
 * is still found.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:ldap_send_server_request\nleak:ldap_build_search_req\n";
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

static void check_bare(struct xf_span text)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    xf_require(xf_jid_prepare(text, scratch, &jid) == XF_ERR_OK && xf_span_eq(jid.full, text));
    xf_require(jid.local.ptr && !jid.resource.ptr);
}

/* ------------------------------------------------------------------ values */

static void check_escaped(struct xf_span value)
{
    struct xf_buf out;
    size_t at = 0;
    xf_buf_init(&out, FILTER_MAX);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_filter_escape(&draft, value);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    const char *text = xf_buf_ptr(&out);
    for (size_t i = 0; i < out.len; at++) {
        unsigned c = (unsigned char)text[i];
        xf_require(c > ' ' && c < 0x7f && !strchr("()*", (int)c) && at < value.len);
        if (c == '\\') {
            char hex[3] = {text[i + 1], text[i + 2], '\0'};
            xf_require(i + 2 < out.len && strspn(hex, "0123456789abcdef") == 2);
            c = (unsigned)strtoul(hex, NULL, 16);
            i += 2;
        }
        xf_require(c == (unsigned char)value.ptr[at]);
        i++;
    }
    xf_require(at == value.len);
    xf_buf_release(&out);
}

static bool has_scheme(struct xf_span local)
{
    for (size_t i = 0; i < local.len; i++)
        if (local.ptr[i] == ':')
            return true;
    return false;
}

static void check_value(struct xf_span value, const char *domain)
{
    struct xf_bare bare, again;
    char raw[2 * XF_JID_MAX];
    if (!xf_bare_make(value, xf_span_of(domain), &bare))
        return;
    check_bare(bare.text);
    xf_require(bare.text.len > 1023 || (xf_bare_make(bare.text, XF_SPAN_NONE, &again) &&
                                        xf_span_eq(again.text, bare.text)));
    const char *at = memchr(bare.text.ptr, '@', bare.text.len);
    struct xf_span local =
        xf_bare_unescape((struct xf_span){bare.text.ptr, (size_t)(at - bare.text.ptr)}, raw);
    size_t rest = bare.text.len - (size_t)(at - bare.text.ptr);
    memcpy(raw + local.len, at, rest);
    struct xf_span written = {raw, local.len + rest};
    if (!has_scheme(local) && written.len <= 1023) /* "sip:" in front would be dropped */
        xf_require(xf_bare_make(written, XF_SPAN_NONE, &again) &&
                   xf_span_eq(again.text, bare.text));
}

static void check_values(struct xf_span value)
{
    check_value(value, "");
    check_value(value, "im.example");
    if (value.len < FILTER_MAX / 3)
        check_escaped(value);
}

/* ------------------------------------------------------------------ answers */

static char words[][64] = {"ldap://127.0.0.1:9",
                           "",
                           "ou=people,dc=x",
                           "(uid=*)",
                           "uid",
                           "im.example",
                           "mail",
                           "g=cn=g,dc=x",
                           "(objectClass=person)"};
static char *groups[] = {words[7]};
static const struct xf_directory_settings conf = {
    .uri = words[0],
    .ca_file = words[1],
    .bind_dn = words[1],
    .password_file = words[1],
    .base = words[2],
    .filter = words[3],
    .jid_attribute = words[4],
    .jid_domain = words[5],
    .mail_attribute = words[6],
    .groups = {groups, 1},
    .preload = true,
    .page_entries = 100,
    .timeout_ms = 1000,
    .cache_entries = 50,
};

/*
 * A connection that is there, on which the server has said it all: its end, to be closed behind
 * ours, since libldap still writes; -1: there is none.
 */
static int open_with(struct xf_directory *directory, const uint8_t *bytes, size_t len)
{
    int ends[2], room = 2 * ANSWER_MAX_BYTES;
    xf_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    xf_require(send(ends[1], bytes, len, MSG_DONTWAIT) == (ssize_t)len &&
               shutdown(ends[1], SHUT_WR) == 0);
    if (ldap_init_fd(ends[0], PROTO_TCP, NULL, &directory->ld) != LDAP_SUCCESS) {
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    xf_directory_bound(directory->ld);
    const int version = LDAP_VERSION3;
    const struct timeval timeout = {.tv_sec = 1};
    (void)ldap_set_option(directory->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    (void)ldap_set_option(directory->ld, LDAP_OPT_TIMEOUT, &timeout);
    (void)ldap_set_option(directory->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    return ends[1];
}

static void check_notes(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        xf_require(notes->line[i][0] && !strchr(notes->line[i], '\n'));
}

static void load(struct xf_directory *directory)
{
    struct xf_loaded loaded;
    struct xf_error err = {0};
    struct xf_span key;
    size_t cursor = 0;
    if (xf_directory_load(directory, &loaded, &err) != XF_ERR_OK) {
        xf_require(err.detail[0] && !loaded.users && !loaded.members);
        return;
    }
    xf_require(loaded.users && xf_table_count(loaded.users) <= conf.cache_entries);
    check_notes(&loaded.notes);
    while (xf_map_next(loaded.members, &cursor, &key, NULL)) {
        xf_require(key.len > 2 && memcmp(key.ptr, "g", 2) == 0);
        check_bare((struct xf_span){key.ptr + 2, key.len - 2});
    }
    xf_loaded_release(&loaded);
}

static void ask(struct xf_directory *directory, unsigned kinds)
{
    struct xf_mailmap_query_answer answer = {NULL, NULL};
    struct xf_notes notes = {0};
    struct xf_error err = {0};
    enum xf_err result =
        xf_directory_ask(directory, XF_SPAN("alice@im.example"), kinds, &answer, &notes, &err);
    xf_require(result == XF_ERR_OK || err.detail[0]);
    if (answer.mail)
        check_bare(xf_span_of(answer.mail));
    if (answer.jid)
        check_bare(xf_span_of(answer.jid));
    check_notes(&notes);
    xf_notes_release(&notes);
    xf_free(answer.mail);
    xf_free(answer.jid);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const atomic_bool stop = false;
    struct xf_directory directory = {.settings = &conf, .stop = &stop};
    size_t head = len > 0 && bytes[0] == 'A' ? 2 : 1;
    if (len < head || len > ANSWER_MAX_BYTES)
        return 0;
    if (bytes[0] == 'V')
        check_values((struct xf_span){(const char *)bytes + 1, len - 1});
    int server =
        bytes[0] == 'L' || bytes[0] == 'A' ? open_with(&directory, bytes + head, len - head) : -1;
    if (server < 0)
        return 0;
    if (bytes[0] == 'L')
        load(&directory);
    else
        ask(&directory, bytes[1] & (XF_ASK_MAIL | XF_ASK_JID));
    xf_directory_close(&directory);
    (void)close(server);
    return 0;
}
