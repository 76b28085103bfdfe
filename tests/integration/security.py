#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a hostile peer tries: nothing reaches the link, the stream ends with the right condition, the log
says why.

The peer is scripted; the cluster too, so that "nothing" can be seen. After each attack an honest stanza must still get through.
"""
import sys
import time

from lab import net, options
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER
from lab.xmlstream import Closed

VICTIM = 'victim.example'       # a domain of somebody else, whose server is honest
EDGE = (net.GATEWAY, 5269)


class Attacks:
    def __init__(self, report, cluster, gateway, peer, victim):
        self.report, self.cluster, self.gateway, self.peer, self.victim = report, cluster, gateway, peer, victim
        self.count = 0

    def message(self, frm, to=f'alice@{LOCAL}', ident=None):
        self.count += 1
        ident = ident or f'attack-{self.count}'
        return ident, f"<message from='{frm}' to='{to}' id='{ident}'><body>trust me</body></message>"

    def authenticated(self):
        return self.peer.external(self.peer.dial(EDGE, LOCAL), LOCAL)

    def nothing_came(self, what, ident):
        came = self.cluster.wait(lambda e: e.get('id') == ident, 1)
        self.report.check(f'{what}: nothing reaches the link', came is None)

    def ends_with(self, what, stream, *conditions):
        got = self.peer.drain(stream)
        stream.close()
        self.report.check(f'{what}: the stream ends with {" or ".join(conditions)}', got in conditions, got)

    def logged(self, what, event, reason, peer=PEER):
        """One new line of the log names the pair and the reason; it is shown."""
        def found():
            return [e for e in self.gateway.events(event, reason=reason, peer=peer, local=LOCAL) if e.line not in self.known]
        self.gateway.wait_until(found, 20)
        new = found()
        if self.report.check(f'{what}: the log says {event} reason={reason}', len(new) == 1, f'{len(new)} lines'):
            self.report.say('   ' + new[0].line)

    def honest(self, what):
        """An honest peer is heard afterwards, over the same link."""
        ident, text = self.message(f'bob@{PEER}/x', ident=f'honest-{self.count}')
        stream = self.authenticated()
        stream.send(text)
        came = self.cluster.wait(lambda e: e.get('id') == ident, 10)
        self.report.check(f'{what}: an honest stanza still gets through', came is not None)
        stream.close()

    def run(self):
        for attack in (self.forged_from, self.before_authentication, self.stolen_domain, self.wrong_key, self.unasked_answer,
                       self.unserved_to, self.forged_local):
            self.known = {e.line for e in self.gateway.events()}
            what = attack.__doc__
            try:
                attack(what)
                self.honest(what)
            except Closed as e:
                self.report.check(what, False, str(e))
        self.report.equal('the link was never lost', self.cluster.links, 1)

    def forged_from(self, what):
        """a forged from on an authenticated stream"""
        stream = self.authenticated()
        ident, text = self.message(f'ceo@{VICTIM}/x')
        stream.send(text)
        self.ends_with(what, stream, 'invalid-from')
        self.nothing_came(what, ident)
        self.logged(what, 's2s.stanza.refused', 'from-not-authenticated')

    def before_authentication(self, what):
        """a stanza before authentication"""
        stream = self.peer.dial(EDGE, LOCAL)
        ident, text = self.message(f'bob@{PEER}/x')
        stream.send(text)
        self.ends_with(what, stream, 'not-authorized')
        self.nothing_came(what, ident)
        self.logged(what, 's2s.stanza.refused', 'not-authenticated')

    def stolen_domain(self, what):
        """a dialback key for a domain that the peer does not own"""
        stream = self.peer.dial(EDGE, LOCAL, frm=VICTIM)
        answer = self.peer.dialback(stream, LOCAL, frm=VICTIM, key='0123456789abcdef' * 4)
        self.report.check(f'{what}: answered invalid', answer in ('invalid', 'error', 'not-authorized'), str(answer))
        ident, text = self.message(f'ceo@{VICTIM}/x')
        try:
            stream.send(text)
        except Closed:
            pass
        self.ends_with(what, stream, 'not-authorized', 'invalid-from', 'closed')
        self.nothing_came(what, ident)
        self.logged(what, 'dialback.key.denied', 'invalid', VICTIM)

    def wrong_key(self, what):
        """a dialback key that its own authoritative server does not know"""
        stream = self.peer.dial(EDGE, LOCAL)
        answer = self.peer.dialback(stream, LOCAL, key='a key that nobody gave out')
        self.report.check(f'{what}: answered invalid', answer in ('invalid', 'error'), str(answer))
        ident, text = self.message(f'bob@{PEER}/x')
        try:
            stream.send(text)
        except Closed:
            pass
        self.ends_with(what, stream, 'not-authorized', 'closed')
        self.nothing_came(what, ident)
        self.logged(what, 'dialback.key.denied', 'invalid')

    def unasked_answer(self, what):
        """an answer "valid" to a question nobody asked (CVE-2012-3525)"""
        stream = self.peer.dial(EDGE, LOCAL)
        for kind in ('result', 'verify'):
            stream.send(f"<db:{kind} from='{VICTIM}' to='{LOCAL}' type='valid' id='{stream.ident}'/>")
        ident, text = self.message(f'ceo@{VICTIM}/x')
        try:
            stream.send(text)
        except Closed:
            pass
        self.ends_with(what, stream, 'not-authorized')
        self.nothing_came(what, ident)
        self.logged(what, 's2s.stanza.refused', 'not-authenticated')

    def unserved_to(self, what):
        """a stanza for a domain that is not ours (relaying)"""
        stream = self.authenticated()
        ident, text = self.message(f'bob@{PEER}/x', to=f'someone@{VICTIM}')
        stream.send(text)
        self.ends_with(what, stream, 'host-unknown', 'improper-addressing', 'invalid-from')
        self.nothing_came(what, ident)
        self.logged(what, 's2s.stanza.refused', 'to-not-served')
        self.report.check(f'{what}: and nothing reaches the victim', not self.victim.heard)

    def forged_local(self, what):
        """a stanza that claims to come from one of our own users"""
        stream = self.authenticated()
        ident, text = self.message(f'boss@{LOCAL}/x')
        stream.send(text)
        self.ends_with(what, stream, 'invalid-from')
        self.nothing_came(what, ident)
        self.logged(what, 's2s.stanza.refused', 'from-not-authenticated')


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab = stage.open()
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        dns.domain(VICTIM, '127.77.1.1')
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        peer = stage.start(Peer(PEER, net.PEER, ours.issue(PEER), ours.file))
        victim = Peer(VICTIM, '127.77.1.1', ours.issue(VICTIM), ours.file)
        victim.heard = []
        victim.on_stanza = lambda stream, element: victim.heard.append(element)
        stage.start(victim)
        gateway = stage.start_xfedd(Gateway(
            lab, LOCAL, 'dialback-tls', ours.issue(LOCAL, f'conference.{LOCAL}'), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
            extra=f'peer "{PEER}" {{ dialback-by-certificate = no }}'))     # the keys are what is attacked
        start = time.monotonic()
        Attacks(stage.report, cluster, gateway, peer, victim).run()
        stage.report.say(f'all attacks took {time.monotonic() - start:.1f} s')
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
