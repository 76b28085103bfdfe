#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A flood does not keep a good peer out.

2000 half-open and 500 slow connections are held while a real Prosody begins to federate through xfedd. Its messages arrive in time
both ways, memory and processor stay under the bounds below, nothing of the flood reaches the cluster, and when the flood is
over all of it is given back. Then with the default limits, under which the house is full: the peer, restarted, still gets in.
"""
import asyncio
import os
import signal
import statistics
import sys
import time

from lab import net, options
from lab.client import Client
from lab.flood import Flood, raise_limit, sources
from lab.meter import Meter
from lab.stage import Stage
from lab.world import LOCAL, PEER, World
from talk import Talk

EDGE = (net.GATEWAY, 5269)
SLOW_PEERS = 5                  # domains of the authenticated slow ones: each may have max-streams (64) streams
CONN_KIB = 20                   # memory that one connection of the flood may cost, on average
PEAK_MIB = 16                   # and what may come on top of that at the peak
KEPT_MIB = 10                   # what may stay with the process afterwards: more the busier the machine is, with the arenas of its threads
CPU_SHARE = 0.5                 # of one core, while the flood is held and opened again
ARRIVES_S = 2.0                 # a message, sent to received, through both servers

NUMBERS = (('silent', 0.35), ('header', 0.3), ('starttls', 0.25), ('tls', 0.1))


def wait(true, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not true():
        time.sleep(0.2)
    return true()


def begin(flood, half_open, slow, pki):
    crowd = sources(0, 100)
    for kind, share in NUMBERS:
        flood.add(kind, round(half_open * share), crowd)
    flood.add('drip', slow // 2, sources(100, 50))
    for n in range(SLOW_PEERS):
        name = f'slow{n}.example'
        flood.add('slow', slow // 2 // SLOW_PEERS, sources(200 + n, 100), name, pki.issue(name))


async def exchange(talk, report, seconds, meter):
    """Messages both ways for some time. -> the seconds that each took, and the peak of memory."""
    took, peak, n = [], 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or n < 4:
        for who, other in ((talk.alice, talk.bob), (talk.bob, talk.alice)):
            n += 1
            sent = time.monotonic()
            message = who.make_message(other.bare, f'under the flood {n}', mtype='chat')
            message['id'] = f'flood-{n}'
            message.send()
            await other.wait_message(f'flood-{n}', 30)
            took.append(time.monotonic() - sent)
        peak = max(peak, meter.rss_mib())
        await asyncio.sleep(0.3)
    return took, peak


def in_time(talk, report, what, seconds, meter):
    """The same up to three times, until no message is late: the machine may stand still meanwhile. -> the peak of memory"""
    first, top = [], 0
    for _ in range(3):
        took, peak = talk.loop.run_until_complete(exchange(talk, report, seconds, meter))
        first, top = first or took[:2], max(top, peak)
        if max(took[2:]) < ARRIVES_S:
            break
    judge(report, what, first, took[2:])
    return top


def judge(report, what, first, rest):
    report.check(f'{what}: the first message each way, with its streams: {first[0]:.2f} s and {first[1]:.2f} s', max(first) < 10)
    report.check(f'{what}: {len(rest)} more: median {statistics.median(rest) * 1000:.0f} ms, at most {max(rest):.2f} s',
                 max(rest) < ARRIVES_S)


def held(report, flood, half_open, slow):
    is_held = wait(lambda: flood.held() >= 0.97 * (half_open + slow), 60)
    report.check(f'{flood.held()} connections are held: {dict(sorted(flood.kinds.items()))}', is_held)


def under_flood(report, world, talk, flood, args):
    """Everything held, the peer comes for the first time."""
    gateway = world.gateway
    meter = Meter(gateway.proc.pid)
    rss, fds = meter.rss_mib(), meter.descriptors()
    report.say(f'before: {rss:.1f} MiB, {fds} descriptors')
    begin(flood, args.half_open, args.slow, world.authority)
    held(report, flood, args.half_open, args.slow)
    count = meter.descriptors() - fds
    cpu, began, ended = meter.cpu_s(), time.monotonic(), flood.ended
    peak = in_time(talk, report, 'held', args.seconds, meter)
    share = (meter.cpu_s() - cpu) / (time.monotonic() - began)
    report.say(f'{count} descriptors; {flood.ended - ended} connections ended and were opened again meanwhile')
    bound = rss + count * CONN_KIB / 1024 + PEAK_MIB
    report.check(f'memory: {peak:.1f} MiB at the peak, {(peak - rss) * 1024 / count:.1f} KiB a connection; the bound is {bound:.0f} MiB',
                 peak < bound)
    report.check(f'processor: {share * 100:.0f} % of a core; the bound is {CPU_SHARE * 100:.0f} %', share < CPU_SHARE)
    return meter, rss, fds


def full_house(report, world, talk):
    """The default limits: more wants in than there are places. The peer starts anew and must find one."""
    gateway = world.gateway
    with open(gateway.conf) as f:
        text = f.read()
    gateway._write('xfed.conf', text.replace('half-open = 3000', 'half-open = 1000'))
    os.kill(gateway.proc.pid, signal.SIGHUP)
    report.check('the limit is lowered by a reload', gateway.wait_event('config.reload.done'))
    world.peer.restart()
    refused = gateway.wait_event('s2s.conn.refused', 40)
    report.check('conns of the flood are refused or evicted, and the log says so', refused)
    talk.loop.run_until_complete(talk.bob_again())
    in_time(talk, report, 'full house', 6, Meter(gateway.proc.pid))


def afterwards(report, world, flood, meter, rss, fds):
    flood.stop()
    # six streams of the good peer may stay
    report.check('every descriptor is given back', wait(lambda: meter.descriptors() <= fds + 8, 40),
                 f'{meter.descriptors()} now, {fds} before')
    wait(lambda: meter.rss_mib() < rss + KEPT_MIB, 10)
    report.check(f'memory: {meter.rss_mib():.1f} MiB now, {rss:.1f} before; at most {KEPT_MIB} more may stay',
                 meter.rss_mib() < rss + KEPT_MIB)
    lines = len(world.gateway.events())
    report.check(f'the log has {lines} lines, not one for each connection', lines < flood.ended / 2 + 1500)


class FloodTalk(Talk):
    """With an event loop of its own that lives on between the steps."""
    def __init__(self, world, report, loop):
        super().__init__(world, report)
        self.loop = loop

    async def bob_again(self):
        """The peer's server was restarted: bob logs in once more."""
        self.bob.abort()
        self.bob = Client('bob', PEER, net.PEER, self.world.client_ca[PEER])
        await self.bob.login()


def main():
    p = options.parser(__doc__)
    p.add_argument('--half-open', type=int, default=2000)
    p.add_argument('--slow', type=int, default=500)
    p.add_argument('--seconds', type=float, default=20, help='how long the conversation under the flood lasts')
    args = p.parse_args()
    raise_limit()
    with Stage(args) as stage:
        report = stage.report
        world = World(stage.open(World.services('prosody', 'prosody')), 'external', extra_conf='unauthenticated { half-open = 3000 }')
        stage.start_xfedd(world)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        talk = FloodTalk(world, report, loop)
        loop.run_until_complete(talk.login())
        flood = Flood(EDGE, LOCAL)
        stage.at_end(flood.stop)
        meter, rss, fds = under_flood(report, world, talk, flood, args)
        full_house(report, world, talk)
        afterwards(report, world, flood, meter, rss, fds)
        loop.run_until_complete(talk.logout())
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
