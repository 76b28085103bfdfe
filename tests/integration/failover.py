#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A peer with two servers of which the first one leads nowhere, in all ways known: by SRV and by static routes, for delivery and for the verify streams
of the peer's own dialback. The second one has the message within FIRST seconds, and the next stream goes to it at once.

Prints a table of the times.
"""
import socket
import sys
import threading
import time

from lab import net, options
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.stuck import PASSES, BlackHole, Https, Stuck
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Closed

FIRST, AGAIN = 12, 2
OTHERS = [f'{name}.{LOCAL}' for name in ('conference', 'second', 'third')]      # ours too, each for one more stream to every peer
SILENT = {'tcp': 'accepts and says nothing', 'header': 'is silent behind its header', 'features': 'does not answer STARTTLS',
          'proceed': 'is silent behind <proceed/>', 'tls': 'is silent behind the TLS handshake', 'tls-header': 'sends no features inside TLS',
          'tls-features': 'does not answer what follows the features'}
CASES = {'refused': 'refuses', 'blackhole': 'swallows packets', **{p: SILENT[p] for p in PASSES}, 'https': 'is a web server (_xmpps-server)',
         'wrongname': "has somebody else's certificate"}
WAYS = ('srv', 'route', 'verify')
DEFAULTS = 'tls = required  certificate = preferred  dialback = yes  dialback-by-certificate = no'


def cases(way):
    """A static route has no direct TLS."""
    return [c for c in CASES if (way, c) != ('route', 'https')]


def domain(case, way):
    return f'{case}-{way}.example'


def address(case, way, is_good):
    return f'127.77.{(20 if is_good else 10) + WAYS.index(way)}.{10 + list(CASES).index(case)}'


def publish(dns, case, way):
    name = domain(case, way)
    service, port = ('_xmpps-server', 443) if case == 'https' else ('_xmpp-server', 5269)
    dns.host(f'one.{name}', address(case, way, False))
    dns.host(f'two.{name}', address(case, way, True))
    dns.lines.append(f'srv-host={service}._tcp.{name},one.{name},{port},0,5')
    dns.lines.append(f'srv-host=_xmpp-server._tcp.{name},two.{name},5269,10,5')


def bad_server(case, way, certificate, other):
    ip = address(case, way, False)
    if case == 'refused':
        return None
    if case == 'blackhole':
        return BlackHole(ip)
    if case == 'https':
        return Https(ip, certificate).start()
    if case == 'wrongname':
        return Peer(domain(case, way), ip, other).start()
    return Stuck(case, domain(case, way), ip, certificate).start()


def settings():
    """What the configuration says of the peers, behind DEFAULTS."""
    lines = []
    for way in WAYS:
        for case in cases(way):
            said = ['certificate = required'] if case == 'wrongname' else []
            if way == 'route':
                said.append('route = {"%s:5269", "%s:5269"}' % (address(case, way, False), address(case, way, True)))
            if said:
                lines.append(f'peer "{domain(case, way)}" {{ {" ".join(said)} }}')
    return '\n'.join(lines)


class Field:
    """All peers, and when what arrived."""
    def __init__(self, dns, ours):
        everyone = [domain(c, w) for w in WAYS for c in cases(w)]
        certificate, other = ours.issue(*everyone, label='peers'), ours.issue('somebody-else.example')
        self.times, self._changed, self.bad, self.good = {}, threading.Condition(), [], {}
        for way in WAYS:
            for case in cases(way):
                publish(dns, case, way)
                self.bad.append(bad_server(case, way, certificate, other))
                self.good[case, way] = Peer(domain(case, way), address(case, way, True), certificate, ours.file,
                                            on_stanza=self._on_stanza).start()

    def _on_stanza(self, _stream, element):
        self.note(element.get('id'))

    def note(self, what):
        with self._changed:
            self.times[what] = time.monotonic()
            self._changed.notify_all()

    def wait(self, wanted, until):
        with self._changed:
            self._changed.wait_for(lambda: wanted <= self.times.keys(), max(0, until - time.monotonic()))


def ident(case, way, turn):
    return f'{case} {way} {turn}'


def send(cluster, case, way, turn, local):
    cluster.send(f"<message from='alice@{local}/x' to='bob@{domain(case, way)}' id='{ident(case, way, turn)}'><body>hi</body></message>")


def claim(field, case, way, turn, local):
    """The peer's own dialback in, up to "valid"."""
    peer = field.good[case, way]
    try:
        stream = peer.dial((net.GATEWAY, 5269), local)
        if peer.dialback(stream, local) == 'valid':
            field.note(ident(case, way, turn))
    except (Closed, OSError):
        pass    # no time is noted


def play(field, cluster, turn, local, seconds):
    """-> how long each took"""
    begun = time.monotonic()
    for way in WAYS:
        for case in cases(way):
            if way == 'verify':
                threading.Thread(target=claim, args=(field, case, way, turn, local), daemon=True).start()
            else:
                send(cluster, case, way, turn, local)
    field.wait({ident(c, w, turn) for w in WAYS for c in cases(w)}, begun + seconds)
    return {(c, w): field.times[i] - begun for w in WAYS for c in cases(w) for i in [ident(c, w, turn)] if i in field.times}


def best_again(field, cluster):
    """Up to three times, since the machine may stand still meanwhile. -> the shortest that each took"""
    best = {}
    for name in OTHERS:
        for key, took in play(field, cluster, f'again from {name}', name, AGAIN + 8).items():
            best[key] = min(took, best.get(key, took))
        if all(best.get((c, w), 999) <= AGAIN for w in WAYS for c in cases(w)):
            break
    return best


def seconds_of(times, case, way):
    return f'{times[case, way]:.1f}' if (case, way) in times else '-'


def table(report, first, again):
    report.say(f'{"the first server ...":<45}' + ''.join(f'{way:>16}' for way in WAYS) + '   (s, the first time and then)')
    for case, words in CASES.items():
        cells = [f'{seconds_of(first, case, w)} / {seconds_of(again, case, w)}' for w in WAYS]
        report.say(f'{words:<45}' + ''.join(f'{cell:>16}' for cell in cells))


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        socket.setdefaulttimeout(60)
        dns, ours = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours')
        field = Field(dns, ours)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        stage.start_xfedd(Gateway(lab, LOCAL, None, ours.issue(LOCAL, *OTHERS), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}', settings(),
                                  DEFAULTS, aliases=', '.join(f'"{name}"' for name in OTHERS)))
        first = play(field, cluster, 'first', LOCAL, FIRST + 8)
        again = best_again(field, cluster)
        table(report, first, again)
        for way in WAYS:
            for case in cases(way):
                took, then = first.get((case, way), 999), again.get((case, way), 999)
                report.check(f'{way}: the first server {CASES[case]}: within {FIRST} s, then at once', took <= FIRST and then <= AGAIN,
                             f'{seconds_of(first, case, way)} s, then {seconds_of(again, case, way)} s')
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
