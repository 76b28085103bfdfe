/* SPDX-License-Identifier: MIT */
/* ns.h — the XML namespaces that xfedd uses. */
#pragma once

#define XF_NS_STREAM           "http://etherx.jabber.org/streams"
#define XF_NS_SERVER           "jabber:server"
#define XF_NS_CLIENT           "jabber:client"
#define XF_NS_COMPONENT        "jabber:component:accept"
#define XF_NS_ROUTER           "http://jabberd.jabberstudio.org/ns/component/1.0"
#define XF_NS_DIALBACK         "jabber:server:dialback"
#define XF_NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define XF_NS_TLS              "urn:ietf:params:xml:ns:xmpp-tls"
#define XF_NS_SASL             "urn:ietf:params:xml:ns:xmpp-sasl"
#define XF_NS_STREAM_ERROR     "urn:ietf:params:xml:ns:xmpp-streams"
#define XF_NS_STANZA_ERROR     "urn:ietf:params:xml:ns:xmpp-stanzas"
#define XF_NS_COMPRESS         "http://jabber.org/protocol/compress"
#define XF_NS_STREAM_LIMITS    "urn:xmpp:stream-limits:0"
#define XF_NS_BIDI             "urn:xmpp:bidi"          /* the request */
#define XF_NS_BIDI_FEATURE     "urn:xmpp:features:bidi" /* the feature */
#define XF_NS_MUC              "http://jabber.org/protocol/muc"
#define XF_NS_MUC_USER         "http://jabber.org/protocol/muc#user"
#define XF_NS_PING             "urn:xmpp:ping"
#define XF_NS_SM               "urn:xmpp:sm:3"
#define XF_NS_DELAY            "urn:xmpp:delay"
#define XF_NS_XML              "http://www.w3.org/XML/1998/namespace"
#define XF_NS_CHATSTATES       "http://jabber.org/protocol/chatstates"
#define XF_NS_PIDF             "urn:ietf:params:xml:ns:pidf"
#define XF_NS_PIDF_PERSON      "urn:ietf:params:xml:ns:pidf:data-model" /* RFC 4479 */
#define XF_NS_PIDF_RPID        "urn:ietf:params:xml:ns:pidf:rpid"       /* RFC 4480 */
#define XF_NS_PIDF_CIPID       "urn:ietf:params:xml:ns:pidf:cipid"      /* RFC 4482 */
#define XF_NS_COMPOSING        "urn:ietf:params:xml:ns:im-iscomposing"
