#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Connections that are cut in mid-stream while numbered messages go both ways, again and again, between xfedd and another server.

    cut.py --peer prosody       XEP-0198, acknowledgements without resumption; over TLS
    cut.py --peer ejabberd      has no XEP-0198 between servers: pings prove; dialback in clear
    cut.py --peer jabberd2      the same
    cut.py --peer xfedd         XEP-0198 with resumption, two xfedd with a scripted cluster each; over TLS
    cut.py --peer xfedd --oneway        ... a stream for each direction, without XEP-0288

A relay stands between the two servers (lab/relay.py). It resets connections, or lets one or both directions fall into a hole first: TCP
confirms what nobody gets. Each message must arrive or come back as one error; one that xfedd sends a second time must have a stamp
(XEP-0203), and only what was on its way when a connection broke may come twice. Between two xfedd each arrives exactly once and none
comes back. What the peer's server loses of its own before it reached xfedd is shown apart: in clear the relay knows which messages
xfedd's system has acknowledged, and of these none may be lost. Prints a table.
"""
import asyncio
import collections
import random
import sys
import threading
import time

from lab import net, options
from lab.client import NS, Client
from lab.cluster import Cluster
from lab.component import Component
from lab.dns import Dns
from lab.gateway import Gateway
from lab.jabberd2 import SECRET, Jabberd2
from lab.pki import Authority
from lab.proc import Failed
from lab.relay import Relay
from lab.servers import COMPONENT_PORT, Ejabberd, Prosody
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER

RELAYS = '127.77.1.1', '127.77.1.2'     # where SRV records lead: to the peer, to xfedd
CLUSTER_2 = '127.77.0.7'
SERVERS = {'prosody': Prosody, 'ejabberd': Ejabberd, 'jabberd2': Jabberd2}
MODES = {'prosody': 'external', 'xfedd': 'external', 'ejabberd': 'dialback-clear', 'jabberd2': 'dialback-clear'}
PROOF = {'prosody': 'acknowledgements', 'xfedd': 'resumption', 'ejabberd': 'pings', 'jabberd2': 'pings'}
HOLES = (False, True), (True, False), (True, True)      # to whoever dialled, to whom it dialled
CUTS = [(side, hole) for side in (0, 1) for hole in ((False, False),) + HOLES] + ['both', 'end']
HOLE_S = 0.3, 1.5
PAUSE_S = 0.2, 1.0      # from the first message that passes again to the next cut
TICK = 0.05
FLOWS_WITHIN, SETTLED_WITHIN, QUIET_S = 40, 90, 6
DELAY = '{urn:xmpp:delay}delay'
HEADINGS = 'way', 'sent', 'arrived', 'twice', 'stamped', 'returned', 'both', 'before us', 'vanished', 'out of order'


class Way:
    """One direction: when each was sent, when its copies arrived, and its errors."""
    def __init__(self, name, prefix):
        self.name, self.prefix, self.sent = name, prefix, []
        self.arrived, self.errors = collections.defaultdict(list), collections.Counter()
        self.last, self.newest, self.told, self.order_broken = time.monotonic(), -1, -1, 0     # the highest that arrived; or came back

    def text(self, frm, to):
        number = len(self.sent)
        self.sent.append(time.monotonic())
        sender = f"from='{frm}' " if frm else ''
        return f"<message {sender}to='{to}' id='{self.prefix}{number}' type='chat'><body>number {number}</body></message>"

    def heard(self, element):
        number, self.last = int(element.get('id')[len(self.prefix):]), time.monotonic()
        self.told = max(self.told, number)
        if element.get('type') == 'error':
            self.errors[number] += 1
            return
        if number not in self.arrived:
            self.order_broken += number < self.newest
            self.newest = max(self.newest, number)
        self.arrived[number].append((self.last, element.find(DELAY) is not None))

    def open(self):
        """Those of which nothing was heard."""
        return [n for n in range(len(self.sent)) if n not in self.arrived and n not in self.errors]

    def is_slow(self, most):
        """More are on their way than servers on a slow machine should have to work off."""
        return len(self.sent) - 1 - self.told > most

    def flows_since(self, at):
        return self.newest >= 0 and self.sent[self.newest] > at


class Ledger:
    def __init__(self):
        self.out, self.into = Way('out', 'o'), Way('in', 'i')
        self.cuts = []          # (begin, end)

    def heard(self, element):
        ident = element.get('id') or ''
        if element.tag.endswith('}message') and ident[:1] in ('o', 'i') and ident[1:].isdigit():
            (self.out if ident[0] == 'o' else self.into).heard(element)

    def unexplained(self, way):
        """Further copies without a stamp, or without a cut between the sending and themselves."""
        return [n for n, copies in way.arrived.items() for at, stamped in copies[1:]
                if not stamped or not any(way.sent[n] <= end and begin <= at for begin, end in self.cuts)]

    async def flow(self, at):
        """Until messages that were sent since then arrive, both ways."""
        end = time.monotonic() + FLOWS_WITHIN
        while time.monotonic() < end:
            if self.out.flows_since(at) and self.into.flows_since(at):
                return True
            await asyncio.sleep(0.05)
        return False

    async def settle(self):
        end = time.monotonic() + SETTLED_WITHIN
        while time.monotonic() < end:
            quiet = time.monotonic() - max(self.out.last, self.into.last)
            if quiet > QUIET_S and not self.out.open() or quiet > QUIET_S * 6:
                return
            await asyncio.sleep(0.2)


def pong(element):
    """The answer to a ping; None if it is something else."""
    if element.tag.endswith('}iq') and element.get('type') == 'get':
        return f"<iq type='result' id='{element.get('id')}' from='{element.get('to')}' to='{element.get('from')}'/>"
    return None


class Users(Cluster):
    """Of a domain behind an xfedd: one, who writes and hears. Answers the pings of the link."""
    def __init__(self, ip, user, heard):
        super().__init__(ip, COMPONENT_PORT, *COMPONENT, on_stanza=self._on_stanza)
        self.full, self.heard = user, heard

    def _on_stanza(self, element):
        answer = pong(element)
        if answer:
            self.stream.send(answer)
        else:
            self.heard(element)

    async def login(self):
        self.wait_link()

    def write(self, way, to, count):
        self.send(''.join(way.text(self.full, to) for _ in range(count)))

    async def logout(self):
        pass


class AtClient(Client):
    def __init__(self, *args, heard):
        super().__init__(*args)
        self.heard = heard

    def _keep(self, stanza):
        if stanza.xml.tag == NS + 'message':
            self.heard(stanza.xml)
        return stanza

    async def login(self):
        self.asked = asyncio.get_running_loop()
        await super().login()

    def write(self, way, to, count):
        self.asked.call_soon_threadsafe(self.send_raw, ''.join(way.text(None, to) for _ in range(count)))


class AtComponent(Component):
    def __init__(self, *args, heard):
        super().__init__(*args)
        self.full, self.heard = self.bare, heard

    def keep(self, element):
        answer = pong(element)
        if answer:
            self.stream.send(answer)
        else:
            self.heard(element)

    def write(self, way, to, count):
        self.stream.send(''.join(way.text(self.bare, to) for _ in range(count)))


class Cut:
    def __init__(self, stage, args):
        self.stage, self.args, self.report, self.ledger = stage, args, stage.report, Ledger()
        self.random, self.is_over = random.Random(args.seed), threading.Event()
        lab, mode = stage.open(), MODES[args.peer]
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        for name, ip in zip((PEER, LOCAL), RELAYS):
            dns.domain(name, ip)
            dns.domain(f'conference.{name}', ip)
        stage.start(dns)
        is_clear = mode == 'dialback-clear'
        self.relays = [stage.start(Relay(ip, target, from_xfedd, is_clear))
                       for ip, target, from_xfedd in zip(RELAYS, (net.PEER, net.GATEWAY), (True, False))]
        self.us = stage.start(Users(net.LOCAL, f'alice@{LOCAL}/x', self.ledger.heard))
        certificates = [ours.issue(name, f'conference.{name}') for name in (LOCAL, PEER)]
        self.them = self._peer(lab, mode, certificates[1], ours.file)
        self.gateway = stage.start_xfedd(self._xfedd(lab, LOCAL, PEER, net.GATEWAY, net.LOCAL, certificates[0], ours.file))

    def _xfedd(self, lab, domain, other, ip, node, certificate, ca_file):
        bidi = '  bidi = no' if self.args.oneway else ''
        return Gateway(lab, domain, MODES[self.args.peer], certificate, ca_file, COMPONENT, f'{node}:{COMPONENT_PORT}', ip=ip, label=domain,
                       extra=f'peer "{other}" {{ queue-time = 30s{bidi} }}\nprocess {{ log-level = debug }}')

    def _peer(self, lab, mode, certificate, ca_file):
        """Start it. -> its user"""
        if self.args.peer == 'xfedd':
            them = self.stage.start(Users(CLUSTER_2, f'bob@{PEER}/x', self.ledger.heard))
            self.stage.start_xfedd(self._xfedd(lab, PEER, LOCAL, net.PEER, CLUSTER_2, certificate, ca_file))
            return them
        modules = ('smacks',) if self.args.peer == 'prosody' else ()
        server = SERVERS[self.args.peer](lab, 'peer', PEER, net.PEER, mode, certificate, ca_file, modules=modules)
        server.log_level = 'info'       # what it writes at debug makes it slower than the traffic
        self.stage.start(server)
        if self.args.peer == 'jabberd2':
            return AtComponent('bob', PEER, net.PEER, SECRET, heard=self.ledger.heard)
        return AtClient('bob', PEER, net.PEER, ca_file, heard=self.ledger.heard)

    # ---- traffic and cuts

    def _write(self, end, way, to):
        batch, due = max(1, round(self.args.rate * TICK)), time.monotonic()
        while not self.is_over.is_set():
            if way.is_slow(2 * self.args.rate):
                time.sleep(1)       # and then a few, since what was on its way may be lost
            end.write(way, to, batch)
            due = max(due + TICK, time.monotonic() - 0.5)
            time.sleep(max(0.0, due - time.monotonic()))

    def start(self):
        threads = [threading.Thread(target=self._write, args=args, daemon=True)
                   for args in ((self.us, self.ledger.out, self.them.full), (self.them, self.ledger.into, self.us.full))]
        for thread in threads:
            thread.start()
        return threads

    async def cut(self, what):
        begin = time.monotonic()
        if what in ('both', 'end'):
            for relay in self.relays:
                relay.end(by_reset=what == 'both')
        else:
            side, hole = what
            relay = self.relays[side] if self.relays[side].pairs else self.relays[1 - side]
            pairs = relay.hole(*hole)
            if any(hole):
                await asyncio.sleep(self.random.uniform(*HOLE_S))
            relay.end(pairs)
        self.ledger.cuts.append((begin, time.monotonic()))

    async def run(self):
        await self.us.login()
        await self.them.login()
        threads = self.start()
        if not await self.ledger.flow(0):
            raise Failed('no messages pass, although no connection was cut yet')
        slowest = 0
        for at in range(self.args.cuts):
            if at % len(CUTS) == 0:
                order = self.random.sample(CUTS, len(CUTS))
            await asyncio.sleep(self.random.uniform(*PAUSE_S))
            await self.cut(order[at % len(CUTS)])
            since = time.monotonic()
            if not await self.ledger.flow(since):
                self.report.check(f'messages pass again within {FLOWS_WITHIN} s of cut {at + 1}, {order[at % len(CUTS)]}', False)
            slowest = max(slowest, time.monotonic() - since)
        self.is_over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 30)
        await self.ledger.settle()
        for relay in self.relays:
            relay.settle()
        await self.them.logout()
        self.report.say(f'{self.args.cuts} cuts; messages passed both ways again after {slowest:.1f} s at the latest')

    # ---- what came of it

    def row(self, way):
        reached = set().union(*(relay.reached for relay in self.relays))
        open_ = way.open()
        theirs = self.relays[0].is_witness and way is self.ledger.into
        before = [n for n in open_ if f'{way.prefix}{n}' not in reached] if theirs else []
        lost = sorted(set(open_) - set(before))
        extra = [copy for copies in way.arrived.values() for copy in copies[1:]]
        both = [n for n in way.errors if n in way.arrived]
        cells = (way.name, len(way.sent), len(way.arrived), len(extra), sum(stamped for _, stamped in extra), len(way.errors), len(both),
                 len(before), len(lost), way.order_broken)
        return cells, lost

    def judge(self):
        is_xfedd = self.args.peer == 'xfedd'
        self.report.say(f'{self.args.peer}, by {PROOF[self.args.peer]}:')
        print('   ' + ''.join(f'{h:>14}' for h in HEADINGS))
        for way in (self.ledger.out, self.ledger.into):
            cells, lost = self.row(way)
            print('   ' + ''.join(f'{c:>14}' for c in cells), flush=True)
            self._check(way, lost, is_xfedd)

    def _check(self, way, lost, is_xfedd):
        report, name = self.report, 'from xfedd' if way is self.ledger.out else 'to xfedd'
        report.check(f'{name}: none vanished', not lost, f'{len(lost)}: {way.prefix}{lost[:12]}')
        report.check(f'{name}: none is returned twice', not any(n > 1 for n in way.errors.values()))
        if is_xfedd:
            report.check(f'{name}: each arrives once', all(len(copies) == 1 for copies in way.arrived.values()))
            report.equal(f'{name}: none is returned', len(way.errors), 0)
            report.equal(f'{name}: order is kept', way.order_broken, 0)
        elif way is self.ledger.out:
            bad = self.ledger.unexplained(way)
            report.check(f'{name}: what comes twice has a stamp, and was on its way in a cut', not bad, f'{len(bad)}: {bad[:12]}')
            both = [n for n in way.errors if n in way.arrived]
            # what was not proved is sent again, unless the peer refuses the next stream (ejabberd does, where a cut breaks its own question about dialback)
            returned = sum(int(e['stanzas']) for e in self.gateway.events('routing.route.failed'))
            report.check(f'{name}: none arrives and is returned, but where the peer refuses our next stream', len(both) <= returned, f'{both[:12]}, {returned}')


def main():
    p = options.parser(__doc__)
    p.add_argument('--peer', choices=sorted(MODES), default='xfedd')
    p.add_argument('--oneway', action='store_true', help='a stream for each direction: bidi = no')
    p.add_argument('--rate', type=int, default=200, help='messages a second each way')
    p.add_argument('--cuts', type=int, default=len(CUTS))
    p.add_argument('--seed', type=int, default=1)
    args = p.parse_args()
    with Stage(args) as stage:
        cut = Cut(stage, args)
        asyncio.run(cut.run())
        cut.judge()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
