#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Real peers by every method: Prosody, ejabberd and jabberd2 as Debian ships them, each row a server of its own.

One xfedd, whose cluster is scripted so that "exactly once" can be counted; the users at the peers are real clients (at jabberd2 a component
of its router). In each row a message goes each way; then xfedd's line s2s.stream.up of both directions must say by what method, whose word for
the certificate, which TLS and cipher, and whether the stream goes both ways. The lines are printed: they are the evidence.

    external, dialback   the certificates of both sides are of one authority; of two that do not know each other
    dane                 the same two, but secure DNS has TLSA records, and xfedd asks for `certificate = required`
    bidi                 one connection in all, whoever opened it; counted in the kernel's table. Where we opened it, the way in has no line

What the peers cannot do: Prosody 0.12 has DANE for the streams that it opens (use_dane) and not for those that it accepts, and Debian's
prosody-modules have none for that: there it authenticates us by dialback. ejabberd has no DANE, so it authenticates us by dialback both ways;
Debian's 23.01 has no XEP-0288 either, which is checked at its features. jabberd2 has neither, nor EXTERNAL.
"""
import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from lab import net, options
from lab.client import Client, TimedOut, condition
from lab.cluster import Cluster
from lab.component import Component
from lab.dnssec import SecureDns
from lab.gateway import DEFAULTS, Gateway
from lab.jabberd2 import SECRET, Jabberd2
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import until
from lab.servers import COMPONENT_PORT, SERVER_PORT, Ejabberd, Prosody
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL

BIDI = '{urn:xmpp:features:bidi}bidi'
DANE = 'tls = required  certificate = required  dialback = yes'
TLS13 = {'tls': 'TLSv1.3', 'cipher': 'TLS_AES_256_GCM_SHA384'}
CLEAR = {'tls': 'none', 'cipher': None}
ALICE = f'alice@{LOCAL}'
US, THEM = 'xfedd', 'the peer'
PATIENCE_S = 25
ESTABLISHED = '01'     # as /proc/net/tcp has it


class Row:
    """`mode` of the peer's server (lab/servers.py); `ours`: settings of the peer at xfedd, the mode's own unless said. `inbound` and
    `outbound`: what the log must say of each direction; `lines`: how often."""
    def __init__(self, server, method, mode, inbound, outbound, ours=None, tls=TLS13, use_dane=False, bidi=None, lines=(1, 1)):
        self.server, self.method, self.mode, self.ours = server, method, mode, ours or DEFAULTS[mode]
        self.want = {way: (count, {'bidi': None, 'via': None, **want, **tls})
                     for way, want, count in zip(('in', 'out'), (inbound, outbound), lines)}
        self.modules, self.use_dane = ('s2s_bidi',) if bidi else (), use_dane
        self.bidi = bidi                # who opens the one connection: xfedd, or the peer
        self.label = f'{server.kind}-{method}'
        self.domain = f'{self.label}.example'
        self.host = f'xmpp.{self.domain}'       # where its SRV record points to
        self.believed = mode == 'external'
        self.ip = self.user = None


def auth(method, cert):
    return {'auth': method, 'cert': cert}


EXTERNAL = auth('external', 'good')
DIALBACK = auth('dialback', 'untrusted')
UNSEEN = auth('dialback', 'none')

ROWS = (
    Row(Prosody, 'external', 'external', EXTERNAL, EXTERNAL),
    Row(Prosody, 'dialback-tls', 'dialback-tls', DIALBACK, DIALBACK),
    Row(Prosody, 'dialback-clear', 'dialback-clear', UNSEEN, UNSEEN, tls=CLEAR),
    Row(Prosody, 'dane', 'dialback-tls', auth('external', 'dane'), auth('dialback', 'dane'), ours=DANE, use_dane=True),
    Row(Prosody, 'bidi-ours', 'external', {}, {**EXTERNAL, 'bidi': 'yes'}, bidi=US, lines=(0, 1)),
    Row(Prosody, 'bidi-theirs', 'external', {**EXTERNAL, 'bidi': 'yes'}, {**EXTERNAL, 'via': 'bidi'}, bidi=THEM),
    Row(Ejabberd, 'external', 'external', EXTERNAL, EXTERNAL),
    Row(Ejabberd, 'dialback-tls', 'dialback-tls', DIALBACK, DIALBACK),
    Row(Ejabberd, 'dialback-clear', 'dialback-clear', UNSEEN, UNSEEN, tls=CLEAR),
    # also its stream that only asks for our key authenticates itself
    Row(Ejabberd, 'dane', 'dialback-tls', auth('external', 'dane'), auth('dialback', 'dane'), ours=DANE, lines=(2, 1)),
    Row(Jabberd2, 'dialback-tls', 'dialback-tls', DIALBACK, DIALBACK),
    Row(Jabberd2, 'dialback-clear', 'dialback-clear', UNSEEN, UNSEEN, tls=CLEAR),
)


class Interop:
    def __init__(self, stage, lab):
        self.stage, self.lab, self.report = stage, lab, stage.report
        pki = lab.folder('pki')
        self.ours, self.theirs = Authority(pki, 'ours'), Authority(pki, 'theirs')
        own = self.ours.issue(LOCAL, f'conference.{LOCAL}')
        self.dns = SecureDns(lab.scratch)
        self.dns.domain(LOCAL, net.GATEWAY)
        self.dns.tlsa_of(f'xmpp.{LOCAL}', SERVER_PORT, own[0])
        certificates = [self._place(row, f'127.77.0.{20 + n}') for n, row in enumerate(ROWS)]
        stage.start(self.dns)
        self.cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        self.gateway = Gateway(lab, LOCAL, None, own, self.ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                               extra='\n'.join(f'peer "{row.domain}" {{ {row.ours} }}' for row in ROWS))
        self.servers = [self._server(row, pair) for row, pair in zip(ROWS, certificates)]
        self.idents = []

    def _place(self, row, ip):
        """Address, names and certificate of a peer. -> the certificate"""
        row.ip = ip
        self.dns.domain(row.domain, ip)
        pair = self._authority(row).issue(row.domain, f'conference.{row.domain}')
        if row.method == 'dane':
            self.dns.tlsa_of(row.host, SERVER_PORT, pair[0])
        return pair

    def _authority(self, row):
        return self.ours if row.believed else self.theirs

    def _server(self, row, pair):
        return row.server(self.lab, row.label, row.domain, row.ip, row.mode, pair, self._authority(row).file, modules=row.modules,
                          trust_anchor=self.dns.trust_anchor if row.use_dane else None)

    def start(self):
        with ThreadPoolExecutor(len(ROWS)) as pool:
            list(pool.map(self.stage.start, self.servers))
        self.stage.start_xfedd(self.gateway)

    # ---- messages

    async def login(self, row):
        if row.server is Jabberd2:
            row.user = Component('bob', row.domain, row.ip, SECRET)
        else:
            row.user = Client('bob', row.domain, row.ip, self._authority(row).file)
        await row.user.login()

    async def to_peer(self, row):
        ident = f'{row.label}-out'
        self.idents.append(ident)
        self.cluster.send(f"<message from='{ALICE}/x' to='{row.user.bare}' id='{ident}'><body>hello</body></message>")
        try:
            await row.user.wait_message(ident, PATIENCE_S)
            self.report.check(f'{row.label}: a message of ours arrives at the peer', True)
        except TimedOut as e:
            error = self.cluster.wait(lambda x: x.get('id') == ident, 0)
            self.report.check(f'{row.label}: a message of ours arrives at the peer', False, f'{e}, {words(error)}')

    async def from_peer(self, row):
        ident = f'{row.label}-in'
        self.idents.append(ident)
        row.user.send_raw(f"<message to='{ALICE}' id='{ident}'><body>hello</body></message>")
        came = await asyncio.to_thread(self.cluster.wait, lambda x: x.get('id') == ident, PATIENCE_S)
        ok = came is not None and came.get('from', '').startswith(row.user.bare) and came.get('type') != 'error'
        self.report.check(f'{row.label}: a message of the peer arrives at us', ok, words(came))

    async def once(self):
        """Nothing comes a second time, and no error after it."""
        await asyncio.sleep(1)
        for row in ROWS:
            again = [at for at, box in (('here', self.cluster), ('there', row.user))
                     for ident in self.idents if ident.startswith(f'{row.label}-') and taken(box, ident) is not None]
            self.report.check(f'{row.label}: each message came exactly once', not again, f'another one {again}')

    # ---- what the log says

    def ups(self, row, way):
        return self.gateway.events('s2s.stream.up', dir=way, peer=row.domain, local=LOCAL)

    def judge(self, row):
        for way, (count, want) in row.want.items():
            until(lambda way=way, count=count: len(self.ups(row, way)) >= count)
            ups = self.ups(row, way)
            self.report.equal(f'{row.label} {way}: streams that came up', len(ups), count)
            if count:
                self.report.check(f'{row.label} {way}: ' + ' '.join(f'{k}={v}' for k, v in want.items() if v),
                                  all(up.get(k) == v for up in ups for k, v in want.items()))
            for up in ups:
                self.report.say('   ' + up.line)

    def one_connection(self, row):
        ends = connections(self.servers[ROWS.index(row)].runner.pid)
        openers = [US if port == SERVER_PORT else THEM for port in ends]
        self.report.equal(f'{row.label}: one connection carries both ways, {row.bidi} opened it', openers, [row.bidi])

    def no_bidi(self, row):
        """The peer does not offer XEP-0288: we would have taken it."""
        for secure in (False, True):
            stream = Peer('probe.example', net.LOCAL).dial((row.ip, SERVER_PORT), row.domain, secure)
            names = [f.tag for f in stream.features]
            stream.close()
            self.report.check(f'{row.label}: {row.server.kind} does not offer bidi {"inside TLS" if secure else "in clear"}',
                              names and BIDI not in names, str(names))

    def dane_at_peer(self, row):
        """Prosody does not know our authority: only TLSA records can have made our certificate valid."""
        with open(self.servers[ROWS.index(row)].log, errors='replace') as f:
            lines = [line.strip() for line in f if 's2sout' in line and 'certificate chain validation result' in line]
        self.report.check(f'{row.label}: Prosody, too, authenticates us by DANE where it opens the stream',
                          lines and all(line.endswith('result: valid') for line in lines), str(lines))
        self.report.say('   ' + ' '.join(lines[:1]))

    async def play(self, row):
        steps = [self.to_peer, self.from_peer]
        for step in reversed(steps) if row.bidi == THEM else steps:
            await step(row)
        self.judge(row)
        if row.bidi:
            self.one_connection(row)
        elif row.server is Ejabberd and row.mode == 'external':
            self.no_bidi(row)
        if row.use_dane:
            self.dane_at_peer(row)

    async def run(self):
        for row in ROWS:
            await self.login(row)
        for row in ROWS:
            await self.play(row)
        await self.once()
        for row in ROWS:
            await row.user.logout()


def taken(box, ident):
    def want(element):
        return element.get('id') == ident
    return box.take(want) if hasattr(box, 'take') else box.wait(want, 0)


def words(element):
    return 'nothing came' if element is None else f'{element.attrib} {condition(element)}'


def connections(pid):
    """The near ports of a process's connections with another's S2S, in either role."""
    ours = {os.readlink(fd.path) for fd in os.scandir(f'/proc/{pid}/fd') if os.path.islink(fd.path)}
    found = []
    with open('/proc/self/net/tcp') as f:
        for line in list(f)[1:]:
            field = line.split()
            ports = [int(end.split(':')[1], 16) for end in field[1:3]]
            if field[3] == ESTABLISHED and f'socket:[{field[9]}]' in ours and SERVER_PORT in ports:
                found.append(ports[0])
    return found


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        interop = Interop(stage, stage.open())
        interop.start()
        stage.report.say(f'{len(ROWS)} servers are up')
        asyncio.run(interop.run())
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
