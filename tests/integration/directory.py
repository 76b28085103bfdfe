#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What xfedd reads from a real directory: slapd with few users, asked by tests/interop/directory.c.

    directory.py --directory build/tests/interop/directory --xfedd build/src/daemon/xfedd

A table: settings, questions, what must come. TLS is checked in all its ways to fail; filters are attacked; attributes of Active Directory are read as it writes them.
Then xfedd itself between a scripted cluster and a scripted peer, which knows our users by their addresses: it is killed and started again while the directory is away.
"""
import argparse
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from lab.cluster import Cluster, Inbox
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Failed, until
from lab.report import Report, fatal
from lab.slapd import PASSWORD, PEOPLE, READER, SUFFIX, Slapd, group, user
from lab.world import Lab

IP, GATEWAY, CLUSTER, PEER = ('127.77.0.%d' % i for i in (5, 6, 7, 8))
ENTRIES = (
    user('alice', 'Alice.Smith@Mail.example') + user('bob', 'bob@mail.example', 'bob.second@mail.example')
    + user("o'neil", "o'neil@mail.example") + user('one', 'same@mail.example') + user('two', 'SAME@mail.example') + user('nomail')
    + user('star*', 'star@mail.example')
    # "objectClass: person" with what Active Directory has in other attributes: description stands for proxyAddresses, title for the SIP address
    + user('ad', 'x@mail.example').rstrip() + '\ntitle: sip:ad.user@im.example\ndescription: smtp:second@mail.example\n'
      'description: SMTP:Primary@mail.example\n\n'
    + group('friends', 'alice', 'bob', 'nobody')
    + f'dn: cn=posix,{SUFFIX}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: bob\nmemberUid: stranger\n\n')

MANY = f'ou=many,{SUFFIX}'
ENTRIES += f'dn: {MANY}\nobjectClass: organizationalUnit\nou: many\n\n' + ''.join(
    user(f'many{n}', f'many{n}@mail.example').replace(PEOPLE, MANY) for n in range(120))

CONF = '''
link "l" {{ nodes = {{ "127.0.0.1:5347" }} name = "x.a.example" secret-file = "link.secret" }}
served "a.example" {{ link = l }}
defaults {{ tls = optional certificate = ignore }}
directory {{
    uri = "{uri}" base = "{base}" filter = "{filter}" start-tls = {start_tls} ca-file = "{ca}"
    bind-dn = "{bind}" password-file = "{password}"
    jid-domain = "a.example" timeout = 5s page-entries = 10 {more}
}}
'''
GROUPS = f'groups = {{ "friends=CN=Friends, {SUFFIX}", "posix=cn=posix,{SUFFIX}", "none=cn=none,{SUFFIX}" }}'
AD = 'jid-attribute = title mail-attribute = description'

SAME = 'note: two@a.example has the address same@mail.example of one@a.example: neither is known by it, expected one user for an address'
ASKED_SAME = 'note: same@mail.example is the address of several users: none is known by it, expected one'

# label, settings that differ, questions, lines that must come (one that ends with * begins so)
ROWS = (
    ('all users, in pages', {}, 'load', ['load 6 users, 0 members', SAME]),
    ('by JID and by address', {}, 'mail alice@a.example jid alice.smith@mail.example jid bob@mail.example',
     ['alice.smith@mail.example', 'alice@a.example', 'bob@a.example']),
    ('names that XMPP escapes', {}, r"mail o\27neil@a.example jid o\27neil@mail.example", [r'o\27neil@mail.example', r'o\27neil@a.example']),
    ('nobody, another domain, no address', {}, 'mail nobody@a.example jid nobody@mail.example mail alice@other.example mail nomail@a.example', ['-'] * 4),
    ('a second address is nobody\'s', {}, 'jid bob.second@mail.example', ['-']),
    ('an address of two', {}, 'jid same@mail.example mail one@a.example', ['-', ASKED_SAME, '-', ASKED_SAME]),
    ('an asterisk is a character', {}, 'mail a*@a.example mail star*@a.example jid *@mail.example', ['-', 'star@mail.example', '-']),
    ('a filter in an address', {}, 'mail x)(uid=alice@a.example jid x)(|(uid=*@mail.example', ['-', '-']),
    ('groups by DN in any spelling and by name', {'more': GROUPS}, 'member friends alice@a.example member friends bob@a.example '
     'member posix bob@a.example member posix alice@a.example member friends one@a.example', ['yes', 'yes', 'yes', 'no', 'no']),
    ('a group that is not there', {'more': GROUPS}, 'load', ['load 6 users, 4 members', SAME, 'note: the group none=*']),
    ('user by user, the groups are read all the same', {'more': GROUPS + ' preload = no'}, 'load member friends alice@a.example', ['load 0 users, 4 members', 'note: the group none=*', 'yes']),
    ('as Active Directory has it', {'more': AD}, 'mail ad.user@im.example jid primary@mail.example jid second@mail.example load',
     ['primary@mail.example', 'ad.user@im.example', '-', 'load 1 users, 0 members']),
    ('more pages than one', {'base': MANY}, 'load mail many119@a.example', ['load 120 users, 0 members', 'many119@mail.example']),
    ('more users than may be kept', {'base': MANY, 'more': 'cache-entries = 100'}, 'load', ['error: more than 100 users: raise directory { cache-entries }*']),
    ('ldaps', {'uri': 'ldaps://ldap.a.example:6360'}, 'mail alice@a.example', ['alice.smith@mail.example']),
    ('a list of servers, the first is down', {'uri': 'ldap://ldap.a.example:3999 ldap://ldap.a.example:3890'}, 'mail alice@a.example',
     ['alice.smith@mail.example']),
    ('an authority that did not sign it', {'ca': 'other.pem'}, 'load', ['error: ldap://ldap.a.example:3890: StartTLS: Connect error*']),
    ('... with ldaps', {'ca': 'other.pem', 'uri': 'ldaps://ldap.a.example:6360'}, 'load', ['error: ldaps://ldap.a.example:6360: *']),
    ('another name than the certificate has', {'uri': 'ldap://other.a.example:3890'}, 'load', ['error: ldap://other.a.example:3890: StartTLS: Connect error*']),
    ('a wrong password', {'password': 'wrong.secret'}, 'load', ['error: ldap://ldap.a.example:3890: login as bind-dn: Invalid credentials*']),
    ('nobody may read', {'bind': '', 'password': ''}, 'load', ['error: ldap://ldap.a.example:3890: *: No such object*']),
    ('a base that is not there', {'base': 'ou=nowhere,' + SUFFIX}, 'load', [f'error: ldap://ldap.a.example:3890: ou=nowhere,{SUFFIX}: No such object*']),
    ('a filter that is none', {'filter': '(uid='}, 'load', ['error: ldap://ldap.a.example:3890: *: Bad search filter*']),
    ('a server that is not there', {'uri': 'ldap://ldap.a.example:3999'}, 'load mail alice@a.example', ['error: ldap://ldap.a.example:3999: StartTLS: Can\'t contact LDAP server*'] * 2),
    ('a server that is silent', {'uri': 'ldap://ldap.a.example:3998'}, 'load', ['error: ldap://ldap.a.example:3998: StartTLS: *']),
)


def matches(got, want):
    def fits(line, pattern):
        parts = pattern.split('*')
        if pattern in (line, ) or pattern[-1] != '*':
            return line == pattern
        at = 0
        for part in parts:
            at = line.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return line.startswith(parts[0])
    return len(got) == len(want) and all(fits(g, w) for g, w in zip(got, want))


def ask(lab, tool, wrapper, settings, questions):
    path = f'{lab.scratch}/directory/xfed.conf'
    values = {'uri': 'ldap://ldap.a.example:3890', 'base': PEOPLE, 'filter': '(objectClass=inetOrgPerson)', 'start_tls': 'yes', 'ca': 'ours.pem',
              'bind': READER, 'password': 'reader.secret', 'more': '', **settings}
    values['ca'] = f'{lab.scratch}/pki/{values["ca"]}'
    if values['uri'].startswith('ldaps'):
        values['start_tls'] = 'no'
    with open(path, 'w') as f:
        f.write(CONF.format(**values))
    done = subprocess.run([*wrapper.split(), tool, path, *questions.split()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          env=dict(os.environ, LDAPNOINIT='1'))
    return done.returncode, done.stdout.splitlines()


# ---- xfedd, killed and started again

KEEPS = '''
process {{ sandbox = yes }}
served "mail.example" {{ link = cluster certificate = "{certificate}" key = "a.example.key" mail-only = yes }}
directory {{
    uri = "ldap://ldap.a.example:3890" ca-file = "{ca}" bind-dn = "{bind}" password-file = "reader.secret"
    base = "{base}" filter = "(objectClass=inetOrgPerson)" jid-domain = "a.example" timeout = 5s {more}
}}
peer "peer.example" {{ mail = yes  route = {{ "{peer}:5269" }} }}
'''


def is_message(ident):
    return lambda element: element.get('id') == ident


class Scene:
    """xfedd between a scripted cluster and a scripted peer."""
    def __init__(self, lab, ours):
        self.lab, self.ours, self.came = lab, ours, Inbox()
        self.state = lab.folder('state')
        os.environ['STATE_DIRECTORY'] = self.state
        self.cluster = Cluster(CLUSTER, 5347, 'x.a.example', 'secret').start()
        self.peer = Peer('peer.example', PEER, ours.issue('peer.example'), ours.file, on_stanza=lambda _stream, element: self.came.keep(element)).start()
        self.gateway = Gateway(lab, 'a.example', 'external', ours.issue('a.example', 'mail.example'), ours.file, ('x.a.example', 'secret'),
                               f'{CLUSTER}:5347', ip=GATEWAY)
        self.gateway._write('reader.secret', PASSWORD)
        self.configure('')

    def configure(self, more):
        self.gateway.configure(KEEPS.format(certificate=f'{self.lab.scratch}/pki/a.example.crt', ca=self.ours.file, bind=READER, base=PEOPLE, peer=PEER, more=more))

    def shown(self, user, ident):
        """Who the peer sees when that user writes, or the error that comes back."""
        self.cluster.send(f"<message from='{user}@a.example/r' to='v@peer.example' id='{ident}'><body>x</body></message>")
        return self.outcome(ident)

    def reached(self, address, ident):
        """Whom the peer's user reaches by that address, or the error."""
        stream = self.peer.external(self.peer.dial((GATEWAY, 5269), 'mail.example'), 'mail.example')
        stream.send(f"<message from='v@peer.example/r' to='{address}' id='{ident}'><body>x</body></message>")
        return self.outcome(ident)

    def outcome(self, ident):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for inbox, side in ((self.came, 'from'), (self.cluster, 'to')):
                got = inbox.wait(is_message(ident), 0.1)
                if got is not None:
                    error = next((child for child in got if child.tag.endswith('}error') or child.tag == 'error'), None)
                    return got.get(side) if error is None else error[0].tag.split('}')[-1]
        return None

    def restart(self, kill=False):
        if kill:
            os.kill(self.gateway.proc.pid, signal.SIGKILL)
            self.gateway.wait_until(lambda: not os.path.exists(f'/proc/{self.gateway.proc.pid}/exe'), 5)
        self.gateway.stop()
        self.gateway.start()

    def end(self):
        del os.environ['STATE_DIRECTORY']
        self.gateway.stop()
        self.peer.stop()
        self.cluster.stop()


def keeps_alice(path):
    """Whether she is in the file, which xfedd may be writing."""
    try:
        with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as db:
            return bool(db.execute("SELECT mail FROM users WHERE jid = 'alice@a.example'").fetchall())
    except sqlite3.Error:
        return False


def keeps(report, lab, ours, slapd):
    scene = Scene(lab, ours)
    kept = f'{scene.state}/directory.db'
    try:
        scene.gateway.start()
        report.check('the directory is read', bool(scene.gateway.wait_event('identity.directory.loaded')))
        report.equal('alice is seen by her address', scene.shown('alice', 'm1'), 'alice.smith@mail.example/r')
        report.check('what it said is in a file', until(lambda: keeps_alice(kept)))
        report.equal('... of its owner alone', os.stat(kept).st_mode & 0o777, 0o600)
        slapd.stop()
        scene.restart(kill=True)
        report.equal('killed, and started while the directory is away: alice is seen by her address', scene.shown('alice', 'm2'), 'alice.smith@mail.example/r')
        report.equal('bob is reached by his', scene.reached('bob@mail.example', 'm3'), 'bob@a.example')
        report.equal('who was never seen is not shown by JID: the message comes back', scene.shown('newcomer', 'm4'), 'remote-server-timeout')
        report.equal('an address that was never seen may be there again', scene.reached('new.comer@mail.example', 'm5'), 'remote-server-timeout')
        report.check('and the log says so', bool(scene.gateway.wait_event('routing.address.unknown', user='newcomer@a.example', help='address-unknown')))
        scene.gateway.stop()
        with open(kept, 'r+b') as f:
            f.write(b'torn' * 300)
        scene.gateway.start()
        refused = scene.gateway.wait_event('identity.kept.refused', file=kept, help='directory-kept')
        report.check('a torn file is told', bool(refused) and refused[0]['aside'] == f'{kept}.unusable', str(refused))
        report.check('... and set aside', os.path.exists(f'{kept}.unusable'))
        report.equal('no JID is shown without it', scene.shown('alice', 'm6'), 'remote-server-timeout')
        slapd.start()
        report.check('the directory is back', bool(scene.gateway.wait_event('identity.directory.found', 40)))
        report.equal('alice is seen by her address again', scene.shown('alice', 'm7'), 'alice.smith@mail.example/r')
        scene.configure('keep = no')
        report.equal('keep = no by a reload', scene.gateway.reload(), 'done')
        report.check('removes the file', until(lambda: not os.path.exists(kept)))
        report.check('the sandbox was on', bool(scene.gateway.events('process.sandbox.on')) or bool(lab.wrapper))
    finally:
        scene.end()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('--directory', required=True, help='tests/interop/directory of the build')
    p.add_argument('--xfedd', required=True, help='src/daemon/xfedd of the build')
    p.add_argument('--wrapper', default='', help='run it under this command, such as valgrind')
    args = p.parse_args()
    tool = os.path.abspath(args.directory)
    report, lab, slapd = Report(), Lab(xfedd=os.path.abspath(args.xfedd), say=lambda text: None), None
    try:
        lab.open()
        folder, pki = lab.folder('directory'), lab.folder('pki')
        os.chmod(folder, 0o755)  # secrets lie in it
        for name, text in (('link.secret', 'a secret of the link'), ('reader.secret', PASSWORD), ('wrong.secret', 'wrong')):
            with open(f'{folder}/{name}', 'w') as f:
                f.write(text + '\n')
            os.chmod(f'{folder}/{name}', 0o600)
        ours = Authority(pki, 'ours')
        Authority(pki, 'other')
        with open('/etc/hosts') as f, open(f'{lab.scratch}/hosts', 'w') as out:
            out.write(f.read() + f'\n{IP} ldap.a.example other.a.example\n')
        subprocess.run(['mount', '--bind', f'{lab.scratch}/hosts', '/etc/hosts'], check=True)      # in our own mount namespace
        slapd = Slapd(lab, IP, ours.issue('ldap.a.example'))
        slapd.add(ENTRIES)
        slapd.start()
        silent = socket.create_server((IP, 3998))
        for label, settings, questions, want in ROWS:
            status, got = ask(lab, tool, args.wrapper, settings, questions)
            report.check(label, status == 0 and matches(got, want), f'status {status}, got {got}, want {want}')
        silent.close()
        keeps(report, lab, ours, slapd)
    except (Failed, OSError, subprocess.SubprocessError) as e:
        fatal(report, e)
    finally:
        if slapd:
            slapd.stop()
        lab.close()
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
