/* SPDX-License-Identifier: MIT */
/*
 * check_auto.c — peers with protocol = auto: nobody said which protocol they belong to, so that one
 * of them must not be weaker than the other, nor be chosen by what only one of them means.
 */
#include "conf_priv.h"

#include <xfed/base/alloc.h>

struct subject {
    const struct xf_check *check;
    const struct xf_conf_place *at;
    const char *name; /* for people */
};

static void refuse(const struct subject *subject, const char *key, const char *what,
                   const char *accepted)
{
    int line = xf_conf_line(subject->at, key);
    xf_problem(subject->check->problems, subject->at->file,
               line ? line : xf_conf_line(subject->at, "protocol"),
               "%s: protocol = auto with %s: expected %s", subject->name, what, accepted);
}

/* Also what comes from a pattern or the defaults, since it would count. */
void xf_check_auto(const struct xf_check *check, const struct xf_conf_place *at, const char *name,
                   const struct xf_peer_settings *settings)
{
    const struct subject subject = {check, at, name};
    const struct xf_conf *conf = check->conf;
    if (settings->route.count)
        refuse(&subject, "route", "a route, which leads to servers of one protocol",
               "protocol = xmpp or sip, or no route");
    if (settings->sip_transport == XF_SIP_TCP)
        refuse(&subject, "sip-transport",
               "sip-transport = tcp, which proves less than XMPP that failed",
               "sip-transport = tls");
    if (settings->sip_domains.count)
        refuse(&subject, "sip-domains", "sip-domains, although a domain proves only itself",
               "protocol = sip, or no sip-domains");
    if (settings->sip_names.count && settings->sip_names.item == conf->defaults.sip_names.item)
        refuse(&subject, "sip-names",
               "sip-names in defaults, which would let these hosts speak for every domain",
               "sip-names in the section of the peer");
    if (!xf_conf_sip_is_on(conf))
        xf_warning(
            check->problems, at->file, xf_conf_line(at, "protocol"),
            "%s: protocol = auto means XMPP as long as SIP is off, which needs listen { sip } "
            "and sip { host }",
            name);
    if (conf->history.peers == 0)
        refuse(&subject, "protocol",
               "memory { peers = 0 }, so that nothing is known of a peer afterwards",
               "protocol = xmpp or sip, or a higher number of peers");
}
