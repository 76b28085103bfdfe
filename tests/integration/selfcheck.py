#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Set-ups that are broken on our own side: `xfedctl check --self` and `check --inbound` name the cause, the place and what to do.

A real Prosody is the local server. It has its module, and then has not; DNS, certificates, the directory, the disk, the clock and a second
node are wrong in one way each. What is not broken must be found fine.
"""
import ctypes
import os
import socket
import sys
import time

from lab import net, options
from lab.ca import Authority as Dated
from lab.ca import dns as dns_name
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.postgres import PASSWORD, USER, Postgres, programs
from lab.proc import run
from lab.servers import COMPONENT_PORT, Prosody
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL

ELSEWHERE, NOBODY = '127.77.0.8', '127.77.0.9'      # another server; an address that nobody has
ALIASES = ('right', 'missing', 'noservice', 'moved', 'lost')
NODE = '''
node "one" {{ host = "xmpp.{domain}"  addresses = {{"{ip}"}} }}
served "mail.example" {{ link = cluster  mail-only = yes  certificate = "{certificate}"  key = "{key}" }}
mail {{ file = "mail.map" }}
directory {{
    uri = "ldap://127.0.0.1:3890"  base = "dc=a"  jid-domain = "{domain}"  timeout = 1s
}}
{extra}
'''

def row(part, where, level, words=(), help=None):
    return part, where, level, words, help


BROKEN = (
    row('dns', LOCAL, 'ok', (f'{net.GATEWAY}:5269', 'not validated by DNSSEC')),
    row('dns', f'right.{LOCAL}', 'ok'),
    row('dns', f'missing.{LOCAL}', 'wrong', (f'_xmpp-server._tcp.missing.{LOCAL}. SRV 0 10 5269 xmpp.{LOCAL}.',), help='our-srv-missing'),
    row('dns', f'noservice.{LOCAL}', 'wrong', ('nobody federates',), help='our-srv-no-service'),
    row('dns', f'moved.{LOCAL}', 'wrong', (f'xmpp.moved.{LOCAL}:5269', ELSEWHERE), help='our-srv-differs'),
    row('dns', f'lost.{LOCAL}', 'wrong', ('without an address',), help='our-srv-differs'),
    row('certificate', LOCAL, 'ok', ('days left',)),
    row('certificate', f'missing.{LOCAL}', 'ok'),
    row('certificate', 'mail.example', 'wrong', ('does not name it',), help='our-cert-name'),
    row('link', f'{net.LOCAL}:{COMPONENT_PORT}', 'ok', ('is up',)),
    row('module', LOCAL, 'ok', ('hands foreign domains to us',)),
    row('clock', LOCAL, 'ok', ('agrees',)),
    row('directory', 'this host', 'wrong', ('the directory does not answer', 'ldap://127.0.0.1:3890', 'directory.down'), help='directory-lost'),
)


class Bare(Prosody):
    """Without the module, while `is_bare`."""
    is_bare = False

    def command(self):
        argv, env = super().command()
        if self.is_bare:
            with open(argv[-1]) as f:
                text = f.read()
            with open(argv[-1], 'w') as f:
                f.write(text.replace('"route_gateway"', '"version"'))
        return argv, env

    def start(self):
        self.runner = None      # it may have another command
        return super().start()


def judge(report, what, rows, part, where, level, words=(), help=None):
    found = [r for r in rows if r['part'] == part and r['where'] == where]
    text = ' '.join(r['text'] for r in found)
    report.check(f'{what}: {part} {where}: {level} {help or ""}: {text}',
                 any((r['level'], r.get('help')) == (level, help) for r in found) and all(w in text for w in words)
                 and (help is None or all(r.get('advice') for r in found if r['level'] != 'ok')), f'{found or rows}')


def gateway_of(lab, certificate, ca_file, label=None, extra='', node=f'{net.LOCAL}:{COMPONENT_PORT}', **opts):
    return Gateway(lab, LOCAL, 'external', certificate, ca_file, COMPONENT, node, label=label, extra=extra, trust='expiry-warning = 0',
                   aliases=', '.join(f'"{a}.{LOCAL}"' for a in ALIASES), **opts)


def is_synchronised():
    """As adjtimex(2) tells: STA_UNSYNC in `status` of struct timex."""
    timex = ctypes.create_string_buffer(512)
    return ctypes.CDLL(None).adjtimex(timex) >= 0 and not int.from_bytes(timex[40:44], sys.byteorder) & 0x40


def ctl_of(args, gateway):
    return Ctl(args.xfedctl or beside(args.xfedd), f'{gateway.folder}/control.sock')


# ---------------------------------------------------------------- DNS, certificates, directory, module

def records(lab):
    dns = Dns(lab.scratch)
    dns.domain(LOCAL, net.GATEWAY)
    target = f'xmpp.{LOCAL}'
    dns.lines += [f'srv-host=_xmpp-server._tcp.{name},{target},5269,0,5' for name in (f'right.{LOCAL}', 'mail.example')]
    dns.lines += [f'srv-host=_xmpps-server._tcp.{name},{target},5270,0,5' for name in (LOCAL, f'right.{LOCAL}', 'mail.example')]
    dns.no_service(f'noservice.{LOCAL}')
    dns.domain(f'moved.{LOCAL}', ELSEWHERE)
    dns.host('silent.example', ELSEWHERE)
    dns.lines.append(f'srv-host=_xmpp-server._tcp.lost.{LOCAL},nowhere.{LOCAL},5269,0,5')
    return dns


def broken(report, ctl, gateway):
    report.check('the directory is missed', gateway.wait_event('identity.directory.lost', 30))
    status, out, err = ctl.run('check', '--self')
    report.equal('something is wrong: the exit status', status, 1)
    report.check('   in words: what, where, advice and code', 'WRONG    dns' in out and 'help: our-srv-missing' in out
                 and 'advice: ' in out and ' wrong\n' in out, out + err)
    rows, result = ctl.ask('check', '--self')
    for expected in BROKEN:
        judge(report, 'broken', rows, *expected)
    judge(report, 'its key was taken away', rows, 'certificate', gateway.certificate, 'warning', ('.key cannot be read any more',), help='our-cert-file')
    judge(report, 'the kernel is asked for NTP', rows, 'clock', 'this host', *(
        ('ok',) if is_synchronised() else row('', '', 'warning', ('nothing keeps',), help='clock-unsynchronised')[2:]))
    wrong = sum(r['level'] == 'wrong' for r in rows)
    report.equal('   as many as are counted', (result['wrong'], len(rows)), (wrong, sum(result.values())))


def without_module(report, ctl, server, gateway):
    server.stop()
    server.is_bare = True
    seen = len(gateway.events('link.stream.up'))
    server.start()
    gateway.wait_until(lambda: len(gateway.events('link.stream.up')) > seen, 40)
    judge(report, 'no module', ctl.ask('check', '--self')[0], 'module', LOCAL, 'wrong',
          ('module missing', 'mod_route_gateway', COMPONENT[0]), help='module-missing')
    server.stop()
    server.is_bare = False
    server.start()


# ---------------------------------------------------------------- what peers find

def inbound(report, ctl):
    status, out, _ = ctl.run('check', '--inbound')
    report.check('inbound: our domain can be reached, with what is offered',
                 status == 0 and 'can be reached as peers would' in out and 's2s.features.offered' in out, f'{status} {out}')
    _, result = ctl.ask('check', '--inbound', 'mail.example')
    report.equal('inbound: a certificate for another name', (result['reachable'], result['help']), (False, 'cert-wrong-name'))
    wanted = dict(reachable=False, inbound=True, help='our-address-shut')
    _, result = ctl.ask('check', '--inbound', f'moved.{LOCAL}')
    report.check('inbound: nobody is there', wanted.items() <= result.items(), str(result))
    status, out, _ = ctl.run('check', '--inbound', f'moved.{LOCAL}')
    report.check('inbound: an address where nobody is: our listener, hairpin NAT', status == 1
                 and all(w in out for w in ('hairpin NAT', 'help          our-address-shut', f'{ELSEWHERE}:5269', 'refused')), f'{status} {out}')
    status, _, err = ctl.run('check', '--inbound', 'b.example')
    report.check('inbound: no domain of others', status == 1 and 'not a domain of xfedd' in err, f'{status} {err}')


# ---------------------------------------------------------------- the clock

def clock(stage, lab, certificate, ca_file, days):
    """xfedd alone lives in another day; the peer's certificate begins or ends near ours."""
    report, dated = stage.report, Dated(lab.folder('pki'), f'dates{days}')
    lab.wrapper = f'faketime -f {days:+d}d'
    gateway = gateway_of(lab, certificate, dated.pem, label=f'clock{days}', extra='process { }')
    name, ip = f'dated{days}.example'.replace('-', 'm'), f'127.77.3.{10 + days}'
    DNS[0].host(name, ip)
    peer = Peer(name, ip, dated.issue('peer', dns_name(name), start=-0.1, end=0.1), ca_file)
    peer.start()
    stage.at_end(peer.stop)
    DNS[0].stop()
    DNS[0].start()
    gateway.start()
    ctl = ctl_of(stage.args, gateway)
    rows, _ = ctl.ask('check', '--self')
    word = 'ahead of' if days > 0 else 'behind'
    judge(report, f'clock {days:+d} d', rows, 'clock', LOCAL, 'wrong', (word, "the local server's"), help='clock-skewed')
    judge(report, 'we do not trust our own authority', rows, 'certificate', certificate[0], 'wrong', ('xfedd test authority ours',), help='our-cert-chain')
    if days < 0:
        judge(report, f'clock {days:+d} d', rows, 'certificate', certificate[0], 'wrong', ('by the clock of this host',), help='our-cert-dates')
    _, result = ctl.ask('check', name)
    code = 'cert-expired' if days > 0 else 'cert-not-yet-valid'
    report.check(f'clock {days:+d} d: a peer is refused, and the clock is suspected: {result.get("detail")}',
                 result.get('help') == code and 'is our clock right?' in result['detail'], str(result))
    gateway.stop()
    lab.wrapper = ''


# ---------------------------------------------------------------- the disk

def fill(folder):
    """To the last block; xfedd may take some while we look."""
    size, end = 0, time.monotonic() + 30
    with open(f'{folder}/filler', 'wb') as f:
        while left := os.statvfs(folder).f_bfree * os.statvfs(folder).f_bsize:
            try:
                os.posix_fallocate(f.fileno(), size, left)
                size += left
            except OSError:
                if time.monotonic() > end:
                    raise


def disk(stage, lab, certificate, pki):
    report, folder = stage.report, lab.folder('disk')
    run('mount', '-t', 'tmpfs', '-o', 'size=16m,mode=777', 'none', folder)
    cluster = stage.start(Cluster(NOBODY, COMPONENT_PORT, *COMPONENT))
    gateway = gateway_of(lab, certificate, pki.file, label='full', node=f'{NOBODY}:{COMPONENT_PORT}', extra='\n'.join(
        f'{section} {{ file = "{folder}/{section}" }}' for section in ('memory', 'journal', 'audit')) + '\nprocess { drain-time = 1s }')
    stage.start_xfedd(gateway)
    ctl = ctl_of(stage.args, gateway)
    fill(folder)
    peer = Peer('b.example', net.PEER, pki.issue('b.example'), pki.file)
    stream = peer.dial((net.GATEWAY, 5269), LOCAL)
    peer.external(stream, LOCAL)
    silent = socket.create_server((ELSEWHERE, 5269))
    for _ in range(60):
        cluster.send(f"<message from='u@{LOCAL}' to='v@silent.example'><body>{'x' * 20000}</body></message>")
    for _ in range(30):     # more than a page has room for
        ctl.run('close', 'nobody.example')
    for event in ('memory.write.failed', 'journal.write.failed', 'audit.write.failed'):
        report.check(f'the disk is full: {event}', gateway.wait_event(event, 30, help='file-unwritable'))
    cluster.stop()      # or it would be asked, and waited for
    gateway.wait_event('link.stream.failed', 30)
    rows = ctl.ask('check', '--self')[0]
    for section in ('memory', 'journal', 'audit'):
        judge(report, 'full disk', rows, 'file', f'{folder}/{section}', 'wrong', ('cannot be written',), help='file-unwritable')
    os.remove(f'{folder}/filler')
    silent.close()
    stream.close()
    report.check('there is room again: the journal is written', gateway.wait_event('journal.write.recovered', 30))
    report.check('   and check --self does not blame it any more',
                 f'{folder}/journal' not in [r['where'] for r in ctl.ask('check', '--self')[0]], str(rows))


# ---------------------------------------------------------------- two nodes

def nodes(stage, lab, certificate, pki):
    report, ip = stage.report, '127.77.0.5'
    database = stage.start(Postgres(lab, ip, pki.issue('db.example')))
    gateways = []
    for name, address in (('one', '127.77.0.6'), ('two', '127.77.0.7')):
        gateway = gateway_of(lab, certificate, pki.file, label=name, ip=address, node=f'{NOBODY}:1')
        gateway._write('database.secret', PASSWORD)
        gateway._write('dialback.secret', f'the dialback secret of node {name}, which is not that of the other')
        gateway.configure(f'memory {{ uri = "postgresql://{USER}@db.example/postgres?hostaddr={ip}&sslmode=verify-full&sslrootcert={pki.file}"\n'
                          f'password-file = "database.secret"  node = {name}  heartbeat = 1s }}')
        stage.at_end(gateway.stop)
        gateway.start(linked=False)
        gateways.append(gateway)
    one, two = gateways
    for gateway, other in ((one, 'two'), (two, 'one')):
        report.check(f'the other node has another dialback secret: node {other} is named',
                     gateway.wait_event('node.secret.differs', 30, node=other, help='node-secret-differs'))
    judge(report, 'two nodes', ctl_of(stage.args, one).ask('check', '--self')[0], 'node', 'two', 'wrong',
          ('dialback secret is not ours',), help='node-secret-differs')
    log = open(one.log).read() + open(two.log).read()
    report.check('no log has a secret', 'the dialback secret of node' not in log)
    two.stop()
    two._write('dialback.secret', 'the dialback secret of node one, which is not that of the other')
    two.start(linked=False)
    report.check('with the same secret it agrees', one.wait_event('node.secret.agrees', 30, node='two'))
    judge(report, 'two nodes', ctl_of(stage.args, one).ask('check', '--self')[0], 'node', 'two', 'ok', ('are the same',))
    database.ask("INSERT INTO xfedd.nodes SELECT 'three', '9.9', digest, links, 'x', false, heartbeat_ms, peers, now(), now() + interval '1 hour', secret "
                 "FROM xfedd.nodes WHERE name = 'one' RETURNING 1")
    one.wait_event('node.seen', 30, node='three')
    judge(report, 'another version', ctl_of(stage.args, one).ask('check', '--self')[0], 'node', 'three', 'warning', ('xfedd 9.9',), help='node-version')


DNS = []


def main():
    p = options.parser(__doc__)
    p.add_argument('--xfedctl', help='the program; by default beside xfedd')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        pki = Authority(lab.folder('pki'), 'ours')
        certificate = pki.issue(LOCAL, *(f'{a}.{LOCAL}' for a in ALIASES), f'conference.{LOCAL}')
        DNS.append(stage.start(records(lab)))
        server = stage.start(Bare(lab, 'local', LOCAL, net.LOCAL, 'external', certificate, pki.file, COMPONENT, modules=('time',)))
        gateway = gateway_of(lab, certificate, pki.file)
        gateway._write('mail.map', '')
        gateway.configure(NODE.format(domain=LOCAL, ip=net.GATEWAY, certificate=certificate[0], key=f'{gateway.folder}/{LOCAL}.key', extra=''))
        gateway.start()
        stage.at_end(gateway.stop)
        gateway.certificate = certificate[0]
        os.chmod(f'{gateway.folder}/{LOCAL}.key', 0)
        ctl = ctl_of(args, gateway)
        began = time.monotonic()
        broken(report, ctl, gateway)
        inbound(report, ctl)
        without_module(report, ctl, server, gateway)
        report.equal('xfedd ends with status 0', gateway.stop(), 0)
        for days in (+1, -1):
            clock(stage, lab, certificate, pki.file, days)
        disk(stage, lab, certificate, pki)
        if programs():
            nodes(stage, lab, certificate, pki)
        report.say(f'{time.monotonic() - began:.0f} s')
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
