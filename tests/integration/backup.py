#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""doc/operators/BACKUP.md as it stands: a running xfedd is backed up by its commands, the machine is lost, and the commands restore it elsewhere.

The new xfedd has what the old one had learnt: a peer that comes with a key that nobody vouches for raises an alarm. A third, without the history, notices
nothing. Subscriptions of SIP are neither backed up nor restored: a new file is begun. Then what the document warns of: a journal that is restored
delivers again.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from lab import net, options
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.pages import Page
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER, ROOT

ALARM = 'peer.key.changed'
HUNG, HUNG_IP = 'hung.example', '127.77.0.5'
COUNT = 5       # messages in the journal


class Machine:
    """Where the document's folders are."""
    def __init__(self, lab, gateway):
        self.etc, self.state, self.backups = gateway.folder, lab.folder('state'), lab.folder('backups')
        self.user = lab.user
        lab.give(self.state, 0o700)

    def run(self, text):
        """A block of the document: `xfedd` the user is ours, and there is no systemd."""
        lines = [line for line in text.splitlines() if not re.match('systemctl|xfedctl', line)]
        text = '\n'.join(lines).replace('/var/backups/xfedd', self.backups).replace('/var/lib/xfedd', self.state)
        text = text.replace('/etc/xfedd', self.etc).replace(' etc/xfedd', f' {self.etc[1:]}')
        text = text.replace('-o xfedd -g xfedd', f'-o {self.user}').replace('root:xfedd', self.user)
        return subprocess.run(['sh', '-euc', text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def is_lost(self):
        for folder in (self.etc, self.state):
            shutil.rmtree(folder)
        os.mkdir(self.state, 0o700)
        shutil.chown(self.state, self.user)


def blocks(heading):
    """The commands below a heading of the document."""
    page = Page(Path(ROOT) / 'doc/operators/BACKUP.md')
    first = page.lines.index(f'## {heading}') + 1
    last = next((i for i, line in enumerate(page.lines) if i >= first and line.startswith('## ')), len(page.lines))
    return [code.text for code in page.codes() if code.is_block and first < code.line <= last]


def do(report, machine, heading):
    for block in blocks(heading):
        done = machine.run(block)
        report.check(f'{heading}: {block.splitlines()[0]} ...', done.returncode == 0, done.stdout)


def message(to, ident):
    return f"<message from='alice@{LOCAL}/x' to='{to}' id='{ident}' type='chat'><body>hi</body></message>"


def mode_of(path):
    return oct(os.stat(path).st_mode & 0o777) if os.path.exists(path) else 'no file'


def history_is_written(machine):
    done = subprocess.run(['sqlite3', '-readonly', f'{machine.state}/peers.db', f"SELECT auth FROM peers WHERE peer = '{PEER}' AND direction = 'in'"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)     # it may be locked for a moment
    return done.stdout.strip()


def is_alarmed(peer, gateway, seconds):
    """Whether the peer raises the alarm when it comes now, within so long."""
    seen = len(gateway.events(ALARM))
    stream = peer.dial((net.GATEWAY, 5269), LOCAL)
    answer = peer.dialback(stream, LOCAL)
    hang_up(peer, stream)
    return answer, gateway.wait_until(lambda: len(gateway.events(ALARM)) > seen, seconds)


def hang_up(peer, stream):
    stream.send('</stream:stream>')
    peer.drain(stream)
    stream.close()


def journal(report, ctl, cluster, gateway, machine, hung, heard):
    """Messages wait for a peer that accepts and says nothing, xfedd stops, and its journal is copied. All are delivered; the copy is restored."""
    silent = socket.create_server((HUNG_IP, 5269))
    for n in range(COUNT):
        cluster.send(message(f'bob@{HUNG}', f'j{n}'))
    until(lambda: ctl.peer(HUNG).get('queued', {}).get('stanzas') == COUNT)
    report.equal('xfedd is stopped while messages wait', gateway.stop(), 0)
    report.equal('after a stop the journal is one file', sorted(n for n in os.listdir(machine.state) if n.startswith('journal')), ['journal.db'])
    shutil.copy(f'{machine.state}/journal.db', f'{machine.backups}/journal.db')
    silent.close()
    hung.start()
    gateway.start()
    report.check('the next xfedd delivers them', gateway.wait_until(lambda: len(heard) == COUNT, 20), f'{len(heard)} arrived')
    time.sleep(1)
    gateway.stop()
    shutil.copy(f'{machine.backups}/journal.db', f'{machine.state}/journal.db')
    shutil.chown(f'{machine.state}/journal.db', machine.user)
    gateway.start()
    report.check('a journal that is restored delivers them again, as the document says', gateway.wait_until(lambda: len(heard) == 2 * COUNT, 20),
                 f'{len(heard)} arrived')


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        ours, nobodys = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'nobodys')
        dns = Dns(lab.scratch)
        dns.domain(PEER, net.PEER)
        dns.domain(HUNG, HUNG_IP)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        peer = stage.start(Peer(PEER, net.PEER, ours.issue(PEER), ours.file))
        heard = []
        hung = Peer(HUNG, HUNG_IP, ours.issue(HUNG), ours.file, on_stanza=lambda _stream, e: e.tag.endswith('}message') and heard.append(e.get('id')))
        stage.at_end(hung.stop)
        gateway = Gateway(lab, LOCAL, 'dialback-tls', ours.issue(LOCAL, f'conference.{LOCAL}'), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          defaults='dialback-by-certificate = no  bidi = no  ack = none')
        machine = Machine(lab, gateway)
        gateway.configure(f'memory {{ file = "{machine.state}/peers.db" }}  journal {{ file = "{machine.state}/journal.db" }}\n'
                          f'sip {{ host = "sip.{LOCAL}"  dialogs-file = "{machine.state}/sip.db" }}\n'
                          'process { drain-time = 1s  backoff-min = 0 }')
        stage.start_xfedd(gateway)

        stream = peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)
        report.check('the peer authenticates by EXTERNAL, and the history has it', gateway.wait_until(lambda: history_is_written(machine), 15))
        do(report, machine, 'Take a backup')
        for name in ('etc.tar.gz', 'peers.db'):
            report.equal(f'{name}: nobody else may read it', mode_of(f'{machine.backups}/{name}'), oct(0o600))
        report.equal('the file of SIP subscriptions is there, for xfedd alone', mode_of(f'{machine.state}/sip.db'), oct(0o600))
        report.equal('no subscriptions and no messages are in the backup', sorted(os.listdir(machine.backups)), ['etc.tar.gz', 'peers.db'])
        hang_up(peer, stream)
        report.equal('the old xfedd ends', gateway.stop(), 0)

        machine.is_lost()
        do(report, machine, 'Restore on a new machine')
        code, said = gateway.check()
        report.check('xfedd -t accepts what was restored', code == 0, said)
        report.equal('nothing but the history is restored', os.listdir(machine.state), ['peers.db'])
        gateway.start()
        report.equal('a new file of SIP subscriptions is begun', mode_of(f'{machine.state}/sip.db'), oct(0o600))
        report.equal('... without a complaint', [e.line for e in gateway.events('dialogs.')], [])
        report.equal('the history is used', [e.line for e in gateway.events('memory.file.refused')], [])
        peer.stop()
        changed = stage.start(Peer(PEER, net.PEER, nobodys.issue(PEER), ours.file))
        report.equal('the peer comes with another key: it is let in by dialback, with an alarm', is_alarmed(changed, gateway, 20), ('valid', True))
        ctl = Ctl(beside(stage.args.xfedd), f'{gateway.folder}/control.sock')
        journal(report, ctl, cluster, gateway, machine, hung, heard)

        gateway.stop()
        os.remove(f'{machine.state}/peers.db')
        gateway.start()
        report.equal('without the history nobody notices', is_alarmed(changed, gateway, 3), ('valid', False))
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
