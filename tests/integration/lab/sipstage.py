# SPDX-License-Identifier: MIT
"""A stage with xfedd, one SIP peer with presence, and a cluster whose users say yes (lab/sippresence.py); and steps that tests share."""
import asyncio
import time

from . import net
from .ca import Authority
from .ca import dns as dns_name
from .dns import Dns
from .gateway import Gateway
from .servers import COMPONENT_PORT
from .sippresence import Presence, Users
from .world import COMPONENT, LOCAL

HOST, PORT, PEER = f'sip.{LOCAL}', 5061, 'p.example'
PACE = 300          # new subscriptions a second
SIP = '''
sip {{ host = "{host}"  certificate = {{ "{certificate}" }}  key = {{ "{key}" }}  dialogs-file = "{folder}/sip.db"  notify-interval = 1s  {sip} }}
peer "{peer}" {{ protocol = sip  sip-subscriptions = 200000  sip-pending = 100000 }}
'''


class SipStage:
    def __init__(self, stage, sip=''):
        """`sip`: further settings of sip { }."""
        self.stage, self.report = stage, stage.report
        lab = stage.open()
        ours = Authority(lab.folder('pki'), 'ours')
        names = Dns(lab.scratch)
        names.host(HOST, net.GATEWAY)
        names.host(f'sip.{PEER}', net.PEER)
        names.lines.append(f'srv-host=_sips._tcp.{PEER},sip.{PEER},{PORT},0,5')
        stage.start(names)
        self.users = stage.start(Users(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        self.peer = Presence(LOCAL, PEER, net.PEER, ours.issue(PEER, dns_name(PEER)), ours.pem, (net.GATEWAY, PORT), HOST)
        self.gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, dns_name(LOCAL, f'conference.{LOCAL}')), ours.pem, COMPONENT,
                               f'{net.LOCAL}:{COMPONENT_PORT}', control=f'sip = {{ "{net.GATEWAY}:{PORT}" }}', trust='expiry-warning = 0')
        pem, key = ours.issue('sip', dns_name(HOST))
        self.gateway.configure(SIP.format(host=HOST, certificate=pem, key=lab.private(key, self.gateway.folder), folder=self.gateway.folder,
                                          peer=PEER, sip=sip))
        lab.give(self.gateway.folder, 0o755)
        stage.start_xfedd(self.gateway)

    async def until(self, true, seconds):
        end = time.monotonic() + seconds
        while not (found := true()) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        return found

    # ---- steps

    def subscribe_ours(self, numbers):
        for n in numbers:
            self.users.send(f"<presence from='u{n}@{LOCAL}' to='v{n}@{PEER}' type='subscribe'/>")

    def sees(self, numbers):
        """How many of our users see their contact."""
        return sum(self.users.seen.get(n, ())[-1:] == [''] for n in numbers)

    def shown(self, numbers):
        """How many watchers see our user."""
        return sum(n in self.peer.into and self.peer.into[n].basic == 'open' for n in numbers)

    async def begin_ours(self, numbers, seconds):
        """Users of ours subscribe. -> whether all see their contact in time"""
        for first in range(0, len(numbers), PACE):
            self.subscribe_ours(numbers[first:first + PACE])
            await asyncio.sleep(1)
        return await self.until(lambda: self.sees(numbers) == len(numbers), seconds)

    async def begin_theirs(self, numbers, seconds):
        """The peer's users watch ours. -> whether all see them in time"""
        for first in range(0, len(numbers), PACE):
            for n in numbers[first:first + PACE]:
                self.peer.subscribe(n)
            await asyncio.sleep(1)
        return await self.until(lambda: self.shown(numbers) == len(numbers), seconds)
