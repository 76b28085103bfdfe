#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A stanza over which the server closes the link, with a real Prosody as the local server, which does so for stanzas above 512 KiB.

First a hostile peer sends what no server must see: control characters, comments, unknown elements, a stanza of 600 kB. It loses its own
stream, and the link stays. Then the check is disabled: link { max-stanza } says that the server takes 2 MiB. Now Prosody breaks the
connection over the large message again and again, until xfedd has found it: it goes into the quarantine, its sender gets an error, and all
that was sent before, with and behind it arrives once.
"""
import asyncio
import os
import stat
import sys
import time

from lab import net, options
from lab.client import NS, Client
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT, KINDS
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER

EDGE = (net.GATEWAY, 5269)
TO = f'alice@{LOCAL}'
LARGE = 600_000
FILE_MAX = 16 << 20     # of the quarantine


def message(ident, body='hi'):
    return f"<message from='v@{PEER}/x' to='{TO}' id='{ident}' type='chat'><body>{body}</body></message>"


ATTACKS = {
    'a control character': message('bad', 'a\x01b'),
    'one as a reference': message('bad', 'a&#1;b'),
    'a comment': '<!-- -->',
    'an unknown element': "<x xmlns='jabber:server'/>",
    'bytes that are not UTF-8': message('bad', 'BYTES'),
    'a stanza of 600 kB': message('bad', 'x' * LARGE),
}


def dial(peer):
    return peer.external(peer.dial(EDGE, LOCAL), LOCAL)


def count(client, prefix):
    found = {}
    for xml in client.inbox:
        if xml.tag == NS + 'message' and (xml.get('id') or '').startswith(prefix):
            found[xml.get('id')] = found.get(xml.get('id'), 0) + 1
    return found


def lost(gateway):
    return len(gateway.events('link.stream.down'))


async def attacks(report, gateway, peer, alice):
    before = lost(gateway)
    for number, (name, text) in enumerate(ATTACKS.items()):
        stream = dial(peer)
        try:
            stream.sock.sendall(text.encode().replace(b'BYTES', b'\xc3\x28'))
        except OSError:
            pass                # closed before all of it was sent
        await asyncio.to_thread(peer.drain, stream, 2)
        honest = dial(peer)
        honest.send(message(f'after-{number}'))
        await alice.wait_message(f'after-{number}')
        honest.close()
        report.equal(f'{name}: the link stays', lost(gateway), before)
    report.equal('none of it reaches a user', count(alice, 'bad'), {})


async def poison(report, gateway, peer, alice, errors, file):
    stream = dial(peer)
    stream.send(''.join(message(f'p-{n}') for n in range(3)))
    for n in range(3):
        await alice.wait_message(f'p-{n}')
    await asyncio.sleep(2)              # the answer to the ping
    began = time.monotonic()
    text = ''.join(message(f'q-{n}') for n in range(20)) + message('poison', 'x' * LARGE) + ''.join(message(f'q-{n}') for n in range(20, 40))
    await asyncio.to_thread(stream.send, text)
    found = await asyncio.to_thread(gateway.wait_event, 'link.stanza.quarantined', 60)
    report.check('the stanza is found and named in the log', len(found) == 1 and found[0]['id'] == 'poison', found and found[0].line[:200])
    report.say(f'found after {time.monotonic() - began:.1f} s and {lost(gateway)} losses of the link')
    end = time.monotonic() + 40
    while time.monotonic() < end and len(count(alice, 'q-')) < 40:
        await asyncio.sleep(0.1)
    got = count(alice, 'q-')
    report.equal('all others arrive', len(got), 40)
    report.say(f'more than once: {sum(n > 1 for n in got.values())}, sent again while nobody knew')
    report.equal('its sender gets an error', await asyncio.to_thread(lambda: wait_for(lambda: errors.get('poison'))), 'not-acceptable')
    losses = lost(gateway)
    await asyncio.to_thread(stream.send, message('last'))
    await alice.wait_message('last')
    report.equal('the link stays', lost(gateway), losses)
    report.check('the file has it, for its owner alone', os.path.exists(file) and stat.S_IMODE(os.stat(file).st_mode) == 0o600
                 and "id=\"poison\"" in open(file).read())


async def full(report, gateway, peer, file):
    with open(file, 'a') as f:
        f.truncate(FILE_MAX - 1000)
    await asyncio.to_thread(dial(peer).send, message('poison-2', 'x' * LARGE))
    failed = await asyncio.to_thread(gateway.wait_event, 'link.quarantine.failed', 60)
    report.check('a full file grows no more', len(failed) == 1 and os.path.getsize(file) == FILE_MAX - 1000)


def wait_for(value, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not value():
        time.sleep(0.05)
    return value()


def main():
    args = options.parser(__doc__).parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        dns, authority, errors = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours'), {}
        dns.domain(LOCAL, net.GATEWAY)
        dns.domain(PEER, net.PEER)
        stage.start(dns)
        ours = authority.issue(LOCAL, f'conference.{LOCAL}')

        def keep(_, element):
            if element.get('type') == 'error':
                errors[element.get('id')] = condition(element)
        peer = stage.start(Peer(PEER, net.PEER, authority.issue(PEER), authority.file, on_stanza=keep))
        stage.start(KINDS['prosody'](lab, 'local', LOCAL, net.LOCAL, 'external', ours, authority.file, COMPONENT))

        def gateway(label, more=''):
            return Gateway(lab, LOCAL, None, ours, authority.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}', label=label,
                           link=f'driver = component {more}', defaults='max-stanza = 2M' if more else '')
        alice = Client('alice', LOCAL, net.LOCAL, authority.file)

        async def run():
            await alice.login()
            first = gateway('checked').start()
            await attacks(report, first, peer, alice)
            report.equal('xfedd ends with status 0', await asyncio.to_thread(first.stop), 0)
            file = f'{lab.folder("quarantine")}/quarantine.xml'
            second = gateway('unchecked', f'max-stanza = 2M quarantine = "{file}"').start()
            await poison(report, second, peer, alice, errors, file)
            await full(report, second, peer, file)
            report.equal('xfedd ends with status 0', await asyncio.to_thread(second.stop), 0)
            await alice.logout()
        asyncio.run(run())
    return stage.end()


def condition(element):
    for child in element.iter():
        if child.tag.startswith('{urn:ietf:params:xml:ns:xmpp-stanzas}') and not child.tag.endswith('}text'):
            return child.tag.split('}')[1]
    return None


if __name__ == '__main__':
    sys.exit(main())
