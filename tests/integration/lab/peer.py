# SPDX-License-Identifier: MIT
"""A scripted peer: one remote domain, both roles of S2S, as well or as badly behaved as a test wants it.

Dialback keys are kept in a table: the authoritative answer is "valid" for a key that this peer gave out and for no other.
"""
import base64
import os
import socket
import ssl
import threading

from .xmlstream import DIALBACK, SASL, STREAM, TLS, Closed, Listener, XmlStream, error_of

HEAD = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{stream}' xmlns:db='{db}' {more} from='{frm}' "
        "to='{to}' version='1.0'>")


class Peer:
    def __init__(self, domain, ip, certificate=None, ca_file=None, port=5269, on_stanza=None):
        self.domain, self.ip, self.port = domain, ip, port
        self.certificate, self.ca_file = certificate, ca_file
        self.on_stanza = on_stanza or (lambda stream, element: None)
        self.keys = {}                  # (from, to, stream id) -> key
        self.open = set()               # streams in both directions
        self.also = ()                  # further domains that it answers for
        self.offer = 'external'         # what the server side asks a client to authenticate with
        self.listener = Listener(ip, port, self._serve)
        self._lock = threading.Lock()

    # ---- TLS

    def _context(self, server_side, trust=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        if self.ca_file and trust:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL if server_side else ssl.CERT_REQUIRED
        return context

    # ---- receiving entity

    def start(self):
        self.listener.start()
        return self

    def stop(self, abort=False):
        """No listener, no stream: as when the process is gone."""
        self.listener.stop()
        with self._lock:
            streams, self.open = list(self.open), set()
        for stream in streams:
            (stream.abort if abort else stream.close)()

    def _opened(self, stream):
        with self._lock:
            self.open.add(stream)

    def _serve(self, stream):
        self._opened(stream)
        secure = False
        authenticated = False
        while True:
            header = stream.header(30)
            ident = os.urandom(8).hex()
            stream.local, stream.ident = header.get('from'), ident
            name = header.get('to') if header.get('to') in self.also else self.domain
            stream.send(HEAD.format(stream=STREAM, db=DIALBACK, more=f"id='{ident}'", frm=name, to=header.get('from', '')))
            stream.send(f"<stream:features>{self._features(stream, secure, authenticated)}</stream:features>")
            what = self._negotiate(stream, secure, authenticated)
            if what == 'tls':
                stream.secure(self._context(True), True)
                secure = True
            elif what == 'external':
                authenticated = True
                stream.restart()

    def _features(self, stream, secure, authenticated):
        if authenticated:
            return ''
        if not secure and self.certificate:
            return f"<starttls xmlns='{TLS}'><required/></starttls>"
        if self.offer == 'external' and secure and stream.sock.getpeercert():
            return f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
        return "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

    def _negotiate(self, stream, secure, authenticated):
        """Answer elements until one of them restarts the stream."""
        while True:
            element = stream.element(3600)
            if element.tag == f'{{{TLS}}}starttls' and not secure:
                stream.send(f"<proceed xmlns='{TLS}'/>")
                return 'tls'
            if element.tag == f'{{{SASL}}}auth':
                if self._accept(stream):
                    return 'external'
            elif element.tag == f'{{{DIALBACK}}}verify':
                key = (element.get('to'), element.get('from'), element.get('id'))
                valid = element.text and self.keys.get(key) == element.text
                stream.send(f"<db:verify from='{element.get('to')}' to='{element.get('from')}' id='{element.get('id')}' "
                            f"type='{'valid' if valid else 'invalid'}'/>")
            elif element.tag == f'{{{DIALBACK}}}result':
                authenticated = self._take_key(stream, element) or authenticated
            elif authenticated:
                self.on_stanza(stream, element)

    def _accept(self, stream):
        """SASL EXTERNAL was asked for. -> is it granted?"""
        stream.send(f"<success xmlns='{SASL}'/>")
        return True

    def _take_key(self, stream, element):
        """A dialback key came. -> is it good? Believed unseen: what is under test is the other side."""
        stream.send(f"<db:result from='{element.get('to')}' to='{element.get('from')}' type='valid'/>")
        return True

    # ---- initiating entity

    def dial(self, address, to, secure=True, frm=None):
        """A stream up to its features, over TLS if asked. -> stream with .ident and .features"""
        stream = XmlStream(socket.create_connection(address, 10))
        self._opened(stream)
        try:
            self._begin(stream, to, secure, frm)
        except Closed:
            self.open.discard(stream)
            stream.close()
            raise
        return stream

    def _begin(self, stream, to, secure, frm):
        self._head(stream, to, frm)
        if secure:
            stream.send(f"<starttls xmlns='{TLS}'/>")
            if stream.element().tag != f'{{{TLS}}}proceed':
                raise Closed('no <proceed/>')
            stream.secure(self._context(False, trust=False), False, to)
            self._head(stream, to, frm)

    def _head(self, stream, to, frm=None):
        stream.send(HEAD.format(stream=STREAM, db=DIALBACK, more='', frm=frm or self.domain, to=to))
        stream.ident = stream.header().get('id')
        stream.features = stream.element()

    def external(self, stream, to):
        name = base64.b64encode(self.domain.encode()).decode()
        stream.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{name}</auth>")
        answer = stream.element()
        if answer.tag != f'{{{SASL}}}success':
            raise Closed(f'EXTERNAL: {answer.tag}')
        stream.restart()
        self._head(stream, to)
        return stream

    def dialback(self, stream, to, frm=None, key=None):
        """Ask for a pair. -> the type of the answer, or the stream error's condition."""
        frm = frm or self.domain
        if key is None:
            key = os.urandom(16).hex()
            self.keys[(frm, to, stream.ident)] = key
        stream.send(f"<db:result from='{frm}' to='{to}'>{key}</db:result>")
        answer = stream.element(40)
        return answer.get('type') or error_of(answer)

    def drain(self, stream, timeout=10):
        """Read to the end. -> the condition of the stream error that came, 'closed' without one, 'open' if it did not end."""
        condition = 'closed'
        try:
            while True:
                condition = error_of(stream.element(timeout)) or condition
        except Closed as e:
            return 'open' if 'nothing came' in str(e) else condition
