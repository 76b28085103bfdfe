#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two xfedd facing each other: the method of every stream, as the tables of Microsoft and Cisco have it.

Each row of the tables is a configuration of xfedd. One that can never authenticate must be refused by `xfedd -t`. The others meet

    same       an xfedd with the same settings, and certificates that both believe
    stranger   the same settings, but neither knows the other's authority
    clear      an xfedd without TLS, with dialback

so that each way of a row is seen: "SASL/TLS, TLS dialback, TCP dialback" is what happens in the one, the other and the third. A message goes
each way; what is compared is the line s2s.stream.up on both sides of both streams. Rows with the same settings are played once.

The clusters behind the two are scripted; processes, sockets, TLS, DNS are real.
"""
import sys
from concurrent.futures import ThreadPoolExecutor

from lab import net, options
from lab.client import condition
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage

OTHER_GATEWAY = '127.77.0.5'
SIDES = {'a': ('a.example', net.GATEWAY, net.LOCAL), 'b': ('b.example', OTHER_GATEWAY, net.PEER)}   # domain, xfedd, cluster
PATIENCE = 20

EXTERNAL, TLS_DIALBACK, TCP_DIALBACK, NONE = 'tls+external', 'tls+dialback', 'plain+dialback', 'none'
INVALID = None
FACES = {'same': (EXTERNAL, TLS_DIALBACK, TCP_DIALBACK),    # the ways that it leaves, best first
         'stranger': (TLS_DIALBACK, TCP_DIALBACK),
         'clear': (TCP_DIALBACK,)}
CLEAR = ('none', 'ignore', 'no', 'yes')


def ours(tls, certificate, sasl, dialback):
    return tls, certificate, 'yes' if sasl else 'no', 'yes' if dialback else 'no'


# Microsoft's table of settings for its XMPP gateway: number, TLS, SASL, dialback, and the ways to authenticate that are left. "SASL required"
# is certificate = required where there is TLS, since then only EXTERNAL is left ("dialback will not operate").
R, O, N = 'required', 'optional', 'none'
MICROSOFT = (
    (1, R, R, True, (EXTERNAL,)), (2, R, R, False, (EXTERNAL,)),
    (3, O, R, True, (EXTERNAL, TLS_DIALBACK, TCP_DIALBACK)), (4, O, R, False, (EXTERNAL,)),
    (5, N, R, True, (TCP_DIALBACK,)), (6, N, R, False, INVALID),
    (7, R, O, True, (EXTERNAL, TLS_DIALBACK)), (8, R, O, False, (EXTERNAL,)),
    (9, O, O, True, (EXTERNAL, TLS_DIALBACK, TCP_DIALBACK)), (10, O, O, False, (EXTERNAL,)),
    (11, N, O, True, (TCP_DIALBACK,)), (12, N, O, False, INVALID),
    (13, R, N, True, (TLS_DIALBACK,)), (14, R, N, False, INVALID),
    (15, O, N, True, (TLS_DIALBACK, TCP_DIALBACK)), (16, O, N, False, INVALID),
    (17, N, N, True, (TCP_DIALBACK,)), (18, N, N, False, INVALID),
)

# Cisco's combinations (3.1): TLS, "require client-side certificates", SASL in and out, its ways among ours. Only believed
# certificates count where they are required, so a stranger is left without any way.
CISCO = (
    ('No TLS', N, None, False, (TCP_DIALBACK,)),
    ('TLS Optional', O, False, False, (TLS_DIALBACK, TCP_DIALBACK)),
    ('TLS Optional', O, False, True, (EXTERNAL, TLS_DIALBACK, TCP_DIALBACK)),
    ('TLS Optional', O, True, False, (TLS_DIALBACK,)),      # Cisco falls back to clear here: "no real protection"
    ('TLS Optional', O, True, True, (EXTERNAL,)),           # the same
    ('TLS Required', R, False, False, (TLS_DIALBACK,)),
    ('TLS Required', R, False, True, (EXTERNAL, TLS_DIALBACK)),
    ('TLS Required', R, True, True, (EXTERNAL,)),
    ('TLS Required', R, True, False, (TLS_DIALBACK,)),
)


def rows():
    """name, settings, ways, whether certificates must be believed"""
    for number, tls, sasl, dialback, ways in MICROSOFT:
        strict = tls == R and sasl == R
        name = f'MS {number:2} TLS {tls}, SASL {dict(required="required", optional="optional", none="no")[sasl]}, dialback {dialback}'
        yield name, ours(tls, 'required' if strict else 'preferred', sasl != N, dialback), ways, strict
    for mode, tls, certs, sasl, ways in CISCO:
        name = f'Cisco {mode}, certificates {"n/a" if certs is None else "on" if certs else "off"}, SASL {"on" if sasl else "off"}'
        yield name, ours(tls, 'required' if certs else 'preferred', sasl, True), ways, bool(certs)


def expected(ways, strict, face):
    if face == 'stranger' and strict:
        return NONE
    return next((way for way in ways if way in FACES[face]), NONE)


class Pairs:
    def __init__(self, stage, lab):
        self.lab, self.report = lab, stage.report
        self.count = 0
        self.seen = {}      # (settings, face) -> methods
        pki = lab.folder('pki')
        self.authority = {'common': Authority(pki, 'common'), 'a': Authority(pki, 'a-alone'), 'b': Authority(pki, 'b-alone')}
        self.certificate = {}
        for side, (domain, _, _) in SIDES.items():
            for kind in ('common', side):
                self.certificate[kind, side] = self.authority[kind].issue(domain, f'conference.{domain}', label=f'{kind}-{domain}')
        dns = Dns(lab.scratch)
        self.cluster = {}
        for side, (domain, ip, cluster_ip) in SIDES.items():
            dns.domain(domain, ip)
            self.cluster[side] = stage.start(Cluster(cluster_ip, COMPONENT_PORT, f'xfedd.{domain}', f'secret of {side}'))
        stage.start(dns)

    def gateway(self, side, settings, face, label):
        domain, ip, cluster_ip = SIDES[side]
        tls, certificate, sasl, dialback = settings
        kind = side if face == 'stranger' else 'common'
        return Gateway(self.lab, domain, None, self.certificate[kind, side], self.authority[kind].file,
                       (f'xfedd.{domain}', f'secret of {side}'), f'{cluster_ip}:{COMPONENT_PORT}', ip=ip, label=label,
                       defaults=f'tls = {tls}  certificate = {certificate}  sasl-in = {sasl}  sasl-out = {sasl}  '
                                f'dialback = {dialback}  bidi = no',
                       extra='process { log-level = debug }')

    def refused(self, name, settings):
        self.count += 1
        status, said = self.gateway('a', settings, 'same', f'pair{self.count}').check()
        self.report.check(f'{name:58} {"":9} refused by xfedd -t', status == 78 and 'nothing can authenticate' in said,
                          f'exit {status}: {said}')

    def method(self, gateway, direction, peer):
        lines = gateway.events('s2s.stream.up', dir=direction, peer=peer)
        ways = {('plain' if e['tls'] == 'none' else 'tls') + '+' + e['auth'].removesuffix('-certificate') for e in lines}
        return '/'.join(sorted(ways)) or NONE

    def send(self, side, ident):
        other = 'b' if side == 'a' else 'a'
        frm, to = SIDES[side][0], SIDES[other][0]
        self.cluster[side].send(f"<message from='u@{frm}' to='v@{to}' id='{ident}'><body>hello</body></message>")

    def arrived(self, side, ident):
        """-> whether the message sent by `side` came to the other cluster; what else may happen is an error to the sender."""
        other = 'b' if side == 'a' else 'a'
        for _ in range(PATIENCE * 10):
            if self.cluster[other].wait(lambda e: e.get('id') == ident and e.get('type') is None, 0.05) is not None:
                return True
            back = self.cluster[side].wait(lambda e: e.get('id') == ident and e.get('type') == 'error', 0.05)
            if back is not None:
                return condition(back)
        return 'nothing'

    def meet(self, settings, face):
        """-> method of a's out, b's in, b's out, a's in; and whether the messages arrived"""
        self.count += 1
        theirs = CLEAR if face == 'clear' else settings
        a = self.gateway('a', settings, face, f'pair{self.count}a')
        b = self.gateway('b', theirs, face, f'pair{self.count}b')
        with ThreadPoolExecutor(2) as pool:
            try:
                list(pool.map(Gateway.start, (a, b)))
                for side in SIDES:
                    self.send(side, f'm{self.count}{side}')
                came = tuple(pool.map(lambda side: self.arrived(side, f'm{self.count}{side}'), SIDES))
            finally:
                status = list(pool.map(Gateway.stop, (a, b)))
        for cluster in self.cluster.values():
            cluster.wait_down()
        ways = tuple(self.method(*which) for which in ((a, 'out', 'b.example'), (b, 'in', 'a.example'), (b, 'out', 'a.example'),
                                                       (a, 'in', 'b.example')))
        return ways, came, status

    def play(self, name, settings, ways, strict, face):
        known = (settings, face) in self.seen
        if not known:
            self.seen[settings, face] = self.meet(settings, face)
        got, came, status = self.seen[settings, face]
        want = expected(ways, strict, face)
        ok = set(got) == {want} and all((c is True) == (want != NONE) for c in came) and status == [0, 0]
        shown = ' '.join(f'{w:14}' for w in got)
        self.report.check(f'{name:58} {face:9} {want:14} {shown}{" (played above)" if known else ""}', ok,
                          f'messages: {came}, exit {status}')

    def run(self):
        self.report.say(f'{"":6}{"configuration":58} {"faces":9} {"expected":14} {"a out":14} {"b in":14} {"b out":14} {"a in":14}')
        for name, settings, ways, strict in rows():
            if ways is INVALID:
                self.refused(name, settings)
                continue
            for face in FACES if settings[0] != N else ('same',):
                self.play(name, settings, ways, strict, face)


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        Pairs(stage, stage.open()).run()
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
