# SPDX-License-Identifier: MIT
"""What the cluster and the peers have in common: new stanzas, and what is done with one that arrives.

An item is what may have to be written again: (record, flags, pair, serial, text, about). Its record is SENT, REPLIED or PROVED;
`about` is the connection of which a ping's answer proves that everything before the ping was handled.
"""
import random
from xml.sax.saxutils import escape

from .ledger import ANSWERED, CUT, DELAYED, GOT, IQ_FLAG, KEPT, PRESENCE_FLAG, PROVED, REPLIED, REPLY, RESENT, RESUMED, RETURNED, SENT, TOLD
from .reader import DELAY, PING
from .stanza import FILLERS, IQ, MESSAGE, PRESENCE, WEIGHTS, Wrong, judge, make, number_of

FLAG_OF = {MESSAGE: 0, PRESENCE: PRESENCE_FLAG, IQ: IQ_FLAG}
ERROR = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
STAMP = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"


def reply(iq, kind, body=''):
    a = iq.attrs
    return f"<iq from='{a.get('to', '')}' to='{a.get('from', '')}' id='{escape(a.get('id', ''))}' type='{kind}'>{body}</iq>"


class Traffic:
    def __init__(self, ledger, sends, gets, seed):
        self.ledger, self.sends, self.gets = ledger, sends, gets
        self.rng = random.Random(f'{seed} {sends}')
        self.serial, self.places, self.pings = 0, {}, 0

    # ---- out

    def new(self, pair, kind=None):
        """-> an item"""
        self.serial += 1
        place = self.places[pair] = self.places.get(pair, 0) + 1
        if kind is None:
            kind = self.rng.choices((MESSAGE, PRESENCE, IQ), (8, 1, 1))[0]
        filler = self.rng.choices(range(len(FILLERS)), WEIGHTS)[0]
        text = make(self.sends, self.serial, pair, place, kind, filler)
        return SENT, FLAG_OF[kind], pair, self.serial, text, 0

    def put(self, conn, item, session=None):
        what, flags, pair, serial, text, about = item
        index = conn.write_stanza(text)
        if what == PROVED:
            self.ledger.note(PROVED, 0, 0, serial, about, conn.number)
        elif what:
            self.ledger.note(what, flags, pair, serial, conn.number, index)
        if session:
            session.out.push(item)

    def cut(self, conn, pair):
        """Half a stanza, which nobody may take for a whole one."""
        _, flags, pair, serial, text, _ = self.new(pair)
        conn.write(text[:len(text) // 2])
        self.ledger.note(SENT, flags | CUT, pair, serial, conn.number, conn.sent + 1)

    def again(self, conn, item, session, resumed):
        """Write once more what was not acknowledged."""
        what, flags, pair, serial, text, about = item
        if what in (SENT, RESENT, RESUMED):
            what = RESUMED if resumed else RESENT
            if not resumed and 'urn:xmpp:delay' not in text:
                head, _, tail = text.rpartition('</')
                text = f'{head}{STAMP}</{tail}'
        elif what == REPLIED and not resumed:
            flags |= DELAYED
        self.put(conn, (what, flags, pair, serial, text, about), session)

    def keep(self, items):
        """We give these up, and know it."""
        for what, flags, pair, serial, _, _ in items:
            if what in (SENT, RESENT, RESUMED):
                self.ledger.note(KEPT, flags, pair, serial, 0, 0)
            elif what == REPLIED:
                self.ledger.note(KEPT, flags | REPLY, pair, serial, 0, 0)

    def told(self, conn, items):
        """The other side acknowledged these."""
        for what, flags, pair, serial, _, _ in items:
            if what in (SENT, RESENT, RESUMED, REPLIED):
                self.ledger.note(TOLD, flags | (REPLY if what == REPLIED else 0), pair, serial, conn.number, 0)

    # ---- in

    def heard(self, conn, element):
        """-> an item to answer with, or None. The connection's count includes this stanza."""
        ident, kind = element.attrs.get('id'), element.attrs.get('type')
        if kind in ('error', 'result'):
            self._outcome(conn, element, ident, kind)
            return None
        serial = number_of(ident, self.gets)
        if serial is not None:
            return self._numbered(conn, element, serial)
        return (0, 0, 0, 0, reply(element, 'error', ERROR), 0) if element.name == 'iq' else None

    def _numbered(self, conn, element, serial):
        try:
            pair = judge(element, self.gets)
        except Wrong as wrong:
            self.ledger.fault(str(wrong), f'{element.attrs}: {element.text[:80]!r}')
            return None
        is_iq = element.name == 'iq'
        flags = (IQ_FLAG if is_iq else 0) | (DELAYED if element.has(DELAY) else 0)
        self.ledger.note(GOT, flags, pair, serial, conn.number, conn.got)
        if not is_iq:
            return None
        return REPLIED, IQ_FLAG, pair, serial, reply(element, 'result'), 0

    def _outcome(self, conn, element, ident, kind):
        serial = number_of(ident, self.sends)
        if serial is None:
            return
        if serial > self.serial:
            self.ledger.fault('misaddressed', f'{kind} for {ident}, which was never sent')
        elif kind == 'error':
            self.ledger.note(RETURNED, DELAYED if element.has(DELAY) else 0, 0, serial, conn.number, conn.got)
        elif element.name == 'iq':
            self.ledger.note(ANSWERED, DELAYED if element.has(DELAY) else 0, 0, serial, conn.number, conn.got)

    def is_ping(self, element):
        return element.name == 'iq' and element.attrs.get('type') == 'get' and f'{PING} ping' in element.inner

    def pong(self, conn, element, mode):
        """`mode`: result, error, silent. -> an item, or None"""
        self.pings += 1
        if mode == 'silent':
            return None
        return PROVED, 0, 0, conn.got, reply(element, mode, ERROR if mode == 'error' else ''), conn.number
