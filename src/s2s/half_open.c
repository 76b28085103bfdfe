/* SPDX-License-Identifier: MIT */
/*
 * half_open.c — decides which accepted conns become streams: the ones that find a place among the
 * unauthenticated conns (limits/quota.h). A conn that finds none is closed without a word, before
 * it costs TLS or a parser. A stream that loses its place to another is told so by a stream error.
 */
#include "in_priv.h"

#define SLOW_MS           5000 /* most peers need a second; a conn this old gives way */
#define DESCRIPTORS_PART  4    /* conns may use a quarter of the descriptors */
#define EVICTED_LINGER_MS 250  /* time to send the stream error */

void xf_in_evict(struct xf_in *in, const char *reason, const char *text)
{
    struct xf_conn *conn = in->stream.conn;
    if (!conn)
        return;
    xf_refusals_note(&in->s2s->refusals, &conn->addr, reason, true);
    xf_in_fail(in, XF_STREAM_ERROR_RESOURCE_CONSTRAINT, XF_HELP_NO_PLACE, text);
    xf_conn_close(conn, EVICTED_LINGER_MS);
}

bool xf_in_admit(struct xf_s2s *s2s, struct xf_place *place, const struct xf_addr *addr)
{
    static const char *const words[] = {[XF_QUOTA_MEMBER_FULL] = "address",
                                        [XF_QUOTA_GROUP_FULL] = "network",
                                        [XF_QUOTA_ALL_FULL] = "total"};
    const struct xf_s2s_settings *settings = &s2s->settings;
    const struct xf_quota_limits limits = {
        .per_member = settings->unauthenticated.half_open_per_address,
        .per_group = settings->unauthenticated.half_open_per_network,
        .total = xf_env_share(s2s->env, settings->unauthenticated.half_open, DESCRIPTORS_PART),
        .unused_ms = SLOW_MS,
    };
    struct xf_place *evicted = NULL;
    if (s2s->is_draining)
        return false;
    enum xf_quota_answer answer =
        xf_take_by_addr(s2s, &s2s->half_open, place, addr, &limits, &evicted);
    if (evicted)
        xf_in_evict(
            XF_CONTAINER(evicted, struct xf_in, place), "evicted",
            "too many connections here are not authenticated: another one takes this place");
    if (answer != XF_QUOTA_ROOM)
        xf_refusals_note(&s2s->refusals, addr, words[answer], false);
    return answer == XF_QUOTA_ROOM;
}
