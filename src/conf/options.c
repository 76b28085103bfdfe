/* SPDX-License-Identifier: MIT */
/*
 * options.c — the option table: one row is the parser, default, range check, --dump and annotated
 * sample of a setting.
 *
 * To add a setting: a field in conf.h, a row here, a test. The macros check at compile time that
 * the field has the type that the kind of value writes. Rows of a section stand together; those of
 * `peer` serve `defaults` too, and their order gives the bits of xf_peer_settings.set.
 */
#include "conf_priv.h"

#include <string.h>

#define MS  1ull
#define S   (1000 * MS)
#define M   (60 * S)
#define H   (60 * M)
#define DAY (24 * H)
#define KIB 1024ull
#define MIB (1024 * KIB)

/* offsetof, when the field has that type; otherwise an array of negative size. */
#define AT(owner, field, type)                                                                  \
    (offsetof(struct owner, field) +                                                            \
     0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((struct owner *)0)->field), type) \
                         ? 1                                                                    \
                         : -1]))

#define ROW(sec, name, k, o, f, type, ...)                                                         \
    {                                                                                              \
        .section = XF_SECTION_##sec, .key = (name), .kind = XF_KIND_##k, .offset = AT(o, f, type), \
        __VA_ARGS__                                                                                \
    }

#define BOOL(sec, key, o, f, init, text) \
    ROW(sec, key, BOOL, o, f, bool, .initial = (init), .help = (text))
#define SWITCH(sec, key, o, f, list, init, text) \
    ROW(sec, key, SWITCH, o, f, bool, .words = (list), .initial = (init), .help = (text))
#define WORD(sec, key, o, f, type, list, init, text) \
    ROW(sec, key, WORD, o, f, type, .words = (list), .initial = (init), .help = (text))
#define DURATION(sec, key, o, f, init, lo, hi, text)                                     \
    ROW(sec, key, DURATION, o, f, uint64_t, .initial = (init), .min = (lo), .max = (hi), \
        .help = (text))
#define SIZE(sec, key, o, f, init, lo, hi, text) \
    ROW(sec, key, SIZE, o, f, size_t, .initial = (init), .min = (lo), .max = (hi), .help = (text))
#define COUNT(sec, key, o, f, init, lo, hi, text)                                     \
    ROW(sec, key, COUNT, o, f, unsigned, .initial = (init), .min = (lo), .max = (hi), \
        .help = (text))
#define WORDS(sec, key, o, f, list, eg, text)                                             \
    ROW(sec, key, WORDS, o, f, unsigned, .words = (list), .initial = "", .example = (eg), \
        .help = (text))
#define TEXT(sec, key, o, f, shape, init, eg, text)                                                \
    ROW(sec, key, TEXT, o, f, char *, .form = XF_FORM_##shape, .initial = (init), .example = (eg), \
        .help = (text))
#define TEXTS(sec, key, o, f, shape, init, eg, text)                                        \
    ROW(sec, key, TEXTS, o, f, struct xf_texts, .form = XF_FORM_##shape, .initial = (init), \
        .example = (eg), .help = (text))

/* clang-format off */
static const struct xf_word allow_words[] = {{"allow", true}, {"deny", false}, {NULL, 0}};
static const struct xf_word names_words[] = {{"one", false}, {"per-peer", true}, {NULL, 0}};
static const struct xf_word driver_words[] = {{"component", XF_LINK_COMPONENT}, {NULL, 0}};
static const struct xf_word level_words[] = {
    {"error", XF_LOG_ERROR}, {"warn", XF_LOG_WARN}, {"info", XF_LOG_INFO}, {"debug", XF_LOG_DEBUG}, {NULL, 0}};
static const struct xf_word direction_words[] = {
    {"none", XF_DIRECTION_NONE}, {"in", XF_DIRECTION_IN}, {"out", XF_DIRECTION_OUT}, {"both", XF_DIRECTION_BOTH}, {NULL, 0}};
static const struct xf_word tls_words[] = {
    {"none", XF_TLS_NONE}, {"optional", XF_TLS_OPTIONAL}, {"required", XF_TLS_REQUIRED}, {NULL, 0}};
static const struct xf_word cert_words[] = {
    {"ignore", XF_CERT_IGNORE}, {"preferred", XF_CERT_PREFERRED}, {"required", XF_CERT_REQUIRED}, {NULL, 0}};
static const struct xf_word revocation_words[] = {
    {"off", XF_REVOCATION_OFF}, {"soft", XF_REVOCATION_SOFT}, {"hard", XF_REVOCATION_HARD}, {NULL, 0}};
static const struct xf_word downgrade_words[] = {
    {"allow", XF_DOWNGRADE_ALLOW}, {"alarm", XF_DOWNGRADE_ALARM}, {"refuse", XF_DOWNGRADE_REFUSE}, {NULL, 0}};
static const struct xf_word profile_words[] = {
    {"public", XF_PROFILE_PUBLIC}, {"imp", XF_PROFILE_IMP}, {"webex", XF_PROFILE_WEBEX}, {"sametime", XF_PROFILE_SAMETIME},
    {"legacy", XF_PROFILE_LEGACY}, {NULL, 0}};
static const struct xf_word kinds_words[] = {
    {"message", XF_KINDS_MESSAGE}, {"presence", XF_KINDS_PRESENCE}, {"subscription", XF_KINDS_SUBSCRIPTION}, {"iq", XF_KINDS_IQ},
    {"groupchat", XF_KINDS_GROUPCHAT}, {NULL, 0}};
static const struct xf_word denied_user_words[] = {{"silent", XF_DENIAL_SILENT}, {"error", XF_DENIAL_ERROR}, {NULL, 0}};
static const struct xf_word denied_peer_words[] = {
    {"silent", XF_DENIAL_SILENT}, {"error", XF_DENIAL_ERROR}, {"policy-violation", XF_DENIAL_VIOLATION}, {NULL, 0}};
static const struct xf_word jid_use_words[] = {
    {"drop", XF_JID_USE_DROP}, {"bounce", XF_JID_USE_BOUNCE}, {"accept", XF_JID_USE_ACCEPT}, {NULL, 0}};
static const struct xf_word route_order_words[] = {{"ranked", XF_ROUTE_RANKED}, {"equal", XF_ROUTE_EQUAL}, {NULL, 0}};
static const struct xf_word tls_min_words[] = {{"1.2", 12}, {"1.3", 13}, {NULL, 0}};

#define C xf_conf
#define L xf_link_settings
#define D xf_conf_served
#define P xf_peer_settings
#define N xf_conf_node

const struct xf_option xf_options[] = {
BOOL (TOP, "federation", C, federation, "on",
      "Talk with other servers at all. off: nothing is accepted from peers, and what the cluster sends comes back as "
      "not-allowed."),

TEXTS(LISTEN, "s2s", C, listen.s2s, LISTEN, "[::]:5269", NULL,
      "Where peers connect (STARTTLS). [::] takes IPv4 too."),
TEXTS(LISTEN, "s2s-direct", C, listen.s2s_direct, LISTEN, "", "[::]:5270",
      "Where peers connect with TLS from the first byte (XEP-0368); publish it as _xmpps-server."),
TEXT (LISTEN, "control", C, listen.control, PATH, "", "/run/xfedd/control.sock",
      "Unix socket of xfedctl; \"\" for none."),
TEXT (LISTEN, "http", C, listen.http, LISTEN, "", "127.0.0.1:9469",
      "Metrics, health and status page; \"\" for none."),

TEXTS(DNS, "servers", C, dns.servers, ADDRESS, "", "127.0.0.1:53",
      "Recursive servers, port 53 unless written. Empty: those of /etc/resolv.conf."),
BOOL (DNS, "trust-ad", C, dns.trust_ad, "no",
      "Believe the DNSSEC flag AD of servers that are not on this machine. Only over a path that you trust."),
DURATION(DNS, "timeout", C, dns.timeout_ms, "5s", 100 * MS, M,
      "For one question in all, with its retries over all servers."),
COUNT(DNS, "cache-entries", C, dns.cache_entries, "10000", 0, 1000000,
      "Answers kept at most; each no longer than its TTL."),

TEXT (DIALBACK, "secret-file", C, dialback_secret_file, PATH, "", "dialback.secret",
      "Its first line makes the dialback keys (XEP-0185); the same on all nodes of a deployment. Without one each start makes "
      "a random secret, which is enough for a single node."),

TEXT (TRUST, "ca-file", C, trust_ca_file, PATH, "/etc/ssl/certs/ca-certificates.crt", NULL,
      "PEM file of the authorities that may sign peers' certificates. \"\": none is trusted, dialback decides alone."),
TEXTS(TRUST, "crl-files", C, trust_crl_files, PATH, "", "/etc/xfedd/crl/authority.pem",
      "PEM files of revocation lists. Read anew by a reload."),
TEXT (TRUST, "crl-dir", C, trust_crl_dir, PATH, "", "/etc/xfedd/crl",
      "Every *.pem and *.crl in this folder is a revocation list too; \"\" for none."),
TEXT (TRUST, "cert-dir", C, cert_dir, PATH, "/etc/xfedd/certs", NULL,
      "Certificates of our domains as certbot and acme clients lay them out: a served section without "
      "certificate uses NAME/fullchain.pem and NAME/privkey.pem in this folder, for its domain and for each alias that has a folder; "
      "other aliases use what the domain has. \"\": nothing is looked for."),
DURATION(TRUST, "expiry-warning", C, cert_warn_ms, "30d", 0, 366 * DAY,
      "Certificates of ours that expire within this time are warned of: by -t, at the start, by a reload, and once a day. 0 warns of "
      "expired ones only."),

SIZE (UNAUTHENTICATED, "element", C, unauthenticated.element_bytes, "10k", KIB, MIB,
      "Largest element of a peer that has not authenticated yet."),
COUNT(UNAUTHENTICATED, "elements", C, unauthenticated.elements, "32", 4, 1000,
      "Elements it may send until then."),
DURATION(UNAUTHENTICATED, "auth-timeout", C, unauthenticated.auth_ms, "30s", S, 10 * M,
      "How long a peer may take to authenticate a first pair."),
COUNT(UNAUTHENTICATED, "dialback-failures", C, unauthenticated.dialback_failures, "3", 1, 100,
      "Failed authentications that end the stream."),
COUNT(UNAUTHENTICATED, "failures-per-minute", C, unauthenticated.failures_per_minute, "20", 1, 10000,
      "Failed claims of further domains a minute, on a stream that authenticated one. More have to wait; the stream goes on."),
DURATION(UNAUTHENTICATED, "dialback-timeout", C, unauthenticated.dialback_ms, "30s", S, 5 * M,
      "How long an answer to a dialback question may take."),
COUNT(UNAUTHENTICATED, "half-open-per-address", C, unauthenticated.half_open_per_address, "20", 1, 100000,
      "Unauthenticated streams of one address."),
COUNT(UNAUTHENTICATED, "half-open-per-network", C, unauthenticated.half_open_per_network, "100", 1, 1000000,
      "Unauthenticated streams of one network: an IPv4 /24 or an IPv6 /48."),
COUNT(UNAUTHENTICATED, "half-open", C, unauthenticated.half_open, "2000", 1, 1000000,
      "Unauthenticated streams in all."),
COUNT(UNAUTHENTICATED, "questions-per-stream", C, unauthenticated.questions_per_stream, "4", 1, 1000,
      "Dialback questions under way for what one stream claims. Each may open a connection to a server that somebody named."),
COUNT(UNAUTHENTICATED, "questions-per-peer", C, unauthenticated.questions_per_peer, "8", 1, 1000,
      "Dialback questions under way to one domain, whoever claims to be it."),
COUNT(UNAUTHENTICATED, "questions-per-network", C, unauthenticated.questions_per_network, "50", 1, 100000,
      "Dialback questions under way for what the addresses of one network (IPv4 /24, IPv6 /48) claim."),
COUNT(UNAUTHENTICATED, "questions", C, unauthenticated.questions, "250", 1, 100000,
      "Dialback questions under way in all, and connections of ours that are open for them."),

COUNT(STRANGERS, "streams-per-address", C, strangers.streams_per_address, "250", 1, 100000,
      "Streams to us from one address. When they are all open, a new one takes the place of one that was not used for a minute."),
COUNT(STRANGERS, "streams-per-network", C, strangers.streams_per_network, "1000", 1, 1000000,
      "... from one network. Here and below, the longest unused one of whoever has most gives way to whoever has fewer."),
COUNT(STRANGERS, "streams-per-owner", C, strangers.streams_per_owner, "250", 1, 1000000, "... of one owner, from any address."),
COUNT(STRANGERS, "streams", C, strangers.streams, "8000", 1, 1000000,
      "... in all, and never more than a quarter of the descriptors that the process may have."),
COUNT(STRANGERS, "pairs-per-network", C, strangers.pairs_per_network, "8192", 1, 10000000,
      "Pairs (a domain of theirs and one of ours) authenticated on streams of one network."),
COUNT(STRANGERS, "pairs-per-owner", C, strangers.pairs_per_owner, "1024", 1, 10000000, "... for domains of one owner."),
COUNT(STRANGERS, "pairs", C, strangers.pairs, "65536", 1, 10000000, "... in all."),
COUNT(STRANGERS, "routes-per-owner", C, strangers.routes_per_owner, "1024", 1, 1000000,
      "Pairs of one owner that wrote to us first: for each of them a route is kept for our answers. Those that our "
      "users wrote to first do not count."),
COUNT(STRANGERS, "routes", C, strangers.routes, "16384", 1, 1000000, "... of all."),
COUNT(STRANGERS, "answer-streams-per-owner", C, strangers.answer_streams_per_owner, "50", 1, 100000,
      "Streams that we open to domains of one owner for answers alone. For each of them a stranger makes us ask DNS and connect."),
COUNT(STRANGERS, "answer-streams", C, strangers.answer_streams, "500", 1, 1000000,
      "... in all, and never more than an eighth of the descriptors."),
SIZE (STRANGERS, "answer-bytes-per-owner", C, strangers.answer_bytes_per_owner, "2M", KIB, 1024 * MIB,
      "How much may wait for such streams, to one owner ..."),
SIZE (STRANGERS, "answer-bytes", C, strangers.answer_bytes, "32M", KIB, 16384 * MIB, "... and to all."),

TEXT (MEMORY, "file", C, memory_file, PATH, "", "/var/lib/xfedd/peers.db",
      "SQLite file that keeps it over restarts. \"\": peers.db in the state directory that systemd gives; without one the memory ends "
      "with the process. The user that xfedd runs as must be able to write it and its folder. A change needs a restart."),
COUNT(MEMORY, "peers", C, memory_peers, "10000", 0, 1000000,
      "At most so many peers are remembered; the one that was silent longest is forgotten first. 0: nothing is remembered, and "
      "downgrade has nothing to go by. A change needs a restart."),

COUNT(XML, "depth", C, xml.depth, "64", 8, 1000, "Elements within each other."),
COUNT(XML, "attributes", C, xml.attributes, "64", 8, 1000, "Attributes of one element."),
SIZE (XML, "start-tag", C, xml.start_tag_bytes, "72k", KIB, MIB,
      "One start tag with its attributes. An unfinished tag is scanned anew with each piece that arrives, so this bounds the "
      "work a peer can cause; pictures and tokens of 60 KB in one attribute are seen in the wild and fit."),
DURATION(XML, "element-timeout", C, xml.element_ms, "60s", 5 * S, 10 * M,
      "How long one stanza may take from its first to its last byte: a peer that sends a byte now and then is cut off."),

WORD (PROCESS, "log-level", C, process.level, enum xf_log_level, level_words, "info",
      "Lines up to this level are written."),
TEXT (PROCESS, "user", C, process.user, ANY, "", "xfedd",
      "Run as this user when started as root: after the listeners are open and the files are read."),
DURATION(PROCESS, "drain-time", C, process.drain_ms, "10s", 0, 10 * M,
      "How long SIGTERM lets queues empty and streams close before what is left is bounced."),
SIZE (PROCESS, "queue-bytes", C, process.queue_bytes, "64M", KIB, 16384 * MIB,
      "How much may wait for streams, to all peers together. No peer's queue may be larger than what is left for the "
      "others; see queue-bytes of a peer. "
      "Errors that wait for the cluster may have twice as much."),
DURATION(PROCESS, "backoff-min", C, process.backoff_min_ms, "5s", 0, H,
      "A peer that could not be reached is bounced at once for so long, doubled with each failure ..."),
DURATION(PROCESS, "backoff-max", C, process.backoff_max_ms, "5m", 0, 24 * H,
      "... up to so long. A stream that it opens to us ends the wait."),
DURATION(PROCESS, "backoff-probe", C, process.backoff_probe_ms, "2s", 0, M,
      "Meanwhile, as long as the cluster sends stanzas to the peer, a stream is tried in the background this often, so "
      "that they pass again soon after "
      "the peer is back. 0: never."),
BOOL (PROCESS, "sandbox", C, process.sandbox, "yes",
      "Give up, once everything is open, what a gateway does not need: system calls (seccomp), so that no program can be started and no "
      "other process looked into, and all files but those in the folders of its own files, /etc and /usr (Landlock). Debuggers and "
      "valgrind need it off. A change needs a restart."),

WORD (LINK, "driver", L, driver, enum xf_link_driver, driver_words, "component",
      "component: XEP-0114 streams to ejabberd, Prosody and others."),
TEXTS(LINK, "nodes", L, nodes, LISTEN, NULL, "127.0.0.1:5347",
      "The cluster's servers, as address:port of their component listeners."),
TEXT (LINK, "name", L, name, DOMAIN, NULL, "xfedd.example.org",
      "The component's name, as the server knows it."),
SWITCH(LINK, "names", L, per_peer, names_words, "one",
      "one: one connection for all peers. per-peer: a connection under each peer's own name, for servers without a default "
      "route."),
TEXT (LINK, "secret-file", L, secret_file, PATH, NULL, "link.secret",
      "Its first line is the component's secret."),
SIZE (LINK, "max-stanza", L, max_stanza_bytes, "512k", 10 * KIB, 16 * MIB,
      "Largest stanza the server takes; a larger one would cost the whole link, so it is refused before."),
DURATION(LINK, "hold-time", L, hold_ms, "10s", 0, 10 * M,
      "Stanzas wait so long for a lost link, then their senders get remote-server-timeout."),
SIZE (LINK, "hold-bytes", L, hold_bytes, "4M", 0, 256 * MIB,
      "At most so many wait. With names = per-peer those of one owner of peers without a section have a half of it, all of them three quarters."),
COUNT(LINK, "peers", L, peers, "4096", 1, 100000,
      "With names = per-peer: connections for peers without a section, and never more than an eighth of the descriptors that the process may "
      "have. When they are all open, the owner (see strangers) that has most loses the longest unused one to an owner that has fewer."),
COUNT(LINK, "peers-per-owner", L, peers_per_owner, "256", 1, 100000, "... of one owner."),
DURATION(LINK, "ping", L, ping_ms, "30s", S, H, "White space after this much silence keeps the connection alive."),

TEXT (SERVED, "link", D, link, ANY, NULL, "presence", "Title of the link that its stanzas come over and go to."),
TEXTS(SERVED, "certificate", D, certificate, PATH, "", "example.org.pem",
      "PEM chain, the domain's certificate first. Several for several kinds of key (RSA and ECDSA). Without one, trust { cert-dir } is "
      "looked in; without any there is no TLS for the domain."),
TEXTS(SERVED, "key", D, key, PATH, "", "example.org.key",
      "PEM private key of each certificate, in the same order; may be the same file."),
TEXTS(SERVED, "aliases", D, aliases, DOMAIN, "", "conference.example.org",
      "Further domains of ours with the same settings, such as chat rooms."),
BOOL (SERVED, "mail-only", D, mail_only, "no",
      "Nobody has a JID in this domain, it is there for e-mail addresses: a stanza for an address that no user has is answered with "
      "item-not-found instead of going to the cluster."),

TEXT (NODE, "host", N, host, DOMAIN, NULL, "xmpp1.example.org",
      "Its public name, which SRV records point to. Nodes behind one address may share it: then each has a port of its own."),
TEXTS(NODE, "addresses", N, addresses, IP, NULL, "203.0.113.5",
      "The public addresses of that name."),
TEXTS(NODE, "nat", N, nat, IP, "", "10.0.0.5",
      "The node's own addresses, one of each family, when a router translates the public ones. Empty: it has them itself."),
COUNT(NODE, "port", N, port, "5269", 1, 65535,
      "Public port of listen { s2s }: another than that one needs a router that translates it."),
COUNT(NODE, "direct-port", N, direct_port, "5270", 1, 65535,
      "Public port of listen { s2s-direct }; nothing without that."),

DURATION(PUBLISH, "ttl", C, publish_ttl_ms, "1h", S, 7 * DAY, "How long others may keep the records."),
BOOL (PUBLISH, "private-ca", C, publish_private_ca, "no",
      "A private authority signs our certificates: xfedd --csr-names asks for clientAuth as well, which public authorities refuse."),
TEXT (PUBLISH, "interface", C, publish_interface, INTERFACE, "eth0", NULL,
      "The interface towards the Internet on the machine that the nftables rules are for: the router before the nodes, or a node itself."),

TEXT (MAIL, "file", C, mail_file, PATH, "", "/etc/xfedd/mail.map",
      "Lines of a bare JID and an e-mail address; # begins a comment. Read anew when the file is replaced, and by a reload. \"\" for none."),

TEXT (DIRECTORY, "uri", C, directory.uri, ANY, "", "ldaps://ldap.example.org",
      "ldap:// or ldaps:// servers, separated by spaces: the next is asked when one is out of reach. \"\" for none."),
BOOL (DIRECTORY, "start-tls", C, directory.start_tls, "yes", "Use StartTLS with ldap://. The password is never sent without TLS."),
TEXT (DIRECTORY, "ca-file", C, directory.ca_file, PATH, "", "/etc/ssl/certs/ldap-ca.pem", "Authorities for the servers; \"\" for the system's."),
TEXT (DIRECTORY, "bind-dn", C, directory.bind_dn, ANY, "", "cn=xfedd,dc=example,dc=org", "Log in as; \"\" does not."),
TEXT (DIRECTORY, "password-file", C, directory.password_file, PATH, "", "ldap.secret", "Its first line is the password of bind-dn."),
TEXT (DIRECTORY, "base", C, directory.base, ANY, "", "ou=people,dc=example,dc=org", "Where users are."),
TEXT (DIRECTORY, "filter", C, directory.filter, ANY, "(objectClass=person)", NULL, "Which entries are users."),
TEXT (DIRECTORY, "jid-attribute", C, directory.jid_attribute, ANY, "uid", "msRTCSIP-PrimaryUserAddress",
      "Holds a user's JID: with jid-domain when it has no @ itself."),
TEXT (DIRECTORY, "jid-domain", C, directory.jid_domain, DOMAIN, "", "im.example.org", "Domain of JIDs that are written without one."),
TEXT (DIRECTORY, "mail-attribute", C, directory.mail_attribute, ANY, "mail", "proxyAddresses",
      "Holds a user's e-mail address; the first value counts."),
TEXTS(DIRECTORY, "groups", C, directory.groups, GROUP, "", "federation=cn=federation,ou=groups,dc=example,dc=org",
      "Groups that peers' `groups` may name, as NAME=DN. Members by member, uniqueMember or memberUid."),
BOOL (DIRECTORY, "preload", C, directory.preload, "yes",
      "Read all users at the start and again every refresh, in pages. no: each user is looked up when a stanza needs it."),
COUNT(DIRECTORY, "page-entries", C, directory.page_entries, "500", 10, 10000, "Entries asked for at a time (RFC 2696)."),
DURATION(DIRECTORY, "refresh", C, directory.refresh_ms, "1h", M, 7 * DAY, "How often all users and groups are read anew."),
DURATION(DIRECTORY, "cache-time", C, directory.cache_ms, "1h", S, 7 * DAY, "How long an answer about one user is good for."),
DURATION(DIRECTORY, "negative-cache-time", C, directory.negative_cache_ms, "5m", S, 7 * DAY, "... and that there is no such user."),
COUNT(DIRECTORY, "cache-entries", C, directory.cache_entries, "200000", 100, 10000000, "Users kept at most."),
DURATION(DIRECTORY, "timeout", C, directory.timeout_ms, "5s", 100 * MS, M, "Of one question; stanzas wait so long at most."),

SWITCH(POLICY, "default", C, default_allow, allow_words, "allow",
      "allow: every peer, unless its section says otherwise. deny: only peers that have a section."),
BOOL (POLICY, "enforce", C, policy_enforce, "yes",
      "no: a dry run. What policy would refuse passes, and is logged as policy.stanza.passed with the rule that it breaks."),
TEXTS(POLICY, "blocklists", C, blocklists, PATH, "", "/etc/xfedd/blocked.list",
      "Files of domains that are refused both ways, whatever their sections say: a domain or *.domain a line, then optionally until=YYYY-MM-DD "
      "and the source or reason as further words. Read anew by a reload."),

WORD (PEER, "profile", P, profile, enum xf_profile, profile_words, "public",
      "Settings for a kind of peer, in place of the built-in ones; what the section itself writes is stronger, and so are more exact sections."),
WORD (PEER, "direction", P, direction, enum xf_direction, direction_words, "both",
      "Which stanzas may pass, seen from us."),
WORD (PEER, "tls", P, tls, enum xf_tls_mode, tls_words, "required",
      "none: never used. optional: used where the peer has it. required: no authentication without it."),
WORD (PEER, "certificate", P, certificate, enum xf_cert_mode, cert_words, "preferred",
      "ignore: not looked at, except for SASL towards us. preferred: a good one authenticates, dialback is left without one. "
      "required: nothing is exchanged without a valid one for the domain."),
BOOL (PEER, "sasl-in", P, sasl_in, "yes", "Offer SASL EXTERNAL to a peer with a good certificate."),
BOOL (PEER, "sasl-out", P, sasl_out, "yes", "Use SASL EXTERNAL where the peer offers it."),
BOOL (PEER, "dialback", P, dialback, "yes", "Accept and use server dialback (XEP-0220)."),
BOOL (PEER, "direct-tls", P, direct_tls, "yes", "Look for _xmpps-server and use it (XEP-0368)."),
BOOL (PEER, "legacy", P, legacy, "yes",
      "Speak with servers from before XMPP 1.0, which know dialback only; never when tls = required."),
WORD (PEER, "tls-min", P, tls_min, unsigned, tls_min_words, "1.2", "Oldest TLS version."),
TEXT (PEER, "ciphers", P, ciphers, ANY, "", "ECDHE+AESGCM:ECDHE+CHACHA20",
      "OpenSSL cipher list for TLS 1.2; \"\" is the built-in one, with forward secrecy and AEAD only."),
TEXT (PEER, "ca-file", P, ca_file, PATH, "", "partner-ca.pem",
      "PEM file of the authorities for this peer, in place of trust { ca-file }; \"\" for that one."),
TEXTS(PEER, "pins", P, pins, PIN, "", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "Keys that the peer may have: the SHA-256 of the public key (SPKI), or a PEM file whose first certificate has it, as a "
      "self-signed one. With pins no other key will do, and one that is pinned needs no authority."),
BOOL (PEER, "dane", P, dane, "yes",
      "Let TLSA records of secure DNS (DNSSEC, see dns { trust-ad }) vouch for the peer's certificate, or against it (RFC 7673)."),
BOOL (PEER, "client-eku", P, client_eku, "no",
      "Accept a certificate for SASL EXTERNAL from a connecting peer only when it is made for TLS clients. no, since public "
      "authorities make no such certificates any more."),
WORD (PEER, "revocation", P, revocation, enum xf_revocation, revocation_words, "soft",
      "off: revocation lists and stapled OCSP responses are not looked at. soft: a certificate that one of them calls revoked is bad. "
      "hard: so is one that none of them calls good."),
WORD (PEER, "downgrade", P, downgrade, enum xf_downgrade, downgrade_words, "alarm",
      "What follows when a peer falls behind what is remembered of it: another key that nobody vouches for, dialback where there was "
      "EXTERNAL, clear where there was TLS. alarm: a line in the log. refuse: the stream ends too."),
BOOL (PEER, "dialback-by-certificate", P, dialback_by_certificate, "yes",
      "Answer a dialback request without asking back when the peer's certificate is good for that very domain "
      "(XEP-0344): what SASL EXTERNAL goes by is enough for dialback too."),
BOOL (PEER, "bidi", P, bidi, "yes", "Stanzas go both ways over one stream where the peer can do that (XEP-0288)."),
BOOL (PEER, "multiplex", P, multiplex, "no",
      "Use one stream to the peer for several of our domains (XEP-0220). no, since some servers cannot do that."),
TEXTS(PEER, "route", P, route, HOST_PORT, "", "xmpp.partner.example:5269",
      "Servers to connect to. DNS is asked for the addresses of those that are names, and never for others, not even when none of them answers."),
WORD (PEER, "route-order", P, route_order, enum xf_route_order, route_order_words, "ranked",
      "ranked: as written, the next one when the one before fails or has not answered in a quarter of a second. equal: in random order, drawn "
      "for each stream anew."),
TEXTS(PEER, "dns-servers", P, dns_servers, ADDRESS, "", "192.0.2.53", "Resolvers to ask about this peer, in place of dns { servers }."),
TEXTS(PEER, "source", P, source, IP, "", "192.0.2.10",
      "Address of ours to connect from; one of each family where both are used. Empty: as the system chooses."),
TEXT (PEER, "source-ports", P, source_ports, PORTS, "", "30000-35999", "Ports of ours to connect from, for firewalls; "
      "\"\" for any. Several streams may share one when they go to different servers."),
SIZE (PEER, "max-stanza", P, max_stanza_bytes, "512k", 10 * KIB, 16 * MIB,
      "Largest stanza that the peer may send, and never more than the smallest link takes: a larger one ends its stream. What we send is bounded by "
      "what the peer announces (XEP-0478)."),
COUNT(PEER, "max-streams", P, max_streams, "64", 1, 100000, "Streams of the peer to us at a time."),
COUNT(PEER, "max-pairs", P, max_pairs, "256", 1, 10000,
      "Pairs of domains, one of the peer's and one of ours, that one of its streams may carry."),
COUNT(PEER, "stanza-rate", P, stanza_rate, "0", 0, 1000000,
      "Stanzas a second from the peer, over all its streams; twice as many at a time. Its streams are not read while it is above. 0: any number."),
SIZE (PEER, "byte-rate", P, byte_rate, "0", 0, 1024 * MIB, "... and bytes a second, at least 1k."),
SIZE (PEER, "queue-bytes", P, queue_bytes, "4M", KIB, 256 * MIB, "What may wait for a stream to the peer ..."),
COUNT(PEER, "queue-stanzas", P, queue_stanzas, "10000", 1, 1000000, "... in number ..."),
DURATION(PEER, "queue-time", P, queue_ms, "90s", S, H, "... and how long. Senders of the rest get an error."),
DURATION(PEER, "connect-timeout", P, connect_ms, "10s", S, 2 * M, "For TCP to each address of the peer."),
DURATION(PEER, "candidate-timeout", P, candidate_ms, "8s", S, 10 * M,
      "How long an address that accepted TCP may take until its stream features, and again until we are authenticated (or our dialback question is "
      "answered). Then the next address is tried. The last one has all that is left of negotiate-timeout."),
DURATION(PEER, "negotiate-timeout", P, negotiate_ms, "60s", S, 10 * M,
      "From the start of a stream until it is authenticated, in all. queue-time should be longer."),
DURATION(PEER, "idle-timeout", P, idle_ms, "10m", 10 * S, 24 * H, "A stream without stanzas is closed after this long."),
DURATION(PEER, "ping-interval", P, ping_ms, "5m", 0, 24 * H,
      "White space on quiet streams, so that a dead connection is noticed; 0 for none but what the peer asks for (XEP-0478)."),
BOOL (PEER, "enforce", P, enforce, "yes", "no: a dry run for the peer, as policy { enforce = no } for all."),
TEXTS(PEER, "users", P, users, USER, "", "*@sales.example.org",
      "Users of ours that may talk with the peer, as bare JIDs in which * stands for any characters. Empty, with groups: all."),
TEXTS(PEER, "groups", P, groups, ANY, "", "federation", "... and members of these groups of directory { groups }."),
WORDS(PEER, "block-kinds-in", P, block_kinds_in, kinds_words, "iq", "Stanzas that are not taken from the peer."),
WORDS(PEER, "block-kinds-out", P, block_kinds_out, kinds_words, "groupchat", "Stanzas that are not sent to the peer."),
TEXTS(PEER, "block-namespaces-in", P, block_namespaces_in, ANY, "", "jabber:x:oob",
      "Stanzas with a payload (a child) of these namespaces are not taken from the peer; an * at the end stands for any characters."),
TEXTS(PEER, "block-namespaces-out", P, block_namespaces_out, ANY, "", "urn:xmpp:jingle:*", "... and not sent to it."),
WORD (PEER, "strip-presence", P, strip_presence, enum xf_direction, direction_words, "none",
      "Take everything but show, status and priority out of presence: from the peer (in), towards it (out) or both."),
TEXTS(PEER, "hours", P, hours, HOURS, "", "mon-fri 08:00-18:00", "When stanzas may pass, in local time. Empty: always."),
TEXT (PEER, "reason", P, reason, WORDS, "", "Federation with this partner ended in June.",
      "Told to those who are refused, and written into the log."),
WORD (PEER, "denied-user", P, denied_user, enum xf_denial, denied_user_words, "error",
      "What a user of ours gets for a stanza that is refused: silent: nothing, it is dropped. error: not-allowed."),
WORD (PEER, "denied-peer", P, denied_peer, enum xf_denial, denied_peer_words, "error",
      "What the peer gets. error: not-allowed for a stanza, policy-violation for a stream. silent: nothing, its streams are closed without a "
      "word. policy-violation: the stream ends with it, also for a single stanza."),
BOOL (PEER, "mail", P, mail, "no",
      "The peer sees the e-mail addresses of our users in place of their JIDs, and uses them (see mail and directory)."),
WORD (PEER, "jid-use", P, jid_use, enum xf_jid_use, jid_use_words, "drop",
      "With mail = yes, what becomes of a stanza for the JID of a user who has an e-mail address: it is dropped, bounced or accepted."),
};
/* clang-format on */

const size_t xf_option_count = XF_ARRAY_LEN(xf_options);

static const struct xf_section_facts sections[XF_SECTION_COUNT] = {
#define X(name, word, title, help) [XF_SECTION_##name] = {word, title, help},
    XF_SECTION_MAP(X)
#undef X
};

const struct xf_section_facts *xf_section_facts(enum xf_section section)
{
    return &sections[section];
}

const struct xf_option *xf_conf_options_of(enum xf_section section, size_t *out_count)
{
    if (section == XF_SECTION_DEFAULTS)
        section = XF_SECTION_PEER;
    const struct xf_option *first = xf_options, *end = xf_options + XF_ARRAY_LEN(xf_options);
    while (first->section != section)
        first++;
    size_t count = 0;
    while (first + count < end && first[count].section == section)
        count++;
    *out_count = count;
    return first;
}

uint64_t xf_option_bit(const struct xf_option *option)
{
    size_t count;
    const struct xf_option *first = xf_conf_options_of(XF_SECTION_PEER, &count);
    xf_require(option >= first && option < first + count && count <= 64);
    return 1ull << (option - first);
}

const struct xf_option *xf_option_find(enum xf_section section, const char *key)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}
