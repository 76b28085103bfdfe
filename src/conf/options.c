/* SPDX-License-Identifier: MIT */
/*
 * options.c — the option table: one row defines the parser, default, range check, --dump and
 * annotated sample of a setting.
 *
 * To add a setting: a field in include/xfed/LAYER/settings.h of the layer that reads it, a row
 * here, a test. The macros check at compile time that the field has the type that the row writes.
 * Rows of a section stand together; the rows of `peer` serve `defaults` too, and their order gives
 * the bits of xf_peer_settings.set.
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

/* offsetof, if the field has this type; otherwise an array of negative size, a compile error. */
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
static const struct xf_word stop_words[] = {{"keep", true}, {"return", false}, {NULL, 0}};
static const struct xf_word repair_words[] = {{"presence", true}, {"off", false}, {NULL, 0}};
static const struct xf_word names_words[] = {{"one", false}, {"per-peer", true}, {NULL, 0}};
static const struct xf_word driver_words[] = {
    {"component", XF_LINK_COMPONENT}, {"router", XF_LINK_ROUTER}, {NULL, 0}};
static const struct xf_word link_tls_words[] = {
    {"auto", XF_LINK_TLS_AUTO}, {"none", XF_LINK_TLS_NONE}, {"optional", XF_LINK_TLS_OPTIONAL}, {"required", XF_LINK_TLS_REQUIRED}, {NULL, 0}};
static const struct xf_word level_words[] = {
    {"error", XF_LOG_ERROR}, {"warn", XF_LOG_WARN}, {"info", XF_LOG_INFO}, {"debug", XF_LOG_DEBUG}, {NULL, 0}};
static const struct xf_word protocol_words[] = {{"xmpp", XF_PROTOCOL_XMPP}, {"sip", XF_PROTOCOL_SIP}, {"auto", XF_PROTOCOL_AUTO}, {NULL, 0}};
static const struct xf_word sip_transport_words[] = {{"tls", XF_SIP_TLS}, {"tcp", XF_SIP_TCP}, {NULL, 0}};
static const struct xf_word sip_name_check_words[] = {
    {"domain", XF_SIP_NAMES_DOMAIN}, {"target", XF_SIP_NAMES_TARGET}, {"list", XF_SIP_NAMES_LIST}, {NULL, 0}};
static const struct xf_word busy_words[] = {{"away", false}, {"dnd", true}, {NULL, 0}};
static const struct xf_word block_words[] = {{"polite", true}, {"reject", false}, {NULL, 0}};
static const struct xf_word sips_words[] = {{"accept", true}, {"refuse", false}, {NULL, 0}};
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
static const struct xf_word ack_words[] = {{"sm", XF_ACK_SM}, {"ping", XF_ACK_PING}, {"none", XF_ACK_NONE}, {NULL, 0}};
static const struct xf_word link_ack_words[] = {{"ping", XF_ACK_PING}, {"none", XF_ACK_NONE}, {NULL, 0}};
static const struct xf_word resend_words[] = {
    {"messages", XF_RESEND_MESSAGES}, {"all", XF_RESEND_ALL}, {"none", XF_RESEND_NONE}, {NULL, 0}};
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
static const struct xf_word unknown_words[] = {
    {"bounce", XF_UNKNOWN_BOUNCE}, {"hold", XF_UNKNOWN_HOLD}, {"jid", XF_UNKNOWN_JID}, {NULL, 0}};
static const struct xf_word route_order_words[] = {{"ranked", XF_ROUTE_RANKED}, {"equal", XF_ROUTE_EQUAL}, {NULL, 0}};
static const struct xf_word tls_min_words[] = {{"1.2", 12}, {"1.3", 13}, {NULL, 0}};

#define C xf_conf
#define L xf_link_settings
#define D xf_served_settings
#define P xf_peer_settings
#define N xf_node_settings

const struct xf_option xf_options[] = {
BOOL (TOP, "federation", C, policy.federation, "on",
      "Talk to other servers. off: refuse connections from peers; what the cluster sends to them comes back as not-allowed."),

TEXTS(LISTEN, "s2s", C, listen.s2s, LISTEN, "[::]:5269", NULL,
      "Where peers connect and start TLS with STARTTLS. [::] accepts IPv4 as well."),
TEXTS(LISTEN, "s2s-direct", C, listen.s2s_direct, LISTEN, "", "[::]:5270",
      "Where peers connect with TLS from the first byte (XEP-0368). Publish these ports as _xmpps-server."),
TEXTS(LISTEN, "sip", C, listen.sip, LISTEN, "", "[::]:5061",
      "Where SIP servers of peers connect with TLS. They have to show a certificate."),
TEXTS(LISTEN, "sip-tcp", C, listen.sip_tcp, LISTEN, "", "10.0.0.5:5060",
      "Where SIP servers connect without TLS: only those whose section has sip-transport = tcp, from the addresses in its sip-from."),
TEXT (LISTEN, "control", C, listen.control, PATH, "", "/run/xfedd/control.sock", "Unix socket for xfedctl; \"\" for none."),
TEXTS(LISTEN, "control-readers", C, listen.control_readers, ANY, "", "adm",
      "Groups of this machine whose members may look: status, peers, streams, queues, explanations, traces."),
TEXTS(LISTEN, "control-admins", C, listen.control_admins, ANY, "", "sudo",
      "Groups whose members may also act: check, close, retry, flush, federation, log, reload, drain, page. Root and the user of the process "
      "always may."),
TEXT (LISTEN, "http", C, listen.http, LISTEN, "", "127.0.0.1:9469",
      "Where to serve metrics and health over HTTP; \"\" for nowhere. An address of this machine alone, unless http-anywhere = yes."),
BOOL (LISTEN, "http-anywhere", C, listen.http_anywhere, "no",
      "Let http be an address that other machines can reach. There is no password and no TLS: a firewall must say who may."),
TEXTS(LISTEN, "http-hosts", C, listen.http_hosts, ANY, "", "metrics.example.org",
      "Names by which clients reach http, besides localhost and its address. Requests for other names are refused, against DNS rebinding."),
BOOL (LISTEN, "http-page", C, listen.http_page, "no",
      "Show a status page there too: who can reach http sees all peers, their state and errors. Checks need a token from \"xfedctl page\"."),

TEXTS(DNS, "servers", C, dns.servers, ADDRESS, "", "127.0.0.1:53",
      "Recursive DNS servers; port 53 unless written. Empty: the servers of /etc/resolv.conf, which is read again when it changes (checked "
      "once a minute, and at a reload)."),
BOOL (DNS, "trust-ad", C, dns.trust_ad, "no",
      "Trust the DNSSEC flag AD of servers on other machines too. Only for a network path that nobody can tamper with."),
DURATION(DNS, "timeout", C, dns.timeout_ms, "5s", 100 * MS, M, "Time limit of one lookup, including all retries on all servers."),
COUNT(DNS, "cache-entries", C, dns.cache_entries, "10000", 0, 1000000, "How many answers to cache; each expires with its TTL."),

TEXT (DIALBACK, "secret-file", C, dialback.secret_file, PATH, "", "dialback.secret",
      "File whose first line is the secret behind the dialback keys (XEP-0185); use the same on all nodes of a deployment. Without a "
      "file, xfedd draws a random secret at each start, which is enough for a single node."),

TEXT (TRUST, "ca-file", C, trust.ca_file, PATH, "/etc/ssl/certs/ca-certificates.crt", NULL,
      "PEM file of the authorities that may sign peers' certificates. \"\": trust no authority; only dialback, pins and DANE "
      "authenticate."),
TEXTS(TRUST, "crl-files", C, trust.crl_files, PATH, "", "/etc/xfedd/crl/authority.pem",
      "PEM files with certificate revocation lists. A reload reads them again."),
TEXT (TRUST, "crl-dir", C, trust.crl_dir, PATH, "", "/etc/xfedd/crl",
      "Folder in which every *.pem and *.crl is a revocation list too; \"\" for none."),
TEXT (TRUST, "cert-dir", C, trust.cert_dir, PATH, "/etc/xfedd/certs", NULL,
      "Folder of our certificates, laid out as certbot and other ACME clients do. A served section without certificate uses "
      "NAME/fullchain.pem and NAME/privkey.pem in it, for its domain and for each alias that has a folder; the other aliases use the "
      "domain's. \"\": look for none."),
DURATION(TRUST, "expiry-warning", C, trust.warn_ms, "30d", 0, 366 * DAY,
      "Warn about our certificates that expire within this time: in -t, at the start, at a reload, and once a day. 0: warn about "
      "expired ones only."),

SIZE (UNAUTHENTICATED, "element", C, s2s.unauthenticated.element_bytes, "10k", KIB, MIB,
      "Largest element that a peer may send before it has authenticated."),
COUNT(UNAUTHENTICATED, "elements", C, s2s.unauthenticated.elements, "32", 4, 1000,
      "How many elements a peer may send before it has authenticated."),
DURATION(UNAUTHENTICATED, "auth-timeout", C, s2s.unauthenticated.auth_ms, "30s", S, 10 * M,
      "How long a peer may take to authenticate its first pair of domains."),
COUNT(UNAUTHENTICATED, "dialback-failures", C, s2s.unauthenticated.dialback_failures, "3", 1, 100,
      "After this many failed authentications, close the stream."),
COUNT(UNAUTHENTICATED, "failures-per-minute", C, s2s.unauthenticated.failures_per_minute, "20", 1, 10000,
      "On a stream that has authenticated one domain: how many claims of further domains may fail in a minute. Further claims have to "
      "wait; the stream stays open."),
DURATION(UNAUTHENTICATED, "dialback-timeout", C, s2s.unauthenticated.dialback_ms, "30s", S, 5 * M,
      "How long to wait for the answer to a dialback question."),
COUNT(UNAUTHENTICATED, "half-open-per-address", C, s2s.unauthenticated.half_open_per_address, "20", 1, 100000,
      "How many unauthenticated streams one address may have."),
COUNT(UNAUTHENTICATED, "half-open-per-network", C, s2s.unauthenticated.half_open_per_network, "100", 1, 1000000,
      "How many unauthenticated streams one network (IPv4 /24 or IPv6 /48) may have."),
COUNT(UNAUTHENTICATED, "half-open", C, s2s.unauthenticated.half_open, "2000", 1, 1000000,
      "How many unauthenticated streams there may be in all."),
COUNT(UNAUTHENTICATED, "questions-per-stream", C, s2s.unauthenticated.questions_per_stream, "4", 1, 1000,
      "How many dialback questions may be open for domains that one stream claims. Each question may connect to a server of the claimed "
      "domain."),
COUNT(UNAUTHENTICATED, "questions-per-peer", C, s2s.unauthenticated.questions_per_peer, "8", 1, 1000,
      "How many dialback questions may be open to one domain, whoever claims to be that domain."),
COUNT(UNAUTHENTICATED, "questions-per-network", C, s2s.unauthenticated.questions_per_network, "50", 1, 100000,
      "How many dialback questions may be open for claims that come from one network (IPv4 /24 or IPv6 /48)."),
COUNT(UNAUTHENTICATED, "questions", C, s2s.unauthenticated.questions, "250", 1, 100000,
      "How many dialback questions, and connections opened for them, there may be in all."),

COUNT(STRANGERS, "streams-per-address", C, s2s.strangers.streams_per_address, "250", 1, 100000,
      "How many streams to us one address may have. When all are open, a new stream replaces one that was not used for a minute."),
COUNT(STRANGERS, "streams-per-network", C, s2s.strangers.streams_per_network, "1000", 1, 1000000,
      "How many streams one network may have. When this or a limit below is reached, whoever holds most loses the longest unused one to "
      "whoever holds fewer."),
COUNT(STRANGERS, "streams-per-owner", C, s2s.strangers.streams_per_owner, "250", 1, 1000000,
      "How many streams one owner may have, from any address."),
COUNT(STRANGERS, "streams", C, s2s.strangers.streams, "8000", 1, 1000000,
      "How many streams there may be in all; never more than a quarter of the file descriptors of the process."),
COUNT(STRANGERS, "pairs-per-network", C, s2s.strangers.pairs_per_network, "8192", 1, 10000000,
      "How many pairs (a remote domain and one of ours) may be authenticated on streams from one network."),
COUNT(STRANGERS, "pairs-per-owner", C, s2s.strangers.pairs_per_owner, "1024", 1, 10000000,
      "How many pairs may be authenticated for domains of one owner."),
COUNT(STRANGERS, "pairs", C, s2s.strangers.pairs, "65536", 1, 10000000, "How many pairs may be authenticated in all."),
COUNT(STRANGERS, "known-pairs-per-owner", C, s2s.strangers.known_pairs_per_owner, "1024", 0, 10000000,
      "How many pairs for domains of one owner to which our users wrote before are not counted among those above. The streams that such "
      "pairs open are not counted either."),
COUNT(STRANGERS, "known-pairs", C, s2s.strangers.known_pairs, "16384", 0, 10000000,
      "How many such pairs in all; never more than a quarter of the file descriptors."),
COUNT(STRANGERS, "broken-streams-per-network", C, s2s.strangers.broken_streams_per_network, "1000", 1, 100000,
      "How many streams from one network may be resumed after their connection broke (XEP-0198). The longest broken ones are forgotten."),
COUNT(STRANGERS, "broken-streams-per-owner", C, s2s.strangers.broken_streams_per_owner, "250", 1, 100000,
      "How many such streams of one owner, and as many of ours to that owner."),
COUNT(STRANGERS, "broken-streams", C, s2s.strangers.broken_streams, "4096", 1, 100000,
      "How many such streams in all, and as many of ours."),
COUNT(STRANGERS, "ping-answers-per-owner", C, s2s.strangers.ping_answers_per_owner, "250", 1, 1000000,
      "Of how many domains of one owner to remember whether they answer pings (XEP-0199). Others are asked anew."),
COUNT(STRANGERS, "ping-answers", C, s2s.strangers.ping_answers, "4096", 1, 1000000,
      "Of how many domains to remember that in all."),
COUNT(STRANGERS, "routes-per-owner", C, routing.routes_per_owner, "1024", 1, 1000000,
      "How many routes for our answers to keep for domains of one owner. A pair that wrote to us first needs one; pairs to which our "
      "users wrote first do not count."),
COUNT(STRANGERS, "routes", C, routing.routes, "16384", 1, 1000000, "How many such routes to keep in all."),
COUNT(STRANGERS, "answer-streams-per-owner", C, routing.answer_streams_per_owner, "50", 1, 100000,
      "How many streams we open to domains of one owner only to send answers. Each of them makes us ask DNS and connect at a stranger's "
      "wish."),
COUNT(STRANGERS, "answer-streams", C, routing.answer_streams, "500", 1, 1000000,
      "How many such streams we open in all; never more than an eighth of the file descriptors."),
SIZE (STRANGERS, "answer-bytes-per-owner", C, routing.answer_bytes_per_owner, "2M", KIB, 1024 * MIB,
      "How many bytes of answers may wait for such streams to one owner."),
SIZE (STRANGERS, "answer-bytes", C, routing.answer_bytes, "32M", KIB, 16384 * MIB,
      "How many bytes of answers may wait for such streams in all."),
COUNT(STRANGERS, "user-streams-per-owner", C, routing.user_streams_per_owner, "4000", 1, 1000000,
      "How many streams we open to domains of one owner to which our users write."),
COUNT(STRANGERS, "user-streams", C, routing.user_streams, "16000", 1, 1000000,
      "How many such streams we open in all; never more than a quarter of the file descriptors."),

TEXT (MEMORY, "file", C, history.file, PATH, "", "/var/lib/xfedd/peers.db",
      "SQLite file that keeps the history across restarts. \"\": peers.db in the state directory that systemd provides; without that "
      "directory the history ends with the process. The user that xfedd runs as must be able to write the file and its folder. A change "
      "needs a restart."),
COUNT(MEMORY, "peers", C, history.peers, "10000", 0, 1000000,
      "How many peers to remember; beyond that, the peer that was silent longest is forgotten. 0: remember none, so that downgrade has "
      "nothing to compare with. A change needs a restart."),
TEXT (MEMORY, "uri", C, history.uri, ANY, "", "postgresql://192.0.2.7/xfedd?sslmode=require",
      "PostgreSQL database that the nodes of this deployment share, in place of the file; \"\": this is the only node. A server is named by "
      "its IP address or the folder of its socket. The user is xfedd unless the URI names another one. A change needs a restart."),
TEXT (MEMORY, "password-file", C, history.password_file, PATH, "", "database.secret",
      "File whose first line is the password for that database; \"\": none."),
TEXT (MEMORY, "node", C, history.node, ANY, "", "xmpp1",
      "Name of this node among those that share the database; each has its own. \"\": the name of the machine."),
DURATION(MEMORY, "heartbeat", C, history.heartbeat_ms, "10s", S, 5 * M,
      "How often this node tells the others that it is alive, and looks at them. The others call it lost after three times as long."),
DURATION(MEMORY, "owner-time", C, history.owner_ms, "30d", H, 366 * DAY,
      "How long a peer with protocol = auto belongs to the protocol by which it authenticated last. It is asked anew after that, or after "
      "xfedctl forget."),
COUNT(MEMORY, "auto-per-owner", C, history.auto_per_owner, "100", 1, 1000000,
      "For how many domains of one owner (all names below partner.example) that is remembered; beyond that, the one that was silent longest "
      "is asked anew. A change needs a restart."),

TEXT (AUDIT, "file", C, audit.file, PATH, "", "/var/lib/xfedd/audit.jsonl",
      "Append a JSON object for each decision about a peer and each act of an operator to this file (AUDIT.md); \"\" for none. It may "
      "be moved away at any time."),
BOOL (AUDIT, "syslog", C, audit.syslog, "no", "Send the same lines to the machine's syslog or journal (facility authpriv, xfedd-audit)."),

TEXT (JOURNAL, "file", C, journal.file, PATH, "", "/var/lib/xfedd/journal.db",
      "SQLite file that keeps messages while they wait for a stream to a peer, so that they survive a crash or a restart; at the start, "
      "what it has is delivered, with the time at which it came (XEP-0203). It holds the text of messages, and belongs to the user "
      "that xfedd runs as. \"\": keep none, and messages that wait are lost in a crash."),
SIZE (JOURNAL, "bytes", C, journal.bytes, "64M", 64 * KIB, 16384 * MIB,
      "How many bytes of messages it may hold. Messages beyond that wait in memory only."),
COUNT(JOURNAL, "messages", C, journal.messages, "100000", 1, 10000000, "How many messages it may hold, in the same way."),
DURATION(JOURNAL, "age", C, journal.age_ms, "1h", S, 30 * DAY,
      "At the start, messages that came longer ago than this are returned to their senders."),
SWITCH(JOURNAL, "at-stop", C, journal.keep_at_stop, stop_words, "keep",
      "What happens to messages that still wait when xfedd stops. keep: they stay in the file, and the next start delivers them. return: "
      "their senders get an error, as without a journal."),
BOOL (JOURNAL, "sessions", C, journal.sessions, "no",
      "Whether streams that can be resumed (XEP-0198) go on in the next process: their state, and the stanzas of all kinds on them that "
      "a peer has not acknowledged, stay in the file when xfedd stops. no: these streams are closed, as all others."),

COUNT(METRICS, "peers", C, s2s.counted_peers, "200", 0, 10000,
      "How many peers without a section of their own are counted by name. All others are counted together, as peer=\"other\"."),

COUNT(XML, "depth", C, s2s.xml.depth, "64", 8, 1000, "How deeply elements may be nested."),
COUNT(XML, "attributes", C, s2s.xml.attributes, "64", 8, 1000, "How many attributes an element may have."),
SIZE (XML, "start-tag", C, s2s.xml.start_tag_bytes, "72k", KIB, MIB,
      "Largest start tag, attributes included. The parser scans an unfinished tag again with each piece that arrives, so this limits "
      "the work that a peer can cause. Real clients send pictures and tokens of 60 KB in one attribute; the default accepts them."),
DURATION(XML, "element-timeout", C, s2s.xml.element_ms, "60s", 5 * S, 10 * M,
      "How long a stanza may take from its first to its last byte. This cuts off a peer that sends a byte now and then."),

WORD (PROCESS, "log-level", C, process.level, enum xf_log_level, level_words, "info", "Log events of this level and more important ones."),
TEXT (PROCESS, "user", C, process.user, ANY, "", "xfedd",
      "When started as root, continue as this user once the listeners are open and the files are read."),
DURATION(PROCESS, "drain-time", C, process.drain_ms, "10s", 0, 10 * M,
      "After SIGTERM, how long to send what is queued and close streams before bouncing the rest. For as long a node that a reload drains may "
      "take to prove what it has."),
SIZE (PROCESS, "queue-bytes", C, routing.queue_bytes, "64M", KIB, 16384 * MIB,
      "How many bytes may wait for streams to all peers together. No peer's queue may be larger than what this leaves for the others "
      "(see queue-bytes of a peer). Errors that wait for the cluster may take twice as much."),
DURATION(PROCESS, "backoff-min", C, routing.backoff_min_ms, "5s", 0, H,
      "After a peer could not be reached, bounce stanzas to it at once for this long; the time doubles with each further failure."),
DURATION(PROCESS, "backoff-max", C, routing.backoff_max_ms, "5m", 0, 24 * H,
      "Longest time to bounce at once. A stream that the peer opens to us ends it early."),
DURATION(PROCESS, "backoff-probe", C, routing.backoff_probe_ms, "2s", 0, M,
      "While stanzas to a peer are bounced at once, and the cluster keeps sending some, try a stream in the background this often, so "
      "that they pass again soon after the peer is back. 0: never."),
DURATION(PROCESS, "repair-after", C, routing.repair_after_ms, "3m", S, 24 * H,
      "How long a peer must be out of reach before its contacts count as unavailable (see repair of a peer)."),
SIZE (PROCESS, "repair-bytes", C, routing.repair_bytes, "16M", 0, 4096 * MIB,
      "How much memory the presence may use that is noted for that. An owner of peers without a section may use an eighth of it, all of them "
      "half; what has no room is not repaired."),
DURATION(PROCESS, "alarm-after", C, process.alarm_after_ms, "1m", S, H,
      "How long a link must be down, a peer be unreachable or a file be unwritable before an alarm is raised (ALARMS.md), and how long it must "
      "be well before that is over."),
BOOL (PROCESS, "sandbox", C, process.sandbox, "yes",
      "After start-up, give up what a gateway does not need: system calls (seccomp), so that no program can be started and no other "
      "process inspected; and access to all files outside /etc, /usr and the folders of its own files (Landlock). Turn it off for "
      "debuggers and valgrind. A change needs a restart."),

WORD (LINK, "driver", L, driver, enum xf_link_driver, driver_words, "component",
      "component: connect as an external component (XEP-0114) to ejabberd, Prosody and others. router: connect to the router of jabberd2 "
      "as its S2S does, with the default route (doc/operators/SERVERS.md)."),
TEXTS(LINK, "nodes", L, nodes, NODE, NULL, "127.0.0.1:5347",
      "The component listeners of the cluster's servers, as address:port. Each local user has one of them, the next when that is lost. A node "
      "with \"address:port weight=3\" has three times as many users as one without, one with weight=0 none. A reload may change weights, and leave "
      "nodes out, which are drained (doc/operators/SERVERS.md); a new node needs a restart."),
TEXT (LINK, "name", L, name, DOMAIN, NULL, "xfedd.example.org",
      "The component's name in the server's configuration. With driver = router: the name to bind at the router."),
TEXT (LINK, "user", L, user, ANY, "", "xfedd",
      "With driver = router: the user in router-users.xml to log in as. Without it, the name."),
WORD (LINK, "tls", L, tls, enum xf_link_tls, link_tls_words, "auto",
      "With driver = router: encrypt if the router offers it (auto, optional), never (none), or else do not connect (required). With driver = "
      "component: required: nodes lead to a TLS endpoint in front of the server, such as stunnel (SERVERS.md); auto: "
      "required if there is a ca-file, else none."),
TEXT (LINK, "ca-file", L, ca_file, PATH, "", "link-ca.pem",
      "PEM file of the authorities that may have issued the server's certificate. Without it, any certificate is accepted."),
TEXT (LINK, "tls-name", L, tls_name, DOMAIN, "", "cluster.example.org",
      "The domain that the server's certificate must name; needs ca-file. Without it, any certificate from the ca-file is accepted."),
SWITCH(LINK, "names", L, per_peer, names_words, "one",
      "one: a single connection carries all peers. per-peer: each peer gets a connection under its own name, for servers without a "
      "default route."),
TEXT (LINK, "secret-file", L, secret_file, PATH, NULL, "link.secret",
      "File whose first line is the component's secret; with driver = router the user's."),
SIZE (LINK, "max-stanza", L, max_stanza_bytes, "512k", 10 * KIB, 16 * MIB,
      "Largest stanza that the server accepts. xfedd refuses a larger one, since the server would close the link over it."),
DURATION(LINK, "hold-time", L, hold_ms, "10s", 0, 10 * M,
      "How long stanzas wait for a lost link; then their senders get remote-server-timeout."),
SIZE (LINK, "hold-bytes", L, hold_bytes, "4M", 0, 256 * MIB,
      "How many bytes of stanzas may wait for a lost link. Those that wait for their proof (ack) count too; when they are half of it, peers "
      "are not read. With names = per-peer, peers without a section may use half of it for one owner and three quarters together."),
WORD (LINK, "ack", L, ack, enum xf_ack, link_ack_words, "ping",
      "What proves that the server has a stanza. ping: the answer to a ping (XEP-0199) behind the stanzas. none: the system has taken "
      "their bytes; what is lost with the connection is lost."),
WORD (LINK, "resend", L, resend, enum xf_resend, resend_words, "messages",
      "What to send again when the link breaks and nobody can tell whether the last stanzas arrived, so that users may get them twice. "
      "messages: messages and presence, while requests are answered with an error. all: requests too. none: all come back to their senders "
      "with an error, although some did arrive."),
COUNT(LINK, "peers", L, peers, "4096", 1, 100000,
      "With names = per-peer: how many connections to open for peers without a section; never more than an eighth of the file "
      "descriptors. When all are open, the owner (see strangers) that has most loses the longest unused one to an owner that has fewer."),
COUNT(LINK, "peers-per-owner", L, peers_per_owner, "256", 1, 100000,
      "With names = per-peer: how many of these connections one owner may have."),
BOOL (LINK, "refuse-peers", L, refuse_peers, "no",
      "Refuse peers while the link has been down for longer than hold-time, so that they use another node of the same domain: connections, when "
      "that is so for every link, else streams to the link's domains. Without another node leave it off: peers keep trying less often."),
TEXT (LINK, "quarantine", L, quarantine, PATH, "", "/var/lib/xfedd/quarantine.xml",
      "File that gets stanzas over which the server closes the link, which are kept out then; the log names them in any case. At most 16 MiB, "
      "and 100 stanzas in the life of the process."),
DURATION(LINK, "ping", L, ping_ms, "30s", S, H, "Send white space after this much silence to keep the connection alive."),

TEXT (SERVED, "link", D, link, ANY, NULL, "presence", "Title of the link that carries this domain's stanzas."),
TEXTS(SERVED, "certificate", D, certificate, PATH, "", "example.org.pem",
      "PEM file with the certificate chain, the domain's own certificate first; several for several types of key (RSA and ECDSA). "
      "Without one, xfedd looks in trust { cert-dir }; a domain without any certificate has no TLS."),
TEXTS(SERVED, "key", D, key, PATH, "", "example.org.key",
      "PEM file with the private key of each certificate, in the same order; may be the same file."),
TEXTS(SERVED, "aliases", D, aliases, DOMAIN, "", "conference.example.org",
      "Further domains of ours with the same settings, such as chat rooms."),
BOOL (SERVED, "mail-only", D, mail_only, "no",
      "This domain has e-mail addresses but no JIDs: a stanza to an address that no user has is answered with item-not-found instead of "
      "going to the cluster."),

TEXT (NODE, "host", N, host, HOST, NULL, "xmpp1.example.org",
      "The node's public name, which SRV records point to. Nodes behind one address may share a name; then each needs a port of its "
      "own."),
TEXTS(NODE, "addresses", N, addresses, IP, NULL, "203.0.113.5", "The public addresses of that name."),
TEXTS(NODE, "nat", N, nat, IP, "", "10.0.0.5",
      "When a router translates the public addresses: the node's own addresses, one of each family. Empty: the node has the public "
      "ones."),
COUNT(NODE, "port", N, port, "5269", 1, 65535,
      "Public port of listen { s2s }. If the two differ, a router must translate one into the other."),
COUNT(NODE, "direct-port", N, direct_port, "5270", 1, 65535, "Public port of listen { s2s-direct }; unused without that listener."),

DURATION(PUBLISH, "ttl", C, publish.ttl_ms, "1h", S, 7 * DAY, "TTL of the printed records."),
BOOL (PUBLISH, "private-ca", C, publish.private_ca, "no",
      "A private authority signs our certificates: xfedd --csr-names then asks for clientAuth as well, which public authorities refuse."),
TEXTS(PUBLISH, "test-jids", C, publish.test_jids, ANY, "", "echo@example.org",
      "Addresses to which a partner may write for a test: for --partner."),
TEXT (PUBLISH, "interface", C, publish.interface, INTERFACE, "eth0", NULL,
      "Network interface towards the Internet of the machine that the nftables rules are for: the router in front of the nodes, or a "
      "node."),

TEXT (SIP, "host", C, ua.host, HOST, "", "sip.example.org",
      "Our host for SIP, as peers reach it and as our certificate names it; \"\": SIP is off. When a peer has protocol = sip or auto, xfedd "
      "--dns-records prints SRV records that lead to it."),
COUNT(SIP, "port", C, ua.port, "5061", 1, 65535, "The port at which peers reach listen { sip }, where a firewall translates it."),
TEXTS(SIP, "certificate", C, sip.certificate, PATH, "", "sip.example.org.pem",
      "PEM file with the certificate of host and its intermediates; one for each type of key. Peers ask for the usages serverAuth and "
      "clientAuth. xfedd --csr-names HOST prints the names for a request."),
TEXTS(SIP, "key", C, sip.key, PATH, "", "sip.example.org.key", "PEM file with the key of each certificate, in the same order."),
TEXT (SIP, "ca-file", C, sip.ca_file, PATH, "", "/etc/xfedd/sip-ca.pem",
      "PEM file of the authorities that may sign certificates of SIP peers without a ca-file of their own; \"\": trust { ca-file }."),
SIZE (SIP, "max-message", C, ua.message_bytes, "64k", 4 * KIB, MIB, "Largest message that a peer may send. A larger one ends its connection."),
COUNT(SIP, "headers", C, ua.headers, "128", 32, 256, "How many lines of headers a message of a peer may have."),
DURATION(SIP, "handshake-timeout", C, ua.handshake_ms, "10s", S, M, "How long TLS may take."),
DURATION(SIP, "idle-timeout", C, ua.idle_ms, "10m", 10 * S, 24 * H, "Close a connection that carried no message for this long."),
DURATION(SIP, "ping-interval", C, ua.ping_ms, "2m", 10 * S, H,
      "Send a ping (RFC 5626) on a connection of ours that is silent for this long, so that a dead one is noticed."),
COUNT(SIP, "half-open-per-address", C, ua.half_open_per_address, "20", 1, 100000,
      "How many connections one address may have that are not known to be a peer's yet."),
COUNT(SIP, "half-open-per-network", C, ua.half_open_per_network, "100", 1, 1000000,
      "How many of those one network (IPv4 /24 or IPv6 /48) may have."),
COUNT(SIP, "half-open", C, ua.half_open, "2000", 1, 1000000, "How many of those there may be in all."),
COUNT(SIP, "conns-per-address", C, ua.conns_per_address, "64", 1, 100000, "How many connections of peers one address may have."),
COUNT(SIP, "conns-per-network", C, ua.conns_per_network, "256", 1, 1000000, "How many connections of peers one network may have."),
COUNT(SIP, "conns", C, ua.conns, "4000", 1, 1000000,
      "How many connections of peers there may be in all; never more than a quarter of the file descriptors of the process."),
COUNT(SIP, "conns-to-peer", C, ua.hop_conns, "4", 1, 64, "How many connections we make to the servers of one peer."),
COUNT(SIP, "conns-to-owner", C, ua.own_conns_per_owner, "256", 1, 1000000,
      "How many connections we make to the servers of all peers of one owner, in one registered domain with all names below it."),
COUNT(SIP, "conns-out", C, ua.own_conns, "4000", 1, 1000000,
      "How many connections we make in all; never more than a quarter of the file descriptors of the process. An unused one gives way."),
COUNT(SIP, "refused-per-network", C, ua.refused_per_network, "50", 1, 100000,
      "How many messages a second one network may send that are refused before their sender is known: requests that cannot be read or are "
      "from a domain for which the connection may not speak, and answers where we sent no request. What comes faster is read more slowly."),
COUNT(SIP, "transactions-per-conn", C, ua.requests_per_conn, "500", 1, 100000,
      "How many requests of one connection may be open, that is, without our final answer. Further ones wait: nothing is read from it until one "
      "is answered. While an INVITE is open, which may take minutes, they are answered with 503."),
COUNT(SIP, "transactions-per-peer", C, ua.requests_per_peer, "2000", 1, 1000000, "How many requests of one peer may be open."),
COUNT(SIP, "transactions-per-owner", C, ua.requests_per_owner, "4000", 1, 1000000,
      "How many requests of peers of one owner may be open, in one registered domain with all names below it."),
COUNT(SIP, "transactions", C, ua.requests, "20000", 1, 1000000, "How many requests of peers may be open in all."),
SIZE (SIP, "transaction-bytes-per-owner", C, ua.request_bytes_per_owner, "16M", 64 * KIB, 1024 * MIB,
      "How many bytes of open requests of one owner's peers are kept, which is their headers. Further requests are answered with 503."),
SIZE (SIP, "transaction-bytes", C, ua.request_bytes, "64M", 64 * KIB, 1024 * MIB, "How many bytes of open requests of peers are kept in all."),
COUNT(SIP, "sent-per-peer", C, ua.sent_per_hop, "2000", 1, 1000000,
      "How many requests of ours to one peer may wait for an answer. What would be more is not sent."),
TEXT (SIP, "dialogs-file", C, simple.dialogs_file, ANY, "sip.db", "/var/lib/xfedd/sip.db",
      "SQLite file that keeps subscriptions across restarts. A relative name is in the state directory that systemd provides; without that "
      "directory, and with \"\", they end with the process, and begin anew. The user that xfedd runs as must be able to write the file and "
      "its folder. A change needs a restart."),
COUNT(SIP, "subscriptions", C, simple.subscriptions, "260000", 1, 1000000, "How many subscriptions, of both directions, there may be in all."),
DURATION(SIP, "error-window", C, simple.error_window_ms, "300ms", 0, 5 * S,
      "How long the answer to a message of a peer waits for an error of the local server, which the peer is told then; an error that comes "
      "later is lost for it. 0: not at all."),
COUNT(SIP, "typing-per-owner", C, simple.typing_per_owner, "1000", 1, 1000000,
      "How many users of peers of one owner are shown typing at once, each to one of our users. Further ones are not."),
COUNT(SIP, "typing", C, simple.typing, "5000", 1, 1000000, "How many of those there may be in all."),
DURATION(SIP, "subscribe-expires", C, simple.subscribe_ms, "2h", M, 24 * H,
      "How long a subscription to the presence of a peer's user lasts before it is refreshed. The peer may choose a shorter time."),
DURATION(SIP, "notify-interval", C, simple.notify_interval_ms, "5s", S, 5 * M,
      "Least time between two notifications to a peer about one of our users (RFC 3856 section 6.10). The next one tells what changed."),
DURATION(SIP, "away-after", C, simple.away_after_ms, "24h", M, 30 * 24 * H,
      "A subscription of a user of ours who sent nothing to that contact for this long is not refreshed; the next stanza makes a new one."),
TEXTS(SIP, "open-route", C, simple.open_route, HOST_PORT, "", "sbc.example.org:5061",
      "For peers with protocol = auto that have neither an XMPP server nor SRV records for SIP: the servers that bring messages to them, by "
      "certificates with their own names. {}: only what DNS names is reached."),
COUNT(SIP, "sent", C, ua.sent, "20000", 1, 1000000, "How many requests of ours may wait for an answer in all."),

TEXT (MAIL, "file", C, mailmap.file, PATH, "", "/etc/xfedd/mail.map",
      "File with a bare JID and an e-mail address on each line; # begins a comment. xfedd reads it again when it is replaced, and at a "
      "reload. \"\" for none."),

TEXT (DIRECTORY, "uri", C, mailmap.directory.uri, ANY, "", "ldaps://ldap.example.org",
      "LDAP servers as ldap:// or ldaps:// URIs, separated by spaces; when one is out of reach the next is asked. \"\" for none."),
BOOL (DIRECTORY, "start-tls", C, mailmap.directory.start_tls, "yes",
      "Use StartTLS with ldap:// servers. xfedd never sends the password without TLS."),
TEXT (DIRECTORY, "ca-file", C, mailmap.directory.ca_file, PATH, "", "/etc/ssl/certs/ldap-ca.pem",
      "PEM file of the authorities for the LDAP servers; \"\" for the system's."),
TEXT (DIRECTORY, "bind-dn", C, mailmap.directory.bind_dn, ANY, "", "cn=xfedd,dc=example,dc=org", "DN to log in as; \"\" for no login."),
TEXT (DIRECTORY, "password-file", C, mailmap.directory.password_file, PATH, "", "ldap.secret",
      "File whose first line is the password of bind-dn."),
TEXT (DIRECTORY, "base", C, mailmap.directory.base, ANY, "", "ou=people,dc=example,dc=org", "DN below which users are found."),
TEXT (DIRECTORY, "filter", C, mailmap.directory.filter, ANY, "(objectClass=person)", NULL, "Filter that selects the entries of users."),
TEXT (DIRECTORY, "jid-attribute", C, mailmap.directory.jid_attribute, ANY, "uid", "msRTCSIP-PrimaryUserAddress",
      "Attribute with the user's JID; jid-domain completes a value without @."),
TEXT (DIRECTORY, "jid-domain", C, mailmap.directory.jid_domain, DOMAIN, "", "im.example.org",
      "Domain of JIDs that the directory holds without one."),
TEXT (DIRECTORY, "mail-attribute", C, mailmap.directory.mail_attribute, ANY, "mail", "proxyAddresses",
      "Attribute with the user's e-mail address; the first value counts."),
TEXTS(DIRECTORY, "groups", C, mailmap.directory.groups, GROUP, "", "federation=cn=federation,ou=groups,dc=example,dc=org",
      "Groups that peers' `groups` may name, as NAME=DN. Members are listed in member, uniqueMember or memberUid."),
BOOL (DIRECTORY, "preload", C, mailmap.directory.preload, "yes",
      "Read all users at the start and again every refresh, in pages. no: look up each user when a stanza needs it."),
COUNT(DIRECTORY, "page-entries", C, mailmap.directory.page_entries, "500", 10, 10000, "How many entries to ask for at a time (RFC 2696)."),
DURATION(DIRECTORY, "refresh", C, mailmap.directory.refresh_ms, "1h", M, 7 * DAY, "How often to read all users and groups again."),
DURATION(DIRECTORY, "cache-time", C, mailmap.directory.cache_ms, "1h", S, 7 * DAY, "How long to keep what the directory said about a user."),
DURATION(DIRECTORY, "negative-cache-time", C, mailmap.directory.negative_cache_ms, "5m", S, 7 * DAY,
      "How long to remember that there is no such user."),
COUNT(DIRECTORY, "cache-entries", C, mailmap.directory.cache_entries, "200000", 100, 10000000, "How many users to keep."),
DURATION(DIRECTORY, "timeout", C, mailmap.directory.timeout_ms, "5s", 100 * MS, M, "Time limit of one lookup. Stanzas wait for it."),
BOOL (DIRECTORY, "keep", C, mailmap.directory.keep, "yes",
      "Keep what the directory said in directory.db in the state directory that systemd provides, so that users are known after a restart while "
      "it cannot be reached. The file holds JIDs and e-mail addresses. no: the file is removed."),
DURATION(DIRECTORY, "keep-time", C, mailmap.directory.keep_ms, "7d", M, 366 * DAY,
      "How long what the directory said about a user is used while it cannot be reached, also after a restart."),
WORD (DIRECTORY, "unknown", C, mailmap.directory.unknown, enum xf_unknown_use, unknown_words, "bounce",
      "What becomes of stanzas from or to a user of whom nothing is known while the directory cannot be reached. bounce: they are returned at once. "
      "hold: they wait for hold-time, and others of the same two domains behind them; then they are returned. jid: peers see the JID."),
DURATION(DIRECTORY, "hold-time", C, mailmap.directory.hold_ms, "30s", S, 10 * M, "How long stanzas wait with unknown = hold."),

SWITCH(POLICY, "default", C, policy.default_allow, allow_words, "allow",
      "allow: federate with every peer, unless its section says otherwise. deny: only with peers that have a section."),
BOOL (POLICY, "enforce", C, policy.enforce, "yes",
      "no: a dry run. A stanza that policy would refuse passes, and is logged as policy.stanza.passed with the rule that it breaks."),
TEXTS(POLICY, "blocklists", C, policy.blocklists, PATH, "", "/etc/xfedd/blocked.list",
      "Files of domains to refuse in both directions, whatever their sections say. Each line has a domain or *.domain, then optionally "
      "until=YYYY-MM-DD, and the source or reason in further words. A reload reads them again."),

WORD (PEER, "profile", P, profile, enum xf_profile, profile_words, "public",
      "Defaults for a kind of peer, in place of the built-in ones. What this section, or a more exact one, sets itself takes "
      "precedence."),
WORD (PEER, "protocol", P, protocol, enum xf_protocol, protocol_words, "xmpp",
      "The protocol that the peer's domain belongs to. sip: its XMPP streams are refused, and messages pass by SIP; without a listener "
      "for SIP and sip { host } what our users send there comes back as not-allowed (doc/operators/SIP.md). auto: the one by which it "
      "authenticated last; while that is not known, XMPP is tried first, and SIP where nobody is found by XMPP."),
WORD (PEER, "direction", P, direction, enum xf_direction, direction_words, "both", "Which way stanzas may pass, seen from us."),
WORD (PEER, "tls", P, tls, enum xf_tls_mode, tls_words, "required",
      "none: do not use TLS. optional: use TLS where the peer has it. required: do not authenticate without TLS."),
WORD (PEER, "certificate", P, certificate, enum xf_cert_mode, cert_words, "preferred",
      "ignore: do not check it, except for SASL towards us. preferred: a valid certificate authenticates the peer; without one, "
      "dialback may. required: exchange nothing without a certificate that is valid for the domain."),
BOOL (PEER, "sasl-in", P, sasl_in, "yes", "Offer SASL EXTERNAL to a peer with a valid certificate."),
BOOL (PEER, "sasl-out", P, sasl_out, "yes", "Use SASL EXTERNAL where the peer offers it."),
BOOL (PEER, "show-certificate", P, show_certificate, "yes",
      "Show our certificate on streams that we open to the peer. no: for servers that break off the TLS handshake over it, as some do where "
      "it lacks clientAuth. We then authenticate by dialback, whatever sasl-out says."),
BOOL (PEER, "dialback", P, dialback, "yes", "Accept and use server dialback (XEP-0220)."),
BOOL (PEER, "direct-tls", P, direct_tls, "yes", "Look up _xmpps-server and use it (XEP-0368)."),
BOOL (PEER, "legacy", P, legacy, "yes", "Talk to servers from before XMPP 1.0, which only know dialback; never with tls = required."),
WORD (PEER, "tls-min", P, tls_min, unsigned, tls_min_words, "1.2", "Oldest TLS version to accept."),
TEXT (PEER, "ciphers", P, ciphers, ANY, "", "ECDHE+AESGCM:ECDHE+CHACHA20",
      "OpenSSL cipher list for TLS 1.2; \"\" for the built-in one (forward secrecy and AEAD only)."),
TEXT (PEER, "ca-file", P, ca_file, PATH, "", "partner-ca.pem",
      "PEM file of the authorities for this peer, in place of trust { ca-file }; \"\" for that one."),
TEXTS(PEER, "pins", P, pins, PIN, "", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "Keys that the peer may use: the SHA-256 of the public key (SPKI), or a PEM file whose first certificate holds the key, such as a "
      "self-signed one. With pins no other key is accepted, and a pinned key needs no authority."),
BOOL (PEER, "dane", P, dane, "yes",
      "Check the peer's certificate against TLSA records from DNSSEC (RFC 7673; see dns { trust-ad }): they can confirm it or reject "
      "it."),
BOOL (PEER, "client-eku", P, client_eku, "no",
      "Require the purpose clientAuth in the certificate of a peer that uses SASL EXTERNAL. no, because public authorities no longer "
      "issue such certificates."),
WORD (PEER, "revocation", P, revocation, enum xf_revocation, revocation_words, "soft",
      "off: ignore revocation lists and stapled OCSP responses. soft: reject a certificate that one of them calls revoked. hard: also "
      "reject a certificate that none of them calls good."),
WORD (PEER, "downgrade", P, downgrade, enum xf_downgrade, downgrade_words, "alarm",
      "What to do when a peer authenticates more weakly than before: with another key that nobody vouches for, by dialback instead of "
      "EXTERNAL, or without TLS. alarm: log a warning. refuse: close the stream as well."),
BOOL (PEER, "dialback-by-certificate", P, dialback_by_certificate, "yes",
      "Accept a dialback request without asking the authoritative server when the peer's certificate is valid for the domain "
      "(XEP-0344): what is good enough for SASL EXTERNAL is good enough for dialback."),
BOOL (PEER, "bidi", P, bidi, "yes", "Exchange stanzas both ways over one stream where the peer can do that (XEP-0288)."),
WORD (PEER, "ack", P, ack, enum xf_ack, ack_words, "sm",
      "What proves that the peer has a stanza. sm: acknowledgements (XEP-0198) where the peer has them, else pings. ping: the answer to a "
      "ping (XEP-0199) behind the stanzas. none: its TCP has taken their bytes; what it did not read is lost with a connection."),
WORD (PEER, "resend", P, resend, enum xf_resend, resend_words, "messages",
      "What to send again when a connection breaks and nobody can tell whether the last stanzas arrived, so that the peer may get them "
      "twice. messages: messages and presence, while requests are answered with an error. all: requests too. none: all come back to "
      "their senders with an error, although some did arrive."),
BOOL (PEER, "multiplex", P, multiplex, "no",
      "Use one stream to the peer for several of our domains (XEP-0220), unless the peer can resume it. no, because some servers cannot do that."),
TEXTS(PEER, "route", P, route, HOST_PORT, "", "xmpp.partner.example:5269",
      "Servers to connect to, instead of those that SRV records name. DNS is asked for their addresses only; no other server is tried, "
      "even when all of these fail. The usual port is 5269, of SIP 5061, and 5060 with sip-transport = tcp."),
WORD (PEER, "route-order", P, route_order, enum xf_route_order, route_order_words, "ranked",
      "ranked: try the routes as written; the next one when one fails or has not answered within a quarter of a second. equal: in a "
      "random order, drawn for each stream."),
TEXTS(PEER, "dns-servers", P, dns_servers, ADDRESS, "", "192.0.2.53", "DNS servers to ask about this peer, in place of dns { servers }."),
TEXTS(PEER, "source", P, source, IP, "", "192.0.2.10",
      "Our address to connect from; one of each family where both are used. Empty: the system chooses."),
TEXT (PEER, "source-ports", P, source_ports, PORTS, "", "30000-35999",
      "Our ports to connect from, for firewalls; \"\" for any. Several streams may share a port when they go to different servers."),
SIZE (PEER, "max-stanza", P, max_stanza_bytes, "512k", 10 * KIB, 16 * MIB,
      "Largest stanza that the peer may send; a larger one ends its stream. Never more than the smallest max-stanza of a link. What we "
      "send is limited by what the peer announces (XEP-0478)."),
COUNT(PEER, "max-streams", P, max_streams, "64", 1, 100000, "How many streams to us the peer may have at a time."),
COUNT(PEER, "max-pairs", P, max_pairs, "256", 1, 10000,
      "How many pairs (a domain of the peer and one of ours) one of its streams may carry."),
COUNT(PEER, "stanza-rate", P, stanza_rate, "0", 0, 1000000,
      "How many stanzas a second the peer may send over all its streams, in bursts of up to twice as many. Above that, its streams are "
      "not read for a while. 0: no limit."),
SIZE (PEER, "byte-rate", P, byte_rate, "0", 0, 1024 * MIB,
      "How many bytes a second the peer may send, in the same way; at least 1k. 0: no limit."),
SIZE (PEER, "queue-bytes", P, queue_bytes, "4M", KIB, 256 * MIB,
      "How many bytes of stanzas may wait for a stream to the peer. Senders of the rest get an error."),
COUNT(PEER, "queue-stanzas", P, queue_stanzas, "10000", 1, 1000000, "How many stanzas may wait for a stream to the peer."),
DURATION(PEER, "queue-time", P, queue_ms, "90s", S, H, "How long a stanza may wait for a stream to the peer."),
DURATION(PEER, "connect-timeout", P, connect_ms, "10s", S, 2 * M, "How long to wait for TCP to connect to each address of the peer."),
DURATION(PEER, "candidate-timeout", P, candidate_ms, "8s", S, 10 * M,
      "How long an address that accepted TCP may take to send its stream features, and again to authenticate us or answer our dialback "
      "question. Then the next address is tried; the last one may use all that is left of negotiate-timeout."),
DURATION(PEER, "negotiate-timeout", P, negotiate_ms, "60s", S, 10 * M,
      "Time limit from the start of a stream until it is authenticated. queue-time should be longer."),
DURATION(PEER, "idle-timeout", P, idle_ms, "10m", 10 * S, 24 * H, "Close a stream that carried no stanza for this long."),
DURATION(PEER, "ping-interval", P, ping_ms, "5m", 0, 24 * H,
      "Send white space on a stream that is quiet for this long, so that a dead connection is noticed. 0: only where the peer's idle "
      "limit asks for it (XEP-0478)."),
BOOL (PEER, "enforce", P, enforce, "yes", "no: a dry run for this peer, as policy { enforce = no } is for all."),
TEXTS(PEER, "users", P, users, USER, "", "*@sales.example.org",
      "Users of ours that may talk to the peer, as bare JIDs in which * stands for any characters. With users and groups empty: all "
      "users."),
TEXTS(PEER, "groups", P, groups, ANY, "", "federation", "Groups of directory { groups } whose members may talk to the peer as well."),
WORDS(PEER, "block-kinds-in", P, block_kinds_in, kinds_words, "iq", "Kinds of stanzas to refuse from the peer."),
WORDS(PEER, "block-kinds-out", P, block_kinds_out, kinds_words, "groupchat", "Kinds of stanzas not to send to the peer."),
TEXTS(PEER, "block-namespaces-in", P, block_namespaces_in, ANY, "", "jabber:x:oob",
      "Refuse stanzas from the peer that have a child element in one of these namespaces; a * at the end stands for any characters."),
TEXTS(PEER, "block-namespaces-out", P, block_namespaces_out, ANY, "", "urn:xmpp:jingle:*",
      "Do not send the peer stanzas that have a child element in one of these namespaces."),
WORD (PEER, "strip-presence", P, strip_presence, enum xf_direction, direction_words, "none",
      "Reduce presence to show, status and priority: from the peer (in), to the peer (out) or both."),
SWITCH(PEER, "repair", P, repair_presence, repair_words, "presence",
      "presence: when the peer is lost for repair-after, tell our users that its contacts are unavailable, and remove the occupants of chat "
      "rooms; when it is back, ask both sides for their present state. off: leave all that as it was."),
TEXTS(PEER, "hours", P, hours, HOURS, "", "mon-fri 08:00-18:00", "When stanzas may pass, in local time. Empty: always."),
TEXT (PEER, "reason", P, reason, WORDS, "", "Federation with this partner ended in June.",
      "Text for those who are refused, and for the log."),
WORD (PEER, "denied-user", P, denied_user, enum xf_denial, denied_user_words, "error",
      "What one of our users gets for a refused stanza. silent: nothing. error: not-allowed."),
WORD (PEER, "denied-peer", P, denied_peer, enum xf_denial, denied_peer_words, "error",
      "What the peer gets when it is refused. error: not-allowed for a stanza, policy-violation for a stream. silent: nothing; its "
      "streams are closed without an error. policy-violation: its stream ends with that error, even for a single stanza."),
BOOL (PEER, "mail", P, mail, "no",
      "Show the peer our users' e-mail addresses in place of their JIDs, and accept stanzas to these addresses (see mail and "
      "directory)."),
WORD (PEER, "jid-use", P, jid_use, enum xf_jid_use, jid_use_words, "drop",
      "With mail = yes: what to do with a stanza to the JID of a user who has an e-mail address."),
WORD (PEER, "sip-transport", P, sip_transport, enum xf_sip_transport, sip_transport_words, "tls",
      "tls: both sides show certificates. tcp: in clear, where the addresses in sip-from are the only proof of who connects; for networks "
      "of our own."),
WORD (PEER, "sip-name-check", P, sip_name_check, enum xf_sip_name_check, sip_name_check_words, "domain",
      "Whose name the peer's certificate must show, without wildcards, besides the hosts in sip-names. domain: the peer's domain (RFC "
      "5922). target: the host of a route, or of the SRV record that led us to it, as Microsoft's servers do. list: nobody else's."),
TEXTS(PEER, "sip-names", P, sip_names, DOMAIN, "", "sbc.partner.example",
      "Hosts whose certificates speak for the peer: its servers, or what stands in front of them."),
TEXTS(PEER, "sip-from", P, sip_from, IP, "", "10.0.0.20", "With sip-transport = tcp: the addresses that the peer connects from."),
TEXTS(PEER, "sip-domains", P, sip_domains, DOMAIN, "", "voice.partner.example",
      "Further domains of SIP whose requests come from the servers of this peer, as behind one gateway for many domains."),
COUNT(PEER, "sip-rate", P, sip_rate, "0", 0, 100000,
      "Most requests that we send to the peer in any second, evenly; what is more waits. 0: any number."),
SIZE (PEER, "sip-body", P, sip_body_bytes, "8k", KIB, 64 * KIB,
      "Largest text that a message to the peer may have; a larger one is returned. RFC 3428 allows 1300 bytes where a server on the way "
      "may pass messages on by UDP."),
SWITCH(PEER, "sip-busy", P, sip_dnd, busy_words, "away", "How a user of the peer who is busy, in a meeting or on the phone is shown to ours."),
SWITCH(PEER, "sip-block", P, sip_polite, block_words, "polite",
      "What a user of the peer sees of one of ours who refuses to be seen. polite: somebody who is never online. reject: the refusal."),
COUNT(PEER, "sip-subscriptions", P, sip_subscriptions, "20000", 1, 1000000,
      "How many subscriptions users of the peer may have to ours, and ours to users of the peer."),
COUNT(PEER, "sip-pending", P, sip_pending, "200", 1, 100000,
      "How many of those of the peer may wait for one of our users to decide."),
SWITCH(PEER, "sip-sips", P, sip_sips, sips_words, "refuse",
      "Requests to sips: addresses, which promise TLS on the whole way. refuse: answer 480. accept: take them as sip: ones."),
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

#define WORD_BITS 64

static size_t bit_of(const struct xf_option *option)
{
    size_t count;
    const struct xf_option *first = xf_conf_options_of(XF_SECTION_PEER, &count);
    xf_require(option >= first && option < first + count &&
               count <= WORD_BITS * XF_ARRAY_LEN(((struct xf_peer_set *)NULL)->word));
    return (size_t)(option - first);
}

bool xf_option_is_in(const struct xf_peer_set *set, const struct xf_option *option)
{
    size_t bit = bit_of(option);
    return set->word[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

void xf_option_put_in(struct xf_peer_set *set, const struct xf_option *option)
{
    size_t bit = bit_of(option);
    set->word[bit / WORD_BITS] |= 1ull << bit % WORD_BITS;
}

void xf_option_join(struct xf_peer_set *into, const struct xf_peer_set *from)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(into->word); i++)
        into->word[i] |= from->word[i];
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
