# SPDX-License-Identifier: MIT
"""What two people on two servers do with each other, as steps that a report can follow.

alice lives on the local server, bob at the peer. Each step checks what the other side really received. e2e.py runs all of
them in every mode; quickstart.py runs the ones that tell a story.
"""
import xml.etree.ElementTree as ET

from lab import net
from lab.client import NS, Client, condition, tree

TEXTS = (
    ('plain', 'Hello Bob'),
    ('markup', 'a < b && c > d; "quoted" \'twice\' ]]>'),
    ('unicode', 'Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \u0627\u0644\u0639\u0631\u0628\u064a\u0629, e\u0301'),
    ('astral', '\U0001F600 \U00010348 \U0010FFFD \U0001F468\u200D\U0001F469\u200D\U0001F467'),
    ('newlines', 'one\ntwo\n\n\tthree\n'),
    ('long', 'x\u00e9\U0001F4A1' * 5000),
)

PAYLOADS = (
    ('prefixes', "<p:a xmlns:p='urn:example:p' xmlns:q='urn:example:q' q:k='1' k='2'><q:b><p:c/></q:b></p:a>"),
    ('default namespaces', "<a xmlns='urn:example:1'>t<b xmlns='urn:example:2'>u<c xmlns='urn:example:1'/>v</b>w</a>"),
    ('xhtml', "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>"
              "<p style='a:b'>one <em>two</em>\nthree</p></body></html>"),
    ('a forwarded stanza', "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='x@y.example' "
                           "xml:lang='de'><body>in &lt; it</body></message></forwarded>"),
    ('empty and quoted', "<e xmlns='urn:example:e' a='&lt;&amp;&quot;&apos;' b=''><f/><f></f></e>"),
)


class Talk:
    def __init__(self, world, report):
        self.world, self.report = world, report
        self.local, self.peer = world.local.domain, world.peer.domain
        self.alice = Client('alice', self.local, net.LOCAL, world.client_ca[self.local])
        self.bob = Client('bob', self.peer, net.PEER, world.client_ca[self.peer])

    async def login(self):
        await self.alice.login()
        await self.bob.login()
        self.report.check('alice is online at her own server', True)
        self.report.check('bob is online at the peer', True)

    async def logout(self):
        for client in (self.alice, self.bob):
            await client.logout()

    # ---- contacts and presence

    async def subscribe(self):
        for who, other, names in ((self.alice, self.bob, ('alice', 'bob')), (self.bob, self.alice, ('bob', 'alice'))):
            who.send_presence_subscription(other.bare)
            await other.wait_presence(who.bare, 'subscribe', 20)
            self.report.check(f'{names[0]} asks for {names[1]}\'s presence', True)
            other.send_presence_subscription(who.bare, ptype='subscribed')
            await who.wait_presence(other.bare, 'subscribed')
            await who.wait_presence(other.full)
            self.report.check(f'{names[1]} agrees, and {names[0]} sees {names[1]} online', True)
        roster = await self.alice.ask(None, "<query xmlns='jabber:iq:roster'/>")
        states = {i.get('jid'): i.get('subscription') for i in roster.iter('{jabber:iq:roster}item')}
        self.report.equal('alice\'s contact list says so', states.get(self.bob.bare), 'both')

    async def presence(self):
        for who, other, name in ((self.bob, self.alice, 'bob'), (self.alice, self.bob, 'alice')):
            status = f'{name} \u2615\ncoffee'
            who.send_presence(pshow='dnd', pstatus=status)
            seen = await other.wait_presence(who.full, status=status)
            self.report.equal(f'{name}\'s status arrives', seen.findtext(NS + 'show'), 'dnd')
            who.send_presence(ptype='unavailable')
            await other.wait_presence(who.full, 'unavailable')
            self.report.check(f'{name} is seen leaving', True)
            who.send_presence()
            await other.wait_presence(who.full)
            self.report.check(f'{name} is seen coming back', True)

    # ---- messages

    async def messages(self, texts=TEXTS, payloads=PAYLOADS):
        for who, other, way in ((self.alice, self.bob, 'alice to bob'), (self.bob, self.alice, 'bob to alice')):
            for label, text in texts:
                await self._text(who, other, way, label, text)
            for label, payload in payloads:
                await self._payload(who, other, way, label, payload)

    async def _text(self, who, other, way, label, text):
        ident = f'{way} {label}'
        msg = who.make_message(other.full, text)
        msg['id'] = ident
        msg.send()
        got = await other.wait_message(ident)
        shown = on_one_line(text) if len(text) < 60 else f'{len(text)} characters'
        self.report.equal(f'{way}, {label} text: {shown}', got.findtext(NS + 'body'), text)

    async def _payload(self, who, other, way, label, payload):
        ident = f'{way} {label}'
        who.send_raw(f"<message to='{other.full}' id='{ident}' type='chat' xml:lang='en'><body>b</body>{payload}</message>")
        got = await other.wait_message(ident)
        want = tree(ET.fromstring(payload))
        self.report.check(f'{way}: {label} mean the same', any(tree(child) == want for child in got),
                          ET.tostring(got, 'unicode'))
        self.report.equal(f'{way}: {label} keep type and language',
                          (got.get('type'), got.get('{http://www.w3.org/XML/1998/namespace}lang')), ('chat', 'en'))

    # ---- queries

    async def queries(self):
        for who, other, way in ((self.alice, self.bob, 'alice asks bob'), (self.bob, self.alice, 'bob asks alice')):
            answer = await who.ask(other.full, "<ping xmlns='urn:xmpp:ping'/>")
            self.report.equal(f'{way}: ping', answer.get('type'), 'result')
            answer = await who.ask(other.full, "<query xmlns='jabber:iq:version'/>")
            self.report.equal(f'{way}: version', answer.findtext('.//{jabber:iq:version}name'), 'xfedd-lab')
            answer = await who.ask(other.full, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
            self.report.check(f'{way}: disco of the client', features(answer) >= {'urn:xmpp:ping', 'jabber:iq:version'})
            answer = await who.ask(other.full, "<query xmlns='urn:example:nobody-knows-this'/>")
            self.report.check(f'{way}: an unknown query is an error', condition(answer) in (
                ('cancel', 'feature-not-implemented'), ('cancel', 'service-unavailable')), str(condition(answer)))
            answer = await who.ask(f'nobody@{other.boundjid.domain}/x', "<ping xmlns='urn:xmpp:ping'/>")
            self.report.equal(f'{way}: somebody who does not exist', condition(answer), ('cancel', 'service-unavailable'))

    async def discovery(self):
        for who, domain in ((self.alice, self.peer), (self.bob, self.local)):
            rooms = f'conference.{domain}'
            answer = await who.ask(domain, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
            kinds = {(i.get('category'), i.get('type')) for i in answer.iter('{http://jabber.org/protocol/disco#info}identity')}
            self.report.check(f'{domain} is a server by its disco', ('server', 'im') in kinds, str(kinds))
            answer = await who.ask(domain, "<query xmlns='http://jabber.org/protocol/disco#items'/>")
            items = {i.get('jid') for i in answer.iter('{http://jabber.org/protocol/disco#items}item')}
            self.report.check(f'{domain} lists its chat rooms', rooms in items, str(items))
            answer = await who.ask(rooms, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
            self.report.check(f'{rooms} has chat rooms by its disco', 'http://jabber.org/protocol/muc' in features(answer))

    async def vcards(self):
        for who, other, name in ((self.bob, self.alice, 'bob'), (self.alice, self.bob, 'alice')):
            card = f"<vCard xmlns='vcard-temp'><FN>{name} \u00d6</FN><N><GIVEN>{name}</GIVEN></N></vCard>"
            answer = await who.ask(who.bare, card, 'set')
            self.report.equal(f'{name} stores a vCard', answer.get('type'), 'result')
            answer = await other.ask(who.bare, "<vCard xmlns='vcard-temp'/>")
            self.report.equal(f'{name}\'s vCard is read from the other side', answer.findtext('.//{vcard-temp}FN'), f'{name} \u00d6')

    # ---- a chat room

    async def rooms(self):
        await self._room('den', self.peer, self.bob, self.alice, 'bob', 'alice')
        await self._room('office', self.local, self.alice, self.bob, 'alice', 'bob')

    async def rooms_right_to_left(self):
        await self._room('majlis', self.peer, self.bob, self.alice, '\u0645\u062d\u0645\u062f', '\u05d3\u05d5\u05d3')
        await self._room('moadon', self.local, self.alice, self.bob, '\u05d3\u05d5\u05d3', '\u0645\u062d\u0645\u062f')

    async def meet_at_peer(self):
        await self._room('den', self.peer, self.bob, self.alice, 'bob', 'alice')

    async def _room(self, room, domain, host, guest, host_nick, guest_nick):
        jid = f'{room}@conference.{domain}'
        join(host, jid, host_nick)
        await host.wait_presence(f'{jid}/{host_nick}')
        answer = await host.ask(jid, "<query xmlns='http://jabber.org/protocol/muc#owner'>"
                                     "<x xmlns='jabber:x:data' type='submit'/></query>", 'set')
        self.report.equal(f'{host_nick} opens the room {jid}', answer.get('type'), 'result')
        join(guest, jid, guest_nick)
        await guest.wait_presence(f'{jid}/{host_nick}')
        await guest.wait_presence(f'{jid}/{guest_nick}')
        await host.wait_presence(f'{jid}/{guest_nick}')
        self.report.check(f'{guest_nick} comes in, and both see each other', True)
        for who, other, nick in ((guest, host, guest_nick), (host, guest, host_nick)):
            text = f'{nick} says hello \U0001F44B\nto the room'
            ident = f'{room} {nick}'
            who.send_raw(f"<message to='{jid}' type='groupchat' id='{ident}'><body>{text}</body></message>")
            got = await other.wait('a groupchat message', lambda x: x.tag == NS + 'message' and x.get('type') == 'groupchat'
                                   and x.get('from') == f'{jid}/{nick}' and x.findtext(NS + 'body') == text)
            self.report.check(f'{nick} speaks in the room and is heard', got is not None)
        guest.send_presence(pto=f'{jid}/{guest_nick}', ptype='unavailable')
        await host.wait_presence(f'{jid}/{guest_nick}', 'unavailable')
        await guest.wait_presence(f'{jid}/{guest_nick}', 'unavailable')
        self.report.check(f'{guest_nick} leaves the room, and both see it', True)
        host.send_presence(pto=f'{jid}/{host_nick}', ptype='unavailable')

    # ---- an address that leads nowhere

    async def nowhere(self):
        self.alice.send_raw("<message to='someone@nowhere.example' id='nowhere'><body>is anybody there?</body></message>")
        got = await self.alice.wait_message('nowhere', 30)
        self.report.equal('a domain that does not exist gives one error', condition(got),
                          ('cancel', 'remote-server-not-found'))


def join(client, room, nick):
    client.send_raw(f"<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
                    '</presence>')


def on_one_line(text):
    return '"' + text.replace('\n', '\\n').replace('\t', '\\t') + '"'


def features(answer):
    return {f.get('var') for f in answer.iter('{http://jabber.org/protocol/disco#info}feature')}
