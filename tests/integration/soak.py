#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Numbered stanzas both ways for a long time, with a fault every few seconds; each is delivered once or returned once.

A scripted cluster with two nodes and many scripted peers of all kinds (EXTERNAL, dialback, XEP-0288, XEP-0198 with and without
resumption, silent ones) exchange messages, presence and iq through one xfedd. Peers are killed, reset in the middle of a
stanza, cut off by the packet filter, read slowly; DNS fails; legs of the link and the whole link break; xfedd reloads, drains
and starts again, and in the last tenth of the run is killed too. Afterwards the ledgers of both sides are put together
(soak/settle.py says what counts as what), and memory and descriptors must not have grown.
"""
import json
import random
import sys
import time

from lab import options
from lab.stage import Stage
from soak import selftest, table
from soak.faults import Faults
from soak.settle import settle
from soak.world import QUEUE_S, World

WARM_S = 4                  # before the first fault
LAST_SHARE = 0.1            # of the run, at its end, with kill -9
QUIET_S, PATIENCE_S = 6, QUEUE_S + 30       # nothing more comes for so long; or so long at most
GROWTH_MIB = 24             # that xfedd may have grown by when all is over, beside the same run's first third
SPARE_DESCRIPTORS = 200     # beside the streams that the peers and legs have open at the end
STILL_S = 5                 # that it may not have answered: a machine stands still for a second or two, an xfedd whose loop waits for something does so for longer


def parse():
    p = options.parser(__doc__)
    p.add_argument('--minutes', type=float, default=5)
    p.add_argument('--peers', type=int, default=200)
    p.add_argument('--rate', type=float, default=560, help='stanzas a second, both ways together')
    p.add_argument('--seed', type=int, default=None, help='of the faults and of all that is drawn; default: the time, and it is printed')
    p.add_argument('--every', type=float, default=3, help='seconds between faults, on average; 0: no faults')
    p.add_argument('--faults', default='all', help='names of faults, with commas; default all')
    p.add_argument('--legs', type=int, choices=(1, 2), default=2, help='nodes of the cluster')
    p.add_argument('--json', help='write the result to this file')
    p.add_argument('--extra', default='', help='further configuration of xfedd')
    p.add_argument('--spoil', help='damage stanzas on the legs: drop, double, swap, spoil, address')
    p.add_argument('--self-test', action='store_true', help='see that each kind of damage is noticed')
    args = p.parse_args()
    args.seed = random.randrange(1 << 30) if args.seed is None else args.seed
    return args


class Run:
    def __init__(self, stage, args):
        self.report, self.args = stage.report, args
        self.report.say(f'seed {args.seed}')
        self.world = World(stage, args.peers, args.seed, args.legs, args.spoil, args.extra)
        self.faults = Faults(self.world, args.seed, args.every, args.faults)
        self.shown_at = 0

    # ---- the run

    def wait(self, seconds):
        """While xfedd is watched and black holes are lifted."""
        end = time.monotonic() + seconds
        while True:
            self.faults.lift()
            self.world.sample()
            if not self.world.alive():
                self.report.check('xfedd goes on', False, self.world.gateway.log)
                self.world.start()
            self.show()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.5))

    def show(self):
        now = time.monotonic()
        if now < self.shown_at or not self.world.samples:
            return
        self.shown_at = now + 15
        peers, cluster, sample = self.world.peers.state, self.world.cluster.state, self.world.samples[-1]
        self.report.say(f'out {cluster.get("sent")} sent {peers.get("got")} delivered; in {peers.get("sent")} sent {cluster.get("got")} delivered; '
                        f'{peers.get("streams")} streams, legs {cluster.get("legs")}, {sample[2]:.0f} MiB, {sample[3]} descriptors, '
                        f'{len(self.faults.log)} faults, behind by {max(peers.get("lag", 0), cluster.get("lag", 0)):.1f} s')

    def go(self):
        begin, length = time.monotonic(), self.args.minutes * 60
        self.world.rate(self.args.rate)
        self.wait(min(WARM_S, length))
        while time.monotonic() < begin + length:
            if not self.args.every:
                self.wait(begin + length - time.monotonic())
                break
            is_last = time.monotonic() > begin + length * (1 - LAST_SHARE)
            calm_s = self.faults.happen(*self.faults.choose(is_last))
            self.wait(min(calm_s + self.faults.pause_s(), max(0, begin + length - time.monotonic())))
        self._end(begin)

    def _end(self, begin):
        """No more faults, no more stanzas; what is still under way arrives or comes back."""
        self.faults.lift(True)
        self.world.rate(0)
        self.load_s = time.monotonic() - begin
        self._until_quiet()
        self.streams = self.world.peers.state.get('streams', 0)
        self.world.sample()
        self.world.stop_well(self.report)
        time.sleep(1.5)
        for process in (self.world.peers, self.world.cluster):
            process.finish()

    def _until_quiet(self):
        def seen():
            states = (self.world.peers.state, self.world.cluster.state)
            return [s.get(k) for s in states for k in ('got', 'returned', 'answered')]
        end, last, since = time.monotonic() + PATIENCE_S, seen(), time.monotonic()
        while time.monotonic() < min(end, since + QUIET_S):
            self.wait(0.5)
            if seen() != last:
                last, since = seen(), time.monotonic()

    # ---- what came of it

    def judge(self):
        began = time.monotonic()
        out, into, wrong, examples = settle(self.world.stem, self.world.runs, self.faults.log, self.world.pulse.still)
        flat = self._flat()
        table.show(self.report.say, (out, into), wrong, self.faults.log, flat)
        self._show_examples((out, into), examples)
        self.report.say(f'settled in {time.monotonic() - began:.1f} s')
        sent = out.counts['sent'] + into.counts['sent']
        self.report.check(f'{sent} stanzas in {self.load_s:.0f} s: {sent / self.load_s:.0f}/s', out.counts['sent'] > 0 and into.counts['sent'] > 0)
        for direction in (out, into):
            self._verdict(direction)
        self.report.check('nothing is wrong in itself: every h, every address, every stream', not wrong, f'{dict(wrong)}')
        if self.args.json:
            self._write((out, into), wrong, examples)

    def _verdict(self, direction):
        name = 'out' if direction.name == 'o' else 'in'
        self.report.check(f'{name}: each is delivered once or returned once', not direction.anomalies, f'{dict(direction.where)}')

    def _show_examples(self, directions, examples):
        for example in [e for d in directions for e in d.examples][:40] + examples[:20]:
            self.report.say(f'  {example}')
        peers = self.world.peers.state
        self.report.say(f'pings of xfedd: {peers.get("pings")} to peers, {self.world.cluster.state.get("pings")} to the cluster; peers: {peers.get("counts")}; '
                        f'ends with an error: {peers.get("errors")}')
        for direction in directions:
            median, most, longest = table.delays(direction)
            self.report.say(f'{direction.name}: median {median * 1000:.1f} ms, 99 of 100 within {most * 1000:.0f} ms, longest {longest:.1f} s')

    def _flat(self):
        """Of the last process of xfedd that lived for some time."""
        samples = self.world.samples
        lives = {}
        for sample in samples:
            lives.setdefault(sample[1], []).append(sample)
        longest = max(lives.values(), key=len)
        third = len(longest) // 3
        early, late = [max(s[2] for s in part) for part in (longest[:third] or longest, longest[-third:] or longest)]
        growth = late - early
        last = samples[-1]
        cpu = sum(life[-1][4] for life in lives.values())
        self.report.check(f'memory is flat: {early:.1f} MiB at most in the first third of the longest life of xfedd ({longest[-1][0] - longest[0][0]:.0f} s), '
                          f'{late:.1f} in the last', growth < GROWTH_MIB)
        self.report.check(f'descriptors are given back: {last[3]} at the end, with {self.streams} streams', last[3] < self.streams + SPARE_DESCRIPTORS)
        still = [end - begin for begin, end in self.world.pulse.still]
        self.report.check(f'xfedd stood still {len(still)} times, {max(still, default=0):.2f} s at most: no longer than a machine may', max(still, default=0) < STILL_S)
        return [f'xfedd: {len(lives)} lives, {max(s[2] for s in samples):.1f} MiB and {max(s[3] for s in samples)} descriptors at most, {cpu:.1f} s of processor']

    def _write(self, directions, wrong, examples):
        with open(self.args.json, 'w') as f:
            json.dump(dict(seed=self.args.seed, minutes=self.args.minutes, peers=self.args.peers, seconds=self.load_s,
                           directions={d.name: dict(counts=d.counts, anomalies=d.anomalies, where=d.where, examples=d.examples, delays=table.delays(d))
                                       for d in directions},
                           wrong=wrong, examples=examples, faults=self.faults.log, runs=self.world.runs, samples=self.world.samples[::20],
                           states=dict(peers=self.world.peers.state, cluster=self.world.cluster.state)), f, indent=1)


def main():
    args = parse()
    if args.self_test:
        return selftest.main(args)
    with Stage(args) as stage:
        run = Run(stage, args)
        run.go()
        run.judge()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
