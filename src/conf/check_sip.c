/* SPDX-License-Identifier: MIT */
/*
 * check_sip.c — peers that belong to SIP: a section of theirs that sets what only XMPP knows was
 * meant for another peer, or for another protocol. What they inherit from `defaults` or from a
 * pattern for peers of both protocols is no mistake. Settings that both protocols have (route,
 * pins, tls-min, users, ...) may stand there.
 *
 * Likewise what only SIP knows is refused in the section of a peer of XMPP. Of a SIP peer something
 * must be able to say who connects: a certificate, or over TCP an address.
 *
 * A build without SIP refuses protocol = sip and auto: a file that says which domains belong to SIP
 * must not make them XMPP's. What auto needs: check_auto.c. What is accepted and cannot work yet:
 * warn_sip.c.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/map.h>

#ifdef XF_HAVE_SIP
#define HAS_SIP true
#else
#define HAS_SIP false
#endif

#define WITHOUT "this xfedd was built without SIP (meson setup -Dsip=false)"

/* Each profile is one of XMPP so far. */
static const char *const only_xmpp[] = {
    "profile",    "sasl-in",
    "sasl-out",   "show-certificate",
    "dialback",   "dialback-by-certificate",
    "direct-tls", "legacy",
    "bidi",       "ack",
    "multiplex",  "resend",
};

static const char *const only_sip[] = {
    "sip-transport", "sip-name-check", "sip-names", "sip-from",  "sip-domains",       "sip-rate",
    "sip-sips",      "sip-body",       "sip-busy",  "sip-block", "sip-subscriptions", "sip-pending",
};

/* What both protocols know by name, and only XMPP looks at: no mistake in a section of SIP. */
static const char *const unused_by_sip[] = {
    "tls",    "certificate",     "downgrade",         "max-stanza",   "max-streams",   "max-pairs",
    "repair", "connect-timeout", "negotiate-timeout", "idle-timeout", "ping-interval",
};

static bool is_in(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

bool xf_conf_setting_is_of(const char *key, enum xf_protocol protocol)
{
    if (protocol == XF_PROTOCOL_SIP)
        return !is_in(key, only_xmpp, XF_ARRAY_LEN(only_xmpp)) &&
               !is_in(key, unused_by_sip, XF_ARRAY_LEN(unused_by_sip));
    return protocol == XF_PROTOCOL_AUTO || !is_in(key, only_sip, XF_ARRAY_LEN(only_sip));
}

/* Does the section itself say it, and not its profile? */
static bool says(const struct xf_conf_peer *section, const char *key)
{
    const struct xf_option *option = xf_option_find(XF_SECTION_PEER, key);
    return xf_option_is_in(&section->settings.set, option) &&
           !xf_option_is_in(&section->by_profile, option);
}

static void refuse_protocol(const struct xf_check *check, const struct xf_conf_place *at,
                            enum xf_protocol protocol)
{
    if (!HAS_SIP)
        xf_problem(check->problems, at->file, xf_conf_line(at, "protocol"),
                   "protocol = %s: " WITHOUT ": expected protocol = xmpp",
                   protocol == XF_PROTOCOL_SIP ? "sip" : "auto");
}

static void refuse(const struct xf_check *check, const struct xf_conf_peer *section,
                   const char *key, const char *what, const char *accepted)
{
    xf_problem(check->problems, section->at.file, xf_conf_line(&section->at, key),
               "peer \"%s\": %s: expected %s", section->pattern, what, accepted);
}

static void refuse_only_sip(const struct xf_check *check, const struct xf_conf_peer *section)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(only_sip); i++)
        if (says(section, only_sip[i]))
            xf_problem(check->problems, section->at.file, xf_conf_line(&section->at, only_sip[i]),
                       "peer \"%s\": %s only means something to SIP, and protocol = xmpp holds for "
                       "this peer: expected no %s, or protocol = sip",
                       section->pattern, only_sip[i], only_sip[i]);
}

/* In clear there is nothing but the address. */
static void check_clear(const struct xf_check *check, const struct xf_conf_peer *section,
                        const struct xf_peer_settings *s)
{
    if (s->sip_transport == XF_SIP_TLS) {
        if (s->sip_from.count)
            refuse(check, section, "sip-from", "sip-from is not looked at with sip-transport = tls",
                   "sip-transport = tcp, or no sip-from");
        return;
    }
    if (!s->sip_from.count)
        refuse(check, section, "sip-transport",
               "sip-transport = tcp lets everybody be the peer without sip-from",
               "sip-from = {ADDRESS, ...}, or sip-transport = tls");
    if ((s->direction & XF_DIRECTION_OUT) && !s->route.count)
        refuse(check, section, "sip-transport",
               "sip-transport = tcp would go in clear to wherever DNS leads",
               "route = {HOST:PORT}");
    if (s->sip_names.count || s->pins.count)
        refuse(check, section, s->pins.count ? "pins" : "sip-names",
               "there are no certificates with sip-transport = tcp",
               "no sip-names and no pins, or sip-transport = tls");
}

/* Whoever connects to us has not been looked up, so only what is written here can be compared. */
static void check_names(const struct xf_check *check, const struct xf_conf_peer *section,
                        const struct xf_peer_settings *s)
{
    bool has_names = s->sip_names.count > 0;
    if (s->sip_transport != XF_SIP_TLS || has_names)
        return;
    if (s->sip_name_check == XF_SIP_NAMES_LIST)
        refuse(check, section, "sip-name-check", "sip-name-check = list accepts no certificate",
               "sip-names = {HOST, ...}, or sip-name-check = domain or target");
    if (s->sip_name_check == XF_SIP_NAMES_TARGET && (s->direction & XF_DIRECTION_IN) &&
        !s->route.count)
        refuse(check, section, "sip-name-check",
               "sip-name-check = target cannot tell who connects to us",
               "sip-names = {HOST, ...}, a route, or direction = out");
}

static bool is_ours(const struct xf_conf *conf, const char *domain)
{
    for (size_t i = 0; i < conf->served_count; i++)
        if (strcmp(conf->served[i].settings.domain, domain) == 0 ||
            xf_texts_has(&conf->served[i].settings.aliases, domain))
            return true;
    return false;
}

/* Each of the further domains has one peer that speaks for it, and belongs to SIP. */
static void check_domains(const struct xf_check *check, const struct xf_conf_peer *section,
                          struct xf_map *seen)
{
    const struct xf_texts *domains = &section->settings.sip_domains;
    for (size_t i = 0; i < domains->count; i++) {
        const char *domain = domains->item[i];
        struct xf_peer_settings settings;
        xf_conf_peer_settings(check->conf, xf_span_of(domain), &settings);
        int line = xf_conf_line(&section->at, "sip-domains");
        if (is_ours(check->conf, domain))
            xf_problem(check->problems, section->at.file, line,
                       "peer \"%s\": sip-domains has %s, which is a domain of ours: expected "
                       "domains of others",
                       section->pattern, domain);
        else if (settings.protocol != XF_PROTOCOL_SIP)
            xf_problem(
                check->problems, section->at.file, line,
                "peer \"%s\": sip-domains has %s, which does not belong to SIP: expected peer "
                "\"%s\" { protocol = sip }",
                section->pattern, domain, domain);
        const struct xf_conf_peer *other =
            xf_map_set(seen, xf_span_of(domain), (void *)(uintptr_t)section);
        if (other)
            xf_problem(check->problems, section->at.file, line,
                       "peer \"%s\": sip-domains has %s, which is in sip-domains of peer \"%s\" "
                       "(%.255s:%d) already: expected it once",
                       section->pattern, domain, other->pattern, other->at.file,
                       xf_conf_line(&other->at, "sip-domains"));
    }
}

/* Once for what several names inherit from a pattern. */
static void warn_of(const struct xf_check *check, const struct xf_conf_peer *section,
                    const struct xf_peer_settings *settings)
{
    const char *key = says(section, "sip-transport") ? "sip-transport"
                      : says(section, "protocol")    ? "protocol"
                                                     : NULL;
    if (!HAS_SIP || !key)
        return;
    char *name = xf_asprintf("peer \"%s\"", section->pattern);
    xf_warn_sip_peer(check, &section->at, name, settings, key);
    xf_free(name);
}

void xf_check_sip_peer(const struct xf_check *check, const struct xf_conf_peer *section,
                       const struct xf_peer_settings *settings)
{
    if (settings->protocol == XF_PROTOCOL_XMPP) {
        refuse_only_sip(check, section);
        return;
    }
    if (says(section, "protocol"))
        refuse_protocol(check, &section->at, settings->protocol);
    check_names(check, section, settings);
    warn_of(check, section, settings);
    if (settings->protocol == XF_PROTOCOL_AUTO) {
        char *name = xf_asprintf("peer \"%s\"", section->pattern);
        xf_check_auto(check, &section->at, name, settings);
        xf_free(name);
        return;
    }
    check_clear(check, section, settings);
    for (size_t i = 0; i < XF_ARRAY_LEN(only_xmpp); i++)
        if (says(section, only_xmpp[i]))
            xf_problem(check->problems, section->at.file, xf_conf_line(&section->at, only_xmpp[i]),
                       "peer \"%s\": %s only means something to XMPP, and protocol = sip holds for "
                       "this peer: expected no %s, or protocol = xmpp",
                       section->pattern, only_xmpp[i], only_xmpp[i]);
}

static void check_listeners(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    if (conf->listen.sip.count + conf->listen.sip_tcp.count == 0)
        return;
    if (!HAS_SIP)
        xf_problem(check->problems, conf->listen_at.file,
                   xf_conf_line(&conf->listen_at, conf->listen.sip.count ? "sip" : "sip-tcp"),
                   "listen for SIP: " WITHOUT ": expected neither sip nor sip-tcp");
    else if (!*conf->ua.host)
        xf_problem(
            check->problems, conf->listen_at.file,
            xf_conf_line(&conf->listen_at, conf->listen.sip.count ? "sip" : "sip-tcp"),
            "listen for SIP without sip { host }: expected host = NAME in sip { }, the name by "
            "which peers reach us");
    else if (conf->listen.sip.count && !conf->sip.certificate.count)
        xf_problem(check->problems, conf->listen_at.file, xf_conf_line(&conf->listen_at, "sip"),
                   "listen { sip } without sip { certificate }: expected certificate = {FILE} and "
                   "key = {FILE} in sip { }, for %s",
                   conf->ua.host);
}

static void check_ourselves(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    size_t certificates = conf->sip.certificate.count, keys = conf->sip.key.count;
    int line = xf_conf_line(&conf->sip_at, keys ? "key" : "certificate");
    if ((certificates > 0) != (keys > 0))
        xf_problem(check->problems, conf->sip_at.file, line,
                   "sip { } has a %s without %s: expected both or neither",
                   keys ? "key" : "certificate", keys ? "certificate" : "key");
    else if (certificates != keys)
        xf_problem(check->problems, conf->sip_at.file, line,
                   "sip { } has certificate = {...} of %zu and key = {...} of %zu: expected a key "
                   "for each certificate, in the same order",
                   certificates, keys);
    if (certificates && !*conf->ua.host)
        xf_problem(check->problems, conf->sip_at.file, xf_conf_line(&conf->sip_at, "certificate"),
                   "sip { certificate } without host: expected the host that it names");
}

static void check_all_domains(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    struct xf_map *seen = xf_map_new();
    if (conf->defaults.sip_domains.count)
        xf_warning(check->problems, conf->defaults_at.file,
                   xf_conf_line(&conf->defaults_at, "sip-domains"),
                   "sip-domains in defaults is not used: it belongs into the section of the peer "
                   "that speaks for these domains");
    for (size_t i = 0; i < conf->peer_count; i++)
        check_domains(check, &conf->peers[i], seen);
    xf_map_free(&seen);
}

void xf_check_sip(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    if (conf->defaults.protocol != XF_PROTOCOL_XMPP)
        refuse_protocol(check, &conf->defaults_at, conf->defaults.protocol);
    if (conf->defaults.protocol == XF_PROTOCOL_AUTO)
        xf_check_auto(check, &conf->defaults_at, "defaults", &conf->defaults);
    if (*conf->ua.host && !HAS_SIP)
        xf_warning(check->problems, conf->sip_at.file, xf_conf_line(&conf->sip_at, "host"),
                   "sip { host } is not used: " WITHOUT);
    check_listeners(check);
    check_ourselves(check);
    check_all_domains(check);
    if (HAS_SIP)
        xf_warn_sip(check);
}
