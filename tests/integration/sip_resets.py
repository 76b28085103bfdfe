#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SIP peers that break their connections 1,000 times while numbered messages go both ways: each is answered, or returned, once.

    sip_resets.py [--resets N] [--rate N] [--seed N]

A peer resets or ends a connection of either side: at any moment, in the midst of a request or an answer, behind a request without
answer, behind its answer, before and in the handshake; or it is gone as a whole for a moment.

    from xfedd   Each message is delivered (the peer answered 2xx), or comes back as one error. Both only where the answer was lost with
                 its connection: the peer has the message, and nobody can know. None reaches a peer twice.
    to xfedd     Each has at most one final answer, exactly one unless its connection broke. None reaches the cluster twice; what was
                 answered with 2xx did reach it. A user whom the cluster does not know: 404, but 202 where the cluster said so only
                 after `error-window`, as xfedd counts it.

Their order is kept from each sender to each recipient, to xfedd within a connection. Prints a table.
"""
import asyncio
import collections
import random
import sys
import time

from lab import net, options
from lab.ca import Authority
from lab.ca import dns as dns_name
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.meter import Meter
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.sip import answer_to
from lab.sipnode import Node, reset_at_close
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL

HOST, HOST_PORT = f'sip.{LOCAL}', 5061
PEERS, USERS, DIALLED = 6, 4, 2         # peers; users of each of them, and ours; connections to xfedd that each keeps
REFUSED_BY_PEER, UNKNOWN_HERE = 11, 13      # every such message is answered with 404
ANSWER_WITHIN = 0.02        # seconds that a peer thinks, at most
LOST_WITHIN = 2.5           # an answer that is lost was written so shortly before the break, and xfedd may have stood still for a second
KILLED_S = 0.05, 0.4
SETTLED_WITHIN, FLOWS_WITHIN = 20, 40
TICK = 0.02
ODDS = {'reset': 8, 'end': 4, 'unanswered': 6, 'answered': 6, 'half an answer': 3, 'half a request': 4, 'handshake of xfedd': 1,
        'handshake with xfedd': 2, 'kill': 1}

SIP = '''
sip { host = "%s"  certificate = { "sip.pem" }  key = { "sip.key" }  dialogs-file = "" }
peer "*.example" { protocol = sip }
''' % HOST


class Out:
    """A message of ours: how often the peer got it, what it answered, and when over which connection; how often it came back."""
    __slots__ = ('pair', 'requests', 'status', 'at', 'conn', 'errors')

    def __init__(self, pair):
        self.pair, self.requests, self.status, self.at, self.conn, self.errors = pair, 0, None, None, None, 0

    @property
    def is_accepted(self):
        return self.status == 200


class In:
    """A message of a peer: its connection, whether all of it was written, its final answers, how often the cluster got it."""
    __slots__ = ('pair', 'conn', 'is_whole', 'answers', 'reached')

    def __init__(self, pair, conn, is_whole):
        self.pair, self.conn, self.is_whole, self.answers, self.reached = pair, conn, is_whole, [], 0

    @property
    def is_unknown(self):
        return self.pair[1].startswith('none@')


class Ledger:
    def __init__(self):
        self.out, self.into, self.breaks = [], [], collections.Counter()
        self.arrived = {'out': collections.defaultdict(list), 'in': collections.defaultdict(list)}     # by pair, in their order

    def broke(self, how):
        self.breaks[how] += 1

    def open(self):
        return [n for n, m in enumerate(self.out) if not m.errors and not m.is_accepted]

    # ---- what the peers and the cluster see

    def request(self, number):
        message = self.out[number]
        message.requests += 1
        self.arrived['out'][message.pair].append(number)
        return message

    def stanza(self, element):
        """Of the cluster."""
        ident, body = element.get('id') or '', element.findtext('{jabber:component:accept}body') or ''
        if not element.tag.endswith('}message'):
            return None
        if element.get('type') == 'error':
            self.out[int(ident[1:])].errors += 1
            return None
        message = self.into[int(body[1:])]
        message.reached += 1
        self.arrived['in'][message.pair].append(int(body[1:]))
        return message


class Peer(Node):
    def __init__(self, ledger, number, *args):
        super().__init__(*args)
        self.ledger, self.number, self.is_over = ledger, number, False
        self.at_next = []       # what happens at the next requests
        self.by_branch, self.of_pair, self.calls = {}, {}, 0

    # ---- from xfedd

    def on_request(self, conn, message):
        if message.method != 'MESSAGE':
            conn.write(answer_to(message.lines, 200))
            return
        entry = self.ledger.request(int(message.body[1:]))
        how = self.at_next.pop() if self.at_next and conn.is_open else None
        if how:
            self.ledger.broke(how)
        if how == 'unanswered':
            conn.reset()
        elif how == 'half an answer':
            text = answer_to(message.lines, 200)
            conn.cut_off(text[:random.randrange(1, len(text))])
            conn.reset()
        elif how == 'answered':
            self._answer(conn, message, entry)
            conn.reset()
        else:
            self.loop.call_later(random.uniform(0, ANSWER_WITHIN), self._answer, conn, message, entry)

    def _answer(self, conn, message, entry):
        if not conn.is_open:
            return
        entry.status = 404 if int(message.body[1:]) % REFUSED_BY_PEER == 0 else 200
        entry.at, entry.conn = self.loop.time(), conn
        conn.write(answer_to(message.lines, entry.status))

    # ---- to xfedd

    def on_answer(self, conn, message):
        if message.status >= 200:
            self.by_branch[message['via'].partition('branch=')[2].partition(';')[0]].answers.append(message.status)

    def _dialled(self):
        return [c for c in self.conns if c.is_dialled and c.is_open]

    def _conn_of(self, pair):
        """The same as long as it is there, since order is kept on one connection."""
        conn = self.of_pair.get(pair)
        if not conn or not conn.is_open:
            dialled = self._dialled()
            conn = self.of_pair[pair] = random.choice(dialled) if dialled else None
        return conn

    def write(self, is_whole=True):
        """A message to xfedd, or half of one. -> its connection; None: there is none, and nothing was written"""
        number = len(self.ledger.into)
        user = 'none' if number % UNKNOWN_HERE == 0 else f'u{random.randrange(USERS)}'
        pair = f'v{random.randrange(USERS)}@{self.domain}', f'{user}@{LOCAL}'
        conn = self._conn_of(pair)
        if not conn:
            return None
        entry = In(pair, conn, is_whole)
        self.ledger.into.append(entry)
        branch = f'z9hG4bK{self.number}x{number}'
        self.by_branch[branch] = entry
        alias, body = ';alias' if self.number % 2 else '', f'i{number}'
        text = '\r\n'.join((f'MESSAGE sip:{pair[1]} SIP/2.0', f'Via: SIP/2.0/TLS {self.domain}{alias};branch={branch}', 'Max-Forwards: 70',
                            f'From: <sip:{pair[0]}>;tag={number}', f'To: <sip:{pair[1]}>', f'Call-ID: {branch}', 'CSeq: 1 MESSAGE',
                            'Content-Type: text/plain', f'Content-Length: {len(body)}', '', body))
        if is_whole:
            conn.write(text)
        else:
            conn.cut_off(text[:random.randrange(1, len(text))])
        return conn

    async def keep_dialled(self):
        while not self.is_over:
            while len(self._dialled()) < DIALLED and not self.is_over:
                await self.dial()
            await asyncio.sleep(0.01)

    # ---- breaks

    def on_broken_accept(self):
        self.ledger.broke('handshake of xfedd')

    async def do(self, how):
        any_conn = [c for c in self.conns if c.is_open]
        if how in ('unanswered', 'answered', 'half an answer'):
            self.at_next.append(how)
        elif how == 'handshake of xfedd':
            self.break_accepted = 1
        elif how == 'handshake with xfedd':
            await self._half_handshake()
        elif how == 'kill' and self.listening:
            self.ledger.broke(how)
            self.kill()
            await asyncio.sleep(random.uniform(*KILLED_S))
            self.listen()
        elif how == 'half a request':
            conn = self.write(is_whole=False)
            if conn:
                self.ledger.broke(how)
                await asyncio.sleep(random.choice((0, 0.002)))
                conn.reset()
        elif any_conn and how in ('reset', 'end'):
            self.ledger.broke(how)
            getattr(random.choice(any_conn), how)()

    async def _half_handshake(self):
        _, writer = await asyncio.open_connection(*self.target, local_addr=(self.address[0], 0))
        writer.write(b'\x16\x03\x01\x02\x00\x01'[:random.randrange(7)])     # the beginning of a ClientHello
        await asyncio.sleep(random.uniform(0, 0.005))
        reset_at_close(writer.get_extra_info('socket'))
        writer.transport.abort()
        self.ledger.broke('handshake with xfedd')


class Resets:
    def __init__(self, stage, args):
        self.stage, self.args, self.report, self.ledger = stage, args, stage.report, Ledger()
        lab = stage.open()
        ours = Authority(lab.folder('pki'), 'ours')
        names = Dns(lab.scratch)
        names.host(HOST, net.GATEWAY)
        self.peers = [self._peer(ours, names, n) for n in range(PEERS)]
        stage.start(names)
        self.cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT, on_stanza=self._on_stanza))
        self.gateway = self._xfedd(lab, ours)
        self.ctl = Ctl(beside(args.xfedd), f'{self.gateway.folder}/control.sock')
        self.meter = Meter(self.gateway.proc.pid)
        self.is_over = False

    def _peer(self, ours, names, n):
        domain, ip = f'p{n}.example', f'127.77.5.{n + 1}'
        names.host(f'sip.{domain}', ip)
        names.lines.append(f'srv-host=_sips._tcp.{domain},sip.{domain},5061,0,5')
        return Peer(self.ledger, n, domain, ip, ours.issue(domain, dns_name(domain)), ours.pem, (net.GATEWAY, HOST_PORT), HOST)

    def _xfedd(self, lab, ours):
        gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, dns_name(LOCAL, f'conference.{LOCAL}')), ours.pem, COMPONENT,
                          f'{net.LOCAL}:{COMPONENT_PORT}', extra=SIP, control=f'sip = {{ "{net.GATEWAY}:{HOST_PORT}" }}', trust='expiry-warning = 0')
        pem, key = ours.issue('sip', dns_name(HOST))
        gateway.configure(SIP.replace('sip.pem', pem).replace('sip.key', lab.private(key, gateway.folder)))
        return self.stage.start_xfedd(gateway)

    # ---- the cluster

    def _on_stanza(self, element):
        message = self.ledger.stanza(element)
        if message and element.get('to').startswith('none@'):
            self.cluster.send(f"<message from='{element.get('to')}' to='{element.get('from')}' id='{element.get('id')}' type='error'>"
                              "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")

    def _send(self, peer):
        number, pair = len(self.ledger.out), (f'u{random.randrange(USERS)}@{LOCAL}', f'v{random.randrange(USERS)}@{peer.domain}')
        self.ledger.out.append(Out(pair))
        self.cluster.send(f"<message from='{pair[0]}/x' to='{pair[1]}' id='o{number}' type='chat'><body>o{number}</body></message>")
        return number

    # ---- traffic and breaks

    async def _write(self):
        due = time.monotonic()
        while not self.is_over:
            for _ in range(max(1, round(self.args.rate * TICK))):
                self._send(random.choice(self.peers))
                random.choice(self.peers).write()
            due = max(due + TICK, time.monotonic() - 0.2)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _break(self):
        kinds, weights = list(ODDS), list(ODDS.values())
        while self.ledger.breaks.total() < self.args.resets:
            how, = random.choices(kinds, weights)
            asyncio.get_running_loop().create_task(random.choice(self.peers).do(how))
            await asyncio.sleep(random.expovariate(self.args.breaks))

    async def _flows(self, peer):
        """Until a message arrives at the peer: after a failed connection xfedd waits before it tries again."""
        end = time.monotonic() + FLOWS_WITHIN
        while time.monotonic() < end:
            number = self._send(peer)
            while not self.ledger.out[number].errors and not self.ledger.out[number].status:
                await asyncio.sleep(0.01)
            if self.ledger.out[number].status:
                return True
            await asyncio.sleep(0.2)
        return False

    async def _settle(self):
        end = time.monotonic() + SETTLED_WITHIN
        while time.monotonic() < end and (self.ledger.open() or self._unanswered()):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)

    async def run(self):
        idle = self.meter.descriptors()
        for peer in self.peers:
            peer.listen()
        keepers = [asyncio.create_task(peer.keep_dialled()) for peer in self.peers]
        writer, since, cpu_s = asyncio.create_task(self._write()), time.monotonic(), self.meter.cpu_s()
        await self._break()
        self.is_over = True
        await writer
        seconds = time.monotonic() - since
        self.report.say(f'{self.ledger.breaks.total()} breaks in {seconds:.0f} s with {len(self.ledger.out) / seconds:.0f} + '
                        f'{len(self.ledger.into) / seconds:.0f} messages a second; xfedd took {100 * (self.meter.cpu_s() - cpu_s) / seconds:.0f} % of a processor')
        for peer in self.peers:
            peer.break_accepted, peer.at_next = 0, []
        await self._settle()
        flows = [await self._flows(peer) for peer in self.peers]
        self.report.check('messages pass to every peer again', all(flows), str(flows))
        await self._settle()
        for peer, keeper in zip(self.peers, keepers):
            peer.is_over = True
            await keeper
            peer.unlisten()
            for conn in list(peer.conns):
                conn.end()
        self.report.check('no descriptor is left', await asyncio.to_thread(until, lambda: self.meter.descriptors() <= idle, 15),
                          f'{self.meter.descriptors()}, {idle} before')

    # ---- what came of it

    def _unanswered(self):
        """Of messages to xfedd whose connection did not break."""
        return [n for n, m in enumerate(self.ledger.into) if m.is_whole and m.conn.is_open and not m.answers]

    def _check(self, what, bad):
        self.report.check(what, not bad, f'{len(bad)}: {bad[:12]}')

    def _order(self, way):
        """Those that came behind a later one; to xfedd, on one connection: of what is on its way in one that breaks, and in the next, either may be read first."""
        into = self.ledger.into
        return [b for numbers in self.ledger.arrived[way].values() for a, b in zip(numbers, numbers[1:])
                if b < a and (way == 'out' or into[a].conn is into[b].conn)]

    def _judge_out(self):
        out = self.ledger.out
        both = [n for n, m in enumerate(out) if m.is_accepted and m.errors]
        accepted, returned = sum(m.is_accepted for m in out), sum(m.errors > 0 for m in out)
        self.report.say(f'from xfedd: {len(out)} sent, {accepted} accepted, {returned} returned; of these {len(both)} had been accepted, and the answer was '
                        f'lost, {sum(m.requests > 0 and m.status is None for m in out)} had arrived without an answer')
        self._check('from xfedd: each was accepted or returned', self.ledger.open())
        self._check('from xfedd: none is returned twice', [n for n, m in enumerate(out) if m.errors > 1])
        self._check('from xfedd: none reaches a peer twice', [n for n, m in enumerate(out) if m.requests > 1])
        self._check('from xfedd: what is accepted and returned had its connection broken shortly after the answer',
                    [n for n in both if not out[n].conn.broken or out[n].conn.broken - out[n].at > LOST_WITHIN])
        self._check('from xfedd: order is kept', self._order('out'))
        self.report.check('from xfedd: many are accepted', accepted > 0.4 * len(out))
        sip = self.ctl.ask('status')[1]['sip']
        self.report.equal('from xfedd: it has counted them all', sip['messages_out'] + sip['messages_bounced'], len(out))

    def _judge_in(self):
        into = [(n, m) for n, m in enumerate(self.ledger.into)]
        lost = sum(m.is_whole and not m.answers for _, m in into)
        self.report.say(f'to xfedd: {len(into)} written, {sum(not m.is_whole for _, m in into)} of them in part, {sum(m.reached for _, m in into)} reached the '
                        f'cluster, {lost} without an answer since the connection broke; of these {sum(m.reached and not m.answers for _, m in into)} arrived')
        self._check('to xfedd: none has two final answers', [n for n, m in into if len(m.answers) > 1])
        self._check('to xfedd: each has one whose connection did not break', [n for n, m in into if m.is_whole and not m.conn.broken and not m.answers])
        self._check('to xfedd: none reaches the cluster twice', [n for n, m in into if m.reached > 1])
        self._check('to xfedd: what is accepted reached the cluster', [n for n, m in into if m.answers == [202] and not m.reached])
        self._check('to xfedd: half a message does not', [n for n, m in into if not m.is_whole and (m.reached or m.answers)])
        self._judge_unknown([m for _, m in into if m.is_unknown and m.reached])
        self._check('to xfedd: 404 to an unknown user, 202 to others',
                    [n for n, m in into if m.answers and m.answers != [202] and not (m.is_unknown and m.answers == [404])])
        self._check('to xfedd: order is kept', self._order('in'))

    def _judge_unknown(self, reached):
        late = self.ctl.ask('status')[1]['sip']['errors_late']
        accepted, unanswered = sum(m.answers == [202] for m in reached), sum(not m.answers for m in reached)
        self.report.check('to xfedd: most of what is to an unknown user has 404', accepted < 0.1 * len(reached), f'{accepted} of {len(reached)} have not')
        self.report.check('to xfedd: 202 to an unknown user only where the error came too late', accepted <= late <= accepted + unanswered,
                          f'{accepted} accepted, {unanswered} without an answer, {late} errors late')

    def judge(self):
        for how, count in sorted(self.ledger.breaks.items()):
            self.report.say(f'{count:6} {how}')
        self._judge_out()
        self._judge_in()


def main():
    p = options.parser(__doc__)
    p.add_argument('--resets', type=int, default=1000)
    p.add_argument('--breaks', type=float, default=25, help='a second')
    p.add_argument('--rate', type=int, default=300, help='messages a second each way')
    p.add_argument('--seed', type=int, default=1)
    args = p.parse_args()
    random.seed(args.seed)
    with Stage(args) as stage:
        test = Resets(stage, args)
        stage.report.say(f'seed {args.seed}')
        asyncio.run(test.run())
        test.judge()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
