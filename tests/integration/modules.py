#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The server modules of conf/ alone, without xfedd: does the server hand over what it must, and nothing else?

A scripted component takes the gateway's place. Checked with Prosody and with ejabberd: stanzas of users and of chat rooms to
other domains reach it; while it is away senders get one error and answers get none; nothing comes back in a loop.
"""
import asyncio
import hashlib
import socket
import sys

from lab import net, options
from lab.client import NS, Client, condition
from lab.proc import Failed, until
from lab.servers import COMPONENT_PORT, KINDS
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, World
from lab.xmlstream import STREAM, Closed, XmlStream

ROOM = f'office@conference.{LOCAL}'
REMOTE = 'bob@b.example/x'
HOLD = 5        # seconds that stanzas wait for a gateway that has just gone


class Component:
    """The client side of XEP-0114."""
    def __init__(self, name, secret):
        self.name = name
        self.stream = XmlStream(socket.create_connection((net.LOCAL, COMPONENT_PORT)))
        self.stream.send(f"<stream:stream xmlns='jabber:component:accept' xmlns:stream='{STREAM}' to='{name}'>")
        ident = self.stream.header()['id']
        self.stream.send(f"<handshake>{hashlib.sha1((ident + secret).encode()).hexdigest()}</handshake>")
        if not self.stream.element().tag.endswith('}handshake'):
            raise Failed('the server refuses the component')

    async def is_routed(self):
        """The server registers the route after its answer: then it brings us what we write to ourselves."""
        for _ in range(10):
            self.stream.send(f"<message from='{self.name}' to='{self.name}' id='echo'/>")
            came = await self.wait(lambda e: e.get('id') == 'echo')
            if came is not None and came.get('type') != 'error':
                return
            await asyncio.sleep(0.5)
        raise Failed('the server has no route to the component')

    async def close(self):
        """And wait until the server has seen it."""
        port = self.stream.sock.getsockname()[1]
        self.stream.close()
        await asyncio.to_thread(until, lambda: not net.is_held(port))
        await asyncio.sleep(0.2)        # and has acted on it

    async def wait(self, want, timeout=20):
        """The first stanza for which want() holds; others are dropped. None after the time."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                element = await loop.run_in_executor(None, self.stream.element, timeout)
                if want(element):
                    return element
        except Closed:
            return None


async def check(report, alice):
    await alice.login()
    await away(report, alice, 'before it came')
    component = Component(*COMPONENT)
    await component.is_routed()
    await users(report, alice, component)
    await rooms(report, component)
    await loops(report, component)
    await component.close()
    await away(report, alice, 'after it went', HOLD)
    await alice.logout()


async def away(report, alice, when, seconds=0):
    alice.send_raw("<message to='bob@b.example' id='early'><body>hi</body></message>")
    got = await alice.wait_message('early', 20 + seconds)
    report.equal(f'{when}: a message gets an error', condition(got), ('wait', 'remote-server-timeout'))
    report.equal(f'{when}: the error comes from whom it was for', got.get('from'), 'bob@b.example')
    alice.send_raw("<message to='bob@b.example' type='error' id='quiet'/><iq to='bob@b.example/x' type='result' id='quiet'/>"
                   "<presence to='bob@b.example' type='unavailable' id='quiet'/>")
    alice.send_raw("<message to='bob@b.example' id='loud'><body>x</body></message>")
    await alice.wait_message('loud', 20)
    report.check(f'{when}: errors, results and unavailable presence get none',
                 alice.take(lambda x: x.get('id') == 'quiet' or (x.tag == NS + 'presence' and x.get('type') == 'error')) is None)


async def users(report, alice, component):
    alice.send_raw("<message to='bob@b.example' id='out'><body>hello</body></message>")
    got = await component.wait(lambda e: e.get('id') == 'out')
    report.check('a user\'s message to another domain reaches the gateway', got is not None
                 and (got.get('from'), got.get('to')) == (alice.full, 'bob@b.example'))
    component.stream.send(f"<message from='{REMOTE}' to='{LOCAL}' id='x'/><message from='{REMOTE}' to='{alice.full}' id='in'>"
                          '<body>hello back</body></message>')
    got = await alice.wait_message('in')
    report.equal('and a stranger\'s message from it reaches the user', got.findtext(NS + 'body'), 'hello back')
    component.stream.send(f"<iq type='get' id='disco' from='{REMOTE}' to='{LOCAL}'>"
                          "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    got = await component.wait(lambda e: e.get('id') == 'disco')
    report.check('the server answers a stranger\'s query', got is not None and got.get('type') == 'result')


async def rooms(report, component):
    component.stream.send(f"<presence from='{REMOTE}' to='{ROOM}/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    got = await component.wait(lambda e: e.tag.endswith('}presence') and e.get('from') == f'{ROOM}/bob')
    report.check('a chat room\'s presence to another domain reaches the gateway', got is not None and got.get('to') == REMOTE)
    got = await component.wait(lambda e: e.get('type') == 'groupchat')
    report.check('and so does its subject', got is not None)


async def loops(report, component):
    component.stream.send(f"<message from='{REMOTE}' to='someone@c.example' id='loop'><body>x</body></message>"
                          f"<message from='x@{COMPONENT[0]}' to='someone@c.example' id='loop'><body>x</body></message>")
    got = await component.wait(lambda e: e.get('id') == 'loop' and e.get('type') != 'error', 1.5)
    report.check('what the gateway sends to a domain that is not here does not come back to it', got is None)


def main():
    p = options.parser(__doc__)
    p.add_argument('--local', choices=sorted(KINDS), default='prosody')
    args = p.parse_args()
    with Stage(args, xfedd=False) as stage:
        world = World(stage.open([f'local-{args.local}']), 'external', args.local)
        stage.start(world.dns)
        stage.start(world.local)
        asyncio.run(check(stage.report, Client('alice', LOCAL, net.LOCAL, world.client_ca[LOCAL])))
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
