#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Something of two is killed (kill -9) under load, then the other, while users of ours and of a peer write to each other.

    killed.py --local prosody       two xfedd on one server, by mod_route_gateway.lua
    killed.py --local ejabberd      the same, by mod_route_gateway.erl
    killed.py --local jabberd2      two xfedd at one router
    killed.py --local nodes         one xfedd, and two servers (Prosody) as nodes of its link: a server is drained, then each is killed

Twenty users of ours write numbered messages to twenty users of a peer, and these write back over a stream to the first xfedd that takes
one, as the peer's SRV records order them. With Prosody's module what our users write must arrive or come back as an error; what was on its
way when xfedd was killed may arrive twice, with a stamp. So must what the peer writes when a node of the cluster is killed, since a ping
through the server proves. What else was in the killed process at that moment may be lost with it: without acknowledgements nobody else has
it; the scripted peer does not speak XEP-0198. A node that a reload drains costs nothing: all arrives once and in order. At the end of the run with Prosody the server itself goes: both xfedd refuse connections once
hold-time is over, and take them again when it is back. Prints a table.
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
from lab.jabberd2_local import OURS, Jabberd2Local
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Failed, until
from lab.servers import COMPONENT_PORT, SERVICE_PORT, Ejabberd, Prosody
from lab.stage import Stage
from lab.world import LOCAL, PEER
from lab.xmlstream import Closed

USERS, SECRET = f'users.{LOCAL}', 'the secret of the link'
NAMES = f'xfedd1.{LOCAL}', f'xfedd2.{LOCAL}'
IPS = net.GATEWAY, '127.77.0.5'
COUNT, TICK = 20, 0.05
SERVERS = net.LOCAL, '127.77.0.6'
NODES = tuple(f'{ip}:{COMPONENT_PORT}' for ip in SERVERS)
LINK = 'driver = component\n    hold-time = 2s\n    refuse-peers = yes'
ROUTER = 'driver = router  tls = none'
AT_ONCE, PROVED = 'ack = none', ''       # settings of the peer
PATIENCE = 40       # s for all users to be heard again
RECOVERED = 3       # s of silence at most, beside what messages take on this machine now; it may take a stream to be opened anew
DRAINED = 10        # s, the default of drain-time
NEAR = 1            # s before and after a kill, beside the same, in which what is lost was in the process


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
        times = [t for n, t in list(self.arrived.items()) if self.sent[n] >= at]     # others go on arriving meanwhile
        return min(times) - at if times else None


class Users(Component):
    """Answers pings, so that they prove what came before them."""
    def __init__(self, heard, ip, port, secret):
        super().__init__('', USERS, ip, secret, port)
        self.heard, self.count = heard, 0

    def keep(self, element):
        self.count += element.tag.endswith('}message')
        if element.tag.endswith('}iq') and element.get('type') == 'get':
            self.stream.send(f"<iq type='result' id='{element.get('id')}' from='{element.get('to')}' to='{element.get('from')}'/>")
        else:
            self.heard(element)

    def write(self, text):
        """-> False when its server is gone."""
        try:
            self.stream.send(text)
            return True
        except Closed:
            return False


class Traffic:
    def __init__(self, rate, users):
        self.rate = rate
        self.out = [Way(f'u{i}@{USERS}/x', f'v{i}@{PEER}/x') for i in range(COUNT)]
        self.into = [Way(f'v{i}@{PEER}/x', f'u{i}@{USERS}/x') for i in range(COUNT)]
        self.users = [Users(self.heard, *where) for where in users]     # one at each server
        self.peer, self.stream, self.dialled = None, None, 0
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
        text = self._batch(self.out, 'o')
        for users in self.users:
            if users.stream and users.write(text):
                return

    def delay(self):
        """The longest that a message took of late, or has taken that is still under way."""
        now, ways = time.monotonic(), self.out + self.into
        took = [at - way.sent[n] for way in ways for n, at in list(way.arrived.items())[-200:] if way.sent[n] > now - 5]
        return max(took + [now - way.sent[way.highest + 1] for way in ways if 0 <= way.highest < len(way.sent) - 1], default=0)

    def flow(self, at, patience=PATIENCE):
        """Until every user was heard with something sent since then."""
        end = time.monotonic() + patience
        while time.monotonic() < end and any(way.gap(at) is None for way in self.out + self.into):
            time.sleep(0.05)

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


class Kill:
    """What was killed when, how long messages took before, and the longest silence each way."""
    def __init__(self, report, traffic, what, popen):
        self.what, self.delay, self.begun = what, traffic.delay(), time.monotonic()
        popen.send_signal(signal.SIGKILL)
        popen.wait()
        self.when = time.monotonic()
        traffic.flow(self.when)
        self.silence = {}
        for name, ways in (('out', traffic.out), ('in', traffic.into)):
            gaps = [way.gap(self.when) for way in ways]
            self.silence[name] = max(gap if gap is not None else 99 for gap in gaps)
            allowed = RECOVERED + 3 * self.delay
            report.check(f'kill -9 of {what}: every user writes and is heard again, {name}', self.silence[name] <= allowed,
                         f'{self.silence[name]:.2f} s, allowed {allowed:.2f} s')

    def explains(self, at):
        near = NEAR + 3 * self.delay
        return self.begun - near < at < self.when + near


def count(traffic, key):
    return sum(len(value) if isinstance(value, dict) else value for value in (getattr(way, key) for way in traffic.out + traffic.into))


def quiet_count(users):
    """-> how many messages they have got, once their server has passed on what it still had"""
    def is_quiet():
        before = users.count
        time.sleep(1)
        return users.count == before
    until(is_quiet, DRAINED)
    return users.count


def drain(report, traffic, gateway, left):
    """The second node goes by a reload, and comes back by another. Nobody notices."""
    begun, before = time.monotonic(), len(gateway.events('link.stream.down'))
    gateway.configure('', node=left)
    report.equal(f'a reload drains server 2, nodes = {left}', gateway.reload(), 'done')
    gateway.wait_until(lambda: len(gateway.events('link.stream.down')) > before, DRAINED)
    took = time.monotonic() - begun
    ends = gateway.events('link.stream.down')[before:]
    report.equal('its stream ends politely', [e.get('reason') for e in ends], ['drained'])
    report.check('and long before drain-time', took < DRAINED / 2, f'{took:.2f} s')
    traffic.flow(time.monotonic())
    is_quiet = quiet_count(traffic.users[1])
    time.sleep(2)
    report.equal('it gets nothing more', traffic.users[1].count - is_quiet, 0)
    gateway.configure('', node=gateway.node)
    ups = len(gateway.events('link.stream.up'))
    report.equal('a reload takes it back', gateway.reload(), 'done')
    report.check('its stream is up again', gateway.wait_until(lambda: len(gateway.events('link.stream.up')) > ups, PATIENCE))
    report.check('and it is used', gateway.wait_until(lambda: traffic.users[1].count > is_quiet, PATIENCE))
    traffic.flow(time.monotonic())
    for key, what in ('errors', 'returned'), ('doubled', 'arrives twice'), ('order_broken', 'is out of order'), ('stamped', 'was sent again'):
        report.equal(f'nothing {what}', count(traffic, key), 0)
    print(f'   drained under load: the stream ended after {took:.2f} s, of {count(traffic, "arrived")} messages so far')


def settled(report, traffic):
    """Both are there again, and messages pass, for a while."""
    time.sleep(2)
    traffic.flow(time.monotonic())


def judge(report, traffic, kills, case):
    print(f'\n   {case}: ' + '; '.join(f'kill -9 of {k.what}: out again after {k.silence["out"] * 1000:.0f} ms, in {k.silence["in"] * 1000:.0f} ms' for k in kills))
    print(f'   {"":6}{"sent":>8}{"arrived":>9}{"returned":>10}{"in the killed process":>23}{"vanished":>10}{"twice":>7}{"stamped":>9}{"out of order":>14}')
    for name, ways in (('out', traffic.out), ('in', traffic.into)):
        lost = [way.sent[n] for way in ways for n in way.lost()]
        is_kept = (case, name) in KEPT
        far = [at for at in lost if is_kept or not any(kill.explains(at) for kill in kills)]
        total = [sum(len(x) for x in column) for column in zip(*((w.sent, w.arrived, w.errors) for w in ways))]
        doubled, stamped, broken = (sum(getattr(w, key) for w in ways) for key in ('doubled', 'stamped', 'order_broken'))
        print(f'   {name:6}{total[0]:8}{total[1]:9}{total[2]:10}{len(lost) - len(far):23}{len(far):10}{doubled:7}{stamped:9}{broken:14}')
        report.equal(f'{"what our users wrote" if name == "out" else "what the peer wrote"}: none vanished'
                     + ('' if is_kept else ' but in what was killed'), len(far), 0)
        report.check(f'only stamped messages arrive twice, {name}', doubled <= stamped, f'{doubled} twice, {stamped} stamped')
    print(flush=True)


def is_refused(ip):
    try:
        socket.create_connection((ip, 5269), 2).close()
        return False
    except ConnectionRefusedError:
        return True


def server_away(report, traffic, prosody, gateways):
    begun = time.monotonic()
    prosody.stop()
    is_early = not is_refused(IPS[0]) and not is_refused(IPS[1])
    report.check('the server goes: peers may come for a while', is_early or time.monotonic() - begun > 2)
    report.check('after hold-time both xfedd refuse them',
                 gateways[0].wait_until(lambda: is_refused(IPS[0]) and is_refused(IPS[1]), PATIENCE))
    took = time.monotonic() - begun
    report.check('not before', took > 1.5, f'{took:.1f} s')
    prosody.start()
    report.check('it is back, and they take them again',
                 gateways[0].wait_until(lambda: not is_refused(IPS[0]) and not is_refused(IPS[1]), PATIENCE))


KEPT = ('prosody', 'out'), ('nodes', 'in')     # somebody else has what was on its way to the one that is killed


class Stand:
    """What is at our side: servers, xfedd, and where the users are, as (address, port, secret)."""
    def __init__(self, lab, certificate, authority, case):
        self.lab, self.certificate, self.authority, self.case = lab, certificate, authority, case
        names = ' '.join(NAMES)
        if case == 'nodes':
            self.servers = [self._server(Prosody, f'local{at}', ip, NAMES[0]) for at, ip in enumerate(SERVERS)]
            self.gateways = [self._gateway(0, NODES, LINK, PROVED)]
            return
        kind = {'prosody': Prosody, 'ejabberd': Ejabberd, 'jabberd2': Jabberd2Local}[case]
        self.servers = [self._server(kind, 'local', net.LOCAL, 'xfedd' if case == 'jabberd2' else names)]
        step = 10 if case == 'ejabberd' else 0      # which has a listener for each name
        self.gateways = [self._gateway(at, f'{net.LOCAL}:{COMPONENT_PORT + step * at}', ROUTER if case == 'jabberd2' else LINK, AT_ONCE)
                         for at in (0, 1)]

    def _server(self, kind, role, ip, names):
        server = kind(self.lab, role, LOCAL, ip, 'external', self.certificate, self.authority.file, (names, SECRET))
        server.services[USERS] = SECRET
        server.log_level = 'info'       # what it writes at debug makes it slower than the traffic
        return server

    def _gateway(self, at, node, link, settings):
        name = 'xfedd' if self.case == 'jabberd2' else NAMES[at]
        return Gateway(self.lab, LOCAL, 'external', self.certificate, self.authority.file, (name, SECRET), node, ip=IPS[at],
                       label=f'xfedd{at + 1}', link=link, defaults=settings, aliases=f'"conference.{LOCAL}", "{USERS}"')

    def users(self):
        if self.case == 'jabberd2':
            return [(net.LOCAL, COMPONENT_PORT, OURS)]
        return [(server.ip, SERVICE_PORT, SECRET) for server in self.servers]

    def kill(self, report, traffic, at):
        """-> what is known of it; and start it again"""
        if self.case != 'nodes':
            gateway = self.gateways[at]
            found = Kill(report, traffic, f'xfedd {at + 1}', gateway.proc.popen)
            gateway.start(linked=self.case != 'jabberd2')
            return found
        server, gateway = self.servers[at], self.gateways[0]
        ups = len(gateway.events('link.stream.up'))
        found = Kill(report, traffic, f'server {at + 1}', server.runner.popen)
        server.start()
        asyncio.run(traffic.users[at].login())
        report.check(f'server {at + 1} is back, and xfedd uses it', gateway.wait_until(lambda: len(gateway.events('link.stream.up')) > ups, 30))
        return found


def main():
    p = options.parser(__doc__)
    p.add_argument('--local', choices=('prosody', 'ejabberd', 'jabberd2', 'nodes'), default='prosody')
    p.add_argument('--rate', type=int, default=300, help='messages a second each way')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        stage.start(dns)
        stand = Stand(lab, ours.issue(LOCAL, f'conference.{LOCAL}', USERS), ours, args.local)
        for server in stand.servers:
            stage.start(server)
        traffic = Traffic(args.rate, stand.users())
        traffic.peer = stage.start(Peer(PEER, net.PEER, ours.issue(PEER), ours.file,
                                        on_stanza=lambda _stream, element: traffic.heard(element)))
        for users in traffic.users:
            asyncio.run(users.login())
        for gateway in stand.gateways:
            stage.start_xfedd(gateway)
        traffic.start()
        traffic.flow(0)
        if not all(way.arrived for way in traffic.out + traffic.into):
            raise Failed('some users are not heard although nothing has happened yet')
        settled(report, traffic)
        if args.local == 'nodes':
            for left in NODES[:1], (NODES[0], f'{NODES[1]} weight=0'):
                drain(report, traffic, stand.gateways[0], left)
                settled(report, traffic)
        kills = []
        for at in (0, 1):
            kills.append(stand.kill(report, traffic, at))
            settled(report, traffic)
        traffic.settle()
        judge(report, traffic, kills, args.local)
        if args.local == 'prosody':
            server_away(report, traffic, stand.servers[0], stand.gateways)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
