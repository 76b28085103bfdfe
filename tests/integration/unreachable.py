#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Peers that cannot be reached: the sender gets the error of doc/ARCHITECTURE.md 5, once, within the time limit of doc/operators/LIMITS.md.

The cluster is a scripted component server, so what is counted is what the link really carries.
"""
import sys
import threading
import time

from lab import net, options
from lab.client import condition
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.stuck import BlackHole, BreaksTls
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Listener

NOT_FOUND, TIMEOUT = ('cancel', 'remote-server-not-found'), ('wait', 'remote-server-timeout')
SETTLE = 3      # a second answer would come within so many seconds of the first

MACHINE = 3     # seconds on top of a time limit, for a machine that stands still now and then
AGAIN = ('again', 'again 2', 'again 3')     # messages that should fail at once; the next one only if the one before took longer

# name, what is wrong, expected error, seconds within which it must come (doc/operators/LIMITS.md)
CASES = (
    ('nxdomain', 'the domain does not exist', NOT_FOUND, 5),
    ('noservice', 'its SRV record says "no service" (.)', NOT_FOUND, 5),
    ('noaddress', 'its SRV target has no address', NOT_FOUND, 5),
    ('servfail', 'its name servers do not answer', TIMEOUT, 30),
    ('refused', 'the connection is refused', TIMEOUT, 5),
    ('blackhole', 'the address swallows connections', TIMEOUT, 10),
    ('silent', 'it accepts and never says a word', TIMEOUT, 60),
    ('closes', 'it accepts and closes', TIMEOUT, 5),
    ('tlsbreaks', 'the TLS handshake breaks', TIMEOUT, 5),
    ('notls', 'it has no STARTTLS, and TLS is required', TIMEOUT, 5),
    ('wrongname', 'its certificate is somebody else\'s, and dialback is off', TIMEOUT, 5),
    ('unknownca', 'nobody knows its authority, and dialback is off', TIMEOUT, 5),
)


def address(name):
    return f'127.77.1.{10 + [c[0] for c in CASES].index(name)}'


def domain(name):
    return f'{name}.example'


def build(scratch):
    """DNS and the misbehaving peers."""
    dns = Dns(scratch.scratch)
    ours, theirs = Authority(scratch.folder('pki'), 'ours'), Authority(scratch.folder('pki'), 'theirs')
    for name, _, _, _ in CASES:
        if name not in ('nxdomain', 'noservice', 'noaddress', 'servfail'):
            dns.domain(domain(name), address(name))
    dns.no_service(domain('noservice'))
    dns.lines.append(f'srv-host=_xmpp-server._tcp.{domain("noaddress")},gone.{domain("noaddress")},5269,0,5')
    dns.lines.append(f'server=/{domain("servfail")}/127.77.1.250')       # nobody there
    keep = [BlackHole(address('blackhole')),
            Listener(address('silent'), 5269, lambda stream: threading.Event().wait()).start(),
            Listener(address('closes'), 5269, lambda stream: stream.close()).start(),
            BreaksTls(domain('tlsbreaks'), address('tlsbreaks'), ours.issue(domain('tlsbreaks'))).start(),
            Peer(domain('notls'), address('notls')).start(),
            Peer(domain('wrongname'), address('wrongname'), ours.issue('somebody-else.example')).start(),
            Peer(domain('unknownca'), address('unknownca'), theirs.issue(domain('unknownca'))).start()]
    return dns, ours, keep


class Round:
    """One message to each of the peers, all at once: each failure must find its own way back."""
    def __init__(self, cluster):
        self.cluster = cluster
        self.sent, self.arrived = {}, {}

    def send(self, ident, name):
        self.arrived[ident] = []
        self.sent[ident] = time.monotonic()
        self.cluster.send(f"<message from='alice@{LOCAL}/x' to='bob@{domain(name)}' id='{ident}' type='chat'>"
                          '<body>hi</body></message>')

    def run(self):
        for name, _, _, _ in CASES:
            self.send(name, name)
        self._collect(time.monotonic() + max(c[3] for c in CASES) + MACHINE + 2, until_all=True)
        self._collect(time.monotonic() + SETTLE)

    def _collect(self, until, until_all=False):
        while time.monotonic() < until and not (until_all and all(self.arrived.values())):
            element = self.cluster.wait(lambda e: e.get('id') in self.arrived, max(0.0, until - time.monotonic()))
            if element is None:
                continue
            self.arrived[element.get('id')].append((time.monotonic(), element))
            if element.get('id') == 'blackhole' or element.get('id') in AGAIN and self.took(element.get('id')) >= 1:
                ident = next((name for name in AGAIN if name not in self.sent), None)
                if ident:
                    self.send(ident, 'blackhole')       # while the failure is fresh

    def took(self, ident):
        return self.arrived[ident][0][0] - self.sent[ident]

    def report(self, report):
        for name, what, want, within in CASES:
            judge(report, name, what, want, within, self.sent[name], self.arrived[name])
        tried = [name for name in AGAIN if name in self.sent]
        took = min((self.took(name) for name in tried if self.arrived[name]), default=0)
        report.check(f'a second message into the black hole fails at once, from memory: {took:.2f} s',
                     tried and all(len(self.arrived[name]) == 1 for name in tried) and took < 1)


def judge(report, name, what, want, within, sent, arrived):
    if not report.check(f'{what}: one error', len(arrived) == 1, f'{len(arrived)} came'):
        return
    when, element = arrived[0]
    report.equal(f'   {name}: the error', condition(element), want)
    report.check(f'   {name}: after {when - sent:.1f} s, at most {within} and a little', when - sent <= within + MACHINE)
    report.equal(f'   {name}: from the one it was for, to the one who sent it',
                 (element.get('from'), element.get('to'), element.get('type')),
                 (f'bob@{domain(name)}', f'alice@{LOCAL}/x', 'error'))
    words = ' '.join(element.itertext())
    report.check(f'   {name}: its text names no host of ours', COMPONENT[0] not in words and net.GATEWAY not in words, words)


def no_answer_to_answers(report, cluster):
    """Errors, results and unavailable presence are never bounced."""
    to = f'bob@{domain("nxdomain")}'
    cluster.send(f"<message type='error' from='alice@{LOCAL}/x' to='{to}' id='quiet'/>"
                 f"<iq type='result' from='alice@{LOCAL}/x' to='{to}' id='quiet'/>"
                 f"<presence type='unavailable' from='alice@{LOCAL}/x' to='{to}' id='quiet'/>"
                 f"<message from='alice@{LOCAL}/x' to='{to}' id='loud'><body>x</body></message>")
    loud = cluster.wait(lambda e: e.get('id') == 'loud', 10)
    quiet = cluster.wait(lambda e: e.get('id') == 'quiet', 1)
    report.check('errors, results and unavailable presence get no answer', loud is not None and quiet is None)


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        dns, ours, _keep = build(lab)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        stage.start_xfedd(Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, f'conference.{LOCAL}'),
                                  ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}'))
        peers = Round(cluster)
        peers.run()
        peers.report(report)
        no_answer_to_answers(report, cluster)
        report.equal('the link was never lost', cluster.links, 1)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
