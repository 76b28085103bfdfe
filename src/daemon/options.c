/* SPDX-License-Identifier: MIT */
/* options.c — the command line: one mode, one configuration file. */
#include "daemon_priv.h"

#include <getopt.h>
#include <xfed/daemon/usage.h>

/* clang-format off */
static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'}, {"dump", no_argument, NULL, 'd'},
    {"sample", no_argument, NULL, 's'},       {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'},
    {"dns-records", optional_argument, NULL, 'D'}, {"csr-names", optional_argument, NULL, 'C'},
    {"firewall", required_argument, NULL, 'F'}, {"partner", required_argument, NULL, 'P'},       {"explain", required_argument, NULL, 'E'},
    {"changed", no_argument, NULL, 'x'},            {"strict", no_argument, NULL, 'S'},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

static bool refuse(const char *what)
{
    fprintf(stderr, "xfedd: %s\n", what);
    xf_usage_print(stderr);
    return false;
}

static bool reads_file(enum xf_mode mode)
{
    return mode != XF_MODE_SAMPLE && mode != XF_MODE_VERSION && mode != XF_MODE_HELP;
}

/*
 * `--dns-records example.org`: getopt does not parse an optional argument after a space, so we do.
 */
static bool takes_word(enum xf_mode mode)
{
    return mode == XF_MODE_DNS || mode == XF_MODE_CSR;
}

/* XF_MODE_RUN if the letter does not select a mode. */
static enum xf_mode mode_of(int letter)
{
    switch (letter) {
    case 't':
        return XF_MODE_TEST;
    case 'd':
        return XF_MODE_DUMP;
    case 's':
        return XF_MODE_SAMPLE;
    case 'D':
        return XF_MODE_DNS;
    case 'C':
        return XF_MODE_CSR;
    case 'F':
        return XF_MODE_FIREWALL;
    case 'P':
        return XF_MODE_PARTNER;
    case 'E':
        return XF_MODE_EXPLAIN;
    case 'V':
        return XF_MODE_VERSION;
    case 'h':
        return XF_MODE_HELP;
    default:
        return XF_MODE_RUN;
    }
}

bool xf_options_parse(int argc, char **argv, struct xf_options *out_options)
{
    struct xf_options options = {.mode = XF_MODE_RUN};
    int letter;
    while ((letter = getopt_long(argc, argv, "c:tVh", long_options, NULL)) != -1) {
        enum xf_mode mode = mode_of(letter);
        if (letter == '?')
            return refuse("see above");
        if (letter == 'c' && options.file)
            return refuse("-c is given twice");
        if (letter == 'c')
            options.file = optarg;
        else if (letter == 'x')
            options.is_changed = true;
        else if (letter == 'S')
            options.is_strict = true;
        else if (options.mode != XF_MODE_RUN && options.mode != mode)
            return refuse(
                "only one of -t, --dump, --dns-records, --csr-names, --firewall, --partner, "
                "--explain, --sample, --version and --help");
        else
            options.mode = mode;
        if (letter != 'c' && optarg)
            options.subject = optarg;
    }
    if (takes_word(options.mode) && !options.subject && optind < argc)
        options.subject = argv[optind++];
    if (options.mode == XF_MODE_EXPLAIN && optind < argc)
        options.to = argv[optind++];
    if (options.mode == XF_MODE_EXPLAIN && !options.to)
        return refuse("--explain needs two JIDs");
    if (optind < argc)
        return refuse("unexpected argument: name the configuration file with -c FILE");
    if (options.is_changed && options.mode != XF_MODE_DUMP)
        return refuse("--changed is about --dump");
    if (options.is_strict && options.mode != XF_MODE_TEST)
        return refuse("--strict is about -t");
    if (options.file && !*options.file)
        return refuse("-c FILE: the name is empty");
    if (reads_file(options.mode) && !options.file)
        options.file = XFED_CONF_FILE;
    *out_options = options;
    return true;
}
