/* SPDX-License-Identifier: MIT */
/* check_link.c — checks the settings of links that concern several values. */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/forms.h>

static void refuse(const struct xf_check *check, const struct xf_conf_link *link, const char *key,
                   const char *what)
{
    xf_problem(check->problems, link->at.file, xf_conf_line(&link->at, key), "link \"%.255s\": %s",
               link->settings.title, what);
}

/* What DIGEST-MD5 (RFC 2831) takes for a user without quoting or conversion. */
static bool is_user(const char *user)
{
    for (; *user; user++)
        if (*user < ' ' || *user > '~' || *user == '"' || *user == '\\')
            return false;
    return true;
}

static void check_router(const struct xf_check *check, const struct xf_conf_link *link)
{
    const struct xf_link_settings *settings = &link->settings;
    if (settings->per_peer)
        refuse(check, link, "names",
               "driver = router has a default route and needs one connection only: expected names "
               "= one");
    if (!is_user(*settings->user ? settings->user : settings->name))
        refuse(check, link, *settings->user ? "user" : "name",
               "the router's user has characters that its login cannot carry: expected a user of "
               "ASCII letters and digits");
}

/* XEP-0114 has no STARTTLS, so TLS is there from the first byte or not at all. */
static void check_component(const struct xf_check *check, const struct xf_conf_link *link)
{
    const struct xf_link_settings *settings = &link->settings;
    if (settings->tls == XF_LINK_TLS_OPTIONAL)
        refuse(check, link, "tls",
               "tls = optional: a component cannot find out whether the server offers TLS: "
               "expected required if nodes lead to a TLS endpoint, else none");
    else if (settings->tls == XF_LINK_TLS_NONE && *settings->ca_file)
        refuse(check, link, "ca-file",
               "ca-file with tls = none: nobody shows a certificate: expected tls = required");
}

static size_t count_drained(const struct xf_link_settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->nodes.count; i++) {
        struct xf_span addr;
        unsigned weight;
        count += xf_weighted_parse(settings->nodes.item[i], &addr, &weight) && weight == 0;
    }
    return count;
}

static void check_weights(const struct xf_check *check, const struct xf_conf_link *link)
{
    size_t drained = count_drained(&link->settings);
    if (drained > 0 && link->settings.per_peer)
        refuse(check, link, "nodes",
               "weight=0 has no meaning with names = per-peer, which tries the nodes in turn: "
               "expected the node to be left out");
    else if (drained > 0 && drained == link->settings.nodes.count)
        refuse(check, link, "nodes", "all nodes have weight=0: expected one that takes users");
}

void xf_check_links(const struct xf_check *check)
{
    for (size_t i = 0; i < check->conf->link_count; i++) {
        const struct xf_conf_link *link = &check->conf->links[i];
        if (link->settings.driver == XF_LINK_ROUTER)
            check_router(check, link);
        else
            check_component(check, link);
        check_weights(check, link);
        if (*link->settings.tls_name && !*link->settings.ca_file)
            refuse(check, link, "tls-name",
                   "tls-name without ca-file: any certificate could have that name: expected "
                   "ca-file too");
    }
}
