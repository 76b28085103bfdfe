/* SPDX-License-Identifier: MIT */
/* settings.h — the part of sip { } that the layer simple reads. */
#pragma once

#include <stdint.h>
#include <xfed/base/texts.h>

struct xf_simple_settings {
    /* SQLite file of subscriptions; relative to systemd's state directory; "": none */
    char *dialogs_file;
    unsigned subscriptions; /* at most */
    /*
     * How long an answer of ours to a message waits for an error stanza of the cluster, which
     * becomes the answer then; 0: not at all.
     */
    uint64_t error_window_ms;
    /* Users of peers who are typing, and of whom our users are told. */
    unsigned typing_per_owner, typing;
    uint64_t subscribe_ms; /* what we ask for: how long a subscription to a peer's user lasts */
    uint64_t notify_interval_ms; /* least time between two notifications about one user of ours */
    /*
     * A subscription of a user of ours who gave no sign of life for this long is not refreshed; the
     * next sign makes a new one.
     */
    uint64_t away_after_ms;
    /* Next hops for peers with protocol = auto of which DNS names no SIP server: "host:port". */
    struct xf_texts open_route;
};
