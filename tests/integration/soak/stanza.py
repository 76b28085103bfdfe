# SPDX-License-Identifier: MIT
"""Numbered stanzas. All that is needed to judge one is in it: number, pair of full JIDs, place in the order of that pair, check sum.

A pair is a number too: PAIRS of them belong to each peer, and both addresses follow from it.
"""
import zlib
from xml.sax.saxutils import escape

LOCAL = 'a.example'
PAIRS = 3               # of a peer
USERS = 60              # of the cluster
MESSAGE, PRESENCE, IQ = range(3)
OUT, IN = 'o', 'i'
QUERY = 'urn:xfedd:soak'

# Lengths from a word to what needs many packets, with what must be escaped and what needs four bytes.
FILLERS = ['', 'x', 'a < b && c > d', '\U0001f426 \u00fc\u00df \u4f8b "q"'] + ['lorem ipsum & ' * n for n in (1, 3, 8, 20, 60, 300)]
WEIGHTS = [8, 8, 6, 6, 8, 8, 6, 3, 1, 0.2]
_ESCAPED = [escape(f) for f in FILLERS]


def domain_of(peer):
    return f'p{peer:03d}.example'


def peer_of(pair):
    return pair // PAIRS


def local_user(pair):
    return (pair * 7) % USERS


def addresses(pair, direction):
    """-> (from, to)"""
    ours, theirs = f'u{local_user(pair)}@{LOCAL}/r', f'v{pair % PAIRS}@{domain_of(peer_of(pair))}/s'
    return (ours, theirs) if direction == OUT else (theirs, ours)


def check_sum(head, filler):
    return zlib.crc32(f'{head} {filler}'.encode())


def make(direction, serial, pair, place, kind, filler):
    """`filler` is an index of FILLERS. -> text"""
    frm, to = addresses(pair, direction)
    ident = f'{direction}{serial}'
    head = f'{ident} {pair} {place}'
    body = f'{head} {check_sum(head, FILLERS[filler]):08x} {_ESCAPED[filler]}'
    if kind == MESSAGE:
        return f"<message from='{frm}' to='{to}' id='{ident}' type='chat'><body>{body}</body></message>"
    if kind == PRESENCE:
        return f"<presence from='{frm}' to='{to}' id='{ident}'><status>{body}</status></presence>"
    return f"<iq from='{frm}' to='{to}' id='{ident}' type='get'><query xmlns='{QUERY}'>{body}</query></iq>"


class Wrong(Exception):
    """A stanza that is not as it was sent: `corrupted` or `misaddressed`."""


def judge(element, direction):
    """Of a numbered stanza as it arrived. -> its pair"""
    head = element.text.split(' ', 4)
    if len(head) != 5 or head[0] != element.attrs.get('id') or not head[1].isdigit():
        raise Wrong('corrupted')
    if f'{check_sum(" ".join(head[:3]), head[4]):08x}' != head[3]:
        raise Wrong('corrupted')
    pair = int(head[1])
    if (element.attrs.get('from'), element.attrs.get('to')) != addresses(pair, direction):
        raise Wrong('misaddressed')
    return pair


def number_of(ident, direction):
    """The number in an id of this direction; None: it is something else."""
    return int(ident[1:]) if ident and ident[0] == direction and ident[1:].isdigit() else None
