#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Owners of many names do not keep good peers out.

Attackers with one certificate for *.evilN.example each open streams, pairs, routes for answers and connections of names = per-peer as fast as they can, against
an xfedd with 1024 descriptors: one owner from one address; one owner from all over a network; several owners from several networks. Meanwhile three good peers
exchange messages, each through both servers and back: one that the configuration names and that is there before, one that it does not name, and one that comes when
the attack is at its height. How long a message takes is compared with how long it takes, at the same time on the same machine, through a second xfedd that nobody
attacks; new domains are reached; memory and descriptors stay bounded. In the end all is given back.
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

from lab import net, options, share
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.meter import Meter
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.xmlstream import Closed

EDGE, TWIN_IP = (net.GATEWAY, 5269), '127.77.0.5'
LOCAL, EACH, TWIN = 'a.example', 'c.example', 'twin.example'    # behind a link of one name, one of names = per-peer; of the xfedd at peace
EACH_PORT, TWIN_PORT = COMPONENT_PORT + 1, COMPONENT_PORT + 2
DESCRIPTORS = 1024
FREE_DESCRIPTORS = 64       # that must be left at any time
KEPT_DESCRIPTORS = DESCRIPTORS // 4   # ... a while later, beside those in peace: connections of names = per-peer and streams for answers stay, an eighth each
PEAK_MIB = 96               # memory on top of that in peace
KEPT_MIB = 64               # ... a while later
TRIES = 3                   # of an attack: what it does to the others it does each time, and a machine stands still now and then
WORSE, FLOOR_S = 2, 0.12    # a message may take twice as long as at the twin; the floor is what a machine under other load does to either of them now and then
SETTLE_S = 2                # until the attackers, who start a Python each, are at work
OWNERS = 4
WORKERS, PAIRS = 400, 120   # of each attacker: streams at a time, pairs on each

ATTACKS = (
    ('one owner, one address', 1, ['127.66.0.9']),
    ('one owner, one network', 1, [f'127.66.1.{n}' for n in range(1, 31)]),
    (f'{OWNERS} owners, 8 networks', OWNERS, [f'127.66.{2 + n % 8}.{1 + n // 8}' for n in range(40)]),
)

DRAIN = 'process { drain-time = 0s }\n'
EXTRA = DRAIN + f'''
peer "named.example" {{ max-streams = 8 }}
link "each" {{ nodes = {{ "{net.LOCAL}:{EACH_PORT}" }} name = "each.example" names = per-peer secret-file = "link.secret" }}
served "{EACH}" {{ link = each certificate = "CERTIFICATE" key = "KEY" }}
'''


class Crowd(Cluster):
    """A cluster's server that answers: nobody is there, but echo, who sends back what comes. Any component name is right."""
    def __init__(self, *args):
        super().__init__(*args, on_stanza=self.answer)
        self.parts = {}

    def answer(self, element):
        if element.get('type') == 'error':
            return
        frm, to = element.get('from'), element.get('to')
        more = "type='error'" if to.startswith('nobody@') else ''
        self.send(f"<message from='{to}' to='{frm}' id='{element.get('id')}' {more}/>")


class EachCrowd(Crowd):
    def _serve(self, stream):
        stream.header = self.keeping_name(stream.header)
        super()._serve(stream)

    def keeping_name(self, header):
        def read(*args):
            return dict(header(*args), to=self.name)
        return read

    def answer(self, element):
        pass        # an answer had to go over the stream of its peer; what is at stake is how many of these there are


class Good:
    """A peer whose messages go to echo@a.example and come back."""
    def __init__(self, lab, domain, number, authority, edge=EDGE, to=LOCAL):
        self.domain, self.n, self.edge, self.to = domain, 0, edge, to
        self.back = {}
        self.peer = Peer(domain, f'127.78.0.{number}', authority.issue(domain), authority.file, on_stanza=self.came)
        self.stream = None

    def start(self):
        self.peer.start()

    def stop(self):
        self.peer.stop()

    def came(self, _stream, element):
        event = self.back.get(element.get('id'))
        if event:
            event.set()

    def expect(self, ident):
        return self.back.setdefault(ident, threading.Event())

    def dial(self, seconds=20):
        """-> how long it took to be authenticated; None: it was not within the time."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            try:
                self.stream = self.peer.external(self.peer.dial(self.edge, self.to), self.to)
                threading.Thread(target=self.peer.drain, args=(self.stream, 3600), daemon=True).start()
                return time.monotonic() - began
            except (Closed, OSError):
                time.sleep(0.2)
        return None

    def exchange(self, seconds, gap=0.04, patience=8):
        """Messages one after the other. -> how long each took, there and back; `patience` for one that was lost."""
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            self.n += 1
            ident = f'{self.domain}-{self.n}'
            event, sent = self.expect(ident), time.monotonic()
            try:
                if not self.stream and self.dial(patience) is None:
                    raise Closed('not authenticated')
                self.stream.send(f"<message from='x@{self.domain}' to='echo@{self.to}' id='{ident}'/>")
                took.append(time.monotonic() - sent if event.wait(patience) else patience)
            except Closed:
                self.stream = None
                took.append(patience)
            time.sleep(gap)
        return took


def silent(ip):
    """A port to which connects succeed, and nobody ever says a word."""
    sock = socket.socket()
    sock.bind((ip, 5269))
    sock.listen(4096)
    return sock


def at(took, share):
    return sorted(took)[min(len(took) - 1, int(len(took) * share))]


def words(took):
    return f'{len(took)} messages, p50 {statistics.median(took) * 1000:.0f} ms, p99 {at(took, 0.99) * 1000:.0f} ms, max {max(took) * 1000:.0f} ms'


def rates(counts):
    """Of what the attackers counted, who say how long they were at it."""
    return ', '.join(f'{value / counts["seconds"]:.0f} {key}' for key, value in counts.items() if key != 'seconds')


def together(goods, seconds):
    took = [None] * len(goods)

    def run(i):
        took[i] = goods[i].exchange(seconds)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(goods))]
    for thread in threads:
        thread.start()
    return threads, took


class Owners:
    def __init__(self, stage, seconds):
        self.report, self.stage, self.seconds = stage.report, stage, seconds
        self.lab = lab = stage.open()
        self.authority = Authority(lab.folder('pki'), 'common')
        self.evil = [[f'evil{n}.example', *self.authority.issue(f'evil{n}.example', f'*.evil{n}.example')] for n in range(OWNERS)]
        self.silent = []
        self.dns, self.numbers = Dns(lab.scratch), iter(range(1, 250))
        self.dns.domain(TWIN, TWIN_IP)
        for n, (domain, _, _) in enumerate(self.evil):
            self.dns.lines.append(f'address=/{domain}/127.66.200.{n + 1}')
            self.silent.append(silent(f'127.66.200.{n + 1}'))
        self.goods = {name: self.good(name) for name in ['named', 'known'] + [f'{kind}{n}' for kind in ('late', 'fresh') for n in range(len(ATTACKS))]}
        self.goods['calm'] = self.good('calm', (TWIN_IP, 5269), TWIN)
        stage.start(self.dns)
        for good in self.goods.values():
            stage.start(good)
        stage.start(Crowd(net.LOCAL, TWIN_PORT, f'xfedd.{TWIN}', 'the secret'))
        self.cluster = stage.start(Crowd(net.LOCAL, COMPONENT_PORT, f'xfedd.{LOCAL}', 'the secret'))
        stage.start(EachCrowd(net.LOCAL, EACH_PORT, 'each.example', 'the secret'))
        certificate, key = self.authority.issue(EACH)
        self.twin = self.start_gateway(TWIN, DRAIN, TWIN_PORT, TWIN_IP, 'twin')
        self.limit_descriptors()
        self.gateway = self.start_gateway(LOCAL, EXTRA.replace('CERTIFICATE', certificate).replace('KEY', key), COMPONENT_PORT, net.GATEWAY, None)
        self.meter = Meter(self.gateway.proc.pid)

    def start_gateway(self, domain, extra, port, ip, label):
        gateway = Gateway(self.lab, domain, None, self.authority.issue(domain, f'conference.{domain}'), self.authority.file,
                          (f'xfedd.{domain}', 'the secret'), f'{net.LOCAL}:{port}', ip=ip, label=label,
                          defaults='tls = required certificate = preferred dane = no', extra=extra)
        self.stage.start_xfedd(gateway)
        share.weigh(gateway.proc.pid, -20)
        return gateway

    def limit_descriptors(self):
        script = f'{self.lab.scratch}/xfedd-{DESCRIPTORS}'
        with open(script, 'w') as f:
            f.write(f'#!/bin/sh\nexec prlimit --nofile={DESCRIPTORS}:{DESCRIPTORS} {self.lab.xfedd} "$@"\n')
        os.chmod(script, 0o755)
        self.lab.xfedd = script

    def good(self, name, *where):
        number = next(self.numbers)
        domain = f'{name}.example'
        self.dns.domain(domain, f'127.78.0.{number}')
        return Good(self.lab, domain, number, self.authority, *where)

    def peace(self):
        self.present = [self.goods[name] for name in ('named', 'known', 'calm')]
        for good in self.present:
            self.report.check(f'{good.domain} is authenticated in peace', good.dial() is not None)
        threads, took = together(self.present, self.seconds / 3)
        for thread in threads:
            thread.join()
        self.report.say(f'in peace: {words(took[0] + took[1])}; {self.meter.descriptors()} descriptors, {self.meter.rss_mib():.1f} MiB')
        self.rss, self.fds = self.meter.rss_mib(), self.meter.descriptors()

    @staticmethod
    def bound(calm):
        return max(WORSE * at(calm, 0.99), FLOOR_S)

    def judge(self, who, took, calm):
        self.report.check(f'{who}: {words(took)}; p99 may be {self.bound(calm) * 1000:.0f} ms', at(took, 0.99) <= self.bound(calm))

    def begin(self, number, owners, sources):
        attackers = []
        for seed in range(2):
            job = dict(address=EDGE, sources=sources, owners=self.evil[:owners], to=[LOCAL, EACH], workers=WORKERS, pairs=PAIRS,
                       seconds=self.seconds + SETTLE_S, seed=2 * number + seed)
            program = os.path.join(os.path.dirname(__file__), 'lab', 'owner.py')
            attackers.append(subprocess.Popen([sys.executable, program, json.dumps(job)], stdout=subprocess.PIPE, text=True, start_new_session=True))
            share.weigh(attackers[-1].pid, -10)     # behind the gateways, and before whatever else this machine does
            self.stage.at_end(attackers[-1].kill)
        return attackers

    def watch(self, threads):
        """The most of memory and descriptors, until the threads end."""
        rss = fds = 0
        while any(thread.is_alive() for thread in threads):
            rss, fds = max(rss, self.meter.rss_mib()), max(fds, self.meter.descriptors())
            time.sleep(0.05)
        return rss, fds

    def reach(self, name):
        """A user of ours writes to a domain that was never heard of."""
        good = self.goods[name]
        event, began = good.expect(f'new-{name}'), time.monotonic()
        self.cluster.send(f"<message from='u@{LOCAL}' to='v@{good.domain}' id='new-{name}'/>")
        came = event.wait(10)
        self.report.check(f'a new domain of the cluster is reached within {time.monotonic() - began:.2f} s', came)

    def attack(self, number, what, owners, sources):
        self.report.say(f'---- {what}')
        for attempt in range(TRIES):
            attackers = self.begin(number, owners, sources)
            took, rss, fds = self.under(number, not attempt)
            counts = self.counted(attackers)
            self.report.check(f'descriptors: {fds} at most of {DESCRIPTORS}', fds <= DESCRIPTORS - FREE_DESCRIPTORS)
            self.report.check(f'memory: {rss:.1f} MiB at most, {self.rss:.1f} in peace', rss <= self.rss + PEAK_MIB)
            calm = took.pop('the twin')
            if all(at(one, 0.99) <= self.bound(calm) for one in took.values()):
                break
            self.report.say('late: ' + '; '.join(f'{who}: {words(one)}' for who, one in took.items()))
        self.report.say(f'the attackers, a second: {rates(counts)}')
        self.report.check('they did attack', counts.get('streams', 0) > 40 and counts.get('claims', 0) > 2000)
        self.report.say(f'at the twin: {words(calm)}')
        for who, one in took.items():
            self.judge(who, one, calm)

    def under(self, number, is_first):
        """While they are at it. -> what the messages of each took; the most of memory and descriptors"""
        time.sleep(SETTLE_S)
        threads, took = together(self.present, self.seconds)
        time.sleep(self.seconds / 4)
        late = self.goods[f'late{number}']
        if is_first:
            came_s = late.dial()
            self.report.check(f'{late.domain}, which nobody named, comes in the middle: authenticated after {came_s or 0:.2f} s',
                              came_s is not None and came_s < 5)
        late_threads, late_took = together([late], self.seconds / 2)
        if is_first:
            self.reach(f'fresh{number}')
        rss, fds = self.watch(threads + late_threads)
        return {'named.example': took[0], 'known.example': took[1], late.domain: late_took[0], 'the twin': took[2]}, rss, fds

    @staticmethod
    def counted(attackers):
        counts = {}
        for attacker in attackers:
            for key, value in json.loads(attacker.communicate()[0] or '{}').items():
                counts[key] = max(counts.get(key, 0), value) if key == 'seconds' else counts.get(key, 0) + value
        return counts

    def afterwards(self):
        gone = self.gateway.wait_until(lambda: self.meter.descriptors() <= self.fds + KEPT_DESCRIPTORS, 30)
        self.report.check(f'afterwards: {self.meter.descriptors()} descriptors (connections of names = per-peer stay for a while)', gone)
        self.report.check(f'... and {self.meter.rss_mib():.1f} MiB', self.meter.rss_mib() <= self.rss + KEPT_MIB)
        lines = len(self.gateway.events())
        self.report.say(f'{lines} lines of the log')


def main():
    p = options.parser(__doc__)
    p.add_argument('--seconds', type=float, default=12, help='how long each attack lasts')
    args = p.parse_args()
    with Stage(args) as stage:
        share.put_first(stage)
        owners = Owners(stage, args.seconds)
        owners.peace()
        for number, (what, count, sources) in enumerate(ATTACKS):
            owners.attack(number, what, count, sources)
        owners.afterwards()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
