# SPDX-License-Identifier: MIT
"""The process of the cluster: one component listener (XEP-0114) a node, and users who write to the peers over their node's leg.

A user's node is always the same while its leg is up. A ping is answered as a server's router would: to the server's own domain
with a result, to the component's name by routing it to the component, to anybody else with an error. Run as `python3 -m
soak.cluster SPEC`.
"""
import hashlib
import os
import socket
import time

from . import worker
from .conn import Conn
from .ledger import Ledger
from .reader import STREAM
from .kinds import kind_of
from .stanza import IN, LOCAL, OUT, PAIRS, local_user
from .traffic import Traffic

ACCEPT = 'jabber:component:accept'
FOOTER = '</stream:stream>'
POLITE_S = 5
FULL = 512 << 10
KEPT_ANSWERS = 5000


class Leg:
    """One component stream."""
    def __init__(self, node, sock):
        self.node, self.is_up, self.has_ended = node, False, False
        self.conn = Conn(node.cluster.loop, sock, self)
        node.legs.add(self)

    def opened(self, conn, attrs):
        self.name, self.ident = attrs.get('to', ''), os.urandom(8).hex()
        conn.write(f"<?xml version='1.0'?><stream:stream xmlns='{ACCEPT}' xmlns:stream='{STREAM}' from='{self.name}' id='{self.ident}'>")

    def element(self, conn, e):
        if e.is_stanza and self.is_up:
            conn.got += 1
            self.node.cluster.heard(self, e)
        elif e.name == 'handshake' and not self.is_up:
            self._handshake(conn, e.text)

    def _handshake(self, conn, text):
        if text.lower() != hashlib.sha1((self.ident + self.node.cluster.secret).encode()).hexdigest():
            self.node.cluster.traffic.ledger.fault('protocol', 'a wrong handshake on a leg')
            conn.end('handshake')
            return
        conn.write('<handshake/>')
        self.is_up = True
        self.node.cluster.leg_is_up()

    def footer(self, conn):
        conn.footer_at = time.monotonic()
        if self.has_ended:
            conn.end('polite')
        else:
            self.close()

    def close(self):
        self.has_ended = True
        self.conn.write(FOOTER)
        self.node.cluster.loop.call_later(POLITE_S, lambda: self.conn.is_open and self.conn.end('no answer to the footer'))

    def closed(self, conn, how, taken):
        self.node.legs.discard(self)
        self.node.cluster.traffic.ledger.line(conn=conn.number, role='Leg', node=self.node.number, opened=conn.opened_at, closed=time.monotonic(), how=how,
                                              taken=taken, sent=conn.sent, got=conn.got, footer=conn.footer_at, ready=self.is_up, session=None)

    def broken(self, _conn, error):
        self.node.cluster.traffic.ledger.fault('protocol', f'the cluster read what is no stream: {error}')

    def may_send(self):
        return self.is_up and self.conn.is_open and not self.has_ended


class Node:
    def __init__(self, cluster, number, address):
        self.cluster, self.number, self.address = cluster, number, address
        self.legs, self.listener, self.deaf_until = set(), None, 0
        self.listen()

    def listen(self):
        if self.listener or time.monotonic() < self.deaf_until:
            return
        self.listener = sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(tuple(self.address))
        sock.listen(16)
        sock.setblocking(False)
        self.cluster.loop.add_reader(sock.fileno(), self._accept)

    def _accept(self):
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        Leg(self, sock)

    def away(self, seconds):
        """No listener for some time."""
        if seconds and self.listener:
            self.cluster.loop.remove_reader(self.listener.fileno())
            self.listener.close()
            self.listener = None
        self.deaf_until = time.monotonic() + seconds

    def leg(self):
        return next((leg for leg in self.legs if leg.may_send()), None)


class Cluster:
    def __init__(self, spec, loop, ledger):
        self.loop, self.secret, self.component = loop, spec['secret'], spec['component']
        self.traffic = Traffic(ledger, OUT, IN, spec['seed'])
        self.nodes = [Node(self, n, address) for n, address in enumerate(spec['nodes'])]
        self.peers = [n for n in range(len(spec['peers'])) if kind_of(n).receives]
        self.waiting = []           # answers, while no leg is up

    # ---- stanzas

    def leg_of(self, user):
        """The user's own node, or the next one that has a leg."""
        for i in range(len(self.nodes)):
            leg = self.nodes[(user + i) % len(self.nodes)].leg()
            if leg:
                return leg
        return None

    def leg_is_up(self):
        waiting, self.waiting = self.waiting, []
        for item, user in waiting:
            self.answer(item, user)

    def heard(self, leg, e):
        if self.traffic.is_ping(e):
            self._ping(leg, e)
            return
        item = self.traffic.heard(leg.conn, e)
        if item:
            self.answer(item, local_user(item[2]))

    def _ping(self, leg, e):
        to = e.attrs.get('to', '')
        if to == self.component:
            record = self.traffic.pong(leg.conn, e, 'result')
            attrs = ' '.join(f"{k}='{v}'" for k, v in e.attrs.items())
            item = record[:4] + (f"<iq {attrs}><ping xmlns='urn:xmpp:ping'/></iq>",) + record[5:]
        else:
            item = self.traffic.pong(leg.conn, e, 'result' if to == LOCAL else 'error')
        # over the same leg: the server's session with it is one process, and keeps order
        if leg.may_send():
            self.traffic.put(leg.conn, item)

    def answer(self, item, user):
        leg = self.leg_of(user)
        if leg:
            self.traffic.put(leg.conn, item)
        elif len(self.waiting) < KEPT_ANSWERS:
            self.waiting.append((item, user))
        else:
            self.traffic.keep([item])

    def _send(self, pair):
        leg = self.leg_of(local_user(pair))
        if not leg or leg.conn.backlog() > FULL:
            return False
        self.traffic.put(leg.conn, self.traffic.new(pair))
        return True

    def _poll(self):
        """Read before we write: behind a footer that is there already nothing is sent."""
        for node in self.nodes:
            for leg in list(node.legs):
                leg.conn.poll()

    def tick(self, count):
        self._poll()
        rng, done = self.traffic.rng, 0
        while done < count and self._send(rng.choice(self.peers) * PAIRS + rng.randrange(PAIRS)):
            done += 1
        for node in self.nodes:
            for leg in list(node.legs):
                leg.conn.flush()
        return done

    # ---- orders

    def burst(self, peer, count):
        self._poll()
        for n in range(count):
            self._send(peer * PAIRS + n % PAIRS)

    def link(self, nodes, how, seconds):
        """How these nodes lose their legs (reset, fin, polite), and for how long they stay away."""
        for number in nodes:
            node = self.nodes[number]
            node.away(seconds)
            for leg in list(node.legs):
                self._lose(leg, how)

    def _lose(self, leg, how):
        leg.conn.poll()
        if how == 'polite':
            leg.close()
        elif how == 'fin':
            leg.conn.flush()
            leg.conn.end('fin')
        else:
            if leg.may_send():
                self.traffic.cut(leg.conn, self.peers[0] * PAIRS)
            leg.conn.reset()

    def stall(self, nodes, seconds):
        legs = [leg for number in nodes for leg in self.nodes[number].legs]
        for leg in legs:
            leg.conn.set_pace(0)
        self.loop.call_later(seconds, lambda: [leg.conn.set_pace(None) for leg in legs])

    def sweep(self):
        for node in self.nodes:
            node.listen()

    def state(self):
        return dict(pings=self.traffic.pings, legs=[sum(leg.may_send() for leg in n.legs) for n in self.nodes])

    def finish(self):
        for node in self.nodes:
            node.away(60)
            for leg in list(node.legs):
                leg.conn.end('finish')
        self.traffic.keep(item for item, _ in self.waiting)


def main():
    spec, loop = worker.begin()
    ledger = Ledger(spec['cluster_ledger'])
    worker.Worker(loop, ledger).run(Cluster(spec, loop, ledger))


if __name__ == '__main__':
    main()
