# SPDX-License-Identifier: MIT
"""A signed zone and a resolver that validates: NSD with zones signed by ldns, behind it Unbound with the key as trust anchor.

    dns = SecureDns(folder)                             # the address of lab/net.py, in a namespace; or ip=, port=
    dns.domain('b.example', '127.77.0.4')               # SRV and address, signed
    dns.tlsa('xmpp.b.example', 5269, 3, 1, 1, '0123..') # or dns.tlsa_of('xmpp.b.example', 5269, 'cert.pem')
    dns.plain('c.example')                              # a zone without signatures: what is below it is not secure
    dns.spoil('_5269._tcp.xmpp.b.example', 'TLSA')      # its signature is wrong: SERVFAIL from the resolver
    dns.start()                                         # ... dns.address, dns.trust_anchor ... dns.stop()

Takes the place of lab/dns.py: the same methods, and names under .example that it does not know are NXDOMAIN. The resolver asks
nobody else. Zones are under .example and not .test, which Unbound refuses by itself.
"""
import glob
import os
import shutil

from . import net
from .pki import spki_sha256
from .proc import Failed, Proc, run, wait_port

TTL = 5
APEX = 'example'


class SecureDns:
    def __init__(self, folder, ip=net.DNS, port=53, back_port=5300):
        self.folder, self.ip, self.port, self.back_port = f'{folder}/dnssec', ip, port, back_port
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(f'{folder}/log', exist_ok=True)
        self.log = f'{folder}/log'
        self.zones = {APEX: []}
        self.spoiled = []
        self.procs = []
        self.trust_anchor = None        # the DNSKEY record, from start() on

    @property
    def address(self):
        return f'{self.ip}:{self.port}'

    # ---- records ----

    def plain(self, domain):
        """From here on the names of `domain` are in an unsigned zone of its own. Before its records."""
        self.zones[domain] = []
        self.zones[APEX].append(f'{domain}. NS ns.{APEX}.')

    def record(self, name, rest):
        """`rest`: type and data, names with a dot at their end."""
        name = name.lower().rstrip('.')
        zone = max((z for z in self.zones if name == z or name.endswith('.' + z)), key=len)
        self.zones[zone].append(f'{name}. {rest}')

    def host(self, name, ip):
        self.record(name, f'{"AAAA" if ":" in ip else "A"} {ip}')

    def srv(self, name, port, target, priority=0, weight=5):
        self.record(name, f'SRV {priority} {weight} {port} {target}.')

    def domain(self, domain, ip, port=5269, direct_port=None):
        """SRV for servers (and for direct TLS), and the address that it points to."""
        target = f'xmpp.{domain}'
        self.host(target, ip)
        self.srv(f'_xmpp-server._tcp.{domain}', port, target)
        if direct_port:
            self.srv(f'_xmpps-server._tcp.{domain}', direct_port, target)

    def no_service(self, domain):
        self.record(f'_xmpp-server._tcp.{domain}', 'SRV 0 0 0 .')

    def alias(self, name, target):
        self.record(name, f'CNAME {target}.')

    def tlsa(self, host, port, usage, selector, matching, data):
        self.record(f'_{port}._tcp.{host}', f'TLSA {usage} {selector} {matching} {data}')

    def tlsa_of(self, host, port, cert, usage=3):
        """SHA-256 of the key of a PEM certificate: 3 1 1 of the server, 2 1 1 of its authority."""
        self.tlsa(host, port, usage, 1, 1, spki_sha256(cert))

    def spoil(self, name, kind):
        self.spoiled.append((name.lower().rstrip('.') + '.', kind))

    # ---- life ----

    def start(self):
        self._write_zones()
        self._sign()
        for name, argv, port in (('nsd', ['nsd', '-d', '-c', self._nsd_conf()], self.back_port),
                                 ('unbound', ['unbound', '-d', '-c', self._unbound_conf()], self.port)):
            proc = Proc(name, argv, f'{self.log}/{name}.log').start()
            self.procs.append(proc)
            wait_port(self.ip, port, proc)
        return self

    def stop(self):
        for proc in reversed(self.procs):
            proc.stop()
        self.procs = []

    def restart(self):
        """Take over what was added or spoiled since."""
        self.stop()
        return self.start()

    # ---- files ----

    def _path(self, name):
        return f'{self.folder}/{name}'

    def _write_zones(self):
        for zone, records in self.zones.items():
            with open(self._path(f'{zone}.zone'), 'w') as f:
                f.write(f'$TTL {TTL}\n{zone}. SOA ns.{APEX}. root.{APEX}. 1 3600 600 86400 {TTL}\n{zone}. NS ns.{APEX}.\n')
                f.write('\n'.join(records + ([f'ns.{APEX}. A {self.ip}'] if zone == APEX else [])) + '\n')

    def _key(self):
        """The path without its ending."""
        if not glob.glob(self._path('K*.key')):
            run('ldns-keygen', '-r', '/dev/urandom', '-a', 'ECDSAP256SHA256', '-k', APEX, cwd=self.folder)
        return glob.glob(self._path('K*.key'))[0][:-4]

    def _sign(self):
        key = self._key()
        with open(f'{key}.key') as f:
            self.trust_anchor = f.read().split(';')[0].strip()
        signed = self._path(f'{APEX}.signed')
        run('ldns-signzone', '-f', signed, self._path(f'{APEX}.zone'), key, cwd=self.folder)
        with open(signed) as f:
            lines = f.read().splitlines()
        for name, kind in self.spoiled:
            lines = spoil(lines, name, kind)
        with open(signed, 'w') as f:
            f.write('\n'.join(lines) + '\n')
        for zone in self.zones:
            if zone != APEX:
                shutil.copy(self._path(f'{zone}.zone'), self._path(f'{zone}.signed'))

    def _nsd_conf(self):
        path = self._path('nsd.conf')
        with open(path, 'w') as f:
            f.write(f'server:\n ip-address: {self.ip}@{self.back_port}\n do-ip6: no\n server-count: 1\n username: ""\n'
                    f' zonesdir: "{self.folder}"\n database: ""\n pidfile: ""\n xfrdfile: ""\n'
                    f' zonelistfile: "{self.folder}/zone.list"\nremote-control:\n control-enable: no\n')
            for zone in self.zones:
                f.write(f'zone:\n name: "{zone}"\n zonefile: "{zone}.signed"\n')
        return path

    def _unbound_conf(self):
        path = self._path('unbound.conf')
        with open(path, 'w') as f:
            f.write(f'server:\n ede: yes\n interface: {self.ip}@{self.port}\n access-control: 0.0.0.0/0 allow\n do-ip6: no\n'
                    ' do-daemonize: no\n use-syslog: no\n username: ""\n chroot: ""\n pidfile: ""\n num-threads: 1\n'
                    f' directory: "{self.folder}"\n module-config: "validator iterator"\n do-not-query-localhost: no\n'
                    f' trust-anchor: "{self.trust_anchor}"\n val-log-level: 2\n val-bogus-ttl: 0\n cache-max-ttl: {TTL}\n'
                    f' local-zone: "." static\n local-zone: "{APEX}." transparent\nremote-control:\n control-enable: no\n')
            for zone in self.zones:
                f.write(f'stub-zone:\n name: "{zone}"\n stub-addr: {self.ip}@{self.back_port}\n')
        return path


def spoil(lines, name, kind):
    """The signature of one record set becomes that of something else: its halves change places."""
    out, found = [], 0
    for line in lines:
        word = line.split()
        if len(word) > 12 and word[0].lower() == name and word[3:5] == ['RRSIG', kind]:
            text = ''.join(word[12:])
            line = ' '.join(word[:12] + [text[40:80] + text[:40] + text[80:]])
            found += 1
        out.append(line)
    if not found:
        raise Failed(f'nothing to spoil: {name} has no signed {kind}')
    return out
