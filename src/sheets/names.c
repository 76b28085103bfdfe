/* SPDX-License-Identifier: MIT */
/* names.c — lists our names; small helpers for all sheets. */
#include "sheets_priv.h"

#include <stdlib.h>
#include <string.h>

const char *xf_ascii_of(const char *domain, char out[XF_DOMAIN_ASCII_MAX + 1])
{
    xf_require(xf_domain_to_ascii(xf_span_of(domain), out) == XF_ERR_OK); /* conf prepared it */
    return out;
}

bool xf_our_name_at(const struct xf_conf *conf, size_t i, struct xf_our_name *out)
{
    for (size_t s = 0; s < conf->served_count; s++) {
        const struct xf_served_settings *served = &conf->served[s].settings;
        if (i <= served->aliases.count) {
            *out =
                (struct xf_our_name){.name = i == 0 ? served->domain : served->aliases.item[i - 1],
                                     .served = s,
                                     .is_alias = i > 0};
            (void)xf_ascii_of(out->name, out->ascii);
            return true;
        }
        i -= served->aliases.count + 1;
    }
    return false;
}

bool xf_name_is_ours(const struct xf_conf *conf, const char *name)
{
    struct xf_our_name ours;
    for (size_t i = 0; xf_our_name_at(conf, i, &ours); i++)
        if (strcmp(ours.name, name) == 0)
            return true;
    return false;
}

bool xf_name_is_in(const char *name, const char *zone)
{
    size_t len = strlen(name), zone_len = strlen(zone);
    if (len < zone_len || strcmp(name + len - zone_len, zone) != 0)
        return false;
    return len == zone_len || name[len - zone_len - 1] == '.';
}

bool xf_some_peer_is_sip(const struct xf_conf *conf)
{
    bool is = conf->defaults.protocol != XF_PROTOCOL_XMPP;
    for (size_t i = 0; i < conf->peer_count && !is; i++) {
        struct xf_peer_settings settings;
        xf_conf_section_settings(conf, &conf->peers[i], &settings);
        is = settings.protocol != XF_PROTOCOL_XMPP;
    }
    return is;
}

enum xf_err xf_need_nodes(const struct xf_conf *conf, const char *sheet, struct xf_error *err)
{
    if (conf->node_count > 0)
        return XF_ERR_OK;
    return xf_fail(err, XF_ERR_BAD_VALUE,
                   "%s: the configuration does not say how peers reach this server: expected node "
                   "\"xmpp1\" { host = \"xmpp1.example.org\" "
                   "addresses = {\"203.0.113.5\"} }",
                   sheet);
}

unsigned xf_port_of(const char *host_port)
{
    const char *colon = strrchr(host_port, ':');
    bool has_port =
        colon && (host_port[0] == '[' ? colon[-1] == ']' : strchr(host_port, ':') == colon);
    return has_port ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}
