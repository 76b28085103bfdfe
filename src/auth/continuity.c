/* SPDX-License-Identifier: MIT */
/*
 * continuity.c — decides what follows when a peer is no longer what it was. Pure.
 * src/history/compare.c says what has changed, after this file has left out what a stream of that
 * kind cannot show.
 */
#include <xfed/auth/continuity.h>

#include <string.h>

/* ------------------------------------------------------------------ what a stream shows */

static enum xf_history_ground ground_of(const struct xf_verdict *verdict)
{
    if (!xf_verdict_is_good(verdict))
        return XF_HISTORY_GROUND_NONE;
    return verdict->pin == XF_PIN_MATCH     ? XF_HISTORY_GROUND_PIN
           : verdict->dane == XF_DANE_MATCH ? XF_HISTORY_GROUND_DANE
                                            : XF_HISTORY_GROUND_CA;
}

static enum xf_history_auth auth_of(const struct xf_verdict *verdict, enum xf_auth_method method)
{
    if (!verdict->is_secure)
        return XF_HISTORY_DIALBACK_CLEAR;
    return method == XF_AUTH_EXTERNAL || method == XF_AUTH_DIALBACK_CERT ? XF_HISTORY_EXTERNAL
                                                                         : XF_HISTORY_DIALBACK_TLS;
}

struct xf_history_sight xf_continuity_sight(const struct xf_tls_facts *facts,
                                            const struct xf_verdict *verdict,
                                            enum xf_auth_method method)
{
    struct xf_history_sight sight = {.auth = auth_of(verdict, method),
                                     .ground = ground_of(verdict)};
    sight.has_key = facts && facts->chain != XF_CERT_NONE;
    if (sight.has_key)
        memcpy(sight.spki_sha256, facts->spki_sha256, sizeof(sight.spki_sha256));
    return sight;
}

/* ------------------------------------------------------------------ deciding */

/* Leave out what a stream of this kind cannot show. */
static struct xf_history_sight comparable(enum xf_continuity_kind kind,
                                          const struct xf_history_entry *known,
                                          const struct xf_history_sight *sight)
{
    struct xf_history_sight now = *sight;
    if (kind == XF_CONTINUITY_REUSED)
        now.has_key = false;
    if (kind == XF_CONTINUITY_ASKED && now.auth != XF_HISTORY_DIALBACK_CLEAR && known &&
        known->auth > now.auth)
        now.auth = known->auth;
    return now;
}

static struct xf_refusal refusal_of(enum xf_history_change change)
{
    switch (change) {
    case XF_HISTORY_KEY_CHANGED:
        return (struct xf_refusal){
            "the key of the certificate has changed, and nothing vouches for the new one",
            XF_HELP_PEER_KEY_CHANGED};
    case XF_HISTORY_CLEAR:
        return (struct xf_refusal){"the domain used TLS before, and this stream is in clear",
                                   XF_HELP_PEER_WEAKER};
    case XF_HISTORY_WEAKER:
    default:
        return (struct xf_refusal){
            "the domain authenticated by its certificate before, and now by dialback alone",
            XF_HELP_PEER_WEAKER};
    }
}

struct xf_continuity xf_continuity_of(enum xf_continuity_kind kind,
                                      const struct xf_history_entry *known,
                                      const struct xf_history_sight *sight,
                                      enum xf_downgrade downgrade)
{
    struct xf_continuity result = {.sight = comparable(kind, known, sight)};
    result.change = xf_history_compare(known, &result.sight);
    bool is_alarm = xf_history_is_alarm(result.change) && downgrade != XF_DOWNGRADE_ALLOW;
    result.is_told = is_alarm || result.change == XF_HISTORY_KEY_EXPLAINED;
    if (is_alarm && downgrade == XF_DOWNGRADE_REFUSE)
        result.refusal = refusal_of(result.change);
    else if (kind != XF_CONTINUITY_REUSED)
        result.record = downgrade == XF_DOWNGRADE_ALLOW ? XF_CONTINUITY_ACCEPT : XF_CONTINUITY_NOTE;
    return result;
}

bool xf_continuity_is_behind(const struct xf_history_entry *known, const struct xf_verdict *verdict,
                             enum xf_auth_method method, enum xf_downgrade downgrade)
{
    return downgrade != XF_DOWNGRADE_ALLOW && auth_of(verdict, method) < known->auth;
}
