# SPDX-License-Identifier: MIT
"""A SIP server over mutual TLS with many connections at a time, in one thread: it listens, dials, and breaks its connections in all ways.

What a test makes of requests and answers it says in a class derived from Node. lab/sip.py is smaller, with a thread for each connection.
"""
import asyncio
import contextlib
import random
import re
import socket
import ssl

LENGTH = re.compile(rb'\r\n(?:Content-Length|l) *: *(\d+)', re.I)
RESET = b'\1\0\0\0\0\0\0\0'


class Message:
    def __init__(self, head, body):
        self.lines, self.body = head.decode().split('\r\n'), body.decode()
        self._headers = None

    @property
    def is_request(self):
        return not self.lines[0].startswith('SIP/2.0 ')

    @property
    def method(self):
        """Of the request, or of that which is answered."""
        return self.lines[0].split()[0] if self.is_request else self['cseq'].split()[1]

    @property
    def status(self):
        return int(self.lines[0][8:11])

    def __getitem__(self, name):
        """The value of the first header of that name; '' without one."""
        if self._headers is None:
            self._headers = {}
            for line in self.lines[1:]:
                key, _, value = line.partition(':')
                self._headers.setdefault(key.strip().lower(), value.strip())
        return self._headers.get(name, '')


class Conn(asyncio.Protocol):
    """`is_dialled`: by the node, not by xfedd. `broken` has the time at which we broke it."""
    def __init__(self, node, is_dialled):
        self.node, self.is_dialled, self.broken, self.ended = node, is_dialled, None, False
        self._rest = b''

    def connection_made(self, transport):
        self.transport = transport
        self.node.conns.add(self)

    def connection_lost(self, error):
        self.ended = True
        self.node.conns.discard(self)
        self.node.on_lost(self)

    def data_received(self, data):
        data = self._rest + data if self._rest else data
        while True:
            data = data.lstrip(b'\r\n')
            end = data.find(b'\r\n\r\n')
            length = int(LENGTH.search(data, 0, end + 2)[1]) if end >= 0 else 0
            if end < 0 or len(data) < end + 4 + length:
                self._rest = data
                return
            message, data = Message(data[:end], data[end + 4:end + 4 + length]), data[end + 4 + length:]
            (self.node.on_request if message.is_request else self.node.on_answer)(self, message)

    @property
    def is_open(self):
        return self.broken is None and not self.ended

    def write(self, text):
        self.transport.write(text.encode())

    def end(self):
        """In order: what was written arrives."""
        self.broken = self.node.loop.time()
        self.transport.close()

    def cut_off(self, text):
        """The last that is written: nothing may come behind half a message."""
        self.write(text)
        self.broken = self.node.loop.time()

    def reset(self):
        self.broken = self.broken or self.node.loop.time()
        if not self.ended:
            reset_at_close(self.transport.get_extra_info('socket'))
            self.transport.abort()


def reset_at_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class Node:
    """`target` is the address and port of xfedd, `name` that of its certificate."""
    def __init__(self, domain, ip, certificate, ca_file, target, name, port=5061):
        self.domain, self.address, self.target, self.name = domain, (ip, port), target, name
        self.conns, self.listening, self.loop = set(), None, None
        self.break_accepted = 0         # so many of the next ones are reset in the midst of their handshake
        self._contexts = [self._context(kind, certificate, ca_file) for kind in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT)]

    @staticmethod
    def _context(kind, certificate, ca_file):
        context = ssl.SSLContext(kind)
        context.load_cert_chain(*certificate)
        context.load_verify_locations(ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    # ---- for who derives

    def on_request(self, conn, message):
        raise NotImplementedError

    def on_answer(self, conn, message):
        pass

    def on_lost(self, conn):
        pass

    def on_broken_accept(self):
        pass

    # ---- connections

    def listen(self):
        self.loop = asyncio.get_running_loop()
        self.listening = socket.socket()
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(self.address)
        self.listening.listen(256)
        self.listening.setblocking(False)
        self.loop.add_reader(self.listening, self._accept, self.listening)

    def unlisten(self):
        if self.listening:
            self.loop.remove_reader(self.listening)
            self.listening.close()
            self.listening = None

    def kill(self):
        """As when the process is gone."""
        self.unlisten()
        for conn in [c for c in self.conns if c.is_open]:
            conn.reset()

    def _accept(self, listening):
        try:
            sock, _ = listening.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._break_accepted(sock) if self.break_accepted else self._secure(sock)
        self.loop.create_task(task)

    async def _secure(self, sock):
        try:
            await self.loop.connect_accepted_socket(lambda: Conn(self, False), sock, ssl=self._contexts[0])
        except OSError:
            sock.close()

    async def _break_accepted(self, sock):
        self.break_accepted -= 1
        with contextlib.suppress(asyncio.TimeoutError, OSError):
            await asyncio.wait_for(self.loop.sock_recv(sock, 100), random.uniform(0, 0.01))
        reset_at_close(sock)
        sock.close()
        self.on_broken_accept()

    async def dial(self):
        """-> a connection; None: it failed"""
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.bind((self.address[0], 0))
            await self.loop.sock_connect(sock, self.target)
            _, conn = await self.loop.create_connection(lambda: Conn(self, True), sock=sock, ssl=self._contexts[1], server_hostname=self.name)
            return conn
        except OSError:
            sock.close()
            return None
