# SPDX-License-Identifier: MIT
"""Numbered messages in one direction, and what became of each: for tests in which none may be lost."""
import collections
import time

STOOD_STILL = 1.0               # second that xfedd, or the machine, did nothing just then
BEFORE, AFTER = 2.0 + STOOD_STILL, 0.5      # a message may be lost with a break that came so many seconds after or before it was sent
DELAY = '{urn:xmpp:delay}delay' # ... or come again, if no answer to a ping had confirmed it; then it says so
UNCONFIRMED = 1.0 + STOOD_STILL # ... or come back as an error, when it was sent so shortly before: pings go out 0.25 s behind a stanza
HEADINGS = ('way', 'sent', 'arrived', 'one error', 'lost with a connection', 'lost otherwise', 'twice', 'both or again',
            'out of order')


class Way:
    """One direction: what was sent when, and what became of it."""
    def __init__(self, name, prefix, frm, to):
        self.name, self.prefix, self.frm, self.to = name, prefix, frm, to
        self.sent = []                              # number -> time
        self.delivered, self.errors = collections.Counter(), collections.Counter()
        self.again = collections.Counter()          # delivered before, and stamped
        self.last = time.monotonic()
        self.order_broken = 0
        self._highest = -1

    def stanza(self):
        number = len(self.sent)
        self.sent.append(time.monotonic())
        return (f"<message from='{self.frm}' to='{self.to}' id='{self.prefix}{number}' type='chat'>"
                f'<body>number {number}</body></message>')

    def heard(self, element):
        """A stanza with one of our ids: the message itself, or its error."""
        number = int(element.get('id')[len(self.prefix):])
        self.last = time.monotonic()
        if element.get('type') == 'error':
            self.errors[number] += 1
            return
        if self.delivered[number] and element.find(DELAY) is not None:
            self.again[number] += 1
            return
        self.delivered[number] += 1
        self.order_broken += number < self._highest
        self._highest = max(self._highest, number)

    def _is_near(self, number, breaks):
        return any(at - BEFORE <= self.sent[number] <= at + AFTER for at in breaks)

    def judge(self, report, breaks=(), most=True):
        lost = [n for n in range(len(self.sent)) if not self.delivered[n] and not self.errors[n]]
        near = [n for n in lost if self._is_near(n, breaks)]
        runs = sum(1 for i, n in enumerate(near) if i == 0 or near[i - 1] != n - 1)
        twice = sum(1 for n in list(self.delivered) if self.delivered[n] > 1)
        refused = [n for n in list(self.delivered) if self.errors[n]]
        both = [n for n in refused if not any(at - UNCONFIRMED <= self.sent[n] <= at for at in breaks)]
        again = sum(1 for n in self.errors if self.errors[n] > 1)
        far = [n for n in self.again if self.again[n] > 1 or not self._is_near(n, breaks)]
        row = (self.name, len(self.sent), len(self.delivered), len(self.errors), len(near), len(lost) - len(near), twice,
               len(both) + again, self.order_broken)
        report.equal(f'{self.name}: every message has one fate', len(self.delivered) + len(self.errors) - len(refused) + len(lost),
                     len(self.sent))
        report.equal(f'{self.name}: none lost without a cause', len(lost) - len(near), 0)
        report.check(f'{self.name}: those lost with a connection are one run for each break', runs <= len(breaks), f'{runs} runs')
        report.equal(f'{self.name}: none arrives twice', twice, 0)
        report.equal(f'{self.name}: but those that a break left unconfirmed ({len(self.again)}), once more and stamped', far, [])
        report.equal(f'{self.name}: none but those ({len(refused)}) arrives and is refused, or is refused twice', len(both) + again, 0)
        report.equal(f'{self.name}: order is kept', self.order_broken, 0)
        report.check(f'{self.name}: {"most" if most else "some"} arrive', len(self.delivered) > (len(self.sent) // 2 if most else 0))
        return row


def show(rows):
    table = [HEADINGS] + [tuple(str(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    print()
    for row in table:
        print('   ' + '  '.join(cell.rjust(width) if i else cell.ljust(width)
                                for i, (cell, width) in enumerate(zip(row, widths))))
    print(flush=True)
