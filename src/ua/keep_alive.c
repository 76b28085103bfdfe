/* SPDX-License-Identifier: MIT */
/*
 * keep_alive.c — see keep_alive_priv.h. The first ping of a conn only finds out whether the peer
 * answers any: RFC 5626 has both sides say so, and few SIP servers do.
 */
#include "keep_alive_priv.h"

#define PONG_MS     10000 /* RFC 5626 section 4.4.1 */
#define PING_SPREAD 5     /* a ping comes up to a fifth earlier than it must */

size_t xf_keep_alive_crlfs(struct xf_keep_alive *alive, size_t count)
{
    if (alive->awaits_pong && count) {
        alive->awaits_pong = false;
        alive->has_pong = true;
        count--;
    }
    count += alive->has_odd;
    alive->has_odd = count % 2;
    return count / 2;
}

enum xf_keep_alive_due xf_keep_alive_tick(struct xf_keep_alive *alive, uint64_t now_ms,
                                          uint64_t heard_ms, uint64_t ping_ms)
{
    if (alive->awaits_pong && now_ms - alive->pinged_ms >= PONG_MS) {
        if (alive->has_pong)
            return XF_KEEP_ALIVE_DEAD;
        alive->awaits_pong = false;
        alive->is_mute = true;
    }
    if (alive->is_mute || alive->awaits_pong || now_ms - heard_ms < ping_ms - ping_ms / PING_SPREAD)
        return XF_KEEP_ALIVE_FINE;
    alive->awaits_pong = true;
    alive->pinged_ms = now_ms;
    return XF_KEEP_ALIVE_PING;
}
