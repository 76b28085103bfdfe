# SPDX-License-Identifier: MIT
"""An XML stream over a socket, for the scripted sides: bytes as we like them out, elements in.

Debian's expat keeps back a token that came in pieces until much more has come, and Python 3.11 has no switch for that; so only
whole tags are fed.
"""
import select
import socket
import ssl
import threading
import time
import xml.etree.ElementTree as ET
from xml.parsers import expat

STREAM = 'http://etherx.jabber.org/streams'
TLS, SASL, DIALBACK = 'urn:ietf:params:xml:ns:xmpp-tls', 'urn:ietf:params:xml:ns:xmpp-sasl', 'jabber:server:dialback'


class Closed(Exception):
    """The stream is over; the text says how."""


class Parser:
    """Yields ('open', attributes), ('element', ET.Element) and ('close', None)."""
    def __init__(self):
        self._expat = expat.ParserCreate(namespace_separator='}')
        self._expat.StartElementHandler, self._expat.EndElementHandler = self._start, self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.buffer_text = True
        self._open, self._out, self._rest = [], [], b''
        self._depth = 0

    def feed(self, data):
        data = self._rest + data
        end = data.rfind(b'>') + 1
        self._rest = data[end:]
        if end:
            self._expat.Parse(data[:end])
        out, self._out = self._out, []
        return out

    @staticmethod
    def _name(name):
        return '{' + name if '}' in name else name

    def _start(self, name, attributes):
        attributes = {self._name(k): v for k, v in attributes.items()}
        self._depth += 1
        if self._depth == 1:
            self._out.append(('open', attributes))
            return
        element = ET.Element(self._name(name), attributes)
        if self._open:
            self._open[-1].append(element)
        self._open.append(element)

    def _end(self, _name):
        self._depth -= 1
        if self._depth == 0:
            self._out.append(('close', None))
        else:
            element = self._open.pop()
            if self._depth == 1:
                self._out.append(('element', element))

    def _text(self, text):
        if self._open:
            parent = self._open[-1]
            if len(parent):
                parent[-1].tail = (parent[-1].tail or '') + text
            else:
                parent.text = (parent.text or '') + text


class XmlStream:
    """A connected socket. One thread may read (next) while others write (send).

    Never blocked inside the socket: an SSL object must not be read and written at the same time, and two sides that both
    write must both go on reading.
    """
    def __init__(self, sock):
        self._sending, self._io = threading.Lock(), threading.Lock()
        self._take(sock)

    def _take(self, sock):
        self.sock = sock
        sock.setblocking(False)
        self.restart()

    def restart(self):
        """A fresh parser, as after TLS and SASL."""
        self._parser, self._ready = Parser(), []

    def _try(self, call, timeout):
        """call() as soon as the socket lets us. Closed when it fails or the time is over."""
        end = time.monotonic() + timeout
        while True:
            try:
                with self._io:
                    return call()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as e:
                writing = isinstance(e, ssl.SSLWantWriteError) or (
                    isinstance(e, BlockingIOError) and call.__name__ == 'send_some')
            except (OSError, ValueError) as e:
                raise Closed(str(e)) from None
            left = end - time.monotonic()
            if left <= 0:
                raise Closed(f'nothing came within {timeout} s')
            try:
                select.select([] if writing else [self.sock], [self.sock] if writing else [], [], min(left, 1))
            except (OSError, ValueError) as e:
                raise Closed(str(e)) from None

    def send(self, text, timeout=30):
        data = memoryview(text.encode() if isinstance(text, str) else text)
        with self._sending:
            while data:
                def send_some(piece=data):
                    return self.sock.send(piece)
                data = data[self._try(send_some, timeout):]

    def receive(self, timeout=10):
        """Bytes as they come; Closed at the end of the stream or after the time."""
        def receive():
            return self.sock.recv(65536)
        data = self._try(receive, timeout)
        if not data:
            raise Closed('connection closed')
        return data

    def next(self, timeout=10):
        """The next event; Closed at the end of the stream or after the time."""
        while not self._ready:
            data = self.receive(timeout)
            try:
                self._ready += self._parser.feed(data)
            except expat.ExpatError as e:
                raise Closed(f'not well-formed: {e}') from None
        return self._ready.pop(0)

    def header(self, timeout=10):
        kind, attributes = self.next(timeout)
        if kind != 'open':
            raise Closed(f'expected a stream header, got {kind}')
        return attributes

    def element(self, timeout=10):
        kind, element = self.next(timeout)
        if kind != 'element':
            raise Closed('the stream was closed')
        return element

    def secure(self, context, server_side, name=None):
        try:
            self.sock.settimeout(10)
            self._take(context.wrap_socket(self.sock, server_side=server_side, server_hostname=name))
        except (OSError, ssl.SSLError) as e:
            raise Closed(f'TLS: {e}') from None

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def abort(self):
        """Reset instead of end, as when a machine loses its power."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        except OSError:
            pass
        self.sock.close()


class Listener:
    """Accepts in a thread; `serve(stream)` runs in a thread of its own for each connection."""
    def __init__(self, ip, port, serve):
        self.address, self.serve = (ip, port), serve
        self.sock = None

    def start(self):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(self.address)
        self.sock.listen(64)
        threading.Thread(target=self._accept, args=(self.sock,), daemon=True).start()
        return self

    def _accept(self, listening):
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(XmlStream(sock),), daemon=True).start()

    def _serve(self, stream):
        try:
            self.serve(stream)
        except Closed:
            stream.close()

    def stop(self):
        if self.sock:
            self.sock.shutdown(socket.SHUT_RDWR)
            self.sock.close()
            self.sock = None


def error_of(element):
    """The condition of a stream error element, or None if it is something else."""
    if element.tag != f'{{{STREAM}}}error':
        return None
    for child in element:
        name = child.tag.split('}')[1]
        if name != 'text':
            return name
    return 'undefined'
