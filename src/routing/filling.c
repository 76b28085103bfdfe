/* SPDX-License-Identifier: MIT */
/*
 * filling.c — tells that the queues of all routes together are nearly full, before stanzas come
 * back. Test: tests/unit/routing/test_routing.c.
 */
#include "filling_priv.h"

#include "routing_priv.h"

#include <xfed/base/log.h>

void xf_filling_note(struct xf_routing *routing)
{
    size_t bytes = routing->queued.bytes, max = routing->settings.queue_bytes;
    if (!routing->is_filling && bytes > max - max / 5) {
        routing->is_filling = true;
        /* bounded: a third of queue-bytes must leave the queues in between */
        xf_log(XF_LOG_WARN, "routing.queues.filling", XF_INT("bytes", bytes),
               XF_INT("max_bytes", max), XF_INT("stanzas", routing->queued.count));
    } else if (routing->is_filling && bytes < max / 2) {
        routing->is_filling = false;
        /* bounded: as above */
        xf_log(XF_LOG_INFO, "routing.queues.relieved", XF_INT("bytes", bytes),
               XF_INT("max_bytes", max), XF_INT("stanzas", routing->queued.count));
    }
}
