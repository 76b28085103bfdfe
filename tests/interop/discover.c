/* SPDX-License-Identifier: MIT */
/*
 * discover.c — what discovery finds for domains, asked of a resolver. tests/integration/dnssec.py
 * runs it.
 *
 *     discover RESOLVER trust-ad|- DOMAIN...
 *
 * A line a domain: its name, outcome and words in quotes; then each candidate, as "
 * [starttls|direct] ADDRESS TARGET secure|- USAGE/SELECTOR/MATCHING/BYTES/HEX,..|-". Every domain
 * is asked for twice, and the second time, from the cache, must give the same.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/buf.h>
#include <xfed/base/err.h>
#include <xfed/dns/discover.h>

#define TIMEOUT_MS 4000
#define TEXT_MAX   (1 << 20)
#define HEX_BYTES  8 /* of the data, enough to know it by */

struct run {
    struct xf_loop *loop;
    struct xf_dns *dns;
    struct xf_buf *text;
};

static void say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct run *run, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    xf_require(len >= 0 && (size_t)len < sizeof(line));
    xf_buf_append(run->text, line, (size_t)len);
}

static void say_records(struct run *run, const struct xf_tlsa_set *set)
{
    for (size_t i = 0; i < xf_tlsa_set_count(set); i++) {
        const struct xf_tlsa *tlsa = xf_tlsa_set_at(set, i);

        say(run, "%s%u/%u/%u/%zu/", i ? "," : "", tlsa->usage, tlsa->selector, tlsa->matching,
            tlsa->data_bytes);
        for (size_t k = 0; k < HEX_BYTES && k < tlsa->data_bytes; k++)
            say(run, "%02x", tlsa->data[k]);
    }
    say(run, "%s\n", set ? "" : "-");
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    static const char *const outcomes[] = {"found", "no-service", "not-found", "failed"};
    struct run *run = owner;

    say(run, "%s \"%s\"", outcomes[result->outcome], result->detail);
    if (result->count == 0)
        /* A resolver repeats the name as it was asked, in random case: <B.exAmple> */
        say(run, " help=%s cause=\"%.*s\"", xf_help_code(result->help),
            (int)strcspn(result->cause, "<"), result->cause);
    say(run, "\n");
    for (size_t i = 0; i < result->count; i++) {
        const struct xf_candidate *candidate = &result->candidates[i];
        char addr[XF_ADDR_TEXT_BYTES];

        xf_addr_text(&candidate->addr, addr);
        say(run, " %s %s %s %s ", candidate->is_direct ? "direct" : "starttls", addr,
            candidate->target, candidate->is_secure ? "secure" : "-");
        say_records(run, candidate->tlsa);
    }
    xf_loop_stop(run->loop);
}

static void discover(struct run *run, const char *domain, struct xf_buf *text)
{
    static const struct xf_discovery_opts opts = {.services = XF_SERVICE_XMPPS | XF_SERVICE_XMPP,
                                                  .dane = true};

    xf_buf_init(text, TEXT_MAX);
    run->text = text;
    xf_discover(run->dns, xf_span_of(domain), &opts, on_discovered, run);
    xf_loop_run(run->loop);
}

static bool discover_twice(struct run *run, const char *domain)
{
    struct xf_buf first, second;

    discover(run, domain, &first);
    discover(run, domain, &second);
    printf("%s %.*s", domain, XF_SPAN_ARGS(xf_buf_span(&first)));
    bool is_same = xf_span_eq(xf_buf_span(&first), xf_buf_span(&second));
    if (!is_same)
        printf("%s again: %.*s", domain, XF_SPAN_ARGS(xf_buf_span(&second)));
    xf_buf_release(&first);
    xf_buf_release(&second);
    return is_same;
}

int main(int argc, char **argv)
{
    struct xf_addr server;
    int status = EXIT_SUCCESS;

    if (argc < 4 || xf_addr_parse(xf_span_of(argv[1]), 53, &server) != XF_ERR_OK) {
        fprintf(stderr, "usage: discover RESOLVER trust-ad|- DOMAIN...\n");
        return 64;
    }
    struct run run = {.loop = xf_loop_new()};
    struct xf_dns_client_opts opts = {.servers = &server,
                                      .server_count = 1,
                                      .hosts_file = "",
                                      .trust_ad = strcmp(argv[2], "trust-ad") == 0,
                                      .timeout_ms = TIMEOUT_MS,
                                      .cache_entries = 1000};
    run.dns = xf_dns_client_new(run.loop, &opts);
    for (int i = 3; i < argc; i++)
        if (!discover_twice(&run, argv[i]))
            status = EXIT_FAILURE;
    xf_dns_client_free(&run.dns);
    xf_loop_free(&run.loop);
    return status;
}
