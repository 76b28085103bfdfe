#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two xfedd on one Prosody, and kill -9 of each in turn while users of ours and of a peer write to each other.

Twenty users of ours (each keeps to one xfedd, as mod_route_gateway.lua says) write numbered messages to twenty users of a peer, and these
write back over a stream to the first xfedd that takes one, as the peer's SRV records order them. What our users write must arrive or come
back as an error; what was on its way when xfedd was killed may arrive twice, with a stamp. What the peer wrote to a killed xfedd may be
lost with the connection, since the scripted peer does not speak XEP-0198. At the end Prosody itself goes: both xfedd refuse connections
once hold-time is over, and take them again when it is back. Prints a table.
"""
import asyncio
import signal
import socket
import sys
import threading
import time

from lab import net, options
from lab.component import Component
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Failed
from lab.servers import COMPONENT_PORT, SERVICE_PORT, Prosody
from lab.stage import Stage
from lab.world import LOCAL, PEER
from lab.xmlstream import Closed

USERS, SECRET = f'users.{LOCAL}', 'the secret of the link'
NAMES = f'xfedd1.{LOCAL}', f'xfedd2.{LOCAL}'
IPS = net.GATEWAY, '127.77.0.5'
COUNT, TICK = 20, 0.05
LINK = 'driver = component\n    hold-time = 2s\n    refuse-peers = yes'
PATIENCE = 10       # s for all users to be heard again
RECOVERED = 3     # seconds in which a user hears nothing of a kill, at most; it may take a stream to be opened anew


class Way:
    """What one sender wrote to one receiver."""
    def __init__(self, frm, to):
        self.frm, self.to = frm, to
        self.sent, self.arrived, self.errors, self.doubled, self.stamped = [], {}, {}, 0, 0
        self.order_broken, self.highest = 0, -1

    def stanza(self, prefix):
        self.sent.append(time.monotonic())
        number = len(self.sent) - 1
        return f"<message from='{self.frm}' to='{self.to}' id='{prefix}-{number}' type='chat'><body>number {number}</body></message>"

    def heard(self, number, element):
        now = time.monotonic()
        if element.get('type') == 'error':
            self.errors.setdefault(number, now)
            return
        is_stamped = element.find('{urn:xmpp:delay}delay') is not None
        self.stamped += is_stamped
        if number in self.arrived:
            self.doubled += 1
            return
        self.arrived[number] = now
        self.order_broken += number < self.highest
        self.highest = max(self.highest, number)

    def lost(self):
        return [n for n in range(len(self.sent)) if n not in self.arrived and n not in self.errors]

    def gap(self, at):
        """How long after `at` until something arrived that was sent after it."""
        times = [t for n, t in self.arrived.items() if self.sent[n] >= at]
        return min(times) - at if times else None


class Users(Component):
    def __init__(self, heard):
        super().__init__('', USERS, net.LOCAL, SECRET, SERVICE_PORT)
        self.heard = heard

    def keep(self, element):
        self.heard(element)


class Traffic:
    def __init__(self, rate):
        self.rate = rate
        self.out = [Way(f'u{i}@{USERS}/x', f'v{i}@{PEER}/x') for i in range(COUNT)]
        self.into = [Way(f'v{i}@{PEER}/x', f'u{i}@{USERS}/x') for i in range(COUNT)]
        self.users, self.peer, self.stream, self.dialled = Users(self.heard), None, None, 0
        self.is_over, self.last = threading.Event(), time.monotonic()

    def heard(self, element):
        ident = (element.get('id') or '').split('-')
        if len(ident) == 3 and ident[0] in ('o', 'i'):
            ways = self.out if ident[0] == 'o' else self.into
            ways[int(ident[1])].heard(int(ident[2]), element)
            self.last = time.monotonic()

    def settle(self, quiet=3, patience=60):
        self.is_over.set()
        end = time.monotonic() + patience
        while time.monotonic() < end and time.monotonic() - self.last < quiet:
            time.sleep(0.1)

    def start(self):
        for send in (self._send_out, self._send_in):
            threading.Thread(target=self._run, args=(send,), daemon=True).start()

    def _run(self, send):
        due = time.monotonic()
        while not self.is_over.is_set():
            send()
            due = max(due + TICK, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))

    def _batch(self, ways, letter):
        each = max(1, round(self.rate * TICK / COUNT))
        return ''.join(way.stanza(f'{letter}-{i}') for i, way in enumerate(ways) for _ in range(each))

    def _send_out(self):
        self.users.stream.send(self._batch(self.out, 'o'))

    def _send_in(self):
        """By the order of the SRV records: the first address that lets us in."""
        if not self.stream or self.stream not in self.peer.open:
            self.stream = self._dial()
        try:
            if self.stream:
                self.stream.send(self._batch(self.into, 'i'))
        except Closed:
            self.stream = None

    def _dial(self):
        for ip in IPS:
            try:
                stream = self.peer.external(self.peer.dial((ip, 5269), USERS), USERS)
            except (Closed, OSError):
                continue
            self.dialled += 1
            threading.Thread(target=self._watch, args=(stream,), daemon=True).start()
            return stream
        return None

    def _watch(self, stream):
        self.peer.drain(stream, 3600)
        self.peer.open.discard(stream)
        stream.close()


def kill(report, traffic, gateways, at):
    gateway = gateways[at]
    when = time.monotonic()
    gateway.proc.popen.send_signal(signal.SIGKILL)
    gateway.proc.popen.wait()
    end = when + PATIENCE
    while time.monotonic() < end and any(way.gap(when) is None for way in traffic.out + traffic.into):
        time.sleep(0.1)
    gaps = {name: [way.gap(when) for way in ways] for name, ways in (('out', traffic.out), ('in', traffic.into))}
    for name, found in gaps.items():
        longest = max((gap if gap is not None else 99) for gap in found)
        report.check(f'kill -9 of xfedd {at + 1}: every user writes and is heard again, {name}', longest <= RECOVERED, f'{longest:.2f} s')
        report.say(f'   longest silence {longest:.2f} s')
    gateway.start()
    time.sleep(3)
    return when


def judge(report, traffic, kills):
    print(f'\n   {"":6}{"sent":>8}{"arrived":>9}{"errors":>8}{"vanished":>10}{"twice":>7}{"stamped":>9}{"out of order":>14}')
    for name, ways in (('out', traffic.out), ('in', traffic.into)):
        lost = [way.sent[n] for way in ways for n in way.lost()]
        total = [sum(len(x) for x in column) for column in zip(*((w.sent, w.arrived, w.errors) for w in ways))]
        doubled, stamped, broken = (sum(getattr(w, key) for w in ways) for key in ('doubled', 'stamped', 'order_broken'))
        print(f'   {name:6}{total[0]:8}{total[1]:9}{total[2]:8}{len(lost):10}{doubled:7}{stamped:9}{broken:14}')
        if name == 'out':
            report.equal('what our users wrote: none vanished', len(lost), 0)
            report.check('only stamped messages arrive twice', doubled <= stamped, f'{doubled} twice, {stamped} stamped')
        else:
            far = [at for at in lost if not any(abs(at - when) < 1 for when in kills)]
            report.equal('what the peer wrote: none vanished but with a killed xfedd', len(far), 0)
    print(flush=True)


def is_refused(ip):
    try:
        socket.create_connection((ip, 5269), 2).close()
        return False
    except ConnectionRefusedError:
        return True


def server_away(report, traffic, prosody, gateways):
    prosody.stop()
    begun = time.monotonic()
    report.check('the server goes: peers may come for a while', not is_refused(IPS[0]) and not is_refused(IPS[1]))
    report.check('after hold-time both xfedd refuse them',
                 gateways[0].wait_until(lambda: is_refused(IPS[0]) and is_refused(IPS[1]), 8))
    took = time.monotonic() - begun
    report.check('not before', took > 1.5, f'{took:.1f} s')
    prosody.start()
    report.check('it is back, and they take them again',
                 gateways[0].wait_until(lambda: not is_refused(IPS[0]) and not is_refused(IPS[1]), 5))


def main():
    p = options.parser(__doc__)
    p.add_argument('--rate', type=int, default=300, help='messages a second each way')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        certificate = ours.issue(LOCAL, f'conference.{LOCAL}', USERS)
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        stage.start(dns)
        prosody = Prosody(lab, 'local', LOCAL, net.LOCAL, 'external', certificate, ours.file, (' '.join(NAMES), SECRET))
        prosody.services[USERS] = SECRET
        prosody.log_level = 'info'      # what it writes at debug makes it slower than the traffic
        stage.start(prosody)
        traffic = Traffic(args.rate)
        traffic.peer = stage.start(Peer(PEER, net.PEER, ours.issue(PEER), ours.file,
                                        on_stanza=lambda _stream, element: traffic.heard(element)))
        gateways = [stage.start_xfedd(Gateway(lab, LOCAL, 'external', certificate, ours.file, (name, SECRET),
                                              f'{net.LOCAL}:{COMPONENT_PORT}', ip=ip, label=f'xfedd{at + 1}', link=LINK, defaults='ack = none',
                                              aliases=f'"conference.{LOCAL}", "{USERS}"'))
                    for at, (name, ip) in enumerate(zip(NAMES, IPS))]
        asyncio.run(traffic.users.login())
        traffic.start()
        time.sleep(3)
        if not all(way.arrived for way in traffic.out + traffic.into):
            raise Failed('some users are not heard although nothing has happened yet')
        kills = [kill(report, traffic, gateways, at) for at in (0, 1)]
        traffic.settle()
        judge(report, traffic, kills)
        server_away(report, traffic, prosody, gateways)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
