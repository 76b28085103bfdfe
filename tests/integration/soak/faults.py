# SPDX-License-Identifier: MIT
"""The fault generator. The seed decides what happens when; nothing of it depends on how xfedd takes it."""
import random
import time

# What happens, how often beside the others, and for how many seconds it may last.
PEER = {
    'kill': (10, 0, 15),
    'reset': (14, 0, 0),
    'fin': (4, 0, 0),
    'polite': (5, 0, 0),
    'error': (3, 0, 0),
    'blackhole': (8, 2, 25),
    'stall': (6, 2, 20),
    'hang': (4, 2, 20),
    'slow': (5, 2, 15),
    'alert': (4, 0, 5),
    'servfail': (4, 3, 15),
    'silence': (4, 3, 15),
    'burst': (5, 0, 0),
}
REST = {
    'link reset': (4, 0, 2),
    'link polite': (2, 0, 2),
    'link fin': (2, 0, 1),
    'link stall': (2, 1, 6),
    'leg reset': (6, 0, 8),
    'leg polite': (3, 0, 8),
    'leg stall': (2, 1, 8),
    'reload': (3, 0, 0),
    'restart': (2, 0, 0),
}
LAST = {'kill -9': (4, 0, 0)}       # beside all others in the last part of a run, so that what it costs is counted apart
CALM_S = {'link reset': 3, 'link polite': 3, 'link fin': 3, 'link stall': 3, 'restart': 5, 'kill -9': 5}    # nothing else for so long after
SLOW_BYTES = 1500


class Faults:
    def __init__(self, world, seed, every_s, names='all'):
        """`names`: of those that may happen, with commas between them"""
        self.world, self.rng, self.every_s = world, random.Random(f'faults {seed}'), every_s
        self.names = None if names == 'all' else names.split(',')
        self.log = []
        self.lifts = []             # (time, address) of the black holes

    def pause_s(self):
        return self.rng.uniform(0.4, 1.6) * self.every_s

    def choose(self, is_last):
        """-> (name, peer, seconds)"""
        rows = {**PEER, **REST, **(LAST if is_last else {})}
        rows = {name: row for name, row in rows.items() if not self.names or name in self.names} or LAST
        name = self.rng.choices(list(rows), [row[0] for row in rows.values()])[0]
        _, low, high = rows[name]
        return name, self.rng.randrange(self.world.peer_count), self.rng.uniform(low, high)

    def happen(self, name, peer, seconds):
        """-> how long nothing else may happen"""
        self.log.append(dict(at=time.monotonic(), name=name, peer=peer if name in PEER else None, seconds=round(seconds, 1)))
        first, _, how = name.partition(' ')
        if first in ('link', 'leg'):
            self._legs(first, how, seconds)
        elif name in PEER:
            self._peer(name, peer, seconds)
        else:
            {'reload': self.world.reload, 'restart': self.world.restart, 'kill -9': self.world.kill}[name]()
        self.log[-1]['until'] = max(time.monotonic(), self.log[-1]['at'] + seconds)
        return CALM_S.get(name, 0)

    def _legs(self, first, how, seconds):
        count = len(self.world.nodes)
        nodes = [self.rng.randrange(count)] if first == 'leg' else list(range(count))
        self.log[-1]['nodes'] = nodes
        if how == 'stall':
            self.world.cluster.order('stall', nodes=nodes, seconds=seconds)
        else:
            self.world.cluster.order('link', nodes=nodes, how=how, seconds=seconds)

    def _peer(self, name, peer, seconds):
        world = self.world
        if name == 'blackhole':
            world.darken(peer)
            self.lifts.append((time.monotonic() + seconds, peer))
        elif name in ('servfail', 'silence'):
            world.dns.fail(world.domains[peer], name, seconds)
            world.peer(peer, 'reset')
        elif name == 'burst':
            world.cluster.order('burst', peer=peer, count=self.rng.randrange(200, 2000))
        elif name in ('stall', 'slow'):
            world.peer(peer, 'slow', SLOW_BYTES if name == 'slow' else 0, seconds)
        elif name in ('kill', 'alert', 'hang'):
            world.peer(peer, name, seconds)
        else:
            world.peer(peer, name)

    def lift(self, everything=False):
        """Black holes whose time is over."""
        now = time.monotonic()
        for until, peer in [one for one in self.lifts if everything or one[0] <= now]:
            self.lifts.remove((until, peer))
            if all(other != peer for _, other in self.lifts):      # else it is still in another one
                self.world.lighten(peer)
