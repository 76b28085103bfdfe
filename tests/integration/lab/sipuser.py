# SPDX-License-Identifier: MIT
"""A SIP user that knows presence: publishes its own at its Kamailio (RFC 3903), and watches others through it (RFC 3856, RFC 6665)."""
import queue
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from .kamailio import User
from .proc import Failed

PIDF, MODEL, RPID, JABBER = ('urn:ietf:params:xml:ns:pidf', 'urn:ietf:params:xml:ns:pidf:data-model', 'urn:ietf:params:xml:ns:pidf:rpid', 'jabber:client')
DOCUMENT = '''<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="{PIDF}" xmlns:dm="{MODEL}" xmlns:rpid="{RPID}" entity="pres:{entity}">
<tuple id="t1"><status><basic>{basic}</basic></status><contact priority="0.8">sip:{entity}</contact>{note}</tuple>{person}
</presence>'''


@dataclass
class Seen:
    """A NOTIFY: the state of the subscription with its reason and seconds, and what the document says of each device."""
    state: str
    reason: str = None
    expires: int = None
    type: str = None
    devices: list = field(default_factory=list)     # (id of the tuple, basic, show)
    notes: list = field(default_factory=list)
    activities: list = field(default_factory=list)

    @property
    def is_open(self):
        return any(basic == 'open' for _, basic, _ in self.devices)


def header(lines, name):
    """The first one of this name in a head; None: there is none."""
    return next((line.split(':', 1)[1].strip() for line in lines[1:] if line.lower().startswith(name.lower() + ':')), None)


def headers(lines, name):
    return [line.split(':', 1)[1].strip() for line in lines[1:] if line.lower().startswith(name.lower() + ':')]


def parameter(value, name):
    found = re.search(rf';\s*{name}=([^;]+)', value or '')
    return found and found[1]


def uri_of(value):
    return re.search(r'<([^>]+)>', value)[1]


def seen(lines, body):
    state = header(lines, 'Subscription-State') or ''
    expires = parameter(state, 'expires')
    found = Seen(state.split(';')[0].strip(), parameter(state, 'reason'), expires and int(expires), header(lines, 'Content-Type') if body else None)
    if not body:
        return found
    document = ET.fromstring(body)
    for row in document.iter(f'{{{PIDF}}}tuple'):
        found.devices.append((row.get('id'), row.findtext(f'{{{PIDF}}}status/{{{PIDF}}}basic'), row.findtext(f'.//{{{JABBER}}}show')))
    found.notes = [note.text for space in (PIDF, MODEL, RPID) for note in document.iter(f'{{{space}}}note')]
    found.activities = [a.tag.split('}')[1] for box in document.iter(f'{{{RPID}}}activities') for a in box if not a.tag.endswith('}note')]
    return found


class SipUser(User):
    def __init__(self, kamailio, name, port):
        super().__init__(kamailio, name, port)
        self.etag = None
        self.watched = {}               # address -> [Call-ID, our tag, CSeq, To, target, route]
        self.notifies, self.old = queue.Queue(), set()

    # ---- its own presence

    def publish(self, basic='open', note='', activity=None, expires=3600):
        """-> the status of the answer."""
        person = f'<dm:person id="p1"><rpid:activities><rpid:{activity}/></rpid:activities></dm:person>' if activity else ''
        body = DOCUMENT.format(PIDF=PIDF, MODEL=MODEL, RPID=RPID, entity=f'{self.name}@{self.domain}', basic=basic, person=person,
                               note=f'<note>{escaped(note)}</note>' if note else '')
        return self._publish(body.encode(), expires)

    def unpublish(self):
        return self._publish(b'', 0)

    def _publish(self, body, expires):
        uri = f'sip:{self.name}@{self.domain}'
        more = ['Event: presence', f'Expires: {expires}']
        if self.etag:
            more.append(f'SIP-If-Match: {self.etag}')
        if body:
            more.append('Content-Type: application/pidf+xml')
        status, lines = self.request('PUBLISH', uri, f'<{uri}>', more, body)
        self.etag = header(lines, 'SIP-ETag') if status == 200 and expires else None
        return status

    # ---- that of others

    def watch(self, jid, expires=600):
        """SUBSCRIBE, outside a dialog. -> the status of the answer"""
        self.calls += 1
        number = f'{self.name}{self.port}w{self.calls}'
        uri = f'sip:{jid}'
        status, lines = self.request_in((number, number, 1), 'SUBSCRIBE', uri, f'<{uri}>', self._subscribe(expires), b'')
        if status // 100 == 2 and expires:
            route = [r.strip() for line in headers(lines, 'Record-Route') for r in line.split(',')][::-1]
            self.watched[jid] = [number, number, 1, header(lines, 'To'), uri_of(header(lines, 'Contact')), route]
        return status

    def again(self, jid, expires=600):
        """SUBSCRIBE in the dialog; with 0 it is the last one. -> the status of the answer"""
        row = self.watched[jid]
        row[2] += 1
        route = [f'Route: {", ".join(row[5])}'] if row[5] else []
        status, _ = self.request_in(tuple(row[:3]), 'SUBSCRIBE', row[4], row[3], route + self._subscribe(expires), b'')
        if not expires:
            del self.watched[jid]
        return status

    def _subscribe(self, expires):
        return [f'Contact: <sip:{self.name}@{self.ip}:{self.port}>', 'Event: presence', 'Accept: application/pidf+xml', f'Expires: {expires}']

    def take(self, lines, body):
        if not lines[0].startswith('NOTIFY '):
            super().take(lines, body)
            return
        number = header(lines, 'Call-ID'), header(lines, 'CSeq')
        if number not in self.old:      # over UDP one may come twice
            self.old.add(number)
            self.notifies.put(seen(lines, body))

    def taken(self):
        """Every NOTIFY that waits to be looked at; they are forgotten."""
        found = []
        while not self.notifies.empty():
            found.append(self.notifies.get())
        return found

    def notified(self, want, timeout=10):
        """The next NOTIFY for which want(Seen) holds; those before it are forgotten. Failed after the time."""
        end, others = time.monotonic() + timeout, []
        while (left := end - time.monotonic()) > 0:
            try:
                others.append(self.notifies.get(timeout=left))
            except queue.Empty:
                break
            if want(others[-1]):
                return others[-1]
        raise Failed(f'{self.name} got no such NOTIFY in {timeout} s, but {others}')


def escaped(text):
    return text.replace('&', '&amp;').replace('<', '&lt;')
