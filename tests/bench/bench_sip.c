/* SPDX-License-Identifier: MIT */
/*
 * bench_sip.c — nanoseconds to frame and to parse one SIP message, and to write an answer to it.
 *
 * usage: bench_sip [ROUNDS]   (default 1000000) Each figure is measured three times; the best is
 * printed, as noise only ever adds. The messages are those of tests/unit/sip/samples.c.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/sip/write.h>

#include "samples.h"

#define DEFAULT_ROUNDS 1000000
#define TRIES          3
#define ANSWER_MAX     8192

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

struct subject {
    char *bytes;
    size_t len;
    struct xf_sip_message message;
    struct xf_buf out;
};

static bool frame(struct subject *s)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame out;

    xf_sip_frame(&framer, s->bytes, s->len, &limits, &out);
    return out.kind == XF_SIP_FRAME_MESSAGE && out.len == s->len;
}

static bool parse(struct subject *s)
{
    struct xf_sip_error error;

    return xf_sip_parse(s->bytes, s->len, &limits, &s->message, &error) == XF_ERR_OK;
}

static bool answer(struct subject *s)
{
    const struct xf_sip_source source = {XF_SPAN("192.0.2.31"), 49823};
    struct xf_sip_writer writer;

    xf_buf_clear(&s->out);
    xf_sip_write_answer(&writer, &s->out, &s->message, 200, XF_SPAN("7f3a"), &source);
    xf_sip_write_copy(&writer, &s->message, XF_SIP_H_RECORD_ROUTE);
    return xf_sip_write_end(&writer, XF_SPAN_NONE) == XF_ERR_OK;
}

/* Nanoseconds a round, or less than 0: it failed. The bytes are hidden from the optimiser. */
static double measure(bool (*step)(struct subject *s), struct subject *s, uint64_t rounds)
{
    double best = 0;

    for (int try = 0; try < TRIES; try++) {
        double start = now_ns();

        for (uint64_t i = 0; i < rounds; i++) {
            __asm__ volatile("" : "+r"(s) : : "memory");
            if (!step(s))
                return -1;
        }
        double ns = (now_ns() - start) / (double)rounds;
        best = try == 0 || ns < best ? ns : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *label;
        bool (*step)(struct subject *s);
    } steps[] = {{"frame", frame}, {"parse", parse}, {"answer", answer}};
    static struct subject s;
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_ROUNDS;

    xf_buf_init(&s.out, ANSWER_MAX);
    for (size_t i = 0; i < sip_sample_count; i++) {
        s.bytes = sip_bytes(sip_samples[i].text, &s.len);
        printf("%-40s %5zu bytes", sip_samples[i].label, s.len);
        for (size_t k = 0; k < XF_ARRAY_LEN(steps); k++) {
            if (steps[k].step == answer && !s.message.is_request)
                continue;
            double ns = measure(steps[k].step, &s, rounds);
            if (ns < 0) {
                fprintf(stderr, "bench_sip: %s: %s failed\n", sip_samples[i].label, steps[k].label);
                return EXIT_FAILURE;
            }
            printf("  %s %7.1f ns", steps[k].label, ns);
        }
        printf("\n");
        xf_free(s.bytes);
    }
    xf_buf_release(&s.out);
    return EXIT_SUCCESS;
}
