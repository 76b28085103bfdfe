#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Presence and messages between a user of Prosody or ejabberd behind xfedd and SIP users of a real Kamailio, over mutual TLS.

Subscriptions both ways with approval, denial and polite block; available, away, dnd, offline, notes; texts both ways; users who are unknown or
offline; restarts of all, and a crash of the local server. Pidgin's libpurple is once the client of the SIP user.
"""
import asyncio
import sys

from lab import options
from lab.client import NS
from lab.ctl import Ctl, beside
from lab.servers import KINDS
from lab.sipworld import SipWorld
from lab.stage import Stage, once_more
from siptalk import SipTalk


def counted(talk, xfedd):
    sip = Ctl(beside(xfedd), f'{talk.world.gateway.folder}/control.sock').ask('status')[1]['sip']
    talk.report.equal('xfedctl counts who watches, who was asked, and whom we watch',
                      [sip[key] for key in ('subscriptions_in', 'pending_in', 'subscriptions_out')], [1, 0, 1])


async def both_ways(talk, xfedd):
    await talk.subscribe_out()
    await talk.states_of_bob()
    await talk.subscribe_in()
    await talk.states_of_alice()
    counted(talk, xfedd)
    await talk.blocked_by_bob()
    await talk.restart_xfedd()
    await talk.restart_kamailio()
    await talk.local_server_crashes()
    await talk.unsubscribe_in()
    await talk.unsubscribe_out()


async def denials(talk):
    await talk.refused()
    await talk.denied_by_alice(talk.pete, is_polite=True)


async def neighbours(talk):
    """The laboratory itself, without xfedd: two users of Kamailio."""
    talk.report.equal('pete asks for bob\'s presence', await asyncio.to_thread(talk.pete.watch, talk.address('bob')), 200)
    for handling, what, want in ((None, 'he is pending', lambda n: n.state == 'pending'),
                                 ('allow', 'he sees bob', lambda n: n.state == 'active' and n.is_open),
                                 ('polite-block', 'he sees bob no longer', lambda n: n.state == 'active' and not n.is_open),
                                 ('block', 'he is told that he may not', lambda n: n.state == 'terminated' and n.reason == 'rejected')):
        if handling:
            await talk.decide('bob', talk.address('pete'), handling)
        await talk.notified(talk.pete, f'   {handling or "no decision"}: {what}', want)


async def other_settings(talk, world):
    world.configure('sip-block = reject  sip-busy = dnd')
    talk.report.equal('a reload with sip-block = reject and sip-busy = dnd', await asyncio.to_thread(world.gateway.reload), 'done')
    await talk.denied_by_alice(talk.dora, is_polite=False)
    await asyncio.to_thread(talk.bob.publish, 'open', 'do not', 'busy')
    talk.alice.send_presence_subscription(talk.address('bob'))
    got = await talk.alice.wait_presence(talk.address('bob'), status='do not')
    talk.report.equal('alice asks for bob again, and sees that he is busy', got.findtext(NS + 'show'), 'dnd')
    await talk.denied_by_bob()


async def story(talk, world, xfedd):
    await talk.login()
    await neighbours(talk)
    await talk.messages()
    await talk.message_errors()
    await both_ways(talk, xfedd)
    await denials(talk)
    await talk.pidgin()
    await other_settings(talk, world)
    await talk.logout()


def main():
    p = options.parser(__doc__)
    p.add_argument('--local', choices=sorted(KINDS), default='prosody', help='the server behind xfedd')
    args = p.parse_args()

    def play(is_last):
        with Stage(args) as stage:
            world = SipWorld(stage.open(), args.local)
            if not is_last:
                stage.void_if(world.kamailio.has_crashed)
            stage.start_xfedd(world)
            asyncio.run(story(SipTalk(world, stage.report), world, args.xfedd))
        return stage.end()
    return once_more(play)


if __name__ == '__main__':
    sys.exit(main())
