#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""jabberd2 as the local server, with its own protocol (link { driver = router }) and no S2S of its own; two xfedd with one configuration.

Messages, presence and requests pass both ways between real clients, and what cannot be delivered comes back. The session manager goes:
peers' users get an error, and the log says which domain is missing. Then the xfedd that has the default route is killed (kill -9) while
a user writes: the other one takes it over, and of the messages of that moment each has arrived, or come back, or was in the one killed.
Stopped in order, the holder gives the default route back first, and nothing is lost.
"""
import asyncio
import os
import signal
import sys
import time
import uuid

from lab import net, options
from lab.client import NS, Client
from lab.gateway import Gateway
from lab.jabberd2_local import Jabberd2Local
from lab.proc import Failed
from lab.servers import COMPONENT_PORT, KINDS
from lab.stage import Stage
from lab.world import LOCAL, PEER, World

NAME = ('xfedd', 'the secret of the router')
SECOND = '127.77.0.5'
ERROR = '{urn:ietf:params:xml:ns:xmpp-stanzas}'
PING = "<ping xmlns='urn:xmpp:ping'/>"
PAUSE = 0.01        # between two messages while a gateway is killed
LONG = 400          # messages while one is stopped
TAKEN_WITHIN = 2
STOOD_STILL = 1     # second more, in which a machine that plays all of them did nothing
QUIET = 3           # seconds in which nothing more comes
PATIENCE = 20


class Router(World):
    """`gateways`: two, with the same configuration but for their addresses."""
    def __init__(self, lab, peer, is_secure):
        super().__init__(lab, 'external', 'prosody', peer)
        cert, ca = (self.local.certificate, self.local.key), self.authority.file
        self.local = Jabberd2Local(lab, 'local', LOCAL, net.LOCAL, 'external', cert, ca, NAME)
        self.local.is_secure = is_secure
        link = 'driver = router  ' + (f'tls = required  ca-file = "{ca}"  tls-name = {LOCAL}' if is_secure else 'tls = none')
        self.gateways = [Gateway(lab, LOCAL, 'external', cert, ca, NAME, f'{net.LOCAL}:{COMPONENT_PORT}', ip=ip, label=label,
                                 link=link, extra='process { log-level = debug }', aliases='')
                         for ip, label in ((net.GATEWAY, 'one'), (SECOND, 'two'))]
        self.dns.host('second.a.example', SECOND)
        self.dns.lines.append(f'srv-host=_xmpp-server._tcp.{LOCAL},second.a.example,5269,1,5')

    def start_parts(self, stage):
        for part in (self.dns, self.peer, self.local):
            stage.start(part)
        for gateway in self.gateways:
            stage.start_xfedd(gateway)
            if gateway is self.gateways[0]:     # else the second one might be before it
                gateway.wait_event('link.default.taken', PATIENCE)


def message(client, to, ident, body='hello'):
    client.send_raw(f"<message to='{to}' type='chat' id='{ident}'><body>{body}</body></message>")


def error_of(xml):
    """The condition in a stanza of type error; None."""
    found = None if xml is None else xml.find(NS + 'error')
    return next((c.tag[len(ERROR):] for c in found if c.tag.startswith(ERROR)), None) if found is not None else None


async def talks(report, alice, bob):
    for one, other in ((alice, bob), (bob, alice)):
        body = f'caf\u00e9 & <{one.bare}>'
        ident = uuid.uuid4().hex
        message(one, other.full, ident, 'caf\u00e9 &amp; &lt;' + one.bare + '&gt;')
        got = await other.wait_message(ident)
        report.equal(f'a message of {one.bare} arrives whole', got.findtext(NS + 'body'), body)
        answer = await one.ask(other.full, PING)
        report.equal(f'a request of {one.bare} to a client is answered', answer.get('type'), 'result')
    report.equal('a request to the peer is answered', (await alice.ask(PEER, PING)).get('type'), 'result')
    report.equal('a request of the peer is answered', (await bob.ask(LOCAL, PING)).get('type'), 'result')


async def sees(report, alice, bob):
    """Subscriptions both ways, then presence, then its end."""
    for one, other in ((alice, bob), (bob, alice)):
        one.send_presence(pto=other.bare, ptype='subscribe')
        await other.wait_presence(one.bare, 'subscribe')
        other.send_presence(pto=one.bare, ptype='subscribed')
        await one.wait_presence(other.bare, 'subscribed')
        await one.wait_presence(other.full)
    report.check('subscriptions and presence pass both ways', True)
    for one, other in ((alice, bob), (bob, alice)):
        one.send_presence(pstatus='busy with the router')
        await other.wait_presence(one.full, status='busy with the router')
    report.check('a change of status is seen both ways', True)


async def returned(report, alice, bob):
    ident = uuid.uuid4().hex
    message(alice, 'x@nowhere.example', ident)
    got = await alice.wait_message(ident)
    report.equal('a domain that does not exist', error_of(got), 'remote-server-not-found')
    answer = await bob.ask(f'nobody@{LOCAL}', PING)
    report.check("a user that does not exist: the session manager's own error", error_of(answer) == 'feature-not-implemented', error_of(answer))


async def without_sm(report, world, alice, bob):
    holder = world.gateways[0]
    world.local.parts['sm'].stop()
    report.check('the session manager goes: the log says which domain is missing',
                 holder.wait_event('link.domain.missing', PATIENCE, domain=LOCAL))
    answer = await bob.ask(LOCAL, PING)
    report.equal("the peer's user gets an error", error_of(answer), 'remote-server-timeout')
    world.local.start_part('sm')
    report.check('it is back: the log says so',
                 holder.wait_until(lambda: len(holder.events('link.domain.online', domain=LOCAL)) == 2, PATIENCE))
    await alice.logout()
    alice = await Client('alice', LOCAL, net.LOCAL, world.client_ca[LOCAL]).login()
    ident = uuid.uuid4().hex
    message(bob, alice.full, ident)
    await alice.wait_message(ident)
    report.check('and messages pass again', True)
    return alice


async def all_quiet(*clients):
    """Until nothing more has come for a while."""
    counts, since, end = None, time.monotonic(), time.monotonic() + 60
    while time.monotonic() < min(since + QUIET, end):
        await asyncio.sleep(0.1)
        now = [len(client.inbox) for client in clients]
        if now != counts:
            counts, since = now, time.monotonic()


def has(client, ident):
    return any(x.get('id') == ident for x in client.inbox)


async def killed(report, world, alice, bob):
    """alice writes all the time; the holder dies in the middle, when what was written shortly before has passed: nobody stands still."""
    one, two = world.gateways
    sent, when, number, last = [], None, 0, 1000
    while number < last:
        if number >= 100 and when is None and has(bob, f'k{number - 4}'):
            os.kill(one.proc.pid, signal.SIGKILL)
            when, at, last = time.monotonic(), number, number + 200
        elif number == last - 1 and when is None:
            raise Failed(f'no message passes within {4 * PAUSE} s')
        ident = f'k{number}'
        message(alice, bob.full, ident)
        sent.append((ident, time.monotonic()))
        number += 1
        await asyncio.sleep(PAUSE)
    taken = await asyncio.to_thread(two.wait_event, 'link.default.taken', PATIENCE)
    report.check('the other one takes the default route over', taken)
    await all_quiet(alice, bob)
    arrived = {x.get('id') for x in bob.inbox if x.tag == NS + 'message'}
    errors = {x.get('id'): error_of(x) for x in alice.inbox if x.tag == NS + 'message' and x.get('type') == 'error'}
    after = [since for ident, since in sent if ident in arrived and since > when]
    fates = [int(ident[1:]) for ident, since in sent if since > when and (ident in arrived or ident in errors)]
    gone = [ident for ident, _ in sent if ident not in arrived and ident not in errors]
    took = after[0] - when if after else None
    conditions = sorted({c or '?' for c in errors.values()})
    report.say(f'kill -9 of the holder: {len(sent)} messages, {len(arrived)} arrived, {len(errors)} returned '
               f'({", ".join(conditions)}), {len(gone)} were in the one killed; '
               + (f'the first that passed again was sent {took * 1000:.0f} ms after the kill' if after else 'none passed again'))
    report.check(f'messages pass again within {TAKEN_WITHIN} s, and {STOOD_STILL} for the machine', took is not None and took < TAKEN_WITHIN + STOOD_STILL)
    report.check('none arrived and came back too', not arrived & set(errors))
    # and until the router has noticed, which is at once unless it stands still: the first one behind that has a fate
    noticed = min(max([at + 5] + fates[:1]), at + 5 + int(STOOD_STILL / PAUSE))
    report.check('what is gone was sent about the moment of the kill', all(at - 5 <= int(i[1:]) <= noticed for i in gone), f'{gone}, killed at {at}')


async def stands_by(report, world, alice, bob):
    one, two = world.gateways
    one.proc = None             # it was killed
    one.start()
    report.check('the first one is back and stands by', one.wait_event('link.default.held', PATIENCE, error='409'))
    ident = uuid.uuid4().hex
    message(alice, bob.full, ident)
    await bob.wait_message(ident)
    report.check('messages still pass', True)
    ident = uuid.uuid4().hex
    message(bob, alice.full, ident)
    await alice.wait_message(ident, 30)
    report.check('and those of the peer arrive, by whichever xfedd', True)


async def stopped(report, world, alice, bob):
    """alice writes all the time; the holder is stopped as by systemd."""
    one, two = world.gateways
    bob.inbox.clear()
    alice.inbox.clear()
    for number in range(LONG):
        if number == 100:
            os.kill(two.proc.pid, signal.SIGTERM)
        message(alice, bob.full, f's{number}')
        await asyncio.sleep(PAUSE)
    await all_quiet(alice, bob)
    arrived = [x.get('id') for x in bob.inbox if x.tag == NS + 'message']
    errors = [x.get('id') for x in alice.inbox if x.tag == NS + 'message' and x.get('type') == 'error']
    report.say(f'the holder is stopped: {LONG} messages, {len(arrived)} arrived, {len(errors)} returned')
    report.check('each arrived once, or came back', sorted(arrived + errors) == sorted(f's{n}' for n in range(LONG)))
    # one stretch of them, as long as the other one takes on this machine
    numbers = sorted(int(e[1:]) for e in errors)
    stretch = numbers[-1] - numbers[0] + 1 if numbers else 0
    report.check('only those came back that the router had while nobody had the default route', stretch - len(errors) <= 2 and len(errors) <= (1 + STOOD_STILL) / PAUSE,
                 f'{numbers}')
    report.check('it gave the default route back, and the other one took it',
                 two.events('link.default.left') and one.events('link.default.taken'))


async def check(report, world):
    one, two = world.gateways
    report.check('the first xfedd has the default route', one.wait_event('link.default.taken', PATIENCE))
    report.check('the second one stands by', two.wait_event('link.default.held', PATIENCE, error='409'))
    alice = await Client('alice', LOCAL, net.LOCAL, world.client_ca[LOCAL]).login()
    bob = await Client('bob', PEER, net.PEER, world.client_ca[PEER]).login()
    await talks(report, alice, bob)
    await sees(report, alice, bob)
    await returned(report, alice, bob)
    alice = await without_sm(report, world, alice, bob)
    await killed(report, world, alice, bob)
    await stands_by(report, world, alice, bob)
    await stopped(report, world, alice, bob)
    report.check('no xfedd took our names at the router for peers',
                 not any(e for g in world.gateways for e in g.events('s2s', peer=NAME[0])))
    for client in (alice, bob):
        await client.logout()


def main():
    p = options.parser(__doc__)
    p.add_argument('--peer', choices=sorted(KINDS), default='prosody')
    p.add_argument('--tls', action='store_true', help='the router has a certificate, and xfedd insists on it')
    args = p.parse_args()
    with Stage(args) as stage:
        world = Router(stage.open(), args.peer, args.tls)
        world.start_parts(stage)
        try:
            asyncio.run(check(stage.report, world))
        except asyncio.TimeoutError as e:
            raise Failed(f'a client waited in vain: {e}') from None
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
