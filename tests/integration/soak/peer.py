# SPDX-License-Identifier: MIT
"""A remote server: accepts streams of xfedd, opens streams to it, and breaks in every way that a server can.

It has one channel at a time on which it sends: its own stream, or with XEP-0288 one that xfedd opened. What it must answer
while it has none waits in `backlog`.
"""
import base64
import collections
import os
import socket
import time

from . import sm
from .conn import Conn
from .kinds import kind_of
from .ledger import PROVED
from .reader import BIDI, BIDI_FEATURE, DIALBACK, SASL, SM, STREAM, TLS
from .stanza import LOCAL, PAIRS, domain_of

HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{stream}' xmlns:db='{db}' from='{frm}' to='{to}' {more} "
        "version='1.0'>")
FOOTER = '</stream:stream>'
ALERT = b'\x15\x03\x03\x00\x02\x02\x28'     # fatal, handshake_failure
BACKLOG = 2000                              # answers that wait for a channel
PATIENCE_S, POLITE_S = 20, 5                # for a stream to be ready, and for the answer to a footer
FULL = 256 << 10                            # bytes that wait in a channel: no more is sent by the generator


class Stream:
    """One stream of a peer, in either role, and what both roles share."""
    def __init__(self, peer, sock):
        self.peer, self.session = peer, None
        self.local_footer, self.is_ready, self.is_bidi, self.secure, self.authenticated = False, False, False, False, False
        self.conn = Conn(peer.loop, sock, self)
        peer.streams.add(self)
        peer.loop.call_later(PATIENCE_S, self._impatient)

    def _impatient(self):
        if not self.is_ready and self.conn.is_open:
            self.conn.reset('not ready in time')

    def may_send(self):
        return self.is_ready and self.conn.is_open and not self.local_footer and self.conn.footer_at is None

    def header(self, more=''):
        self.conn.write(HEAD.format(stream=STREAM, db=DIALBACK, frm=self.peer.domain, to=LOCAL, more=more))

    def ready(self):
        self.is_ready = True
        if self.carries():
            self.peer.has_channel()

    # ---- events of the connection

    def element(self, conn, e):
        if e.is_stanza:
            conn.got += 1
            if self.session:
                self.session.taken += 1
            if self.authenticated:
                self.peer.heard(self, e)
            else:
                self.peer.traffic.ledger.fault('protocol', f'a stanza on a stream of {self.peer.domain} that is not authenticated')
        elif e.space == SM:
            self._sm(e)
        elif e.name == 'error' and e.space == STREAM:
            self.peer.errors[e.condition()] += 1
        else:
            self.control(conn, e)

    def footer(self, conn):
        conn.footer_at = time.monotonic()
        self.close()
        if self.local_footer == 'first':        # theirs is the answer
            conn.flush()
            conn.end('polite')

    def close(self, how=None):
        """Our footer, behind a last acknowledgement; then until the other side ends the connection."""
        if self.local_footer or not self.conn.is_open:
            return
        if self.session:
            self._acknowledge()
        self.conn.write(FOOTER)
        self.local_footer = how or 'second'
        self.peer.loop.call_later(POLITE_S, lambda: self.conn.is_open and self.conn.end('no answer to the footer'))

    def closed(self, conn, how, taken):
        self.peer.lost(self, how)
        self.peer.traffic.ledger.line(conn=conn.number, peer=self.peer.number, role=type(self).__name__, opened=conn.opened_at, closed=time.monotonic(),
                                      how=how, taken=taken, sent=conn.sent, got=conn.got, footer=conn.footer_at, ready=self.is_ready,
                                      session=self.session and self.session.ident)

    def broken(self, _conn, error):
        self.peer.traffic.ledger.fault('protocol', f'{self.peer.domain} read what is no stream: {error}')

    # ---- XEP-0198

    def _acknowledge(self):
        self.conn.write(sm.answer(self.session.taken))
        self.peer.traffic.ledger.note(PROVED, 0, 0, self.conn.got, self.conn.number, self.conn.number)

    def _sm(self, e):
        if e.name == 'r' and self.session:
            self._acknowledge()
        elif e.name == 'a' and self.session:
            self.session.out.asked_at = None
            self.acknowledged(e.attrs.get('h'))
        else:
            self.sm_control(e)

    def acknowledged(self, h):
        """-> whether it can be"""
        try:
            items = self.session.out.take(h)
        except sm.BadCount as bad:
            self.peer.traffic.ledger.fault('0198', f'{self.peer.domain}: {bad}')
            return False
        self.peer.traffic.told(self.conn, items)
        if self.session.out.items:
            self.ask()
        return True

    def ask(self):
        """One request at a time."""
        if self.session and not self.session.out.asked_at and self.may_send():
            self.session.out.asked_at = time.monotonic()
            self.conn.write(sm.request())

    def miss_answer(self, now):
        if self.session and self.session.out.asked_at and now > self.session.out.asked_at + sm.ANSWERS_S and self.conn.pace is None:
            self.peer.traffic.ledger.fault('0198', f'{self.peer.domain}: no answer to <r/> for {sm.ANSWERS_S} s')
            self.session.out.asked_at = None

    def adopt(self, session):
        self.session = session
        session.conn, session.out.asked_at = self.conn, None

    def write_again(self, items, resumed):
        for item in items:
            self.peer.traffic.again(self.conn, item, self.session, resumed)
        self.ask()


class Accepted(Stream):
    """xfedd opened it."""
    def carries(self):
        return self.is_bidi

    def opened(self, conn, attrs):
        self.ident = os.urandom(8).hex()
        self.header(f"id='{self.ident}'")
        conn.write(f'<stream:features>{self._features()}</stream:features>')
        if self.authenticated:
            self.ready()

    def _features(self):
        kind = self.peer.kind
        if not self.secure:
            return f"<starttls xmlns='{TLS}'><required/></starttls>"
        if self.authenticated:
            return f"<sm xmlns='{SM}'><optional/></sm>" if kind.sm else ''
        bidi = f"<bidi xmlns='{BIDI_FEATURE}'/>" if kind.bidi else ''
        if kind.external:
            return f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>{bidi}"
        return f"<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>{bidi}"

    def control(self, conn, e):
        if e.space == TLS and e.name == 'starttls' and not self.secure:
            self._start_tls(conn)
        elif e.space == SASL and e.name == 'auth' and self.secure:
            conn.write(f"<success xmlns='{SASL}'/>")
            self.authenticated = True
            conn.reader.restart()
        elif e.space == BIDI and self.peer.kind.bidi:
            self.is_bidi = True
        elif e.space == DIALBACK:
            self._dialback(conn, e)

    def _start_tls(self, conn):
        conn.write(f"<proceed xmlns='{TLS}'/>")
        conn.flush()
        self.secure = True
        if time.monotonic() < self.peer.alerts_until:
            conn.out += ALERT
            conn._push()
            conn.end('alert')
            return
        conn.secure(self.peer.contexts[0], True)

    def _dialback(self, conn, e):
        a = e.attrs
        if e.name == 'verify':
            self.is_ready = True
            kind = 'valid' if self.peer.keys.get(a.get('id')) == e.text else 'invalid'
            conn.write(f"<db:verify from='{a['to']}' to='{a['from']}' id='{a['id']}' type='{kind}'/>")
        elif not self.peer.kind.external:
            # Believed unseen: what is under test is the other side.
            conn.write(f"<db:result from='{a['to']}' to='{a['from']}' type='valid'/>")
            self.authenticated = True
            self.ready()

    def sm_control(self, e):
        if not self.authenticated or not self.peer.kind.sm:
            return
        if e.name == 'enable' and not self.session:
            session = sm.Session(self.peer.kind.resume and e.attrs.get('resume') in ('true', '1'))
            self.adopt(session)
            more = f" id='{session.ident}' resume='true' max='{sm.WAITS_S}'" if session.resumable else ''
            self.conn.write(f"<enabled xmlns='{SM}'{more}/>")
            self.peer.counts['streams with 0198 to the peer'] += 1
            if session.resumable:
                self.peer.sessions[session.ident] = session
        elif e.name == 'resume':
            self._resume(e)

    def _resume(self, e):
        session = self.peer.sessions.get(e.attrs.get('previd'))
        if not session or self.session:
            self.conn.write(f"<failed xmlns='{SM}'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
            return
        if session.conn:
            session.conn.owner.session = None
            session.conn.reset('resumed elsewhere')
        self.adopt(session)
        self.conn.write(f"<resumed xmlns='{SM}' previd='{session.ident}' h='{session.taken % sm.MODULUS}'/>")
        self.peer.counts['resumed by xfedd'] += 1
        if self.acknowledged(e.attrs.get('h')):
            items, session.out.items = list(session.out.items), collections.deque()
            self.write_again(items, True)


class Dialled(Stream):
    """The peer opened it."""
    def __init__(self, peer, sock):
        super().__init__(peer, sock)
        self.asked_bidi = False
        self.header()

    def carries(self):
        return True

    def opened(self, conn, attrs):
        self.ident = attrs.get('id', '')

    def control(self, conn, e):
        if e.name == 'features':
            self._features(conn, e)
        elif e.space == TLS and e.name == 'proceed':
            self.secure = True
            conn.secure(self.peer.contexts[1], False, LOCAL)
            self.header()
        elif e.space == SASL and e.name == 'success':
            self.authenticated = True
            conn.reader.restart()
            self.header()
        elif e.space == DIALBACK and e.name == 'verify':
            pass
        elif e.space == DIALBACK and e.name == 'result' and e.attrs.get('type') == 'valid':
            self.authenticated = True
            self.ready()
        elif e.name in ('failure', 'result'):
            self.peer.errors[f'refused: {e.condition()}'] += 1
            self.close()

    def _features(self, conn, e):
        if not self.secure:
            conn.write(f"<starttls xmlns='{TLS}'/>")
        elif not self.authenticated:
            self._authenticate(conn, e)
        elif self.peer.kind.sm and e.has(f'{SM} sm'):
            self._manage()
        else:
            self.ready()
            self._send_carried()

    def _authenticate(self, conn, e):
        if self.peer.kind.bidi and e.has(f'{BIDI_FEATURE} bidi'):
            conn.write(f"<bidi xmlns='{BIDI}'/>")
            self.is_bidi = True
        if self.peer.kind.external:
            name = base64.b64encode(self.peer.domain.encode()).decode()
            conn.write(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{name}</auth>")
        else:
            key = self.peer.keys[self.ident] = os.urandom(16).hex()
            conn.write(f"<db:result from='{self.peer.domain}' to='{LOCAL}'>{key}</db:result>")

    def _manage(self):
        old = self.peer.lost_session
        if old and not old.is_stale(time.monotonic()):
            self.conn.write(f"<resume xmlns='{SM}' previd='{old.theirs}' h='{old.taken % sm.MODULUS}'/>")
        else:
            self._enable()

    def _enable(self):
        more = " resume='true'" if self.peer.kind.resume else ''
        self.conn.write(f"<enable xmlns='{SM}'{more}/>")

    def sm_control(self, e):
        if e.name == 'enabled' and not self.session:
            session = sm.Session(self.peer.kind.resume and e.attrs.get('resume') in ('true', '1'))
            session.theirs = e.attrs.get('id')
            self.adopt(session)
            self.peer.counts['streams with 0198 to xfedd'] += 1
            self.ready()
            self._send_carried()
        elif e.name == 'resumed' and self.peer.lost_session:
            self._resumed(e)
        elif e.name == 'failed':
            self._failed(e)

    def _resumed(self, e):
        session, self.peer.lost_session = self.peer.lost_session, None
        self.adopt(session)
        self.peer.counts['resumed by the peer'] += 1
        if self.acknowledged(e.attrs.get('h')):
            items, session.out.items = list(session.out.items), collections.deque()
            self.is_ready = True
            self.write_again(items, True)
        self.ready()
        self._send_carried()

    def _failed(self, e):
        """What was not acknowledged before goes out again on this stream."""
        old, self.peer.lost_session = self.peer.lost_session, None
        if old:
            if 'h' in e.attrs:
                self.session = old
                self.acknowledged(e.attrs['h'])
                self.session = None
            self.peer.carried += old.out.items
            self._enable()
        else:
            self.peer.counts['0198 refused'] += 1
            self.ready()
            self._send_carried()

    def _send_carried(self):
        items, self.peer.carried = self.peer.carried, []
        self.write_again(items, False)


class Peer:
    def __init__(self, loop, number, ip, edge, contexts, traffic):
        self.loop, self.number, self.ip, self.edge = loop, number, ip, edge
        self.kind, self.domain, self.contexts, self.traffic = kind_of(number), domain_of(number), contexts, traffic
        self.streams, self.sessions, self.keys = set(), {}, {}
        self.lost_session, self.carried, self.backlog = None, [], collections.deque()
        self.channel, self.dialling, self.not_before = None, None, 0
        self.alerts_until = 0
        self.errors, self.counts = collections.Counter(), collections.Counter()
        self.listener = None
        self.listen()

    # ---- streams

    def listen(self):
        if self.listener:
            return
        self.listener = sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.ip, 5269))
        sock.listen(128)
        sock.setblocking(False)
        self.loop.add_reader(sock.fileno(), self._accept)

    def deafen(self):
        if self.listener:
            self.loop.remove_reader(self.listener.fileno())
            self.listener.close()
            self.listener = None

    def _accept(self):
        try:
            sock, _ = self.listener.accept()
        except OSError:
            return
        Accepted(self, sock)

    def want_channel(self):
        """A channel for what is to be sent, soon."""
        if self.usable() or self.dialling or not self.listener or time.monotonic() < self.not_before:
            return
        self.not_before = time.monotonic() + self.traffic.rng.uniform(0.5, 2.5)
        for stream in self.streams:
            if stream.may_send() and stream.carries():
                self.channel = stream
                self.has_channel()
                return
        sock = socket.socket()
        sock.bind((self.ip, 0))
        sock.setblocking(False)
        sock.connect_ex(self.edge)
        self.dialling = Dialled(self, sock)

    def usable(self):
        return self.channel is not None and self.channel.may_send()

    def has_channel(self):
        if self.dialling and self.dialling.is_ready:
            self.dialling = None
        if not self.usable():
            self.channel = next((s for s in self.streams if s.may_send() and s.carries()), None)
        while self.backlog and self.usable():
            self.traffic.put(self.channel.conn, self.backlog.popleft(), self.channel.session)
        if self.channel:
            self.channel.ask()

    def lost(self, stream, how):
        self.streams.discard(stream)
        if self.channel is stream:
            self.channel = None
        if self.dialling is stream:
            self.dialling = None
        session = stream.session
        if session and session.conn is stream.conn:
            session.conn, session.lost_at = None, time.monotonic()
            self._leave(session, isinstance(stream, Dialled), stream.local_footer)
        if self.backlog or self.carried or self.lost_session:
            self.loop.call_later(1.5, self.want_channel)

    def _leave(self, session, is_ours, is_clean):
        if session.resumable and not is_clean:
            if is_ours:
                self._forget(self.lost_session)
                self.lost_session = session
            return
        self.sessions.pop(session.ident, None)
        self._forget(session)

    def _forget(self, session):
        """What it holds: sent again by those that can, or given back to its sender."""
        if not session:
            return
        items, session.out.items = list(session.out.items), collections.deque()
        if self.kind.resume:
            self.carried += items
        else:
            self.traffic.keep(items)

    def sweep(self):
        """Sessions that nobody resumed, questions that nobody answers, and whatever needs a channel."""
        now = time.monotonic()
        for stream in self.streams:
            stream.miss_answer(now)
        for session in [s for s in self.sessions.values() if s.is_stale(now)]:
            del self.sessions[session.ident]
            self._forget(session)
        if self.backlog or self.carried or self.lost_session:
            self.want_channel()

    # ---- stanzas

    def heard(self, stream, e):
        if self.traffic.is_ping(e):
            item = self.traffic.pong(stream.conn, e, self.kind.ping)
        else:
            item = self.traffic.heard(stream.conn, e)
        if item:
            self.answer(item)

    def answer(self, item):
        if self.usable():
            self.traffic.put(self.channel.conn, item, self.channel.session)
            self.channel.ask()
        elif len(self.backlog) < BACKLOG:
            self.backlog.append(item)
            self.want_channel()
        else:
            self.traffic.keep([item])

    def generate(self, count):
        """-> how many were sent"""
        if not self.usable() or self.channel.conn.backlog() > FULL:
            self.want_channel()
            return 0
        for _ in range(count):
            pair = self.number * PAIRS + self.traffic.rng.randrange(PAIRS)
            self.traffic.put(self.channel.conn, self.traffic.new(pair), self.channel.session)
        self.channel.ask()
        return count

    # ---- faults

    def reset(self, cut=True):
        """Every connection, the one that sends in the middle of a stanza."""
        for stream in list(self.streams):
            if cut and stream.may_send() and stream is self.channel:
                self.traffic.cut(stream.conn, self.number * PAIRS)
            stream.conn.reset()

    def kill(self, seconds):
        """The process ends, and what it held with it."""
        self.deafen()
        sessions = [s.session for s in self.streams if s.session] + list(self.sessions.values()) + [self.lost_session]
        for session in sessions:
            if session:
                session.resumable = False
                self.traffic.keep(session.out.items)
                session.out.items = collections.deque()
        self.sessions, self.lost_session = {}, None
        self.traffic.keep(self.carried)
        self.traffic.keep(self.backlog)
        self.carried, self.backlog = [], collections.deque()
        self.reset(cut=False)
        self.loop.call_later(seconds, self.listen)

    def fin(self):
        for stream in list(self.streams):
            stream.conn.flush()
            stream.conn.end('fin')

    def polite(self):
        for stream in list(self.streams):
            stream.close('first')

    def error(self):
        for stream in list(self.streams):
            stream.conn.write("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            stream.close('first')

    def slow(self, pace, seconds):
        """Read so little; 0: nothing."""
        streams = list(self.streams)
        for stream in streams:
            stream.conn.set_pace(pace)
        self.loop.call_later(seconds, lambda: [s.conn.set_pace(None) for s in streams])

    def hang(self, seconds):
        """Nothing is read, and who connects waits in the kernel."""
        self.slow(0, seconds)
        listener = self.listener
        if listener:
            self.loop.remove_reader(listener.fileno())
            self.loop.call_later(seconds, lambda: self.listener is listener and self.loop.add_reader(listener.fileno(), self._accept))

    def alert(self, seconds):
        self.alerts_until = time.monotonic() + seconds
        for stream in list(self.streams):
            if stream.conn.tls and not stream.conn.tls.is_shaking:
                stream.conn.spoil()
