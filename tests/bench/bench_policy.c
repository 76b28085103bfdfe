/* SPDX-License-Identifier: MIT */
/*
 * bench_policy.c — does policy cost more with more rows? 10 peer sections and no blocklist beside
 * 5,000 sections and 100,000 blocked domains: time and memory to load, nanoseconds a question.
 *
 * usage: bench_policy [ROUNDS]   (default 400000). Each figure is the best of five, as noise only
 * ever adds. Half of the sections are exact names, half are patterns; one in four has rules that
 * look at stanzas. Asked are names of sections, names below patterns and strangers, each a
 * different one than before.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/policy/policy.h>

#define DEFAULT_ROUNDS 400000
#define TRIES          5
#define NAMES          1000 /* asked in turn */

static const struct {
    const char *label;
    int peers, blocked;
} sizes[] = {
    {"10 peers", 10, 0},
    {"10 peers, 100,000 blocked", 10, 100000},
    {"5,000 peers", 5000, 0},
    {"5,000 peers, 100,000 blocked", 5000, 100000},
};

struct world {
    struct xf_conf *conf;
    struct xf_blocklist *list;
    struct xf_policy *policy;
    char names[NAMES][64];
    double conf_ms, list_ms, policy_ms;
    size_t conf_bytes, list_bytes, policy_bytes;
};

/* Of the processor: others may want the machine too. */
static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static size_t memory(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void write_conf(const char *path, int peers)
{
    FILE *out = fopen(path, "we");
    xf_require(out != NULL);
    fputs("link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n"
          "served \"a.example\" { link = l }\ndefaults { tls = optional }\ntrust { cert-dir = \"\" "
          "}\n",
          out);
    for (int i = 0; i < peers; i++)
        fprintf(out, "peer \"%s%s-%d.example\" { direction = %s %s }\n", i % 2 ? "*." : "",
                i % 2 ? "group" : "peer", i, i % 3 ? "both" : "in",
                i % 4 ? ""
                      : "users = {\"*@a.example\"} block-kinds-in = {iq} block-namespaces-in = "
                        "{\"jabber:x:oob\"}");
    xf_require(fclose(out) == 0);
}

static void load_conf(struct world *world, int peers)
{
    char folder[] = "/tmp/xfed-bench-XXXXXX", path[64], secret[64], *messages = NULL;
    xf_require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/conf", folder);
    snprintf(secret, sizeof(secret), "%s/secret", folder);
    FILE *out = fopen(secret, "we");
    xf_require(out && fputs("a secret of the bench, long enough\n", out) >= 0 && fclose(out) == 0);
    write_conf(path, peers);
    size_t before = memory();
    double began = now_ns();
    if (xf_conf_load(path, &world->conf, &messages) != XF_ERR_OK) {
        fputs(messages, stderr);
        exit(1);
    }
    world->conf_ms = (now_ns() - began) / 1e6;
    xf_free(messages);
    world->conf_bytes = memory() - before;
    unlink(path);
    unlink(secret);
    rmdir(folder);
}

static void load_list(struct world *world, int blocked)
{
    if (blocked == 0)
        return;
    char *text = xf_alloc((size_t)blocked * 64), *end = text;
    for (int i = 0; i < blocked; i++)
        end += snprintf(end, 64, "%shost-%d.spam-%d.example until=2031-01-01 feed\n",
                        i % 4 ? "" : "*.", i, i % 977);
    size_t before = memory();
    double began = now_ns();
    world->list = xf_blocklist_new();
    xf_require(xf_blocklist_add(world->list, "bench", xf_span_of(text), NULL) == XF_ERR_OK);
    world->list_ms = (now_ns() - began) / 1e6;
    world->list_bytes = memory() - before;
    xf_free(text);
}

/* A third each: sections of their own, below patterns, strangers. */
static void make_names(struct world *world, int peers)
{
    for (int i = 0; i < NAMES; i++) {
        int k = (int)((unsigned)i * 2654435761u % (unsigned)peers);
        if (i % 3 == 0)
            snprintf(world->names[i], sizeof(world->names[i]), "peer-%d.example", k & ~1);
        else if (i % 3 == 1)
            snprintf(world->names[i], sizeof(world->names[i]), "im.group-%d.example", k | 1);
        else
            snprintf(world->names[i], sizeof(world->names[i]), "stranger-%d.example", i);
    }
}

static void open_world(struct world *world, int peers, int blocked)
{
    *world = (struct world){0};
    load_conf(world, peers);
    load_list(world, blocked);
    make_names(world, peers);
    size_t before = memory();
    double began = now_ns();
    world->policy =
        xf_policy_new(&(struct xf_policy_opts){.conf = world->conf, .blocklist = world->list});
    world->policy_ms = (now_ns() - began) / 1e6;
    world->policy_bytes = memory() - before;
}

static void close_world(struct world *world)
{
    xf_policy_free(&world->policy);
    xf_blocklist_free(&world->list);
    xf_conf_free(&world->conf);
}

static void ask_may(struct world *world, struct xf_span peer)
{
    bool may = xf_policy_may(world->policy, XF_SPAN("a.example"), peer, XF_DIRECTION_IN);
    __asm__ volatile("" : : "r"(may) : "memory");
}

static void ask_judge(struct world *world, struct xf_span peer)
{
    static const struct xf_stanza stanza = {
        .kind = XF_STANZA_MESSAGE,
        .children = {{.name = XF_SPAN_INIT("body")}, {.ns = XF_SPAN_INIT("urn:xmpp:receipts")}},
        .child_count = 2};
    struct xf_ruling ruling;
    xf_policy_judge(world->policy,
                    &(struct xf_policy_ask){.direction = XF_DIRECTION_IN,
                                            .served = XF_SPAN("a.example"),
                                            .peer = peer,
                                            .user = XF_SPAN("u@a.example"),
                                            .kind = XF_KINDS_MESSAGE,
                                            .stanza = &stanza},
                    &ruling);
    __asm__ volatile("" : : "r"(&ruling) : "memory");
}

/* `names`: so many in turn; 1 is a run of stanzas of one peer. */
static double measure(struct world *world, void (*ask)(struct world *, struct xf_span),
                      uint64_t rounds, unsigned names)
{
    double best = 1e18;
    for (int try = 0; try < TRIES; try++) {
        double began = now_ns();
        for (uint64_t i = 0; i < rounds; i++)
            ask(world, xf_span_of(world->names[i % names]));
        double took = (now_ns() - began) / (double)rounds;
        best = took < best ? took : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_ROUNDS;
    printf("%-30s %10s %10s %10s %9s %9s %9s %8s %8s %8s\n", "", "conf ms", "list ms", "policy ms",
           "conf MB", "list MB", "policy MB", "may ns", "judge ns", "in a run");
    for (size_t i = 0; i < XF_ARRAY_LEN(sizes); i++) {
        struct world *world = xf_new(struct world);
        open_world(world, sizes[i].peers, sizes[i].blocked);
        double may_ns = measure(world, ask_may, rounds, NAMES),
               judge_ns = measure(world, ask_judge, rounds, NAMES),
               run_ns = measure(world, ask_judge, rounds, 1);
        printf("%-30s %10.1f %10.1f %10.2f %9.2f %9.2f %9.2f %8.0f %8.0f %8.0f\n", sizes[i].label,
               world->conf_ms, world->list_ms, world->policy_ms, (double)world->conf_bytes / 1e6,
               (double)world->list_bytes / 1e6, (double)world->policy_bytes / 1e6, may_ns, judge_ns,
               run_ns);
        close_world(world);
        xf_free(world);
    }
    return 0;
}
