# SPDX-License-Identifier: MIT
"""XEP-0198, from either side: what the other side must acknowledge, and what we have taken.

`h` is checked to the letter: acknowledging more than was sent, or less than before, is a fault of the other side.
"""
import collections
import os

from .reader import SM

MODULUS = 1 << 32
ANSWERS_S = 90              # in which an <r/> is answered, whatever the packet filter does meanwhile
WAITS_S = 45                # how long a session waits for whoever may resume it


class BadCount(Exception):
    """An h that cannot be."""


class Unacked:
    """What we sent and the other side has not acknowledged, in order."""
    def __init__(self):
        self.items, self.h = collections.deque(), 0
        self.asked_at = None        # by <r/>, not answered yet

    def push(self, item):
        self.items.append(item)

    def take(self, text):
        """An h that came. -> the items that it acknowledges"""
        if not (text or '').isdigit():
            raise BadCount(f'h={text!r} is no number')
        count = (int(text) - self.h) % MODULUS
        if count > len(self.items):
            raise BadCount(f'h={text}, but {self.h} were acknowledged before and {len(self.items)} sent since')
        self.h = int(text)
        return [self.items.popleft() for _ in range(count)]


class Session:
    """A stream that may be resumed: it lives on without a connection."""
    def __init__(self, resumable):
        self.ident = os.urandom(8).hex()
        self.theirs = None          # the id that the other side gave, where it is the one that is resumed
        self.resumable = resumable
        self.out, self.taken = Unacked(), 0
        self.conn = None
        self.lost_at = None

    def is_stale(self, now):
        return self.conn is None and now - self.lost_at > WAITS_S


def request():
    return f"<r xmlns='{SM}'/>"


def answer(h):
    return f"<a xmlns='{SM}' h='{h % MODULUS}'/>"
