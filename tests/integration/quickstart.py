#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The try-out: xfedd between a local Prosody and the federation, two people who talk across, and what the log says of it.

scripts/quickstart builds xfedd and calls this. Everything lives in a scratch folder and a network namespace; nothing remains.
"""
import asyncio
import signal
import sys

from lab import net, options
from lab.ctl import Ctl, beside
from lab.proc import tail
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER, World
from talk import Talk

NAME = 'xfedd-quickstart'

PICTURE = f'''
   alice -- Prosody ({LOCAL}) -- XEP-0114 -- xfedd -- S2S -- Prosody ({PEER}) -- bob
            {net.LOCAL}                   {net.GATEWAY}       {net.PEER}
'''

KEPT = '''
It runs on until you press Ctrl-C. In another terminal, as root:

   tail -f {log}
        what xfedd does: one line for each stream up and down
   less {conf}
   {xfedd} -c {conf} --dump
        its configuration; every setting that is in force
   export XFEDD_CONTROL={control}
   {xfedctl} status
   {xfedctl} peers
   {xfedctl} peer {peer}
   {xfedctl} streams
   {xfedctl} queue --all
   {xfedctl} explain alice@{local} bob@{peer}
   {xfedctl} check {peer}
   {xfedctl} trace {peer}          (then, elsewhere: close {peer}, and let somebody write)
   {xfedctl} top
        what goes on, and why; --json for programs; --help has the verbs that act: close, retry, federation off, reload, drain ...
   ip netns exec {name} ss -tnp
        the connections; any command runs among the servers in this way
   ip netns exec {name} openssl s_client -connect {gateway}:5269 -starttls xmpp-server -xmpphost {local} -brief
        how xfedd looks to a peer
'''


async def story(talk):
    await talk.login()
    await talk.subscribe()
    await talk.presence()
    await talk.messages(payloads=())
    await talk.queries()
    await talk.meet_at_peer()
    await talk.nowhere()
    await talk.logout()


def show_streams(report, gateway):
    rows = [('local domain', '', 'peer', 'authenticated by', 'encryption', 'ready after')]
    for up in gateway.streams():
        if up.get('dir') == 'verify':
            continue
        tls = ' '.join(filter(None, (up.get('tls'), up.get('cipher')))) or 'none'
        rows.append((up.get('local', '?'), '->' if up.get('dir') == 'out' else '<-', up.get('peer', '?'), up.get('auth', '?'),
                     tls, f"{up.get('ms', '?')} ms"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print('\nThe streams that xfedd opened and accepted:\n')
    for row in rows:
        print('   ' + '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    print(flush=True)
    report.check('xfedd logged streams both ways, each with SASL EXTERNAL over TLS',
                 {'in', 'out'} <= {up.get('dir') for up in gateway.streams()}
                 and all(up.get('auth') == 'external' and up.get('tls') for up in gateway.streams()))


def show_status(report, ctl):
    code, out, err = ctl.run('status')
    print(f'What xfedctl status says:\n\n{out}{err}', flush=True)
    report.check('xfedctl sees the link up and all streams ready', code == 0 and 'DOWN' not in out and ' ready)' in out, f'{code}: {out}{err}')


def wait_for_ctrl_c():
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print('\ntaking it down')


def show_xfedd_if_failed(report, gateway):
    if report.failed:
        print(f'\nThe last lines of xfedd:\n{tail(gateway.log) or "(not started)"}')


def main():
    p = options.parser(__doc__)
    p.add_argument('--keep', action='store_true', help='leave it running until Ctrl-C')
    p.set_defaults(docker='at-hand')
    args = p.parse_args()
    with Stage(args) as stage:
        print(PICTURE)
        report = stage.report
        lab = stage.open(World.services('prosody', 'prosody'), name=NAME if args.keep else None)
        world = World(lab)
        report.say(f'authority and certificates for {LOCAL} and {PEER} are made')
        stage.at_end(show_xfedd_if_failed, report, world.gateway)
        stage.start(world)
        report.say(f'DNS, both Prosodys and xfedd are up; xfedd is linked to {LOCAL} as {COMPONENT[0]}')
        asyncio.run(story(Talk(world, report)))
        show_streams(report, world.gateway)
        ctl = Ctl(beside(args.xfedd), f'{world.gateway.folder}/control.sock')
        show_status(report, ctl)
        if args.keep:
            print(KEPT.format(log=world.gateway.log, conf=world.gateway.conf, name=NAME, gateway=net.GATEWAY, local=LOCAL,
                              peer=PEER, xfedd=lab.xfedd, xfedctl=ctl.program, control=ctl.path), flush=True)
            wait_for_ctrl_c()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
