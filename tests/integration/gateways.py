#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two gateways on one server: the modules of conf/ with scripted components in the gateways' place, without xfedd.

Two hundred users write to other domains. Each keeps to one gateway and the load is shared; when a gateway goes, only its users move, and
come back with it. With Prosody, what a gateway had not answered for when it went is seen again at the other one, messages with a stamp,
while requests come back as errors; the same after a gateway that has fallen silent, which is disconnected; one that announces its end
gets nothing new; and with no gateway at all stanzas wait for one for a moment.
"""
import asyncio
import collections
import sys
import time

from lab import net, options
from lab.component import Component
from lab.proc import Failed, until
from lab.servers import COMPONENT_PORT, KINDS, SERVICE_PORT
from lab.stage import Stage
from lab.world import LOCAL, World

USERS = f'users.{LOCAL}'
SECRET = 'the secret of the link'
NAMES = {'prosody': ('xfedd1.a.example', 'xfedd2.a.example'), 'ejabberd': ('xfedd1.a.example', 'xfedd2.a.example')}
COUNT = 200             # users
QUESTION, ECHO = 'route_gateway:', 'echo'
TIMEOUT, HOLD = 15, 5   # of the module for Prosody, in seconds
STALLED = 4             # seconds for which the machine may stand still meanwhile
PATIENCE = 30


class FakeGateway(Component):
    """Answers the module's questions while `is_honest`."""
    def __init__(self, name, port=COMPONENT_PORT):
        super().__init__('', name, net.LOCAL, SECRET, port)
        self.is_honest, self.says, self.questions = True, 'cancel', 0     # `wait`: not yet
        self.proved, self.echoes = 0, 0     # how many had come when it last answered for all

    def keep(self, element):
        ident = element.get('id') or ''
        if ident == ECHO:
            self.echoes += element.get('type') != 'error'
            return
        if not ident.startswith(QUESTION):
            super().keep(element)
            return
        self.questions += 1
        if self.is_honest:
            self.proved = len(self.inbox)
            self.stream.send(f"<iq type='error' from='{self.domain}' to='{self.domain}' id='{ident}'><error type='{self.says}'>"
                             "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")

    def connect(self):
        asyncio.run(self.login())
        return self.heard()     # the server registers the route after its answer

    def heard(self):
        """Wait until the server has acted on what was sent: then it brings us what we write to ourselves."""
        before = self.echoes

        def is_back():
            self.stream.send(f"<message from='{self.domain}' to='{self.domain}' id='{ECHO}'/>")
            return until(lambda: self.echoes > before, 2)
        if not until(is_back):
            raise Failed(f'{self.domain} is not reached')
        return self

    def prove(self):
        """Wait until it has answered for all that came."""
        until(lambda: self.proved == len(self.inbox), PATIENCE)

    def close(self, is_polite=True):
        """End the connection, and wait until the server has seen it."""
        port = self.stream.sock.getsockname()[1]
        if is_polite:
            self.stream.close()
        else:
            self.stream.sock.close()
        until(lambda: not net.is_held(port))
        time.sleep(0.2)         # and has acted on it

    def got(self, prefix):
        return [e for e in self.inbox if (e.get('id') or '').startswith(prefix)]


def user(number):
    return f'u{number}@{USERS}/x'


class Senders:
    """A component whose addresses are our users."""
    def __init__(self):
        self.component = FakeGateway(USERS, SERVICE_PORT).connect()

    def round(self, prefix, numbers=range(COUNT), turns=2):
        """One message of each user to each of two peers, in turns."""
        text = ''.join(f"<message from='{user(n)}' to='v@{peer}.example' id='{prefix}-{n}-{peer}-{turn}'><body>hi</body></message>"
                       for turn in range(turns) for n in numbers for peer in 'bc')
        self.component.stream.send(text)
        return turns * len(numbers) * 2

    def send(self, text):
        self.component.stream.send(text)

    def errors(self, prefix):
        return self.component.got(prefix)


def settle(gateways, prefix, count, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end and sum(len(g.got(prefix)) for g in gateways) < count:
        time.sleep(0.02)
    return sum(len(g.got(prefix)) for g in gateways)


def homes(gateways, prefix):
    """user -> the gateways that had something from it"""
    found = collections.defaultdict(set)
    for at, gateway in enumerate(gateways):
        for element in gateway.got(prefix):
            found[element.get('from')].add(at)
    return found


def in_order(gateway, prefix):
    last = {}
    for element in gateway.got(prefix):
        key, turn = (element.get('from'), element.get('to')), int(element.get('id').split('-')[3])
        if last.get(key, -1) >= turn:
            return False
        last[key] = turn
    return True


def shared(report, senders, one, two):
    both = [one, two]
    count = senders.round('both', turns=5)
    report.equal('all stanzas reach the gateways, each once', settle(both, 'both', count), count)
    before = homes(both, 'both')
    report.check('each user keeps to one gateway, whatever the peer', all(len(at) == 1 for at in before.values()))
    share = sum(at == {0} for at in before.values())
    report.check('the users are shared among the two', COUNT * 0.35 <= share <= COUNT * 0.65, f'{share} of {COUNT} at the first')
    report.check('order is kept', in_order(one, 'both') and in_order(two, 'both'))
    return before


def one_goes(report, senders, one, two, before, again):
    one.close()
    count = senders.round('alone')
    report.equal('one goes: the other one has all', settle([two], 'alone', count), count)
    back = again()
    count = senders.round('back')
    report.equal('it is back: all arrive', settle([back, two], 'back', count), count)
    return back, homes([back, two], 'back')


def not_proved(report, senders, one, two, before):
    """Prosody. The first gateway takes what comes, does not answer for it, and goes."""
    mine = [n for n in range(COUNT) if before[user(n)] == {0}]
    senders.round('proved', mine, 1)
    settle([one], 'proved', 2 * len(mine))
    one.prove()
    one.is_honest = False
    count = senders.round('open', mine, 3)
    senders.send(''.join(f"<iq type='get' from='{user(n)}' to='b.example' id='ask-{n}'><ping xmlns='urn:xmpp:ping'/></iq>"
                         f"<iq type='result' from='{user(n)}' to='b.example' id='told-{n}'/>"
                         f"<message from='{user(n)}' to='v@b.example' id='past-{n}'><body>hi</body>"
                         f"<delay xmlns='urn:xmpp:delay' from='{USERS}' stamp='2026-01-02T03:04:05Z'/></message>"
                         f"<presence from='{user(n)}' to='v@b.example' id='here-{n}'/>" for n in mine))
    settle([one], 'here', len(mine))
    begun = time.monotonic()
    one.close(is_polite=False)
    report.equal('what it had not answered for is seen again at the other one', settle([two], 'open', count), count)
    took = time.monotonic() - begun
    report.check('soon', took < STALLED, f'{took:.2f} s')
    report.check('in order', in_order(two, 'open'))
    report.check('with the time at which it was sent', all(e.find('{urn:xmpp:delay}delay') is not None for e in two.got('open')))
    report.equal('one that has a time already is seen again too', settle([two], 'past', len(mine)), len(mine))
    report.check('with that one alone', all(len(e.findall('{urn:xmpp:delay}delay')) == 1 for e in two.got('past')))
    report.equal('what it had answered for is not', len(two.got('proved')), 0)
    settle([senders.component], 'ask', len(mine))
    report.equal('requests are answered with an error', (len(senders.errors('ask')), len(two.got('ask'))), (len(mine), 0))
    report.equal('answers and presence are sent again', (settle([two], 'told', len(mine)), settle([two], 'here', len(mine))), (len(mine),) * 2)


def silent(report, senders, one, two, before):
    """The first gateway falls silent without a word."""
    mine = [n for n in range(COUNT) if before[user(n)] == {0}]
    senders.round('warm', mine, 1)
    settle([one], 'warm', 2 * len(mine))
    one.prove()
    one.is_honest = False
    begun = time.monotonic()
    count = senders.round('silent', mine)
    report.equal('a gateway falls silent: the other one has its stanzas', settle([two], 'silent', count, TIMEOUT + PATIENCE), count)
    took = time.monotonic() - begun
    report.check(f'after {TIMEOUT} s', TIMEOUT <= took < TIMEOUT + STALLED, f'{took:.1f} s')


def not_yet(report, senders, one, two, before):
    """The first gateway says again and again that it has not delivered all."""
    mine = [n for n in range(COUNT) if before[user(n)] == {0}]
    one.says = 'wait'
    count = senders.round('slow', mine)
    settle([one], 'slow', count)
    asked = one.questions
    report.check('a gateway that has not delivered yet is asked again', until(lambda: one.questions >= asked + 3, STALLED), f'{one.questions - asked} times')
    one.close(is_polite=False)
    report.equal('when it goes, the other one has all', settle([two], 'slow', count), count)


def leaving(report, senders, one, two):
    one.stream.send(f"<presence type='unavailable' from='{one.domain}' to='{one.domain}'/>")
    one.heard()
    count = senders.round('leaving')
    report.equal('a gateway announces its end: the other one has all that comes', settle([two], 'leaving', count), count)
    one.stream.send('</stream:stream>')
    time.sleep(0.5)


def none_there(report, senders, two, again):
    two.close()
    count = senders.round('none', turns=1)
    time.sleep(1)
    report.equal('without a gateway stanzas wait', len(senders.errors('none')), 0)
    back = again()
    report.equal('for one that comes back in time', settle([back], 'none', count), count)
    begun = time.monotonic()
    back.close()
    count = senders.round('vain', turns=1)
    settle([senders.component], 'vain', count, HOLD + PATIENCE)
    report.equal('or return to their senders', len(senders.errors('vain')), count)
    took = time.monotonic() - begun
    report.check(f'after {HOLD} s', HOLD - 0.1 < took < HOLD + STALLED, f'{took:.1f} s')


def check(report, kind):
    first, second = NAMES[kind]
    # ejabberd has a listener for each name
    ports = (COMPONENT_PORT, COMPONENT_PORT + 10) if kind == 'ejabberd' else (COMPONENT_PORT, COMPONENT_PORT)
    one, two = FakeGateway(first, ports[0]).connect(), FakeGateway(second, ports[1]).connect()
    senders = Senders()
    before = shared(report, senders, one, two)
    if kind == 'ejabberd':
        one_goes(report, senders, one, two, before, FakeGateway(first).connect)
        return

    def again():
        return FakeGateway(first).connect()
    one, after = one_goes(report, senders, one, two, before, again)
    report.check('and each user is where it was before', after == before)
    not_proved(report, senders, one, two, before)
    one = again()
    silent(report, senders, one, two, before)
    one = again()
    not_yet(report, senders, one, two, before)
    one = again()
    leaving(report, senders, one, two)
    none_there(report, senders, two, again)


def main():
    p = options.parser(__doc__)
    p.add_argument('--local', choices=sorted(KINDS), default='prosody')
    args = p.parse_args()
    with Stage(args, xfedd=False) as stage:
        world = World(stage.open([f'local-{args.local}']), 'external', args.local)
        world.local.component = (' '.join(dict.fromkeys(NAMES[args.local])), SECRET)
        world.local.services[USERS] = SECRET
        stage.start(world.dns)
        stage.start(world.local)
        check(stage.report, args.local)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
