#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The component link over TLS: two stunnels in front of a real Prosody, of which one has the wrong name in its certificate.

A wrong name, another authority, the server's own port without TLS: the link stays down, and the log says why. The authority's file is
replaced and xfedd reloaded: the link comes up without a restart, and messages of a peer arrive. One that is up stays up when the file no
longer fits, until it is lost.
"""
import asyncio
import os
import shutil
import sys

from lab import net, options
from lab.client import Client
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT, KINDS
from lab.stage import Stage
from lab.stunnel import Stunnel
from lab.world import COMPONENT, LOCAL, PEER

NAME = 'cluster.a.example'
GOOD, MISNAMED = 5447, 5448


def message(ident):
    return f"<message from='v@{PEER}/x' to='alice@{LOCAL}' id='{ident}' type='chat'><body>hi</body></message>"


class Links:
    """Makes gateways that differ in their link only; one at a time is there."""
    def __init__(self, lab, certificate, authority):
        self.lab, self.certificate, self.authority = lab, certificate, authority
        self.ca_file = f'{lab.folder("link-ca")}/ca.pem'

    def trust(self, authority):
        shutil.copyfile(authority.file, self.ca_file + '.new')
        os.chmod(self.ca_file + '.new', 0o644)
        os.rename(self.ca_file + '.new', self.ca_file)

    def gateway(self, label, port):
        link = f'driver = component  tls = required  ca-file = "{self.ca_file}"  tls-name = {NAME}'
        return Gateway(self.lab, LOCAL, 'external', self.certificate, self.authority.file, COMPONENT, f'{net.LOCAL}:{port}',
                       label=label, link=link)


def refused(report, links, what, port, reason):
    gateway = links.gateway(f'refused-{reason}', port).start(linked=False)
    found = gateway.wait_event('link.stream.failed', reason=reason)
    report.check(f'{what}: the log says {reason}', found, str([e.line for e in gateway.events('link')]))
    report.say(found[0].line if found else 'nothing')
    report.equal(f'{what}: the link stays down', len(gateway.events('link.stream.up')), 0)
    report.equal('xfedd ends with status 0', gateway.stop(), 0)


async def arrives(peer, alice, ident):
    stream = await asyncio.to_thread(lambda: peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL))
    stream.send(message(ident))
    await alice.wait_message(ident)
    stream.close()


async def changes(report, stage, links, others, front, peer, alice):
    """The file of the authority is wrong, then right, then wrong again; the stream is lost; right."""
    links.trust(others)
    gateway = stage.start_xfedd(Started(links.gateway('changes', GOOD)))
    failed = await asyncio.to_thread(gateway.wait_event, 'link.stream.failed', reason='bad-certificate')
    report.check('another authority: the log says bad-certificate', failed)
    links.trust(links.authority)
    report.equal('the file is replaced: a reload', await asyncio.to_thread(gateway.reload), 'done')
    report.check('the link comes up without a restart', await asyncio.to_thread(gateway.wait_event, 'link.stream.up', 30))
    await arrives(peer, alice, 'm1')
    links.trust(others)
    report.equal('the file no longer fits: a reload', await asyncio.to_thread(gateway.reload), 'done')
    await arrives(peer, alice, 'm2')
    report.equal('the link that is up stays up', len(gateway.events('link.stream.down')), 0)
    before = len(gateway.events('link.stream.failed', reason='bad-certificate'))
    await asyncio.to_thread(front.restart)
    await asyncio.to_thread(gateway.wait_until, lambda: len(gateway.events('link.stream.failed', reason='bad-certificate')) > before, 30)
    report.equal('once lost, it is judged by the new file',
                 (len(gateway.events('link.stream.failed', reason='bad-certificate')) > before, len(gateway.events('link.stream.up'))), (True, 1))
    links.trust(links.authority)
    report.equal('a third reload', await asyncio.to_thread(gateway.reload), 'done')
    await asyncio.to_thread(gateway.wait_until, lambda: len(gateway.events('link.stream.up')) == 2, 60)
    await arrives(peer, alice, 'm3')
    report.check('messages pass again', True)


class Started:
    """A gateway whose link need not come up."""
    def __init__(self, gateway):
        self.gateway = gateway

    def __getattr__(self, name):
        return getattr(self.gateway, name)

    def start(self):
        self.gateway.start(linked=False)


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        dns, pki = Dns(lab.scratch), lab.folder('pki')
        authority, others = Authority(pki, 'ours'), Authority(pki, 'others')
        dns.domain(LOCAL, net.GATEWAY)
        dns.domain(PEER, net.PEER)
        stage.start(dns)
        ours = authority.issue(LOCAL, f'conference.{LOCAL}')
        peer = stage.start(Peer(PEER, net.PEER, authority.issue(PEER), authority.file))
        stage.start(KINDS['prosody'](lab, 'local', LOCAL, net.LOCAL, 'external', ours, authority.file, COMPONENT))
        server = f'{net.LOCAL}:{COMPONENT_PORT}'
        front = stage.start(Stunnel(lab, 'good', f'{net.LOCAL}:{GOOD}', server, authority.issue(NAME)))
        stage.start(Stunnel(lab, 'misnamed', f'{net.LOCAL}:{MISNAMED}', server, authority.issue('other.a.example')))
        links = Links(lab, ours, authority)
        links.trust(authority)
        alice = Client('alice', LOCAL, net.LOCAL, authority.file)

        refused(report, links, 'a certificate with another name', MISNAMED, 'wrong-certificate')
        refused(report, links, "the server's own port, without TLS", COMPONENT_PORT, 'tls')

        async def run():
            await alice.login()
            await changes(report, stage, links, others, front, peer, alice)
            await alice.logout()
        asyncio.run(run())
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
