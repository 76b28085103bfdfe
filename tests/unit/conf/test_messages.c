/* SPDX-License-Identifier: MIT */
/* Broken configurations: every message names file, line, key and what is accepted. */
#include "folder.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>
#include <xfed/conf/conf.h>

/* Lines 1 and 2 of every row below. */
#define GOOD                                                                               \
    "link \"l\" { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n" \
    "served \"a.example\" { link = l certificate = c.pem key = c.key }\n"

#define R50  "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
#define R250 R50 R50 R50 R50 R50
#define R500 R250 R250

#define HEX_62 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"

/* clang-format off */
static const struct {
    const char *label, *text, *want; /* `want` without the folder's name */
} cases[] = {
    /* directory and mail */
    {"directory without base and domain", GOOD "directory { uri = \"ldap://x\" }\n",
     "conf:3: directory: base is missing: expected the DN below which users are found\n"
     "conf:3: directory: jid-domain is missing, and jid-attribute holds names without a domain: expected jid-domain = \"im.example.org\""},
    {"directory of another kind", GOOD "directory { uri = \"ldapi://x\"\n base = \"dc=x\" jid-domain = x.example }\n",
     "conf:3: directory: uri is not a list of servers: expected ldap://host ... or ldaps://host ..., all of one kind"},
    {"two kinds of directory", GOOD "directory { base = \"dc=x\" jid-domain = x.example\n uri = \"ldap://x ldaps://y\" }\n",
     "conf:4: directory: uri is not a list of servers: expected ldap://host ... or ldaps://host ..., all of one kind"},
    {"a password in clear", GOOD "directory { uri = \"ldap://x\" base = \"dc=x\" jid-attribute = mail bind-dn = \"cn=x\"\n password-file = secret\n start-tls = no }\n",
     "conf:5: directory: the password would be sent without TLS: expected start-tls = yes, or ldaps:// in uri"},
    {"a login without password", GOOD "directory { uri = \"ldaps://x\" base = \"dc=x\" jid-attribute = mail\n bind-dn = \"cn=x\" }\n",
     "conf:4: directory: bind-dn without password-file: expected both or neither"},
    {"addresses from nowhere", GOOD "peer \"x\" {\n mail = yes\n}\n",
     "conf:4: peer \"x\": mail = yes, but there are no e-mail addresses: expected mail { file } or directory { uri }"},
    {"addresses from nowhere, for all", GOOD "defaults { mail = yes }\n",
     "conf:3: defaults: mail = yes, but there are no e-mail addresses: expected mail { file } or directory { uri }"},
    {"no such group", GOOD "directory { uri = \"ldap://x\" base = \"dc=x\" jid-attribute = mail groups = {\"a=cn=a\"} }\npeer \"x\" { groups = {a, b} }\n",
     "conf:4: peer \"x\": groups: there is no group \"b\": expected one of directory { groups }"},

    /* links */
    {"a weight that is none", GOOD "link r { nodes = {\"127.0.0.1:5348 weight=101\"} name = gw.example secret-file = secret }\n",
     "conf:3: nodes = \"127.0.0.1:5348 weight=101\": expected an address with port, such as 192.0.2.1:5347, or with weight: "
     "\"192.0.2.1:5347 weight=3\" (0 to 100)"},
    {"a link whose nodes are all drained", GOOD "link r { nodes = {\"127.0.0.1:5348 weight=0\"} name = gw.example secret-file = secret }\n",
     "conf:3: link \"r\": all nodes have weight=0: expected one that takes users"},
    {"a drained node of a link that tries them in turn", GOOD "link r { nodes = {\"127.0.0.1:5348 weight=0\", \"127.0.0.2:5348\"} name = gw.example secret-file = secret\n"
     " names = per-peer }\n",
     "conf:3: link \"r\": weight=0 has no meaning with names = per-peer, which tries the nodes in turn: expected the node to be left out"},
    {"a router for each peer", GOOD "link r { driver = router nodes = {\"127.0.0.1:5348\"} name = gw.example secret-file = secret\n names = per-peer }\n",
     "conf:4: link \"r\": driver = router has a default route and needs one connection only: expected names = one"},
    {"a user that the login cannot carry", GOOD "link r { driver = router nodes = {\"127.0.0.1:5348\"} name = gw.example secret-file = secret\n user = \"b\xC3\xBC\" }\n",
     "conf:4: link \"r\": the router's user has characters that its login cannot carry: expected a user of ASCII letters and digits"},
    {"a name without authorities", GOOD "link r { driver = router nodes = {\"127.0.0.1:5348\"} name = gw.example secret-file = secret\n tls-name = r.example }\n",
     "conf:4: link \"r\": tls-name without ca-file: any certificate could have that name: expected ca-file too"},
    {"TLS where nothing can offer it", GOOD "link r { nodes = {\"127.0.0.1:5348\"} name = gw.example secret-file = secret\n tls = optional }\n",
     "conf:4: link \"r\": tls = optional: a component cannot find out whether the server offers TLS: expected required if nodes lead to a TLS "
     "endpoint, else none"},
    {"authorities for no TLS", GOOD "link r { nodes = {\"127.0.0.1:5348\"} name = gw.example secret-file = secret tls = none\n ca-file = ca.pem }\n",
     "conf:4: link \"r\": ca-file with tls = none: nobody shows a certificate: expected tls = required"},

    /* memory */
    {"a password for nothing", GOOD "memory {\n password-file = secret }\n",
     "conf:4: memory: password-file without uri: expected both"},
    {"a shared memory of none", GOOD "memory { uri = \"postgresql://192.0.2.7/x\"\n peers = 0 }\ndefaults { dialback = no }\n",
     "conf:4: memory: uri with peers = 0: expected how many peers to remember"},
    {"nodes without a common secret", GOOD "memory { uri = \"postgresql://192.0.2.7/x\" }\n",
     "conf:3: memory: uri without dialback { secret-file }: expected the same secret on all nodes, or each would refuse the keys of the others"},
    {"a long name", GOOD "memory { node = " R50 R50 " }\n", "conf:3: memory: node is too long: expected at most 64 bytes"},
    {"a heart that races", GOOD "memory { heartbeat = 10ms }\n",
     "conf:3: heartbeat = \"10ms\": expected a duration with a unit (ms, s, m, h, d) from 1s to 5m"},

    /* grammar */
    {"misspelt key of a titled section", GOOD "peer \"x\" {\n tlss = none\n}\n",
     "conf:4: unknown key \"tlss\" in peer \"x\": did you mean \"tls\"?"},
    {"misspelt key of a plain section", GOOD "dns { timout = 1s }\n",
     "conf:3: unknown key \"timout\" in dns: did you mean \"timeout\"?"},
    {"swapped letters at the top", GOOD "federatoin = on\n",
     "conf:3: unknown key \"federatoin\": did you mean \"federation\"?"},
    {"misspelt section", GOOD "default { }\n",
     "conf:3: unknown key \"default\": did you mean \"defaults\"?"},
    {"key of a later version", GOOD "peer \"x\" { quota = {a} }\n",
     "conf:3: unknown key \"quota\" in peer \"x\": expected profile, protocol, direction, tls, certificate, sasl-in, sasl-out, "
     "show-certificate, dialback, "
     "direct-tls, legacy, tls-min, ciphers, ca-file, pins, dane, client-eku, revocation, downgrade, dialback-by-certificate, bidi, ack, resend, "
     "multiplex, route, route-order, dns-servers, source, source-ports, max-stanza, max-streams, max-pairs, stanza-rate, byte-rate, "
     "queue-bytes, queue-stanzas, queue-time, connect-timeout, candidate-timeout, negotiate-timeout, idle-timeout, ping-interval, enforce, users, groups, "
     "block-kinds-in, block-kinds-out, block-namespaces-in, block-namespaces-out, strip-presence, repair, hours, reason, denied-user, "
     "denied-peer, mail, jid-use, sip-transport, sip-name-check, sip-names, sip-from, sip-domains, sip-rate, sip-body, sip-busy, sip-block, sip-subscriptions, sip-pending or sip-sips"},
    {"lines after comments count right", GOOD "# one\n// two\n/* three\n four */ federation = maybe\n",
     "conf:6: federation = \"maybe\": expected yes or no (on, off, true, false)"},
    {"section not closed", GOOD "peer \"x\" {\n tls = none\n", "conf:3: this { is not closed: expected }"},
    {"brace too many", GOOD "peer \"x\" { }\n}\n",
     "conf:4: unexpected closing brace: expected key = value, key = {value, ...} or section {...}"},
    {"string not closed", GOOD "served \"x\n",
     "conf:3: this string is not closed: expected its second quote on the same line"},
    {"comment not closed", GOOD "/* ...\n\n", "conf:3: this comment is not closed: expected */"},
    {"environment in a string", GOOD "process { user = \"${HOME}\" }\n",
     "conf:3: environment variables are not read: write \"\\${\" for these two characters"},
    {"environment as a word", GOOD "process { user = ${HOME} }\n",
     "conf:3: environment variables are not read: expected a value"},
    {"pattern without quotes", GOOD "peer *.x { }\n", "conf:3: a text with * or + needs quotes: expected \"...\""},
    {"no equal sign", GOOD "federation on\n",
     "conf:3: missing equal sign after option 'federation': expected key = value, key = {value, ...} or section {...}"},
    {"section without its title", GOOD "peer { }\n",
     "conf:3: missing title for section 'peer': expected key = value, key = {value, ...} or section {...}"},
    {"list for a single value", GOOD "federation = {on}\n",
     "conf:3: unexpected token '{': expected key = value, key = {value, ...} or section {...}"},
    {"control character", GOOD "# \x01\n", "conf:3: a control character: expected text"},
    {"not UTF-8", GOOD "# \xff\n", "conf:3: is not UTF-8 text"},
    {"Latin-1", GOOD "\n# caf\xC3\xA9\npeer \"caf\xE9.example\" { }\n", "conf:5: is not UTF-8 text"},
    {"an included file that is not there", GOOD "\ninclude(\"nothing.conf\")\n",
     "conf:4: include(\"nothing.conf\") cannot be opened: No such file or directory"},
    {"an included folder", GOOD "include(\".\")\n", "conf:3: include(\".\") cannot be read: Is a directory"},
    {"include without quotes", GOOD "include(x)\n", "conf:3: include needs one file in quotes: expected include(\"file\")"},
    {"include of itself", GOOD "include(\"conf\")\n", "conf:3: \"conf\" is included twice: expected once"},
    {"mistake in an included file", GOOD "include(\"more.conf\")\n",
     "more.conf:3: queue-time = \"30\": expected a duration with a unit (ms, s, m, h, d) from 1s to 1h"},
    /* written twice */
    {"key twice", GOOD "federation = on\nfederation = off\n", "conf:4: federation is set twice in a section: expected once"},
    {"list twice", GOOD "listen {\n s2s = {\"1.2.3.4:1\"}\n s2s = {\"1.2.3.4:2\"}\n}\n",
     "conf:5: s2s is set twice in a section: expected once"},
    {"section twice", GOOD "dns {\n timeout = 1s\n}\ndns { }\n",
     "conf:6: section dns is written twice (first at conf:3): expected once"},
    {"title twice", GOOD "peer \"x\" { }\npeer \"x\" { }\n",
     "conf:4: peer \"x\" is written twice (first in line 3): expected one section for it"},
    {"title twice but for case", GOOD "peer \"x.example\" { }\npeer \"X.example\" { }\n",
     "conf:4: peer \"x.example\" is written twice (first at conf:3): expected once"},
    {"domain served twice", GOOD "served \"b.example\" { link = l certificate = c key = k\n aliases = {\"A.example\"} }\n",
     "conf:4: \"a.example\" is served twice (also by served \"a.example\" at conf:2): expected once"},
    /* nodes */
    {"node without a host", GOOD "node n { addresses = {\"203.0.113.5\"} }\n",
     "conf:3: node \"n\" has no host: expected host = \"xmpp1.example.org\""},
    {"node without an address", GOOD "node n { host = x.example addresses = {} }\n",
     "conf:3: addresses = {}: expected an address without port, such as 192.0.2.1 or 2001:db8::1"},
    {"two nodes at one address and port", GOOD "node n { host = x.example addresses = {\"203.0.113.5\"} }\n"
     "node m { host = y.example\n addresses = {\"203.0.113.6\", \"203.0.113.5\"} }\n",
     "conf:4: node \"m\": has an address and a port in common with node \"n\": expected another port (and direct-port)"},
    {"two nodes at one port for direct TLS", "listen { s2s-direct = {\"[::]:5270\"} }\n" GOOD
     "node n { host = x.example addresses = {\"203.0.113.5\"} }\nnode m { host = x.example addresses = {\"203.0.113.5\"}\n port = 15269 }\n",
     "conf:6: node \"m\": has an address and a port in common with node \"n\": expected another port (and direct-port)"},
    {"one port for both", "listen { s2s-direct = {\"[::]:5270\"} }\n" GOOD
     "node n { host = x.example addresses = {\"203.0.113.5\"} port = 443\n direct-port = 443 }\n",
     "conf:5: node \"n\": port and direct-port are the same: expected two ports"},
    {"one host with other addresses at other ports", GOOD "node n { host = x.example addresses = {\"203.0.113.5\"} }\n"
     "node m { port = 15269\n host = X.example addresses = {\"203.0.113.6\"} }\n",
     "conf:5: node \"m\": shares its host with node \"n\", which has another port and other addresses: expected the same addresses, or a "
     "host of its own"},
    {"interface with a quote", GOOD "publish { interface = \"eth0\\\"\" }\n",
     "conf:3: interface = \"eth0\"\": expected the name of a network interface, such as eth0"},
    /* values */
    {"duration without unit", GOOD "defaults {\n idle-timeout = 600\n}\n",
     "conf:4: idle-timeout = \"600\": expected a duration with a unit (ms, s, m, h, d) from 10s to 1d"},
    {"words for peers that are too long", GOOD "peer \"x\" {\n reason = \"" R500 "x\"\n}\n",
     "conf:4: reason = \"" R250 "rrrrr\": expected a text of at most 500 bytes"},
    {"duration out of range", GOOD "dns { timeout = 1h }\n",
     "conf:3: timeout = \"1h\": expected a duration with a unit (ms, s, m, h, d) from 100ms to 1m"},
    {"size out of range", GOOD "defaults { max-stanza = 1k }\n",
     "conf:3: max-stanza = \"1k\": expected a size in bytes (or with k, M) from 10k to 16M"},
    {"size that overflows", GOOD "defaults { max-stanza = 99999999999999999999k }\n",
     "conf:3: max-stanza = \"99999999999999999999k\": expected a size in bytes (or with k, M) from 10k to 16M"},
    {"number with letters", GOOD "xml { depth = 64x }\n", "conf:3: depth = \"64x\": expected a number from 8 to 1000"},
    {"unknown word", GOOD "defaults { tls = always }\n", "conf:3: tls = \"always\": expected none, optional or required"},
    {"TLS too old", GOOD "defaults { tls-min = 1.1 }\n", "conf:3: tls-min = \"1.1\": expected 1.2 or 1.3"},
    {"listen without port", GOOD "listen { s2s = {\"[::]\"} }\n",
     "conf:3: s2s = \"[::]\": expected an address with port, such as 192.0.2.1:5269 or [2001:db8::1]:5269"},
    {"listen on a name", GOOD "listen { s2s = {localhost:5269} }\n",
     "conf:3: s2s = \"localhost:5269\": expected an address with port, such as 192.0.2.1:5269 or [2001:db8::1]:5269"},
    {"port of a route too large", GOOD "peer \"x\" { route = {\"x.example:65536\"} }\n",
     "conf:3: route = \"x.example:65536\": expected a host with port, such as xmpp.partner.example:5269 or 192.0.2.1:5269"},
    {"... for SIP", GOOD "sip { open-route = {s.x} }\n",
     "conf:3: open-route = \"s.x\": expected a host with port, such as sbc.example.org:5061 or 192.0.2.1:5061"},
    {"listeners for SIP without port", GOOD "listen { sip = {\"192.0.2.1\"}\n sip-tcp = {\"192.0.2.1\"} }\n",
     "conf:3: sip = \"192.0.2.1\": expected an address with port, such as 192.0.2.1:5061 or [2001:db8::1]:5061\n"
     "conf:4: sip-tcp = \"192.0.2.1\": expected an address with port, such as 192.0.2.1:5060 or [2001:db8::1]:5060"},
    {"one file for two databases", GOOD "memory { file = \"/x/a.db\" }\njournal {\n file = \"/x/a.db\" }\n",
     "conf:5: file = \"/x/a.db\": memory { file } has that file already: expected another one"},
    {"an audit in a database, and where the socket is", GOOD "journal { file = a }\naudit { file = a }\nlisten { control = a }\n",
     "conf:4: file = \"a\": journal { file } has that file already: expected another one\n"
     "conf:5: control = \"a\": journal { file } has that file already: expected another one\n"
     "conf:5: control = \"a\": audit { file } has that file already: expected another one"},
    {"a socket with a long name", GOOD "listen {\n control = \"/" R50 R50 "/sevens\" }\n",
     "conf:4: control = \"/" R50 R50 "/sevens\": is too long for a Unix socket: expected at most 107 bytes, with the folder of this file if it "
     "does not begin with /"},

    {"an address of a page where a name is due", GOOD "listen { http = \"127.0.0.1:9469\"\n http-hosts = {ok.example, \"http://m.example/\", \"*\"} }\n",
     "conf:4: http-hosts = \"http://m.example/\": no client would send that as Host: expected a name, such as metrics.example.org, without http://, path and *\n"
     "conf:4: http-hosts = \"*\": no client would send that as Host: expected a name, such as metrics.example.org, without http://, path and *"},
    {"one port in two lists", GOOD "listen { s2s = {\"[::]:5269\"}\n s2s-direct = {\"192.0.2.1:5270\", \"[::]:5269\"} }\n",
     "conf:4: s2s-direct = \"[::]:5269\": listen { s2s } has that address and port already (\"[::]:5269\"): expected another port"},
    {"one port for XMPP and for people, by a wildcard", GOOD "listen { s2s = {\"0.0.0.0:9469\"}\n http = \"127.0.0.1:9469\" }\n",
     "conf:4: http = \"127.0.0.1:9469\": listen { s2s } has that address and port already (\"0.0.0.0:9469\"): expected another port"},
    {"one port twice in a list", GOOD "listen { s2s = {\"192.0.2.1:5269\", \"0.0.0.0:5269\"} }\n",
     "conf:3: s2s = \"0.0.0.0:5269\": listen { s2s } has that address and port already (\"192.0.2.1:5269\"): expected another port"},
    {"an address for the host of a node", GOOD "node n { host = 192.0.2.1 addresses = {192.0.2.1} }\n",
     "conf:3: host = \"192.0.2.1\": expected a host name, and no address"},
    {"an address for the host of SIP", GOOD "sip { host = \"[2001:db8::1]\" }\n",
     "conf:3: host = \"[2001:db8::1]\": expected a host name, and no address"},
    {"pin with too few digits", GOOD "peer \"x\" { pins = {\"sha256:0123\"} }\n",
     "conf:3: pins = \"sha256:0123\": expected sha256: and 64 hex digits, or the name of a file"},
    {"pin with another letter", GOOD "peer \"x\" { pins = {\"sha256:" HEX_62 "0g\"} }\n",
     "conf:3: pins = \"sha256:" HEX_62 "0g\": expected sha256: and 64 hex digits, or the name of a file"},
    {"revocation that is none", GOOD "peer \"x\" { revocation = on }\n",
     "conf:3: revocation = \"on\": expected off, soft or hard"},
    {"domain that is none", GOOD "peer \"a_b..c\" { }\n",
     "conf:3: peer \"a_b..c\": expected a domain name, or *. and a domain name"},
    {"escape that makes a control character", GOOD "process { user = \"x\\ny\" }\n",
     "conf:3: user = \"x\ny\": expected a text"},
    {"several bad values in one go", GOOD "dns {\n timeout = 5\n trust-ad = 1\n}\npeer \"x\" { sasl-in = maybe }\n",
     "conf:4: timeout = \"5\": expected a duration with a unit (ms, s, m, h, d) from 100ms to 1m\n"
     "conf:5: trust-ad = \"1\": expected yes or no (on, off, true, false)\n"
     "conf:7: sasl-in = \"maybe\": expected yes or no (on, off, true, false)"},
    /* what is missing */
    {"nothing at all", "",
     "conf: there is no link to the local cluster: expected link \"name\" {...}\n"
     "conf: there is no domain of ours: expected served \"domain\" {...}"},
    {"link without its keys", "link \"l\" {\n}\n",
     "conf:1: link \"l\" has no nodes: expected nodes = {\"127.0.0.1:5347\"}\n"
     "conf:1: link \"l\" has no name: expected name = \"xfedd.example.org\"\n"
     "conf:1: link \"l\" has no secret-file: expected secret-file = \"link.secret\"\nconf: there is no domain of ours: expected served \"domain\" {...}"},
    {"empty list of nodes", "link \"l\" {\n nodes = {}\n name = x.example secret-file = secret }\n",
     "conf:1: nodes = {}: expected an address with port, such as 192.0.2.1:5347, or with weight: \"192.0.2.1:5347 weight=3\" (0 to 100)\nconf: there is no domain of ours: expected served \"domain\" {...}"},
    {"peers refused where each has a connection", GOOD "link \"m\" { nodes = {\"127.0.0.1:5348\"} name = x.example secret-file = secret\n names = per-peer\n refuse-peers = yes }\n",
     "conf:5: link \"m\" has refuse-peers = yes with names = per-peer, where each peer's connection has a state of its own: expected refuse-peers = no"},
    {"link of a served domain is not there", GOOD "served \"b.example\" {\n link = m certificate = c key = k }\n",
     "conf:4: link = \"m\": there is no such link: expected \"l\""},
    {"key without certificate", GOOD "served \"b.example\" { link = l\n key = k }\n",
     "conf:4: served \"b.example\" has a key without certificate: expected both or neither"},
    {"two certificates with one key", GOOD "served \"b.example\" { link = l certificate = {a, b}\n key = {a} }\n",
     "conf:3: served \"b.example\" has certificate = {...} of 2 and key = {...} of 1: expected a key for each certificate, in the "
     "same order"},
    {"no certificate while TLS is required", GOOD "served \"b.example\" { link = l }\ntrust { cert-dir = \"\" }\n",
     "conf:3: served \"b.example\" has no certificate but defaults say tls = required: expected certificate and key, or another "
     "tls"},
    {"no certificate and no dialback", GOOD "served \"b.example\" { link = l }\n"
     "defaults { tls = optional dialback = no }\ntrust { cert-dir = \"\" }\n",
     "conf:3: served \"b.example\" has no certificate but defaults say dialback = no: expected certificate and key, or "
     "dialback = yes"},
    {"secret file is not there", GOOD "dialback {\n secret-file = nowhere }\n",
     "conf:4: secret-file = \"nowhere\": No such file or directory: expected a file that can be read"},
    {"secret of 15 bytes", GOOD "dialback { secret-file = short }\n",
     "conf:3: secret-file = \"short\": its secret is shorter than 16 bytes: expected a longer one: openssl rand -hex 32"},
    {"secret file that its group writes", GOOD "dialback { secret-file = shared }\n",
     "conf:3: secret-file = \"shared\": its group can write it: chmod g-w,o-rwx: expected a file that nobody else can write"},
    {"secret file is empty", GOOD "dialback { secret-file = empty }\n",
     "conf:3: secret-file = \"empty\": its first line is empty: expected the secret in it"},
    {"peer is a domain of ours", GOOD "peer \"a.example\" { }\n",
     "conf:3: peer \"a.example\" is a domain of ours (served at conf:2): expected a remote domain"},
    {"back-off upside down", GOOD "process {\n backoff-min = 10s\n backoff-max = 5s }\n",
     "conf:4: backoff-min is larger than backoff-max: expected the smaller one first"},
    /* settings that can never authenticate */
    {"neither TLS nor dialback", GOOD "peer \"x\" {\n tls = none\n dialback = no }\n",
     "conf:5: peer \"x\": nothing can authenticate us with dialback = no and tls = none: expected dialback = yes, or sasl-out = "
     "yes with tls = optional or required\n"
     "conf:5: peer \"x\": nothing can authenticate the peer with dialback = no and tls = none: expected dialback = yes, or "
     "sasl-in = yes with tls = optional or required"},
    {"no method outwards", GOOD "defaults { dialback = no }\npeer \"x\" { sasl-out = no }\n",
     "conf:4: peer \"x\": nothing can authenticate us with dialback = no and sasl-out = no: expected dialback = yes, or sasl-out "
     "= yes with tls = optional or required"},
    {"no method inwards, by a pattern", GOOD "peer \"*.x\" { sasl-in = no }\npeer \"a.x\" {\n direction = in\n dialback = no }\n",
     "conf:6: peer \"a.x\": nothing can authenticate the peer with dialback = no and sasl-in = no: expected dialback = yes, or "
     "sasl-in = yes with tls = optional or required"},
    {"no method in the defaults", GOOD "defaults {\n sasl-in = no sasl-out = no\n dialback = no }\n",
     "conf:5: defaults: nothing can authenticate us with dialback = no and sasl-out = no: expected dialback = yes, or sasl-out = "
     "yes with tls = optional or required\n"
     "conf:5: defaults: nothing can authenticate the peer with dialback = no and sasl-in = no: expected dialback = yes, or "
     "sasl-in = yes with tls = optional or required"},
    {"certificate required without TLS", GOOD "peer \"x\" { tls = none\n certificate = required }\n",
     "conf:4: peer \"x\": certificate = required cannot be met with tls = none: expected certificate = ignore or preferred, or "
     "tls = optional or required"},
};

static const struct {
    const char *label, *text;
} accepted[] = {
    {"a byte order mark", "\xEF\xBB\xBF" GOOD},
    {"dialback alone, in clear", GOOD "peer \"x\" { tls = none sasl-in = no sasl-out = no }\n"},
    {"SASL alone, out", GOOD "peer \"x\" { direction = out dialback = no sasl-in = no }\n"},
    {"SASL alone, in", GOOD "peer \"x\" { direction = in dialback = no sasl-out = no tls = optional }\n"},
    {"nothing at all for a peer that is shut out", GOOD "peer \"x\" { direction = none dialback = no tls = none }\n"},
    {"pins of both forms", GOOD "peer \"x\" { pins = {\"sha256:" HEX_62 "eF\", partner.pem} }\n"},
    {"required certificate with dialback", GOOD "peer \"x\" { certificate = required }\n"},
    {"an escaped ${", GOOD "process { user = \"\\${HOME}\" }\n"},
    {"one port at two addresses", GOOD "listen { s2s = {\"192.0.2.1:5269\", \"[2001:db8::1]:5269\"} s2s-direct = {\"192.0.2.2:5269\"} }\n"},
    {"IPv4 beside one address of IPv6", GOOD "listen { s2s = {\"0.0.0.0:5269\", \"[2001:db8::1]:5269\"} }\n"},
    {"appended list", GOOD "listen { s2s = {\"1.2.3.4:1\"} s2s += {\"1.2.3.4:2\"} }\n"},
    {"CRLF, semicolon-free, tabs", GOOD "defaults\t{\r\n\ttls = optional\r\n}\r\n"},
    {"hash within quotes", GOOD "served \"b.example\" { link = \"l\" certificate = \"c#1\" key = '/*k' }\n"},
};
/* clang-format on */

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "secret", "a secret of sixteen bytes and more\n");
    folder_put_text(&folder, "empty", "\n\n");
    folder_put_text(&folder, "short", "fifteen bytes..\n");
    folder_put_text(&folder, "shared", "a secret of sixteen bytes and more\n");
    folder_chmod(&folder, "shared", 0660);
    folder_put_text(&folder, "more.conf", "\n\npeer \"y\" { queue-time = 30 }\n");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

static enum xf_err load(const char *text, struct xf_conf **out_conf, char **out_messages)
{
    char path[128];
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    return xf_conf_load(path, out_conf, out_messages);
}

/* Take "/tmp/xfed-test-XXXXXX/" out of the text. */
static void strip_folder(char *text)
{
    char prefix[80];
    snprintf(prefix, sizeof(prefix), "%s/", folder.path);
    size_t len = strlen(prefix);
    for (char *at; (at = strstr(text, prefix));)
        memmove(at, at + len, strlen(at + len) + 1);
}

/* Warnings are not what the row is about. */
static const char *without_warnings(char *text)
{
    char *line = text;
    while (*line) {
        size_t len = strcspn(line, "\n"), step = len + (line[len] == '\n');
        const char *warning = strstr(line, ": warning: ");
        if (warning && warning < line + len)
            memmove(line, line + step, strlen(line + step) + 1);
        else
            line += step;
    }
    if (line > text && line[-1] == '\n')
        line[-1] = '\0';
    return text;
}

START_TEST(says_what_is_wrong)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    ck_assert_msg(load(cases[_i].text, &conf, &messages) == XF_ERR_CONFIG, "%s: was accepted",
                  cases[_i].label);
    ck_assert_msg(messages != NULL, "%s: no message", cases[_i].label);
    strip_folder(messages);
    ck_assert_msg(strcmp(without_warnings(messages), cases[_i].want) == 0, "%s:\ngot  %s\nwant %s",
                  cases[_i].label, without_warnings(messages), cases[_i].want);
    ck_assert_ptr_null(conf);
    xf_free(messages);
}
END_TEST

START_TEST(accepts)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    enum xf_err err = load(accepted[_i].text, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK, "%s: %s", accepted[_i].label,
                  messages ? messages : "refused without a message");
    xf_free(messages);
    xf_conf_free(&conf);
}
END_TEST

/*
 * libconfuse's scanner is one for the process: what an error leaves behind must not meet the next
 * reload.
 */
START_TEST(loads_after_every_error)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(cases); i++) {
        struct xf_conf *conf = NULL;
        char *messages = NULL;
        ck_assert_int_eq(load(cases[i].text, &conf, &messages), XF_ERR_CONFIG);
        xf_free(messages);
        ck_assert_msg(load(GOOD, &conf, &messages) == XF_ERR_OK, "after \"%s\": %s", cases[i].label,
                      messages);
        xf_free(messages);
        xf_conf_free(&conf);
    }
}
END_TEST

START_TEST(says_when_the_file_cannot_be_read)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    ck_assert_int_eq(xf_conf_load("/nowhere/xfed.conf", &conf, &messages), XF_ERR_CONFIG);
    ck_assert_ptr_nonnull(
        strstr(messages, "/nowhere/xfed.conf: cannot be opened: No such file or directory"));
    xf_free(messages);
    ck_assert_int_eq(xf_conf_load("/tmp", &conf, &messages), XF_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(messages, "/tmp: cannot be read: Is a directory"));
    xf_free(messages);
}
END_TEST

START_TEST(warns_of_a_secret_that_everybody_reads)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    folder_chmod(&folder, "secret", 0644);
    ck_assert_int_eq(load(GOOD "dialback { secret-file = secret }\n", &conf, &messages), XF_ERR_OK);
    strip_folder(messages);
    ck_assert_str_eq(messages, "conf:3: warning: secret-file = \"secret\": everybody on this "
                               "machine can read it: chmod o-rwx\n"
                               "conf:1: warning: secret-file = \"secret\": everybody on this "
                               "machine can read it: chmod o-rwx");
    ck_assert_str_eq(conf->dialback.secret, "a secret of sixteen bytes and more");
    ck_assert_uint_eq(conf->exposed, 2);
    xf_free(messages);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(warns_of_several_records_for_sametime)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"one node", "", NULL},
        {"two nodes", "node m { host = y.example addresses = {\"203.0.113.6\"} }\n",
         "conf:6: warning: peer \"*.s.example\" is a Sametime gateway, which tries the first SRV "
         "record only, and there are 2 nodes: it cannot reach us while that node is down"},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct xf_conf *conf = NULL;
        char *messages = NULL;
        char *text = xf_asprintf(GOOD "dialback { secret-file = secret }\nnode n { host = "
                                      "x.example addresses = {\"203.0.113.5\"} }\n"
                                      "peer \"*.s.example\" {\n profile = sametime }\npeer "
                                      "\"*.t.example\" { profile = imp }\n%s",
                                 rows[i].text);
        ck_assert_int_eq(load(text, &conf, &messages), XF_ERR_OK);
        if (messages)
            strip_folder(messages);
        ck_assert_msg(messages && rows[i].want ? strcmp(messages, rows[i].want) == 0
                                               : !messages == !rows[i].want,
                      "%s: %s", rows[i].label, messages ? messages : "no message");
        xf_free(messages);
        xf_free(text);
        xf_conf_free(&conf);
    }
}
END_TEST

START_TEST(warns_of_peers_without_tls)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"it is meant", "peer \"x\" { profile = legacy }\n", NULL},
        {"tls where it is offered", "peer \"x\" { tls = optional }\n", NULL},
        {"nothing is exchanged", "peer \"x\" { tls = none direction = none }\n", NULL},
        {"a profile that requires TLS", "peer \"x\" {\n profile = imp\n tls = none }\n",
         "conf:6: warning: peer \"x\" has profile = imp and tls = none: a server that requires TLS "
         "cannot be reached. tls = optional uses it where it is offered, and profile = legacy says "
         "that there is none"},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct xf_conf *conf = NULL;
        char *messages = NULL;
        char *text = xf_asprintf(GOOD "dialback { secret-file = secret }\n%s", rows[i].text);
        ck_assert_int_eq(load(text, &conf, &messages), XF_ERR_OK);
        if (messages)
            strip_folder(messages);
        ck_assert_msg(messages && rows[i].want ? strcmp(messages, rows[i].want) == 0
                                               : !messages == !rows[i].want,
                      "%s: %s", rows[i].label, messages ? messages : "no message");
        xf_free(messages);
        xf_free(text);
        xf_conf_free(&conf);
    }
}
END_TEST

/* Warnings of hundreds of peers leave room for what the file is refused for. */
START_TEST(an_error_is_told_behind_any_number_of_warnings)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    struct xf_buf text;
    xf_buf_init(&text, 1u << 20);
    xf_buf_appendf(&text, "%s", GOOD);
    for (int i = 0; i < 1000; i++)
        xf_buf_appendf(&text, "peer \"p%d.example\" { profile = imp tls = none }\n", i);
    xf_buf_appendf(&text, "peer \"bad.example\" { tls = none certificate = required }\n");
    char *file = xf_strndup(xf_buf_ptr(&text), text.len);
    ck_assert_int_eq(load(file, &conf, &messages), XF_ERR_CONFIG);
    strip_folder(messages);
    ck_assert_ptr_nonnull(strstr(messages, "\nconf: warning: there are further warnings\n"));
    ck_assert_str_eq(without_warnings(messages),
                     "conf:1003: peer \"bad.example\": certificate = required cannot be met with "
                     "tls = none: expected certificate = ignore or preferred, or tls = optional or "
                     "required");
    xf_free(file);
    xf_free(messages);
    xf_buf_release(&text);
}
END_TEST

/* Under check's time limit: opening a pipe waits for who writes it. */
START_TEST(waits_for_no_pipe)
{
    static const char *const rows[] = {GOOD "include(\"pipe\")\n",
                                       GOOD "dialback { secret-file = pipe }\n"};
    char path[128];
    folder_put_text(&folder, "pipe", ""); /* so that it is removed */
    snprintf(path, sizeof(path), "%s/pipe", folder.path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct xf_conf *conf = NULL;
        char *messages = NULL;
        ck_assert_int_eq(load(rows[i], &conf, &messages), i ? XF_ERR_CONFIG : XF_ERR_OK);
        xf_free(messages);
        xf_conf_free(&conf);
    }
}
END_TEST

START_TEST(warns_of_what_has_no_listener)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    ck_assert_int_eq(load(GOOD "dialback { secret-file = secret }\nlisten { control-readers = {a}\n"
                               "control-admins = {a}\n http-hosts = {\"m.example:80\"} }\n",
                          &conf, &messages),
                     XF_ERR_OK);
    strip_folder(messages);
    ck_assert_str_eq(
        messages,
        "conf:4: warning: control-readers without control does nothing: expected both or neither\n"
        "conf:5: warning: control-admins without control does nothing: expected both or neither\n"
        "conf:6: warning: http-hosts without http does nothing: expected both or neither");
    xf_free(messages);
    xf_conf_free(&conf);
}
END_TEST

/* What may not be taken at a start is not taken by a reload either. */
START_TEST(a_reload_keeps_a_secret_when_others_can_write_it)
{
    struct xf_conf *conf = NULL, *again = NULL;
    char *messages = NULL, path[128];
    folder_put_text(&folder, "dialback", "the secret of old\n");
    ck_assert_int_eq(load(GOOD "dialback { secret-file = dialback }\n", &conf, &messages),
                     XF_ERR_OK);
    xf_free(messages);
    folder_put_text(&folder, "dialback", "the secret of a stranger\n");
    folder_chmod(&folder, "dialback", 0666);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_int_eq(xf_conf_reload(path, conf, conf, &again, &messages), XF_ERR_OK);
    ck_assert_str_eq(again->dialback.secret, "the secret of old");
    strip_folder(messages);
    ck_assert_str_eq(messages, "conf:3: warning: secret-file = \"dialback\": everybody on this "
                               "machine can write it: chmod g-w,o-rwx: "
                               "the secret in force stays");
    xf_free(messages);
    xf_conf_free(&conf);
    xf_conf_free(&again);
}
END_TEST

/* It takes effect at a reload, so the one in force is that of the last reload, not of the start. */
START_TEST(a_reload_keeps_the_password_of_the_last_reload)
{
    static const char *const text =
        GOOD "dialback { secret-file = secret }\ndirectory { uri = \"ldaps://x\" base = \"dc=x\" "
             "jid-attribute = mail bind-dn = \"cn=x\" password-file = password }\n";
    struct xf_conf *start = NULL, *second = NULL, *third = NULL;
    char *messages = NULL, path[128];
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    folder_put_text(&folder, "password", "the password of old\n");
    ck_assert_int_eq(load(text, &start, &messages), XF_ERR_OK);
    xf_free(messages);
    folder_put_text(&folder, "password", "the password of today\n");
    ck_assert_int_eq(xf_conf_reload(path, start, start, &second, &messages), XF_ERR_OK);
    ck_assert_str_eq(second->mailmap.directory.password, "the password of today");
    xf_free(messages);
    folder_chmod(&folder, "password", 0666);
    ck_assert_int_eq(xf_conf_reload(path, start, second, &third, &messages), XF_ERR_OK);
    ck_assert_str_eq(third->mailmap.directory.password, "the password of today");
    ck_assert_ptr_nonnull(strstr(messages, ": the secret in force stays"));
    xf_free(messages);
    xf_conf_free(&start);
    xf_conf_free(&second);
    xf_conf_free(&third);
}
END_TEST

START_TEST(a_reload_keeps_a_secret_that_is_out_of_reach)
{
    static const char *const text = GOOD "dialback { secret-file = dialback }\n";
    struct xf_conf *conf = NULL, *again = NULL;
    char *messages = NULL, path[128], secret[128];
    folder_put_text(&folder, "dialback", "the secret of old\n");
    ck_assert_int_eq(load(text, &conf, &messages), XF_ERR_OK);
    xf_free(messages);
    snprintf(secret, sizeof(secret), "%s/dialback", folder.path);
    unlink(secret);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_int_eq(xf_conf_reload(path, conf, conf, &again, &messages), XF_ERR_OK);
    ck_assert_str_eq(again->dialback.secret, "the secret of old");
    strip_folder(messages);
    ck_assert_str_eq(messages, "conf:3: warning: secret-file = \"dialback\": No such file or "
                               "directory: the secret in force stays");
    xf_free(messages);
    xf_conf_free(&conf);
    xf_conf_free(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/messages");
    TCase *tc = tcase_create("messages");
    tcase_add_checked_fixture(tc, make_files, remove_files);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, accepts, 0, XF_ARRAY_LEN(accepted));
    tcase_add_test(tc, loads_after_every_error);
    tcase_add_test(tc, says_when_the_file_cannot_be_read);
    tcase_add_test(tc, warns_of_a_secret_that_everybody_reads);
    tcase_add_test(tc, warns_of_several_records_for_sametime);
    tcase_add_test(tc, warns_of_peers_without_tls);
    tcase_add_test(tc, waits_for_no_pipe);
    tcase_add_test(tc, warns_of_what_has_no_listener);
    tcase_add_test(tc, an_error_is_told_behind_any_number_of_warnings);
    tcase_add_test(tc, a_reload_keeps_a_secret_that_is_out_of_reach);
    tcase_add_test(tc, a_reload_keeps_the_password_of_the_last_reload);
    tcase_add_test(tc, a_reload_keeps_a_secret_when_others_can_write_it);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
