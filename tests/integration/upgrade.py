#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Upgrades: restarts that refuse no connection and lose no message.

1. The test holds the listening sockets, as systemd does with conf/systemd/xfedd.socket, and restarts xfedd three times under load: a
   peer that opens connection after connection, and numbered messages both ways. No connection is refused, and each message
   arrives once or comes back as one error. The scripted servers are polite: they answer the end of a stream with theirs. What the
   cluster sends while the link is being closed is what the journal keeps.
2. The real systemd-socket-activate starts xfedd with the first connection.
3. Messages wait for a peer that accepts and says nothing. xfedd is killed (kill -9), started, stopped, and started again; then the
   peer wakes up. All messages arrive once, in order, with the time at which they came. A last restart brings none again.
4. Two xfedd with journal { sessions = yes }, over one stream for both ways and over one each: under load both ways, the one and the
   other are restarted; and once more while the other one is frozen, so that it acknowledges nothing. Their streams are resumed, and
   each message arrives exactly once.
"""
import datetime
import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time

from lab import net, options
from lab.dns import Dns
from lab.gateway import Gateway
from lab.pki import Authority
from lab.polite import Outgoing, Polite, PoliteCluster
from lab.proc import Proc
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.ways import Way, show
from lab.world import COMPONENT, LOCAL, PEER

ALICE, BOB = f'alice@{LOCAL}/x', f'bob@{PEER}/x'
HUNG = 'hung.example'
HUNG_IP = '127.77.0.5'
DELAY = '{urn:xmpp:delay}delay'
TICK = 0.05
TWIN = 'twin.example'
TWIN_IP = '127.77.0.6'
FAR_FD = 20         # above those that the sockets are passed as
DRAIN = 8.0         # seconds; less than drain-time, which is 10 s, and more than the 4 s of a footer without an answer and a stall
ABSENT = 1.5        # seconds from the end of one xfedd to the start of the next
UNACKNOWLEDGED = 50     # stanzas that are sent to one that stands still


def listening(ip, port):
    """A socket as systemd's: it stays open whatever becomes of those that it is passed to."""
    with socket.create_server((ip, port), backlog=4096) as made:
        return socket.socket(fileno=fcntl.fcntl(made.fileno(), fcntl.F_DUPFD_CLOEXEC, FAR_FD))


class Load:
    """Messages both ways at a steady rate, and a caller: a new connection for each of its messages."""
    def __init__(self, peer, rate):
        self.cluster, self.rate = None, rate
        self.out, self.into, self.calls = Way('out', 'o', ALICE, BOB), Way('in', 'i', BOB, ALICE), Way('calls', 'c', BOB, ALICE)
        self.ways = {'o': self.out, 'i': self.into, 'c': self.calls}
        self.steady, self.caller = peer.outgoing, Outgoing(peer)
        self.over = threading.Event()

    def heard(self, element):
        way = self.ways.get((element.get('id') or ' ')[0])
        if way and element.tag.endswith('}message'):
            way.heard(element)

    def start(self):
        threads = [threading.Thread(target=body, daemon=True) for body in (self._out, self._in, self._call)]
        for thread in threads:
            thread.start()
        return threads

    def _paced(self, send):
        batch = max(1, round(self.rate * TICK))
        while not self.over.is_set():
            for _ in range(batch):
                send()
            time.sleep(TICK)

    def _out(self):
        self._paced(lambda: self.cluster.say(self.out.stanza))

    def _in(self):
        self._paced(lambda: self.steady.send(self.into.stanza))

    def _call(self):
        while not self.over.is_set():
            self.caller.send(self.calls.stanza)
            self.caller.hang_up()

    def settle(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and time.monotonic() - max(way.last for way in self.ways.values()) < 4:
            time.sleep(0.2)


def under_load(stage, gateway, load, restarts):
    report = stage.report
    threads = load.start()
    time.sleep(2)
    for _ in range(restarts):
        began = time.monotonic()
        report.equal('xfedd is stopped with SIGTERM and ends with status 0', gateway.stop(), 0)
        report.check('its drain does not wait for the load to end', time.monotonic() - began < DRAIN, f'{time.monotonic() - began:.1f} s')
        time.sleep(ABSENT)
        gateway.start()
        time.sleep(2)
    load.over.set()
    for thread in threads:
        thread.join(30)
    load.settle()
    report.equal('connections that were refused', load.steady.refused + load.caller.refused, 0)
    report.say(f'{len(load.calls.sent)} connections of the caller, {load.caller.ended + load.steady.ended} of all ended before they '
               'were authenticated, and were made again')
    report.equal('each start took over both sockets', len(gateway.events('process.socket.inherited')), 2 * (restarts + 1))
    show([way.judge(report) for way in load.ways.values()])


def with_systemd(stage, lab, gateway, peer):
    """systemd-socket-activate listens itself, and becomes xfedd with the first connection."""
    report = stage.report
    program = shutil.which('systemd-socket-activate')
    if not program:
        print('left out: systemd-socket-activate is not installed (Debian: apt-get install systemd)')
        return
    seen = len(gateway.events('process.socket.inherited'))
    argv = [program, '--fdname=s2s:s2s-direct', '-l', f'{net.GATEWAY}:5269', '-l', f'{net.GATEWAY}:5270', lab.xfedd, '-c', gateway.conf]
    proc = Proc('xfedd', argv, gateway.log, user=lab.user).start()
    stage.at_end(proc.stop)
    calls = Outgoing(peer)          # until it listens
    stream = calls.dial()
    report.check('systemd-socket-activate: a stream is authenticated', bool(stream), '')
    stream.send('</stream:stream>')
    peer.drain(stream)
    stream.close()
    found = gateway.events('process.socket.inherited')[seen:]
    report.equal('systemd-socket-activate: sockets taken over by xfedd, by name', [e['name'] for e in found], ['s2s', 's2s-direct'])
    report.equal('systemd-socket-activate: xfedd ends with status 0', proc.stop(), 0)


class Hung(Polite):
    """Accepts, and says nothing until it wakes up."""
    def __init__(self, *args, heard):
        super().__init__(*args, heard=heard)
        self.awake = threading.Event()

    def _serve(self, stream):
        self.awake.wait()
        super()._serve(stream)


def replayed(gateway, count):
    return gateway.wait_until(lambda: gateway.events('journal.messages.replayed')[count - 1:], 20) and gateway.events('journal.messages.replayed')[-1]


def written(gateway, text):
    """Whether the journal's files hold this; nobody else may read them as such while xfedd has them."""
    held = b''
    for name in (f'{gateway.folder}/journal.db', f'{gateway.folder}/journal.db-wal'):
        if os.path.exists(name):
            with open(name, 'rb') as file:
                held += file.read()
    return text.encode() in held


def with_journal(stage, gateway, cluster, hung, heard, count):
    report = stage.report
    way = Way('journal', 'j', ALICE, f'bob@{HUNG}')
    began = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    gateway.start()
    for _ in range(count):
        cluster.say(way.stanza)
    report.check('the last of them is in the journal', gateway.wait_until(lambda: written(gateway, f'number {count - 1}<'), 30))
    time.sleep(1)       # and committed
    ended = datetime.datetime.now(datetime.timezone.utc)
    gateway.proc.stop(signal.SIGKILL)
    report.say(f'{count} messages wait; xfedd was killed')
    gateway.start()
    found = replayed(gateway, 1)
    report.equal('the next xfedd finds them all', found and (found['stanzas'], found['damaged']), (str(count), '0'))
    report.equal('it is stopped, and ends with status 0', gateway.stop(), 0)
    kept = gateway.wait_event('journal.messages.kept')
    report.equal('they are kept, not returned', kept and kept[-1]['stanzas'], str(count))
    gateway.start()
    found = replayed(gateway, 2)
    report.equal('the third finds them all', found and found['stanzas'], str(count))
    hung.awake.set()
    report.check('the peer wakes up, and all arrive', gateway.wait_until(lambda: len(heard) >= count, 30), f'{len(heard)} arrived')
    time.sleep(1)
    for element in heard:
        way.heard(element)
    stamps = [element.find(DELAY) for element in heard]
    report.equal('each has one stamp of our domain', [d is not None and d.get('from') for d in stamps], [LOCAL] * count)
    times = [datetime.datetime.fromisoformat(d.get('stamp').replace('Z', '+00:00')) for d in stamps if d is not None]
    report.check('which says when it came', times and began <= min(times) and max(times) <= ended, f'{min(times)} to {max(times)}')
    report.equal('xfedd ends with status 0', gateway.stop(), 0)
    gateway.start()
    time.sleep(2)
    report.equal('after one more restart none comes again', len(heard), count)
    report.equal('the journal was always written', len(gateway.events('journal.write.failed') + gateway.events('journal.file')), 0)
    show([way.judge(report)])


class Twin:
    """One of two xfedd, with the cluster behind it."""
    def __init__(self, stage, lab, authority, domain, ip, port, defaults):
        component = (f'xfedd.{domain}', COMPONENT[1])
        self.ways, self.sockets = {}, [listening(ip, number) for number in (5269, 5270)]
        self.cluster = PoliteCluster(net.LOCAL, port, *component, heard=self._heard)
        stage.start(self.cluster)
        self.gateway = Gateway(lab, domain, 'external', authority.issue(domain, f'conference.{domain}'), authority.file, component,
                               f'{net.LOCAL}:{port}', defaults=defaults, ip=ip, label=f'twin{port}', sockets=self.sockets,
                               extra='journal { file = "journal.db" sessions = yes }')
        stage.start_xfedd(self.gateway)

    def _heard(self, element):
        way = self.ways.get((element.get('id') or ' ')[0])
        if way and element.tag.endswith('}message'):
            way.heard(element)

    def resumed(self, way):
        return len(self.gateway.events('s2s.stream.resumed', dir=way))

    def end(self):
        self.gateway.stop()
        for held in self.sockets:
            held.close()


def restart_twin(report, twin, other, directions, way, is_frozen):
    """`way`: what the twin's cluster sends."""
    before = [(who, direction, who.resumed(direction)) for who in (twin, other) for direction in directions]
    if is_frozen:
        os.kill(other.gateway.proc.pid, signal.SIGSTOP)
        sent = len(way.sent)
        twin.gateway.wait_until(lambda: len(way.sent) > sent + UNACKNOWLEDGED, 10)
        time.sleep(0.5)
    report.equal('an xfedd ends with status 0', twin.gateway.stop(), 0)
    time.sleep(ABSENT)
    twin.gateway.start()
    if is_frozen:
        kept = twin.gateway.events('journal.sessions.kept')
        report.check('it has left stanzas that were not acknowledged', kept and int(kept[-1]['stanzas']) > 0, kept and kept[-1].line)
        os.kill(other.gateway.proc.pid, signal.SIGCONT)
    for who, direction, count in before:
        if directions[direction] is None or directions[direction] is who:
            is_resumed = who.gateway.wait_until(lambda: who.resumed(direction) > count, 30)
            report.check(f'{who.gateway.domain}: the stream {direction} was resumed', is_resumed, f'{who.resumed(direction)} by now')
    time.sleep(2)


def between_two(stage, lab, authority, rate, ports, is_bidi):
    report = stage.report
    word = 'one stream' if is_bidi else 'two streams'
    defaults = f'bidi = {"yes" if is_bidi else "no"}'
    one = Twin(stage, lab, authority, LOCAL, net.GATEWAY, ports[0], defaults)
    two = Twin(stage, lab, authority, TWIN, TWIN_IP, ports[1], defaults)
    out, back = Way(f'out, {word}', 'o', ALICE, f'bob@{TWIN}/x'), Way(f'back, {word}', 'b', f'bob@{TWIN}/x', ALICE)
    one.ways = two.ways = {'o': out, 'b': back}
    over = threading.Event()

    def talk(cluster, way):
        while not over.is_set():
            for _ in range(max(1, round(rate * TICK))):
                cluster.say(way.stanza)
            time.sleep(TICK)

    threads = [threading.Thread(target=talk, args=args, daemon=True) for args in ((one.cluster, out), (two.cluster, back))]
    threads[0].start()
    # the first one opens the stream that goes both ways
    report.check(f'{word}: the first one has a stream to the second one', one.gateway.wait_event('s2s.stream.up', 30, dir='out', peer=TWIN)
                 and two.gateway.wait_event('s2s.stream.up', 30, dir='in', peer=LOCAL))
    time.sleep(0.5)
    threads[1].start()
    time.sleep(2)
    directions = {'out': one, 'in': two} if is_bidi else {'out': None, 'in': None}
    for is_frozen in (False, True):
        for twin, other in ((one, two), (two, one)):
            restart_twin(report, twin, other, directions, out if twin is one else back, is_frozen)
    over.set()
    for thread in threads:
        thread.join(30)
    end = time.monotonic() + 30
    while time.monotonic() < end and time.monotonic() - max(out.last, back.last) < 3:
        time.sleep(0.2)
    report.equal(f'{word}: messages that came back', len(out.errors) + len(back.errors), 0)
    report.equal(f'{word}: state that could not be written', sum(len(t.gateway.events('journal.sessions.failed')) for t in (one, two)), 0)
    kept = [e for t in (one, two) for e in t.gateway.events('journal.sessions.kept')]
    report.say(f'{word}: ' + ', '.join(f'{e["sessions"]} sessions with {e["stanzas"]} stanzas' for e in kept))
    show([way.judge(report) for way in (out, back)])
    one.end()
    two.end()


def twins(stage, lab, authority, rate):
    for number, is_bidi in enumerate((False, True)):
        between_two(stage, lab, authority, rate, [COMPONENT_PORT + 1 + 2 * number + i for i in (0, 1)], is_bidi)


def main():
    p = options.parser(__doc__)
    p.add_argument('--restarts', type=int, default=3)
    p.add_argument('--rate', type=int, default=200, help='messages a second each way')
    p.add_argument('--only-sessions', action='store_true', help='only the two xfedd')
    p.add_argument('--count', type=int, default=1000, help='messages that wait in the journal')
    args = p.parse_args()
    with Stage(args) as stage:
        lab = stage.open()
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        dns.domain(HUNG, HUNG_IP)
        dns.domain(LOCAL, net.GATEWAY)
        dns.domain(TWIN, TWIN_IP)
        stage.start(dns)
        if args.only_sessions:
            twins(stage, lab, ours, args.rate)
            return stage.end()
        certificate, waited = ours.issue(LOCAL, f'conference.{LOCAL}'), []
        peer = Polite(PEER, net.PEER, ours.issue(PEER), ours.file, heard=None)
        load = Load(peer, args.rate)
        peer.heard = load.heard
        hung = Hung(HUNG, HUNG_IP, ours.issue(HUNG), ours.file, heard=waited.append)
        cluster = PoliteCluster(net.LOCAL, COMPONENT_PORT, *COMPONENT, heard=load.heard)
        load.cluster = cluster
        for actor in (peer, hung, cluster):
            stage.start(actor)
        world = (certificate, ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}')

        sockets = [listening(net.GATEWAY, port) for port in (5269, 5270)]
        gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', *world, sockets=sockets, extra='journal { file = "journal.db" }'))
        under_load(stage, gateway, load, args.restarts)
        gateway.stop()
        for held in sockets:
            held.close()

        with_systemd(stage, lab, Gateway(lab, LOCAL, 'external', *world, label='activated'), peer)

        gateway = Gateway(lab, LOCAL, 'external', *world, label='journal',
                          extra=f'journal {{ file = "journal.db" }} process {{ drain-time = 1s }} peer "{HUNG}" {{ negotiate-timeout = 60s }}')
        stage.at_end(gateway.stop)
        with_journal(stage, gateway, cluster, hung, waited, args.count)
        gateway.stop()      # its ports are wanted
        twins(stage, lab, ours, args.rate)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
