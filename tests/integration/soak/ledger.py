# SPDX-License-Identifier: MIT
"""What one process saw: a record for each stanza written or read, a line of JSON for each connection, and what was wrong at once.

Times are of CLOCK_MONOTONIC, which all processes of the machine share. `index` counts the stanzas of a connection in that
direction, so that "the first 17 were acknowledged" says something about each of them.
"""
import collections
import json
import struct
import time

RECORD = struct.Struct('<BBHIIId')          # what, flags, pair, serial, conn, index, time
SENT, RESENT, RESUMED, GOT, RETURNED, ANSWERED, REPLIED, KEPT, PROVED, TOLD = range(1, 11)
# SENT      the first time; RESENT again on a new stream, RESUMED again on the same session
# GOT       a stanza that the other side sent, whole and right
# RETURNED  our own stanza came back as an error; ANSWERED: our iq request has its result
# REPLIED   we wrote the result of an iq request of the other side; flag DELAYED: once more, on a new stream
# KEPT      we know ourselves that our stanza, or our reply (flag REPLY), was not taken: our own server tells its user
# PROVED    we acknowledged (0198), or answered a ping: the first `serial` stanzas of `conn` were handled; said on the connection `index`
# TOLD      the other side acknowledged this one of ours (flag REPLY: our reply to this one of theirs)
PRESENCE_FLAG, IQ_FLAG, CUT, DELAYED, REPLY = 1, 2, 4, 8, 16


class Ledger:
    def __init__(self, stem):
        self._records, self._lines = open(f'{stem}.records', 'wb', 1 << 20), open(f'{stem}.lines', 'w', 1 << 16)
        self.wrong = collections.Counter()      # anomalies that need no other ledger
        self.examples = []
        self.counts = collections.Counter()     # for the progress line, by kind of record

    def note(self, what, flags, pair, serial, conn, index, at=None):
        self._records.write(RECORD.pack(what, flags, pair, serial, conn, index, time.monotonic() if at is None else at))
        self.counts[what] += 1

    def line(self, **what):
        self._lines.write(json.dumps(what) + '\n')

    def fault(self, kind, text):
        """Something is wrong whatever the other ledger says."""
        self.wrong[kind] += 1
        if len(self.examples) < 40:
            self.examples.append(f'{kind}: {text}')

    def close(self):
        self.line(wrong=self.wrong, examples=self.examples)
        self._records.close()
        self._lines.close()


def read_records(stem):
    with open(f'{stem}.records', 'rb') as f:
        while True:
            block = f.read(RECORD.size * 65536)
            if not block:
                return
            yield from RECORD.iter_unpack(block)


def read_lines(stem):
    with open(f'{stem}.lines') as f:
        return [json.loads(line) for line in f]
