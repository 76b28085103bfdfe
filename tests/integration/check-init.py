#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""xfedctl init and xfedctl partner, with the xfedd beside them: what they write, with which modes, and what they refuse.

usage: check-init.py XFEDCTL XFEDD SOURCE_ROOT
"""
import grp
import os
import pty
import re
import select
import stat
import subprocess
import sys
import tempfile
import unittest

XFEDCTL, XFEDD, ROOT = (os.path.abspath(path) for path in sys.argv[1:4])
SNIPPETS = {'prosody': 'prosody-gateway.cfg.lua', 'ejabberd': 'ejabberd-gateway.yml', 'jabberd2': 'jabberd2-gateway.xml'}
ANSWERS = ['--domain', 'example.org', '--address', '203.0.113.5', '--server', 'prosody']


def ctl(*words, stdin=''):
    """-> exit status, output, complaints"""
    done = subprocess.run([XFEDCTL, *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class Terminal:
    """A person at xfedctl init."""
    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(XFEDCTL, [XFEDCTL, *words])
        self.text = ''

    def until(self, words, seconds=20):
        """What came until a text with these words, which ends it or stands in what comes at the end."""
        while words not in self.text:
            if not select.select([self.fd], [], [], seconds)[0]:
                raise AssertionError(f'no "{words}" in: {self.text}')
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                got = b''
            if not got:
                raise AssertionError(f'no "{words}" before the end: {self.text}')
            self.text += got.decode()
        at = self.text.index(words) + len(words)
        seen, self.text = self.text[:at], self.text[at:]
        return seen

    def type(self, line):
        os.write(self.fd, line.encode() + b'\n')

    def end(self):
        """-> exit status, the rest of what it printed"""
        while True:
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                break
            if not got:
                break
            self.text += got.decode()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), self.text


class Init(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = f'{scratch.name}/xfedd'

    def words(self, *more):
        return ['init', '--folder', self.folder, '--xfedd', XFEDD, *more]

    def init(self, *more):
        return ctl(*self.words('--yes', *ANSWERS, *more))

    def accept(self, *more):
        code, out, err = self.init(*more)
        self.assertEqual(code, 0, out + err)
        return out

    def read(self, name):
        with open(f'{self.folder}/{name}') as f:
            return f.read()

    def files(self):
        return sorted(os.listdir(self.folder))

    def test_all_is_there(self):
        out = self.accept()
        self.assertEqual(self.files(), sorted(['xfed.conf', 'link.secret', 'dialback.secret', 'prosody-gateway.cfg.lua', 'example.org.key',
                                               'example.org.csr', 'example.org.pem', 'dns-records.txt']))
        self.assertIn('xfed.conf: ok', out)
        self.assertEqual(re.findall(r'^ (\d)\.', out, re.M), list('123456'))
        self.assertIn('_xmpp-server._tcp.conference.example.org. 3600 IN SRV 0 10 5269 xmpp.example.org.', self.read('dns-records.txt'))

    def test_strict_has_no_more_to_say(self):
        self.accept()
        done = subprocess.run([XFEDD, '-c', f'{self.folder}/xfed.conf', '-t'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.stdout, f'{self.folder}/xfed.conf: ok\n')

    def test_modes(self):
        os.umask(0)
        self.accept()
        os.umask(0o22)
        shared = 0o640 if os.geteuid() == 0 and 'xfedd' in [g.gr_name for g in grp.getgrall()] else 0o600
        for name in self.files():
            want = shared if name.endswith(('.secret', '.key')) else 0o600 if name.startswith('prosody') else 0o644
            self.assertEqual(oct(mode(f'{self.folder}/{name}')), oct(want), name)
        self.assertEqual(oct(mode(self.folder)), oct(0o750))

    def test_nothing_can_be_read_for_a_moment(self):
        """No file is opened with more rights than it has at the end, and each comes to its place by a rename."""
        if subprocess.run(['which', 'strace'], stdout=subprocess.DEVNULL).returncode:
            self.skipTest('strace is not installed')
        done = subprocess.run(['strace', '-e', 'trace=openat,creat,open', XFEDCTL, *self.words('--yes', *ANSWERS)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        made = re.findall(r'^open\w*\(.*O_CREAT.*, (0\d+)\) = \d', done.stderr, re.M)
        self.assertGreater(len(made), 5)
        self.assertEqual(set(made), {'0600'})

    def test_secrets_differ(self):
        self.accept()
        secrets = [self.read(name) for name in ('link.secret', 'dialback.secret')]
        for secret in secrets:
            self.assertRegex(secret, r'^[0-9a-f]{64}\n$')
        self.assertNotEqual(*secrets)
        self.assertIn(f'component_secret = "{secrets[0].strip()}"', self.read('prosody-gateway.cfg.lua'))

    def test_each_server_has_what_conf_says(self):
        """Each line of a snippet stands in the file of conf/ too, but for names, ports and the secret."""
        for server, name in SNIPPETS.items():
            self.accept('--server', server, '--force')
            with open(f'{ROOT}/conf/{server}/{name}') as f:
                model = f.read().replace("the content of xfedd's secret-file", 'SECRET').replace('xfedd1.example.org', 'xfedd.example.org')
            words = set(re.findall(r'[\w.-]+', model))
            text = self.read(name).replace(self.read('link.secret').strip(), 'SECRET')
            self.assertIn('SECRET', text)
            for line in text.splitlines():
                if line.strip() and not line.lstrip().startswith(('--', '#', '<!--')):
                    self.assertLessEqual(set(re.findall(r'[\w.-]+', line)), words, f'{name}: {line}')

    def test_request_and_key(self):
        self.accept('--domain', 'example.net')
        text = subprocess.run(['openssl', 'req', '-in', f'{self.folder}/example.org.csr', '-noout', '-text', '-verify'], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True).stdout
        for words in ('DNS:example.org, DNS:conference.example.org, DNS:example.net', 'TLS Web Server Authentication', 'verify OK'):
            self.assertIn(words, text)
        keys = [subprocess.run(words, stdout=subprocess.PIPE, cwd=self.folder).stdout for words in (
            ['openssl', 'req', '-in', 'example.org.csr', '-noout', '-pubkey'], ['openssl', 'x509', '-in', 'example.org.pem', '-noout', '-pubkey'],
            ['openssl', 'pkey', '-in', 'example.org.key', '-pubout'])]
        self.assertTrue(keys[0] and keys[0] == keys[1] == keys[2])

    def make_certificate(self, *names):
        for path in names:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90', '-subj', '/CN=x',
                        '-addext', 'subjectAltName=DNS:example.org,DNS:conference.example.org', '-keyout', names[1], '-out', names[0]],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(names[1], 0o600)

    def test_a_certificate_that_is_there(self):
        live = f'{self.folder}-certs/live'
        self.make_certificate(f'{live}/example.org/fullchain.pem', f'{live}/example.org/privkey.pem')
        self.accept('--certificate', live)
        self.assertIn(f'trust {{ cert-dir = "{live}" }}', self.read('xfed.conf'))
        self.assertNotIn('example.org.key', self.files())
        self.accept('--certificate', f'{live}/example.org/fullchain.pem', '--force')
        self.assertIn(f'key         = "{live}/example.org/privkey.pem"', self.read('xfed.conf'))

    def test_a_key_that_does_not_fit(self):
        certs = f'{self.folder}-certs'
        self.make_certificate(f'{certs}/a.pem', f'{certs}/a.key')
        self.make_certificate(f'{certs}/b.pem', f'{certs}/b.key')
        code, _, err = self.init('--certificate', f'{certs}/a.pem', '--key', f'{certs}/b.key')
        self.assertEqual(code, 1)
        self.assertIn('nothing is written', err)
        self.assertEqual(self.files(), [])

    def test_nothing_is_overwritten(self):
        self.accept()
        before = {name: self.read(name) for name in self.files()}
        code, _, err = self.init()
        self.assertEqual(code, 1)
        self.assertIn('xfed.conf exists', err)
        os.unlink(f'{self.folder}/xfed.conf')
        code, _, err = self.init()
        self.assertEqual(code, 1)
        self.assertIn('exists', err)
        self.assertEqual({name: self.read(name) for name in self.files()}, {k: v for k, v in before.items() if k != 'xfed.conf'})

    def test_force_keeps_the_old(self):
        self.accept()
        before = self.read('link.secret')
        self.accept('--force')
        self.assertNotEqual(self.read('link.secret'), before)
        self.assertEqual(self.read('link.secret.old'), before)
        self.assertFalse(mode(f'{self.folder}/link.secret.old') & 0o007)

    def test_a_file_of_comments_is_nobodys(self):
        """The package installs such a one."""
        os.mkdir(self.folder)
        with open(f'{self.folder}/xfed.conf', 'w') as f:
            f.write('# A sample.\n\n#link "presence" {\n')
        self.accept()
        self.assertIn('# A sample.', self.read('xfed.conf.old'))

    def test_a_link_in_the_way_is_not_followed(self):
        os.mkdir(self.folder)
        victim = f'{self.folder}/../victim'
        os.symlink(victim, f'{self.folder}/link.secret')
        self.assertEqual(self.init()[0], 1)
        self.assertFalse(os.path.exists(victim))

    def test_partners_alone(self):
        self.accept('--federation', 'partners', '--partner', 'partner.example,other.example')
        self.assertIn('policy { default = deny }', self.read('xfed.conf'))
        for name in ('partner.example', 'other.example'):
            self.assertIn(f'include("{name}.conf")', self.read('xfed.conf'))
            self.assertEqual(self.read(f'{name}.conf'), f'peer "{name}" {{ }}\n')

    def test_wrong_options(self):
        for words, complaint in ((['--server', 'openfire'], 'expected prosody'), (['--colour', 'red'], 'there is no option --colour'),
                                 (['--domain'], 'nothing stands behind --domain'), (['--rooms', 'example.org'], 'named twice')):
            code, _, err = self.init(*words)
            self.assertEqual(code, 64, words)
            self.assertIn(complaint, err)
        self.assertFalse(os.path.exists(self.folder))

    def test_a_socket_that_is_not_named(self):
        code, _, err = ctl('-s')
        self.assertEqual(code, 64)
        self.assertIn('nothing stands behind -s', err)

    def test_without_a_terminal(self):
        code, _, err = ctl(*self.words(*ANSWERS))
        self.assertEqual(code, 1)
        self.assertIn('terminal', err)
        code, _, err = ctl(*self.words('--yes'))
        self.assertEqual(code, 1)
        self.assertIn('--domain NAME is needed', err)
        self.assertFalse(os.path.exists(self.folder))

    def test_without_xfedd(self):
        code, _, err = ctl('init', '--folder', self.folder, '--xfedd', '/nowhere/xfedd', '--yes', *ANSWERS)
        self.assertEqual(code, 1)
        self.assertIn('/nowhere/xfedd: No such file', err)
        self.assertEqual(self.files(), [])

    # ---- a person

    def test_questions(self):
        person = Terminal(*self.words())
        person.until('behind the @ of their addresses: ')
        person.type('localhost')
        person.until('expected the full name of a domain')
        person.until('of their addresses: ')
        person.type('')
        person.until('expected NAME')
        person.type('example.org')
        person.until('[conference.example.org]: ')
        person.type('none')
        person.until('prosody, ejabberd or jabberd2 [')
        person.type('openfire')
        person.until('expected prosody')
        person.type('jabberd2')
        person.until('[127.0.0.1:5347]: ')
        person.type('127.0.0.1')
        person.until('expected an address with port')
        person.type('')
        person.until('[xmpp.example.org]: ')
        person.type('')
        person.until('addresses on the Internet')
        person.type('203.0.113.5, 2001:db8::5')
        person.until('request for a new key')
        person.type('request')
        person.until('[open]: ')
        person.type('partners')
        person.until('[none]: ')
        person.type('partner.example')
        code, rest = person.end()
        self.assertEqual(code, 0, rest)
        conf = self.read('xfed.conf')
        for words in ('driver      = router', 'addresses = {"203.0.113.5", "2001:db8::5"}', 'include("partner.example.conf")'):
            self.assertIn(words, conf)
        self.assertNotIn('aliases', conf)

    def test_what_is_said_is_not_asked(self):
        person = Terminal(*self.words(*ANSWERS, '--rooms', 'none', '--host', 'x.example.org', '--certificate', 'request', '--federation', 'open'))
        self.assertNotIn('domains of your users', person.until('[127.0.0.1:5347]: '))
        person.type('')
        self.assertEqual(person.end()[0], 0)

    def test_a_person_who_goes_away(self):
        person = Terminal(*self.words())
        person.until('of their addresses: ')
        person.type('example.org')
        person.until('[conference.example.org]: ')
        os.write(person.fd, b'\x04')
        code, rest = person.end()
        self.assertEqual(code, 1)
        self.assertIn('nothing is written', rest)
        self.assertFalse(os.path.exists(self.folder))

    def test_a_file_that_is_there_is_told_before_the_questions(self):
        self.accept()
        code, rest = Terminal(*self.words()).end()
        self.assertEqual(code, 1)
        self.assertIn('exists', rest)
        self.assertNotIn('behind the @', rest)

    # ---- partners

    def partner(self, *words, stdin=''):
        return ctl('partner', *words, '--folder', self.folder, '--xfedd', XFEDD, stdin=stdin)

    def test_two_partners_understand_each_other(self):
        """The page of one is read by the other."""
        self.accept('--federation', 'partners', '--partner', 'partner.example')
        code, page, err = self.partner('partner.example')
        self.assertEqual(code, 0, err)
        self.folder += '2'
        self.accept('--domain', 'partner.example')
        code, section, err = self.partner('example.org', '--read', '-', '--route', stdin=page)
        self.assertEqual(code, 0, err)
        for words in ('peer "example.org" {', 'peer "conference.example.org" {', 'pins        = {"sha256:', 'route       = {"203.0.113.5:5269"}'):
            self.assertIn(words, section)
        self.assertFalse(os.path.exists(f'{self.folder}/example.org.conf'))

    def test_a_section_is_written(self):
        self.accept()
        with open(f'{self.folder}/page', 'w') as f:
            f.write('# XMPP federation between p.example and example.org\n## Our domains\n| domain | for |\n| --- | --- |\n| p.example | users |\n')
        words = ('p.example', '--read', f'{self.folder}/page', '--write')
        code, out, err = self.partner(*words)
        self.assertEqual(code, 0, err)
        self.assertIn('include("p.example.conf")', out)
        with open(f'{self.folder}/xfed.conf', 'a') as f:
            f.write('include("p.example.conf")\n')
        self.assertEqual(subprocess.run([XFEDD, '-c', f'{self.folder}/xfed.conf', '-t'], stdout=subprocess.DEVNULL).returncode, 0)
        self.assertEqual(self.partner(*words)[0], 1)
        self.assertEqual(self.partner(*words, '--force')[0], 0)
        self.assertTrue(os.path.exists(f'{self.folder}/p.example.conf.old'))

    def test_a_bad_page_writes_nothing(self):
        os.mkdir(self.folder)
        code, out, err = self.partner('p.example', '--read', '-', '--write', stdin='peer "p.example" { tls = none }\n')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('line 1 of the page', err)
        self.assertEqual(self.files(), [])

    def test_wrong_words(self):
        for words in ([], ['a.example', 'b.example'], ['a.example', '--write'], ['a.example', '--read'], ['localhost'], ['a.example', '--colour'],
                      ['../x', '--read', '-', '--write']):
            self.assertEqual(self.partner(*words)[0], 64, words)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=1)
