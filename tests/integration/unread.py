#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Peers that ask and never read: xfedd leaves them, keeps within its memory, and goes on for the others.

Each attack is one element, sent over and over as fast as the connection takes it, while not a byte of what comes back is read: on streams that the peer
opened, before and after it authenticated, and on streams of ours that go both ways (XEP-0288). Whatever is answered must end the stream; what
is not answered may go on, and so may what is taken in turns. After each, an honest message passes both ways over another stream.

Under the sanitizers: --xfedd BUILD/src/daemon/xfedd --wrapper env (without its sandbox, which would be in their way).
"""
import queue
import socket
import ssl
import sys
import threading
import time

from lab import net, options
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER
from lab.xmlstream import SASL, TLS

EDGE = (net.GATEWAY, 5269)
ENOUGH = 24 << 20       # bytes that are sent at most: what the kernel holds for both sides, and much more
PATIENCE = 150          # seconds until a stream must have ended: 30 until TCP of xfedd gives it up, and until ours asks the next time whether there is room
QUIET_S = 4             # ... and for which one that is not answered is kept busy
PEAK_MIB = 48           # memory on top of what it had

def long_id(n):
    """Six times as long when it is written back: a full output is met with any remainder."""
    text = "'" * n
    return lambda frm, to: f'<db:verify from="{frm}" to="{to}" id="{text}">k</db:verify>'


# name, the element of `frm` to `to`; whether it ends a stream that is authenticated, and one that is not
ATTACKS = (
    ('db:verify', lambda frm, to: f"<db:verify from='{frm}' to='{to}' id='{'>' * 512}'>k</db:verify>", True, True),
    *((f'db:verify with an id of {n} bytes', long_id(n), True, True) for n in (9500, 9000, 8500, 8000)),
    ('db:result', lambda frm, to: f"<db:result from='{frm}' to='{to}'>k</db:result>", True, True),
    ('db:result for a domain that is not ours', lambda frm, to: f"<db:result from='{frm}' to='nobody.example'>k</db:result>", True, True),
    ('answers that nobody asked for', lambda frm, to: f"<db:result from='{frm}' to='{to}' type='valid'/>", False, True),
    ('starttls', lambda frm, to: f"<starttls xmlns='{TLS}'/>", None, True),
    ('auth', lambda frm, to: f"<auth xmlns='{SASL}' mechanism='PLAIN'>AAAA</auth>", None, True),
    ('auth without a response', lambda frm, to: f"<auth xmlns='{SASL}' mechanism='EXTERNAL'/>", None, True),
    ('compress', lambda frm, to: "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", None, True),
    ('an element that nobody knows', lambda frm, to: "<x xmlns='urn:example:unknown'/>", False, True),
)

# On streams that the peer opened these are answered 200 times a second at most: what the kernel holds for both sides is not full for minutes.
PACED = ('db:result',)


class Caught(Peer):
    """Takes one of our streams, makes it go both ways, and then reads nothing more: it is the attack's."""
    def __init__(self, *args):
        super().__init__(*args)
        self.streams = queue.Queue()

    def _features(self, stream, secure, authenticated):
        bidi = "<bidi xmlns='urn:xmpp:features:bidi'/>" if secure else ''
        return super()._features(stream, secure, authenticated) + bidi

    def _negotiate(self, stream, secure, authenticated):
        if not authenticated:
            return super()._negotiate(stream, secure, authenticated)
        self.streams.put(stream)
        threading.Event().wait()
        return None


def push(stream, element, seconds):
    """Send it over and over, read nothing. -> how many bytes until the stream was gone, or None when it was not"""
    sock, piece, sent, end = stream.sock, (element * (1 + 32768 // len(element))).encode(), 0, time.monotonic() + seconds
    sock.setblocking(True)
    sock.settimeout(1)
    while time.monotonic() < end:
        try:
            if sent < ENOUGH:
                sent += sock.send(piece)
            else:
                time.sleep(0.2)
                sock.send(b' ')
        except (socket.timeout, ssl.SSLWantWriteError):
            continue
        except OSError:
            return sent
    return None


class Meter:
    def __init__(self, gateway):
        self.gateway, self.first = gateway, self._mib(gateway)

    @staticmethod
    def _mib(gateway):
        with open(f'/proc/{gateway.proc.pid}/status') as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith('VmRSS'))

    def grown(self):
        return self._mib(self.gateway) - self.first


class Round:
    def __init__(self, report, cluster, gateway, honest, caught):
        self.report, self.cluster, self.gateway, self.honest, self.caught = report, cluster, gateway, honest, caught
        self.pid, self.meter, self.count = gateway.proc.pid, Meter(gateway), 0

    def message(self, to):
        self.count += 1
        return f'honest-{self.count}', f"id='honest-{self.count}' to='{to}'><body>hi</body></message>"

    def still_there(self, what):
        """The process is the same one, and an honest message passes both ways."""
        began = time.monotonic()
        ident, text = self.message(f'alice@{LOCAL}')
        stream = self.honest.external(self.honest.dial(EDGE, LOCAL), LOCAL)
        stream.send(f"<message from='bob@{PEER}/x' {text}")
        came = self.cluster.wait(lambda e: e.get('id') == ident, 10)
        stream.close()
        ident, text = self.message(f'bob@{PEER}/x')
        self.cluster.send(f"<message from='alice@{LOCAL}' {text}")
        went = self.gateway.wait_until(lambda: ident in self.arrived, 10)
        self.report.check(f'{what}: an honest message passes both ways, in {time.monotonic() - began:.2f} s', came is not None and went)
        self.report.check(f'{what}: the process is the same one', self.gateway.proc.pid == self.pid and self.gateway.proc.alive())

    arrived = set()

    def judge(self, what, stream, element, must_end):
        sent = push(stream, element, PATIENCE if must_end else QUIET_S)
        stream.close()
        if must_end:
            self.report.check(f'{what}: the stream ends, after {(sent or 0) / 1024:.0f} KiB', sent is not None)
        self.still_there(what)

    def on_accepted(self):
        """On streams that the peer opened."""
        for name, make, ends, ends_before in ATTACKS:
            element, paced = make(PEER, LOCAL), name in PACED
            stream = self.honest.external(self.honest.dial(EDGE, LOCAL), LOCAL)
            self.judge(f'{name}, authenticated', stream, element, ends is not False and not paced)
            stream = self.honest.dial(EDGE, LOCAL)
            self.judge(f'{name}, not authenticated', stream, element, ends_before and not paced)

    def on_ours(self):
        """On streams that we opened and that go both ways."""
        for peer, (name, make, ends, _) in zip(self.caught, ATTACKS):
            self.cluster.send(f"<message from='alice@{LOCAL}' to='bob@{peer.domain}' id='bait-{peer.domain}'><body>come</body></message>")
            stream = peer.streams.get(timeout=15)
            self.judge(f'{name}, on a stream of ours', stream, make(peer.domain, LOCAL), bool(ends))

    def run(self, minds_memory):
        self.still_there('before')
        self.on_ours()
        self.on_accepted()
        if minds_memory:
            grown = self.meter.grown()
            self.report.check(f'memory: {grown:.0f} MiB more than before; the bound is {PEAK_MIB}', grown < PEAK_MIB)
        self.report.equal('the link was never lost', self.cluster.links, 1)


def caught_peers(dns, authority):
    peers = []
    for i in range(len(ATTACKS)):
        name, ip = f'caught{i}.example', f'127.77.3.{10 + i}'
        dns.domain(name, ip)
        peers.append(Caught(name, ip, authority.issue(name), authority.file).start())
    return peers


def main():
    parser = options.parser(__doc__)
    args = parser.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        dns, authority = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours')
        dns.domain(PEER, net.PEER)
        caught = caught_peers(dns, authority)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        honest = stage.start(Peer(PEER, net.PEER, authority.issue(PEER), authority.file, on_stanza=lambda _, e: Round.arrived.add(e.get('id'))))
        gateway = stage.start_xfedd(Gateway(lab, LOCAL, None, authority.issue(LOCAL, f'conference.{LOCAL}'), authority.file, COMPONENT,
                                            f'{net.LOCAL}:{COMPONENT_PORT}'))
        Round(report, cluster, gateway, honest, caught).run(not args.wrapper)   # sanitizers keep what was freed
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
