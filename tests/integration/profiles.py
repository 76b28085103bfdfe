#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A Webex, a Sametime, an IM and Presence and a pre-1.0 server federate at the same time through one xfedd, each by its profile.

For each of them the verification procedure of Cisco's guide: subscribe both ways, presence both ways, messages both ways in new threads, block and
unblock; every stanza is looked at on the other side. The blocking is a reload that closes the door to one while the others go on talking.
"""
import itertools
import sys
import threading
import time

from lab import net, options
from lab.cluster import Cluster
from lab.dns import Dns
from lab.enterprise import ImAndPresence, Legacy, Sametime, Webex
from lab.gateway import Gateway
from lab.pki import Authority
from lab.proc import Proc, until, wait_port
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Closed

ROOMS = f'conference.{LOCAL}'
OTHER_DNS = '127.77.0.5'                # the resolver that knows the IM and Presence; nobody else does
SOURCE, PORTS = '127.77.0.9', (30000, 30099)
IDLE = 2                                # stands for XCP's ten minutes
ALICE = f'alice@{LOCAL}'

SECTIONS = {
    'webex': 'profile = webex  source = {{"{source}"}}  source-ports = "{ports[0]}-{ports[1]}"',
    'sametime': 'profile = sametime  ca-file = "{theirs}"',
    'imp': 'profile = imp  ca-file = "{theirs}"  dns-servers = {{"{dns}"}}',
    'legacy': 'profile = legacy',
}


def domain(kind):
    return f'{kind}.example'


class Conf:
    """The sections of the peers, and who is blocked."""
    def __init__(self, gateway, theirs):
        self.gateway, self.theirs = gateway, theirs

    def text(self, blocked=None):
        return '\n'.join(f'peer "{domain(kind)}" {{ '
                         + row.format(theirs=self.theirs, dns=OTHER_DNS, source=SOURCE, ports=PORTS)
                         + (' direction = none' if kind == blocked else '') + ' }' for kind, row in SECTIONS.items())

    def reload(self, blocked=None):
        self.gateway.configure(extra=self.text(blocked))
        return self.gateway.reload()


def essence(element):
    """What must arrive: everything but the namespace of the stream and the language that it may have added."""
    def inner(e):
        return (e.tag.split('}')[-1] if e.tag.startswith(('{jabber:server}', '{jabber:component:accept}')) else e.tag,
                tuple(sorted(e.attrib.items())), e.text or '', tuple(inner(c) for c in e))
    attributes = {k: v for k, v in element.attrib.items() if not k.endswith('}lang')}
    return (element.tag.split('}')[-1], tuple(sorted(attributes.items())), tuple(inner(c) for c in element))


def wanted(tag, attributes, children):
    return (tag, tuple(sorted(attributes.items())), tuple((t, (), text, ()) for t, text in children))


class Procedure:
    """Section 10 for one peer. Every stanza has an id of its own."""
    def __init__(self, report, cluster, kind, peer):
        self.report, self.cluster, self.kind, self.peer = report, cluster, kind, peer
        self.bob = f'bob@{peer.domain}'
        self.ids = (f'{kind}-{n}' for n in itertools.count())
        self.checked = self.wrong = 0

    @staticmethod
    def text(tag, attributes, children):
        return (f'<{tag} ' + ' '.join(f"{k}='{v}'" for k, v in attributes.items()) + '>'
                + ''.join(f'<{t}>{text}</{t}>' for t, text in children) + f'</{tag}>')

    def pass_on(self, outward, tag, kind=None, children=(), frm=None, to=None):
        """One stanza from one side to the other, and a look at what came. -> whether it did"""
        attributes = {'from': frm or (ALICE if outward else self.bob), 'to': to or (self.bob if outward else ALICE), 'id': next(self.ids)}
        if kind:
            attributes['type'] = kind
        text = self.text(tag, attributes, children)
        if outward:
            self.cluster.send(text)
        else:
            self.peer.send(text, attributes['to'].split('/')[0].split('@')[1])
        came = (self.peer if outward else self.cluster).wait(lambda e: e.get('id') == attributes['id'], 10)
        self.checked += 1
        if came is not None and essence(came) == wanted(tag, attributes, children):
            return True
        self.wrong += 1
        self.report.check(f'{self.kind}: {tag} {kind or ""} {"out" if outward else "in"} arrives as it was sent', False,
                          'nothing came' if came is None else f'{essence(came)}')
        return False

    def subscribe(self):
        for outward in (True, False):
            self.pass_on(outward, 'presence', 'subscribe')
            self.pass_on(not outward, 'presence', 'subscribed')

    def presence(self):
        for outward in (True, False):
            for show, status in ((None, 'here'), ('dnd', 'on the phone'), ('away', ''), (None, 'back')):
                self.pass_on(outward, 'presence', None, ([('show', show)] if show else []) + [('status', status)])
            self.pass_on(outward, 'presence', 'unavailable')
            self.pass_on(outward, 'presence')

    def messages(self):
        for n in range(3):
            thread = ('thread', f'{self.kind}-window-{n}')
            for outward in (True, False):
                self.pass_on(outward, 'message', 'chat', [thread, ('body', f'a new window, the {n}th')])
                self.pass_on(not outward, 'message', 'chat', [thread, ('body', 'an answer')])

    def run(self):
        try:
            for step in (self.subscribe, self.presence, self.messages):
                before, wrong = self.checked, self.wrong
                step()
                self.report.check(f'{self.kind}: {step.__name__}, both ways: {self.checked - before} stanzas', self.wrong == wrong)
        except Closed as e:
            self.report.check(f'{self.kind}: the procedure goes through', False, str(e))


class Chatter:
    """A peer that goes on talking while others are blocked: each message both ways is awaited, so that none may be missing."""
    def __init__(self, procedures):
        self.procedures, self.stopped = procedures, threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(p,), daemon=True) for p in procedures]
        self.count, self.lost = 0, []

    def _run(self, procedure):
        while not self.stopped.is_set():
            for outward in (True, False):
                try:
                    good = procedure.pass_on(outward, 'message', 'chat', [('body', 'still here')])
                except Closed as e:
                    good, _ = False, self.lost.append(f'{procedure.kind}: {e}')
                self.count += 1
                if not good:
                    self.lost.append(procedure.kind)
            time.sleep(0.02)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for t in self.threads:
            t.join(15)


def refused_out(procedure):
    """-> the condition of the error that our user gets"""
    ident = next(procedure.ids)
    procedure.cluster.send(f"<message from='{ALICE}' to='{procedure.bob}' id='{ident}' type='chat'><body>x</body></message>")
    came = procedure.cluster.wait(lambda e: e.get('id') == ident, 20)
    return None if came is None else [c.tag.split('}')[1] for error in came for c in error if 'xmpp-stanzas' in c.tag][:1]


def refused_in(procedure):
    """-> how the peer's try to reach us ended; its stanza must not arrive"""
    ident = next(procedure.ids)
    try:
        procedure.peer.send(f"<message from='{procedure.bob}' to='{ALICE}' id='{ident}' type='chat'><body>x</body></message>", LOCAL)
        how = 'it was taken'
    except Closed as e:
        how = str(e)
    return how, procedure.cluster.wait(lambda e: e.get('id') == ident, 0.5)


def ended_streams(gateway, procedures):
    """How many streams of each that carried stanzas have ended; those of dialback's questions come and go."""
    return {p.peer.domain: sum(e['stanzas'] != '0' for e in gateway.events('s2s.stream.down', peer=p.peer.domain)) for p in procedures}


def block_and_unblock(report, conf, gateway, procedures):
    for kind, blocked in procedures.items():
        others = [p for k, p in procedures.items() if k != kind]
        downs = ended_streams(gateway, others)
        with Chatter(others) as chatter:
            report.check(f'{kind}: blocked by a reload', conf.reload(kind) == 'done')

            def violated():
                return [f for f in blocked.peer.outgoing + blocked.peer.incoming if f.ended == 'policy-violation']
            until(lambda: len(violated()) >= 2 and not blocked.peer.streams, 20)    # and it knows that it has no stream of its own any more
            report.check(f'{kind}: its streams of both directions end with policy-violation', len(violated()) >= 2,
                         str([f.ended for f in blocked.peer.outgoing + blocked.peer.incoming]))
            report.equal(f'{kind}: what we send it is refused', refused_out(blocked), ['not-allowed'])
            how, came = refused_in(blocked)
            report.check(f'{kind}: what it sends us never arrives, and it is told: {how}', came is None and how == 'policy-violation')
            report.check(f'{kind}: unblocked by a reload', conf.reload() == 'done')
            good = [blocked.pass_on(outward, 'message', 'chat', [('thread', 'after'), ('body', 'friends again')]) for outward in (True, False)]
            report.check(f'{kind}: talks again, both ways', all(good))
            until(lambda: chatter.count > 20 or chatter.lost, 20)
        report.check(f'{kind}: meanwhile the others lost nothing: {chatter.count} messages', not chatter.lost and chatter.count > 20,
                     f'{chatter.lost[:3]} of {chatter.count}')
        report.equal(f'{kind}: and no stream of theirs ended', ended_streams(gateway, others), downs)


def way(facts):
    """How the streams that carried stanzas were authenticated."""
    return {(f.tls, f.auth) for f in facts if f.stanzas}


def look_at_streams(report, peers):
    for kind, want in (('webex', (True, 'dialback')), ('sametime', (True, 'external')), ('imp', (True, 'dialback')), ('legacy', (False, 'dialback'))):
        report.equal(f'{kind}: its streams, from us and to us: (TLS, method)', (way(peers[kind].incoming), way(peers[kind].outgoing)), ({want}, {want}))
        mixed = [f for f in peers[kind].incoming if f.stanzas and f.verifies]
        report.check(f'{kind}: questions of dialback and stanzas never share a stream', not mixed)
        report.equal(f'{kind}: nothing came that was not authenticated', peers[kind].errors, [])
    sources = {f.source for f in peers['webex'].incoming}
    report.check(f'webex: every connection of ours comes from {SOURCE}, ports {PORTS[0]} to {PORTS[1]}',
                 sources and all(a == SOURCE and PORTS[0] <= p <= PORTS[1] for a, p in sources), str(sources))
    report.check('others: from where the system chooses', all(f.source[0] != SOURCE for k, p in peers.items() if k != 'webex' for f in p.incoming))
    report.check('legacy: we say 1.0 to it, and live with no answer to that', all(f.version == '1.0' for f in peers['legacy'].incoming))
    report.check('sametime: no question of dialback, either way', not peers['sametime'].questions
                 and not any(f.verifies for f in peers['sametime'].incoming))


def pairs_of_imp(report, procedure):
    """A stream for each pair of domains and direction: the rooms are another domain of ours."""
    peer = procedure.peer
    room = f'team@{ROOMS}'
    good = [procedure.pass_on(False, 'presence', to=f'{room}/bob'), procedure.pass_on(True, 'message', 'groupchat', [('body', 'welcome')], frm=room)]
    report.check('imp: a room of ours, both ways', all(good))
    for name, facts in (('from us', peer.incoming), ('to us', peer.outgoing)):
        seen = sorted({(f.frm if name == 'from us' else f.to) for f in facts if f.stanzas})
        report.equal(f'imp: streams {name}: one for each pair', seen, sorted([LOCAL, ROOMS]))


def idle_of_imp(report, procedure):
    """Its ten minutes: it closes both streams, nobody takes that for a failure, the next stanzas open new ones."""
    peer = procedure.peer
    peer.idle = IDLE
    for outward in (True, False):
        procedure.pass_on(outward, 'message', 'chat', [('body', 'the last for a while')])
    carried = [f for f in peer.incoming + peer.outgoing if f.stanzas and f.ended is None]
    end = time.monotonic() + IDLE + 20
    while any(f.ended is None for f in carried) and time.monotonic() < end:
        time.sleep(0.1)
    report.check(f'imp: {len(carried)} streams are closed when idle', carried and all(f.ended in ('idle', 'the stream was closed') for f in carried),
                 str([f.ended for f in carried]))
    start = time.monotonic()
    good = [procedure.pass_on(outward, 'message', 'chat', [('body', 'good morning')]) for outward in (True, False)]
    report.check(f'imp: the next messages open new ones, at once ({time.monotonic() - start:.2f} s)', all(good) and time.monotonic() - start < 3)
    peer.idle = None


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        ours, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'theirs')
        dns = Dns(lab.scratch)
        dns.domain(LOCAL, net.GATEWAY)
        dns.domain(ROOMS, net.GATEWAY)
        for n, kind in enumerate(('webex', 'sametime', 'legacy')):
            dns.domain(domain(kind), f'127.77.1.{n + 1}')
        stage.start(dns)
        other = stage.start(Proc('dnsmasq', ['dnsmasq', '-k', '-C', '/dev/null', '-p', '53', f'--listen-address={OTHER_DNS}', '--bind-interfaces', '--no-resolv',
                                 '--no-hosts', '--pid-file=', '--user=', f'--srv-host=_xmpp-server._tcp.{domain("imp")},xcp.inside.example,5269,0,5',
                                 '--host-record=xcp.inside.example,127.77.1.4', '--local=/example/'], f'{lab.scratch}/log/dnsmasq-other.log'))
        wait_port(OTHER_DNS, 53, other)
        peers = {
            'webex': Webex(domain('webex'), '127.77.1.1', theirs.issue('shared-host.hosting.example')),
            'sametime': Sametime(domain('sametime'), '127.77.1.2', theirs.issue(domain('sametime')), ours.file),
            'imp': ImAndPresence(domain('imp'), '127.77.1.4', theirs.issue('xcp.inside.example'), None),
            'legacy': Legacy(domain('legacy'), '127.77.1.3'),
        }
        for peer in peers.values():
            stage.start(peer)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        gateway = Gateway(lab, LOCAL, None, ours.issue(LOCAL, ROOMS), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}')
        conf = Conf(gateway, theirs.file)
        gateway.configure(extra=conf.text())
        stage.start_xfedd(gateway)
        procedures = {kind: Procedure(report, cluster, kind, peer) for kind, peer in peers.items()}
        threads = [threading.Thread(target=p.run, daemon=True) for p in procedures.values()]
        for t in threads:
            t.start()
        for t in threads:
            t.join(90)
        report.check('all four at the same time', not any(t.is_alive() for t in threads))
        pairs_of_imp(report, procedures['imp'])
        block_and_unblock(report, conf, gateway, procedures)
        idle_of_imp(report, procedures['imp'])
        look_at_streams(report, peers)
        report.check(f'{sum(p.checked for p in procedures.values())} stanzas were looked at on the other side',
                     not any(p.wrong for p in procedures.values()))
        report.equal('the link was never lost', cluster.links, 1)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
