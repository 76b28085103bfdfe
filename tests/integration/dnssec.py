#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is found over real DNSSEC: a signed zone (NSD), a resolver that validates (Unbound), and our discovery (RFC 7673 section 3).

Secure records are found and told as secure; what is spoiled leaves its target out; an unsigned zone gives no DANE; AD of a
resolver elsewhere counts with trust-ad only. Each domain is asked for twice, so the cache must say the same.
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from lab import net
from lab.dnssec import SecureDns
from lab.proc import Failed, run
from lab.report import Report, fatal
from lab.world import ROOT

ELSEWHERE = '192.0.2.53'    # an address of this namespace that is not loopback's
FIREWALL = '192.0.2.54'     # another, behind which EDNS does not get through
BYTES = 'ab' * 32
SEEN = f'3/1/1/32/{BYTES[:16]}'
PEER = net.PEER

PLAIN = f' starttls {PEER}:5269 %s - -'
NO_DANE = f' starttls {PEER}:5269 %s secure -'
DANE = f' starttls {PEER}:5269 %s secure {SEEN}'


def tlsa(dns, host, port=5269, data=BYTES):
    dns.tlsa(host, port, 3, 1, 1, data)


def with_tlsa(dns, domain):
    dns.domain(domain, PEER)
    tlsa(dns, f'xmpp.{domain}')


def secure(dns, domain):
    with_tlsa(dns, domain)


def both_ports(dns, domain):
    dns.host(f'xmpp.{domain}', PEER)
    dns.srv(f'_xmpp-server._tcp.{domain}', 5269, f'xmpp.{domain}', priority=1)
    dns.srv(f'_xmpps-server._tcp.{domain}', 5270, f'xmpp.{domain}', priority=2)
    tlsa(dns, f'xmpp.{domain}')
    tlsa(dns, f'xmpp.{domain}', 5270, 'cd' * 32)


def no_tlsa(dns, domain):
    dns.domain(domain, PEER)


def over_tcp(dns, domain):
    """Too long for UDP: the answer comes by TCP, and its AD counts as well."""
    dns.domain(domain, PEER)
    dns.tlsa(f'xmpp.{domain}', 5269, 3, 0, 0, 'ab' * 2000)


def too_long(dns, domain):
    dns.domain(domain, PEER)
    dns.tlsa(f'xmpp.{domain}', 5269, 3, 0, 0, 'ab' * 5000)


def alias(dns, domain):
    """One record for many hosts (RFC 7671 section 7)."""
    dns.domain(domain, PEER)
    dns.alias(f'_5269._tcp.xmpp.{domain}', f'_dane.{domain}')
    dns.record(f'_dane.{domain}', f'TLSA 3 1 1 {BYTES}')


def alias_out(dns, domain):
    dns.plain(f'plain.{domain}')
    dns.domain(domain, PEER)
    dns.alias(f'_5269._tcp.xmpp.{domain}', f'_dane.plain.{domain}')
    dns.record(f'_dane.plain.{domain}', f'TLSA 3 1 1 {BYTES}')


def without_srv(dns, domain):
    dns.host(domain, PEER)
    tlsa(dns, domain)


def alias_domain(dns, domain):
    """Records under the name behind the alias are not sought."""
    dns.alias(domain, f'host.{domain}')
    dns.host(f'host.{domain}', PEER)
    tlsa(dns, f'host.{domain}')


def unsigned(dns, domain):
    dns.plain(domain)
    with_tlsa(dns, domain)


def target_unsigned(dns, domain):
    dns.plain(f'plain.{domain}')
    dns.srv(f'_xmpp-server._tcp.{domain}', 5269, f'x.plain.{domain}')
    dns.host(f'x.plain.{domain}', PEER)
    tlsa(dns, f'x.plain.{domain}')


def bogus_tlsa(dns, domain):
    with_tlsa(dns, domain)
    dns.spoil(f'_5269._tcp.xmpp.{domain}', 'TLSA')


def stripped_tlsa(dns, domain):
    """Somebody takes the records away and cannot prove that there are none."""
    dns.domain(domain, PEER)
    dns.host(f'zz.{domain}', PEER)      # where the denial that is spoiled ends
    dns.spoil(f'xmpp.{domain}', 'NSEC')


def bogus_one(dns, domain):
    with_tlsa(dns, domain)
    dns.srv(f'_xmpp-server._tcp.{domain}', 5269, f'other.{domain}', priority=9)
    dns.host(f'other.{domain}', PEER)
    tlsa(dns, f'other.{domain}')
    dns.spoil(f'_5269._tcp.xmpp.{domain}', 'TLSA')


def bogus_srv(dns, domain):
    with_tlsa(dns, domain)
    dns.host(domain, PEER)
    dns.spoil(f'_xmpp-server._tcp.{domain}', 'SRV')


def bogus_address(dns, domain):
    with_tlsa(dns, domain)
    dns.spoil(f'xmpp.{domain}', 'A')


def nothing(dns, domain):
    del dns, domain


# domain, records, what must be said, candidates (%s: the usual target)
CASES = (
    ('secure', secure, 'found', [DANE % 'xmpp.{}']),
    ('ports', both_ports, 'found', [DANE % 'xmpp.{}', f' direct {PEER}:5270 xmpp.{{}} secure 3/1/1/32/{"cd" * 8}']),
    ('notlsa', no_tlsa, 'found', [NO_DANE % 'xmpp.{}']),
    ('tcp', over_tcp, 'found', [f' starttls {PEER}:5269 xmpp.{{}} secure 3/0/0/2000/{"ab" * 8}']),
    ('long', too_long, 'found', [NO_DANE % 'xmpp.{}']),
    ('alias', alias, 'found', [DANE % 'xmpp.{}']),
    ('aliasout', alias_out, 'found', [NO_DANE % 'xmpp.{}']),
    ('nosrv', without_srv, 'found', [DANE % '{}']),
    ('aliasdomain', alias_domain, 'found', [NO_DANE % '{}']),
    ('unsigned', unsigned, 'found', [PLAIN % 'xmpp.{}']),
    ('targetunsigned', target_unsigned, 'found', [PLAIN % 'x.plain.{}']),
    ('bogustlsa', bogus_tlsa, 'failed "DNS gave no answer for the TLSA records of xmpp.{}" help=dns-bogus cause="SERVFAIL from ', []),
    ('strippedtlsa', stripped_tlsa, 'failed "DNS gave no answer for the TLSA records of xmpp.{}"', []),
    ('bogusone', bogus_one, 'found', [DANE % 'other.{}']),
    ('bogussrv', bogus_srv, 'failed "DNS gave no answer for the SRV records of {}" help=dns-bogus cause="SERVFAIL from ', []),
    ('bogusaddress', bogus_address, 'failed "DNS gave no answer for the address of xmpp.{}" help=dns-bogus cause="SERVFAIL from ', []),
    ('nothing', nothing, 'not-found', []),
)


def domain_of(case):
    return f'{case[0]}.example'


def ask(args, dns, mode, domains):
    """-> what is said of each domain, whether the second answers were as the first."""
    got = subprocess.run([*args.wrapper.split(), args.discover, dns.address, mode, *domains], stdout=subprocess.PIPE, text=True,
                         timeout=120)
    said, domain = {}, None
    for line in got.stdout.splitlines():
        if line[0] != ' ':
            domain, _, words = line.partition(' ')
            said.setdefault(domain, []).append(words)
        else:
            said[domain].append(line)
    return said, got.returncode == 0


def check_cases(args, report, dns, mode):
    said, same = ask(args, dns, mode, [domain_of(c) for c in CASES])
    for case in CASES:
        name, _, words, candidates = case
        domain = domain_of(case)
        got = said.get(domain, ['nothing'])
        report.check(f'{name}: {words.format(domain)}', got[0].startswith(words.format(domain)), got[0])
        report.equal(f'{name}: candidates', got[1:], [c.format(domain) for c in candidates])
    report.check('the second answers are as the first', same)


def check_elsewhere(args, report, dns):
    """The same resolver, but not on loopback."""
    said, _ = ask(args, dns, '-', ['secure.example', 'bogustlsa.example'])
    report.equal('AD from elsewhere does not count', said['secure.example'][1:], [PLAIN % 'xmpp.secure.example'])
    report.equal('and nobody asks for TLSA then', said['bogustlsa.example'][1:], [PLAIN % 'xmpp.bogustlsa.example'])
    said, _ = ask(args, dns, 'trust-ad', ['secure.example'])
    report.equal('AD from elsewhere counts with trust-ad', said['secure.example'][1:], [DANE % 'xmpp.secure.example'])


class Firewall:
    """In front of a resolver: questions with EDNS never arrive."""
    def __init__(self, ip, behind):
        self.address, self.behind = f'{ip}:53', behind.split(':')
        self.swallowed = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 53))
        threading.Thread(target=self._pass_on, daemon=True).start()

    def _pass_on(self):
        while True:
            question, asker = self.sock.recvfrom(2000)
            if question[10:12] != b'\0\0':
                self.swallowed += 1
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(5)
                s.sendto(question, (self.behind[0], int(self.behind[1])))
                self.sock.sendto(s.recv(4000), asker)


def check_firewall(args, report, dns):
    """Asked without EDNS then, a second later; once that is known, at once. Nothing is secure."""
    firewall = Firewall(FIREWALL, dns.address)
    domains = ['secure.example', 'unsigned.example', 'notlsa.example', 'alias.example']
    said, _ = ask(args, firewall, '-', domains)
    for domain in domains:
        report.check(f'{domain} is found where EDNS does not get through', said.get(domain, ['nothing'])[0].startswith('found'), str(said.get(domain)))
    report.equal('and is not secure', said['secure.example'][1:], [PLAIN % 'xmpp.secure.example'])
    report.check(f'{firewall.swallowed} questions went with EDNS, about as many as a discovery has',
                 0 < firewall.swallowed < 8 * len(domains))


def zone(folder, ip):
    dns = SecureDns(folder, ip=ip)
    for case in CASES:
        case[1](dns, domain_of(case))
    return dns


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--discover', default=f'{ROOT}/b/tests/interop/discover', help='the program of tests/interop/discover.c')
    p.add_argument('--wrapper', default='', help='run it under this command, such as valgrind')
    args = p.parse_args()
    report, folder = Report(), tempfile.mkdtemp(prefix='xfedd-dnssec-')
    try:
        if not os.access(args.discover, os.X_OK):
            raise Failed(f'no program at {args.discover}: build it (meson compile) or name it with --discover')
        net.enter_new()
        for ip in (ELSEWHERE, FIREWALL):
            run('ip', 'address', 'add', f'{ip}/32', 'dev', 'lo')
        for ip, checks in ((net.DNS, lambda dns: check_cases(args, report, dns, '-')),
                           (ELSEWHERE, lambda dns: (check_elsewhere(args, report, dns), check_firewall(args, report, dns)))):
            os.makedirs(f'{folder}/{ip}')
            dns = zone(f'{folder}/{ip}', ip)
            try:
                checks(dns.start())
            finally:
                dns.stop()
    except (Failed, OSError, subprocess.SubprocessError) as e:
        fatal(report, e)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
