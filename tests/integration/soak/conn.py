# SPDX-License-Identifier: MIT
"""A TCP connection with or without TLS, as a fault generator needs it.

Bytes go out at the end of a turn of the loop. It knows which of its stanzas the other side's kernel has acknowledged, can be
read slowly or not at all, and can end in any way: politely, with a FIN, with a reset, with a stanza half written.
"""
import collections
import fcntl
import socket
import ssl
import struct
import termios
import time

from .reader import Reader

READ = 65536
SEND_BUFFER = 128 << 10  # of the kernel: what a connection that hangs swallows
RESET = struct.pack('ii', 1, 0)
PACE_S = 0.05               # how often one that is read slowly is read
MARKS = 4096


class Conn:
    """`owner` has opened(conn, attributes), element(conn, element), footer(conn) and closed(conn, how)."""
    numbers = 0

    def __init__(self, loop, sock, owner):
        Conn.numbers += 1
        self.number, self.loop, self.sock, self.owner = Conn.numbers, loop, sock, owner
        self.fd = sock.fileno()
        self.reader = Reader(lambda attrs: self.owner.opened(self, attrs), lambda e: self.owner.element(self, e), lambda: self.owner.footer(self))
        self.tls = None
        self.plain, self.out = bytearray(), bytearray()
        self.handed = 0                     # bytes that the kernel has got
        self.sent, self.got = 0, 0          # stanzas, by index
        self.marks = collections.deque()    # (bytes, stanzas): so many bytes hold so many stanzas
        self.opened_at, self.footer_at = time.monotonic(), None
        self.is_open, self.is_flushing, self.is_writing = True, False, False
        self.pace = None                    # None: read all; else so many bytes each PACE_S
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            keep_alive(sock)
        loop.add_reader(self.fd, self._readable)

    # ---- out

    def write(self, text):
        if self.is_open:
            self.plain += text.encode()
            if not self.is_flushing:
                self.is_flushing = True
                self.loop.call_soon(self.flush)

    def write_stanza(self, text):
        """-> its index"""
        self.sent += 1
        self.write(text)
        return self.sent

    def backlog(self):
        return len(self.plain) + len(self.out)

    def flush(self):
        self.is_flushing = False
        if not self.is_open or not self.plain:
            return
        if self.tls and self.tls.is_shaking:
            return                          # once the handshake is done
        self._seal(self.plain)
        self.plain = bytearray()
        if not self.marks or self.marks[-1][1] != self.sent:
            self.marks.append((self.handed + len(self.out), self.sent))
            if len(self.marks) > MARKS:
                self._forget_marks()
        self._push()

    def _seal(self, data):
        if self.tls:
            self.tls.write(data)
            self.out += self.tls.outgoing.read()
        else:
            self.out += data

    def _push(self):
        try:
            while self.out and self.is_open:
                n = self.sock.send(self.out)
                self.handed += n
                del self.out[:n]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as e:
            self.end(f'write: {e.strerror}')
            return
        if bool(self.out) != self.is_writing and self.is_open:
            self.is_writing = bool(self.out)
            if self.is_writing:
                self.loop.add_writer(self.fd, self._push)
            else:
                self.loop.remove_writer(self.fd)

    def acknowledged(self):
        """How many of our stanzas the other side's kernel has."""
        try:
            waiting = struct.unpack('i', fcntl.ioctl(self.fd, termios.TIOCOUTQ, b'\0\0\0\0'))[0]
        except OSError:
            waiting = 0
        return max((count for size, count in self.marks if size <= self.handed - waiting), default=0)

    def _forget_marks(self):
        count = self.acknowledged()
        while len(self.marks) > 1 and self.marks[1][1] <= count:
            self.marks.popleft()

    # ---- in

    def set_pace(self, pace):
        if not self.is_open:
            return
        was, self.pace = self.pace, pace
        if was is None and pace is not None:
            self.loop.remove_reader(self.fd)
            self._paced()
        elif was is not None and pace is None:
            self.loop.add_reader(self.fd, self._readable)

    def _paced(self):
        if self.is_open and self.pace is not None:
            if self.pace:
                self._read(self.pace)
            self.loop.call_later(PACE_S, self._paced)

    def _readable(self):
        self._read(READ)

    def poll(self):
        """Read what is there: what is written afterwards is known to come after it."""
        if self.is_open and self.pace is None:
            self._read(READ)

    def _read(self, size):
        try:
            data = self.sock.recv(size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as e:
            self.end(f'read: {e.strerror}')
            return
        if not data:
            self.end('fin')
        elif self.tls:
            self._unseal(data)
        else:
            self._feed(data)

    def _feed(self, data):
        try:
            self.reader.feed(data)
        except Exception as e:              # expat's, or a fault of ours: neither may stop the loop
            self.owner.broken(self, f'{e!r} in {data[:60]!r}, TLS {self.tls is not None}')
            self.end(f'xml: {e}')

    def _unseal(self, data):
        self.tls.incoming.write(data)
        try:
            if self.tls.is_shaking:
                self._shake()
            while self.is_open and not self.tls.is_shaking:
                data = self.tls.object.read(READ)
                if not data:
                    self.end('close_notify')
                    return
                self._feed(data)
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            pass
        except ssl.SSLError as e:
            self.out += self.tls.outgoing.read()
            self._push()
            self.end(f'tls: {e.reason}')

    # ---- TLS

    def secure(self, context, server_side, name=None):
        self.flush()
        self.tls = Tls(context, server_side, name)
        self.reader.restart()
        if not server_side:
            try:
                self._shake()
            except ssl.SSLError as e:
                self.end(f'tls: {e.reason}')

    def _shake(self):
        try:
            self.tls.object.do_handshake()
            self.tls.is_shaking = False
        except ssl.SSLWantReadError:
            pass
        self.out += self.tls.outgoing.read()
        self._push()
        if not self.tls.is_shaking:
            self.flush()

    # ---- the end

    def spoil(self):
        """Bytes that are no TLS record: the other side must send an alert and end."""
        self.out += b'\x17\x03\x03\x00\x20' + b'\x5a' * 32
        self._push()

    def reset(self, how='reset'):
        self.flush()
        acknowledged = self.acknowledged() if self.is_open else 0
        if self.is_open:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.end(how, acknowledged)

    def end(self, how, acknowledged=None):
        if not self.is_open:
            return
        taken = self.acknowledged() if acknowledged is None else acknowledged
        self.is_open = False
        self.loop.remove_reader(self.fd)
        self.loop.remove_writer(self.fd)
        self.sock.close()
        self.owner.closed(self, how, taken)


class Tls:
    def __init__(self, context, server_side, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side, None if server_side else name)
        self.is_shaking = True

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.object.write(view):]


def keep_alive(sock):
    """A connection whose other side is gone must not stay for ever."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 5), (socket.TCP_USER_TIMEOUT, 60000)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
