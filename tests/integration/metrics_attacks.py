#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hostile clients of xfedd's HTTP port: what they are refused, and that nobody else notices them: during each attack a message passes over S2S, another
address gets its /healthz, and xfedd's memory stays where it was.
"""
import contextlib
import os
import socket
import sys
import time

from lab import net, options, web
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER

IP = net.GATEWAY
ATTACKER, HONEST = '127.79.0.1', '127.79.0.2'
TIME_S, IDLE_S = 10, 5          # xfedd's limits: of a connection, of its silence
PER_ADDRESS, IN_ALL = 16, 32
GROWTH_MIB = 8
SOON = 1.0

GET = f'GET /metrics HTTP/1.1\r\nHost: {IP}:{web.PORT}\r\n'

# what it is, the request, the status that it gets; 0: the connection ends without an answer
REQUESTS = (
    ('the usual request', f'{GET}\r\n', 200),
    ('HEAD', f'HEAD /metrics HTTP/1.1\r\nHost: localhost:{web.PORT}\r\n\r\n', 200),
    ('a query', f'GET /metrics?x=1 HTTP/1.1\r\nHost: {IP}\r\n\r\n', 200),
    ('another Host, as after DNS rebinding', f'GET /metrics HTTP/1.1\r\nHost: evil.example:{web.PORT}\r\n\r\n', 421),
    ('no Host', 'GET /metrics HTTP/1.1\r\n\r\n', 400),
    ('no Host in HTTP/1.0', 'GET /metrics HTTP/1.0\r\n\r\n', 400),
    ('two Hosts', f'GET /metrics HTTP/1.1\r\nHost: {IP}\r\nHost: evil.example\r\n\r\n', 400),
    ('a form of another site', f'POST /metrics HTTP/1.1\r\nHost: {IP}\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nxx', 403),
    ('an image on another site', f'{GET}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n', 403),
    ('a script of another site', f'{GET}Origin: http://evil.example\r\n\r\n', 403),
    ('a sandboxed frame', f'{GET}Origin: null\r\n\r\n', 403),
    ('POST', f'POST /metrics HTTP/1.1\r\nHost: {IP}\r\nContent-Length: 2\r\n\r\nxx', 405),
    ('DELETE', f'DELETE /metrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 405),
    ('TRACE', f'TRACE /metrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 405),
    ('CONNECT', f'CONNECT {IP}:5269 HTTP/1.1\r\nHost: {IP}\r\n\r\n', 405),
    ('a method that nobody knows', f'{"X" * 100} /metrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 405),
    ('GET with a body of a terabyte', f'{GET}Content-Length: 1000000000000\r\n\r\n', 413),
    ('GET with a body in chunks', f'{GET}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n', 413),
    ('a folder above', f'GET /../../etc/passwd HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('... escaped', f'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('... behind a page', f'GET /metrics/../healthz HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('an escaped letter', f'GET /%6detrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('a NUL', f'GET /metrics%00.html HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('two slashes', f'GET //metrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('a slash at the end', f'GET /metrics/ HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('capital letters', f'GET /METRICS HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('as for a proxy', f'GET http://evil.example/metrics HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
    ('the root', f'GET / HTTP/1.1\r\nHost: {IP}\r\n\r\n', 404),
)

STRICT = {'content-security-policy': "default-src 'none'; frame-ancestors 'none'", 'x-content-type-options': 'nosniff', 'cache-control': 'no-store',
          'referrer-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'connection': 'close'}


def best(measure):
    """The quickest (result, seconds) of up to three, until one is soon: the machine may stand still meanwhile."""
    got = []
    while len(got) < 3 and (not got or got[-1][1] >= SOON):
        got.append(measure())
    return min(got, key=lambda pair: pair[1])


def health(source):
    """-> the status of /healthz, and the seconds until it was there"""
    begun = time.monotonic()
    status = web.ask(IP, '/healthz', source=source).status
    return status, time.monotonic() - begun


class Witness:
    """Whoever is not attacked: a message to a peer, an honest client, the memory."""
    def __init__(self, report, gateway, cluster, peer):
        self.report, self.gateway, self.cluster = report, gateway, cluster
        self.arrived, self._n = set(), 0
        peer.on_stanza = lambda _stream, element: self.arrived.add(element.get('id'))

    def message(self):
        """-> seconds until it arrived"""
        self._n += 1
        begun = time.monotonic()
        self.cluster.send(f"<message from='alice@{LOCAL}/x' to='bob@{PEER}' id='w{self._n}'><body>hi</body></message>")
        while f'w{self._n}' not in self.arrived and time.monotonic() < begun + 30:
            time.sleep(0.005)
        return time.monotonic() - begun

    def memory(self):
        with open(f'/proc/{self.gateway.proc.pid}/statm') as f:
            return int(f.read().split()[1]) * os.sysconf('SC_PAGESIZE') / (1 << 20)

    def look(self, what, source=HONEST):
        """Now, while it goes on."""
        _, took = best(lambda: (None, max(self.message() for _ in range(5))))
        self.report.check(f'{what}: messages pass within {took * 1000:.0f} ms', took < SOON)
        if source:
            status, took = best(lambda: health(source))
            self.report.check(f'{what}: another address gets its answer within {took * 1000:.0f} ms', status == 200 and took < SOON, f'status {status}')

    @contextlib.contextmanager
    def memory_is_flat(self, what):
        before = self.memory()
        yield
        grown = self.memory() - before
        if self.gateway.lab.wrapper:    # a sanitizer keeps what was freed
            self.report.say(f'{what}: memory grew by {grown:.1f} MiB')
            return
        self.report.check(f'{what}: memory grew by {grown:.1f} MiB', grown < GROWTH_MIB)


def check_requests(report):
    for what, request, status in REQUESTS:
        answer = web.send_raw(IP, request, ATTACKER)
        report.equal(f'{what}: {status}', answer.status, status)
        if answer.status in (200, 403, 404, 405, 421):
            wrong = {k: answer.headers.get(k) for k, v in STRICT.items() if answer.headers.get(k) != v}
            if wrong:
                report.check(f'{what}: strict headers', False, str(wrong))
        if status == 200 and request.startswith('HEAD'):
            report.equal('HEAD has no body', answer.body, b'')


def check_pipelining(report):
    raw = web.send_raw(IP, f'{GET}\r\n{GET}\r\n', ATTACKER)
    report.equal('two requests at once: one is answered', raw.body.count(b'HTTP/1.1'), 0)


def check_huge(report, witness):
    with witness.memory_is_flat('huge requests'):
        for what, text in (('a header of 1 MB', f'{GET}X: {"a" * (1 << 20)}\r\n\r\n'), ('100000 headers', GET + 'A: b\r\n' * 100000 + '\r\n'),
                           ('a path of 1 MB', f'GET /{"a" * (1 << 20)} HTTP/1.1\r\nHost: {IP}\r\n\r\n'), ('100 MB without a line', None)):
            answer = flood_line() if text is None else web.send_raw(IP, text, ATTACKER)
            report.check(f'{what}: {answer.status or "no answer"}', answer.status in (0, 400, 413, 414, 431), str(answer.status))
    witness.look('after huge requests')


def flood_line():
    with web.dial(IP, ATTACKER) as sock:
        try:
            for _ in range(100):
                sock.sendall(b'a' * (1 << 20))
        except (ConnectionError, TimeoutError):
            pass
        return web.Answer(web.read_all(sock))


def open_conns(count, source, first):
    """-> sockets: some may still wait to be accepted, or be closed already"""
    conns = []
    for _ in range(count):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.setblocking(False)
        sock.connect_ex((IP, web.PORT))
        conns.append(sock)
    time.sleep(0.05)
    for sock in conns:
        try:
            sock.send(first.encode())
        except OSError:
            pass
    return conns


def is_closed(sock):
    sock.setblocking(False)
    try:
        while sock.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def check_slow(report, witness, what, step, first=GET):
    """Connections that send, or read, a little now and then: they end in time all the same."""
    with witness.memory_is_flat(what):
        begun = time.monotonic()
        conns = open_conns(PER_ADDRESS, ATTACKER, first)
        witness.look(what)
        while time.monotonic() < begun + TIME_S - 2:
            for sock in conns:
                step(sock)
            time.sleep(0.5)
        left = sum(not is_closed(sock) for sock in conns)
        while left and time.monotonic() < begun + TIME_S + 5:
            time.sleep(0.2)
            left = sum(not is_closed(sock) for sock in conns)
        report.check(f'{what}: all {len(conns)} ended within {time.monotonic() - begun:.1f} s', left == 0 and conns, f'{left} are left')
        for sock in conns:
            sock.close()


def send_a_byte(sock):
    try:
        sock.send(b'a')
    except OSError:
        pass


def read_a_byte(sock):
    try:
        sock.setblocking(False)
        sock.recv(1)
    except OSError:
        pass


def check_silent(report, witness):
    begun = time.monotonic()
    conns = open_conns(PER_ADDRESS, ATTACKER, '')
    witness.look('silent connections')
    while any(not is_closed(s) for s in conns) and time.monotonic() < begun + TIME_S + 3:
        time.sleep(0.2)
    report.check(f'silent connections ended within {time.monotonic() - begun:.1f} s', time.monotonic() < begun + IDLE_S + 4)


def check_many(report, witness):
    with witness.memory_is_flat('1000 connections'):
        conns = open_conns(1000, ATTACKER, GET)
        counted = witness_conns()
        report.check(f'1000 connections of one address: {counted} are open', counted <= PER_ADDRESS + 1)
        witness.look('1000 connections')
        for sock in conns:
            sock.close()
    with witness.memory_is_flat('1000 connections of 100 addresses'):
        conns = [c for i in range(100) for c in open_conns(10, f'127.79.1.{i + 1}', GET)]
        witness.look('1000 connections of 100 addresses', source=None)
        for sock in conns:
            sock.close()
    begun = time.monotonic()
    while web.ask(IP, '/healthz', source=HONEST, timeout=TIME_S + 5).status != 200 and time.monotonic() < begun + TIME_S + 3:
        time.sleep(0.2)
    report.check(f'... and it answers again after {time.monotonic() - begun:.1f} s', time.monotonic() - begun < TIME_S + 3)


def check_full(report, witness):
    """All connections are taken, and all go at once: it listens again."""
    for _ in range(3):
        conns = open_conns(PER_ADDRESS, ATTACKER, GET) + open_conns(PER_ADDRESS, '127.79.0.3', GET)
        witness.look('all connections are taken', source=None)
        for sock in conns:
            sock.close()
        begun = time.monotonic()
        status = web.ask(IP, '/healthz', source=HONEST).status
        report.check(f'... and given up: it answers after {time.monotonic() - begun:.1f} s', status == 200)


def witness_conns():
    """As xfedd counts them."""
    for line in web.ask(IP, '/metrics', source=HONEST).text.splitlines():
        if line.startswith('xfedd_http_conns '):
            return int(line.split()[1])
    return 1 << 30


def check_storm(report, witness):
    """One client asks as fast as it can: the metrics are not gathered each time."""
    with witness.memory_is_flat('a storm of requests'):
        begun = time.monotonic()
        count = sum(web.ask(IP, '/metrics', source=ATTACKER).status == 200 for _ in range(500))
        rate = 500 / (time.monotonic() - begun)
        report.equal(f'500 requests, {rate:.0f} a second', count, 500)
        witness.look('a storm of requests')


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        dns, authority = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours')
        dns.domain(PEER, net.PEER)
        peer = stage.start(Peer(PEER, net.PEER, authority.issue(PEER), authority.file))
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', authority.issue(LOCAL, f'conference.{LOCAL}'), authority.file, COMPONENT,
                                            f'{net.LOCAL}:{COMPONENT_PORT}', http=f'{IP}:{web.PORT}'))
        socket.setdefaulttimeout(30)
        witness = Witness(report, gateway, cluster, peer)
        witness.look('nobody attacks')
        check_requests(report)
        check_pipelining(report)
        check_storm(report, witness)
        check_huge(report, witness)
        check_slow(report, witness, 'a byte of a header now and then', send_a_byte)
        check_slow(report, witness, 'an answer that is read byte by byte', read_a_byte, f'{GET}\r\n')
        check_silent(report, witness)
        check_full(report, witness)
        check_many(report, witness)
        report.equal('no error in the log', [e.line for e in gateway.events() if e.level == 'error'], [])
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
