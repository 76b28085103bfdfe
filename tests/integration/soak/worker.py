# SPDX-License-Identifier: MIT
"""A process of the soak: lines of JSON in, each an order; lines of JSON out, a count of all it did each second.

Load comes in small portions. When the process falls behind (a machine that is busy with other things) it does not catch up.
"""
import asyncio
import gc
import json
import os
import sys
import time

from .ledger import ANSWERED, GOT, RETURNED, SENT

TICK_S = 0.02


class Worker:
    """`actor` has tick(count), orders as methods with keywords, sweep(), state() and finish()."""
    def __init__(self, loop, ledger):
        self.loop, self.ledger, self.actor = loop, ledger, None
        self.rate, self.owed, self.last = 0, 0.0, time.monotonic()
        self.rest = b''
        self.lag_s = 0
        os.set_blocking(0, False)
        loop.add_reader(0, self._orders)

    def _orders(self):
        data = os.read(0, 65536)
        if not data:                    # whoever gave orders is gone
            self.loop.stop()
            return
        *lines, self.rest = (self.rest + data).split(b'\n')
        for line in lines:
            order = json.loads(line)
            name = order.pop('do')
            if name == 'rate':
                self.rate = order['rate']
            elif name == 'finish':
                self.loop.stop()
            else:
                getattr(self.actor, name)(**order)

    def _tick(self):
        now = time.monotonic()
        passed, self.last = now - self.last, now
        self.lag_s = max(self.lag_s, passed - TICK_S)
        self.owed = min(self.owed + passed * self.rate, self.rate)
        count = int(self.owed)
        if count:
            self.owed -= self.actor.tick(count)
        self.loop.call_later(TICK_S, self._tick)

    def _report(self):
        self.actor.sweep()
        counts = self.ledger.counts
        print(json.dumps(dict(sent=counts[SENT], got=counts[GOT], returned=counts[RETURNED], answered=counts[ANSWERED], wrong=sum(self.ledger.wrong.values()),
                              lag=round(self.lag_s, 3), **self.actor.state())), flush=True)
        self.lag_s = 0
        self.loop.call_later(1, self._report)

    def run(self, actor):
        self.actor = actor
        gc.freeze()
        self._tick()
        self._report()
        try:
            self.loop.run_forever()
        finally:
            actor.finish()
            self.ledger.close()


def begin():
    """-> what the driver says of the world, and a loop"""
    with open(sys.argv[1]) as f:
        spec = json.load(f)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return spec, loop
