# SPDX-License-Identifier: MIT
"""What an XMPP user and a SIP user do with each other, as steps that a report can follow.

alice lives on the local server behind xfedd, bob at Kamailio, which is the notifier of its users. Each step checks what the other side really
received. sip_presence.py runs all of them; quickstart_sip.py runs the ones that tell a story.
"""
import asyncio
import signal

from lab import net
from lab.client import NS, Client, TimedOut, condition, from_
from lab.purple import Purple
from lab.sipuser import SipUser
from talk import on_one_line

TEXTS = (
    ('plain', 'Hello Bob'),
    ('markup', 'a < b && c > d; "quoted" \'twice\' ]]>'),
    ('unicode', 'Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \u0627\u0644\u0639\u0631\u0628\u064a\u0629, e\u0301'),
    ('astral', '\U0001F600 \U00010348 \U0010FFFD \U0001F468\u200D\U0001F469\u200D\U0001F467'),
    ('newlines', 'one\ntwo\n\n\tthree'),
    ('long', 'x\u00e9\U0001F4A1' * 1000),
)
USERS = ('bob', 5070), ('pete', 5071), ('dora', 5072)
SHOWS = {'away': 'away', 'dnd': 'busy'}        # ours, and the activity of RFC 4480; inwards busy is away, by default (sip-busy)
NOTE = 'caf\u00e9 \u2615 <soon> & back'


class SipTalk:
    def __init__(self, world, report):
        self.world, self.report, self.kamailio = world, report, world.kamailio
        self.local, self.peer = world.local.domain, world.kamailio.domain
        self.alice = self.new_alice()
        self.bob, self.pete, self.dora = self.users = [SipUser(self.kamailio, name, port) for name, port in USERS]

    def new_alice(self):
        return Client('alice', self.local, net.LOCAL, self.world.client_ca)

    def address(self, name):
        return f'{name}@{self.peer}'

    async def login(self):
        await self.alice.login()
        self.report.check('alice is online at her own server', True)
        for user in self.users:
            await asyncio.to_thread(user.start)
        self.report.check('bob is registered at Kamailio', True)
        self.report.equal('bob publishes that he is there', await asyncio.to_thread(self.bob.publish, 'open'), 200)

    async def logout(self):
        await self.alice.logout()
        for user in self.users:
            user.stop()

    async def decide(self, user, watcher, handling):
        await asyncio.to_thread(self.kamailio.decide, user, watcher, handling)

    # ---- messages

    async def messages(self, texts=TEXTS):
        for label, text in texts:
            shown = on_one_line(text) if len(text) < 60 else f'{len(text)} characters'
            self.alice.send_message(self.address('bob'), text)
            got = await asyncio.to_thread(self.bob.read)
            self.report.equal(f'alice to bob, {label} text: {shown}', got and got[1].replace('\r\n', '\n'), text)
            status, _ = await asyncio.to_thread(self.bob.write, self.alice.bare, text.replace('\n', '\r\n'))
            got = await self.alice.wait('bob\'s message', lambda x: x.tag == NS + 'message' and from_(x, self.address('bob')))
            self.report.equal(f'bob to alice, {label} text: {shown}', (status, got.findtext(NS + 'body')), (202, text))

    async def message_errors(self):
        """To whom no message can be brought."""
        for name, want, says in (('nobody', 'item-not-found', '404 No such user'), ('vera', 'recipient-unavailable', '480 Not here now')):
            self.alice.send_raw(f"<message to='{self.address(name)}' id='to {name}' type='chat'><body>x</body></message>")
            got = await self.alice.wait_message(f'to {name}')
            what = 'unknown at Kamailio' if name == 'nobody' else 'offline there'
            self.report.equal(f'alice writes to {name}, {what}: {want}', (condition(got) or (None, None))[1], want)
            self.report.check('   with what Kamailio answered', says in ''.join(got.itertext()), ''.join(got.itertext()))
        offline = 202 if self.world.local.kind == 'prosody' else 480        # it keeps messages, unlike our ejabberd
        for jid, what, want in ((f'nobody@{self.local}', 'unknown here', 480), (f'bob@{self.local}', 'offline here', offline),
                                ('x@z.example', 'not served here', 404)):
            self.report.equal(f'bob writes to {jid}, {what}: {want}', (await asyncio.to_thread(self.bob.write, jid, 'x'))[0], want)

    # ---- alice watches bob

    async def is_silent(self, what, want, seconds=1):
        """Nothing of that kind comes."""
        await asyncio.sleep(seconds)
        found = self.alice.take(want)
        self.report.check(what, found is None, '' if found is None else str(found.attrib))

    def of(self, name, *kinds):
        return lambda x: x.tag == NS + 'presence' and from_(x, self.address(name)) and x.get('type') in kinds

    async def wait_watcher(self, name, state):
        for _ in range(100):
            if self.kamailio.watchers(name).get(self.alice.bare) == state:
                return True
            await asyncio.sleep(0.1)
        return False

    async def subscribe_out(self):
        bob = self.address('bob')
        self.alice.send_presence_subscription(bob)
        self.report.check('alice asks for bob\'s presence: Kamailio keeps her waiting', await self.wait_watcher('bob', 'pending'),
                          str(self.kamailio.watchers('bob')))
        await self.is_silent('   and she hears nothing', self.of('bob', 'subscribed', 'unsubscribed', None))
        await self.decide('bob', self.alice.bare, 'allow')
        await self.alice.wait_presence(bob, 'subscribed')
        await self.alice.wait_presence(bob)
        self.report.check('bob agrees, and alice sees him online', True)

    async def states_of_bob(self):
        bob = self.address('bob')
        for show, activity in SHOWS.items():
            await asyncio.to_thread(self.bob.publish, 'open', f'{NOTE} {show}', activity)
            got = await self.alice.wait_presence(bob, status=f'{NOTE} {show}')
            self.report.equal(f'bob is {activity}, with a note: alice sees it', got.findtext(NS + 'show'), 'away' if show == 'dnd' else show)
        await asyncio.to_thread(self.bob.publish, 'open', 'lunch is over')
        got = await self.alice.wait_presence(bob, status='lunch is over')
        self.report.equal('bob is available again', got.findtext(NS + 'show'), None)
        await asyncio.to_thread(self.bob.publish, 'closed')
        await self.alice.wait_presence(bob, 'unavailable')
        self.report.check('bob is offline', True)
        await asyncio.to_thread(self.bob.publish, 'open', 'back')
        await self.alice.wait_presence(bob, status='back')
        self.report.check('bob comes back', True)

    async def blocked_by_bob(self):
        bob = self.address('bob')
        await self.decide('bob', self.alice.bare, 'polite-block')
        await self.alice.wait_presence(bob, 'unavailable')
        await self.is_silent('bob blocks alice politely: she sees him leave, and is not told', self.of('bob', 'unsubscribed'))
        await self.decide('bob', self.alice.bare, 'allow')
        await self.alice.wait_presence(bob)
        self.report.check('   he thinks better of it: she sees him', True)

    async def denied_by_bob(self):
        bob = self.address('bob')
        await self.decide('bob', self.alice.bare, 'block')
        await self.alice.wait_presence(bob, 'unsubscribed')
        self.report.check('bob takes it back: alice is told that she may not see him', True)

    async def refused(self):
        for name in ('s403', 's489', 's603'):
            self.alice.send_presence_subscription(self.address(name))
            await self.alice.wait_presence(self.address(name), 'unsubscribed')
            self.report.check(f'Kamailio answers SUBSCRIBE with {name[1:]}: alice is told that she may not', True)
        self.alice.send_presence_subscription(self.address('nobody'))
        got = await self.alice.wait('an error', self.of('nobody', 'error', 'unsubscribed'))
        self.report.equal('alice asks for somebody who is unknown there', (condition(got) or (None, None))[1], 'item-not-found')

    async def unsubscribe_out(self):
        self.alice.send_presence_subscription(self.address('bob'), ptype='unsubscribe')
        for _ in range(100):
            if ('SUBSCRIBE', self.alice.bare, self.address('bob'), '0', '<null>') in self.kamailio.traced('SUBSCRIBE'):
                break
            await asyncio.sleep(0.1)
        else:
            self.report.check('alice watches bob no longer', False, str(self.kamailio.traced('SUBSCRIBE')))
            return
        await asyncio.sleep(0.5)
        self.alice.take(self.of('bob', 'unavailable', 'unsubscribed'))
        await asyncio.to_thread(self.bob.publish, 'open', 'nobody sees it')
        await self.is_silent('alice watches bob no longer, and hears no more of him', lambda x: x.findtext(NS + 'status') == 'nobody sees it')

    # ---- SIP users watch alice

    async def notified(self, user, what, want, timeout=15):
        got = await asyncio.to_thread(user.notified, want, timeout)
        self.report.check(what, True)
        return got

    async def subscribe_in(self):
        self.report.equal('bob asks for alice\'s presence', await asyncio.to_thread(self.bob.watch, self.alice.bare), 200)
        await self.notified(self.bob, '   he is told that it is pending', lambda n: n.state == 'pending' and n.expires and not n.is_open)
        await self.alice.wait_presence(self.address('bob'), 'subscribe')
        self.report.check('   alice is asked', True)
        self.alice.send_presence_subscription(self.address('bob'), ptype='subscribed')
        got = await self.notified(self.bob, 'alice agrees, and bob sees her online', lambda n: n.state == 'active' and n.is_open)
        self.report.equal('   her device is a tuple of a PIDF document', (got.type, [d[0] for d in got.devices]), ('application/pidf+xml', ['ID-lab']))

    async def states_of_alice(self):
        for show, activity in SHOWS.items():
            self.alice.send_presence(pshow=show, pstatus=f'{NOTE} {show}')
            got = await self.notified(self.bob, f'alice is {show}, with a note: bob gets it', lambda n, show=show: f'{NOTE} {show}' in n.notes)
            self.report.equal('   with its activity', (got.is_open, got.activities), (True, [activity]))
        self.alice.send_presence(pstatus='lunch is over')
        got = await self.notified(self.bob, 'alice is available again', lambda n: 'lunch is over' in n.notes)
        self.report.equal('   without an activity', (got.is_open, got.activities), (True, []))
        self.alice.send_presence(ptype='unavailable')
        await self.notified(self.bob, 'alice is offline', lambda n: n.state == 'active' and not n.is_open)
        self.alice.send_presence(pstatus='back')
        await self.notified(self.bob, 'alice comes back', lambda n: n.is_open and 'back' in n.notes)
        self.report.equal('bob asks again in his dialog', await asyncio.to_thread(self.bob.again, self.alice.bare), 200)
        await self.notified(self.bob, '   and gets her state', lambda n: n.is_open and 'back' in n.notes)

    async def unsubscribe_in(self):
        self.report.equal('bob watches alice no longer', await asyncio.to_thread(self.bob.again, self.alice.bare, 0), 200)
        await self.notified(self.bob, '   his last NOTIFY says so', lambda n: n.state == 'terminated' and n.reason == 'timeout')

    async def denied_by_alice(self, user, is_polite):
        name = self.address(user.name)
        self.report.equal(f'{user.name} asks for alice\'s presence', await asyncio.to_thread(user.watch, self.alice.bare), 200)
        await self.alice.wait_presence(name, 'subscribe')
        self.alice.send_presence_subscription(name, ptype='unsubscribed')
        if is_polite:
            await self.notified(user, f'alice denies, and {user.name} sees her offline (polite block)', lambda n: n.state == 'active' and not n.is_open)
            self.alice.send_presence(pstatus='not for all')
            await asyncio.sleep(2)
            self.report.check('   whatever she does', not any(n.is_open for n in user.taken()))
        else:
            await self.notified(user, f'alice denies, and {user.name} is told so', lambda n: n.state == 'terminated' and n.reason == 'rejected')

    # ---- restarts, while both watch each other

    async def still_watching(self, what, tries=1):
        note = f'after the restart of {what}'
        for left in reversed(range(tries)):
            self.report.equal('bob publishes again', await asyncio.to_thread(self.bob.publish, 'open', note), 200)
            try:
                await self.alice.wait_presence(self.address('bob'), status=note, timeout=30 / tries)
                break
            except TimedOut:
                if not left:
                    raise
        self.report.check('   alice sees it', True)
        self.alice.send_presence(pstatus=note)
        await self.notified(self.bob, '   and bob hears of her', lambda n: note in n.notes, 30)
        self.report.equal('   in the dialog that he had', await asyncio.to_thread(self.bob.again, self.alice.bare), 200)

    async def restart_xfedd(self):
        gateway = self.world.gateway
        self.report.equal('xfedd is stopped', await asyncio.to_thread(gateway.stop), 0)
        await asyncio.to_thread(gateway.start)
        self.report.check('   and started', True)
        self.alice.inbox.clear()
        self.alice.send_presence(ptype='unavailable')
        self.alice.send_presence()      # so her server probes her contacts
        await self.alice.wait_presence(self.address('bob'), timeout=30)
        await self.still_watching('xfedd')

    async def restart_kamailio(self):
        await asyncio.to_thread(self.kamailio.stop)
        await asyncio.to_thread(self.kamailio.start)
        self.report.check('Kamailio is stopped and started', True)
        for user in self.users:
            await asyncio.to_thread(user.start_again)
        # Its file may have an older CSeq than it had used: what it sends with that is refused (RFC 3261, 12.2.2), until it has counted on.
        await self.still_watching('Kamailio', tries=3)

    async def local_server_crashes(self):
        """Nobody tells xfedd that alice has gone, and while the link is down nobody could."""
        local = self.world.local
        await asyncio.to_thread(local.runner.stop, signal.SIGKILL)
        self.bob.taken()
        await asyncio.to_thread(local.start)
        await self.notified(self.bob, 'alice\'s server crashes and is started again, and she does not come back: bob sees her offline',
                            lambda n: n.state == 'active' and not n.is_open, 60)
        self.alice.abort()
        self.alice = self.new_alice()
        await self.alice.login()
        await self.notified(self.bob, '   she logs in, and bob sees her', lambda n: n.is_open, 30)
        await self.alice.wait_presence(self.address('bob'), timeout=30)
        self.report.check('   and she sees bob', True)

    # ---- a client that others wrote

    async def pidgin(self):
        """vera's client is Pidgin's library: as presentity, as watcher, and for messages."""
        vera, text = self.address('vera'), 'Gr\u00fc\u00dfe \U0001F44B\nzwei'
        await self.decide('vera', self.alice.bare, 'allow')
        client = Purple(self.world.lab, self.kamailio, 'vera')
        try:
            await asyncio.to_thread(client.start)
            self.report.check('vera is online with Pidgin\'s library', True)
            await self._pidgin_writes(client, vera, text)
            await self._pidgin_watches(client, vera)
        finally:
            await asyncio.to_thread(client.stop)

    async def _pidgin_writes(self, client, vera, text):
        self.alice.send_message(vera, text)
        got = await asyncio.to_thread(client.wait, 'message')
        self.report.equal('   she reads what alice writes', got and got[1].replace('\r\n', '\n'), text)
        await asyncio.to_thread(client.write, self.alice.bare, text)
        got = await self.alice.wait('vera\'s message', lambda x: x.tag == NS + 'message' and from_(x, vera))
        self.report.equal('   and alice what she writes', got.findtext(NS + 'body'), text)

    async def _pidgin_watches(self, client, vera):
        self.alice.send_presence_subscription(vera)
        await self.alice.wait_presence(vera)
        self.report.check('   alice sees her online', True)
        client.add(self.alice.bare)
        await self.alice.wait_presence(vera, 'subscribe', 20)
        self.alice.send_presence_subscription(vera, ptype='subscribed')
        got = await asyncio.to_thread(client.wait, 'status', 15, lambda _who, status, _note: status == 'available')
        self.report.check('   and she sees alice online', got and got[0].endswith(self.alice.bare), str(got))
        self.alice.send_presence(ptype='unavailable')
        got = await asyncio.to_thread(client.wait, 'status', 15, lambda _who, status, _note: status == 'offline')
        self.report.check('   and leaving', got)
        self.alice.send_presence()
        client.status('offline')
        await self.alice.wait_presence(vera, 'unavailable')
        self.report.check('   and alice sees her leaving', True)
