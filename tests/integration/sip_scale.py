#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What SIP costs: memory of many subscriptions, the pace of their refreshes behind a restart, the processor under load. By `scripts/bench --sip`.

    sip_scale.py --xfedd PROGRAM [--count N] [--more N] [--seconds N]

1. N subscriptions each way: memory of each. 2. N more, and a restart: how fast their refreshes come. 3. Load: a quarter of what a node of
Cisco's IM and Presence serves (260,000 subscriptions, 1,000 messages a second). 4. One message at a time, and many.

Figures of the processor are those of xfedd alone, in user and kernel mode; they depend on the machine and are only printed. Memory has a
limit. doc/operators/SIZING.md has what came out.
"""
import asyncio
import collections
import random
import sys
import time

from lab import options
from lab.meter import Meter
from lab.proc import Failed
from lab.sippresence import SHOWN
from lab.sipstage import PEER, SipStage
from lab.stage import Stage
from lab.world import LOCAL

WARM = 500                  # subscriptions each way before memory is measured
MEMORY_MB = 60              # of 50,000
CAP = 4                     # times the load here
PACE = 250                  # SUBSCRIBEs that xfedd may send in a second
# A second, at the quarter: refreshes (SUBSCRIBE and NOTIFY with answers), changes of presence, messages. About 250 SIP messages.
REFRESHES, CHANGES, MESSAGES = 10, 54, 50
TICK_S = 0.1
WINDOW = 50                 # open requests in a burst
TEXT = 'Let us have lunch together tomorrow, at noon; I have reserved a table for four at the usual place. '


class Scale:
    def __init__(self, stage, args):
        self.all, self.report, self.args = SipStage(stage, 'error-window = 0s'), stage.report, args
        self.gateway, self.peer, self.users = self.all.gateway, self.all.peer, self.all.users
        self.meter = Meter(self.gateway.proc.pid)

    # ---- memory

    async def _grow(self, what, begin, numbers):
        before, since = self.meter.rss_mib(), time.monotonic()
        if not await begin(numbers, 60):
            raise Failed(f'{len(numbers)} {what}: {self.all.sees(numbers)} and {self.all.shown(numbers)} are there')
        await asyncio.sleep(2)
        grown = self.meter.rss_mib() - before
        self.report.say(f'{what}: {grown * 1048576 / len(numbers):.0f} bytes each, {len(numbers)} in {time.monotonic() - since:.0f} s')
        return grown

    async def memory(self):
        warm, many = range(WARM), range(WARM, self.args.count)
        await self._grow('subscriptions of ours, to be warm', self.all.begin_ours, warm)
        await self._grow('watchers, to be warm', self.all.begin_theirs, warm)
        grown = await self._grow('subscriptions of ours', self.all.begin_ours, many)
        grown += await self._grow('watchers', self.all.begin_theirs, many)
        per_each = grown * 1048576 / (2 * len(many))
        self.report.check(f'50,000 subscriptions take {50000 * per_each / 1e6:.1f} MB, {self.meter.rss_mib():.0f} MiB with all else, {per_each:.0f} bytes each',
                          50000 * per_each <= MEMORY_MB * 1e6)
        more = range(self.args.count, self.args.count + self.args.more)
        if more:
            await self._grow('more of ours', self.all.begin_ours, more)
            await self._grow('more watchers', self.all.begin_theirs, more)

    # ---- a restart

    async def restart(self):
        numbers = range(self.args.count + self.args.more)
        for dialog in self.peer.by_call.values():
            dialog.basic = ''
        requests = {n: d.requests for n, d in self.peer.out.items()}
        self.users.seen.clear()
        self.peer.per_second.clear()
        self.report.equal('xfedd ends with status 0', await asyncio.to_thread(self.gateway.stop), 0)
        since = time.monotonic()
        await asyncio.to_thread(self.gateway.start)
        self.report.say(f'{2 * len(numbers)} subscriptions: ready {time.monotonic() - since:.1f} s after the start')
        self.meter = Meter(self.gateway.proc.pid)
        await self.peer.connect()
        refreshed = await self.all.until(lambda: all(self.peer.out[n].requests > requests[n] for n in numbers), len(numbers) / 100 + 30)
        self.report.check('all are refreshed', refreshed)
        self.report.say(f'... in {time.monotonic() - since:.0f} s')
        self.report.equal('watchers see our users again', self.all.shown(numbers), len(numbers))
        most, problems = max(self.peer.per_second.values()), [d.problems for d in self.peer.by_call.values() if d.problems]
        self.report.check(f'refreshes are spread: at most {most} in a second', most <= PACE)
        self.report.check('all in their dialogs', not problems, str(problems[:3]))
        await asyncio.sleep(3)
        self.report.say(f'{self.meter.rss_mib():.0f} MiB after the restart, {self.meter.rss_mib() * 1048576 / (2 * len(numbers)):.0f} bytes for each with all else')

    # ---- load

    def _change(self, count):
        """Of presence, half of them of our users, half of contacts."""
        for _ in range(count // 2):
            n = random.randrange(len(self.peer.into))
            self.users.send(SHOWN.format(frm=f't{n}@{LOCAL}', to=f'w{n}@{PEER}', status=f'back at {random.random()}'))
            self.peer.note = f'away until {random.random()}'
            self.peer.notify(random.randrange(len(self.peer.out)))

    def _write(self, count):
        """Messages, half of them each way."""
        for _ in range(count // 2):
            n = random.randrange(len(self.peer.into))
            self.peer.message(f'w{n}@{PEER}', f't{n}@{LOCAL}', TEXT)
            self.users.send(f"<message from='t{n}@{LOCAL}/desk' to='w{n}@{PEER}' id='m{n}' type='chat'><body>{TEXT}</body></message>")

    async def _paced(self, seconds, per_second, call):
        done, since = 0, time.monotonic()
        while (now := time.monotonic() - since) < seconds:
            due = int(now * per_second / 2) * 2
            call(due - done)
            done = due
            await asyncio.sleep(TICK_S)

    def _refresh(self, count):
        for _ in range(count):
            self.peer.subscribe(random.randrange(len(self.peer.into)))

    def _messages(self):
        """Of SIP, both ways."""
        counts = self.peer.counts
        return self.peer.calls + sum(counts[m] for m in ('SUBSCRIBE', 'NOTIFY', 'MESSAGE')) * 2 + sum(v for k, v in counts.items() if ' ' in k)

    async def _measure(self, what, seconds, *work):
        cpu_s, messages, since = self.meter.cpu_s(), self._messages(), time.monotonic()
        await asyncio.gather(*work, asyncio.sleep(seconds))
        seconds, cpu_s, messages = time.monotonic() - since, self.meter.cpu_s() - cpu_s, self._messages() - messages
        self.report.say(f'{what}: {messages / seconds:.0f} SIP messages a second, {100 * cpu_s / seconds:.2f} % of a processor')
        return cpu_s / seconds, messages / seconds

    async def load(self):
        seconds = self.args.seconds
        idle, _ = await self._measure('nothing to do', seconds / 4)
        share, per_second = await self._measure('load', seconds, self._paced(seconds, REFRESHES, self._refresh), self._paced(seconds, CHANGES, self._change),
                                                self._paced(seconds, MESSAGES, self._write))
        self.report.say(f'a SIP message under that load: {1e6 * (share - idle) / per_second:.0f} us of a processor; at {CAP} times the load '
                        f'{100 * CAP * share:.1f} %')

    # ---- one kind at a time

    async def _burst(self, what, count, send):
        """`send(n, done)` keeps WINDOW of them open."""
        sent, answered, cpu_s, since, finished = 0, 0, self.meter.cpu_s(), time.monotonic(), asyncio.Event()

        def done(message):
            nonlocal sent, answered
            answered += message.status < 300
            if sent < count:
                sent += 1
                send(sent, done)
            if answered == count:
                finished.set()
        for sent in range(1, WINDOW + 1):
            send(sent, done)
        try:
            await asyncio.wait_for(finished.wait(), 120)
        except asyncio.TimeoutError:
            pass
        self.report.check(f'{what}: {count} are answered', answered == count, f'{answered}, {self.peer.counts}')
        self.report.say(f'{what}: {1e6 * (self.meter.cpu_s() - cpu_s) / count:.1f} us of a processor each, {count / (time.monotonic() - since):.0f} a second')

    async def _latency(self, count):
        """Of a message, from the peer to the cluster, one at a time; with what the laboratory takes."""
        times, came, loop = [], asyncio.Event(), asyncio.get_running_loop()

        def heard(element):
            times.append(time.perf_counter() - sent)
            loop.call_soon_threadsafe(came.set)
        self.users.on_message = heard
        for n in range(count):
            await asyncio.sleep(0.01)
            came.clear()
            sent = time.perf_counter()
            self.peer.message(f'w{n % WARM}@{PEER}', f't{n % WARM}@{LOCAL}', TEXT)
            await asyncio.wait_for(came.wait(), 10)
        times.sort()
        self.report.say(f'a message of the peer, when there is nothing else: {1000 * times[len(times) // 2]:.2f} ms to the cluster, '
                        f'{1000 * times[int(len(times) * 0.99)]:.2f} ms at the 99th percentile')

    async def singly(self):
        count = self.args.burst

        def notify(n, done):
            self.peer.note = f'note {n}'
            self.peer.notify(n % len(self.peer.out), done)
        await self._burst('MESSAGE of the peer', count, lambda n, done: self.peer.message(f'w{n % WARM}@{PEER}', f't{n % WARM}@{LOCAL}', TEXT, done))
        await self._burst('NOTIFY of the peer, with another note', count, notify)
        await self._burst('a refresh of the peer', count // 2, lambda n, done: self.peer.subscribe(n % len(self.peer.into), done))
        await self._latency(1000)

    async def run(self):
        self.peer.listen()
        await self.peer.connect()
        await self.memory()
        if self.args.more or self.args.restart:
            await self.restart()
        await self.load()
        await self.singly()
        self.report.say(f'{self.meter.rss_mib():.0f} MiB at the end')
        self.report.check('nobody heard anything bad', not self.users.bad, str(collections.Counter(b.split()[0] for b in self.users.bad)))
        self.peer.kill()


def main():
    p = options.parser(__doc__)
    p.add_argument('--count', type=int, default=25000, help='subscriptions each way')
    p.add_argument('--more', type=int, default=7500, help='further ones each way, for the restart and the load')
    p.add_argument('--restart', action='store_true', help='even without further ones')
    p.add_argument('--seconds', type=int, default=60, help='of the load')
    p.add_argument('--burst', type=int, default=20000)
    args = p.parse_args()
    random.seed(1)
    with Stage(args) as stage:
        asyncio.run(Scale(stage, args).run())
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
