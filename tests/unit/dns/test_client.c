/* SPDX-License-Identifier: MIT */
/*
 * test_client.c — the resolver on a real loop against two real servers that misbehave by name
 * (scripted_server.py, which starts this program).
 */
#include <xfed/dns/dns.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

static struct xf_loop *loop;
static struct xf_dns *dns;
static struct xf_addr servers[2];
static char hosts_path[] = "/tmp/xf-test-hosts-XXXXXX";

struct seen {
    unsigned count;
    enum xf_dns_status status;
    bool is_secure;
    size_t record_count;
    uint8_t address[4];
    enum xf_help help;
    char detail[200], tlsa[200];
    unsigned *left; /* stops the loop at 0 */
    struct xf_dns_query *to_cancel;
    const char *ask_again;
    struct seen *again;
};

/* Each record as its numbers, the length of its data and the first byte of it. */
static void note_tlsa(struct seen *seen, const struct xf_dns_answer *answer)
{
    size_t at = 0;

    for (size_t i = 0; i < answer->count && answer->records[i].tlsa.data_bytes > 0; i++) {
        const struct xf_tlsa *tlsa = &answer->records[i].tlsa;

        at += (size_t)snprintf(seen->tlsa + at, sizeof(seen->tlsa) - at, "%s%u %u %u %zu %02x",
                               i ? ", " : "", tlsa->usage, tlsa->selector, tlsa->matching,
                               tlsa->data_bytes, tlsa->data[0]);
    }
}

static void on_answered(void *owner, const struct xf_dns_answer *answer)
{
    struct seen *seen = owner;

    seen->count++;
    seen->status = answer->status;
    seen->is_secure = answer->is_secure;
    seen->help = answer->help;
    seen->record_count = answer->count;
    if (answer->count > 0)
        memcpy(seen->address, answer->records[0].address, 4);
    snprintf(seen->detail, sizeof(seen->detail), "%s", answer->detail);
    note_tlsa(seen, answer);
    if (seen->to_cancel)
        dns->ops->cancel(dns, seen->to_cancel);
    if (seen->ask_again)
        dns->ops->ask(dns, seen->ask_again, XF_DNS_A, on_answered, seen->again);
    if (seen->left && --*seen->left == 0)
        xf_loop_stop(loop);
}

/* Only the first `count` servers, of which the first is servers[0]. */
static void open_client(size_t count, unsigned timeout_ms, size_t cache_entries)
{
    struct xf_dns_client_opts opts = {.servers = servers,
                                      .server_count = count,
                                      .hosts_file = hosts_path,
                                      .timeout_ms = timeout_ms,
                                      .cache_entries = cache_entries};

    dns = xf_dns_client_new(loop, &opts);
}

static void set_up(void)
{
    unsigned ports[2];
    const char *text = getenv("XF_TEST_DNS_PORTS");
    char *end;

    ck_assert_msg(text, "to be started by scripted_server.py");
    ports[0] = (unsigned)strtoul(text, &end, 10);
    ports[1] = (unsigned)strtoul(end, NULL, 10);
    for (size_t i = 0; i < 2; i++)
        servers[i] = xf_addr_from_v4((const uint8_t[]){127, 0, 0, 1}, (uint16_t)ports[i]);
    snprintf(hosts_path, sizeof(hosts_path), "/tmp/xf-test-hosts-XXXXXX");
    int fd = mkstemp(hosts_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "127.0.0.7 local.example\n"), 0);
    close(fd);
    loop = xf_loop_new();
}

static void stop(void *owner)
{
    (void)owner;
    xf_loop_stop(loop);
}

/* Or until an answer stops the loop. */
static void run_for(unsigned ms)
{
    struct xf_timer timer;

    xf_timer_init(&timer, stop, NULL);
    xf_timer_start(xf_loop_timers(loop), &timer, ms);
    xf_loop_run(loop);
    xf_timer_stop(&timer);
}

static void tear_down(void)
{
    xf_dns_client_free(&dns);
    run_for(20); /* the ends of conns */
    xf_loop_free(&loop);
    unlink(hosts_path);
}

static struct seen ask(const char *name, enum xf_dns_type type)
{
    unsigned left = 1;
    struct seen seen = {.left = &left};

    dns->ops->ask(dns, name, type, on_answered, &seen);
    ck_assert_msg(seen.count == 0, "%s: answered from within", name);
    xf_loop_run(loop);
    ck_assert_uint_eq(seen.count, 1);
    return seen;
}

/* How many questions for this name reached the server: by UDP, by TCP. */
static void count_questions(size_t server, const char *name, unsigned *udp, unsigned *tcp)
{
    struct xf_dns *was = dns;
    struct xf_addr first = servers[0];
    char asked[XF_DNS_NAME_MAX + 1];

    servers[0] = servers[server];
    open_client(1, 2000, 0);
    snprintf(asked, sizeof(asked), "count.%s", name);
    struct seen seen = ask(asked, XF_DNS_A);
    ck_assert_int_eq(seen.status, XF_DNS_FOUND);
    *udp = seen.address[2];
    *tcp = seen.address[3];
    xf_dns_client_free(&dns);
    dns = was;
    servers[0] = first;
}

/* clang-format off */
static const struct row {
    const char *label, *name;
    size_t server_count;
    unsigned timeout_ms;
    enum xf_dns_status status;
    const char *address, *detail;
    unsigned min_ms, max_ms;
    unsigned udp[2], tcp[2]; /* questions at each server */
} cases[] = {
    {"found", "ok.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found from 127.0.0.1:", 0, 900, {1, 0}, {0, 0}},
    {"NXDOMAIN", "nx.a.example", 2, 3000, XF_DNS_NXDOMAIN, "", "NXDOMAIN from", 0, 900, {1, 0}, {0, 0}},
    {"SERVFAIL of all", "servfail.a.example", 2, 3000, XF_DNS_FAILED, "", "SERVFAIL from", 0, 900, {1, 1}, {0, 0}},
    {"SERVFAIL of the only one", "servfail.b.example", 1, 3000, XF_DNS_FAILED, "", "SERVFAIL from", 0, 900, {1, 0}, {0, 0}},
    {"SERVFAIL of one", "one-servfail.a.example", 2, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 1}, {0, 0}},
    {"bogus", "bogus.a.example", 1, 3000, XF_DNS_FAILED, "", " (Signature Expired)", 0, 900, {1, 0}, {0, 0}},
    {"REFUSED of all", "refused.a.example", 2, 3000, XF_DNS_FAILED, "", "REFUSED from", 0, 900, {1, 1}, {0, 0}},
    {"first datagram lost", "first-silent.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 850, 1900, {2, 0}, {0, 0}},
    {"one server dead", "one-silent.a.example", 2, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 850, 1900, {1, 1}, {0, 0}},
    {"silence", "silent.a.example", 1, 2500, XF_DNS_FAILED, "", "no answer in time from", 2450, 3500, {2, 0}, {0, 0}},
    {"silence of two", "silent.b.example", 2, 2500, XF_DNS_FAILED, "", "no answer in time from", 2450, 3500, {2, 1}, {0, 0}},
    {"late answer of the first attempt is not taken, that of the second is", "late.a.example", 1, 5000, XF_DNS_FOUND,
     "192.0.2.1", "found", 2200, 3500, {2, 0}, {0, 0}},
    {"truncated", "tc.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 0}, {1, 0}},
    {"truncated, TCP byte by byte", "tc-slow.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 1500, {1, 0}, {1, 0}},
    {"truncated, TCP breaks off", "tc-cut.a.example", 2, 3000, XF_DNS_FAILED, "", "TCP", 0, 900, {1, 1}, {1, 1}},
    {"truncated, TCP answers another question", "tc-alien.a.example", 1, 3000, XF_DNS_FAILED, "", "not an answer to the question from", 0, 900, {1, 0}, {1, 0}},
    {"truncated, TCP floods", "tc-flood.a.example", 1, 3000, XF_DNS_FAILED, "", "more than one message", 0, 900, {1, 0}, {1, 0}},
    {"case changed: TCP decides", "lower.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 0}, {1, 0}},
    {"wrong datagrams are ignored", "wrong.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 0}, {0, 0}},
    {"FORMERR for EDNS: asked again without", "formerr.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {2, 0}, {0, 0}},
    {"NOTIMP for EDNS", "notimp.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {2, 0}, {0, 0}},
    {"FORMERR of a server that speaks EDNS", "opt-formerr.a.example", 2, 3000, XF_DNS_FAILED, "", "FORMERR from", 0, 900, {1, 1}, {0, 0}},
    {"rubbish", "rubbish.a.example", 2, 3000, XF_DNS_FAILED, "", "malformed answer from", 0, 900, {1, 1}, {0, 0}},
    {"alias is followed", "alias.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 0}, {0, 0}},
    {"ring of aliases", "ring.a.example", 1, 3000, XF_DNS_FAILED, "", "too many aliases", 0, 900, {1, 0}, {0, 0}},
    {"8 aliases", "chain-8.a.example", 1, 3000, XF_DNS_FOUND, "192.0.2.1", "found", 0, 900, {1, 0}, {0, 0}},
    {"9 aliases", "chain-9.a.example", 1, 3000, XF_DNS_FAILED, "", "too many aliases", 0, 900, {1, 0}, {0, 0}},
    {"hosts file", "local.example", 1, 3000, XF_DNS_FOUND, "127.0.0.7", "hosts file", 0, 300, {0, 0}, {0, 0}},
    {"not a name", "ok..example", 1, 3000, XF_DNS_FAILED, "", "not a name", 0, 300, {0, 0}, {0, 0}},
};
/* clang-format on */

/* As the words of the resolver say. */
static enum xf_help help_for(const struct row *row)
{
    static const struct {
        const char *word;
        enum xf_help help;
    } words[] = {
        {"Signature Expired", XF_HELP_DNS_BOGUS},
        {"SERVFAIL", XF_HELP_DNS_SERVFAIL},
        {"REFUSED", XF_HELP_DNS_REFUSED},
        {"FORMERR", XF_HELP_DNS_REFUSED},
        {"no answer in time", XF_HELP_DNS_SILENT},
        {"TCP", XF_HELP_DNS_SILENT},
        {"more than one message", XF_HELP_DNS_SILENT},
        {"not a name", XF_HELP_DNS_NO_SERVER},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(words); i++)
        if (strstr(row->detail, words[i].word))
            return words[i].help;
    return row->status == XF_DNS_FAILED ? XF_HELP_DNS_MALFORMED : XF_HELP_NONE;
}

/* Another name for which the servers do the same, which its first label says. */
static void name_again(const struct row *row, unsigned attempt, char *out, size_t size)
{
    int first = (int)strcspn(row->name, ".");
    if (attempt == 0 || row->udp[0] == 0)
        snprintf(out, size, "%s", row->name);
    else
        snprintf(out, size, "%.*s.again%u%s", first, row->name, attempt, row->name + first);
}

START_TEST(question_ends_in)
{
    const char *label = cases[_i].label;
    char address[16] = "", name[XF_DNS_NAME_MAX + 1];
    struct seen seen;
    uint64_t took_ms;

    /* What is late each time is so without a machine that stood still for a second. */
    for (unsigned attempt = 0;; attempt++) {
        name_again(&cases[_i], attempt, name, sizeof(name));
        open_client(cases[_i].server_count, cases[_i].timeout_ms, 100);
        /* Timers count from the loop's clock, which stands while this process waits for a
         * processor. */
        uint64_t start_ms = xf_loop_clock(loop)->now_ms;
        seen = ask(name, XF_DNS_A);
        took_ms = xf_monotonic_ms() - start_ms;
        if (took_ms <= cases[_i].max_ms || attempt == 2)
            break;
        xf_dns_client_free(&dns);
    }
    ck_assert_msg(seen.status == cases[_i].status, "%s: status %d (%s)", label, (int)seen.status,
                  seen.detail);
    if (seen.record_count > 0)
        snprintf(address, sizeof(address), "%u.%u.%u.%u", seen.address[0], seen.address[1],
                 seen.address[2], seen.address[3]);
    ck_assert_msg(strcmp(address, cases[_i].address) == 0, "%s: address %s", label, address);
    ck_assert_msg(seen.help == help_for(&cases[_i]), "%s: help %s", label, xf_help_code(seen.help));
    ck_assert_msg(strstr(seen.detail, cases[_i].detail), "%s: said '%s'", label, seen.detail);
    ck_assert_msg(took_ms >= cases[_i].min_ms && took_ms <= cases[_i].max_ms, "%s: took %llu ms",
                  label, (unsigned long long)took_ms);
    for (size_t i = 0; i < 2 && strstr(name, "..") == NULL; i++) {
        unsigned udp, tcp;
        count_questions(i, name, &udp, &tcp);
        ck_assert_msg(udp == cases[_i].udp[i] && tcp == cases[_i].tcp[i],
                      "%s: server %zu got %u by UDP, %u by TCP", label, i, udp, tcp);
    }
}
END_TEST

static void check_asked(const char *name, unsigned want)
{
    unsigned udp, tcp;

    count_questions(0, name, &udp, &tcp);
    ck_assert_msg(udp == want, "%s was asked %u times, not %u", name, udp, want);
}

static const struct {
    const char *label, *name;
    unsigned wait_ms, asked;
} again[] = {
    {"positive is kept", "ok.c1.example", 0, 1},
    {"negative is kept", "nx.c2.example", 0, 1},
    {"negative without SOA is not", "nosoa.c3.example", 0, 2},
    {"TTL 0 is not", "ttl0.c4.example", 0, 2},
    {"TTL 1 for less than a second", "ttl1.c5.example", 0, 1},
    {"TTL 1 not for longer", "ttl1.c6.example", 1050, 2},
    {"SERVFAIL is not", "servfail.c7.example", 0, 2},
};

START_TEST(second_question_asks_again)
{
    open_client(1, 3000, 100);
    struct seen first = ask(again[_i].name, XF_DNS_A);
    if (again[_i].wait_ms)
        run_for(again[_i].wait_ms);
    struct seen second = ask(again[_i].name, XF_DNS_A);

    ck_assert_msg(first.status == second.status && first.record_count == second.record_count, "%s",
                  again[_i].label);
    check_asked(again[_i].name, again[_i].asked);
}
END_TEST

START_TEST(two_askers_share_one_question)
{
    unsigned left = 3;
    struct seen seen[3] = {{.left = &left}, {.left = &left}, {.left = &left}};

    open_client(1, 3000, 0);
    for (size_t i = 0; i < 3; i++)
        dns->ops->ask(dns, "ok.shared.example", XF_DNS_A, on_answered, &seen[i]);
    xf_loop_run(loop);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(seen[i].status, XF_DNS_FOUND);
    check_asked("ok.shared.example", 1);
}
END_TEST

START_TEST(one_asker_may_leave_the_others)
{
    unsigned left = 1;
    struct seen stays = {.left = &left}, leaves = {0};

    open_client(1, 3000, 0);
    struct xf_dns_query *query =
        dns->ops->ask(dns, "ok.leave.example", XF_DNS_A, on_answered, &leaves);
    dns->ops->ask(dns, "ok.leave.example", XF_DNS_A, on_answered, &stays);
    dns->ops->cancel(dns, query);
    xf_loop_run(loop);
    ck_assert_uint_eq(leaves.count, 0);
    ck_assert_uint_eq(stays.count, 1);
}
END_TEST

START_TEST(last_asker_ends_the_question)
{
    struct seen seen = {0};
    static const char *const names[] = {"silent.cancel.example", "late.cancel.example",
                                        "tc-slow.cancel.example"};

    open_client(1, 3000, 0);
    struct xf_dns_query *query = dns->ops->ask(dns, names[_i], XF_DNS_A, on_answered, &seen);
    run_for(15);
    dns->ops->cancel(dns, query);
    run_for(_i == 1 ? 1500 : 100);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

/* From within an answer: the other asker of the same question is cancelled, and the same question
 * asked again. */
static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/*
 * Strangers name what is asked about: sockets are bounded, and the newest question is not behind
 * all theirs.
 */
START_TEST(sockets_are_bounded)
{
    static struct seen seen[600];
    unsigned left = 1, silent = XF_ARRAY_LEN(seen) - 2, before = count_descriptors();
    struct xf_dns_query *query[XF_ARRAY_LEN(seen)];
    struct seen good = {.left = &left};
    char name[64];

    open_client(1, 3000, 0);
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < XF_ARRAY_LEN(seen); i++) {
        snprintf(name, sizeof(name), "silent.flood%zu.example", i);
        seen[i].left = &silent;
        query[i] = dns->ops->ask(dns, name, XF_DNS_A, on_answered, &seen[i]);
    }
    ck_assert_uint_le(count_descriptors() - before, 256 + 4);
    dns->ops->cancel(dns, query[599]); /* one that waits */
    dns->ops->cancel(dns, query[0]);   /* one that is asked: its place is another's */
    dns->ops->ask(dns, "ok.good.example", XF_DNS_A, on_answered, &good);
    xf_loop_run(loop);
    ck_assert_int_eq(good.status, XF_DNS_FOUND);
    ck_assert_uint_eq(seen[300].count, 0); /* it waited before that one, and still does */
    xf_loop_run(loop);                     /* until all the others were given up */
    for (size_t i = 1; i < XF_ARRAY_LEN(seen) - 1; i++)
        ck_assert_msg(seen[i].count == 1 && seen[i].status == XF_DNS_FAILED, "%zu: %u answers", i,
                      seen[i].count);
    ck_assert_uint_eq(seen[0].count + seen[599].count, 0);
    ck_assert(xf_dns_client_is_idle(dns));
}
END_TEST

/*
 * Whoever has a domain that nobody serves asks anew as fast as his questions fail. One owner gives
 * way at once, many after a while.
 */
static const struct {
    const char *zone;
    unsigned after_ms;
} floods[] = {{"evil.example", 100}, {"example", 2100}};

START_TEST(silent_domains_give_way)
{
    static struct seen flood[300];
    static char names[XF_ARRAY_LEN(flood)][64];
    unsigned left = 1, before = count_descriptors();
    struct seen good = {.left = &left};

    open_client(1, 10000, 0);
    memset(flood, 0, sizeof(flood));
    for (size_t i = 0; i < XF_ARRAY_LEN(flood); i++) {
        snprintf(names[i], sizeof(names[i]), "silent.n%zu.%s", i, floods[_i].zone);
        flood[i].ask_again = names[i];
        flood[i].again = &flood[i];
        dns->ops->ask(dns, names[i], XF_DNS_A, on_answered, &flood[i]);
    }
    run_for(floods[_i].after_ms);
    dns->ops->ask(dns, "ok.good.example", XF_DNS_A, on_answered, &good);
    run_for(6000);
    ck_assert_uint_eq(good.count, 1);
    ck_assert_int_eq(good.status, XF_DNS_FOUND);
    ck_assert_uint_le(count_descriptors() - before, 256 + 4);
}
END_TEST

START_TEST(answer_may_cancel_and_ask)
{
    unsigned left = 2;
    struct seen first = {.left = &left, .ask_again = "ok.within.example"}, second = {0},
                third = {.left = &left};

    open_client(1, 3000, 0);
    first.again = &third;
    dns->ops->ask(dns, "ok.within.example", XF_DNS_A, on_answered, &first);
    first.to_cancel = dns->ops->ask(dns, "ok.within.example", XF_DNS_A, on_answered, &second);
    xf_loop_run(loop);
    ck_assert_uint_eq(first.count, 1);
    ck_assert_uint_eq(second.count, 0);
    ck_assert_uint_eq(third.count, 1);
    check_asked("ok.within.example", 2);
}
END_TEST

START_TEST(client_may_go_in_the_middle)
{
    static const char *const names[] = {"silent.go.example", "tc-slow.go.example", "ok.go.example",
                                        "local.example"};
    struct seen seen = {0};

    open_client(2, 3000, 10);
    dns->ops->ask(dns, names[_i], XF_DNS_A, on_answered, &seen);
    if (_i < 2)
        run_for(15);
    xf_dns_client_free(&dns);
    run_for(50);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(later_comes_once_and_may_be_cancelled)
{
    unsigned left = 1;
    struct seen comes = {.left = &left}, cancelled = {0};

    open_client(1, 3000, 0);
    struct xf_dns_query *query = dns->ops->later(dns, on_answered, &cancelled);
    dns->ops->later(dns, on_answered, &comes);
    dns->ops->cancel(dns, query);
    ck_assert_uint_eq(comes.count, 0);
    xf_loop_run(loop);
    ck_assert_uint_eq(comes.count, 1);
    ck_assert_int_eq(comes.status, XF_DNS_NO_DATA);
    ck_assert_uint_eq(cancelled.count, 0);
}
END_TEST

START_TEST(hosts_file_is_for_addresses_only)
{
    open_client(1, 3000, 0);
    ck_assert_int_eq(ask("local.example", XF_DNS_AAAA).status, XF_DNS_NO_DATA);
    check_asked("local.example", 0);
    ask("local.example", XF_DNS_SRV);
    check_asked("local.example", 1);
    ask("local.example", XF_DNS_TLSA);
    check_asked("local.example", 2);
}
END_TEST

START_TEST(dead_server_is_not_asked_first_again)
{
    open_client(2, 3000, 0);
    ck_assert_int_eq(ask("one-silent.d1.example", XF_DNS_A).status, XF_DNS_FOUND);
    ck_assert_int_eq(ask("one-silent.d2.example", XF_DNS_A).status, XF_DNS_FOUND);
    check_asked("one-silent.d2.example", 0);
}
END_TEST

/* Secure is what came with AD as a whole: every answer of a chain, whatever way it came. */
static const struct {
    const char *label, *name;
    enum xf_dns_type type;
    enum xf_dns_status status;
    bool is_secure;
} authentic[] = {
    {"by UDP", "authentic.s1.example", XF_DNS_A, XF_DNS_FOUND, true},
    {"without AD", "ok.s2.example", XF_DNS_A, XF_DNS_FOUND, false},
    {"by TCP", "tc-auth.s3.example", XF_DNS_A, XF_DNS_FOUND, true},
    {"AD of the truncated answer is not that of the whole", "tc-lost.s4.example", XF_DNS_A,
     XF_DNS_FOUND, false},
    {"a denial", "nx-auth.s5.example", XF_DNS_A, XF_DNS_NXDOMAIN, true},
    {"a denial without AD", "nx.s6.example", XF_DNS_A, XF_DNS_NXDOMAIN, false},
    {"alias and address", "aa.s7.example", XF_DNS_A, XF_DNS_FOUND, true},
    {"alias alone", "ap.s8.example", XF_DNS_A, XF_DNS_FOUND, false},
    {"address alone", "pa.s9.example", XF_DNS_A, XF_DNS_FOUND, false},
    {"AD without EDNS", "formerr.s12.example", XF_DNS_A, XF_DNS_FOUND, false},
    {"failure with AD", "servfail-auth.s10.example", XF_DNS_A, XF_DNS_FAILED, false},
    {"hosts file", "local.example", XF_DNS_A, XF_DNS_FOUND, false},
    {"hosts file, no such address", "local.example", XF_DNS_AAAA, XF_DNS_NO_DATA, false},
    {"TLSA", "tlsa.s11.example", XF_DNS_TLSA, XF_DNS_FOUND, true},
};

START_TEST(answer_is_secure)
{
    const char *label = authentic[_i].label;

    open_client(1, 3000, 10);
    for (int round = 0; round < 2; round++) { /* the second from the cache */
        struct seen seen = ask(authentic[_i].name, authentic[_i].type);
        ck_assert_msg(seen.status == authentic[_i].status, "%s: status %d in round %d", label,
                      (int)seen.status, round);
        ck_assert_msg(seen.is_secure == authentic[_i].is_secure, "%s: secure %d in round %d", label,
                      seen.is_secure, round);
    }
}
END_TEST

/* ... and one that spoke EDNS is not asked without it. */
START_TEST(lack_of_edns_is_kept)
{
    open_client(1, 3000, 0);
    ask("formerr.e1.example", XF_DNS_A);
    ask("formerr.e2.example", XF_DNS_A);
    check_asked("formerr.e1.example", 2);
    check_asked("formerr.e2.example", 1);
    xf_dns_client_free(&dns);
    open_client(1, 3000, 0);
    ask("opt.e3.example", XF_DNS_A);
    ck_assert_int_eq(ask("formerr.e4.example", XF_DNS_A).status, XF_DNS_FAILED);
    check_asked("formerr.e4.example", 1);
}
END_TEST

START_TEST(tlsa_data_comes_whole)
{
    open_client(1, 3000, 10);
    for (int round = 0; round < 2; round++) {
        struct seen seen = ask("tlsa.w.example", XF_DNS_TLSA);
        ck_assert_uint_eq(seen.record_count, 2);
        ck_assert_str_eq(seen.tlsa, "3 1 1 32 00, 2 0 2 3 61");
    }
    check_asked("tlsa.w.example", 1);
}
END_TEST

static const struct {
    const char *label, *servers[2];
    bool trust_ad, may_be_secure;
} believed[] = {
    {"loopback", {"127.0.0.1"}, false, true},
    {"loopback of IPv6", {"[::1]"}, false, true},
    {"any of 127/8", {"127.0.0.53"}, false, true},
    {"elsewhere", {"192.0.2.1"}, false, false},
    {"elsewhere with trust-ad", {"192.0.2.1"}, true, true},
    {"one of both", {"192.0.2.1", "127.0.0.1"}, false, true},
    {"neither", {"192.0.2.1", "[2001:db8::1]"}, false, false},
};

START_TEST(may_be_secure_with)
{
    struct xf_addr list[2];
    struct xf_dns_client_opts opts = {
        .servers = list, .hosts_file = "", .trust_ad = believed[_i].trust_ad, .timeout_ms = 1000};

    for (; opts.server_count < 2 && believed[_i].servers[opts.server_count]; opts.server_count++)
        ck_assert_int_eq(xf_addr_parse(xf_span_of(believed[_i].servers[opts.server_count]), 53,
                                       &list[opts.server_count]),
                         XF_ERR_OK);
    dns = xf_dns_client_new(loop, &opts);
    ck_assert_msg(dns->may_be_secure == believed[_i].may_be_secure, "%s", believed[_i].label);
}
END_TEST

/* ---------------------------------------------------------------- resolv.conf */

static char resolv_path[] = "/tmp/xf-test-resolv-XXXXXX";

static void write_resolv(const char *text)
{
    char new_path[sizeof(resolv_path) + 4];

    snprintf(new_path, sizeof(new_path), "%s.new", resolv_path);
    FILE *file = fopen(new_path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(rename(new_path, resolv_path), 0);
}

/* Port 53 of these addresses may answer on this machine or not: the detail names it either way. */
static void open_client_of_file(const char *text, unsigned timeout_ms)
{
    struct xf_dns_client_opts opts = {
        .resolv_conf = resolv_path, .hosts_file = hosts_path, .timeout_ms = timeout_ms};

    snprintf(resolv_path, sizeof(resolv_path), "/tmp/xf-test-resolv-XXXXXX");
    int fd = mkstemp(resolv_path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_resolv(text);
    dns = xf_dns_client_new(loop, &opts);
}

static void check_asked_at(const char *server)
{
    struct seen seen = ask("ok.resolv.invalid", XF_DNS_A);

    ck_assert_msg(strstr(seen.detail, server), "%s: %s", server, seen.detail);
}

static const char *said; /* the last event about servers */
static enum xf_help said_help;

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    (void)watcher;
    if (strncmp(event->name, "dns.servers.", 12) != 0)
        return;
    said = event->name;
    said_help = xf_help_of_code(xf_log_text(event, "help"));
}

START_TEST(no_server_is_this_machine)
{
    struct xf_log_watcher watcher = {.see = see};

    xf_log_watch(&watcher);
    open_client_of_file("", 100);
    ck_assert_str_eq(said, "dns.servers.missing");
    ck_assert_int_eq(said_help, XF_HELP_DNS_SERVERS_MISSING);
    ck_assert(dns->may_be_secure);
    check_asked_at(" from 127.0.0.1:53");
    write_resolv("nameserver 127.9.9.8\n");
    run_for(1000); /* sooner than that nobody looks */
    check_asked_at(" from 127.9.9.8:53");
    ck_assert_str_eq(said, "dns.servers.changed");
    xf_log_unwatch(&watcher);
    unlink(resolv_path);
}
END_TEST

START_TEST(no_file_is_this_machine)
{
    struct xf_dns_client_opts opts = {.resolv_conf = "/nonexistent/resolv.conf", .timeout_ms = 100};

    dns = xf_dns_client_new(loop, &opts);
    check_asked_at(" from 127.0.0.1:53");
}
END_TEST

START_TEST(reload_reads_the_servers_again)
{
    open_client_of_file("nameserver 127.9.9.8\n", 100);
    write_resolv("nameserver 127.9.9.9\n");
    check_asked_at(" from 127.9.9.8:53");
    xf_dns_client_reload(dns);
    check_asked_at(" from 127.9.9.9:53");
    write_resolv("# offline\n");
    xf_dns_client_reload(dns);
    check_asked_at(" from 127.9.9.9:53");
    unlink(resolv_path);
}
END_TEST

/* 192.0.2.0/24 is nobody's: its AD would not count, and must not once 127.9.9.9 is a server. */
START_TEST(open_queries_move_to_other_servers)
{
    unsigned left = 2;
    struct seen seen[2] = {{.left = &left}, {.left = &left}};

    open_client_of_file("nameserver 192.0.2.7\nnameserver 192.0.2.8\n", 300);
    ck_assert(!dns->may_be_secure);
    dns->ops->ask(dns, "one.resolv.invalid", XF_DNS_A, on_answered, &seen[0]);
    dns->ops->ask(dns, "two.resolv.invalid", XF_DNS_A, on_answered, &seen[1]);
    write_resolv("nameserver 127.9.9.9\n");
    xf_dns_client_reload(dns);
    ck_assert(dns->may_be_secure);
    ck_assert_uint_eq(left, 2);
    run_for(2000);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(seen[i].count, 1);
        ck_assert_msg(strstr(seen[i].detail, " from 127.9.9.9:53"), "%s", seen[i].detail);
    }
    ck_assert(xf_dns_client_is_idle(dns));
    unlink(resolv_path);
}
END_TEST

START_TEST(configured_servers_stay)
{
    open_client(1, 3000, 10);
    xf_dns_client_reload(dns);
    ck_assert_int_eq(ask("ok.stay.example", XF_DNS_A).status, XF_DNS_FOUND);
}
END_TEST

/* A port where nobody listens: the kernel may say so or not, the question ends in either case. */
START_TEST(closed_port_fails_in_time)
{
    servers[0] = xf_addr_from_v4((const uint8_t[]){127, 0, 0, 1}, 9);
    open_client(1, 1500, 0);
    uint64_t start_ms = xf_monotonic_ms();
    ck_assert_int_eq(ask("ok.closed.example", XF_DNS_A).status, XF_DNS_FAILED);
    ck_assert_uint_le(xf_monotonic_ms() - start_ms, 4000);
}
END_TEST

static uint64_t cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Not a limit, a figure: what one question costs with a socket of its own. */
START_TEST(cost_of_a_question_is_printed)
{
    enum { ROUNDS = 40, AT_ONCE = 25 };
    static struct seen seen[AT_ONCE];
    char name[64];

    open_client(1, 3000, 0);
    uint64_t start_us = cpu_us();
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned left = AT_ONCE;
        for (unsigned i = 0; i < AT_ONCE; i++) {
            seen[i] = (struct seen){.left = &left};
            snprintf(name, sizeof(name), "ok.cost%u-%u.example", round, i);
            dns->ops->ask(dns, name, XF_DNS_A, on_answered, &seen[i]);
        }
        xf_loop_run(loop);
        for (unsigned i = 0; i < AT_ONCE; i++)
            ck_assert_msg(seen[i].status == XF_DNS_FOUND, "%s", seen[i].detail);
    }
    printf("# %.1f us CPU a question over UDP\n",
           (double)(cpu_us() - start_us) / (ROUNDS * AT_ONCE));
}
END_TEST

/* ---------------------------------------------------------------- clients of peers' own servers */

static struct xf_dns_pool *open_pool(void)
{
    const struct xf_dns_client_opts opts = {
        .hosts_file = hosts_path, .timeout_ms = 3000, .cache_entries = 100};

    return xf_dns_pool_new(loop, &opts);
}

/* The first server answers; the second one only makes a list of its own. */
static struct xf_dns *get_nth(struct xf_dns_pool *pool, unsigned n)
{
    const struct xf_addr list[] = {servers[0],
                                   xf_addr_from_v4((const uint8_t[]){127, 0, 1, (uint8_t)n}, 53)};

    return xf_dns_pool_get(pool, list, 2);
}

static unsigned ask_through(struct xf_dns *client, const char *name)
{
    struct xf_dns *was = dns;
    unsigned udp, tcp;

    dns = client;
    struct seen seen = ask(name, XF_DNS_A);
    dns = was;
    ck_assert_int_eq(seen.status, XF_DNS_FOUND);
    count_questions(0, name, &udp, &tcp);
    return udp;
}

START_TEST(each_list_has_a_client_and_a_cache_of_its_own)
{
    struct xf_dns_pool *pool = open_pool();
    struct xf_dns *first = get_nth(pool, 1);

    ck_assert_ptr_eq(get_nth(pool, 1), first);
    ck_assert_ptr_ne(get_nth(pool, 2), first);
    ck_assert_uint_eq(xf_dns_pool_count(pool), 2);
    ck_assert_uint_eq(ask_through(first, "ok.pool.example"), 1);
    ck_assert_uint_eq(ask_through(first, "ok.pool.example"), 1); /* from the cache */
    ck_assert_uint_eq(ask_through(get_nth(pool, 2), "ok.pool.example"), 2);
    xf_dns_pool_free(&pool);
}
END_TEST

START_TEST(the_longest_unused_makes_room)
{
    struct xf_dns_pool *pool = open_pool();

    for (unsigned i = 0; i < XF_DNS_POOL_MAX; i++)
        ck_assert_uint_eq(ask_through(get_nth(pool, i), "ok.room.example"), i + 1);
    get_nth(pool, 0);
    get_nth(pool, XF_DNS_POOL_MAX); /* takes the place of the second */
    ck_assert_uint_eq(xf_dns_pool_count(pool), XF_DNS_POOL_MAX);
    ck_assert_uint_eq(ask_through(get_nth(pool, 0), "ok.room.example"), XF_DNS_POOL_MAX);
    ck_assert_uint_eq(ask_through(get_nth(pool, 1), "ok.room.example"), XF_DNS_POOL_MAX + 1);
    xf_dns_pool_free(&pool);
}
END_TEST

struct greedy { /* asks for one more client when it is answered, while all others are at work */
    struct xf_dns_pool *pool;
    bool got_one;
};

static void on_answered_greedy(void *owner, const struct xf_dns_answer *answer)
{
    struct greedy *greedy = owner;

    (void)answer;
    greedy->got_one = get_nth(greedy->pool, 200) != NULL;
    xf_loop_stop(loop);
}

START_TEST(one_at_work_is_not_taken_away)
{
    struct xf_dns_pool *pool = open_pool();
    struct greedy greedy = {pool, true};
    struct seen seen[XF_DNS_POOL_MAX] = {0};
    struct xf_dns *last = NULL;

    for (unsigned i = 0; i < XF_DNS_POOL_MAX; i++) {
        last = get_nth(pool, i);
        if (i + 1 < XF_DNS_POOL_MAX)
            last->ops->ask(last, "silent.work.example", XF_DNS_A, on_answered, &seen[i]);
    }
    last->ops->ask(last, "ok.work.example", XF_DNS_A, on_answered_greedy, &greedy);
    ck_assert_ptr_null(get_nth(pool, 100));
    /* those that are there can be had */
    ck_assert_ptr_eq(get_nth(pool, XF_DNS_POOL_MAX - 1), last);
    xf_loop_run(loop);
    ck_assert(!greedy.got_one); /* not from under the one that answers */
    run_for(1);
    ck_assert_ptr_nonnull(get_nth(pool, 100));
    ck_assert_uint_eq(xf_dns_pool_count(pool), XF_DNS_POOL_MAX);
    xf_dns_pool_free(&pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/client");
    TCase *tc = tcase_create("client");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, question_ends_in, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, second_question_asks_again, 0, XF_ARRAY_LEN(again));
    tcase_add_test(tc, two_askers_share_one_question);
    tcase_add_test(tc, one_asker_may_leave_the_others);
    tcase_add_loop_test(tc, last_asker_ends_the_question, 0, 3);
    tcase_add_test(tc, sockets_are_bounded);
    tcase_add_loop_test(tc, silent_domains_give_way, 0, XF_ARRAY_LEN(floods));
    tcase_add_test(tc, answer_may_cancel_and_ask);
    tcase_add_loop_test(tc, client_may_go_in_the_middle, 0, 4);
    tcase_add_test(tc, later_comes_once_and_may_be_cancelled);
    tcase_add_test(tc, hosts_file_is_for_addresses_only);
    tcase_add_test(tc, dead_server_is_not_asked_first_again);
    tcase_add_loop_test(tc, answer_is_secure, 0, XF_ARRAY_LEN(authentic));
    tcase_add_test(tc, lack_of_edns_is_kept);
    tcase_add_test(tc, tlsa_data_comes_whole);
    tcase_add_loop_test(tc, may_be_secure_with, 0, XF_ARRAY_LEN(believed));
    tcase_add_test(tc, no_server_is_this_machine);
    tcase_add_test(tc, no_file_is_this_machine);
    tcase_add_test(tc, reload_reads_the_servers_again);
    tcase_add_test(tc, open_queries_move_to_other_servers);
    tcase_add_test(tc, configured_servers_stay);
    tcase_add_test(tc, closed_port_fails_in_time);
    tcase_add_test(tc, each_list_has_a_client_and_a_cache_of_its_own);
    tcase_add_test(tc, the_longest_unused_makes_room);
    tcase_add_test(tc, one_at_work_is_not_taken_away);
    tcase_add_test(tc, cost_of_a_question_is_printed);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
