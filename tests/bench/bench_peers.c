/* SPDX-License-Identifier: MIT */
/*
 * bench_peers.c — does a SIP conn cost more with more peers? 10 sections with protocol = sip beside
 * 20,000: microseconds of the processor to look at one conn (by what its certificate is judged, and
 * whether it is admitted), and at one request on it.
 *
 * usage: bench_peers [ROUNDS]   (default 200). Each figure is the best of five. One section in four
 * is known by its domain, by sip-names, by the host of its route, and by an address in clear.
 */
#include "simple_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define DEFAULT_ROUNDS 200
#define TRIES          5

static const int sizes[] = {10, 20000};

/* Of the processor: others may want the machine too. */
static double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void write_conf(const char *path, int peers)
{
    FILE *out = fopen(path, "we");
    xf_require(out != NULL);
    fputs("link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n"
          "served \"a.example\" { link = l }\ndefaults { tls = optional }\ntrust { cert-dir = \"\" "
          "}\n",
          out);
    for (int i = 0; i < peers; i++) {
        fprintf(out, "peer \"p%d.example\" { protocol = sip ", i);
        if (i % 4 == 1)
            fprintf(out, "sip-name-check = list sip-names = {\"sbc%d.host.example\"} ", i);
        else if (i % 4 == 2)
            fprintf(out, "sip-name-check = target route = {\"fe%d.route.example:5061\"} ", i);
        else if (i % 4 == 3)
            fprintf(out,
                    "sip-transport = tcp sip-from = {\"10.%d.%d.7\"} "
                    "route = {\"10.%d.%d.7:5060\"} ",
                    i / 250, i % 250, i / 250, i % 250);
        fputs("}\n", out);
    }
    xf_require(fclose(out) == 0);
}

static struct xf_conf *load_conf(int peers)
{
    char folder[] = "/tmp/xfed-bench-XXXXXX", path[64], secret[64], *messages = NULL;
    struct xf_conf *conf;
    xf_require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/conf", folder);
    snprintf(secret, sizeof(secret), "%s/secret", folder);
    FILE *out = fopen(secret, "we");
    xf_require(out && fputs("a secret of the bench, long enough\n", out) >= 0 && fclose(out) == 0);
    write_conf(path, peers);
    if (xf_conf_load(path, &conf, &messages) != XF_ERR_OK) {
        fputs(messages, stderr);
        exit(1);
    }
    xf_free(messages);
    unlink(path);
    unlink(secret);
    rmdir(folder);
    return conf;
}

struct caller {
    const char *label;
    char name[64], addr[32], domain[64]; /* "" as name: in clear */
    bool is_admitted, speaks;
};

static double measure(struct xf_simple *simple, const struct caller *caller, int rounds,
                      bool is_request)
{
    struct xf_cert_name name = {XF_CERT_DNS, (char *)caller->name};
    const struct xf_tls_facts facts = {.version = "TLSv1.3",
                                       .is_server = true,
                                       .is_judged = true,
                                       .chain = XF_CERT_TRUSTED,
                                       .has_alt_names = true,
                                       .names = &name,
                                       .name_count = 1};
    struct xf_addr addr;
    xf_require(xf_addr_parse(xf_span_of(caller->addr), 5061, &addr) == XF_ERR_OK);
    const struct xf_ua_party party = {.addr = &addr, .tls = *caller->name ? &facts : NULL};
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        double began = now_us();
        for (int k = 0; k < rounds; k++) {
            struct xf_tls_basis basis = {0};
            struct xf_refusal refusal;
            struct xf_ua_caller who;
            if (is_request) {
                xf_require(xf_peers_call(simple, &party, xf_span_of(caller->domain), &who) ==
                           caller->speaks);
                continue;
            }
            if (party.tls)
                xf_peers_basis(simple, &party, &basis);
            xf_require(xf_peers_admit(simple, &party, &refusal) == caller->is_admitted);
        }
        double took = (now_us() - began) / rounds;
        best = i == 0 || took < best ? took : best;
    }
    return best;
}

static void run(int peers, int rounds)
{
    char host[] = "sip.a.example";
    struct xf_conf *conf = load_conf(peers);
    struct xf_simple simple = {.host = host};
    simple.policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
    simple.peers = xf_peer_index_new(simple.policy);
    int last = peers - peers % 4;
    struct caller callers[] = {
        {"its domain", "", "192.0.2.1", "", true, true},
        {"sip-names", "", "192.0.2.1", "", true, true},
        {"host of its route", "", "192.0.2.1", "", true, true},
        {"address in clear", "", "", "", true, true},
        {"a stranger", "stranger.example", "192.0.2.1", "stranger.example", false, false},
        {"a stranger in clear", "", "192.0.2.1", "stranger.example", false, false},
    };
    for (int i = 0; i < 4; i++)
        snprintf(callers[i].domain, sizeof(callers[i].domain), "p%d.example", last - 4 + i);
    snprintf(callers[0].name, sizeof(callers[0].name), "p%d.example", last - 4);
    snprintf(callers[1].name, sizeof(callers[1].name), "sbc%d.host.example", last - 3);
    snprintf(callers[2].name, sizeof(callers[2].name), "fe%d.route.example", last - 2);
    snprintf(callers[3].addr, sizeof(callers[3].addr), "10.%d.%d.7", (last - 1) / 250,
             (last - 1) % 250);
    printf("%d peers\n", peers);
    for (size_t i = 0; i < XF_ARRAY_LEN(callers); i++)
        printf("  %-20s a conn %10.2f us   a request %6.2f us\n", callers[i].label,
               measure(&simple, &callers[i], rounds, false),
               measure(&simple, &callers[i], rounds, true));
    xf_peer_index_free(&simple.peers);
    xf_policy_free(&simple.policy);
    xf_conf_free(&conf);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;
    for (size_t i = 0; i < XF_ARRAY_LEN(sizes); i++)
        run(sizes[i], rounds);
    return 0;
}
