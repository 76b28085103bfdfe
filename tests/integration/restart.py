#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Numbered messages both ways while everything around them is restarted.

A scripted cluster and a scripted peer send at a steady rate. A quarter through, the peer is cut off and comes back a second
later; at the half the cluster drops the link and does the same; at three quarters xfedd itself is ended and started again.
Both answer pings, as servers do, so that xfedd knows what a connection that broke has brought them. Each message must arrive once
or come back as one error. What they had written to a connection that then broke is neither, and is counted apart: it must have been
sent about the time of a break and in one run of numbers for each, or it is lost without a cause.
"""
import sys
import threading
import time

from lab import net, options
from lab.dns import Dns
from lab.gateway import Gateway
from lab.pki import Authority
from lab.polite import Polite, PoliteCluster
from lab.proc import Failed
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.ways import Way, show
from lab.world import COMPONENT, LOCAL, PEER
from lab.xmlstream import Closed

ALICE, BOB = f'alice@{LOCAL}/x', f'bob@{PEER}/x'
TICK = 0.05


class Traffic:
    def __init__(self, count, rate):
        self.cluster, self.peer, self.count, self.rate = None, None, count, rate
        self.out, self.into = Way('out', 'o', ALICE, BOB), Way('in', 'i', BOB, ALICE)
        self.peer_up = threading.Event()
        self.peer_up.set()

    def heard(self, element):
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
        try:
            self.peer.outgoing.send(way.stanza)
        except Closed:
            pass

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


def main():
    p = options.parser(__doc__)
    p.add_argument('--count', type=int, default=10000, help='messages each way')
    p.add_argument('--rate', type=int, default=500, help='messages a second each way')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        stage.start(dns)
        traffic = Traffic(args.count, args.rate)
        cluster = traffic.cluster = stage.start(PoliteCluster(net.LOCAL, COMPONENT_PORT, *COMPONENT, heard=traffic.heard))
        peer = traffic.peer = stage.start(Polite(PEER, net.PEER, ours.issue(PEER), ours.file, heard=traffic.heard))
        gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, f'conference.{LOCAL}'),
                                            ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}'))
        report.say(f'{args.count} messages each way, {args.rate} a second')
        breaks = Breaks(report, traffic, cluster, peer, gateway)
        threads = traffic.start()
        breaks.run()
        for thread in threads:
            thread.join(120)
        traffic.settle()
        report.equal('all were sent', (len(traffic.out.sent), len(traffic.into.sent)), (args.count, args.count))
        show([way.judge(report, breaks.times) for way in (traffic.out, traffic.into)])
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
