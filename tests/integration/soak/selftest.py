# SPDX-License-Identifier: MIT
"""The soak's own test: a soak that cannot fail is worse than none.

First ledgers that are made up, with one story each and what it must count as; then real runs in which a proxy on the legs damages
a stanza now and then, and each must fail with the right word.
"""
import asyncio
import contextlib
import functools
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from lab import net
from lab.pki import Authority
from lab.report import Report

from . import faults, sm, spoiler
from .ledger import ANSWERED, CUT, DELAYED, GOT, IQ_FLAG, KEPT, PRESENCE_FLAG, PROVED, REPLIED, RESENT, RESUMED, RETURNED, SENT, TOLD, Ledger
from .kinds import KINDS
from .peer import Peer
from .peers import contexts
from .settle import settle
from .stanza import LOCAL, PAIRS
from .traffic import Traffic

SILENT = next(n for n, kind in enumerate(KINDS) if kind.ping == 'silent')
RESUMES = next(n for n, kind in enumerate(KINDS) if kind.resume and not kind.bidi)
LEG, OTHER_LEG, PEER, NEXT = 1, 2, 1, 2     # connections of the cluster's process, and of the peers'
AT_ONCE = 3                                 # damaged runs
BROKE = 10.0                                # when PEER and LEG do, where they do; "leg-first": LEG a second before

# A story is a list of (process, record, flags, serial, conn, index, time); direction out. Conns of `broken` end at BROKE.
STORIES = (
    # what happened, broken conns, records of the cluster, records of the peers, good counts, anomalies
    ('delivered', '', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2)], {'delivered': 1}, {}),
    ('returned', '', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 2)], [], {'returned': 1}, {}),
    ('an iq answered', '', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, 0, 1, LEG, 1, 3)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {'answered': 1}, {}),
    ('vanished', '', [(SENT, 0, 1, LEG, 1, 1)], [], {}, {'vanished': 1}),
    ('vanished as its peer broke', 'peer', [(SENT, 0, 1, LEG, 1, 9)], [], {}, {'vanished': 1}),
    ('written to a leg that broke, and not taken', 'leg untaken', [(SENT, 0, 1, LEG, 1, 9.9)], [], {'never taken': 1}, {}),
    ('kept by its sender', '', [(SENT, 0, 1, LEG, 1, 1), (KEPT, 0, 1, 0, 0, 2)], [], {'kept': 1}, {}),
    ('acknowledged by xfedd, and vanished', '', [(SENT, 0, 1, LEG, 1, 1), (TOLD, 0, 1, LEG, 0, 2), (KEPT, 0, 1, 0, 0, 3)], [], {}, {'vanished': 1}),
    ('cut', '', [(SENT, CUT, 1, LEG, 1, 1)], [], {'cut': 1}, {}),
    ('cut, and delivered', '', [(SENT, CUT, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2)], {}, {'partial': 1}),
    ('twice on one connection', '', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, DELAYED, 1, PEER, 2, 3)], {}, {'doubled': 1}),
    ('twice, the first time unproved', 'peer', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, DELAYED, 1, NEXT, 1, 12)],
     {'doubled, unavoidable': 1}, {}),
    ('twice without a stamp', 'peer', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('twice, the first time proved', 'peer', [(SENT, 0, 1, LEG, 1, 1)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 3), (GOT, DELAYED, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('twice, proved too late to be read', 'peer', [(SENT, 0, 1, LEG, 1, 1)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 9.8), (GOT, DELAYED, 1, NEXT, 1, 12)], {'doubled, unavoidable': 1}, {}),
    ('twice, proved too late to be read, since xfedd stood still', 'peer still', [(SENT, 0, 1, LEG, 1, 1)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 8.7), (GOT, DELAYED, 1, NEXT, 1, 12)], {'doubled, unavoidable': 1}, {}),
    ('twice, proved before xfedd stood still', 'peer still', [(SENT, 0, 1, LEG, 1, 1)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 8), (GOT, DELAYED, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('twice, proved when nothing passed', 'peer dark', [(SENT, 0, 1, LEG, 1, 1)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 4), (GOT, DELAYED, 1, NEXT, 1, 12)], {'doubled, unavoidable': 1}, {}),
    ('twice, the stamped one first', 'peer', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, DELAYED, 1, PEER, 1, 2), (GOT, 0, 1, NEXT, 1, 12)],
     {'doubled, unavoidable': 1}, {}),
    ('twice, and read late', 'dark', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 11), (GOT, DELAYED, 1, NEXT, 1, 12)],
     {'doubled, unavoidable': 1}, {}),
    ('twice, and nothing had broken', '', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, DELAYED, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('twice after a resumption', 'peer session', [(SENT, 0, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, DELAYED, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('an iq twice', 'peer', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, 0, 1, LEG, 1, 13)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (GOT, IQ_FLAG | DELAYED, 1, NEXT, 1, 12), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {}, {'doubled': 1}),
    ('sent again by its sender', '', [(SENT, 0, 1, LEG, 1, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3)], [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4)],
     {'sent again by its sender': 1}, {}),
    ('sent again by its sender, and by xfedd', 'peer', [(SENT, 0, 1, LEG, 1, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3)],
     [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4), (GOT, DELAYED, 1, NEXT, 1, 12)], {'doubled, unavoidable': 1}, {}),
    ('sent again by its sender, and by xfedd although nothing had broken', '', [(SENT, 0, 1, LEG, 1, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3)],
     [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4), (GOT, DELAYED, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('sent again by its sender, and by xfedd without a stamp', 'peer', [(SENT, 0, 1, LEG, 1, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3)],
     [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4), (GOT, 0, 1, NEXT, 1, 12)], {}, {'doubled': 1}),
    ('sent again by its sender, and by xfedd twice', 'peer', [(SENT, 0, 1, LEG, 1, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3)],
     [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4), (GOT, DELAYED, 1, PEER, 3, 5)], {}, {'doubled': 1}),
    ('resumed by its sender, and twice', '', [(SENT, 0, 1, LEG, 1, 1), (RESUMED, 0, 1, OTHER_LEG, 1, 3)],
     [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 4)], {}, {'doubled': 1}),
    ('delivered and returned, unproved', 'peer', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 12)], [(GOT, 0, 1, PEER, 1, 2)],
     {'delivered and returned, unavoidable': 1}, {}),
    ('delivered, proved, and returned', 'peer', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 12)],
     [(GOT, 0, 1, PEER, 1, 2), (PROVED, 0, 1, PEER, PEER, 3)], {}, {'delivered and returned': 1}),
    ('delivered and returned, and nothing broke', '', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 12)], [(GOT, 0, 1, PEER, 1, 2)],
     {}, {'delivered and returned': 1}),
    ('returned twice', '', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 2), (RETURNED, 0, 1, LEG, 2, 3)], [], {}, {'returned twice': 1}),
    ('returned twice, the first time unproved', 'leg', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 9), (RETURNED, DELAYED, 1, NEXT, 1, 12)], [],
     {'returned twice, unavoidable': 1}, {}),
    ('returned twice, the first time proved', 'leg', [(SENT, 0, 1, LEG, 1, 1), (RETURNED, 0, 1, LEG, 1, 2), (PROVED, 0, 1, LEG, LEG, 3),
                                                      (RETURNED, DELAYED, 1, NEXT, 1, 12)], [], {}, {'returned twice': 1}),
    ('an iq without an answer', '', [(SENT, IQ_FLAG, 1, LEG, 1, 1)], [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {}, {'unanswered': 1}),
    ('an iq whose answer was not taken', 'peer untaken', [(SENT, IQ_FLAG, 1, LEG, 1, 1)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 5, 9.9)], {'reply never taken': 1}, {}),
    ('an iq answered twice', '', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, 0, 1, LEG, 1, 3), (ANSWERED, 0, 1, LEG, 2, 4)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {}, {'answered twice': 1}),
    ('an iq answered twice, unproved', 'leg', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, 0, 1, LEG, 1, 3), (ANSWERED, 0, 1, NEXT, 1, 12)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {'answered twice, unavoidable': 1}, {}),
    ('an iq answered twice, by a peer that had no acknowledgement', '', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, 0, 1, LEG, 1, 3), (ANSWERED, 0, 1, LEG, 2, 4)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG | DELAYED, 1, NEXT, 1, 3)], {'answered twice, unavoidable': 1}, {}),
    ('an iq answered twice, over a leg that was read late', 'leg stalled', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, DELAYED, 1, NEXT, 1, 11), (ANSWERED, 0, 1, LEG, 1, 11.2)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {'answered twice, unavoidable': 1}, {}),
    ('an iq answered twice, over a leg that could have been read', 'leg', [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, DELAYED, 1, NEXT, 1, 11), (ANSWERED, 0, 1, LEG, 1, 11.2)],
     [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], {}, {'answered twice': 1}),
    *((f'an iq answered twice, the second time {how}, when the first was proved', broken,
       [(SENT, IQ_FLAG, 1, LEG, 1, 1), (ANSWERED, DELAYED, 1, NEXT, 1, 3), (PROVED, 0, 1, NEXT, NEXT, 4), (ANSWERED, 0, 1, LEG, 1, 9.9)],
       [(GOT, IQ_FLAG, 1, PEER, 1, 2), (REPLIED, IQ_FLAG, 1, PEER, 1, 2)], *counts)
      for how, broken, counts in (('over a leg that hung', 'leg stalled', ({'answered twice, unavoidable': 1}, {})), ('over another leg', 'leg', ({}, {'answered twice': 1})))),
    ('written to a leg long before it was reset', 'leg', [(SENT, 0, 1, LEG, 1, 9)], [], {}, {'vanished': 1}),
    ('written to a leg just before it was reset', 'leg', [(SENT, 0, 1, LEG, 1, 9.9)], [], {'crossed': 1}, {}),
    ('written to a leg just before xfedd stood still, and the leg was reset', 'leg still', [(SENT, 0, 1, LEG, 1, 8.8)], [], {'crossed': 1}, {}),
    ('written to a leg long before that', 'leg still', [(SENT, 0, 1, LEG, 1, 8.6)], [], {}, {'vanished': 1}),
    ('lost with a peer that answers no pings, after the leg was reset', 'leg-first peer silent', [(SENT, 0, 1, LEG, 1, 6)], [], {'silent peer': 1}, {}),
    ('lost with a peer that does, after the leg was reset', 'leg-first peer', [(SENT, 0, 1, LEG, 1, 6)], [], {}, {'vanished': 1}),
    ('lost though a peer that answers no pings is there, when the leg was reset', 'leg-first silent', [(SENT, 0, 1, LEG, 1, 6)], [], {}, {'vanished': 1}),
    ('a presence twice needs no stamp', 'peer', [(SENT, PRESENCE_FLAG, 1, LEG, 1, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 1, NEXT, 1, 12)],
     {'doubled, unavoidable': 1}, {}),
    ('in order', '', [(SENT, 0, 1, LEG, 1, 1), (SENT, 0, 2, LEG, 2, 1)], [(GOT, 0, 1, PEER, 1, 2), (GOT, 0, 2, PEER, 2, 3)], {'delivered': 2}, {}),
    ('out of order', '', [(SENT, 0, 1, LEG, 1, 1), (SENT, 0, 2, LEG, 2, 1)], [(GOT, 0, 2, PEER, 1, 2), (GOT, 0, 1, PEER, 2, 3)], {}, {'reordered': 1}),
    ('out of order, since one was sent again by its sender and by xfedd', 'peer dark',
     [(SENT, 0, 1, LEG, 1, 1), (SENT, 0, 2, LEG, 2, 1), (RESENT, 0, 1, OTHER_LEG, 1, 3), (RESENT, 0, 2, OTHER_LEG, 2, 3)],
     [(GOT, DELAYED, 2, NEXT, 1, 11), (GOT, 0, 1, NEXT, 2, 11.1), (GOT, 0, 2, NEXT, 3, 11.2), (GOT, DELAYED, 1, PEER, 1, 11.3), (GOT, DELAYED, 2, PEER, 2, 11.4)],
     {'sent again by its sender': 1, 'doubled, unavoidable': 1, 'overtaken over another connection': 1}, {}),
    ('out of order over two connections', '', [(SENT, 0, 1, LEG, 1, 1), (SENT, 0, 2, LEG, 2, 1)], [(GOT, 0, 2, NEXT, 1, 2), (GOT, 0, 1, PEER, 1, 3)],
     {'overtaken over another connection': 1}, {}),
)
FAULTS = {'dark': dict(name='blackhole', peer=2, at=3, until=6, seconds=3), 'stalled': dict(name='leg stall', peer=None, nodes=[0], at=1.5, until=11.1, seconds=9.6)}
STILL = (8.9, 9.9)      # when xfedd stood still, where it did
# xfedd's lives in all stories: the second is ended by kill -9
RUNS = [[0, 200, 'exit 0'], [201, 400, 'kill -9'], [401, None, None]]
WORDS = {'drop': 'vanished', 'double': 'doubled', 'swap': 'reordered', 'spoil': 'corrupted', 'address': 'misaddressed'}


def write(folder, broken, cluster, peers):
    """-> the stems of two ledgers"""
    stems = {name: f'{folder}/{name}' for name in ('cluster', 'peers')}
    peer = SILENT if 'silent' in broken else 2
    for name, records, role, number in (('cluster', cluster, 'Leg', LEG), ('peers', peers, 'Dialled', PEER)):
        with contextlib.closing(Ledger(stems[name])) as ledger:
            for what, flags, serial, conn, index, at in records:
                ledger.note(what, flags, PAIRS * peer, serial, conn, index, at)
            is_broken = ('leg' if name == 'cluster' else 'peer') in broken
            if is_broken:
                end = BROKE - 1 if name == 'cluster' and 'leg-first' in broken else BROKE
                ledger.line(conn=number, peer=peer if role != 'Leg' else None, node=0 if role == 'Leg' else None, role=role, opened=0, closed=end, how='reset',
                            taken=0 if 'untaken' in broken else 99, sent=9, got=9, footer=None, ready=True, session='s' if 'session' in broken else None)
                ledger.line(conn=NEXT, peer=peer if role != 'Leg' else None, node=1 if role == 'Leg' else None, role=role, opened=end, closed=99, how='finish',
                            taken=99, sent=9, got=9, footer=None, ready=True, session='s' if 'session' in broken else None)
    return stems


def stories(report):
    for what, broken, cluster, peers, counts, anomalies in STORIES:
        with tempfile.TemporaryDirectory() as folder:
            out, _, wrong, _ = settle(write(folder, broken, cluster, peers), RUNS, [fault for word, fault in FAULTS.items() if word in broken],
                                        [STILL] if 'still' in broken else ())
        got = ({k: out.counts[k] for k in counts}, dict(out.anomalies))
        report.check(f'a made-up ledger: {what}', got == (counts, anomalies) and not wrong, f'got {dict(out.counts)}, {dict(out.anomalies)}')


# Stanzas under acknowledgement, the h values that come, and whether the last one can be.
HS = (
    ('all acknowledged', 3, ['3'], True),
    ('some, then the rest', 3, ['1', '3'], True),
    ('the same again', 3, ['2', '2'], True),
    ('more than was sent', 3, ['4'], False),
    ('less than before', 3, ['2', '1'], False),
    ('no number', 3, ['x'], False),
)


def acknowledgements(report):
    for what, sent, values, is_good in HS:
        unacked = sm.Unacked()
        for n in range(sent):
            unacked.push(n)
        try:
            for h in values:
                unacked.take(h)
            can_be = True
        except sm.BadCount:
            can_be = False
        report.equal(f'an h of XEP-0198: {what}', can_be, is_good)


class Nobody:
    """A world that only counts nodes and peers."""
    peer_count, nodes = 200, [0, 1]


def repeated(report):
    drawn = [[drawer.choose(n > 300) for n in range(400)] for drawer in (faults.Faults(Nobody, seed, 3) for seed in (1, 1, 2))]
    report.check('the same seed draws the same faults, another one others', drawn[0] == drawn[1] != drawn[2])
    names = {name for name, *_ in drawn[0]}
    report.equal('every fault is drawn in 400', names, {*faults.PEER, *faults.REST, *faults.LAST})


def resumption(report):
    """A peer that can resume, and another one in xfedd's place; their connection is cut again and again."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        authority = Authority(folder, 'selftest')
        identity = contexts(*authority.issue(LOCAL), authority.file)
        loop = asyncio.new_event_loop()
        stems = {name: f'{folder}/{name}' for name in ('cluster', 'peers')}
        ledgers = {name: Ledger(stem) for name, stem in stems.items()}
        far = Peer(loop, RESUMES, '127.80.0.2', ('127.80.0.1', 5269), identity, Traffic(ledgers['cluster'], 'o', 'i', 1))
        near = Peer(loop, RESUMES, '127.80.0.1', ('127.80.0.2', 5269), identity, Traffic(ledgers['peers'], 'i', 'o', 1))
        loop.run_until_complete(asyncio.wait_for(_converse(near, loop.create_task(_cut(near, far))), 90))
        for peer in (near, far):
            peer.deafen()
            for stream in list(peer.streams):
                stream.conn.end('finish')
        for ledger in ledgers.values():
            ledger.close()
        _, into, wrong, examples = settle(stems, [[0, None, None]], [])
    counts = near.counts['resumed by the peer'], far.counts['resumed by xfedd']
    report.check(f'two peers of the soak resume {counts[0]} times; {into.counts["sent"]} stanzas, each once', min(counts) >= 3 and not into.anomalies and
                 not wrong and into.counts['delivered'] == into.counts['sent'], f'{counts} {into.counts} {into.anomalies} {examples}')


async def _converse(near, cutting, seconds=12):
    end = time.monotonic() + seconds
    while time.monotonic() < end or not cutting.done():
        near.generate(20)
        await asyncio.sleep(0.02)
    while not near.usable() or near.channel.session.out.items:
        near.want_channel()
        await asyncio.sleep(0.05)


async def _cut(near, far):
    for peer in (near, far, near, far):
        await asyncio.sleep(2.5)
        while not near.usable():        # else there is nothing to resume
            await asyncio.sleep(0.05)
        peer.reset(cut=False)


def damaged_run(args, how):
    """A run with that damage, in a network namespace of its own."""
    argv = [sys.executable, sys.argv[0], '--xfedd', args.xfedd, '--minutes', '0.15', '--peers', '12', '--rate', '400', '--every', '0', '--seed', '1']
    return subprocess.run(argv + (['--spoil', how] if how else []), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def damaged(report, how, done):
    """It must fail, and say the word."""
    if not how:
        report.check('a run without damage finds nothing', done.returncode == 0, done.stdout[-1500:])
        return
    found = re.findall(r'^ *[\d.]+s +(\w[\w ]*?) +\d+', done.stdout, re.M)
    report.check(f'a run in which the legs {how}: it fails and says {WORDS[how]}', done.returncode == 1 and WORDS[how] in found, done.stdout[-1500:])


def main(args):
    net.enter_new()
    report = Report()
    stories(report)
    acknowledgements(report)
    repeated(report)
    resumption(report)
    hows = (None, *spoiler.KINDS)
    with ThreadPoolExecutor(AT_ONCE) as pool:       # they wait most of their time
        for how, done in zip(hows, pool.map(functools.partial(damaged_run, args), hows)):
            damaged(report, how, done)
    return report.end()
