/* SPDX-License-Identifier: MIT */
/*
 * help.h — what can go wrong where an operator can do something: a code and an advice for each.
 *
 * Whoever knows the cause names it as an enum xf_help, which travels with the failure; the line
 * that tells it shows both as help= and advice= (XF_HELP). TROUBLESHOOTING.md has a section for
 * each code; a test holds both together. Codes are stable: others
 * count and search by them. To add one, add a row here, a section there and a test.
 */
#pragma once

#include <xfed/base/log.h>

/* clang-format off */
#define XF_HELP_MAP(X)                                                                            \
    /* DNS */                                                                                     \
    X(DNS_NO_SERVER, "dns-no-server",                                                             \
      "is the domain spelled right? Its operator must publish SRV records; or name its "          \
      "server by route in its section")                                                           \
    X(DNS_NO_SERVICE, "dns-no-service",                                                           \
      "the domain says that it does not federate; only its operator can change that")             \
    X(DNS_NO_SRV_ADDRESS, "dns-no-srv-address",                                                   \
      "the peer's operator must publish an A or AAAA record for the host in the SRV record")      \
    X(DNS_SERVFAIL, "dns-servfail",                                                               \
      "ask the resolver in cause with dig, then another one: either the peer's name "             \
      "servers or this resolver is broken")                                                       \
    X(DNS_BOGUS, "dns-bogus",                                                                     \
      "the peer's DNSSEC signatures are not valid: its operator must mend the zone; check "       \
      "your own clock too")                                                                       \
    X(DNS_REFUSED, "dns-refused",                                                                 \
      "the resolver in cause does not answer us: allow this host there, or set dns { "            \
      "servers }")                                                                                \
    X(DNS_SILENT, "dns-silent",                                                                   \
      "is the resolver in cause up, and may this host reach its port 53 by UDP and TCP?")         \
    X(DNS_MALFORMED, "dns-malformed",                                                             \
      "the answer cannot be used: ask the resolver in cause with dig, and tell the peer's "       \
      "operator")                                                                                 \
    X(DNS_BUSY, "dns-busy",                                                                       \
      "too many questions are under way: a flood, or too many different dns-servers in "          \
      "peer sections")                                                                            \
    X(DNS_SERVERS_MISSING, "dns-servers-missing",                                                 \
      "xfedd asks 127.0.0.1 until the file names a server: connect this host to its network, "    \
      "or set dns { servers }")                                                                   \
    /* TCP, and servers that say nothing */                                                       \
    X(TCP_REFUSED, "tcp-refused",                                                                 \
      "nothing listens there, or a firewall rejects us: try nc -vz from this host, then "         \
      "ask the peer's operator")                                                                  \
    X(TCP_TIMEOUT, "tcp-timeout",                                                                 \
      "a firewall drops our packets, ours or theirs, or the host is down: try nc -vz from "       \
      "this host")                                                                                \
    X(TCP_UNREACHABLE, "tcp-unreachable",                                                         \
      "this host has no route to that address: does it have IPv6, or IPv4? ip route get "         \
      "tells")                                                                                    \
    X(TCP_SOURCE, "tcp-source",                                                                   \
      "this host may not connect from there: see source and source-ports of the peer, and "       \
      "the firewall of this host")                                                                \
    X(TCP_HELD_BACK, "tcp-held-back",                                                             \
      "a try failed there a moment ago: see the line before this one, and wait a minute")         \
    X(TCP_SILENT, "tcp-silent",                                                                   \
      "is it an XMPP server's port? A firewall or proxy may accept connections for a dead "       \
      "server")                                                                                   \
    X(TCP_CLOSED, "tcp-closed",                                                                   \
      "it hung up without a word: is it the port of an XMPP server with STARTTLS, and may "       \
      "we come there?")                                                                           \
    X(PEER_SILENT, "peer-silent",                                                                 \
      "the peer's server hangs or is overloaded: its operator should look at its log at "         \
      "this time")                                                                                \
    X(PEER_CLOSED, "peer-closed",                                                                 \
      "the peer's server ended the connection without a reason: its log may have one")            \
    X(PEER_STREAM_ERROR, "peer-stream-error",                                                     \
      "these are the words of the peer's server: ask its operator")                               \
    X(PEER_HOST_UNKNOWN, "peer-host-unknown",                                                     \
      "the server does not serve that domain: its SRV records or the route here lead to "         \
      "the wrong server")                                                                         \
    /* TLS */                                                                                     \
    X(TLS_NOT_OFFERED, "tls-not-offered",                                                         \
      "the peer's operator must enable TLS; tls = optional in its section would allow a "         \
      "stream in clear")                                                                          \
    X(TLS_REQUIRED_BY_PEER, "tls-required-by-peer",                                               \
      "set tls = optional or required in the peer's section")                                     \
    X(TLS_REFUSED, "tls-refused",                                                                 \
      "the peer's server offers STARTTLS and cannot do it: it may have no certificate for "       \
      "the domain")                                                                               \
    X(TLS_FAILED, "tls-failed",                                                                   \
      "compare versions and ciphers: openssl s_client -starttls xmpp-server, and tls-min "        \
      "and ciphers here")                                                                         \
    X(TLS_TOO_OLD, "tls-too-old",                                                                 \
      "the peer must speak a newer TLS: tls-min is the oldest that we accept from it")            \
    X(TLS_ON_PLAIN_PORT, "tls-on-plain-port",                                                     \
      "TLS came where STARTTLS is due: _xmpps-server must name the port of direct TLS, and "      \
      "_xmpp-server that of STARTTLS")                                                            \
    X(PLAIN_ON_TLS_PORT, "plain-on-tls-port",                                                     \
      "XML came where TLS is due: _xmpp-server must name the port of STARTTLS, and "              \
      "_xmpps-server that of direct TLS")                                                         \
    /* the peer's certificate */                                                                  \
    X(CERT_NONE, "cert-none",                                                                     \
      "the peer's server must send its certificate when it connects to others too")               \
    X(CERT_UNTRUSTED, "cert-untrusted",                                                           \
      "is the peer's chain complete? If its CA is to be trusted: trust { ca-file }, or "          \
      "ca-file or pins of its section")                                                           \
    X(CERT_EXPIRED, "cert-expired",                                                               \
      "the peer's operator must renew the certificate, or the expired one of its chain; "         \
      "check your own clock too")                                                                 \
    X(CERT_NOT_YET_VALID, "cert-not-yet-valid",                                                   \
      "check your own clock; else the peer's operator must replace the certificate")              \
    X(CERT_WRONG_NAME, "cert-wrong-name",                                                         \
      "the peer's operator must get a certificate that names the domain itself, not only "        \
      "its server")                                                                               \
    X(CERT_PIN, "cert-pin",                                                                       \
      "ask the peer's operator by another way whether this is the new key; only then put "        \
      "it into pins of its section")                                                              \
    X(CERT_DANE, "cert-dane",                                                                     \
      "the peer's operator must publish TLSA records for this certificate, or take it back "      \
      "if it is not theirs")                                                                      \
    X(CERT_REVOKED, "cert-revoked",                                                               \
      "the peer's operator must replace the certificate; do not accept this one")                 \
    X(CERT_NOT_FOR_CLIENTS, "cert-not-for-clients",                                               \
      "the peer's operator must get a certificate with extended key usage clientAuth; or "        \
      "client-eku = no for it")                                                                   \
    X(CERT_REVOCATION_OPEN, "cert-revocation-open",                                               \
      "provide a current revocation list in trust { crl-files crl-dir }, or ask the peer's "      \
      "operator to staple OCSP")                                                                  \
    X(CERT_TLSA_OPEN, "cert-tlsa-open",                                                           \
      "mend the resolver or the peer's DNS: as long as it does not say whether there are "        \
      "TLSA records, nobody is let in")                                                           \
    X(CERT_UNPROVED, "cert-unproved",                                                             \
      "the peer must show the certificate that its pins or TLSA records name")                    \
    /* who authenticates how */                                                                   \
    X(OUR_CERT_REFUSED, "our-cert-refused",                                                       \
      "compare our certificate with xfedd --csr-names: names, chain, dates, a CA that the "       \
      "peer trusts; with dir=out it may miss clientAuth: show-certificate = no, and dialback")    \
    X(OUR_CERT_MISSING, "our-cert-missing",                                                       \
      "give the domain in local a certificate: served { certificate key }; xfedd "                \
      "--csr-names prints its names")                                                             \
    X(EXTERNAL_NOT_OFFERED, "sasl-external-not-offered",                                          \
      "ask the peer's operator whether its server trusts our CA and offers SASL EXTERNAL "        \
      "to servers, or allows dialback")                                                           \
    X(DIALBACK_NOT_OFFERED, "dialback-not-offered",                                               \
      "the peer must allow dialback, or accept our certificate: served { certificate }, "         \
      "and sasl-out and show-certificate of its section")                                         \
    X(AUTH_NOT_ALLOWED, "auth-not-allowed",                                                       \
      "the settings of this peer forbid it: see tls, certificate, sasl-in, sasl-out, "            \
      "dialback and downgrade of its section and its profile")                                    \
    X(AUTH_FAILED, "auth-failed",                                                                 \
      "see the lines before this one about the same address")                                     \
    X(AUTH_TIMEOUT, "auth-timeout",                                                               \
      "the other side connected and did not authenticate: no matter unless a partner "            \
      "misses its stream")                                                                        \
    X(LEGACY_PEER, "legacy-peer",                                                                 \
      "the peer's server is older than XMPP 1.0: update it, or set legacy = yes in its "          \
      "section")                                                                                  \
    X(PEER_KEY_CHANGED, "peer-key-changed",                                                       \
      "ask the peer's operator by another way whether the key is new; PEER-HISTORY.md "       \
      "says how to accept it")                                                                    \
    X(PEER_WEAKER, "peer-weaker",                                                                 \
      "ask the peer's operator what has changed; PEER-HISTORY.md says how to accept it")      \
    /* dialback */                                                                                \
    X(DIALBACK_UNANSWERED, "dialback-unanswered",                                                 \
      "the peer could not ask us: can it reach the servers that DNS names for the domain "        \
      "in local, on each address?")                                                               \
    X(DIALBACK_NO_WAY_BACK, "dialback-no-way-back",                                               \
      "the peer cannot reach the servers that DNS names for the domain in local: check our "      \
      "SRV records from outside")                                                                 \
    X(DIALBACK_OUR_KEY, "dialback-our-key-invalid",                                               \
      "whoever DNS names for our domain denied the key: another server, or a node with "          \
      "another dialback secret")                                                                  \
    X(DIALBACK_REFUSED, "dialback-refused",                                                       \
      "the peer's server does not let our domain in: ask its operator")                           \
    X(DIALBACK_UNREACHABLE, "dialback-unreachable",                                               \
      "we cannot ask the server that DNS names for the peer: see the line with dir=verify")       \
    X(DIALBACK_INVALID, "dialback-invalid",                                                       \
      "somebody else uses the peer's name, or its servers have different dialback secrets: "      \
      "tell its operator")                                                                        \
    X(SECRET_DIFFERS, "secret-differs",                                                           \
      "all nodes need the same dialback { secret-file }; else somebody uses our name "            \
      "towards that peer")                                                                        \
    /* what peers send */                                                                         \
    X(HOST_UNKNOWN, "host-unknown",                                                               \
      "if it is yours, add it to served { aliases }, or give it a section")                       \
    X(POLICY_DENIED, "policy-denied",                                                             \
      "xfedd --explain FROM TO names the rule; POLICY.md says how to change it")              \
    X(SIP_DOMAIN, "sip-domain",                                                                   \
      "the domain belongs to SIP: if its server speaks XMPP, take protocol = sip out and reload, " \
      "or with auto: xfedctl forget (SIP.md)")                                                                          \
    X(PROTOCOL_ERROR, "protocol-error",                                                           \
      "the other server breaks the protocol: send its operator this line")                        \
    X(NOT_WELL_FORMED, "not-well-formed",                                                         \
      "what came is not the XML of an XMPP stream: another program, or a broken server")          \
    X(TOO_LARGE, "too-large",                                                                     \
      "if the peer may send that much, raise the limit that the detail names "                    \
      "(LIMITS.md)")                                                                          \
    X(TOO_SLOW, "too-slow",                                                                       \
      "the line to the peer is too slow or broken, or its server hangs")                          \
    X(TOO_MANY_STREAMS, "too-many-streams",                                                       \
      "if the peer needs that many, give it a section, or raise max-streams or strangers { "      \
      "streams }")                                                                                \
    X(NO_PLACE, "no-place",                                                                       \
      "a flood, or limits too low: unauthenticated { half-open } and strangers { streams "        \
      "}, LIMITS.md")                                                                         \
    /* the link to the cluster */                                                                 \
    X(LINK_DOWN, "link-down",                                                                     \
      "peers' stanzas come back: is the local server running, and does it accept "                \
      "components where link { nodes } says?")                                                    \
    X(LINK_REFUSED, "link-refused",                                                               \
      "nothing listens at node: is the local server running, with its component port at "         \
      "link { nodes }?")                                                                          \
    X(LINK_SILENT, "link-silent",                                                                 \
      "the local server or a firewall does not answer at node: is it the component port?")        \
    X(LINK_CLOSED, "link-closed",                                                                 \
      "the local server ended the connection: its log says why")                                  \
    X(LINK_TLS, "link-tls",                                                                       \
      "link { tls nodes }: a component port has no TLS of its own, use stunnel's; a router "      \
      "needs <pemfile> in router.xml")                                                            \
    X(LINK_CERTIFICATE, "link-certificate",                                                       \
      "the local server's certificate must come from link { ca-file } and have the name in "      \
      "link { tls-name }")                                                                        \
    X(LINK_SECRET, "link-secret",                                                                 \
      "compare the secret of the component (jabberd2: router-users.xml) with link { "             \
      "secret-file user }")                                                                       \
    X(LINK_CONFLICT, "link-conflict",                                                             \
      "another component has this name, or an alias in router.xml: only one xfedd may use "       \
      "it")                                                                                       \
    X(LINK_HOST_UNKNOWN, "link-host-unknown",                                                     \
      "the local server knows no component of this name: add it there, or correct link { "        \
      "name }")                                                                                   \
    X(LINK_FORBIDDEN, "link-forbidden",                                                           \
      "list the user in <acl type='bind'> of router.xml")                                         \
    X(LINK_NO_DEFAULT, "link-no-default",                                                         \
      "list the user in <acl type='bind'> and <acl type='default-route'> of router.xml")          \
    X(LINK_WRONG_PORT, "link-wrong-port",                                                         \
      "what answers is not the component port or router: compare link { driver nodes } "          \
      "with the local server")                                                                    \
    X(LINK_STUCK, "link-stuck",                                                                   \
      "the local server does not read or answer any more: look at its load and its log")          \
    X(LINK_NO_PONG, "link-no-pong",                                                               \
      "let the server answer pings (XEP-0199) to its domains: else nobody can tell what is "      \
      "lost with the link")                                                                       \
    X(LINK_NO_DOMAIN, "link-no-domain",                                                           \
      "no component has this domain at the router: see <id> in sm.xml, or remove the "            \
      "served section")                                                                           \
    X(LINK_POISON, "link-poison",                                                                 \
      "the server closes the link over this stanza: compare its limits with link { "              \
      "max-stanza }, and report what else it does not like")                                      \
    /* SIP */                                                                                     \
    X(SIP_STRANGER, "sip-stranger",                                                               \
      "give the peer a section with protocol = sip whose name, or sip-names, its certificate "    \
      "has; otherwise it has no business here")                                                   \
    X(SIP_ADDRESS, "sip-address",                                                                 \
      "add the address to sip-from of the peer with sip-transport = tcp; otherwise let a "        \
      "firewall keep it away from listen { sip-tcp }")                                            \
    X(SIP_IDENTITY, "sip-identity",                                                               \
      "the peer's section must name the domain (sip-domains), and its certificate or "            \
      "address (sip-names, sip-from)")                                                            \
    X(SIP_ALIAS, "sip-alias",                                                                     \
      "the peer should open a connection of its own to us; or its section must allow "            \
      "this one")                                                                                 \
    X(SIP_NOT_SERVED, "sip-not-served",                                                           \
      "the peer routes a domain to us that we do not serve: see its route, and the "              \
      "served sections")                                                                          \
    X(SIP_LOOP, "sip-loop",                                                                       \
      "a route leads back: see route of the peer, and the static routes of the servers "          \
      "between")                                                                                  \
    X(SIP_SIPS, "sip-sips",                                                                       \
      "let the peer use sip: addresses, or allow sips: in its section (sip-sips)")                \
    X(SIP_NO_TLS, "sip-no-tls",                                                                   \
      "the port does not speak TLS: the route or the SRV record must name the port of SIP over "  \
      "TLS, mostly 5061; in clear needs sip-transport = tcp")                                     \
    X(SIP_TLS, "sip-tls",                                                                         \
      "compare versions and ciphers: openssl s_client -connect HOST:5061, and tls-min and "       \
      "ciphers here")                                                                             \
    X(SIP_OUR_CERT, "sip-our-cert",                                                               \
      "the other side does not take the certificate of sip { certificate }: does it trust the "   \
      "CA, is the chain whole, does it name sip { host }, with clientAuth and serverAuth?")       \
    X(SIP_SILENT, "sip-silent",                                                                   \
      "the port accepts connections and says nothing: is it that of SIP over TLS, and does the "  \
      "server run?")                                                                              \
    X(SIP_UNANSWERED, "sip-unanswered",                                                           \
      "the server takes requests and does not answer: its operator should look at its log at "    \
      "this time; does it know our domains?")                                                     \
    X(SIP_CUT, "sip-cut",                                                                         \
      "the server ends the connection without an answer: its log may say why; may our host "      \
      "connect there, and does it take our certificate?")                                         \
    X(SIP_GARBAGE, "sip-garbage",                                                                 \
      "what came is no SIP that can be read: another program at that port, or a broken server; "  \
      "send its operator this line")                                                              \
    X(SIP_FORBIDDEN, "sip-forbidden",                                                             \
      "the server does not let our domain in: its operator must put our domain and sip { host } " \
      "on its list of partners")                                                                  \
    X(SIP_UNAVAILABLE, "sip-unavailable",                                                         \
      "the server is overloaded or in maintenance, or does not reach the next one: ask its "      \
      "operator")                                                                                 \
    /* this gateway, as xfedctl check --self and --inbound see it */                              \
    X(OUR_SRV_MISSING, "our-srv-missing",                                                         \
      "publish the record that the text names in DNS: xfedd --dns-records prints all of them")    \
    X(OUR_SRV_NONE, "our-srv-no-service",                                                         \
      "DNS says that the domain does not federate: replace the record with target . by ours "     \
      "(xfedd --dns-records)")                                                                    \
    X(OUR_SRV_DIFFERS, "our-srv-differs",                                                         \
      "correct the record in DNS, or node { host addresses port direct-port } and listen { "      \
      "s2s s2s-direct } here")                                                                    \
    X(OUR_SIP_HOST, "our-sip-host",                                                               \
      "publish an A or AAAA record for sip { host }: SIP peers connect to it")                    \
    X(OUR_SIP_SRV, "our-sip-srv",                                                                 \
      "publish the record as the text has it (xfedd --dns-records prints it), or correct sip { "  \
      "host port }; partners with a route of their own need none")                                \
    X(OUR_CERT_NAME, "our-cert-name",                                                             \
      "get a certificate with this name too (xfedd --csr-names), or a certificate of its own "    \
      "for it, and reload")                                                                       \
    X(OUR_CERT_DATES, "our-cert-dates",                                                           \
      "renew the certificate and reload; if the dates look right, look at the clock of this "     \
      "host")                                                                                     \
    X(OUR_CERT_CHAIN, "our-cert-chain",                                                           \
      "put the certificates of the authorities between yours and the root behind it in the "      \
      "file, and reload")                                                                         \
    X(OUR_CERT_FILE, "our-cert-file",                                                             \
      "let the user of xfedd read the file: until then a renewed certificate cannot be taken "    \
      "over by a reload")                                                                         \
    X(OUR_ADDRESS_SHUT, "our-address-shut",                                                       \
      "try it from outside (nc -vz); if it fails there too, open it in the firewall (xfedd "      \
      "--firewall) or correct DNS")                                                               \
    X(MODULE_MISSING, "module-missing",                                                           \
      "load the module of the local server that hands foreign domains to xfedd, and name this "   \
      "component in it (SERVERS.md)")                                                         \
    X(CLOCK_UNSYNCHRONISED, "clock-unsynchronised",                                               \
      "run an NTP client on this host (chrony, systemd-timesyncd), and see timedatectl")          \
    X(CLOCK_SKEWED, "clock-skewed",                                                               \
      "compare date -u on both hosts, and run an NTP client on the one that is wrong")            \
    /* this host, its files and its other nodes */                                                \
    X(ADDRESS_UNSERVED, "address-unserved",                                                       \
      "the JID is shown: write a served section for the domain of the address, with the "         \
      "same link")                                                                                \
    X(DIRECTORY_LOST, "directory-lost",                                                           \
      "what is known stays in force; see directory { uri start-tls ca-file bind-dn "              \
      "password-file }")                                                                          \
    X(DIRECTORY_KEPT, "directory-kept",                                                           \
      "make room on the disk, and give xfedd its state directory back: users are kept anew when " \
      "the directory answers")                                                                    \
    X(ADDRESS_UNKNOWN, "address-unknown",                                                         \
      "stanzas of users never seen are returned until the directory answers: see "                \
      "identity.directory.lost, and directory { unknown keep }")                                  \
    X(FILE_REFUSED, "file-refused",                                                               \
      "name a file that xfedd may make or write, in a folder that it may write, and restart")     \
    X(FILE_UNWRITABLE, "file-unwritable",                                                         \
      "make room on the disk, and let xfedd write there; until then what belongs into the "       \
      "file is only in memory")                                                                   \
    X(STORE_LOST, "store-lost",                                                                   \
      "federation goes on; what this node learns is written once the database answers")           \
    X(CONFIG_DIFFERS, "config-differs",                                                           \
      "compare xfedd --dump of both nodes, and the dialback secret; reload the one that is "      \
      "behind")                                                                                   \
    X(NODE_SECRET, "node-secret-differs",                                                         \
      "copy the file of dialback { secret-file } from one node to all others, and restart them "  \
      "one by one")                                                                               \
    X(NODE_VERSION, "node-version",                                                               \
      "let all nodes run the same version of xfedd (UPGRADES.md)")                            \
    X(NODE_NAME_TAKEN, "node-name-taken",                                                         \
      "another process uses the same database under this name: give each node its own "           \
      "memory { node }")                                                                          \
    X(DESCRIPTORS, "descriptors",                                                                 \
      "raise LimitNOFILE of the service (ulimit -n), or lower unauthenticated { half-open }")     \
    X(LISTENERS, "listeners",                                                                     \
      "restart xfedd")                                                                            \
    X(ROOT_KEPT, "root-kept",                                                                     \
      "set process { user = ... }, or let systemd start it as a user")                            \
    X(SANDBOX_MISSING, "sandbox-missing",                                                         \
      "the detail says what lacks: a build with libseccomp and no sanitizer, Linux 5.13 "         \
      "with Landlock; the unit's limits stay in force")                                           \
    X(SANDBOX_OUTSIDE, "sandbox-outside",                                                         \
      "xfedd may read only the folders of files that it knew when it started: restart it, "       \
      "or move the file there")
/* clang-format on */

enum xf_help {
    XF_HELP_NONE, /* nothing that an operator could do */
#define X(name, code, advice) XF_HELP_##name,
    XF_HELP_MAP(X)
#undef X
        XF_HELP_COUNT
};

/* Literals; NULL for NONE. */
const char *xf_help_code(enum xf_help help);
const char *xf_help_advice(enum xf_help help);
/* NONE for no code, or one that the table does not have. */
enum xf_help xf_help_of_code(struct xf_span code);

/* Two pairs of a log line, help= and advice=; none of both for NONE. */
#define XF_HELP(which) XF_WORD("help", xf_help_code(which)), XF_STR("advice", xf_help_advice(which))

/* Why something is refused. */
struct xf_refusal {
    const char *text; /* a literal; NULL: it is not refused */
    enum xf_help help;
};
