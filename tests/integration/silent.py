#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Peers that say nothing, and peers that read slowly, do not make the others wait.

One cluster writes to a good peer a hundred times a second, and at the same time far more than they take to others: 40 and 250 names whose
servers accept the connection and say nothing, among them addresses that swallow connections; one slow reader; slow readers in several
networks. What the good peer's messages take, from the time at which each was due, is compared with the same load without the others.
"""
import socket
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
from lab.stuck import BlackHole
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Listener

GOOD = 'good.example'
GOOD_RATE, BAD_RATE = 100, 1500     # messages a second
BODY = 'x' * 8000                   # of those to the others: 12 MB a second
SECONDS = 12
FLOOR = 0.05                        # on a busy machine a message may take as long without any attack
TRIES = 3                           # ... or longer for a moment; what the others do to it, they do each time
PATIENCE = 40                       # for the last one
SLOW_BYTES_S = 500_000
SLOW = 4                            # slow readers, each in a network of its own

# name, domains that get more than they take
PHASES = (
    ('40 silent names', [f'silent{n}.example' for n in range(40)]),
    ('250 silent names, 10 of them black holes', [f'silent{n}.example' for n in range(40, 280)] + [f'hole{n}.example' for n in range(10)]),
    ('one slow reader', ['slow0.example']),
    (f'{SLOW - 1} slow readers in networks of their own', [f'slow{n}.example' for n in range(1, SLOW)]),
)


class SlowReader(Peer):
    """A good server behind a thin line."""
    def start(self):
        self.listener.start()
        self.listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        return self

    def take(self, _stream, _element):
        time.sleep(len(BODY) / SLOW_BYTES_S)


class Load:
    """Messages of the cluster, all over the one link, each due at a time of its own."""
    def __init__(self, cluster):
        self.cluster = cluster
        self.due, self.arrived = {}, {}
        self.bounced = 0
        self._n = 0

    def on_good(self, _stream, element):
        self.arrived[element.get('id')] = time.monotonic()

    def on_cluster(self, element):
        self.bounced += element.get('type') == 'error'

    def run(self, bad):
        """-> seconds that each took, sorted; messages that never arrived took for ever"""
        self.due.clear()
        begun = time.monotonic()
        good_sent = bad_sent = 0
        while (now := time.monotonic()) < begun + SECONDS:
            text = []
            while good_sent < (now - begun) * GOOD_RATE:
                self._n += 1
                self.due[f'g{self._n}'] = begun + good_sent / GOOD_RATE
                text.append(f"<message from='alice@{LOCAL}/x' to='bob@{GOOD}' id='g{self._n}'><body>hi</body></message>")
                good_sent += 1
            while bad and bad_sent < (now - begun) * BAD_RATE and len(text) < 50:
                to = bad[bad_sent % len(bad)]
                text.append(f"<message from='alice@{LOCAL}/x' to='eve@{to}' id='b'><body>{BODY}</body></message>")
                bad_sent += 1
            if text:
                self.cluster.wait_link().send(''.join(text), PATIENCE)
            time.sleep(0.005)
        self._await()
        return sorted(self.arrived.get(i, float('inf')) - due for i, due in self.due.items())

    def _await(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not all(i in self.arrived for i in self.due):
            time.sleep(0.05)


def at(took, share):
    return took[min(len(took) - 1, int(len(took) * share))]


def words(took):
    return f'p50 {at(took, .5) * 1000:.1f} ms, p99 {at(took, .99) * 1000:.1f} ms, longest {took[-1] * 1000:.0f} ms of {len(took)}'


def compare(load, alone, domains):
    """-> what the good peer's messages took beside the others, and the most that their p99 may be; measured anew, both, when it is more"""
    for attempt in range(TRIES):
        if attempt:
            alone = load.run([])
        load.bounced = 0
        took = load.run(domains)
        allowed = 2 * max(at(alone, .99), FLOOR)
        if at(took, .99) <= allowed and took[-1] < PATIENCE:
            break
    return took, allowed


def build(lab, load):
    """DNS, the peers, and the authority."""
    with open('/proc/sys/net/ipv4/tcp_wmem', 'w') as f:
        f.write('4096 16384 131072')    # a path with a small window: loopback would swallow megabytes
    dns, authority = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours')
    keep = [Peer(GOOD, '127.78.0.1', authority.issue(GOOD), authority.file, on_stanza=load.on_good).start()]
    dns.domain(GOOD, '127.78.0.1')
    for n in range(280):
        ip = f'127.79.{n % 250}.{1 + n // 250}'
        dns.domain(f'silent{n}.example', ip)
        keep.append(Listener(ip, 5269, lambda stream: threading.Event().wait()).start())
    for n in range(10):
        dns.domain(f'hole{n}.example', '127.78.1.1')
    keep.append(BlackHole('127.78.1.1'))
    for n in range(SLOW):
        name, ip = f'slow{n}.example', f'127.78.{10 + n}.1'
        dns.domain(name, ip)
        slow = SlowReader(name, ip, authority.issue(name), authority.file)
        slow.on_stanza = slow.take
        keep.append(slow.start())
    return dns, authority, keep


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        cluster = Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT)
        load = Load(cluster)
        cluster.on_stanza = load.on_cluster
        dns, authority, _keep = build(lab, load)
        stage.start(dns)
        stage.start(cluster)
        stage.start_xfedd(Gateway(lab, LOCAL, 'external', authority.issue(LOCAL, f'conference.{LOCAL}'),
                                  authority.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}', extra='process { drain-time = 2s }'))
        load.run([])                    # the stream is made
        alone = load.run([])
        report.check(f'nobody else: {words(alone)}', at(alone, 1) < PATIENCE)
        for name, domains in PHASES:
            took, allowed = compare(load, alone, domains)
            report.check(f'{name}: {words(took)}; {load.bounced} to the others came back',
                         at(took, .99) <= allowed and took[-1] < PATIENCE, f'p99 above {allowed * 1000:.0f} ms')
        report.equal('the link was never lost', cluster.links, 1)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
