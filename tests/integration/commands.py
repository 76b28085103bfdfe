#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The commands of our documents that look at or act on a running xfedd, run against one: each verb of xfedctl as it is written there, searches in the
log, questions to the history, metrics, and what openssl says of our certificate.

The lab has the names of the documents: example.org is served, with conference.example.org and pilot.example.org; partner.example is a good
peer, b.example one that DNS does not know. Whether a command exists at all, check-documents.py asks; here it must do what it is shown for.
"""
import os
import re
import shutil
import subprocess
import sys

from lab import net, options
from lab.cluster import Cluster
from lab.ctl import beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.pages import commands, pages, whole_lines
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, ROOT

OURS, ALIASES, GOOD, BAD = 'example.org', ('conference.example.org', 'pilot.example.org'), 'partner.example', 'b.example'
HTTP = '127.0.0.1:9469'
SAMPLES = {'PEER': GOOD, 'NAME': GOOD, 'PEER|STREAM': GOOD, 'sip:NUMBER': 'sip:1', 'OURS': OURS, 'FROM': f'alice@{OURS}', 'TO': f'bob@{GOOD}', 'LEVEL': 'info', 'MINUTES': '1'}
OF_OTHERS = ('BACKUP.md', 'FIRST-FEDERATION-PROSODY.md', 'FIRST-FEDERATION-EJABBERD.md', 'ADDING-A-PARTNER.md')     # backup.py and documents.py
ENDLESS = ('trace', 'top')          # and what has --follow
ELSEWHERE = ('init', 'partner', 'page')     # check-init.py and page.py
LAST = ('drain',)       # of all: the gateway ends
SEEN_S = 2              # of what does not end by itself
MAY_REFUSE = ('close', 'retry', 'forget')     # there may be nothing to close, to try again or to forget
OF_THE_HOST = re.compile(r'xfedctl check --(self|inbound)')     # may find what is wrong with this laboratory


def written():
    """The lines of shell that begin with one of our kinds, once each; not a verb alone, which prose names. Others run what is in OF_OTHERS."""
    found = {}
    for page in (page for page in pages(ROOT) if page.path.name not in OF_OTHERS):
        for code in page.codes():
            for line in whole_lines(code.text) if code.is_block else [code.text]:
                line = line.removeprefix('$ ')
                if re.match(r'(xfedctl|curl|sqlite3|journalctl|openssl s_client) ' if code.is_block else 'xfedctl [a-z]|curl ', line):
                    if verb_of(line) not in ELSEWHERE and line != 'xfedctl check':
                        found.setdefault(line, f'{page.path.name}:{code.line}')
    return found


def verb_of(line):
    words = next(commands(line))
    return words[1] if words[0] == 'xfedctl' and len(words) > 1 else ''


def is_endless(line):
    return verb_of(line) in ENDLESS or '--follow' in next(commands(line))


class Shell:
    """Runs a line with our programs, files and servers in place of those that it names."""
    def __init__(self, lab, gateway, program, certificate):
        """`certificate`: of who reads the documents as a partner."""
        self.gateway, self.folder, self.certificate = gateway, lab.folder('shell'), certificate
        tools = lab.folder('tools')
        shutil.copy(program, f'{tools}/xfedctl')
        self._write(f'{tools}/journalctl', f'#!/bin/sh\ncat {gateway.log}\n')
        self.env = dict(os.environ, PATH=f'{tools}:{os.environ["PATH"]}', XFEDD_CONTROL=f'{gateway.folder}/control.sock')

    @staticmethod
    def _write(path, text):
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o755)

    def told(self, line):
        """As somebody types it who reads it."""
        if line.startswith('xfedctl '):
            line = ' '.join(SAMPLES.get(word, word) for word in re.sub(r' \[[A-Za-z-]+\]', '', line).split(' '))
        if line.startswith('sqlite3 '):
            line = line.replace(BAD, GOOD)      # whom the history has
        line = line.replace('/var/lib/xfedd/peers.db', f'{self.gateway.folder}/peers.db')
        for word, path in zip(('YOURS.pem', 'YOURS.key'), self.certificate):
            line = line.replace(word, path)
        line = re.sub(r'-connect \S+:(\d+)', f'-connect {net.GATEWAY}:\\1', line)
        return re.sub(r'-xmpphost \S+', f'-xmpphost {OURS}', line)

    def run(self, line):
        """-> status, output; of what does not end, as much as comes in a while"""
        if is_endless(line):
            line = f'timeout {SEEN_S} {line}'
        done = subprocess.run(['bash', '-o', 'pipefail', '-c', self.told(line)], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=30)
        return done.returncode, done.stdout


def is_well(line, status, output):
    if is_endless(line):
        return status == 124                    # timeout(1) ended it
    return status == 0 and output.strip() or status == 0 and 'DELETE' in line or status == 1 and verb_of(line) in MAY_REFUSE \
        or status in (1, 3) and output.strip() and OF_THE_HOST.match(line) or status == 1 and line == f'xfedctl check {BAD}' \
        or status == 1 and '-cert YOURS.pem' in line and 'CONNECTION ESTABLISHED' in output     # of no peer: refused with a FIN or a reset


def message(to):
    return f"<message from='alice@{OURS}/x' to='bob@{to}' id='1' type='chat'><body>hi</body></message>"


def history_is_there(gateway):
    done = subprocess.run(['sqlite3', '-readonly', f'{gateway.folder}/peers.db', 'SELECT count(*) FROM keys'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() not in ('', '0')


def main():
    p = options.parser(__doc__)
    p.add_argument('--xfedctl', help='the program; by default beside xfedd')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        dns = Dns(lab.scratch)
        dns.domain(GOOD, net.PEER)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        stage.start(Peer(GOOD, net.PEER, ours.issue(GOOD), ours.file))
        gateway = Gateway(lab, OURS, 'external', ours.issue(OURS, *ALIASES), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          aliases='", "'.join(ALIASES).join('""'), http=HTTP, defaults='ack = none', control=f'sip = {{ "{net.GATEWAY}:5061" }}')
        pem, key = ours.issue(f'sip.{OURS}')
        gateway.configure(f'memory {{ file = "{gateway.folder}/peers.db" }}\nsip {{ host = "sip.{OURS}"  certificate = {{ "{pem}" }}'
                          f'  key = {{ "{lab.private(key, gateway.folder)}" }}  dialogs-file = "" }}')
        stage.start_xfedd(gateway)
        shell = Shell(lab, gateway, args.xfedctl or beside(args.xfedd), ours.issue(f'partner.{GOOD}'))
        for to in (GOOD, BAD):
            cluster.send(message(to))
        report.check('a peer is up', gateway.wait_event('s2s.stream.up', 10, peer=GOOD))
        report.check('another one has failed', gateway.wait_event('s2s.stream.down', 10, peer=BAD))
        report.check('the history is written', until(lambda: history_is_there(gateway)))
        subprocess.run(['sqlite3', '-cmd', '.timeout 10000', f'{gateway.folder}/peers.db', f'.backup {shell.folder}/peers.db'], check=True)  # xfedd may be writing
        lines = written()
        report.check('the documents show most verbs of xfedctl', len({verb_of(line) for line in lines} - {''}) >= 5, str(list(lines)))
        for line in sorted(lines, key=lambda line: verb_of(line) in LAST):
            status, output = shell.run(line)
            report.check(f'{lines[line]}: {line[:100]}', is_well(line, status, output), f'exit status {status}: {output[-2000:]}')
            if line.startswith('xfedctl federation off'):
                shell.run(line.replace('federation off', 'federation on'))
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
