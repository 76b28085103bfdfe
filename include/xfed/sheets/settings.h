/* SPDX-License-Identifier: MIT */
/*
 * settings.h — node "TITLE" { } and publish { }: facts for the sheets about DNS, certificates and
 * firewalls. The running gateway does not use them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/texts.h>

/* One server of the deployment as the Internet sees it, for --dns-records and --firewall. */
struct xf_node_settings {
    char *title;
    /*
     * The host that SRV records name; several nodes behind one address may share it, with other
     * ports.
     */
    char *host;
    struct xf_texts addresses; /* of the host, public */
    /* The node's own addresses if they differ; at most one of each family counts. */
    struct xf_texts nat;
    unsigned port, direct_port; /* that peers connect to */
};

struct xf_publish_settings {
    uint64_t ttl_ms;
    bool private_ca;           /* the authority of our certificates is not a public one */
    struct xf_texts test_jids; /* to whom a partner may write for a test */
    char *interface; /* towards the Internet, on the machine that has the nftables rules */
};
