#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""End to end with real servers and real clients.

    e2e.py --mode external --local prosody --peer ejabberd
    e2e.py --idn ...               the same with domains in other scripts: U-labels in configurations and stanzas
    e2e.py --gateway none ...      the same conversation without xfedd: what the servers do by themselves

Afterwards xfedd's log must show each stream, both ways, with the method and the encryption that the mode is about.
"""
import asyncio
import sys

from lab import options
from lab.client import TimedOut
from lab.servers import KINDS, MODES
from lab.stage import Stage
from lab.world import IDN, LOCAL, PEER, World
from talk import Talk


async def converse(talk):
    await talk.login()
    for step in (talk.subscribe, talk.presence, talk.messages, talk.queries, talk.discovery, talk.vcards, talk.rooms,
                 talk.rooms_right_to_left, talk.nowhere):
        try:
            await step()
        except TimedOut as e:
            talk.report.check(step.__name__, False, str(e))
    await talk.logout()


def judge_streams(report, gateway, mode, domains):
    """Each stream of the pairs that talked, as the log tells it."""
    ours, theirs = domains
    method = 'external' if mode == 'external' else 'dialback'
    for way in ('out', 'in'):
        for local, peer in ((ours, theirs), (ours, f'conference.{theirs}'), (f'conference.{ours}', theirs)):
            ups = gateway.events('s2s.stream.up', dir=way, local=local, peer=peer)
            if not report.check(f'log: {local} {"to" if way == "out" else "from"} {peer} is up', bool(ups)):
                continue
            up = ups[-1]
            report.equal('log:   its method', up.get('auth'), method)
            encrypted = up.get('tls') not in (None, '', 'none', 'no')
            report.equal('log:   its encryption', encrypted, mode != 'dialback-clear')


def main():
    p = options.parser(__doc__)
    p.add_argument('--mode', choices=MODES, default='external')
    p.add_argument('--local', choices=sorted(KINDS), default='prosody')
    p.add_argument('--peer', choices=sorted(KINDS), default='prosody')
    p.add_argument('--gateway', choices=('xfedd', 'none'), default='xfedd')
    p.add_argument('--idn', action='store_true', help='domains in other scripts')
    args = p.parse_args()
    domains = IDN if args.idn else (LOCAL, PEER)
    with_gateway = args.gateway == 'xfedd'
    with Stage(args, xfedd=with_gateway) as stage:
        report = stage.report
        report.say(f'mode {args.mode}, local {args.local}, peer {args.peer}, gateway {args.gateway}, domains {" and ".join(domains)}')
        lab = stage.open(World.services(args.local, args.peer))
        world = stage.start_xfedd(World(lab, args.mode, args.local, args.peer, with_gateway, domains=domains))
        report.say('servers are up')
        asyncio.run(converse(Talk(world, report)))
        if with_gateway:
            judge_streams(report, world.gateway, args.mode, domains)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
