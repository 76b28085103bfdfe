# SPDX-License-Identifier: MIT
"""Servers that lead nowhere: they swallow packets, stop in the midst of the negotiation, or are servers of something else."""
import http.server
import socket
import ssl
import threading
import time

from .peer import HEAD, Peer
from .proc import Failed
from .xmlstream import DIALBACK, STREAM, TLS, Closed

# Behind which pass a Stuck says nothing more.
PASSES = ('tcp', 'header', 'features', 'proceed', 'tls', 'tls-header', 'tls-features')


class BlackHole:
    """A listening socket whose backlog is full: the kernel drops every further SYN, as a firewall would."""
    def __init__(self, ip, port=5269):
        self.listening = socket.socket()
        self.listening.bind((ip, port))
        self.listening.listen(0)
        self.fill = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex((ip, port))
            self.fill.append(s)
        time.sleep(0.2)
        probe = socket.socket()
        probe.settimeout(1.5)
        try:
            probe.connect((ip, port))
            raise Failed('the black hole answers')
        except socket.timeout:
            pass
        finally:
            probe.close()


class BreaksTls(Peer):
    """Says <proceed/> and then `instead`, which is no handshake, after a pause; without one it looks like an attack on STARTTLS."""
    def __init__(self, *args, instead='this is no TLS record, and long enough to be recognised as none', pause=0, **opts):
        super().__init__(*args, **opts)
        self.instead, self.pause = instead, pause

    def _context(self, server_side, trust=True):
        raise Closed('no TLS here')

    def _serve(self, stream):
        try:
            super()._serve(stream)
        except Closed:
            time.sleep(self.pause)
            stream.send(self.instead)
            stream.close()


class Stuck(Peer):
    """Does well until it went through `last` (one of PASSES), and then says nothing, for ever."""
    def __init__(self, last, *args, **opts):
        super().__init__(*args, **opts)
        self.last = last

    def _serve(self, stream):
        for step in PASSES:
            getattr(self, '_' + step.replace('-', '_'))(stream)
            if step == self.last:
                threading.Event().wait()

    def _tcp(self, stream):
        pass

    def _header(self, stream):
        stream.local = stream.header(30).get('from')
        stream.send(HEAD.format(stream=STREAM, db=DIALBACK, more="id='x'", frm=self.domain, to=stream.local))

    def _features(self, stream, secure=False, authenticated=False):
        stream.send(f'<stream:features>{super()._features(stream, secure, authenticated)}</stream:features>')
        if not secure:
            stream.element()

    def _proceed(self, stream):
        stream.send(f"<proceed xmlns='{TLS}'/>")

    def _tls(self, stream):
        stream.secure(self._context(True), True)

    def _tls_header(self, stream):
        self._header(stream)

    def _tls_features(self, stream):
        self._features(stream, secure=True)


class WebPage(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


class Https:
    """A web server with TLS."""
    def __init__(self, ip, certificate, port=443):
        self.server = http.server.ThreadingHTTPServer((ip, port), WebPage)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def start(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
