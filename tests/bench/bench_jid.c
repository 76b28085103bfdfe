/* SPDX-License-Identifier: MIT */
/*
 * bench_jid.c — nanoseconds to prepare one JID, for each way through xmpp/jid.c.
 *
 * usage: bench_jid [ROUNDS]   (default 2000000 for ASCII, a hundredth of that where a library
 * works) Each row is run three times; the best is printed, as noise only ever adds.
 */
#include <xfed/xmpp/jid.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEFAULT_ROUNDS 2000000
#define LIBRARY_SHARE  100
#define TRIES          3

/* clang-format off */
static const struct {
    const char *label, *text;
    bool uses_library;
} rows[] = {
    {"domain, 16 bytes",               "chat.example.org",                         false},
    {"bare JID, 24 bytes",             "juliet@shakespeare.local",                 false},
    {"full JID, 40 bytes",             "juliet@capulet.example.org/balcony-4f1e2", false},
    {"full JID, 106 bytes",            "a-rather-long-local-part-of-a-user@conference.chat.example.org"
                                       "/gajim.9f0e5cc2-2a33-4e17-9d7b-b3b2a1d4c0", false},
    {"upper case, 40 bytes",           "Juliet@Capulet.example.org/balcony-4f1e2", false},
    {"IPv4 address",                   "juliet@192.0.2.117/balcony",               false},
    {"resource beyond ASCII",          "juliet@example.org/b\xc3\xa4lcony",        true},
    {"local part beyond ASCII",        "j\xc3\xbcliet@example.org/balcony",        true},
    {"A-label",                        "juliet@xn--bcher-kva.example/balcony",     true},
    {"U-label",                        "juliet@b\xc3\xbc" "cher.example/balcony",  true},
};
/* clang-format on */

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds a round; the bytes of the text are hidden from the optimiser. */
static double measure(struct xf_span text, uint64_t rounds)
{
    static char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    double start = now_ns();

    for (uint64_t i = 0; i < rounds; i++) {
        __asm__ volatile("" : "+r"(text.ptr) : : "memory");
        if (xf_jid_prepare(text, scratch, &jid) != XF_ERR_OK)
            return -1;
        __asm__ volatile("" : : "r"(&jid) : "memory");
    }
    return (now_ns() - start) / (double)rounds;
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_ROUNDS;

    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        double best = 0;

        for (int try = 0; try < TRIES; try++) {
            double ns = measure(xf_span_of(rows[i].text),
                                rows[i].uses_library ? rounds / LIBRARY_SHARE + 1 : rounds + 1);

            if (ns < 0) {
                fprintf(stderr, "bench_jid: %s: refused\n", rows[i].label);
                return 1;
            }
            best = try == 0 || ns < best ? ns : best;
        }
        printf("%-28s %3zu bytes %9.1f ns\n", rows[i].label, strlen(rows[i].text), best);
    }
    return 0;
}
