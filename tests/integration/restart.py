#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Numbered messages both ways while everything around them is restarted (issue 2, must show 4).

A scripted cluster and a scripted peer send at a steady rate. A quarter through, the peer is cut off and comes back a second
later; at the half the cluster drops the link and does the same; at three quarters xfedd itself is ended and started again.
Each message must arrive once or come back as one error. What was already written to a connection that then broke is neither,
until XEP-0198 comes, and is counted apart: it must have been sent about the time of a break and in one run of numbers for
each, or it is lost without a cause.
"""
import collections
import sys
import threading
import time

from lab import net, options
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Failed
from lab.report import Report, fatal
from lab.servers import COMPONENT_PORT
from lab.world import COMPONENT, LOCAL, PEER, Lab
from lab.xmlstream import Closed

ALICE, BOB = f'alice@{LOCAL}/x', f'bob@{PEER}/x'
BEFORE, AFTER = 2.0, 0.5        # a message may be lost with a break that came so many seconds after or before it was sent
TICK = 0.05


class Way:
    """One direction: what was sent when, and what became of it."""
    def __init__(self, name, letter, frm, to):
        self.name, self.letter, self.frm, self.to = name, letter, frm, to
        self.sent = []                              # number -> time
        self.delivered, self.errors = collections.Counter(), collections.Counter()
        self.last = time.monotonic()
        self.order_broken = 0
        self._highest = -1

    def stanza(self):
        number = len(self.sent)
        self.sent.append(time.monotonic())
        return (f"<message from='{self.frm}' to='{self.to}' id='{self.letter}{number}' type='chat'>"
                f'<body>number {number}</body></message>')

    def heard(self, element):
        """A stanza with one of our ids: the message itself, or its error."""
        number = int(element.get('id')[1:])
        self.last = time.monotonic()
        if element.get('type') == 'error':
            self.errors[number] += 1
            return
        self.delivered[number] += 1
        self.order_broken += number < self._highest
        self._highest = max(self._highest, number)

    def judge(self, report, breaks):
        lost = [n for n in range(len(self.sent)) if not self.delivered[n] and not self.errors[n]]
        near = [n for n in lost if any(at - BEFORE <= self.sent[n] <= at + AFTER for at in breaks)]
        runs = sum(1 for i, n in enumerate(near) if i == 0 or near[i - 1] != n - 1)
        twice = sum(1 for n in self.delivered if self.delivered[n] > 1)
        both = sum(1 for n in self.delivered if self.errors[n])
        again = sum(1 for n in self.errors if self.errors[n] > 1)
        row = (self.name, len(self.sent), len(self.delivered), len(self.errors), len(near), len(lost) - len(near), twice,
               both + again, self.order_broken)
        report.equal(f'{self.name}: every message has one fate', len(self.delivered) + len(self.errors) - both + len(lost),
                     len(self.sent))
        report.equal(f'{self.name}: none lost without a cause', len(lost) - len(near), 0)
        report.check(f'{self.name}: those lost with a connection are one run for each break', runs <= len(breaks), f'{runs} runs')
        report.equal(f'{self.name}: none arrives twice', twice, 0)
        report.equal(f'{self.name}: none arrives and is refused, or is refused twice', both + again, 0)
        report.equal(f'{self.name}: order is kept', self.order_broken, 0)
        report.check(f'{self.name}: most arrive', len(self.delivered) > len(self.sent) // 2)
        return row


HEADINGS = ('way', 'sent', 'arrived', 'one error', 'lost with a connection', 'lost otherwise', 'twice', 'both or again',
            'out of order')


class Traffic:
    def __init__(self, cluster, peer, count, rate):
        self.cluster, self.peer, self.count, self.rate = cluster, peer, count, rate
        self.out, self.into = Way('out', 'o', ALICE, BOB), Way('in', 'i', BOB, ALICE)
        cluster.on_stanza = self._heard
        peer.on_stanza = lambda _stream, element: self._heard(element)
        self.peer_up = threading.Event()
        self.peer_up.set()
        self._stream = None

    def _heard(self, element):
        way = {'o': self.out, 'i': self.into}.get((element.get('id') or ' ')[0])
        if way:
            way.heard(element)

    def progress(self):
        return len(self.out.sent) / self.count

    # ---- sending

    def start(self):
        threads = [threading.Thread(target=self._send, args=(self.out, self._to_link), daemon=True),
                   threading.Thread(target=self._send, args=(self.into, self._to_gateway), daemon=True)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, way, write):
        batch = max(1, round(self.rate * TICK))
        due = time.monotonic()
        while len(way.sent) < self.count:
            for _ in range(min(batch, self.count - len(way.sent))):
                write(way)
            due = max(due + TICK, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _to_link(self, way):
        stream = self._until(lambda: self.cluster.wait_link(60))
        try:
            stream.send(way.stanza())       # numbered once a connection is there, and never sent again
        except Closed:
            pass

    def _to_gateway(self, way):
        self.peer_up.wait(60)
        stream = self._until(self._gateway_stream)
        try:
            stream.send(way.stanza())
        except Closed:
            self._stream = None

    def _gateway_stream(self):
        if self._stream and self._stream in self.peer.open:
            return self._stream
        stream = self.peer.external(self.peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)
        threading.Thread(target=self._watch, args=(stream,), daemon=True).start()
        self._stream = stream
        return stream

    def _watch(self, stream):
        """Nothing is to come on a stream that we opened but its end."""
        self.peer.drain(stream, 3600)
        self.peer.open.discard(stream)
        stream.close()

    @staticmethod
    def _until(call):
        for _ in range(300):
            try:
                return call()
            except (Closed, OSError):
                time.sleep(0.1)
        raise Failed('no connection within 30 s')

    def settle(self):
        """Until nothing has come for five seconds."""
        end = time.monotonic() + 90
        while time.monotonic() < end and time.monotonic() - max(self.out.last, self.into.last) < 5:
            time.sleep(0.2)


class Breaks:
    def __init__(self, report, traffic, cluster, peer, gateway):
        self.report, self.traffic = report, traffic
        self.cluster, self.peer, self.gateway = cluster, peer, gateway
        self.times = []

    def run(self):
        for share, action in ((0.25, self.peer_restarts), (0.5, self.link_restarts), (0.75, self.gateway_restarts)):
            while self.traffic.progress() < share:
                time.sleep(0.02)
            self.report.say(action.__doc__)
            action()

    def _mark(self):
        self.times.append(time.monotonic())

    def peer_restarts(self):
        """the peer is cut off, and back after a second"""
        self.traffic.peer_up.clear()
        self._mark()
        self.peer.stop(abort=True)
        time.sleep(1)
        self.peer.start()
        self.traffic.peer_up.set()

    def link_restarts(self):
        """the cluster closes the link, and listens again after a second"""
        self._mark()
        self.cluster.stop()
        time.sleep(1)
        self.cluster.start()

    def gateway_restarts(self):
        """xfedd is ended with SIGTERM and started again"""
        self._mark()
        status = self.gateway.stop()
        self._mark()
        self.report.equal('xfedd ends with status 0', status, 0)
        self.gateway.start()


def show(rows):
    table = [HEADINGS] + [tuple(str(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    print()
    for row in table:
        print('   ' + '  '.join(cell.rjust(width) if i else cell.ljust(width)
                                for i, (cell, width) in enumerate(zip(row, widths))))
    print(flush=True)


def main():
    p = options.parser(__doc__)
    p.add_argument('--count', type=int, default=10000, help='messages each way')
    p.add_argument('--rate', type=int, default=500, help='messages a second each way')
    args = p.parse_args()
    options.need_xfedd(args)
    report = Report()
    lab = Lab('no', args.xfedd, args.wrapper, report.say)
    dns = gateway = None
    try:
        lab.open()
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        dns.start()
        cluster = Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT)
        peer = Peer(PEER, net.PEER, ours.issue(PEER), ours.file)
        traffic = Traffic(cluster, peer, args.count, args.rate)
        cluster.start()
        peer.start()
        gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, f'conference.{LOCAL}'),
                          ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}').start()
        report.say(f'{args.count} messages each way, {args.rate} a second')
        breaks = Breaks(report, traffic, cluster, peer, gateway)
        threads = traffic.start()
        breaks.run()
        for thread in threads:
            thread.join(120)
        traffic.settle()
        report.equal('all were sent', (len(traffic.out.sent), len(traffic.into.sent)), (args.count, args.count))
        show([way.judge(report, breaks.times) for way in (traffic.out, traffic.into)])
    except (Failed, Closed) as e:
        fatal(report, e)
    finally:
        if gateway and gateway.proc:
            report.equal('xfedd ends with status 0', gateway.stop(), 0)
        if dns:
            dns.stop()
        lab.close(args.keep_scratch or report.failed > 0)
    if report.failed:
        report.say(f'logs: {lab.scratch}/log')
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
