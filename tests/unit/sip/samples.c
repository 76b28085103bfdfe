/* SPDX-License-Identifier: MIT */
/*
 * samples.c — messages as generic servers, Microsoft's clients and their front ends write them. The
 * shapes are theirs; names, identifiers and signatures are made up.
 */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#define SAMPLE_MAX 65536
#define SDP                                                                                        \
    "v=0\no=- 0 0 IN IP4 192.0.2.31\ns=session\nc=IN IP4 192.0.2.31\nt=0 0\n"                      \
    "m=message 5060 sip null\na=accept-types:text/plain multipart/alternative image/gif text/rtf " \
    "text/html application/x-ms-ink application/ms-imdn+xml text/x-msmsgsinvite\n"

/* clang-format off */
const struct sip_sample sip_samples[] = {
    {"MESSAGE, 600 bytes",
     "MESSAGE sip:juliet@capulet.example SIP/2.0\n"
     "Via: SIP/2.0/TLS edge.montague.example:5061;branch=z9hG4bK-524287-1---7c1f2d8be0a94b03;rport\n"
     "Max-Forwards: 70\n"
     "To: <sip:juliet@capulet.example>\n"
     "From: \"Romeo Montague\" <sip:romeo@montague.example>;tag=5d1c8f0a\n"
     "Call-ID: 97c4f2e1b03d4d5f8a6e@edge.montague.example\n"
     "CSeq: 1 MESSAGE\n"
     "Accept: text/plain, application/im-iscomposing+xml\n"
     "User-Agent: Example SIMPLE 4.2\n"
     "Content-Type: text/plain; charset=UTF-8\n"
     "Content-Length: @L\n"
     "\n"
     "But soft, what light through yonder window breaks? It is the east, and Juliet is the sun. Arise, fair sun, and kill the moon..."},

    {"INVITE, 4 KB",
     "INVITE sip:juliet@capulet.example SIP/2.0\n"
     "Record-Route: <sip:pool1.contoso.example:5061;transport=tls;ms-fe=fe02.contoso.example;opaque=state:T:F:Ci.R1b2f000;lr;ms-route-sig="
     "fjU2yqQbVw5kN0xF3cR7sT1dY8hG4mJ6pL9zA2eK5vB7nC3xQ0wE8rT6yU1iO4aS5dF7gH2jK9lZ3xC6vB0nM8q>;ms-rrsig="
     "fjH7yqQbVw5kN0xF3cR7sT1dY8hG4mJ6pL9zA2eK5vB7nC3xQ0wE8rT6yU1iO4aS5dF7gH2jK9lZ3xC6vB0nM8q;tag=0F6B7D1E8D1B0F6F8F2A1D0A0F5C7E3B\n"
     "Via: SIP/2.0/TLS 198.51.100.7:5061;branch=z9hG4bK0C6B4D1A.5A7B2E0D8D1F6E3C;branched=FALSE;ms-internal-info=\""
     "adQ7yqQbVw5kN0xF3cR7sT1dY8hG4mJ6pL9zA2eK5vB7nC3xQ0wE8rT6yU1iO4aS5dF7gH2j\"\n"
     "Record-Route: <sip:fe02.contoso.example:5061;transport=tls;opaque=state:F:T:Eu:Ci.R1b2f000;lr;lr;ms-identity=fe02;ms-key-info="
     "jAAAAC1fQ7yqQbVw5kN0xF3cR7sT1dY8hG4mJ6pL9zA2eK5vB7nC3xQ0wE8rT6yU1iO4aS5dF7gH2jK9lZ3xC6vB0nM8q;ms-route-sig="
     "gkV3zrRcWx6lO1yG4dS8tU2eZ9iH5nK7qM0aB3fL6wC8oD4yR1xF9sU7zV2jP5bT6eG8hI3kL0mA4yD7wC1oN9r>;tag=0F6B7D1E8D1B0F6F8F2A1D0A0F5C7E3B\n"
     "Max-Forwards: 67\n"
     "Via: SIP/2.0/TLS 192.0.2.31:49823;ms-received-port=49823;ms-received-cid=5F3A00\n"
     "ms-edge-proxy-message-trust: ms-source-type=EdgeProxyGenerated;ms-ep-fqdn=edge.contoso.example;ms-source-verified-user=verified\n"
     "From: \"Romeo Montague\"<sip:romeo@contoso.example>;tag=9d5b1c07ae;epid=4f7c0e2a91\n"
     "To: <sip:juliet@capulet.example>;epid=5be01ad6f2\n"
     "Call-ID: 6c0f1b2d3e4f4a5b8c7d9e0f1a2b3c4d\n"
     "CSeq: 1 INVITE\n"
     "Contact: <sip:romeo@contoso.example;opaque=user:epid:3Yx0bQm1nVq8dD5sGf7hJwAA;gruu>\n"
     "User-Agent: UCCAPI/16.0.4266.1001 OC/16.0.4266.1001 (Skype for Business)\n"
     "Supported: ms-dialog-route-set-update\n"
     "Supported: timer\n"
     "Supported: histinfo\n"
     "Supported: ms-safe-transfer\n"
     "Supported: ms-sender\n"
     "Supported: ms-early-media\n"
     "Supported: com.microsoft.rtc-multiparty\n"
     "Supported: ms-embedded-first-message\n"
     "Supported: ms-delayed-accept\n"
     "Roster-Manager: sip:romeo@contoso.example\n"
     "EndPoints: \"Romeo Montague\" <sip:romeo@contoso.example>, \"Juliet\" <sip:juliet@capulet.example>\n"
     "ms-keep-alive: UAC;hop-hop=yes\n"
     "Allow: INVITE, BYE, ACK, CANCEL, INFO, MESSAGE, UPDATE, REFER, NOTIFY, BENOTIFY\n"
     "ms-subnet: 192.0.2.0\n"
     "Ms-Conversation-ID: AdEx2kQ7yqQbVw5kTs6dY8hG4mJ6pQ==\n"
     "Subject: Verpasste Unterhaltung mit Romeo\n"
     "ms-im-format: text/plain; charset=UTF-8; msgr=WAAtAE0ATQBTAC0ASQBNAC0ARgBvAHIAbQBhAHQAOgAgAEYATgA9AE0AUwAlADIAMABTAGgAZQBsAGwAJQAyADAARABsAGcAJQAyADAAMg"
     "A7ACAARQBGAD0AOwAgAEMATwA9ADAAOwAgAEMAUwA9ADAAOwAgAFAARgA9ADAACgANAAoADQA\n"
     "ms-text-format: text/plain; charset=UTF-8; msgr=WAAtAE0ATQBTAC0ASQBNAC0ARgBvAHIAbQBhAHQAOgAgAEYATgA9AE0AUwAlADIAMABTAGgAZQBsAGwAJQAyADAARABsAGcA;ms-body="
     "QnV0IHNvZnQsIHdoYXQgbGlnaHQgdGhyb3VnaCB5b25kZXIgd2luZG93IGJyZWFrcz8gSXQgaXMgdGhlIGVhc3QsIGFuZCBKdWxpZXQgaXMgdGhlIHN1bi4=\n"
     "ms-text-format: text/rtf; charset=UTF-8;ms-body="
     "e1xydGYxXGZiaWRpc1xhbnNpXGFuc2ljcGcxMjUyXGRlZmYwXG5vdWljb21wYXRcZGVmbGFuZzEwMzN7XGZvbnR0Ymx7XGYwXGZuaWxcZmNoYXJzZXQwIFNlZ29lIFVJO3"
     "17XGYxXGZuaWwgU2Vnb2UgVUk7fX17XGNvbG9ydGJsIDtccmVkMFxncmVlbjBcYmx1ZTA7fXtcKlxnZW5lcmF0b3IgUmljaGVkMjAgMTYuMC40MjY2fXtcKlxtbWF0aFBy"
     "XG1uYXJ5TGltMFxtZGlzcERlZjFcbXdyYXBJbmRlbnQxNDQwIH1cdmlld2tpbmQ0XHVjMSBccGFyZFxjZjFcZW1ib1xmMFxmczIwIEJ1dCBzb2Z0LCB3aGF0IGxpZ2h0IH"
     "Rocm91Z2ggeW9uZGVyIHdpbmRvdyBicmVha3M/IEl0IGlzIHRoZSBlYXN0LCBhbmQgSnVsaWV0IGlzIHRoZSBzdW4uXGVtYm8wXGYxXHBhcntcKlxseW5jZmxhZ3M8cnRm"
     "PTE+fX0=\n"
     "ms-text-format: text/html; charset=UTF-8;ms-body="
     "PERJViBzdHlsZT0iZm9udC1zaXplOiAxMHB0OyBmb250LWZhbWlseTogJ1NlZ29lIFVJJywgVGFob21hOyBjb2xvcjogIzAwMDAwMDsgZGlyZWN0aW9uOiBsdHIiPkJ1dC"
     "Bzb2Z0LCB3aGF0IGxpZ2h0IHRocm91Z2ggeW9uZGVyIHdpbmRvdyBicmVha3M/IEl0IGlzIHRoZSBlYXN0LCBhbmQgSnVsaWV0IGlzIHRoZSBzdW4uPC9ESVY+\n"
     "P-Asserted-Identity: \"Romeo Montague\"<sip:romeo@contoso.example>,<tel:+15550100;ext=7>\n"
     "history-info: <sip:juliet@capulet.example>;index=1\n"
     "Content-Type: application/sdp\n"
     "Content-Length: @L\n"
     "\n" SDP},

    {"200 to INVITE, old style tags and epid",
     "SIP/2.0 200 OK\n"
     "Via: SIP/2.0/TLS sip.capulet.example:5061;branch=z9hG4bK8f1;alias;received=203.0.113.9;ms-received-port=40122;ms-received-cid=2600\n"
     "From: <sip:juliet@capulet.example>;tag=1a2b\n"
     "To: \"Romeo Montague\"<sip:romeo@contoso.example>;epid=4f7c0e2a91;tag=9d5b1c07ae\n"
     "Call-ID: 77f0\n"
     "CSeq: 3 INVITE\n"
     "Record-Route: <sip:edge.contoso.example:5061;transport=tls;lr>;tag=AB12\n"
     "Record-Route: <sip:pool1.contoso.example:5061;transport=tls;lr;ms-route-sig=abc-_9>;ms-rrsig=xyz;tag=CD34\n"
     "Contact: <sip:romeo@contoso.example;opaque=user:epid:3Yx0bQm1nVq8dD5sGf7hJwAA;gruu>\n"
     "Supported: ms-text-format\n"
     "Content-Length: 0\n"
     "\n"},

    {"101 with diagnostics",
     "SIP/2.0 101 Progress Report\n"
     "Via: SIP/2.0/TLS sip.capulet.example:5061;branch=z9hG4bK8f1\n"
     "From: <sip:juliet@capulet.example>;tag=1a2b\n"
     "To: <sip:romeo@contoso.example>\n"
     "Call-ID: 77f0\n"
     "CSeq: 3 INVITE\n"
     "ms-diagnostics: 13004;reason=\"Request was proxied to one or more registered endpoints\";source=\"fe02.contoso.example\";Count=\"1\"\n"
     "Content-Length: 0\n"
     "\n"},

    {"NOTIFY with PIDF",
     "NOTIFY sip:juliet@sip.capulet.example:5061;transport=tls SIP/2.0\n"
     "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bK77a\n"
     "Via: SIP/2.0/TLS fe02.contoso.example:5061;branch=z9hG4bK12.3;branched=FALSE\n"
     "Max-Forwards: 68\n"
     "From: <sip:romeo@contoso.example>;tag=F1080000\n"
     "To: <sip:juliet@capulet.example>;tag=1a2b\n"
     "Call-ID: 5cf2\n"
     "CSeq: 2 NOTIFY\n"
     "Contact: <sip:fe02.contoso.example:5061;transport=tls>\n"
     "Event: presence\n"
     "Subscription-State: active;expires=6300\n"
     "Content-Type: application/pidf+xml\n"
     "Content-Length: @L\n"
     "\n"
     "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:romeo@contoso.example\"><tuple id=\"0\"><status>"
     "<basic>open</basic></status></tuple></presence>"},

    {"NOTIFY that ends a subscription",
     "NOTIFY sip:juliet@sip.capulet.example:5061;transport=tls SIP/2.0\n"
     "Via: SIP/2.0/TLS edge.contoso.example:5061;branch=z9hG4bK77b\n"
     "Max-Forwards: 68\n"
     "From: <sip:romeo@contoso.example>;tag=F1080000\n"
     "To: <sip:juliet@capulet.example>;tag=1a2b\n"
     "Call-ID: 5cf2\n"
     "CSeq: 3 NOTIFY\n"
     "Event: presence;id=7\n"
     "Subscription-State: terminated;expires=0;reason=deactivated;retry-after=30\n"
     "ms-diagnostics-public: 2139;reason=\"Terminating old subscription since new subscription dialog took over\"\n"
     "Content-Length: 0\n"
     "\n"},

    {"SUBSCRIBE of a Microsoft watcher",
     "SUBSCRIBE sip:juliet@capulet.example SIP/2.0\n"
     "Via: SIP/2.0/tcp 192.0.2.31:49823\n"
     "Max-Forwards: 70\n"
     "From: <sip:romeo@contoso.example>;tag=9d5b1c07ae;epid=4f7c0e2a91\n"
     "To: <sip:juliet@capulet.example>\n"
     "Call-ID: 9ab0\n"
     "CSeq: 1 SUBSCRIBE\n"
     "Contact: <sip:romeo@contoso.example;opaque=user:epid:3Yx0bQm1nVq8dD5sGf7hJwAA;gruu>;proxy=replace;+sip.instance=\"<urn:uuid:1f0c>\"\n"
     "Event: presence\n"
     "Accept: application/msrtc-event-categories+xml, text/xml+msrtc.pidf, application/xpidf+xml, application/pidf+xml, application/rlmi+xml, multipart/related\n"
     "Supported: com.microsoft.autoextend\n"
     "Supported: ms-benotify\n"
     "Proxy-Require: ms-benotify\n"
     "Supported: ms-piggyback-first-notify\n"
     "Expires: 0\n"
     "Content-Length: 0\n"
     "\n"},
};
/* clang-format on */

const size_t sip_sample_count = XF_ARRAY_LEN(sip_samples);

char *sip_bytes(const char *text, size_t *out_len)
{
    const char *body = strstr(text, "\n\n");
    size_t body_len = 0;
    struct xf_buf buf;

    for (const char *p = body ? body + 2 : ""; *p; p++)
        body_len += *p == '\n' ? 2 : 1;
    xf_buf_init(&buf, SAMPLE_MAX);
    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            xf_buf_append_str(&buf, "\r\n");
        } else if (p[0] == '@' && p[1] == 'L') {
            xf_buf_appendf(&buf, "%zu", body_len);
            p++;
        } else {
            xf_buf_append(&buf, p, 1);
        }
    }

    char *bytes = xf_alloc(buf.len > 0 ? buf.len : 1);
    memcpy(bytes, xf_buf_ptr(&buf), buf.len);
    *out_len = buf.len;
    xf_buf_release(&buf);
    return bytes;
}

const char *sip_sample(const char *label)
{
    for (size_t i = 0; i < sip_sample_count; i++) {
        if (strcmp(sip_samples[i].label, label) == 0)
            return sip_samples[i].text;
    }
    fprintf(stderr, "no sample \"%s\"\n", label);
    abort();
}
