/* SPDX-License-Identifier: MIT */
/* options.c — the command line: one mode, one configuration file. */
#include "daemon_priv.h"

#include <getopt.h>

/* clang-format off */
static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'}, {"dump", no_argument, NULL, 'd'},
    {"sample", no_argument, NULL, 's'},       {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'},
    {"dns-records", optional_argument, NULL, 'D'}, {"csr-names", optional_argument, NULL, 'C'},
    {"firewall", required_argument, NULL, 'F'},        {"explain", required_argument, NULL, 'E'},
    {"changed", no_argument, NULL, 'x'},
    {NULL, 0, NULL, 0},
};
/* clang-format on */

void xf_options_help(FILE *out)
{
    fputs("usage: xfedd [-c FILE]          run in the foreground; the file is " XFED_CONF_FILE
          " if none is named\n"
          "       xfedd -c FILE -t         check the configuration and the files that it names\n"
          "       xfedd -c FILE --dump [--changed]      print the settings in force, all or those "
          "that are not the default\n"
          "       xfedd -c FILE --dns-records [ZONE]    print the DNS records to publish, all or "
          "those of one zone\n"
          "       xfedd -c FILE --csr-names [DOMAIN]    print the names that certificates need, "
          "for openssl req -config\n"
          "       xfedd -c FILE --firewall nftables|asa print firewall rules\n"
          "       xfedd -c FILE --explain FROM TO       print whether policy lets stanzas from one "
          "JID to another pass, and why\n"
          "       xfedd --sample           print a commented configuration with all defaults\n"
          "       xfedd --version | --help\n"
          "\n"
          "signals: HUP reads configuration and certificates again; TERM and INT empty the queues "
          "and stop, a second one stops at once.\n"
          "exit codes: 0 success, 1 failure at run time, 64 wrong usage, 78 wrong configuration.\n",
          out);
}

static bool refuse(const char *what)
{
    fprintf(stderr, "xfedd: %s\n", what);
    xf_options_help(stderr);
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
        else if (options.mode != XF_MODE_RUN && options.mode != mode)
            return refuse("only one of -t, --dump, --dns-records, --csr-names, --firewall, "
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
    if (options.file && !*options.file)
        return refuse("-c FILE: the name is empty");
    if (reads_file(options.mode) && !options.file)
        options.file = XFED_CONF_FILE;
    *out_options = options;
    return true;
}
