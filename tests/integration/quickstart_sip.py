#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The try-out of SIP: xfedd between a local Prosody and a Kamailio, people who talk across, and what passed between xfedd and Kamailio.

scripts/quickstart --sip builds xfedd and calls this. Everything lives in a scratch folder and a network namespace; nothing remains.
"""
import asyncio
import sys

from lab import net, options
from lab.ctl import Ctl, beside
from lab.sipworld import SipWorld
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER
from quickstart import show_xfedd_if_failed, wait_for_ctrl_c
from siptalk import SipTalk

NAME = 'xfedd-quickstart-sip'

PICTURE = f'''
   alice -- Prosody ({LOCAL}) -- XEP-0114 -- xfedd -- SIP, mutual TLS -- Kamailio ({PEER}) -- bob, and vera with Pidgin's library
            {net.LOCAL}                   {net.GATEWAY}                  {net.PEER}
'''

KEPT = '''
It runs on until you press Ctrl-C. In another terminal, as root:

   tail -f {log}
        what xfedd does
   less {conf}
   {xfedd} -c {conf} --dump
        its configuration; every setting that is in force
   export XFEDD_CONTROL={control}
   {xfedctl} status
   {xfedctl} peer {peer}
   {xfedctl} check {peer}
   {xfedctl} explain alice@{local} bob@{peer}
        what goes on, and why; --json for programs
   ip netns exec {name} ss -tnp
        the connections; any command runs among the servers in this way
   ip netns exec {name} openssl s_client -connect {gateway}:5061 -brief
        how xfedd looks to a SIP peer
'''


async def story(talk):
    await talk.login()
    await talk.messages()
    await talk.message_errors()
    await talk.subscribe_out()
    await talk.states_of_bob()
    await talk.subscribe_in()
    await talk.states_of_alice()
    await talk.blocked_by_bob()
    await talk.denied_by_bob()
    await talk.denied_by_alice(talk.pete, is_polite=True)
    await talk.pidgin()
    await talk.unsubscribe_in()
    await talk.logout()


def show_sip(report, kamailio):
    """As Kamailio saw it; OPTIONS and answers are left out."""
    print('\nWhat passed by SIP between xfedd and Kamailio:\n')
    for method, sender, to, expires, state in kamailio.traced():
        more = state if state != '<null>' else f'Expires: {expires}' if expires != '<null>' else ''
        print(f'   {method:<10} {sender:<16} -> {to:<16} {more}'.rstrip())
    print(flush=True)
    report.check('SUBSCRIBE, NOTIFY and MESSAGE passed', {'SUBSCRIBE', 'NOTIFY', 'MESSAGE'} <= {row[0] for row in kamailio.traced()})


def show_status(report, ctl):
    code, out, err = ctl.run('status')
    print(f'What xfedctl status says:\n\n{out}{err}', flush=True)
    sip = ctl.ask('status')[1].get('sip', {})
    report.check('xfedctl sees the link up and connections by SIP', code == 0 and 'DOWN' not in out and sip.get('conns', 0) > 0, f'{code}: {out}{err}')


def main():
    p = options.parser(__doc__)
    p.add_argument('--keep', action='store_true', help='leave it running until Ctrl-C')
    args = p.parse_args()
    with Stage(args) as stage:
        print(PICTURE)
        report = stage.report
        lab = stage.open(name=NAME if args.keep else None)
        world = SipWorld(lab)
        report.say(f'authority and certificates for {LOCAL}, sip.{LOCAL} and {PEER} are made')
        stage.at_end(show_xfedd_if_failed, report, world.gateway)
        stage.start(world)
        report.say(f'DNS, Prosody, Kamailio and xfedd are up; xfedd is linked to {LOCAL} as {COMPONENT[0]}')
        asyncio.run(story(SipTalk(world, report)))
        show_sip(report, world.kamailio)
        ctl = Ctl(beside(args.xfedd), f'{world.gateway.folder}/control.sock')
        show_status(report, ctl)
        if args.keep:
            print(KEPT.format(log=world.gateway.log, conf=world.gateway.conf, name=NAME, gateway=net.GATEWAY, local=LOCAL,
                              peer=PEER, xfedd=lab.xfedd, xfedctl=ctl.program, control=ctl.path), flush=True)
            wait_for_ctrl_c()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
