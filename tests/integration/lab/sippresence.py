# SPDX-License-Identifier: MIT
"""Many subscriptions to presence between xfedd and a SIP server, both ways, with a cluster whose users say yes to all.

    v0@p.example ...    contacts of our users u0@a.example ..., watched by these
    w0@p.example ...    watchers of our users t0@a.example ...

Each dialog counts what came in it, so that a test can tell whether it went on.
"""
import asyncio
import collections
import re
import time

from .cluster import Cluster
from .sip import answer_to
from .sipnode import Node

PIDF = ('<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:{who}"><tuple id="t1"><status><basic>open</basic></status>'
        '<contact priority="0.5">sip:{who}</contact><note>{note}</note><timestamp>2026-01-01T00:00:00Z</timestamp></tuple></presence>')
BASIC = re.compile(r'<basic>(\w+)</basic>')
PRESENCE = '{jabber:component:accept}presence'
SHOWN = "<presence from='{frm}/desk' to='{to}'><show>away</show><status>{status}</status></presence>"
EXPIRES_S = 7200
BEAT_S, STILL_S = 0.02, 0.1      # the loop turns at least so often; else it stood still, and reads at once what came over a longer time


def bare(jid):
    return jid.partition('/')[0]


def number_of(header):
    """Of the user in a From, To or URI."""
    return int(re.search(r'sip:[a-z](\d+)@', header)[1])


class Dialog:
    """Seen from the peer: `ours` and `theirs` are From and To of our requests."""
    def __init__(self, call_id, ours, theirs, target):
        self.call_id, self.ours, self.theirs, self.target = call_id, ours, theirs, target
        self.cseq_out, self.cseq_in = 0, 0
        self.requests = 0           # of xfedd in it
        self.problems = []          # what a dialog that goes on never sees
        self.state, self.basic, self.asked = '', '', []


class Presence(Node):
    """`local` is xfedd's domain. A dialog of `out` is a subscription of our user N, of `into` a watcher's."""
    def __init__(self, local, *args):
        super().__init__(*args)
        self.local, self.out, self.into, self.calls = local, {}, {}, 0
        self.by_call, self.pending = {}, {}     # dialogs by Call-ID; what waits for an answer, by branch
        self.conn_out, self.unsent = None, []
        self.note = 'there'                     # what contacts show
        self.counts, self.per_second = collections.Counter(), collections.Counter()
        self.messages = 0
        self.beat, self.beat_cpu, self.still_until = 0, 0, 0    # when the loop turned last; what is read before `still_until` had waited for us

    # ---- what comes

    def on_request(self, conn, message):
        method = message.method
        self.counts[method] += 1
        if method == 'SUBSCRIBE':
            self._subscribed(conn, message)
        elif method == 'NOTIFY':
            self._notified(conn, message)
        else:
            conn.write(answer_to(message.lines, 200))

    def on_answer(self, conn, message):
        waiting = self.pending.pop(message['via'].partition('branch=')[2].partition(';')[0], None) if message.status >= 200 else None
        self.counts[f'{message.method} {message.status}'] += 1
        if waiting:
            waiting(message)

    def _take(self, dialog, message):
        """A request of xfedd in a dialog. -> is it newer than all before? (RFC 3261 section 12.2.2)"""
        cseq = int(message['cseq'].split()[0])
        if cseq <= dialog.cseq_in:
            dialog.problems.append(f'CSeq {cseq} after {dialog.cseq_in}')
            return False
        dialog.cseq_in = cseq
        dialog.requests += 1
        return True

    def _subscribed(self, conn, message):
        self._count()
        call_id, number = message['call-id'], number_of(message['from'])
        dialog = self.by_call.get(call_id)
        if not dialog:
            old = self.out.get(number)
            dialog = Dialog(call_id, f"{message['to']};tag=v{number}", message['from'], self._target(message))
            if old:
                dialog.problems += old.problems + ['a new dialog']
            self.by_call[call_id] = self.out[number] = dialog
        if not self._take(dialog, message):
            conn.write(answer_to(message.lines, 500))
            return
        lines = [line if not line.lower().startswith('to:') or ';tag=' in line else f'{line};tag=v{number}' for line in message.lines]
        conn.write(answer_to(lines, 200).replace('Content-Length', f'Contact: <sip:{self.domain};transport=tls>\r\nExpires: {EXPIRES_S}\r\nContent-Length'))
        self.notify(number)

    def _notified(self, conn, message):
        dialog = self.by_call.get(message['call-id'])
        if not dialog:
            conn.write(answer_to(message.lines, 481))
            return
        if not self._take(dialog, message):
            conn.write(answer_to(message.lines, 500))
            return
        conn.write(answer_to(message.lines, 200))
        found = BASIC.search(message.body)
        dialog.state, dialog.basic = message['subscription-state'].partition(';')[0], found[1] if found else ''
        if dialog.basic == 'closed' or dialog.state == 'terminated':
            dialog.problems.append(f'NOTIFY {dialog.state} {dialog.basic}')

    def _count(self):
        """One more in this second."""
        now = time.monotonic()
        self._look(now)
        if now > self.still_until:
            self.per_second[int(now)] += 1

    def _look(self, now):
        """Whether the loop stood still. One that works on all that comes at once is late too, but does not."""
        took = now - self.beat
        if self.beat and took > STILL_S and time.thread_time() - self.beat_cpu < took / 2:
            self.still_until = now + 2 * STILL_S

    async def _turn(self):
        while True:
            now = time.monotonic()
            self._look(now)
            self.beat, self.beat_cpu = now, time.thread_time()
            await asyncio.sleep(BEAT_S)

    @staticmethod
    def _target(message):
        return message['contact'].partition('<')[2].partition('>')[0]

    # ---- what we send

    def _request(self, method, dialog, headers, body=''):
        self.calls += 1
        dialog.cseq_out += 1
        branch = f'z9hG4bKp{self.calls}'
        text = '\r\n'.join((f'{method} {dialog.target} SIP/2.0', f'Via: SIP/2.0/TLS {self.domain};branch={branch}', 'Max-Forwards: 70',
                          f'From: {dialog.ours}', f'To: {dialog.theirs}', f'Call-ID: {dialog.call_id}', f'CSeq: {dialog.cseq_out} {method}',
                          *headers, f'Content-Length: {len(body)}', '', body))
        if self.conn_out and self.conn_out.is_open:
            self.conn_out.write(text)
        else:
            self.unsent.append(text)
        return branch

    def notify(self, number, done=None):
        body = PIDF.format(who=f'v{number}@{self.domain}', note=self.note)
        branch = self._request('NOTIFY', self.out[number], (
            f'Contact: <sip:{self.domain};transport=tls>', 'Event: presence', f'Subscription-State: active;expires={EXPIRES_S}',
            'Content-Type: application/pidf+xml'), body)
        if done:
            self.pending[branch] = done

    def subscribe(self, number, done=None):
        """Begin to watch our user of that number, or go on."""
        dialog = self.into.get(number)
        if not dialog:
            call_id = f'watch{number}'
            dialog = Dialog(call_id, f'<sip:w{number}@{self.domain}>;tag=w{number}', f'<sip:t{number}@{self.local}>', f'sip:t{number}@{self.local}')
            self.by_call[call_id] = self.into[number] = dialog
        branch = self._request('SUBSCRIBE', dialog, (f'Contact: <sip:w{number}@{self.domain};transport=tls>', 'Event: presence',
                                                     'Accept: application/pidf+xml', f'Expires: {EXPIRES_S}'))

        def answered(message):
            dialog.asked.append(message.status)
            if message.status == 200:
                dialog.theirs, dialog.target = message['to'], self._target(message)
            if done:
                done(message)
        self.pending[branch] = answered

    def message(self, frm, to, text, done=None):
        self.messages += 1
        dialog = Dialog(f'm{self.messages}', f'<sip:{frm}>;tag=m', f'<sip:{to}>', f'sip:{to}')
        branch = self._request('MESSAGE', dialog, ('Content-Type: text/plain;charset=UTF-8',), text)
        if done:
            self.pending[branch] = done

    async def connect(self, timeout=20):
        """A connection of ours to xfedd, over which all is sent."""
        if not self.beat:
            self.turning = self.loop.create_task(self._turn())
            await asyncio.sleep(0)
        end = self.loop.time() + timeout
        self.conn_out = None
        while not self.conn_out and self.loop.time() < end:
            self.conn_out = await self.dial()
            if not self.conn_out:
                await asyncio.sleep(0.1)
        unsent, self.unsent = self.unsent, []
        for text in unsent:
            self.conn_out.write(text)


class Users(Cluster):
    """Of a cluster: each says yes to who wants to watch, and shows itself when asked. Keeps what our users see, by their number."""
    def __init__(self, *args):
        super().__init__(*args, on_stanza=self._on_stanza)
        self.counts = collections.Counter()
        self.seen = collections.defaultdict(list)       # u -> types of presence, '' for available
        self.bad = []                                   # what nobody should see
        self.on_message = lambda element: None

    def _on_stanza(self, element):
        kind, frm, to = element.get('type') or '', element.get('from'), element.get('to')
        self.counts[f"{element.tag.rpartition('}')[2]} {kind}".strip()] += 1
        if kind == 'error':
            self.bad.append(f'error to {to}')
        if element.tag != PRESENCE:
            self.on_message(element)
            return
        if kind == 'subscribe':
            self.send(f"<presence from='{bare(to)}' to='{bare(frm)}' type='subscribed'/>")
        elif kind == 'probe':
            self.send(SHOWN.format(frm=bare(to), to=bare(frm), status='at my desk'))
        elif to.startswith('u'):
            self.seen[int(to[1:].partition('@')[0])].append(kind)
        if kind in ('unavailable', 'unsubscribed', 'unsubscribe'):
            self.bad.append(f'{kind} to {to}')
