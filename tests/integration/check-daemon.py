#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The life of the real xfedd: start, what systemd is told, reload, user, drain, signals; with --valgrind no leak at the end.

usage: check-daemon.py XFEDD [--valgrind] [--only WORDS]    --only: the checks that have these words in their name
Only loopback and ports that the system gives; a component server of a few lines stands for the cluster.
"""
import hashlib
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from lab import net
from lab.proc import Failed

XFEDD = os.path.abspath(sys.argv[1])
VALGRIND = '--valgrind' in sys.argv[2:]
PATIENCE = 60
ONLY = sys.argv[sys.argv.index('--only') + 1] if '--only' in sys.argv else ''
SANDBOX = 'sandbox = no' if VALGRIND else ''  # valgrind's own calls would be refused
SECRET = 'of-the-link-and-of-dialback-2718281828'
CHECKS = []


def check(name):
    def add(function):
        if ONLY in name:
            CHECKS.append((name, function))
        return function
    return add


def left_out(what, why):
    """scripts/test names it in its summary."""
    print(f'left out: {what}: {why}')


class Cluster:
    """An XEP-0114 server for one component after the other; keeps what it was sent."""

    def __init__(self):
        self.received, self.conn, self.is_up, self.port = b'', None, threading.Event(), 0
        self.start()

    def start(self):
        self.server = socket.create_server(('127.0.0.1', self.port))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def stop(self):
        self.server.shutdown(socket.SHUT_RDWR)  # ends accept() too
        self.server.close()
        self.conn.shutdown(socket.SHUT_RDWR)

    def close(self):
        try:
            self.server.shutdown(socket.SHUT_RDWR)  # or its thread, interrupted, goes on at the next socket that has its number
        except OSError:
            pass
        self.server.close()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(conn,), daemon=True).start()

    def session(self, conn):
        head = b''
        while b'>' not in re.sub(rb'<\?.*?\?>', b'', head):
            head += conn.recv(4096) or b'>'
        conn.sendall(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='i1' "
                     b"from='gw.example'>")
        shake = b''
        while b'</handshake>' not in shake:
            shake += conn.recv(4096) or b'</handshake>'
        if hashlib.sha1(f'i1{SECRET}'.encode()).hexdigest().encode() in shake:
            conn.sendall(b'<handshake/>')
            self.conn = conn
            self.is_up.set()
        while data := conn.recv(65536):
            self.received += data
            if b'</stream:stream>' in data:
                conn.sendall(b'</stream:stream>')
                break
        conn.close()


class Run:
    """One xfedd with its scratch folder."""

    def __init__(self, extra='', user=None, frees_all=True, state=None, process=SANDBOX, passed=None, port=None, link='', listen='', drain='2s'):
        self.folder = tempfile.mkdtemp(prefix='xfedd-check-')
        os.chmod(self.folder, 0o755)
        self.cluster = Cluster()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path('notify'))
        os.chmod(self.path('notify'), 0o666)
        self.notify.settimeout(PATIENCE)
        self.certificate()
        self.write('secret', SECRET + '\n', 0o600)
        self.user, self.process_settings, self.link_settings, self.listen, self.drain = user, process, link, listen, drain
        if port:
            self.listen_port = port
        self.configure(extra)
        self.log = open(self.path('log'), 'w+')
        env = dict(os.environ, NOTIFY_SOCKET=self.path('notify'), WATCHDOG_USEC='400000')
        env.pop('JOURNAL_STREAM', None)
        if state:
            env['STATE_DIRECTORY'] = state
        argv = [XFEDD, '-c', self.path('xfed.conf')]
        if VALGRIND:
            kinds = 'all' if frees_all else 'definite'
            argv = ['valgrind', '-q', '--leak-check=full', '--error-exitcode=99', f'--show-leak-kinds={kinds}',
                    f'--errors-for-leak-kinds={kinds}', *argv]
        if passed:  # as systemd does it: descriptor 3, and the number of the process
            argv = ['bash', '-c', f'exec 3<&{passed.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=xfedd.socket exec "$@"', 'bash', *argv]
        fds = [passed.fileno()] if passed else []
        self.process = subprocess.Popen(argv, stderr=self.log, stdout=self.log, env=env, pass_fds=fds)
        self.told = []

    def certificate(self, prefix=''):
        key, cert = (self.path(f'{prefix}-{name}.pem'.lstrip('-')) for name in ('key', 'cert'))
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                        '-subj', '/CN=a.example', '-addext', 'subjectAltName=DNS:a.example', '-keyout', key, '-out', cert],
                       check=True, capture_output=True)
        os.chmod(key, 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), 'w') as out:
            out.write(text)
        os.chmod(self.path(name), mode)

    def configure(self, extra):
        port = self.cluster.server.getsockname()[1]
        user = f'user = "{self.user}"' if self.user else ''
        self.write('xfed.conf', f'''
listen {{ s2s = {{"127.0.0.1:0x"}} {self.listen} }}
dns {{ servers = {{"127.0.0.1:9"}} timeout = 500ms }}
trust {{ ca-file = "cert.pem" }}
dialback {{ secret-file = "secret" }}
process {{ drain-time = {self.drain} {user} {self.process_settings} }}
link "l" {{ nodes = {{"127.0.0.1:{port}"}} name = "gw.example" secret-file = "secret" {self.link_settings} }}
served "a.example" {{ link = l certificate = "cert.pem" key = "key.pem" }}
{extra}
'''.replace(':0x', f':{self.port()}'))

    def port(self):
        if not hasattr(self, 'listen_port'):
            with socket.create_server(('127.0.0.1', 0)) as probe:
                self.listen_port = probe.getsockname()[1]
        return self.listen_port

    def lines(self):
        with open(self.path('log')) as log:
            return log.read().splitlines()

    def wait_line(self, pattern, count=1):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [line for line in self.lines() if re.search(pattern, line)]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f'no line with {pattern!r} in:\n' + '\n'.join(self.lines()))

    def wait_told(self, word):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.told.append(self.notify.recv(4096).decode())
            if self.told[-1].startswith(word):
                return self.told[-1]
        raise AssertionError(f'systemd was not told {word}: {self.told}')

    def ready(self):
        self.wait_told('READY=1')
        self.wait_line('process.ready')
        assert self.cluster.is_up.wait(PATIENCE), 'the link did not come up:\n' + '\n'.join(self.lines())
        self.wait_line('link.stream.up')
        return self

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self, code=0, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        assert self.process.wait(PATIENCE) == code, f'exit {self.process.returncode}:\n' + '\n'.join(self.lines()[-60:])

    def send(self, stanza):
        self.cluster.conn.sendall(stanza.encode())

    def wait_received(self, pattern):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if re.search(pattern, self.cluster.received.decode()):
                return
            time.sleep(0.02)
        raise AssertionError(f'no {pattern!r} in {self.cluster.received.decode()!r}')

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.cluster.close()
        self.notify.close()
        self.log.close()
        shutil.rmtree(self.folder)


@check('the first line says what runs, systemd is told, the watchdog is fed, and TERM ends with 0')
def start_and_end(new):
    run = new().ready()
    if os.geteuid() == 0:
        run.wait_line('warn process.root.kept help=root-kept advice="set process')
    first = run.lines()[0]
    assert re.search(r'info process\.started version="[0-9.]+" config=".*" listeners="127\.0\.0\.1:\d+" pid=\d+$', first), first
    run.wait_told('WATCHDOG=1')
    run.wait_told('WATCHDOG=1')
    run.end()
    run.wait_line('process.stopped')
    run.wait_told('STOPPING=1')
    run.wait_received('</stream:stream>')


@check('INT ends like TERM')
def interrupt(new):
    new().ready().end(0, signal.SIGINT)


@check('a reload takes peers and policy over')
def reload_policy(new):
    run = new().ready()
    run.configure('policy { default = deny }')
    run.reload()
    assert run.wait_told('RELOADING=1').split('\n')[1].startswith('MONOTONIC_USEC=')
    run.wait_told('READY=1')
    run.wait_line('config.reload.done served=1 peers=0')
    run.send("<message from='u@a.example' to='v@b.example' id='m1'><body>x</body></message>")
    run.wait_received("id=['\"]m1['\"].*not-allowed")
    run.end()


@check('a configuration that does not load leaves the running one in force')
def reload_broken(new):
    run = new('policy { default = deny }').ready()
    run.configure('policy { defualt = allow }')
    run.reload()
    run.wait_line(r'error config.reload.warned detail=".*xfed.conf:9: unknown key .*defualt.*did you mean .*default')
    run.wait_line('error config.reload.refused')
    run.configure(f'link "x" {{ nodes = {{"127.0.0.1:1"}} name = x.example secret-file = "link.secret" driver = "{"r" * 200}" }}')
    run.reload()
    line = run.wait_line('error config.reload.warned detail=".*xfed.conf:9: driver = .*r+.*" more=".*component or router"')
    assert 'expected component or router' in line.replace('" more="', ''), line     # which is cut anywhere
    run.send("<message from='u@a.example' to='v@b.example' id='m1'><body>x</body></message>")
    run.wait_received("id=['\"]m1['\"].*not-allowed")
    run.end()


@check('blocklists are read anew, and one that is broken leaves everything as it was')
def reload_blocklist(new):
    lists = 'policy { blocklists = {"blocked.list"} }'
    run = new().ready()
    run.write('blocked.list', '# nothing yet\n')
    run.configure(lists)
    run.reload()
    run.wait_line('config.reload.done')
    run.write('blocked.list', '# as of today\n*.b.example until=2099-01-01 by the abuse desk\n')
    run.reload()
    run.wait_line('config.reload.done', 2)
    run.send("<message from='u@a.example' to='v@b.example' id='m1'><body>x</body></message>")
    run.wait_received("id=['\"]m1['\"].*not-allowed")
    run.wait_line('policy.stanza.refused .*rule=blocklist key="blocklists" place=".*blocked.list:2" detail="by the abuse desk"')
    run.write('blocked.list', 'c.example\n@no domain\n')
    run.configure(lists + '\npolicy-of-nobody { }')  # even when more is wrong
    run.reload()
    run.wait_line('config.reload.refused')
    run.configure(lists)
    run.reload()
    run.wait_line('config.reload.warned detail=".*blocklists: .*blocked.list:2: @no: expected')
    run.wait_line('config.reload.refused detail="a blocklist cannot be read"')
    run.send("<message from='u@a.example' to='v@x.b.example' id='m2'><body>x</body></message>")
    run.wait_received("id=['\"]m2['\"].*not-allowed")
    run.end()


@check('a key that cannot be read any more leaves the certificate in force')
def reload_without_key(new):
    run = new().ready()
    os.rename(run.path('key.pem'), run.path('gone.pem'))
    run.reload()
    run.wait_line('warn config.reload.warned detail=".*key.pem: No such file')
    run.wait_line('warn config.reload.warned detail="xfedd still uses what it read from these files before')
    run.wait_line('config.reload.done')
    with socket.create_connection(('127.0.0.1', run.port()), PATIENCE) as peer:
        peer.sendall(b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='b.example' "
                     b"to='a.example' version='1.0'>")
        got = b''
        while b'</stream:features>' not in got:
            got += peer.recv(4096)
        assert b'urn:ietf:params:xml:ns:xmpp-tls' in got, got
    run.end()


@check('a new domain without a certificate is refused')
def reload_new_domain(new):
    run = new().ready()
    run.configure('served "c.example" { link = l certificate = "nowhere.pem" key = "nowhere.pem" }')
    run.reload()
    run.wait_line('config.reload.refused')
    run.end()


@check('a new domain on a new link is refused, with the names of both')
def reload_new_link(new):
    run = new().ready()
    run.configure('link "m" { nodes = {"127.0.0.1:1"} name = m.example secret-file = "secret" }\n'
                  'served "c.example" { link = m certificate = "cert.pem" key = "key.pem" }')
    run.reload()
    run.wait_line(r'config.reload.refused detail="link ..m.. of served ..c.example.. is new, which needs a restart"')
    run.end()


@check('what needs a restart is named')
def reload_restart(new):
    run = new().ready()
    run.listen_port = 1
    run.configure('')
    run.reload()
    run.wait_line('warn config.restart.needed detail="listen.s2s"')
    run.wait_line('config.reload.done')
    run.end()


@check('many reloads at once come to an end')
def reload_often(new):
    run = new().ready()
    for _ in range(20):
        run.reload()
        time.sleep(0.003)
    run.wait_line('config.reload.done')
    run.reload()  # an xfedd that did not run meanwhile has taken all of them for one
    run.wait_line('config.reload.done', 2)
    run.reload()
    run.end()


@check('a drain bounces what is left, and leaves a peer that does not answer')
def drain(new):
    run = new('defaults { queue-time = 60s }\npeer "b.example" { route = {"127.0.0.1:1"} }', frees_all=False).ready()
    silent = socket.create_server(('127.0.0.1', 0))
    run.configure('peer "b.example" { route = {"127.0.0.1:%d"} negotiate-timeout = 60s }' % silent.getsockname()[1])
    run.reload()
    run.wait_line('config.reload.done')
    run.send("<message from='u@a.example' to='v@b.example' id='m1'><body>x</body></message>")
    silent.settimeout(PATIENCE)
    peer, _ = silent.accept()
    began = time.monotonic()
    run.end()
    took = time.monotonic() - began
    run.wait_received("id=['\"]m1['\"].*remote-server-timeout")
    assert took >= 1.9, f'it did not wait: {took}'
    peer.close()
    silent.close()


@check('a second signal ends at once, with 1')
def second_signal(new):
    run = new('peer "b.example" { route = {"127.0.0.1:1"} }', frees_all=False, drain='60s').ready()
    silent = socket.create_server(('127.0.0.1', 0))
    run.configure('peer "b.example" { route = {"127.0.0.1:%d"} }' % silent.getsockname()[1])
    run.reload()
    run.wait_line('config.reload.done')
    run.send("<message from='u@a.example' to='v@b.example' id='m1'><body>x</body></message>")
    silent.settimeout(PATIENCE)
    peer, _ = silent.accept()
    run.process.send_signal(signal.SIGTERM)
    run.wait_line('process.stopping')
    began = time.monotonic()
    run.end(1)
    assert time.monotonic() - began < 10
    run.wait_line('process.stop.forced')
    peer.close()
    silent.close()


@check('a start tag of 60 KB in pieces is acted upon at once, whichever libexpat this runs with')
def long_tag(new):
    run = new('peer "b.example" { direction = none }').ready()
    stanza = f"<message from='u@a.example' to='v@b.example' id='long'><x xmlns='urn:x' a='{'y' * 60000}'/></message>"
    for at in range(0, len(stanza), 4000):
        run.send(stanza[at:at + 4000])
        time.sleep(0.005)
    run.wait_received(r'<message [^>]*id=.long.[^>]*>\s*<error ')
    run.end()


def port_of(sock):
    return sock.getsockname()[1]


@check('a socket of systemd is taken over, and connections wait in it until the next xfedd')
def inherited(new):
    with socket.create_server(('127.0.0.1', 0)) as passed:
        run = new(passed=passed, port=port_of(passed)).ready()
        run.wait_line(rf'info process.socket.inherited addr="127\.0\.0\.1:{port_of(passed)}" name="xfedd.socket"')
        run.end()
        with socket.create_connection(('127.0.0.1', port_of(passed)), PATIENCE) as waits:
            waits.sendall(HEADER.encode())
            run = new(passed=passed, port=port_of(passed)).ready()
            waits.settimeout(PATIENCE)
            read_until(waits, '</stream:features>')
        run.end()


@check('a socket of systemd that the configuration does not have is refused, with both addresses')
def inherited_elsewhere(new):
    with socket.create_server(('127.0.0.1', 0)) as passed:
        run = new(passed=passed)
        assert run.process.wait(PATIENCE) == 78, run.process.returncode
        run.wait_line(rf'error process.start.failed detail="systemd passed a socket on 127\.0\.0\.1:{port_of(passed)} \(xfedd.socket\), '
                      rf'which is not in listen .* s2s = .*127\.0\.0\.1:{run.port()}')


@check('another program has taken the port while peers were refused, and that is told')
def port_taken(new):
    run = new(link='hold-time = 1s refuse-peers = yes').ready()
    run.cluster.stop()
    run.wait_line('warn process.listeners.closed listeners=1')
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(('127.0.0.1', run.port()))
        thief.listen()
        run.cluster.start()
        run.wait_line('error process.listeners.failed detail=".+" help=listeners advice="restart xfedd"')
    run.end()


@check('a process without descriptors says so')
def descriptors(new):
    if VALGRIND:
        left_out('descriptors', 'valgrind has its own limit')
        return
    run = new().ready()
    count = len(os.listdir(f'/proc/{run.process.pid}/fd'))
    resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, (count + 1, count + 1))
    peers = [socket.create_connection(('127.0.0.1', run.port())) for _ in range(4)]
    run.wait_line(r'error process.descriptors.exhausted closed=\d+ help=descriptors advice="raise')
    for peer in peers:
        peer.close()
    run.end()


@check('root becomes the user, and a reload without rights to the key goes on')
def user(new):
    if os.geteuid() != 0:
        left_out('process { user }', 'needs root')
        return
    if VALGRIND:
        left_out('process { user }', 'under valgrind the status is not the one of xfedd')
        return
    run = new(user='nobody').ready()
    run.wait_line('process.user.changed user="nobody"')
    status = open(f'/proc/{run.process.pid}/status').read()
    uid = str(pwd.getpwnam('nobody').pw_uid)
    assert re.search(rf'^Uid:\s+{uid}\s+{uid}\s+{uid}\s+{uid}$', status, re.M), status
    assert re.search(r'^NoNewPrivs:\s+1$', status, re.M), status
    groups = re.search(r'^Groups:(.*)$', status, re.M).group(1).split()
    assert '0' not in groups, groups
    run.reload()
    run.wait_line('secret-file = .*: the secret in force stays')
    run.wait_line('config.reload.done')
    run.end()


HEADER = ("<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' "
          "from='b.example' to='a.example' id='s1' version='1.0'>")


def read_until(conn, word):
    got = ''
    while word not in got:
        data = conn.recv(4096)
        assert data, f'closed before {word!r}: {got}'
        got += data.decode()
    return got


def come_by_dialback(run, authority):
    """b.example connects in clear; `authority` is its server, which vouches for the key."""
    with socket.create_connection(('127.0.0.1', run.port()), PATIENCE) as peer:
        peer.sendall(HEADER.encode())
        read_until(peer, '</stream:features>')
        peer.sendall(b"<db:result from='b.example' to='a.example'>k</db:result>")
        asked, _ = authority.accept()
        with asked:
            asked.settimeout(PATIENCE)
            read_until(asked, '<stream:stream')
            asked.sendall((HEADER + "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>").encode())
            stream_id = re.search(r"<db:verify[^>]* id=['\"]([^'\"]+)", read_until(asked, '</db:verify>')).group(1)
            asked.sendall(f"<db:verify from='b.example' to='a.example' id='{stream_id}' type='valid'/>".encode())
            read_until(peer, 'type=')
            run.wait_line('s2s.stream.up dir=in .*auth=dialback')


def remembered(path):
    with sqlite3.connect(path) as db:
        return db.execute('SELECT peer, direction, auth FROM peers ORDER BY direction').fetchall()


def is_boxed(run):
    """False, and said why: this build or run is without."""
    if VALGRIND:
        left_out('sandbox', 'valgrind itself would be refused')
        return False
    missing = [line for line in run.lines() if 'process.sandbox.missing part=all' in line]
    if missing:
        assert ' help=sandbox-missing ' in missing[0], missing
        left_out('sandbox', 'built with a sanitizer')
        return False
    run.wait_line('info process.sandbox.on calls=yes files=yes')
    return True


def threads(run):
    """Of each: its Seccomp mode, and whether it may gain privileges."""
    found = []
    for task in os.listdir(f'/proc/{run.process.pid}/task'):
        with open(f'/proc/{run.process.pid}/task/{task}/status') as status:
            text = status.read()
        found.append(tuple(re.search(rf'^{key}:\s+(\d+)$', text, re.M).group(1) for key in ('Seccomp', 'NoNewPrivs')))
    return found


def health(port):
    """-> the answer of /healthz, or why there is none"""
    try:
        with socket.create_connection(('127.0.0.1', port), PATIENCE) as client:
            client.sendall(f'GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n'.encode())
            return client.makefile().read().split('\n')[0]
    except OSError as e:
        return str(e)


def free_port(first=0):
    """A port that nobody has; from `first` on, if that says something."""
    for port in range(first, first + 100) if first else [0]:
        try:
            with socket.create_server(('127.0.0.1', port)) as probe:
                return probe.getsockname()[1]
        except OSError:
            continue
    return None


@check('HTTP is answered after root was given up, on a port that only root may open, and never twice on one port')
def http(new):
    port = free_port(600 if os.geteuid() == 0 else 0)
    user = 'nobody' if os.geteuid() == 0 and not VALGRIND else None
    run = new(listen=f'http = "127.0.0.1:{port}"', user=user).ready()
    assert f'127.0.0.1:{port}/http' in run.lines()[0], run.lines()[0]
    assert health(port) == 'HTTP/1.1 200 OK', health(port)
    second = new(listen=f'http = "127.0.0.1:{port}"')
    assert second.process.wait(PATIENCE) == 1
    second.wait_line(f'process.start.failed detail="127.0.0.1:{port}: cannot listen: Address already in use"')
    run.listen = f'http = "127.0.0.1:{port + 1}"'
    run.configure('')
    run.reload()
    run.wait_line('config.restart.needed detail="listen.http"')
    assert health(port) == 'HTTP/1.1 200 OK', health(port)
    run.end()
    assert 'refused' in health(port), health(port)


@check('every thread is in the sandbox, and goes on with its work there: new certificates too')
def sandbox(new):
    run = new().ready()
    if not is_boxed(run):
        return
    run.certificate('next')
    for name in ('cert', 'key'):
        os.rename(run.path(f'next-{name}.pem'), run.path(f'{name}.pem'))
    run.reload()  # starts the pool
    run.wait_line('config.reload.done')
    assert len(threads(run)) > 1 and set(threads(run)) == {('2', '1')}, threads(run)
    assert not any('warned' in line or 'outside' in line for line in run.lines()), run.lines()
    run.end()


@check('what lies elsewhere is out of reach for a reload, which says so; a new start reaches it')
def sandbox_outside(new):
    elsewhere = tempfile.mkdtemp(prefix='xfedd-check-else-')
    pin = f'peer "b.example" {{ pins = {{"{elsewhere}/pin.pem"}} }}'
    try:
        run = new().ready()
        if not is_boxed(run):
            return
        shutil.copy(run.path('cert.pem'), f'{elsewhere}/pin.pem')
        run.configure(pin)
        run.reload()
        run.wait_line(f'warn process.sandbox.outside file="{elsewhere}/pin.pem" help=sandbox-outside ')
        run.wait_line('config.reload.warned detail=".*Permission denied')
        run.wait_line('config.reload.refused')
        run.end()
        run = new(pin).ready()
        run.reload()
        run.wait_line('config.reload.done served=1 peers=1')
        run.end()
    finally:
        shutil.rmtree(elsewhere)


def copies(run, *needles):
    """How often each is in the writable memory of xfedd, also in what was freed."""
    counts = [0] * len(needles)
    with open(f'/proc/{run.process.pid}/maps') as maps, open(f'/proc/{run.process.pid}/mem', 'rb', 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith('rw'):
                continue
            start, end = (int(text, 16) for text in span.split('-'))
            memory.seek(start)
            data = memory.read(end - start)
            counts = [count + data.count(needle.encode()) for count, needle in zip(counts, needles)]
    return counts


def wait_copies(run, line, wanted):
    end = time.monotonic() + PATIENCE
    while (found := copies(run, SECRET, line)) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert found == wanted, found


@check('memory holds a secret once for each place that needs it, also after many reloads, and no text of a key')
def wiped(new):
    run = new().ready()
    if os.geteuid() != 0 or not is_boxed(run):
        left_out('secrets in memory', 'needs root, and memory as it is')
        return
    with open(run.path('key.pem')) as key:
        line = key.read().splitlines()[1]
    wait_copies(run, line, [2, 0])  # of the link, of dialback
    for count in range(1, 6):
        run.reload()
        run.wait_line('config.reload.done', count)
    wait_copies(run, line, [4, 0])  # the configuration of the start stays, for the links; the last one is freed behind the log's line
    run.end()


@check('sandbox = no leaves it out')
def sandbox_off(new):
    run = new(process='sandbox = no').ready()
    assert VALGRIND or set(threads(run)) == {('0', '1')}, threads(run)
    assert not any('process.sandbox' in line for line in run.lines()), run.lines()
    run.end()


@check('what peers authenticated with is kept over a restart, and a fall behind it is an alarm')
def memory(new):
    state = tempfile.mkdtemp(prefix='xfedd-check-state-')
    user = 'nobody' if os.geteuid() == 0 and not VALGRIND else None  # libc keeps what it looked the user up with
    path = os.path.join(state, 'peers.db')
    with socket.create_server(('127.0.0.1', 0)) as authority:
        authority.settimeout(PATIENCE)
        peer = 'peer "b.example" { tls = none  certificate = ignore  route = {"127.0.0.1:%d"} }' % authority.getsockname()[1]
        try:
            if user:
                shutil.chown(state, user)
            run = new(peer, user=user, state=state).ready()
            come_by_dialback(run, authority)
            end = time.monotonic() + PATIENCE
            while not remembered(path) and time.monotonic() < end:  # written behind, while it runs
                time.sleep(0.1)
            run.end()
            assert os.stat(path).st_mode & 0o7777 == 0o600, oct(os.stat(path).st_mode)
            assert not user or os.stat(path).st_uid == pwd.getpwnam(user).pw_uid
            assert remembered(path) == [('b.example', 'in', 'dialback-clear'), ('b.example', 'out', 'dialback-clear')], remembered(path)
            with sqlite3.connect(path) as db:
                db.execute("UPDATE peers SET auth = 'external'")  # as if it had been better once
            run = new(peer, user=user, state=state).ready()
            come_by_dialback(run, authority)
            run.wait_line('warn peer.tls.lost dir=in local="a.example" peer="b.example".* was=external is=dialback-clear')
            run.end()
            assert remembered(path) == [('b.example', 'in', 'external'), ('b.example', 'out', 'external')], remembered(path)
            assert not any(' memory.' in line for line in run.lines()), run.lines()
        finally:
            shutil.rmtree(state)


def wait_written(path, *texts):
    """Until a file of SQLite, which nobody else may read as such while xfedd has it, holds the texts."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        held = b''
        for name in (path, path + '-wal'):
            if os.path.exists(name):
                with open(name, 'rb') as file:
                    held += file.read()
        if all(text.encode() in held for text in texts):
            return
        time.sleep(0.05)
    raise AssertionError(f'{path} does not hold {texts}')


def wait_message(silent):
    """A stream that xfedd opens to the peer, which says nothing on it."""
    silent.settimeout(PATIENCE)
    peer, _ = silent.accept()
    return peer


@check('messages that wait survive kill -9 and a stop, and the next xfedd delivers them')
def journal(new):
    state = tempfile.mkdtemp(prefix='xfedd-check-state-')
    user = 'nobody' if os.geteuid() == 0 and not VALGRIND else None
    path = os.path.join(state, 'journal.db')
    if user:
        shutil.chown(state, user)
    try:
        with socket.create_server(('127.0.0.1', 0)) as silent:
            conf = ('journal { file = "%s" }\npeer "b.example" { route = {"127.0.0.1:%d"} negotiate-timeout = 60s }'
                    % (path, silent.getsockname()[1]))
            run = new(conf, user=user, frees_all=False).ready()
            for ident in ('m1', 'm2'):
                run.send(f"<message from='u@a.example' to='v@b.example' id='{ident}'><body>kept {ident}</body></message>")
            peer = wait_message(silent)
            wait_written(path, 'kept m1', 'kept m2')
            run.end(-signal.SIGKILL, signal.SIGKILL)
            assert os.stat(path).st_mode & 0o7777 == 0o600, oct(os.stat(path).st_mode)
            peer.close()
            run = new(conf, user=user, frees_all=False).ready()
            run.wait_line('info journal.messages.replayed file=".*" stanzas=2 late=0 damaged=0')
            peer = wait_message(silent)
            run.end()
            run.wait_line('info journal.messages.kept stanzas=2')
            peer.close()
        run = new(conf, user=user).ready()  # nobody listens there
        run.wait_line('info journal.messages.replayed file=".*" stanzas=2 late=0 damaged=0')
        run.wait_received("id=['\"]m1['\"].*remote-server-timeout.*id=['\"]m2['\"].*remote-server-timeout")
        run.end()
        with sqlite3.connect(path) as db:
            assert db.execute('SELECT count(*) FROM messages').fetchone() == (0,)
        assert not any(' journal.write' in line or 'journal.file' in line for line in run.lines()), run.lines()
    finally:
        shutil.rmtree(state)


@check('a file that is not a history of xfedd is left unchanged, and the gateway works without it')
def memory_foreign(new):
    run = new('memory { file = "cert.pem" }').ready()
    with open(run.path('cert.pem'), 'rb') as file:
        before = file.read()
    run.wait_line(r'error memory.file.refused file=".*cert.pem" detail=".*is not a history of xfedd, and is left unchanged.* help=file-refused ')
    run.end()
    with open(run.path('cert.pem'), 'rb') as file:
        assert file.read() == before


SUBSCRIPTIONS = 'sip { host = "sip.a.example" }'


@check('the file of SIP subscriptions is made in the sandbox, for its owner and one process; a damaged one is set aside')
def subscriptions(new):
    state = tempfile.mkdtemp(prefix='xfedd-check-state-')
    user = 'nobody' if os.geteuid() == 0 and not VALGRIND else None
    path = os.path.join(state, 'sip.db')
    try:
        if user:
            shutil.chown(state, user)
        run = new(SUBSCRIPTIONS, user=user, state=state).ready()
        if any('built without SIP' in line for line in run.lines()):
            run.end()
            return
        assert os.stat(path).st_mode & 0o7777 == 0o600, oct(os.stat(path).st_mode)
        assert not any(' dialogs.' in line for line in run.lines()), run.lines()
        other = new(SUBSCRIPTIONS, user=user, state=state).ready()
        other.wait_line('error dialogs.file.refused file=".*/sip.db" detail=".*is in use by another process.*" help=file-refused ')
        other.end()
        run.configure(SUBSCRIPTIONS.replace('}', 'dialogs-file = "" }'))
        run.reload()
        run.wait_line('warn config.restart.needed detail="sip.dialogs-file"')
        run.end()
        assert sorted(os.listdir(state)) == ['peers.db', 'sip.db'], os.listdir(state)
        with open(path, 'r+b') as file:  # all but the first page
            file.seek(4096)
            file.write(b'Z' * (os.stat(path).st_size - 4096))
        run = new(SUBSCRIPTIONS, user=user, state=state).ready()
        run.wait_line('error dialogs.file.renewed file=".*/sip.db" aside=".*/sip.db.unusable" detail=".*is damaged; .*" help=file-refused ')
        run.end()
        assert sorted(os.listdir(state)) == ['peers.db', 'sip.db', 'sip.db.unusable'], os.listdir(state)
    finally:
        shutil.rmtree(state)


def enter_network():
    """One of our own, where nobody else takes a port that we have found free; what is not root or has no ip(8) stays where it is."""
    try:
        if os.geteuid() == 0 and shutil.which('ip'):
            net.enter_new()
    except Failed as error:
        print(f'in the network of all: {error}')


def main():
    failed = 0
    enter_network()
    for name, function in CHECKS:
        runs = []

        def new(*args, **kwargs):
            runs.append(Run(*args, **kwargs))
            return runs[-1]

        began = time.monotonic()
        try:
            function(new)
            print(f'ok    {name} ({time.monotonic() - began:.1f} s)')
        except Exception as error:
            failed += 1
            print(f'FAIL  {name}: {error!r}'.replace('\\n', '\n'))
        for run in runs:
            run.close()
    print(f'{len(CHECKS) - failed} of {len(CHECKS)} hold')
    return 1 if failed or not CHECKS else 0


sys.exit(main())
