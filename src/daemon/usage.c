/* SPDX-License-Identifier: MIT */
/* usage.c — what --help prints, and the manual page says. */
#include <xfed/daemon/usage.h>

/* clang-format off */
const struct xf_usage_row xf_usage_modes[] = {
    {"[-c FILE]", "run in the foreground; the file is " XFED_CONF_FILE " if none is named"},
    {"-c FILE -t [--strict]", "check the configuration and the files that it names; --strict: warnings refuse it too"},
    {"-c FILE --dump [--changed]", "print the settings in force, all or those that are not the default"},
    {"-c FILE --dns-records [ZONE]", "print the DNS records to publish, all or those of one zone"},
    {"-c FILE --csr-names [NAME]", "print the names that certificates need, for openssl req -config"},
    {"-c FILE --firewall nftables|asa", "print firewall rules"},
    {"-c FILE --partner PEER", "print the page to send to the operator of this peer"},
    {"-c FILE --explain FROM TO", "print whether policy lets stanzas from one JID to another pass, and why"},
    {"--sample", "print a commented configuration with all defaults"},
    {"--version", "print the version"},
    {"--help", "print this"},
    {NULL, NULL},
};

const struct xf_usage_row xf_usage_signals[] = {
    {"HUP", "read configuration and certificates again"},
    {"TERM, INT", "empty the queues and stop; a second one stops at once"},
    {NULL, NULL},
};

const struct xf_usage_row xf_usage_exits[] = {
    {"0", "success"},
    {"1", "failure at run time"},
    {"64", "wrong usage"},
    {"78", "wrong configuration"},
    {NULL, NULL},
};
/* clang-format on */

static void print_table(const char *first, const char *rest, const struct xf_usage_row *rows,
                        int width, FILE *out)
{
    for (size_t i = 0; rows[i].words; i++)
        fprintf(out, "%s%-*s  %s\n", i ? rest : first, width, rows[i].words, rows[i].help);
}

void xf_usage_print(FILE *out)
{
    print_table("usage: xfedd ", "       xfedd ", xf_usage_modes, 32, out);
    print_table("\nsignals:    ", "            ", xf_usage_signals, 9, out);
    print_table("\nexit codes: ", "            ", xf_usage_exits, 2, out);
}
