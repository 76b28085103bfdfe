# SPDX-License-Identifier: MIT
"""A local server, the gateway, and a peer that is reached by SIP: Kamailio over mutual TLS; with DNS and certificates. None lives in a container.

    a.example, sip.a.example   ours, on the local server, behind xfedd
    b.example, sip.b.example   the peer's users, at Kamailio
"""
from . import net
from .dns import Dns
from .gateway import Gateway
from .kamailio import Kamailio
from .pki import Authority
from .servers import COMPONENT_PORT, KINDS
from .world import COMPONENT, LOCAL, PEER

# Our server, which does not know somebody, has said so within error-window even where the machine stood still for a second.
CONF = '''
sip {{ host = "sip.{local}"  certificate = {{ "{certificate}" }}  key = {{ "{key}" }}  dialogs-file = "{folder}/sip.db"
      notify-interval = 1s  error-window = 1500ms }}
peer "{peer}" {{ protocol = sip  {settings} }}
'''


class SipWorld:
    """`settings`: further ones of the peer."""
    def __init__(self, lab, local='prosody', settings=''):
        self.lab = lab
        authority = Authority(lab.folder('pki'), 'ours')
        ours, theirs, sip = (authority.issue(*names) for names in ((LOCAL, f'conference.{LOCAL}'), (PEER,), (f'sip.{LOCAL}',)))
        self.client_ca = authority.file
        self.dns = Dns(lab.scratch)
        for name, ip in ((f'sip.{LOCAL}', net.GATEWAY), (f'sip.{PEER}', net.PEER)):
            self.dns.host(name, ip)
        self.dns.lines.append(f'srv-host=_sips._tcp.{PEER},sip.{PEER},5061,0,5')
        self.kamailio = Kamailio(lab, 'kamailio', PEER, net.PEER, theirs, authority.file)
        self.local = KINDS[local](lab, 'local', LOCAL, net.LOCAL, 'external', ours, authority.file, COMPONENT)
        self.gateway = Gateway(lab, LOCAL, 'external', ours, authority.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                               control=f'sip = {{ "{net.GATEWAY}:5061" }}')
        self.sip = sip[0], lab.private(sip[1], self.gateway.folder)
        self.configure(settings)

    def configure(self, settings):
        self.gateway.configure(CONF.format(folder=self.gateway.folder, local=LOCAL, peer=PEER, certificate=self.sip[0], key=self.sip[1], settings=settings))

    def start(self):
        self.dns.start()
        self.kamailio.start()
        self.local.start()
        self.gateway.start()
        return self

    def stop(self):
        """-> xfedd's exit status."""
        status = self.gateway.stop()
        self.local.stop()
        self.kamailio.stop()
        self.dns.stop()
        return status
