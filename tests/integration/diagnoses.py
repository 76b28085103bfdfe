#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Peers and local servers that are broken in one way each: `xfedctl check` and `xfedctl status` name the cause, the place and what to do.

One row for each: what is broken, the help=CODE of doc/operators/TROUBLESHOOTING.md that must be printed, and words that must stand beside it. No peer
may be called reachable, and none may be given the cause of another.
"""
import concurrent.futures
import select
import ssl
import sys
import threading
import warnings

from lab import ca, net, options
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dnssec import SecureDns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority, spki_sha256
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.stuck import BlackHole, BreaksTls, Stuck
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import SASL, STREAM, Closed, Listener

AT_A_TIME = 3   # checks; xfedd takes four

# name, what is broken, help=CODE, words
CASES = (
    ('nodomain', 'the domain does not exist', 'dns-no-server', ('nodomain.example',)),
    ('noservice', 'its SRV record says that there is no service', 'dns-no-service', ('noservice.example',)),
    ('noaddress', 'its SRV target has no address', 'dns-no-srv-address', ('xmpp.noaddress.example',)),
    ('lame', 'its name servers cannot be reached', 'dns-servfail', ('SERVFAIL',)),
    ('bogus', 'its signature is wrong', 'dns-bogus', ('SRV records of bogus.example', 'DNSSEC Bogus')),
    ('refused', 'nothing listens', 'tcp-refused', ('127.77.2.6:5269', 'refused')),
    ('blackhole', 'a firewall swallows the packets', 'tcp-timeout', ('127.77.2.7:5269',)),
    ('silent', 'it accepts and says nothing', 'tcp-silent', ('127.77.2.8:5269',)),
    ('closes', 'it accepts and closes', 'tcp-closed', ('127.77.2.9:5269',)),
    ('stops', 'it stops behind its header', 'peer-silent', ('127.77.2.10:5269',)),
    ('notls', 'it has no STARTTLS', 'tls-not-offered', ('must enable TLS', 'tls = optional')),
    ('musttls', 'it requires TLS, and we were told not to use it', 'tls-required-by-peer', ('tls = none',)),
    ('breaks', 'the handshake breaks', 'tls-failed', ()),
    ('oldtls', 'it has TLS 1.1', 'tls-too-old', ('no version of TLS',)),
    ('https', 'TLS where XMPP should be', 'tls-on-plain-port', ()),
    ('plain', 'XMPP where direct TLS should be', 'plain-on-tls-port', ()),
    ('expired', 'its certificate has expired', 'cert-expired', ()),
    ('early', 'its certificate is not valid yet', 'cert-not-yet-valid', ()),
    ('wrongname', 'its certificate is for somebody else', 'cert-wrong-name', ('somebody-else.example',)),
    ('unknownca', 'nobody knows its authority', 'cert-untrusted', ('xfedd test authority theirs',)),
    ('selfsigned', 'it signed its certificate itself', 'cert-untrusted', ('self-signed',)),
    ('pinned', 'its key is not the pinned one', 'cert-pin', ()),
    ('dane', 'its key is not that of its TLSA record', 'cert-dane', ()),
    ('ourca', 'it does not know our authority', 'our-cert-refused', ()),
    ('elsewhere', 'it does not serve the domain', 'peer-host-unknown', ('host-unknown',)),
    ('noexternal', 'it has no EXTERNAL, and dialback is off', 'sasl-external-not-offered', ('dialback',)),
    ('denies', 'it refuses EXTERNAL', 'our-cert-refused', ('not-authorized',)),
    ('unasked', 'it never answers the dialback key', 'dialback-unanswered', ()),
    ('invalid', 'it finds our dialback key invalid', 'dialback-our-key-invalid', ()),
)

ERROR = "<stream:error><{} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
HEADER = f"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='{STREAM}' from='gw' id='1'>"

# what the local server does, what it sends to the first bytes (None: nobody listens), help=CODE
LINKS = (
    ('nothing listens', None, 'link-refused'),
    ('it does not accept the secret', HEADER + ERROR.format('not-authorized'), 'link-secret'),
    ('it knows no such component', HEADER + ERROR.format('host-unknown'), 'link-host-unknown'),
    ('another component has the name', HEADER + ERROR.format('conflict'), 'link-conflict'),
    ('the port is for clients', HEADER.replace('component:accept', 'client') + ERROR.format('invalid-namespace'), 'link-wrong-port'),
    ('it hangs up', '', 'link-closed'),
    ('the port is of a web server', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html></html>', 'link-wrong-port'),
)


def domain(name):
    return f'{name}.example'


def address(name):
    return f'127.77.2.{1 + [c[0] for c in CASES].index(name)}'


# ---------------------------------------------------------------- the peers

NOT_XML = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{0}' version='1.0'><stream:error>"
           "<not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>").format(STREAM)


def answer(stream, what):
    """To the first bytes that come, whatever they are; the alert is that of a server which finds no TLS."""
    select.select([stream.sock], [], [], 60)
    stream.send(what)
    stream.close()


class OldTls(Peer):
    def _context(self, server_side, trust=True):
        context = super()._context(server_side, trust)
        context.set_ciphers('ALL:@SECLEVEL=0')
        warnings.simplefilter('ignore', DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context


class OtherAuthority(Peer):
    """Wants a certificate of an authority that is not ours."""
    def _context(self, server_side, trust=True):
        context = super()._context(server_side, trust)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


class Elsewhere(Peer):
    def _features(self, stream, secure, authenticated):
        stream.send("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                    '</stream:stream>')
        raise Closed('not served here')


class Denies(Peer):
    def _accept(self, stream):
        stream.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
        return False


class Keys(Peer):
    """Takes dialback keys, and answers so; None: never."""
    def __init__(self, answer, *args, **opts):
        super().__init__(*args, **opts)
        self.answer, self.offer = answer, 'dialback'

    def _take_key(self, stream, element):
        if self.answer:
            stream.send(f"<db:result from='{element.get('to')}' to='{element.get('from')}' type='{self.answer}'/>")
        return False


def certificates(folder):
    """-> our authority's file, our certificate, and those of the peers by name"""
    authority = ca.Authority(folder, 'dates')
    ours, theirs = Authority(folder, 'ours'), Authority(folder, 'theirs')
    peers = {c[0]: ours.issue(domain(c[0])) for c in CASES}
    peers['wrongname'] = ours.issue('somebody-else.example')
    peers['unknownca'] = theirs.issue(domain('unknownca'), label='unknown')
    peers['selfsigned'] = ca.self_signed(folder, 'self', ca.dns(domain('selfsigned')))
    peers['expired'] = authority.issue('expired', ca.dns(domain('expired')), start=-10, end=-1)
    peers['early'] = authority.issue('early', ca.dns(domain('early')), start=1, end=10)
    trusted = f'{folder}/trusted.pem'
    with open(trusted, 'w') as out:
        for file in (ours.file, authority.pem):
            with open(file) as f:
                out.write(f.read())
    return ours, theirs, trusted, peers


def build(stage, lab):
    """DNS and the peers. -> our authority, the file of all that we trust, the certificates"""
    ours, theirs, trusted, certs = certificates(lab.folder('pki'))
    dns = SecureDns(lab.scratch)
    for name, _, _, _ in CASES:
        if name not in ('nodomain', 'noservice', 'noaddress', 'lame', 'plain'):
            dns.domain(domain(name), address(name))
    dns.no_service(domain('noservice'))
    dns.srv(f'_xmpp-server._tcp.{domain("noaddress")}', 5269, f'xmpp.{domain("noaddress")}')
    dns.record(domain('lame'), 'NS ns.nowhere.example.')
    dns.spoil(f'_xmpp-server._tcp.{domain("bogus")}', 'SRV')
    dns.host(f'xmpp.{domain("plain")}', address('plain'))
    dns.srv(f'_xmpps-server._tcp.{domain("plain")}', 5270, f'xmpp.{domain("plain")}')
    dns.tlsa(f'xmpp.{domain("dane")}', 5269, 3, 1, 1, 'ab' * 32)

    def peer(kind, name, *more, **opts):
        return stage.start(kind(*more, domain(name), address(name), opts.pop('certificate', certs[name]), **opts))
    for name in ('musttls', 'expired', 'early', 'wrongname', 'unknownca', 'selfsigned', 'pinned', 'dane'):
        peer(Peer, name, ca_file=ours.file)
    peer(Peer, 'notls', certificate=None)
    peer(BreaksTls, 'breaks', instead=b'\x16\x03\x03\x00\x05\x02nono', pause=0.5)     # a TLS record outside, and nothing inside
    peer(OldTls, 'oldtls')
    peer(OtherAuthority, 'ourca', ca_file=theirs.file)
    peer(Elsewhere, 'elsewhere', certificate=None)
    peer(Peer, 'noexternal')
    peer(Denies, 'denies', ca_file=ours.file)
    peer(Keys, 'unasked', None)
    peer(Keys, 'invalid', 'invalid')
    peer(Stuck, 'stops', 'header')
    stage.start(Listener(address('https'), 5269, lambda stream: answer(stream, b'\x15\x03\x01\x00\x02\x02\x46')))
    stage.start(Listener(address('plain'), 5270, lambda stream: answer(stream, NOT_XML)))
    stage.start(Listener(address('silent'), 5269, lambda stream: threading.Event().wait()))
    stage.start(Listener(address('closes'), 5269, lambda stream: stream.close()))
    stage.keep = BlackHole(address('blackhole'))
    stage.start(dns)
    return ours, trusted, certs


def settings(certs):
    dialback = 'certificate = preferred  dialback = yes'
    pin = spki_sha256(certs['noexternal'][0])
    return '\n'.join([f'peer "{domain("musttls")}" {{ tls = none  certificate = ignore  dialback = yes }}',
                      f'peer "{domain("pinned")}" {{ pins = {{ "sha256:{pin}" }} }}',
                      f'peer "{domain("unasked")}" {{ {dialback} }}', f'peer "{domain("invalid")}" {{ {dialback} }}',
                      'peer "denied.example" { direction = none }'])


# ---------------------------------------------------------------- what is said

def judge(report, name, what, code, words, rows, result, text):
    report.check(f'{what}: not reachable', result.get('reachable') is False, str(result)[:500])
    report.equal(f'   {name}: help', result.get('help'), code)
    missing = [w for w in words if w not in text]
    report.check(f'   {name}: {result.get("text") or result.get("detail")}', not missing, f'{missing} not in\n{text}')
    report.check(f'   {name}: with an advice', bool(result.get('advice')), text)


def leg(ctl):
    return ctl.ask('status')[1]['links'][0]['legs'][0]


def links(report, ctl, cluster):
    """The link breaks, and the local server comes back otherwise. It is well in between: so the next try is soon, and says nothing of before."""
    for what, answers, code in LINKS:
        cluster.stop()
        server = answers is not None and Listener(net.LOCAL, COMPONENT_PORT, lambda stream, a=answers: answer(stream, a)).start()
        until(lambda: leg(ctl).get('help') == code)
        report.equal(f'the local server: {what}: help', leg(ctl).get('help'), code)
        text = ctl.text('status')
        report.check(f'   {code}: status says DOWN, why, and what to do', 'DOWN' in text and code in text and leg(ctl)['advice'] in text, text)
        if server:
            server.stop()
        cluster.start()
        cluster.wait_link(60)
        until(lambda: leg(ctl)['up'])       # it has heard so
    report.check('the local server is back: nothing is said of its past', 'help' not in leg(ctl) and ' up' in ctl.text('status'), ctl.text('status'))


def main():
    p = options.parser(__doc__)
    p.add_argument('--xfedctl', help='the program; by default beside xfedd')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours, trusted, certs = build(stage, lab)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, f'conference.{LOCAL}'), trusted, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          defaults='connect-timeout = 2s  candidate-timeout = 4s  negotiate-timeout = 6s', extra=settings(certs))
        stage.start_xfedd(gateway)
        ctl = Ctl(args.xfedctl or beside(args.xfedd), f'{gateway.folder}/control.sock')
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            def ask(name):
                return ctl.ask('check', domain(name)), ctl.text('check', domain(name))
            answers = {name: pool.submit(ask, name) for name, _, _, _ in CASES}
        for name, what, code, words in CASES:
            (rows, result), text = answers[name].result()
            judge(report, name, what, code, words, rows, result, text)
        status, out, err = ctl.run('check', 'denied.example')
        report.check('a peer that policy refuses: the rule', status == 1 and 'denied.example' in out + err, f'{status} {out}{err}')
        links(report, ctl, cluster)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
