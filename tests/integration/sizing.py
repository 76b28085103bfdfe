#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a stream, a stanza that waits and a handshake cost: the figures of doc/operators/SIZING.md, measured anew.

Peers come and stay idle, in both directions; messages wait for a peer that says nothing; a burst of messages passes. Memory and descriptors
must be what the document says, give or take (FACTOR); processor time depends on the machine and is only printed.
"""
import re
import socket
import sys
import time
from pathlib import Path

from lab import net, options
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.meter import Meter
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER, ROOT

HUNG, HUNG_IP = 'hung.example', '127.77.0.5'
MANY = 'many.example'
FIRST = 20          # streams that make the process warm
WAITING = 9000      # messages for a peer that says nothing
BODY = 'x' * 150    # so that a message has about 300 bytes
FACTOR = 1.6        # allocators differ


def documented(what):
    """The number in the row of doc/operators/SIZING.md that begins with these words."""
    page = (Path(ROOT) / 'doc/operators/SIZING.md').read_text()
    return float(re.search(rf'^\| {re.escape(what)}[^|]*\| ([\d.]+) ', page, re.M)[1])


def message(frm, to, ident):
    return f"<message from='{frm}' to='{to}' id='{ident:08d}' type='chat'><body>{BODY}</body><request xmlns='urn:xmpp:receipts'/></message>"


class Scales:
    """What grew since it was last asked."""
    def __init__(self, pid):
        self.meter = Meter(pid)
        self.reset()

    def _now(self):
        return self.meter.rss_mib() * 1024, self.meter.descriptors(), self.meter.cpu_s()

    def reset(self):
        self.last = self._now()

    def grown(self):
        """-> KiB, descriptors, seconds of the processor"""
        before, self.last = self.last, self._now()
        return [now - was for now, was in zip(self.last, before)]


def judge(report, what, kib):
    want = documented(what)
    report.check(f'{what}: {kib:.1f} KiB; the document says {want:g}', want / FACTOR <= kib <= want * FACTOR)


def streams(report, scales, ctl, way, count, open_one):
    """`count` more streams of one direction."""
    what = {'in': 'an idle stream of a peer to us', 'out': 'an idle stream of ours'}[way]

    def is_up(wanted):
        return sum(row['ready'] and row['dir'] == way for row in ctl.ask('streams')[0]) >= wanted

    for n in range(FIRST):
        open_one(n)
    until(lambda: is_up(FIRST), 60)
    scales.reset()
    for n in range(FIRST, FIRST + count):
        open_one(n)
    report.check(f'{count} streams', until(lambda: is_up(FIRST + count), 60))
    time.sleep(0.5)
    kib, descriptors, cpu_s = scales.grown()
    judge(report, what, kib / count)
    report.equal(f'{what}: descriptors', round(descriptors / count, 1), documented('descriptors of a stream'))
    report.say(f'{what}: {1000 * cpu_s / count:.2f} ms of the processor to authenticate')


def waiting(report, scales, ctl, cluster):
    with socket.create_server((HUNG_IP, 5269)):
        cluster.send(message(f'alice@{LOCAL}/x', f'bob@{HUNG}', 0))
        time.sleep(1)
        scales.reset()
        for n in range(WAITING):
            cluster.send(message(f'alice@{LOCAL}/x', f'bob@{HUNG}', n))
        report.check('all of them wait', until(lambda: ctl.ask('queue', HUNG)[0][0]['queued']['stanzas'] > WAITING, 20), str(ctl.ask('queue', HUNG)))
        judge(report, 'a message of 300 bytes that waits', scales.grown()[0] / WAITING)


def burst(report, scales, stream, gateway_heard, count):
    text = ''.join(message(f'bob@{PEER}/x', f'alice@{LOCAL}', n) for n in range(count))
    scales.reset()
    stream.send(text, 60)
    report.check('a burst arrives', until(lambda: len(gateway_heard) >= count, 60), f'{len(gateway_heard)} of {count}')
    report.say(f'a message in a burst, from a peer: {1e6 * scales.grown()[2] / count:.1f} us of the processor')


def main():
    p = options.parser(__doc__)
    p.add_argument('--streams', type=int, default=150, help='of each direction')
    p.add_argument('--burst', type=int, default=20000, help='messages')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        names = [f'n{n}.{MANY}' for n in range(FIRST + args.streams)]
        dns = Dns(lab.scratch)
        for name in (PEER, *names):
            dns.domain(name, net.PEER)
        dns.domain(HUNG, HUNG_IP)
        stage.start(dns)
        heard = []
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT, on_stanza=lambda e: heard.append(e) if e.tag.endswith('message') else None))
        peer = Peer(PEER, net.PEER, ours.issue(PEER, f'*.{MANY}'), ours.file)
        peer.also = names
        stage.start(peer)
        gateway = Gateway(lab, LOCAL, 'dialback-tls', ours.issue(LOCAL, f'conference.{LOCAL}'), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          defaults='bidi = no  ack = none', link='driver = component  ack = none')
        gateway.configure(f'peer "*.{MANY}" {{ max-streams = 1000 }}')     # not a stranger, whose streams are few
        stage.start_xfedd(gateway)
        scales, ctl = Scales(gateway.proc.pid), Ctl(beside(args.xfedd), f'{gateway.folder}/control.sock')

        def come(n):
            peer.domain = names[n]
            peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)

        streams(report, scales, ctl, 'in', args.streams, come)
        peer.domain = PEER
        streams(report, scales, ctl, 'out', args.streams, lambda n: cluster.send(message(f'alice@{LOCAL}/x', f'bob@{names[n]}', n)))
        waiting(report, scales, ctl, cluster)
        stream = peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)
        burst(report, scales, stream, heard, args.burst)
        peer.stop()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
