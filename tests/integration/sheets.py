#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What xfedd prints for others, taken by them.

--dns-records is served by NSD, signed, and found by xfedd's own discovery through a resolver that validates, TLSA included;
--csr-names becomes a request by openssl, and the certificate from it is one that `xfedd -t` likes for every name;
--firewall nftables is checked by nft -c, then loaded on a router between peers and nodes, where connections in and out pass or do
not, and on a node itself.
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from lab import net, options
from lab.dnssec import SecureDns
from lab.netns import Spaces
from lab.pki import Authority, spki_sha256
from lab.proc import Failed, run
from lab.report import Report, fatal
from lab.world import ROOT

LINK = '''
link "cluster" { nodes = {"127.0.0.1:5347"}  name = "xfedd.a.example"  secret-file = "link.secret" }
dialback { secret-file = "link.secret" }
trust { ca-file = "ca.pem"  cert-dir = "certs" }
'''
PATIENCE, SILENCE = 10, 0.7      # seconds in which what passes has come; for which nothing comes of what does not
LISTEN = 'listen { s2s-direct = {"[::]:5270"} }\n'
DOMAINS = '''
served "a.example" { link = cluster  aliases = {"conference.a.example"} }
served "mail.example" { link = cluster  mail-only = yes }
'''
NAMES = ('a.example', 'conference.a.example', 'mail.example')

# One public address for two nodes, which differ by ports; IPv6 is not translated.
SHARED = '''
node "n1" { host = "xmpp.a.example"   addresses = {"203.0.113.5"}      nat = {"10.0.0.5"} }
node "n2" { host = "xmpp.a.example"   addresses = {"203.0.113.5"}      nat = {"10.0.0.6"}  port = 15269  direct-port = 15270 }
node "n6" { host = "xmpp-v6.a.example" addresses = {"2001:db8:77::5"} }
'''
WAYS_OUT = '''
dns { servers = {"198.51.100.53", "[2001:db8:51::2]:5353"} }
defaults { source-ports = "30000-35999" }
peer "p.example" { route = {"198.51.100.2:6000", "gateway.p.example:6001"}  source-ports = "35900-36010" }
'''
# SIP beside XMPP: found by DNS, and in clear from one address.
SIP = '''
listen { s2s-direct = {"[::]:5270"}  sip = {"[::]:5061"}  sip-tcp = {"[::]:5060"} }
sip { host = "xmpp.a.example"  certificate = {"sip.pem"}  key = {"sip.key"} }
peer "sip.example" { protocol = sip }
peer "clear.example" { protocol = sip  sip-transport = tcp  sip-from = {"198.51.100.2"}  route = {"198.51.100.2:5060"} }
'''
ALONE = 'node "n" { host = "xmpp.a.example"  addresses = {"203.0.113.5"} }\n'


class Sheets:
    """A configuration in a folder, and what xfedd prints of it."""
    def __init__(self, xfedd, folder):
        self.xfedd, self.folder = xfedd, folder
        os.makedirs(f'{folder}/certs', exist_ok=True)
        with open(f'{folder}/link.secret', 'w') as f:
            f.write('the secret of the link\n')
        os.chmod(f'{folder}/link.secret', 0o600)
        self.authority = Authority(folder, 'ca')
        self.conf = f'{folder}/xfed.conf'

    def configure(self, text, listen=LISTEN):
        with open(self.conf, 'w') as f:
            f.write(LINK + listen + DOMAINS + text)

    def print(self, *argv):
        """-> the name of the file that it is in."""
        done = subprocess.run([self.xfedd, '-c', self.conf, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"xfedd {' '.join(argv)}: exit {done.returncode}\n{done.stderr}")
        path = f'{self.folder}/{"".join(argv).strip("-")}'
        with open(path, 'w') as f:
            f.write(done.stdout)
        return path

    def test(self):
        done = subprocess.run([self.xfedd, '-c', self.conf, '-t'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.returncode, done.stdout


# ---- names of certificates

def subject_alt_names(text):
    """Of what `openssl ... -text` prints."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if 'Subject Alternative Name' in line)
    return [name.strip() for name in lines[at + 1].split(',')]


def expected_names(dns, srv, xmpp):
    return ([f'DNS:{n}' for n in dns] + [f'othername: SRVName::_xmpp-server.{n}' for n in srv] +
            [f'othername: XmppAddr::{n}' for n in xmpp])


KEYS = {'ECDSA': ('ec', '-pkeyopt', 'ec_paramgen_curve:P-256'), 'RSA': ('rsa:2048',)}


def check_request(report, sheets):
    sheets.configure(ALONE)
    every, one = sheets.print('--csr-names'), sheets.print('--csr-names', 'mail.example')
    rows = (('all names', every, 'ECDSA', (), expected_names(NAMES, NAMES, ())),
            ('all names', every, 'RSA', (), expected_names(NAMES, NAMES, ())),
            ('DNS names alone', every, 'ECDSA', ('-reqexts', 'dns'), expected_names(NAMES, (), ())),
            ('XMPP addresses too', every, 'ECDSA', ('-reqexts', 'names_xmpp'), expected_names(NAMES, NAMES, NAMES)),
            ('one domain', one, 'ECDSA', (), expected_names(NAMES[2:], NAMES[2:], ())))
    for what, config, key, more, want in rows:
        stem = f'{sheets.folder}/request'
        run('openssl', 'req', '-new', '-newkey', *KEYS[key], '-nodes', '-config', config, *more, '-keyout', f'{stem}.key', '-out', f'{stem}.csr')
        text = run('openssl', 'req', '-in', f'{stem}.csr', '-noout', '-verify', '-text')
        report.equal(f'openssl req: {what}, {key}', subject_alt_names(text), want)
        if (what, key) == ('all names', 'ECDSA'):
            report.equal('  for servers alone', usages(text), 'TLS Web Server Authentication')
            check_certificate(report, sheets, stem)


    sheets.configure(ALONE + 'publish { private-ca = yes }\n')
    run('openssl', 'req', '-new', '-newkey', *KEYS['ECDSA'], '-nodes', '-config', sheets.print('--csr-names'), '-keyout', f'{stem}.key', '-out',
        f'{stem}.csr')
    report.equal('openssl req: an authority of our own, for servers and clients', usages(run('openssl', 'req', '-in', f'{stem}.csr', '-noout', '-text')),
                 'TLS Web Server Authentication, TLS Web Client Authentication')
    sheets.configure(ALONE, SIP)
    run('openssl', 'req', '-new', '-newkey', *KEYS['ECDSA'], '-nodes', '-config', sheets.print('--csr-names', 'xmpp.a.example'), '-keyout',
        f'{stem}.key', '-out', f'{stem}.csr')
    report.equal('openssl req: the host for SIP', subject_alt_names(run('openssl', 'req', '-in', f'{stem}.csr', '-noout', '-verify', '-text')),
                 expected_names(('xmpp.a.example', 'a.example', 'mail.example'), (), ()))
    sheets.configure(ALONE)


def usages(text):
    return re.search(r'Extended Key Usage:\s*\n\s*(.*)', text).group(1)


def check_certificate(report, sheets, stem):
    """An authority signs the request as it is; xfedd has nothing to say about it."""
    for domain in ('a.example', 'mail.example'):
        folder = f'{sheets.folder}/certs/{domain}'
        os.makedirs(folder)
        run('openssl', 'x509', '-req', '-in', f'{stem}.csr', '-CA', f'{sheets.folder}/ca.pem', '-CAkey', f'{sheets.folder}/ca.key',
            '-CAcreateserial', '-days', '90', '-copy_extensions', 'copyall', '-out', f'{folder}/fullchain.pem')
        shutil.copy(f'{stem}.key', f'{folder}/privkey.pem')
    report.equal('xfedd -t likes the certificate for every name', sheets.test(), (0, f'{sheets.conf}: ok\n'))


# ---- records

def zone_file(sheets, zone, sheet):
    path = f'{sheets.folder}/{zone}.zone'
    with open(path, 'w') as f:
        f.write(f'$ORIGIN {zone}.\n$TTL 60\n@ SOA ns root 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n$INCLUDE {sheet}\n')
    return path


def found(discover, dns, domains):
    """-> domain: sorted candidates"""
    done = subprocess.run([discover, dns.address, '-', *domains], stdout=subprocess.PIPE, text=True, timeout=60)
    said, domain = {}, None
    for line in done.stdout.splitlines():
        if line[0] != ' ':
            domain = line.split()[0]
            said[domain] = []
        else:
            said[domain].append(line.strip())
    return {domain: sorted(lines) for domain, lines in said.items()}


def check_records(report, sheets, discover):
    sheets.configure(SHARED)
    sheet = sheets.print('--dns-records')
    for zone in ('a.example', 'mail.example'):
        run('nsd-checkzone', zone, zone_file(sheets, zone, sheets.print('--dns-records', zone)))
        report.check(f'NSD takes the sheet of zone {zone} by $INCLUDE', True)
    net.enter_new()
    dns = SecureDns(sheets.folder)
    with open(sheet) as f:
        dns.zones['example'] += f.read().splitlines()       # the sheet as it is
    seen = '/'.join(('3', '1', '1', '32', spki_sha256(f'{sheets.folder}/certs/a.example/fullchain.pem')[:16]))
    v4, v6 = '203.0.113.5', '[2001:db8:77::5]'
    want = sorted(f'{way} {address}:{port} {host}.a.example secure {seen}' for way, address, port, host in (
        ('starttls', v4, 5269, 'xmpp'), ('starttls', v4, 15269, 'xmpp'), ('starttls', v6, 5269, 'xmpp-v6'),
        ('direct', v4, 5270, 'xmpp'), ('direct', v4, 15270, 'xmpp'), ('direct', v6, 5270, 'xmpp-v6')))
    try:
        dns.start()
        got = found(discover, dns, NAMES)
        for name in NAMES:
            report.equal(f'discovery of {name}: each node, both services, secure, with its key', got.get(name), want)
    finally:
        dns.stop()


# ---- rules

def listener(spaces, where, address, port):
    with spaces.inside(where):
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        s = socket.create_server((address, port), family=family, backlog=16)
    s.settimeout(PATIENCE)
    return s


def connect(spaces, where, source, target, passes):
    """-> the connection, or None when nothing answers or somebody refuses. What passes has time for a packet that is sent again."""
    with spaces.inside(where):
        try:
            return socket.create_connection(target, PATIENCE if passes else SILENCE, source_address=source)
        except OSError:
            return None


class Router:
    """peer (198.51.100.2) -- eth0 router eth1 -- nodes (10.0.0.5 .6 .99); 203.0.113.5 leads to the router."""
    NODES = ('10.0.0.5', '10.0.0.6', '10.0.0.99', '2001:db8:77::5')
    PEER = ('198.51.100.2', '2001:db8:51::2')

    def __init__(self, spaces):
        self.spaces = spaces
        spaces.join('peer', 'eth0', ['198.51.100.2/24', '198.51.100.53/24', '2001:db8:51::2/64'],
                    'router', 'eth0', ['198.51.100.1/24', '2001:db8:51::1/64'])
        spaces.join('nodes', 'eth0', ['10.0.0.5/24', '10.0.0.6/24', '10.0.0.99/24', '2001:db8:77::5/64'],
                    'router', 'eth1', ['10.0.0.1/24', '2001:db8:77::1/64'])
        for key in ('ipv4/ip_forward', 'ipv6/conf/all/forwarding'):
            spaces.set('router', key, 1)
        for to in ('203.0.113.0/24', '10.0.0.0/24'):
            spaces.route('peer', to, '198.51.100.1')
        spaces.route('peer', '2001:db8:77::/64', '2001:db8:51::1')
        spaces.route('nodes', 'default', '10.0.0.1')
        spaces.route('nodes', 'default', '2001:db8:77::1')
        self.listeners = {}

    def listen(self, where, address, port):
        key = (where, address, port)
        if key not in self.listeners:
            self.listeners[key] = listener(self.spaces, where, address, port)
        return self.listeners[key]

    def try_one(self, client, source, target, where, reached, passes=True):
        """-> "address:port of the server, address of the client as it sees it", or "nothing"."""
        server = self.listen(where, *reached)
        made = connect(self.spaces, client, source, target, passes)
        if not made:
            return 'nothing'
        came, peer = server.accept()
        made.close()
        came.close()
        return f'{reached[0]} {reached[1]} from {peer[0]}'

    def close(self):
        for server in self.listeners.values():
            server.close()


# Into the nodes: what the peer dials, the node that it is meant for, whether it comes through, from where.
INWARD = (
    ('STARTTLS of node 1', ('203.0.113.5', 5269), ('10.0.0.5', 5269), True),
    ('STARTTLS of node 2, by its own port', ('203.0.113.5', 15269), ('10.0.0.6', 5269), True),
    ('direct TLS of node 1', ('203.0.113.5', 5270), ('10.0.0.5', 5270), True),
    ('direct TLS of node 2', ('203.0.113.5', 15270), ('10.0.0.6', 5270), True),
    ('SIP of node 1, which has the host for it', ('203.0.113.5', 5061), ('10.0.0.5', 5061), True),
    ('SIP in clear, from the address of its peer', ('203.0.113.5', 5060), ('10.0.0.5', 5060), True),
    ('SIP over IPv6', ('2001:db8:77::5', 5061), ('2001:db8:77::5', 5061), True),
    ('SIP in clear, from elsewhere', ('2001:db8:77::5', 5060), ('2001:db8:77::5', 5060), False),
    ('STARTTLS over IPv6', ('2001:db8:77::5', 5269), ('2001:db8:77::5', 5269), True),
    ('direct TLS over IPv6', ('2001:db8:77::5', 5270), ('2001:db8:77::5', 5270), True),
    ('the link port of node 1', ('10.0.0.5', 5347), ('10.0.0.5', 5347), False),
    ('SSH of node 1', ('10.0.0.5', 22), ('10.0.0.5', 22), False),
    ('another port over IPv6', ('2001:db8:77::5', 443), ('2001:db8:77::5', 443), False),
    ('a machine that is no node', ('10.0.0.99', 80), ('10.0.0.99', 80), True),
)
# Out of the nodes: source address and port, where to, whether it comes through, the source that is seen.
OUTWARD = (
    ('a peer', ('10.0.0.5', 30001), ('198.51.100.2', 5269), '203.0.113.5'),
    ('a peer, from node 2', ('10.0.0.6', 30002), ('198.51.100.2', 5269), '203.0.113.5'),
    ('direct TLS', ('10.0.0.5', 30003), ('198.51.100.2', 5270), '203.0.113.5'),
    ('a peer, by the ports of its section', ('10.0.0.5', 36001), ('198.51.100.2', 5269), '203.0.113.5'),
    ('a SIP peer', ('10.0.0.5', 30011), ('198.51.100.2', 5061), '203.0.113.5'),
    ('a SIP peer in clear', ('10.0.0.5', 30012), ('198.51.100.2', 5060), '203.0.113.5'),
    ('SIP in clear with others', ('10.0.0.5', 30013), ('198.51.100.53', 5060), None),
    ('a static route', ('10.0.0.5', 30004), ('198.51.100.2', 6000), '203.0.113.5'),
    ('a static route to a name', ('10.0.0.5', 30005), ('198.51.100.2', 6001), '203.0.113.5'),
    ('a peer over IPv6', ('2001:db8:77::5', 30006), ('2001:db8:51::2', 5269), '2001:db8:77::5'),
    ('the resolver', ('10.0.0.5', 0), ('198.51.100.53', 53), '203.0.113.5'),
    ('the resolver over IPv6', ('2001:db8:77::5', 0), ('2001:db8:51::2', 5353), '2001:db8:77::5'),
    ('a peer, from another source port', ('10.0.0.5', 40000), ('198.51.100.2', 5269), None),
    ('the port of a static route elsewhere', ('10.0.0.5', 30007), ('198.51.100.53', 6000), None),
    ('a web server', ('10.0.0.5', 30008), ('198.51.100.2', 443), None),
    ('another resolver', ('10.0.0.5', 0), ('198.51.100.2', 53), None),
    ('a web server over IPv6', ('2001:db8:77::5', 30009), ('2001:db8:51::2', 443), None),
    ('a web server, from a machine that is no node', ('10.0.0.99', 30010), ('198.51.100.2', 443), '10.0.0.99'),
)


def check_datagrams(report, spaces):
    """DNS goes by UDP: a question and its answer."""
    for what, to, want in (('the resolver', ('198.51.100.53', 53), True), ('another resolver', ('198.51.100.2', 53), False)):
        with spaces.inside('peer'):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(to)
        with spaces.inside('nodes'):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            for s in (server, client):
                s.settimeout(PATIENCE if want else SILENCE)
            client.sendto(b'question', to)
            server.sendto(b'answer', server.recvfrom(64)[1])
            came = client.recv(64) == b'answer'
        except OSError:
            came = False
        finally:
            server.close()
            client.close()
        report.equal(f'out, UDP: {what}', came, want)


def check_router(report, spaces, rules):
    router = Router(spaces)
    report.equal('without the rules a port of a node can be reached', router.try_one(
        'peer', None, ('10.0.0.5', 5347), 'nodes', ('10.0.0.5', 5347)), '10.0.0.5 5347 from 198.51.100.2')
    report.equal('without the rules a node reaches any port', router.try_one(
        'nodes', ('10.0.0.5', 0), ('198.51.100.2', 443), 'peer', ('198.51.100.2', 443)), '198.51.100.2 443 from 10.0.0.5')
    for time in ('once', 'twice'):
        spaces.run('router', 'nft', '-c', '-f', rules)
        spaces.run('router', 'nft', '-f', rules)
        report.check(f'nft checks and loads the rules {time}', True)
    for what, dialled, reached, passes in INWARD:
        got = router.try_one('peer', None, dialled, 'nodes', reached, passes)
        source = Router.PEER[':' in dialled[0]]
        report.equal(f'in: {what}', got, f'{reached[0]} {reached[1]} from {source}' if passes else 'nothing')
    for what, source, target, seen in OUTWARD:
        got = router.try_one('nodes', source, target, 'peer', target, bool(seen))
        report.equal(f'out: {what}', got, f'{target[0]} {target[1]} from {seen}' if seen else 'nothing')
    check_datagrams(report, spaces)
    router.close()


def check_node(report, spaces, rules):
    """The rules on a node that has its public address itself."""
    spaces.join('peer', 'eth0', ['203.0.113.2/24'], 'node', 'eth0', ['203.0.113.5/24'])
    spaces.run('node', 'nft', '-c', '-f', rules)
    spaces.run('node', 'nft', '-f', rules)
    for what, port, passes in (('STARTTLS', 5269, True), ('direct TLS', 5270, True), ('SSH', 22, True), ('the link port', 5347, False)):
        server = listener(spaces, 'node', '203.0.113.5', port)
        made = connect(spaces, 'peer', None, ('203.0.113.5', port), passes)
        report.equal(f'on a node itself, in: {what}', made is not None, passes)
        server.close()
        if made:
            made.close()
    server = listener(spaces, 'peer', '203.0.113.2', 443)
    report.check('on a node itself, out: not looked at', connect(spaces, 'node', None, ('203.0.113.2', 443), True) is not None)
    server.close()


def check_rules(report, sheets):
    sheets.configure(SHARED + WAYS_OUT, SIP)
    with Spaces('peer', 'router', 'nodes') as spaces:
        check_router(report, spaces, sheets.print('--firewall', 'nftables'))
    sheets.configure(ALONE)
    with Spaces('peer', 'node') as spaces:
        check_node(report, spaces, sheets.print('--firewall', 'nftables'))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--xfedd', default=os.environ.get('XFEDD', f'{ROOT}/b/src/daemon/xfedd'), help='the binary under test')
    p.add_argument('--discover', default=f'{ROOT}/b/tests/interop/discover', help='the program of tests/interop/discover.c')
    args = p.parse_args()
    options.need_xfedd(args)
    report, folder = Report(), tempfile.mkdtemp(prefix='xfedd-sheets-')
    try:
        sheets = Sheets(args.xfedd, folder)
        check_request(report, sheets)
        check_rules(report, sheets)
        check_records(report, sheets, args.discover)    # last: it moves this process into a namespace
    except (Failed, OSError, subprocess.SubprocessError) as e:
        fatal(report, e)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
