#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every variant of a peer's certificate x direction x `certificate` setting: expected and seen, in one table.

xfedd, TLS, DNS and certificates are real; the peer is scripted (Python's ssl), one server for many domains. A domain is
VARIANT.SETTING.example, so that each cell of the table is a peer of its own. Inbound the peer authenticates with what it is offered; outbound
it offers SASL EXTERNAL and dialback and believes everything, so that what is seen is xfedd's own decision.

What is expected follows from the variant's class alone:

                     inbound                                 outbound
                     ignore    preferred  required           ignore    preferred  required
    GOOD             external  external   external           external  external   external
    BAD              dialback  dialback   refused            external  dialback   refused
    CONTRADICTED     dialback  refused    refused            external  refused    refused

GOOD authenticates the domain. BAD says nothing about it, so dialback is left where that is enough. CONTRADICTED: somebody who may speak for the
domain says that this is not its certificate (a revocation list, TLSA records, a pin), and dialback does not make up for it. "ignore" does not look.
A refusal is the stream error not-authorized, whose text names the fault.

Ours is for servers only. Two peers break off the TLS handshake over that; with show-certificate = no dialback authenticates us there.
"""
import base64
import os
import socket
import ssl
import sys
import threading
import time

from lab import ca, net, options
from lab.client import condition
from lab.cluster import Cluster
from lab.dnssec import SecureDns
from lab.gateway import Gateway
from lab.pki import spki_sha256
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import DIALBACK, SASL, STREAM, TLS, Closed, Listener, XmlStream, error_of

SETTINGS = ('ignore', 'preferred', 'required')
EXTERNAL, DIALBACK_ONLY, REFUSED = 'external', 'dialback', 'refused'
NOT_PLAYED = None       # pins with certificate = ignore are refused by xfedd -t
GOOD = {'in': (EXTERNAL, EXTERNAL, EXTERNAL), 'out': (EXTERNAL, EXTERNAL, EXTERNAL)}
BAD = {'in': (DIALBACK_ONLY, DIALBACK_ONLY, REFUSED), 'out': (EXTERNAL, DIALBACK_ONLY, REFUSED)}
CONTRADICTED = {'in': (DIALBACK_ONLY, REFUSED, REFUSED), 'out': (EXTERNAL, REFUSED, REFUSED)}
BREAKS_OFF = {'in': GOOD['in'], 'out': (f"bounced: {('wait', 'remote-server-timeout')}", NOT_PLAYED, NOT_PLAYED)}     # each waits 10 s
TOLD_BY_DIALBACK = {'in': GOOD['in'], 'out': (DIALBACK_ONLY,) * 3}
FOR_SERVERS = {'in': BAD['in'], 'out': GOOD['out']}


def pinned(kind):
    return {way: (NOT_PLAYED, *cells[1:]) for way, cells in kind.items()}


SIGNED = 'signed.example'
EDGE = (net.GATEWAY, 5269)
HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='" + STREAM + "' xmlns:db='" + DIALBACK +
        "' {more} from='{frm}' to='{to}' version='1.0'>")
MECHANISM = f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
DIALBACK_FEATURE = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"


class Variant:
    """`make(pki, names)` -> (certificate, key); `names` are the three domains of the variant. `fault`: a word of the refusal's text.

    `settings(pair)`: further settings of the peer. `tlsa(pki, pair)`: usage, selector, matching type, data of its server's record;
    `zone`: where all its names are.
    """
    def __init__(self, label, title, kind, make, fault='', settings=None, unicode_label=None, tlsa=None, zone='example'):
        self.label, self.title, self.kind, self.make, self.fault, self.settings = label, title, kind, make, fault, settings
        self.unicode_label, self.tlsa, self.zone = unicode_label, tlsa, zone
        self.target = f'{label}.hosts.{zone}'

    def domain(self, setting, label=None):
        return f'{label or self.label}.{setting}.{self.zone}'

    def domains(self):
        return [self.domain(s) for s in SETTINGS]

    def wants(self, direction, setting):
        return self.kind[direction][SETTINGS.index(setting)]


class Pki:
    """The authorities of the table: one that xfedd believes, one that it does not, and an intermediate of the first."""
    def __init__(self, folder):
        self.folder = folder
        self.known = ca.Authority(folder, 'known')
        self.unknown = ca.Authority(folder, 'unknown')
        self.intermediate = ca.Authority(folder, 'intermediate', self.known)

    def revoked(self, label, names):
        pair = self.known.issue(label, names)
        self.known.revoke(pair[0])
        return pair

    def with_chain(self, authority, label, names):
        """The certificate, and that of its authority behind it."""
        pair = authority.issue(label, names)
        with open(pair[0], 'a') as leaf, open(authority.pem) as chain:
            leaf.write(chain.read())
        return pair


def key_of_leaf(usage):
    return lambda pki, pair: (usage, 1, 1, spki_sha256(pair[0]))


def another_key(_pki, _pair):
    return 3, 1, 1, 'ab' * 32


# What the fault is called: OpenSSL's words (X509_verify_cert_error_string), or ours.
VARIANTS = [
    Variant('good', 'good', GOOD, lambda p, n: p.known.issue('good', ca.dns(*n))),
    Variant('chain', 'good, with an intermediate', GOOD, lambda p, n: p.with_chain(p.intermediate, 'chain', ca.dns(*n))),
    Variant('expired', 'expired', BAD, lambda p, n: p.known.issue('expired', ca.dns(*n), start=-60, end=-1), 'expired'),
    Variant('early', 'not yet valid', BAD, lambda p, n: p.known.issue('early', ca.dns(*n), start=1, end=60), 'not yet valid'),
    Variant('name', 'wrong name', BAD, lambda p, n: p.known.issue('name', ca.dns('somebody.else.example')), 'does not name'),
    Variant('cn', 'the name only as CN', BAD, lambda p, n: p.known.issue('cn', ['email:admin@' + n[0]]), 'does not name'),
    Variant('self', 'self-signed', BAD, lambda p, n: ca.self_signed(p.folder, 'self', ca.dns(*n)), 'self-signed'),
    Variant('unknown', 'unknown CA', BAD, lambda p, n: p.unknown.issue('unknown', ca.dns(*n)), 'issuer'),
    Variant('missing', 'missing intermediate', BAD, lambda p, n: p.intermediate.issue('missing', ca.dns(*n)), 'issuer'),
    Variant('revoked', 'revoked by CRL', CONTRADICTED, lambda p, n: p.revoked('revoked', ca.dns(*n)), 'revoked'),
    Variant('server', 'serverAuth only', GOOD, lambda p, n: p.known.issue('server', ca.dns(*n), ca.SERVER)),
    Variant('strict', 'serverAuth only, client-eku = yes', FOR_SERVERS, lambda p, n: p.known.issue('strict', ca.dns(*n), ca.SERVER),
            'not for TLS clients', settings=lambda pair: 'client-eku = yes'),
    # RFC 6120 section 13.7.1 asks for no key usage by role, and one certificate serves a server both ways.
    Variant('client', 'clientAuth only', GOOD, lambda p, n: p.known.issue('client', ca.dns(*n), ca.CLIENT)),
    Variant('breaks', 'good, and minds ours', BREAKS_OFF, lambda p, n: p.known.issue('breaks', ca.dns(*n))),
    Variant('hidden', 'good, and ours is hidden from it', TOLD_BY_DIALBACK, lambda p, n: p.known.issue('hidden', ca.dns(*n)),
            settings=lambda pair: 'show-certificate = no'),
    Variant('weak', 'weak key (RSA 1024)', BAD, lambda p, n: p.known.issue('weak', ca.dns(*n), kind='rsa1024'), 'weak'),
    Variant('wild', 'wildcard', GOOD, lambda p, n: p.known.issue('wild', ca.dns(*(f'*.{s}.example' for s in SETTINGS)))),
    Variant('deep.wild', 'wildcard one label too short', BAD,
            lambda p, n: p.known.issue('deep-wild', ca.dns(*(f'*.{s}.example' for s in SETTINGS))), 'does not name'),
    Variant('srv', 'SRVName alone', GOOD, lambda p, n: p.known.issue('srv', ca.srv(*n))),
    Variant('addr', 'xmppAddr alone', GOOD, lambda p, n: p.known.issue('addr', ca.xmpp(*n))),
    Variant('xn--bcher-kva', 'IDN', GOOD, lambda p, n: p.known.issue('idn', ca.dns(*n)), unicode_label='bücher'),
    Variant('pinned', 'self-signed and pinned', pinned(GOOD), lambda p, n: ca.self_signed(p.folder, 'pinned', ca.dns(*n)),
            settings=lambda pair: f'pins = {{ "{pair[0]}" }}'),
    Variant('mispinned', 'good, another key is pinned', pinned(CONTRADICTED), lambda p, n: p.known.issue('mispinned', ca.dns(*n)), 'pinned',
            settings=lambda pair: f'pins = {{ "sha256:{"ab" * 32}" }}'),
    Variant('ee', 'right DANE (3), private CA', GOOD, lambda p, n: p.unknown.issue('ee', ca.dns(*n)), zone=SIGNED, tlsa=key_of_leaf(3)),
    Variant('ee-old', 'right DANE (3), expired, no name', GOOD,     # RFC 7671 section 5.1: the key is all that counts
            lambda p, n: p.unknown.issue('ee-old', ca.dns('else.example'), start=-60, end=-1), zone=SIGNED, tlsa=key_of_leaf(3)),
    Variant('ta', 'right DANE (2), private CA', GOOD, lambda p, n: p.with_chain(p.unknown, 'ta', ca.dns(*n)), zone=SIGNED,
            tlsa=lambda p, pair: (2, 1, 1, spki_sha256(p.unknown.pem))),
    Variant('pkix-ee', 'right DANE (1), names the SRV target', GOOD,    # RFC 7673 section 4
            lambda p, n: p.known.issue('pkix-ee', ca.dns(f'pkix-ee.hosts.{SIGNED}')), zone=SIGNED, tlsa=key_of_leaf(1)),
    Variant('pkix-un', 'right DANE (1), unknown CA', CONTRADICTED, lambda p, n: p.unknown.issue('pkix-un', ca.dns(*n)), 'TLSA', zone=SIGNED,
            tlsa=key_of_leaf(1)),
    Variant('mismatch', 'wrong DANE, good otherwise', CONTRADICTED, lambda p, n: p.known.issue('mismatch', ca.dns(*n)), 'TLSA', zone=SIGNED,
            tlsa=another_key),
    Variant('insecure', 'wrong DANE in an unsigned zone', GOOD, lambda p, n: p.known.issue('insecure', ca.dns(*n)), tlsa=another_key),
    Variant('no-tlsa', 'good, signed zone without TLSA', GOOD, lambda p, n: p.known.issue('no-tlsa', ca.dns(*n)), zone=SIGNED),
]


class Peer:
    """Server and client of every domain of the table, with that domain's certificate."""
    STRICT = ('breaks.', 'hidden.')     # OpenSSL holds our certificate against the purpose sslclient

    def __init__(self, ip, certificates, our_authority):
        self.certificates = certificates        # domain -> (certificate, key)
        self.our_authority = our_authority
        self.keys = {}                          # (from, to, id) -> dialback key that we gave out
        self.refusals = {}                      # domain -> what xfedd's stream error said
        self.listener = Listener(ip, 5269, self._serve)
        self._changed = threading.Condition()

    def _context(self, server_side, domain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if server_side and domain.startswith(self.STRICT):
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.our_authority)
        context.set_ciphers('DEFAULT:@SECLEVEL=0')      # the weak key must get out of here
        context.load_cert_chain(*self.certificates[domain])
        return context

    def start(self):
        self.listener.start()

    def stop(self):
        self.listener.stop()

    # ---- receiving and authoritative server

    def _serve(self, stream):
        secure = authenticated = False
        while True:
            header = stream.header(30)
            domain = header.get('to', '').encode('idna').decode()
            ident = os.urandom(8).hex()
            stream.send(HEAD.format(more=f"id='{ident}'", frm=domain, to=header.get('from', '')))
            features = f"<starttls xmlns='{TLS}'><required/></starttls>" if not secure else (
                DIALBACK_FEATURE if authenticated else MECHANISM + DIALBACK_FEATURE)
            stream.send(f'<stream:features>{features}</stream:features>')
            what = self._negotiate(stream, domain)
            if what == 'tls':
                stream.secure(self._context(True, domain), True)
                secure = True
            else:
                authenticated = True
                stream.restart()

    def _negotiate(self, stream, domain):
        while True:
            element = stream.element(3600)
            frm, to, ident = element.get('from'), element.get('to'), element.get('id')
            if element.tag == f'{{{TLS}}}starttls':
                stream.send(f"<proceed xmlns='{TLS}'/>")
                return 'tls'
            if element.tag == f'{{{SASL}}}auth':
                stream.send(f"<success xmlns='{SASL}'/>")
                return 'external'
            if element.tag == f'{{{DIALBACK}}}result':
                stream.send(f"<db:result from='{to}' to='{frm}' type='valid'/>")
            elif element.tag == f'{{{DIALBACK}}}verify':
                valid = element.text and self.keys.get((to.encode('idna').decode(), frm, ident)) == element.text
                stream.send(f"<db:verify from='{to}' to='{frm}' id='{ident}' type='{'valid' if valid else 'invalid'}'/>")
            elif error_of(element):
                with self._changed:
                    self.refusals.setdefault(domain, words_of(element))
                    self._changed.notify_all()

    def refusal(self, domain, timeout=10):
        """What the stream error said; it may come a little after the cluster's error."""
        with self._changed:
            self._changed.wait_for(lambda: domain in self.refusals, timeout)
            return self.refusals.get(domain)

    # ---- initiating server

    def open(self, stream, domain):
        stream.send(HEAD.format(more='', frm=domain, to=LOCAL))
        stream.ident = stream.header().get('id')
        return stream.element()

    def authenticate(self, domain, keep=None):
        """-> how it went: external, dialback, or refused; and xfedd's words for a refusal. `keep`: a list that takes the stream, left open."""
        stream = XmlStream(socket.create_connection(EDGE, 10))
        try:
            self.open(stream, domain)
            stream.send(f"<starttls xmlns='{TLS}'/>")
            if stream.element().tag != f'{{{TLS}}}proceed':
                return 'no STARTTLS', ''
            stream.secure(self._context(False, domain), False, LOCAL)
            return self._authenticate(stream, domain, self.open(stream, domain))
        except Closed as e:
            return 'broken', str(e)
        finally:
            if keep is None:
                stream.close()
            else:
                keep.append(stream)

    def _authenticate(self, stream, domain, first):
        if error_of(first):
            return REFUSED, words_of(first)
        if any(m.text == 'EXTERNAL' for m in first.iter(f'{{{SASL}}}mechanism')):
            stream.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{base64.b64encode(domain.encode()).decode()}</auth>")
            answer = stream.element()
            return (EXTERNAL, '') if answer.tag == f'{{{SASL}}}success' else ('EXTERNAL offered and refused', answer.tag)
        key = os.urandom(16).hex()
        self.keys[domain, LOCAL, stream.ident] = key
        try:
            stream.send(f"<db:result from='{domain}' to='{LOCAL}'>{key}</db:result>")
            answer = stream.element(40)
        except Closed as e:
            return 'broken', str(e)
        if error_of(answer):
            return REFUSED, words_of(answer)
        return (DIALBACK_ONLY, '') if answer.get('type') == 'valid' else (f'dialback {answer.get("type")}', '')


def words_of(error):
    """Condition and text of a stream error."""
    text = next((c.text for c in error if c.tag.endswith('}text')), None)
    return f'{error_of(error)}: {text or ""}'


class Table:
    def __init__(self, stage, lab):
        self.report = stage.report
        pki = self.pki = Pki(lab.folder('pki'))
        self.certificates, self.variants = {}, list(VARIANTS)
        for variant in self.variants:
            pair = variant.make(pki, variant.domains())
            self.certificates.update({domain: pair for domain in variant.domains()})
        stage.start(self._zones(SecureDns(lab.scratch), pki))
        own = ca.Authority(lab.folder('pki/own'), 'own')
        self.cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        self.peer = stage.start(Peer(net.PEER, self.certificates, own.pem))
        self.gateway = stage.start_xfedd(Gateway(
            lab, LOCAL, None, own.issue('own', ca.dns(LOCAL, f'conference.{LOCAL}'), ca.SERVER), pki.known.pem, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
            defaults='tls = required  bidi = no  dialback-by-certificate = no', trust=f'crl-files = {{ "{pki.known.crl()}" }}',
            extra='unauthenticated { half-open-per-address = 1000 }\n' + self._peers()))

    def _zones(self, dns, pki):
        """Names below signed.example are secure; those of the other variants are in unsigned zones."""
        for zone in (f'{s}.example' for s in (*SETTINGS, 'hosts')):
            dns.plain(zone)
        dns.domain(LOCAL, net.GATEWAY)
        for variant in self.variants:
            dns.host(variant.target, net.PEER)
            if variant.tlsa:
                dns.tlsa(variant.target, 5269, *variant.tlsa(pki, self.certificates[variant.domain('ignore')]))
            for domain in variant.domains():
                dns.srv(f'_xmpp-server._tcp.{domain}', 5269, variant.target)
        return dns

    def _peers(self):
        sections = [f'peer "*.{s}.{zone}" {{ certificate = {s} }}' for s in SETTINGS for zone in ('example', SIGNED)]
        for variant in self.variants:
            for setting in SETTINGS if variant.settings else ():
                domain = variant.domain(setting)
                if variant.wants('in', setting) is not NOT_PLAYED:
                    sections.append(f'peer "{domain}" {{ {variant.settings(self.certificates[domain])} }}')
        return '\n'.join(sections)

    def inbound(self, variant, setting):
        return self.peer.authenticate(variant.domain(setting))

    def outbound(self, variant, setting):
        domain = variant.domain(setting)
        to = variant.domain(setting, variant.unicode_label)
        ident = f'out-{domain}'
        self.cluster.send(f"<message from='u@{LOCAL}' to='v@{to}' id='{ident}'><body>hello</body></message>")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            up = self.gateway.events('s2s.stream.up', dir='out', peer=to)
            if up:
                return up[0]['auth'], ''
            error = self.cluster.wait(lambda e: e.get('id') == ident and e.get('type') == 'error', 0.02)
            if error is not None:
                said = self.peer.refusal(domain)
                return (REFUSED, said) if said else (f'bounced: {condition(error)}', '')
        return 'nothing', ''

    def cell(self, variant, direction, setting):
        want = variant.wants(direction, setting)
        if want is NOT_PLAYED:
            return
        got, words = (self.inbound if direction == 'in' else self.outbound)(variant, setting)
        ok = got == want
        if want == REFUSED:
            ok = ok and words.startswith('not-authorized: ') and variant.fault in words
        self.report.check(f'{variant.title:34} {direction:4} {setting:10} {want:9} {got:9} {words}', ok,
                          f'want {want}' + (f' naming "{variant.fault}"' if want == REFUSED else ''))

    def run(self):
        self.report.say(f'{"":6}{"certificate":34} {"dir":4} {"setting":10} {"expected":9} {"seen":9} words of the refusal')
        for variant in self.variants:
            for direction in ('in', 'out'):
                for setting in SETTINGS:
                    self.cell(variant, direction, setting)
        self.later()

    def later(self):
        """RFC 6120 section 13.7.2.3: a certificate is revoked while its streams are there; what the table says of a revoked one comes true."""
        good, chain = (next(v for v in self.variants if v.label == label) for label in ('good', 'chain'))
        revoked, ignored, other = good.domain('required'), good.domain('ignore'), chain.domain('required')
        streams = {}
        for domain in (revoked, ignored, other):
            kept = []
            self.report.equal(f'a stream of {domain}', self.peer.authenticate(domain, kept)[0], EXTERNAL)
            streams[domain] = kept[0]
            kept[0].restart()
            self.peer.open(kept[0], domain)

        def ended(domain):
            return self.gateway.events('s2s.stream.down', dir='out', peer=domain)
        self.report.equal('a reload with the lists as before', self.gateway.reload(), 'done')
        self.pki.known.revoke(self.certificates[revoked][0])
        self.pki.known.crl()
        self.report.equal('a reload with a list that revokes the first', self.gateway.reload(), 'done')
        for domain in (revoked, ignored):
            self.report.equal(f'   {domain}: its stream ends', error_of(streams[domain].element(10)), 'reset')
        self.report.check(f'   {revoked}: so does ours', self.gateway.wait_event('s2s.stream.down', 10, dir='out', peer=revoked, help='cert-revoked'))
        self.report.equal('   and it may not come again', self.peer.authenticate(revoked)[0], REFUSED)
        streams[other].send(f"<message from='v@{other}' to='u@{LOCAL}' id='after'/>")
        self.report.check(f'   {other}: its stream goes on', self.cluster.wait(lambda e: e.get('id') == 'after', 10) is not None)
        self.report.check(f'   {other}, {ignored}: and so do ours', not ended(other) and not ended(ignored))


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        Table(stage, stage.open()).run()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
