#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A restart of xfedd with 1,000 subscriptions by SIP, by SIGTERM and by SIGKILL, also while it refreshes them: all go on, and nobody sees a gap.

Our users' subscriptions are refreshed in their dialogs, with a higher CSeq, and our users hear nothing bad. Watchers' refreshes are
answered with 200, and a NOTIFY follows, with the presence of our user as soon as it is known and never with a closed one.
"""
import asyncio
import os
import signal
import sys

from lab import options
from lab.sipstage import SipStage
from lab.stage import Stage

WITHIN = 30
SETTLED_S = 3           # what was changed last is written half a second later, or a second more where the machine stands still
PACE = 250              # SUBSCRIBEs that xfedd may send in a second
SIGTERM, SIGKILL, IN_THE_MIDST = 'SIGTERM', 'SIGKILL', 'SIGKILL just after a start'


class Restart:
    def __init__(self, stage, count):
        self.all, self.report, self.count = SipStage(stage), stage.report, count
        self.gateway, self.peer, self.users = self.all.gateway, self.all.peer, self.all.users

    def _dialogs(self):
        return {(way, n): d for way, dialogs in (('out', self.peer.out), ('in', self.peer.into)) for n, d in dialogs.items()}

    def _end(self, how):
        if how == SIGTERM:
            self.report.equal('xfedd ends with status 0', self.gateway.stop(), 0)
        else:
            os.kill(self.gateway.proc.pid, signal.SIGKILL)
            self.gateway.stop()

    async def _again(self, how):
        await asyncio.to_thread(self._end, how)
        await asyncio.to_thread(self.gateway.start)
        await self.peer.connect()

    async def _restart(self, how):
        """-> each dialog, what came in it until now, and the answers in it"""
        await asyncio.sleep(SETTLED_S)
        before = {key: (d, d.requests, len(d.asked)) for key, d in self._dialogs().items()}
        for dialog in self.peer.by_call.values():
            dialog.problems.clear()
            dialog.basic = ''
        self.users.bad.clear()
        self.users.counts.clear()
        self.users.seen.clear()
        self.peer.note = f'here after {how}'
        if how == IN_THE_MIDST:
            await self._again(SIGTERM)
            await self.all.until(lambda: len(self._silent(before)) < self.count, WITHIN)    # some of our subscriptions are refreshed
        await self._again(how)
        return before

    def _silent(self, before):
        return [key for key, (dialog, requests, _) in before.items() if dialog.requests == requests]

    async def resume(self, how):
        report, numbers = self.report, range(self.count)
        before = await self._restart(how)
        await self.all.until(lambda: self.all.shown(numbers) == self.all.sees(numbers) == self.count and not self._silent(before),
                             WITHIN)
        behind = self._silent(before)
        report.check(f'{how}: each dialog goes on', not behind, f'{len(behind)}: {behind[:12]}')
        report.equal(f'{how}: our users see what their contacts show meanwhile', self.all.sees(numbers), self.count)
        report.equal(f'{how}: watchers see our users, who were asked for their state', self.all.shown(numbers), self.count)
        for n in numbers:
            self.peer.subscribe(n)
        await self.all.until(lambda: all(self.peer.into[n].asked[-1:] == [200] and len(self.peer.into[n].asked) > before['in', n][2] for n in numbers), WITHIN)
        refused = [(n, self.peer.into[n].asked[-1:]) for n in numbers if len(self.peer.into[n].asked) <= before['in', n][2] or self.peer.into[n].asked[-1] != 200]
        report.check(f"{how}: watchers' refreshes are answered with 200", not refused, f'{len(refused)}: {refused[:12]}')
        await asyncio.sleep(1)
        changed = [key for key, d in self._dialogs().items() if before[key][0] is not d]
        report.check(f'{how}: no dialog is a new one', not changed, str(changed[:12]))
        problems = [(key, d.problems) for key, d in self._dialogs().items() if d.problems]
        report.check(f'{how}: CSeq is always higher, no NOTIFY says closed or terminated', not problems, f'{len(problems)}: {problems[:5]}')
        report.check(f'{how}: our users hear nothing bad', not self.users.bad, f'{len(self.users.bad)}: {self.users.bad[:5]}')
        if how != IN_THE_MIDST:
            report.equal(f'{how}: each of our users was asked once for its presence', self.users.counts['presence probe'], self.count)
        report.equal(f'{how}: nobody is asked again whether somebody may watch', self.users.counts['presence subscribe'], 0)

    async def run(self):
        self.peer.listen()
        await self.peer.connect()
        numbers = range(self.count)
        started = await asyncio.gather(self.all.begin_ours(numbers, WITHIN), self.all.begin_theirs(numbers, WITHIN))
        self.report.check(f'{self.count} subscriptions each way', all(started), f'{self.all.sees(numbers)}, {self.all.shown(numbers)}')
        if all(started):
            for how in (SIGTERM, SIGKILL, IN_THE_MIDST):
                await self.resume(how)
        most, counted, all_came = max(self.peer.per_second.values()), sum(self.peer.per_second.values()), self.peer.counts['SUBSCRIBE']
        self.report.check(f'refreshes are spread: at most {most} SUBSCRIBEs in a second', most <= PACE)
        self.report.check(f'{counted} of {all_came} SUBSCRIBEs were counted', counted > all_came / 2)
        self.peer.kill()


def main():
    p = options.parser(__doc__)
    p.add_argument('--count', type=int, default=500, help='subscriptions each way')
    args = p.parse_args()
    with Stage(args) as stage:
        asyncio.run(Restart(stage, args.count).run())
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
