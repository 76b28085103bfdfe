#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two hundred reloads under load, a third of them of broken files.

Three peers of different kinds exchange numbered messages with the cluster in both directions, on streams that nobody opens a second time: one
that closes is one too many. Meanwhile the file is written anew and SIGHUP sent, again and again: other limits, other peers, other domains of
ours, and mistakes of every kind, which must change nothing. A fourth peer is shut out and let in again; only its streams may end, with
policy-violation, and what our users write to it comes back as one error.
"""
import itertools
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
from lab.ways import Way, show
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Closed

EDGE = (net.GATEWAY, 5269)
VICTIM = 'victim.example'
FORBID_EVERY = 20       # reloads

# domain, section, TLS towards us, how it authenticates
STEADY = (
    ('external.example', '', True, 'external'),
    ('dialback.example', '', True, 'dialback'),
    ('clear.example', 'tls = none  certificate = ignore', False, 'dialback'),
)


class Talker:
    """A peer and its two numbered ways."""
    def __init__(self, number, peer, secure, method):
        self.peer, self.secure, self.method = peer, secure, method
        alice, bob = f'alice@{LOCAL}/x', f'bob@{peer.domain}/x'
        self.out = Way(f'to {peer.domain}', f'o{number}-', alice, bob)
        self.into = Way(f'from {peer.domain}', f'i{number}-', bob, alice)
        self.failures = []
        peer.on_stanza = lambda _stream, element: self.heard(element)

    def heard(self, element):
        for way in (self.out, self.into):
            if (element.get('id') or '').startswith(way.prefix):
                way.heard(element)

    def connect(self):
        stream = self.peer.dial(EDGE, LOCAL, self.secure)
        if self.method == 'external':
            self.peer.external(stream, LOCAL)
        elif self.peer.dialback(stream, LOCAL) != 'valid':
            raise Closed('dialback is refused')
        return stream


class Load:
    def __init__(self, cluster, talkers, victim, rate):
        self.cluster, self.talkers, self.victim, self.rate = cluster, talkers, victim, rate
        self.over = threading.Event()
        self.victim_ends = []           # how its streams to us ended
        cluster.on_stanza = self._heard

    def _heard(self, element):
        for talker in self.talkers + [self.victim]:
            talker.heard(element)

    def start(self):
        jobs = [(self._out, t) for t in self.talkers + [self.victim]] + [(self._into, t) for t in self.talkers] + [(self._victim, self.victim)]
        threads = [threading.Thread(target=job, args=(t,), daemon=True) for job, t in jobs]
        for thread in threads:
            thread.start()
        return threads

    def _pace(self, write):
        due = time.monotonic()
        while not self.over.is_set():
            write()
            due = max(due + 1 / self.rate, time.monotonic() - 0.5)
            time.sleep(max(0.0, due - time.monotonic()))

    def _out(self, talker):
        self._pace(lambda: self.cluster.send(talker.out.stanza()))

    def _into(self, talker):
        """On one stream, for all the time."""
        try:
            stream = talker.connect()
            self._pace(lambda: stream.send(talker.into.stanza()))
        except (Closed, OSError) as e:
            talker.failures.append(str(e))

    def _victim(self, talker):
        """It comes back when it can."""
        while not self.over.is_set():
            try:
                stream = talker.connect()
                threading.Thread(target=self._watch, args=(stream,), daemon=True).start()
                self._pace(lambda: stream.send(talker.into.stanza()))
            except (Closed, OSError):
                time.sleep(0.05)

    def _watch(self, stream):
        self.victim_ends.append(self.victim.peer.drain(stream, 3600))
        stream.close()

    def settle(self):
        end = time.monotonic() + 40
        ways = [w for t in self.talkers + [self.victim] for w in (t.out, t.into)]
        while time.monotonic() < end and time.monotonic() - max(w.last for w in ways) < 4:
            time.sleep(0.1)


class Files:
    """What the file says: good ones in turn, and broken ones."""
    def __init__(self, pki, folder):
        cert, key = pki.issue('more.example')
        other_cert, _ = pki.issue('other.example')
        served = f'served "more.example" {{{{ link = cluster  certificate = "{cert}"  key = "{{key}}" }}}}'
        with open(f'{folder}/bad.list', 'w') as f:
            f.write('spam.example\nspam..example is no domain\n')
        with open(f'{folder}/good.list', 'w') as f:
            f.write('\n'.join(f'spam{n}.example' for n in range(5000)))
        self.good = itertools.cycle([
            '',
            '\n'.join(f'peer "p{n}.example" {{ profile = webex }}' for n in range(200)),
            f'policy-x blocklists {folder}/good.list',
            'peer "*.example" { max-stanza = 128k  queue-stanzas = 500  stanza-rate = 100000  byte-rate = 100M }',
            'peer "*.example" { idle-timeout = 1h  ping-interval = 10s  bidi = no }\nunauthenticated { half-open = 1500 }',
            served.format(key=key),
            'peer "new.example" { dns-servers = {"192.0.2.53"}  source = {"127.0.0.1"}  route = {"127.77.9.9:5269"}  route-order = equal }',
        ])
        self.broken = itertools.cycle([
            'peer "x.example" { tls = perhaps }',
            'peer "x.example" { tsl = required }',
            'peer "x.example" { idle-timeout = 10 }',
            'peer "x.example" {',
            'peer "x.example" { dialback = no  sasl-in = no }',
            'peer "x.example" { }\npeer "x.example" { }',
            f'served "{LOCAL}" {{ link = cluster }}',
            'served "more.example" { link = nowhere }',
            f'policy-x blocklists {folder}/bad.list',
            f'policy-x blocklists {folder}/none.list',
            served.format(key=f'{folder}/none.key'),
            f'served "more.example" {{ link = cluster  certificate = "{other_cert}"  key = "{key}" }}',
            'include("none.conf")',
            '\x00\x01 this is no configuration',
        ])


class Reloads:
    def __init__(self, report, gateway, files, load):
        self.report, self.gateway, self.files, self.load = report, gateway, files, load
        self.unexpected, self.counts = [], {'done': 0, 'refused': 0}
        self.forbidden = False
        self.forbid_times, self.slowest = [], 0     # when the victim had been shut out; the slowest reload

    def write(self, text):
        sections = [f'peer "{d}" {{ {more} }}' for d, more, _, _ in STEADY if more]
        sections.append(f'peer "{VICTIM}" {{ {"direction = none" if self.forbidden else ""} }}')
        blocklist = text.split()[-1] if text.startswith('policy-x') else None
        self.gateway.configure('\n'.join(sections + ([] if blocklist else [text])), blocklist)

    def once(self, text, want):
        self.write(text)
        start = time.monotonic()
        got = self.gateway.reload(30)
        self.slowest = max(self.slowest, time.monotonic() - start)
        if got != want:
            self.unexpected.append(f'{want} was due, {got} came: {text[:80]!r}')
        self.counts[got] = self.counts.get(got, 0) + 1

    def run(self, count):
        for n in range(count):
            if n % 3 == 2:
                self.once(next(self.files.broken), 'refused')
                continue
            if n % FORBID_EVERY < 2 and n >= FORBID_EVERY and not self.forbidden:
                self.wait_for_victim()
                self.forbidden = True
                self.once(next(self.files.good), 'done')
                self.forbid_times.append(time.monotonic())      # xfedd may have been slow to do it
                continue
            if n % FORBID_EVERY >= FORBID_EVERY // 2:
                self.forbidden = False
            self.once(next(self.files.good), 'done')

    def wait_for_victim(self):
        """Until it talks again, both ways: else there are no streams to end."""
        ways = (self.load.victim.out, self.load.victim.into)
        before, end = [len(w.delivered) for w in ways], time.monotonic() + 30
        while time.monotonic() < end and any(len(w.delivered) <= b for w, b in zip(ways, before)):
            time.sleep(0.02)


def judge(report, gateway, cluster, load, reloads, count):
    report.equal(f'{count} reloads, each as it should be: {reloads.counts}, the slowest {reloads.slowest:.2f} s', reloads.unexpected, [])
    report.check('about a third of them are broken', abs(reloads.counts['refused'] - count / 3) < 2)
    rows = [way.judge(report) for t in load.talkers for way in (t.out, t.into)]
    for t in load.talkers:
        domain = t.peer.domain
        report.equal(f'{domain}: its stream to us never closed', t.failures, [])
        ended = [e.line for e in gateway.events('s2s.stream.down', peer=domain) if e['stanzas'] != '0']
        report.equal(f'{domain}: no stream that carried stanzas ended, in either direction', ended, [])
    report.equal('the link was never lost', cluster.links, 1)
    victim, times = load.victim, reloads.forbid_times
    rows += [victim.out.judge(report, times, most=False), victim.into.judge(report, times, most=False)]
    ends = [e for e in load.victim_ends if e != 'open']
    report.check(f'{VICTIM}: shut out {len(times)} times, each time its stream ends with policy-violation',
                 len(times) >= 5 and ends.count('policy-violation') >= len(times), str(ends))
    downs = [e for e in gateway.events('s2s.stream.down', peer=VICTIM, dir='out', reason='policy')]
    report.check(f'{VICTIM}: so does ours to it', len(downs) >= len(times), f'{len(downs)} of {len(times)}')
    report.check(f'{VICTIM}: what was written to it meanwhile came back', sum(victim.out.errors.values()) > 0)
    show(rows)


def main():
    p = options.parser(__doc__)
    p.add_argument('--count', type=int, default=200, help='reloads')
    p.add_argument('--rate', type=int, default=250, help='messages a second, for each peer and direction')
    args = p.parse_args()
    with Stage(args) as stage:
        lab = stage.open()
        ours, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'theirs')
        dns = Dns(lab.scratch)
        talkers = []
        for n, (domain, _, secure, method) in enumerate(STEADY + ((VICTIM, '', True, 'external'),)):
            ip = f'127.77.1.{n + 1}'
            dns.domain(domain, ip)
            authority = ours if method == 'external' else theirs
            peer = Peer(domain, ip, authority.issue(domain) if secure else None, ours.file if method == 'external' else None)
            peer.offer = method
            talkers.append(Talker(n, peer, secure, method))
            stage.start(peer)
        stage.start(dns)
        cluster = Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT)
        load = Load(cluster, talkers[:-1], talkers[-1], args.rate)
        stage.start(cluster)
        gateway = Gateway(lab, LOCAL, 'dialback-tls', ours.issue(LOCAL, f'conference.{LOCAL}'), ours.file, COMPONENT,
                          f'{net.LOCAL}:{COMPONENT_PORT}')
        reloads = Reloads(stage.report, gateway, Files(ours, lab.folder('gateway')), load)
        reloads.write('')
        stage.start_xfedd(gateway)
        threads = load.start()
        time.sleep(1)
        reloads.run(args.count)
        if reloads.forbidden:
            reloads.forbidden = False
            reloads.once('', 'done')
        time.sleep(1)
        load.over.set()
        for thread in threads:
            thread.join(20)
        load.settle()
        judge(stage.report, gateway, cluster, load, reloads, args.count)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
