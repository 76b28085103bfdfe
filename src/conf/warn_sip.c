/* SPDX-License-Identifier: MIT */
/*
 * warn_sip.c — warns of what is accepted of SIP and does nothing, since a part of it is missing:
 * peers while SIP is off, a host without a listener, a peer whose transport nobody listens for, an
 * open route for no peer. Some of it is meant (a domain of SIP that must not be reached by XMPP),
 * so it is no error.
 */
#include "conf_priv.h"

#define LISTENER "listen { sip = {\"[::]:5061\"} }"

static bool has_listener(const struct xf_conf *conf)
{
    return conf->listen.sip.count + conf->listen.sip_tcp.count > 0;
}

/* That a listener has no host, or that the host has no listener, is said once for all peers. */
static void warn_of_off(const struct xf_check *check, const struct xf_conf_place *at,
                        const char *name)
{
    if (!has_listener(check->conf) && !*check->conf->ua.host)
        xf_warning(check->problems, at->file, xf_conf_line(at, "protocol"),
                   "%s: protocol = sip while SIP is off: nothing passes (not-allowed): expected "
                   "listen { sip } and sip { host certificate key }",
                   name);
}

void xf_warn_sip_peer(const struct xf_check *check, const struct xf_conf_place *at,
                      const char *name, const struct xf_peer_settings *settings, const char *key)
{
    const struct xf_listen_settings *listen = &check->conf->listen;
    bool is_tcp = settings->sip_transport == XF_SIP_TCP;
    if (settings->direction == XF_DIRECTION_NONE)
        return;
    if (settings->protocol == XF_PROTOCOL_SIP)
        warn_of_off(check, at, name);
    if (has_listener(check->conf) && (settings->direction & XF_DIRECTION_IN) &&
        (is_tcp ? listen->sip_tcp.count : listen->sip.count) == 0)
        xf_warning(check->problems, at->file, xf_conf_line(at, key),
                   "%s: sip-transport = %s without listen { %s }: this peer cannot connect to us: "
                   "expected %s, or direction = out",
                   name, is_tcp ? "tcp" : "tls", is_tcp ? "sip-tcp" : "sip",
                   is_tcp ? "listen { sip-tcp = {ADDRESS:5060} }" : LISTENER);
}

static bool some_peer_is_auto(const struct xf_conf *conf)
{
    bool is = conf->defaults.protocol == XF_PROTOCOL_AUTO;
    for (size_t i = 0; i < conf->peer_count && !is; i++) {
        struct xf_peer_settings settings;
        xf_conf_section_settings(conf, &conf->peers[i], &settings);
        is = settings.protocol == XF_PROTOCOL_AUTO;
    }
    return is;
}

void xf_warn_sip(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    if (conf->defaults.protocol != XF_PROTOCOL_XMPP)
        xf_warn_sip_peer(check, &conf->defaults_at, "defaults", &conf->defaults, "protocol");
    if (*conf->ua.host && !has_listener(conf))
        xf_warning(check->problems, conf->sip_at.file, xf_conf_line(&conf->sip_at, "host"),
                   "sip { host } without a listener: SIP is off: expected " LISTENER
                   ", or no host");
    if (conf->simple.open_route.count && !some_peer_is_auto(conf))
        xf_warning(check->problems, conf->sip_at.file, xf_conf_line(&conf->sip_at, "open-route"),
                   "sip { open-route } is not used: no peer has protocol = auto: expected protocol "
                   "= auto in defaults or in peers, or no open-route");
}
