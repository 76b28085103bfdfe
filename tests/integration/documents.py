#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""doc/operators/FIRST-FEDERATION-*.md and doc/operators/ADDING-A-PARTNER.md, word for word: each command of theirs, in its order, on a fresh Debian 12.

    ```sh      these lines are run, by bash as root
    ```text    these lines are in what the commands before them print

The test does what a document leaves to others: it is the partner with its Prosody, the authority that signs, whoever runs the DNS
(and publishes what xfedctl has written), and the users, who write to each other at the end.
"""
import asyncio
import glob
import os
import re
import sys
import tempfile
import time

from lab import options
from lab.client import Client, condition
from lab.dns import Dns
from lab.machine import Machine, fresh_root
from lab.netns import Spaces
from lab.pki import Authority, spki_sha256
from lab.proc import Failed, run
from lab.servers import Prosody
from lab.stage import Stage
from lab.world import ROOT

OURS, THEIRS = 'example.org', 'partner.example'
OUR_IP, THEIR_IP = '203.0.113.5', '203.0.113.9'     # as the documents have them
STORIES = {'prosody': ('FIRST-FEDERATION-PROSODY.md',), 'ejabberd': ('FIRST-FEDERATION-EJABBERD.md', 'ADDING-A-PARTNER.md')}
BLOCK = re.compile(r'^```(sh|text)\n(.*?)^```$|^## (.*?)$', re.M | re.S)


def blocks(name):
    """-> (heading, commands, what they must print) one after the other"""
    with open(f'{ROOT}/doc/operators/{name}') as f:
        text = f.read()
    found, heading = [], ''
    for kind, body, title in BLOCK.findall(text):
        if title:
            heading = title
        elif kind == 'sh':
            found.append((heading, body, []))
        else:
            found[-1][2].extend(body.splitlines())
    return found


class Partner:
    """The other server, who runs the DNS, and the authority that both sides trust."""
    def __init__(self, lab):
        self.authority = Authority(lab.folder('pki'), 'public')
        self.certificate = self.authority.issue(THEIRS, f'conference.{THEIRS}')
        self.server = Prosody(lab, 'peer', THEIRS, THEIR_IP, 'external', self.certificate, self.authority.file)
        self.dns = Dns(lab.scratch)
        self.dns.lines += [f'listen-address={THEIR_IP}', 'local=/org/']
        for name in (THEIRS, f'conference.{THEIRS}'):
            self.dns.domain(name, THEIR_IP)
        self.known = len(self.dns.lines)

    def publish(self, records):
        """What a zone file has: SRV and A."""
        del self.dns.lines[self.known:]
        for name, kind, data in re.findall(r'^(\S+)\. \d+ IN (SRV|A) (.*)$', records, re.M):
            if kind == 'A':
                self.dns.host(name, data)
            else:
                priority, weight, port, target = data.split()
                self.dns.lines.append(f'srv-host={name},{target.rstrip(".")},{port},{priority},{weight}')
        self.dns.stop()
        self.dns.start()

    def sign(self, request, scratch):
        """-> the certificate for a request, with the names that it asks for"""
        path = f'{scratch}/request.csr'
        with open(path, 'w') as f:
            f.write(request)
        return run('openssl', 'x509', '-req', '-in', path, '-CA', self.authority.file, '-CAkey', self.authority.file[:-4] + '.key',
                   '-CAcreateserial', '-days', '30', '-copy_extensions', 'copy')

    def page(self):
        """As xfedd --partner would print it over there."""
        return (f'# XMPP federation between {THEIRS} and {OURS}\n\n## Our domains\n| domain | for |\n| --- | --- |\n| {THEIRS} | users |\n'
                f'\n## Our servers\n| host | addresses | port for STARTTLS | port for TLS at once |\n| --- | --- | --- | --- |\n'
                f'| xmpp.{THEIRS} | {THEIR_IP} | 5269 | - |\n\n## Our certificates\n| domain | key |\n| --- | --- |\n'
                f'| {THEIRS} | `{spki_sha256(self.certificate[0])}` |\n')


class Story:
    """One fresh machine, and the documents that are followed on it."""
    def __init__(self, stage, lab, partner, machine):
        self.stage, self.lab, self.report, self.partner, self.machine = stage, lab, stage.report, partner, machine

    def before(self, heading, commands):
        """What others do, before the reader can go on."""
        if '/root/answer.pem' in commands:
            request = self.machine.read(f'/etc/xfedd/{OURS}.csr')
            self.machine.write('/root/answer.pem', self.partner.sign(request, self.lab.scratch))
        if '/root/from-partner.example.md' in commands:
            self.machine.write('/root/from-partner.example.md', self.partner.page())
        if 'xfedctl streams' in commands:
            asyncio.run(self.talk())
        if 'without DNS' in heading:
            self.partner.dns.stop()

    def after(self, commands):
        if 'dns-records.txt' in commands:
            self.partner.publish(self.machine.read('/etc/xfedd/dns-records.txt'))

    def follow(self, document):
        started = time.monotonic()
        for heading, commands, words in blocks(document):
            self.before(heading, commands)
            code, out = self.machine.run(commands)
            label = f'{document}, {heading}: {commands.splitlines()[0][:60]}'
            if not self.report.check(label, code == 0, f'exit {code}\n{commands}\n{out[-3000:]}\n{self.journal()}' if code else ''):
                raise Failed(f'{document} cannot be followed any further')
            for line in words:
                self.report.check(f'{document} says what is printed: {line[:60]}', line in out, out[-3000:])
            self.after(commands)
        self.report.say(f'{document}: {(time.monotonic() - started) / 60:.1f} minutes')

    def journal(self):
        return self.machine.run('journalctl --no-pager -o cat -n 30')[1]

    async def talk(self):
        """The first message and its answer."""
        ca_file = self.partner.authority.file
        alice = Client('alice', OURS, OUR_IP, ca_file, password='a-password-of-alice')
        bob = Client('bob', THEIRS, THEIR_IP, ca_file)
        await alice.login(starttls=True)
        await bob.login()
        for who, other in ((alice, bob), (bob, alice)):
            self.report.equal(f'{who.bare} writes to {other.bare}, and it arrives', await self.write(who, other), None)
        for who in (alice, bob):
            await who.logout()

    async def write(self, who, other):
        """-> None once it is there, or the error with which it came back"""
        message = who.make_message(mto=other.bare, mbody='Hello', mtype='chat')
        message['id'] = ident = f'from-{who.boundjid.user}'
        message.send()
        arrives = asyncio.ensure_future(other.wait_message(ident, 120))
        returns = asyncio.ensure_future(who.wait('an error', lambda xml: xml.get('id') == ident and xml.get('type') == 'error', 121))
        done, waiting = await asyncio.wait((arrives, returns), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if returns in done:
            return condition(returns.result())
        arrives.result()        # or that it waited in vain
        return None


def needed(packages):
    """What is fetched for the documents: their servers, and what our own packages depend on."""
    debs = glob.glob(f'{packages}/*.deb')
    names = set(STORIES)
    for deb in debs:
        depends = run('dpkg-deb', '-f', deb, 'Depends')
        names |= {part.split('|')[0].split('(')[0].strip() for part in depends.split(',')} - {''}
    return sorted(names - {os.path.basename(deb).split('_')[0] for deb in debs})


def tell(stage, lab, partner, kind, root, packages):
    """The machine behind a wire of its own to the partner."""
    with Spaces('ours') as spaces:
        spaces.join_here('wire', [f'{THEIR_IP}/24'], 'ours', 'host0', [f'{OUR_IP}/24'])
        machine = Machine(lab, kind, root, spaces.file('ours'), THEIR_IP, packages)
        try:
            machine.start()
            machine.trust(partner.authority.file)
            for document in STORIES[kind]:
                Story(stage, lab, partner, machine).follow(document)
        finally:
            machine.stop()


def main():
    parser = options.parser(__doc__)
    parser.add_argument('--packages', required=True, help='the folder that scripts/package has made')
    parser.add_argument('--server', choices=sorted(STORIES), action='append', help='all without it')
    args = parser.parse_args()
    packages = os.path.abspath(args.packages)
    if not glob.glob(f'{packages}/xfedd_*.deb'):
        parser.error(f'no package xfedd in {packages}: scripts/package {packages} builds it')
    with Stage(args, xfedd=False) as stage:
        with tempfile.TemporaryDirectory() as scratch:      # with the network of this machine
            root = fresh_root(scratch, needed(packages))
        lab = stage.open()
        partner = Partner(lab)
        run('ip', 'address', 'add', f'{THEIR_IP}/32', 'dev', 'lo')      # to listen on before there is a wire
        stage.start(partner.dns)
        stage.start(partner.server)
        for kind in args.server or sorted(STORIES, reverse=True):
            tell(stage, lab, partner, kind, root, packages)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
