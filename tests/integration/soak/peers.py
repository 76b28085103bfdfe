# SPDX-License-Identifier: MIT
"""The process of all peers. Run as `python3 -m soak.peers SPEC`."""
import collections
import ssl

from . import worker
from .ledger import Ledger
from .peer import Peer
from .stanza import IN, OUT
from .traffic import Traffic

BURSTS = 4          # peers that are served in one tick at most have so many stanzas each


def contexts(certificate, key, ca):
    """(accepting, dialling) of one identity."""
    both = []
    for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_OPTIONAL if protocol == ssl.PROTOCOL_TLS_SERVER else ssl.CERT_REQUIRED
        both.append(context)
    return tuple(both)


class Peers:
    def __init__(self, spec, loop, ledger):
        self.loop = loop
        self.traffic = Traffic(ledger, IN, OUT, spec['seed'])
        identities = [contexts(*i, spec['ca']) for i in spec['identities']]
        self.peers = [Peer(loop, n, p['ip'], tuple(spec['edge']), identities[p['identity']], self.traffic) for n, p in enumerate(spec['peers'])]
        self.senders = [p for p in self.peers if p.kind.sends]

    def tick(self, count):
        done = 0
        for _ in range(count * 3):
            if done >= count:
                break
            done += self.traffic.rng.choice(self.senders).generate(self.traffic.rng.randrange(1, BURSTS))
        return done

    def fault(self, peer, name, args):
        getattr(self.peers[peer], name)(*args)

    def sweep(self):
        for peer in self.peers:
            peer.sweep()

    def state(self):
        counts, errors = collections.Counter(), collections.Counter()
        for peer in self.peers:
            counts += peer.counts
            errors += peer.errors
        return dict(pings=self.traffic.pings, channels=sum(p.usable() for p in self.peers), streams=sum(len(p.streams) for p in self.peers),
                    counts=counts, errors=errors)

    def finish(self):
        """What is still unacknowledged is with its sender."""
        for peer in self.peers:
            peer.deafen()
            for stream in list(peer.streams):
                stream.conn.end('finish')
            for session in list(peer.sessions.values()) + [peer.lost_session]:
                if session:
                    self.traffic.keep(session.out.items)
            self.traffic.keep(peer.carried)
            self.traffic.keep(peer.backlog)


def main():
    spec, loop = worker.begin()
    ledger = Ledger(spec['peers_ledger'])
    worker.Worker(loop, ledger).run(Peers(spec, loop, ledger))


if __name__ == '__main__':
    main()
