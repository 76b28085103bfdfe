/* SPDX-License-Identifier: MIT */
/*
 * families.h — the table of all metrics: one row gives the name, type, unit, labels and help of a
 * family. MONITORING.md explains each; scripts/check-metrics compares the two, and checks the
 * names in the alert rules and the dashboard.
 *
 * Names and labels are an interface, as the log's events are. A counter's name is written with
 * `_total` behind it. A family in seconds takes milliseconds (metrics.h). To add a metric: a row
 * here, a row in MONITORING.md, and either a row in src/metrics/events.c, if the log says it,
 * or a sample in src/daemon/metrics.c.
 *
 * Values of labels are words of ours and names from the configuration; `peer` alone holds names
 * that others chose, and only a bounded number of them (metrics { peers }).
 */
#pragma once

#define XF_METRIC_LABELS_MAX 3
#define XF_LABELS(...) \
    {                  \
        __VA_ARGS__    \
    }

/* clang-format off */
#define XF_METRIC_MAP(X) /* name, type, name in the text, unit, labels, help */ \
    X(BUILD, INFO, "xfedd_build", "", XF_LABELS("version"), "The running program") \
    X(START_TIME, GAUGE, "process_start_time_seconds", "seconds", XF_LABELS(0), "When the process started, since 1970") \
    X(CPU, COUNTER, "process_cpu_seconds", "seconds", XF_LABELS(0), "CPU time of the process, all threads") \
    X(MEMORY, GAUGE, "process_resident_memory_bytes", "bytes", XF_LABELS(0), "Memory of the process that is in RAM") \
    X(MAX_FDS, GAUGE, "process_max_fds", "", XF_LABELS(0), "How many descriptors the process may have") \
    X(DESCRIPTORS, GAUGE, "xfedd_descriptors", "", XF_LABELS(0), "The number that the next descriptor gets, by which listeners stop accepting") \
    X(LOOP_TURN, HISTOGRAM, "xfedd_loop_turn_seconds", "seconds", XF_LABELS(0), \
      "How long a turn of the event loop worked, and whatever came meanwhile waited") \
    X(LOG_EVENTS, COUNTER, "xfedd_log_events", "", XF_LABELS("level"), "Log events of the levels error, warn and info") \
    X(RELOADS, COUNTER, "xfedd_config_reloads", "", XF_LABELS("result"), "Reloads of the configuration") \
    X(RELOAD_REFUSED, GAUGE, "xfedd_config_reload_refused", "", XF_LABELS(0), \
      "1: the last reload was refused, and the configuration before it is in force") \
    X(RESTART_NEEDED, GAUGE, "xfedd_config_restart_needed", "", XF_LABELS(0), \
      "1: since the start a reload has changed settings that need a restart") \
    X(DEPENDENCY_DOWN, GAUGE, "xfedd_dependency_down", "", XF_LABELS("name"), "1: what xfedd keeps or reads there fails; federation goes on") \
    X(NODES_LOST, GAUGE, "xfedd_nodes_lost", "", XF_LABELS(0), "Other nodes whose heartbeat has stopped") \
    X(CERT_EXPIRY, GAUGE, "xfedd_certificate_expiry_timestamp_seconds", "seconds", XF_LABELS("local", "file"), \
      "When a certificate of ours ends, since 1970") \
    X(PEER_CERT_EXPIRY, GAUGE, "xfedd_peer_certificate_expiry_timestamp_seconds", "seconds", XF_LABELS("peer"), \
      "When the certificate that a peer showed last ends, since 1970") \
    X(CLOCK_SYNCED, GAUGE, "xfedd_clock_synchronised", "", XF_LABELS(0), "1: the kernel says that something keeps our clock right; 0: nothing does") \
    X(CLOCK_SKEW, GAUGE, "xfedd_clock_skew_seconds", "seconds", XF_LABELS("link"), \
      "How much later it is at the local server than here, as it said last") \
    X(STREAMS, GAUGE, "xfedd_streams", "", XF_LABELS("dir", "state"), "Streams with other servers") \
    X(STREAMS_OPENED, COUNTER, "xfedd_streams_opened", "", XF_LABELS("dir"), "Streams that began: accepted connections, and attempts of ours") \
    X(STREAMS_ENDED, COUNTER, "xfedd_streams_ended", "", XF_LABELS("dir", "reason"), "Streams that ended, and why") \
    X(PEERS_CONNECTED, GAUGE, "xfedd_peers_connected", "", XF_LABELS("dir"), \
      "Peers that are authenticated to us (in); pairs of a domain of ours and a peer that we may send to (out)") \
    X(HALF_OPEN, GAUGE, "xfedd_half_open_conns", "", XF_LABELS(0), "Accepted streams that have authenticated nobody yet") \
    X(CONNS_REFUSED, COUNTER, "xfedd_conns_refused", "", XF_LABELS("what"), "Connections and streams without a place") \
    X(HANDSHAKES, COUNTER, "xfedd_tls_handshakes", "", XF_LABELS("dir", "result"), "TLS handshakes: the version, or failed") \
    X(CERT_VERDICTS, COUNTER, "xfedd_peer_certificates", "", XF_LABELS("dir", "verdict"), \
      "What was thought of the certificates of peers that authenticated") \
    X(AUTHENTICATIONS, COUNTER, "xfedd_authentications", "", XF_LABELS("dir", "method", "result"), "Authentications of pairs") \
    X(NEGOTIATION, HISTOGRAM, "xfedd_negotiation_seconds", "seconds", XF_LABELS("dir"), "From the first step of a stream to an authenticated pair") \
    X(DIALBACK_CHECKS, COUNTER, "xfedd_dialback_checks", "", XF_LABELS("answer"), "Peers asked whether a dialback key is ours") \
    X(PEER_ALARMS, COUNTER, "xfedd_peer_alarms", "", XF_LABELS("alarm"), "A peer is weaker than before, or has another key") \
    X(STANZAS, COUNTER, "xfedd_stanzas", "", XF_LABELS("peer", "dir", "kind"), "Stanzas from (in) and to (out) peers") \
    X(STANZA_BYTES, COUNTER, "xfedd_stanza_bytes", "bytes", XF_LABELS("peer", "dir"), "Bytes of these stanzas") \
    X(STANZAS_REFUSED, COUNTER, "xfedd_stanzas_refused", "", XF_LABELS("from", "reason"), \
      "Stanzas that were not taken from a peer or from the cluster") \
    X(BOUNCES, COUNTER, "xfedd_bounces", "", XF_LABELS("to", "condition"), "Error stanzas that xfedd made") \
    X(POLICY_REFUSALS, COUNTER, "xfedd_policy_refusals", "", XF_LABELS("dir", "rule"), "Stanzas that policy refused") \
    X(POLICY_DRY_RUNS, COUNTER, "xfedd_policy_dry_runs", "", XF_LABELS("dir", "rule"), \
      "Stanzas that passed although a rule in a dry run refuses them") \
    X(POLICY_PEERS, COUNTER, "xfedd_policy_peers_refused", "", XF_LABELS("rule"), "Streams and pairs of peers that policy refused") \
    X(READ_PAUSES, COUNTER, "xfedd_read_pauses", "", XF_LABELS("side", "reason"), "How often reading from peers or from the cluster was paused") \
    X(ROUTES, GAUGE, "xfedd_routes", "", XF_LABELS("state"), "Routes to peers") \
    X(ROUTE_FAILURES, COUNTER, "xfedd_route_failures", "", XF_LABELS("reason"), "Peers could not be reached, and why") \
    X(PEERS_UNREACHABLE, GAUGE, "xfedd_peers_unreachable", "", XF_LABELS(0), "Peers that our users write to and that cannot be reached") \
    X(PEER_UNREACHABLE, GAUGE, "xfedd_peer_unreachable_seconds", "seconds", XF_LABELS("peer", "reason"), \
      "For how long such a peer could not be reached") \
    X(QUEUE_STANZAS, GAUGE, "xfedd_queue_stanzas", "", XF_LABELS("of"), "Stanzas that wait: for peers, or to be proved; answers for the cluster") \
    X(QUEUE_BYTES, GAUGE, "xfedd_queue_bytes", "bytes", XF_LABELS("of"), "Bytes of the stanzas that wait") \
    X(QUEUE_LIMIT, GAUGE, "xfedd_queue_limit_bytes", "bytes", XF_LABELS(0), "process { queue-bytes }: how many bytes may wait for peers") \
    X(QUEUE_WAIT, HISTOGRAM, "xfedd_queue_wait_seconds", "seconds", XF_LABELS(0), "How long stanzas waited that had to wait for a stream") \
    X(QUEUE_FULL, COUNTER, "xfedd_queue_full", "", XF_LABELS(0), "Stanzas that found no room to wait in") \
    X(LINK_UP, GAUGE, "xfedd_link_up", "", XF_LABELS("link"), "1: the link to the cluster is up") \
    X(LINK_LEGS, GAUGE, "xfedd_link_legs", "", XF_LABELS("link", "state"), "Streams of the link to the servers of the cluster") \
    X(LINK_HELD, GAUGE, "xfedd_link_held_stanzas", "", XF_LABELS("link"), "Stanzas of peers that wait for the link") \
    X(LINK_HELD_BYTES, GAUGE, "xfedd_link_held_bytes", "bytes", XF_LABELS("link"), "Bytes that are held for the link, or not proved") \
    X(LINK_HELD_LIMIT, GAUGE, "xfedd_link_held_limit_bytes", "bytes", XF_LABELS("link"), "link { hold-bytes }") \
    X(LINK_ENDED, COUNTER, "xfedd_link_streams_ended", "", XF_LABELS("link", "reason"), "Streams of the link that ended or did not come up") \
    X(LINK_EXPIRED, COUNTER, "xfedd_link_stanzas_expired", "", XF_LABELS("link"), "Stanzas of peers that waited for the link in vain") \
    X(LINK_QUARANTINED, COUNTER, "xfedd_link_stanzas_quarantined", "", XF_LABELS("link"), \
      "Stanzas that were kept out because the server ends the link over them") \
    X(DNS_LOOKUPS, COUNTER, "xfedd_dns_lookups", "", XF_LABELS("type", "result"), "Questions to DNS servers, by result") \
    X(DNS_TIME, HISTOGRAM, "xfedd_dns_lookup_seconds", "seconds", XF_LABELS(0), "How long they took") \
    X(SIP_CONNS, GAUGE, "xfedd_sip_conns", "", XF_LABELS("dir", "state"), "Connections with SIP servers") \
    X(SIP_CONNS_OPENED, COUNTER, "xfedd_sip_conns_opened", "", XF_LABELS("dir"), "SIP connections that became ready for messages") \
    X(SIP_CONNS_ENDED, COUNTER, "xfedd_sip_conns_ended", "", XF_LABELS("dir", "reason"), "SIP connections that ended or did not come up, and why") \
    X(SIP_CONNS_REFUSED, COUNTER, "xfedd_sip_conns_refused", "", XF_LABELS("dir", "reason"), \
      "SIP connections whose other side is no peer, or not the one that it should be") \
    X(SIP_NO_PLACE, COUNTER, "xfedd_sip_no_place", "", XF_LABELS(0), "SIP connections that found no place, or lost it to another one") \
    X(SIP_HANDSHAKES, COUNTER, "xfedd_sip_tls_handshakes", "", XF_LABELS("dir", "result"), "TLS handshakes of SIP: the version, or failed") \
    X(SIP_HOP_FAILURES, COUNTER, "xfedd_sip_hop_failures", "", XF_LABELS("reason"), "SIP peers could not be reached, and why") \
    X(SIP_TRANSACTIONS, GAUGE, "xfedd_sip_transactions", "", XF_LABELS("dir"), "SIP requests that are not over: of peers (in), of ours (out)") \
    X(SIP_REQUESTS, COUNTER, "xfedd_sip_requests", "", XF_LABELS("dir", "method", "class"), \
      "SIP requests from (in) and to (out) peers that have ended, by the class of the answer") \
    X(SIP_REQUESTS_REFUSED, COUNTER, "xfedd_sip_requests_refused", "", XF_LABELS("reason"), \
      "SIP requests of peers that were refused before anything was done with them") \
    X(SIP_MESSAGES, COUNTER, "xfedd_sip_messages", "", XF_LABELS("dir", "result"), \
      "Messages between users by SIP: from peers (in), to peers (out)") \
    X(SIP_ERRORS_LATE, COUNTER, "xfedd_sip_errors_late", "", XF_LABELS(0), \
      "Errors of the cluster that came after the answer to the peer: lost for its user") \
    X(SIP_SUBSCRIPTIONS, GAUGE, "xfedd_sip_subscriptions", "", XF_LABELS("dir"), \
      "Subscriptions to presence by SIP: of peers' users (in), of ours (out)") \
    X(SIP_PENDING, GAUGE, "xfedd_sip_pending", "", XF_LABELS(0), \
      "Users of ours who were asked by a user of a SIP peer and have not decided") \
    X(HTTP_ANSWERS, COUNTER, "xfedd_http_answers", "", XF_LABELS("code"), "Answers of listen { http }") \
    X(HTTP_CONNS, GAUGE, "xfedd_http_conns", "", XF_LABELS(0), "Connections to listen { http }")
/* clang-format on */

enum xf_metric {
#define X(name, type, text, unit, labels, help) XF_METRIC_##name,
    XF_METRIC_MAP(X)
#undef X
        XF_METRIC_COUNT
};
