# SPDX-License-Identifier: MIT
"""Servers of enterprises as they are in the field (reference: Cisco's guides and traces), scripted in both roles of S2S.

Each is one domain. What it receives is authenticated as such a server does it (it asks back over a stream of its own, or looks at the certificate),
what it sends goes over streams of its own, one for each pair of domains. What it saw of each connection is kept in `incoming` and `outgoing`.
"""
import base64
import os
import socket
import ssl
import threading
import time

from . import net
from .cluster import Inbox
from .proc import run
from .xmlstream import DIALBACK, SASL, STREAM, TLS, Closed, Listener, XmlStream, error_of

FOOTER = '</stream:stream>'


def first_srv(domain):
    """(address, port) of the first SRV record that comes, and of no other."""
    answer = run('drill', '-Q', f'@{net.DNS}', f'_xmpp-server._tcp.{domain}', 'SRV').split('\n')[0].split()
    return run('drill', '-Q', f'@{net.DNS}', answer[3], 'A').split('\n')[0].strip(), int(answer[2])


class Facts:
    """Of one connection."""
    def __init__(self, **known):
        self.frm = self.to = self.version = self.lang = self.source = self.auth = self.ended = None
        self.tls, self.stanzas, self.verifies = False, 0, 0
        self.__dict__.update(known)


class Enterprise(Inbox):
    """`tls`: none, offered (taken where it is to be had), required. `external`: mutual SASL EXTERNAL and nothing else."""
    version, lang, idle, sends_names, echoes_keys, key_digits = True, None, None, True, False, 64

    def __init__(self, domain, ip, tls, certificate=None, ca_file=None, external=False):
        super().__init__()
        self.domain, self.ip, self.tls, self.external = domain, ip, tls, external
        self.certificate, self.ca_file = certificate, ca_file
        self.keys = {}                          # (to, stream id) -> key that we gave out
        self.incoming, self.outgoing, self.questions, self.errors = [], [], [], []
        self.streams = {}                       # to -> outgoing stream
        self.idle_closed = 0
        self.listener = Listener(ip, 5269, self._serve)
        self._lock = threading.RLock()

    def start(self):
        self.listener.start()
        return self

    def stop(self):
        self.listener.stop()
        for stream in list(self.streams.values()):
            stream.close()

    # ---- the ways of the kind

    def new_id(self):
        return os.urandom(8).hex()

    def new_key(self):
        return os.urandom(self.key_digits // 2).hex()

    def head(self, to, ident=None, initiating=False):
        attributes = {}
        if self.sends_names or initiating and self.version:
            attributes = {'from': self.domain, 'to': to or ''}
        if ident:
            attributes['id'] = ident
        if self.version:
            attributes['version'] = '1.0'
        if self.lang:
            attributes['xml:lang'] = self.lang
        return (f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}' "
                + ' '.join(f"{k}='{v}'" for k, v in attributes.items() if v) + '>')

    def context(self, server_side):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        if self.external:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = not server_side
        return context

    # ---- receiving entity

    def _serve(self, stream):
        facts = Facts(source=stream.sock.getpeername())
        self.incoming.append(facts)
        try:
            self._receive(stream, facts)
        except Closed as e:
            facts.ended = facts.ended or str(e)
            raise

    def _receive(self, stream, facts):
        pairs = set()
        while True:
            header = stream.header(30)
            facts.frm, facts.to, facts.version = header.get('from'), header.get('to'), header.get('version')
            stream.ident = self.new_id()
            stream.send(self.head(facts.frm, stream.ident))
            if self.version:
                stream.send(f'<stream:features>{self._features(facts)}</stream:features>')
            if self._elements(stream, facts, pairs) == 'tls':
                stream.secure(self.context(True), True)
                facts.tls = True
            else:
                stream.restart()

    def _features(self, facts):
        if facts.auth:
            return ''
        offer = ''
        if not facts.tls and self.tls != 'none':
            offer = f"<starttls xmlns='{TLS}'>{'<required/>' if self.tls == 'required' else ''}</starttls>"
        if self.external and facts.tls:
            offer += f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
        if not self.external and (facts.tls or self.tls != 'required'):
            offer += "<dialback xmlns='urn:xmpp:features:dialback'/>"
        return offer

    def _next(self, stream, facts):
        try:
            return stream.element(self.idle or 3600)
        except Closed as e:
            if 'nothing came' in str(e):
                facts.ended = 'idle'
                self.idle_closed += 1
                self._goodbye(stream)
            raise

    @staticmethod
    def _goodbye(stream):
        """Our footer, theirs, the end."""
        stream.send(FOOTER)
        try:
            while True:
                stream.element(2)
        except Closed:
            stream.close()

    def _elements(self, stream, facts, pairs):
        """Answer elements until one of them restarts the stream."""
        while True:
            element = self._next(stream, facts)
            if element.tag == f'{{{TLS}}}starttls':
                stream.send(f"<proceed xmlns='{TLS}'/>")
                return 'tls'
            if element.tag == f'{{{SASL}}}auth':
                self._sasl(stream, facts, element, pairs)
                return 'restart'
            if element.tag == f'{{{DIALBACK}}}result':
                self._result(stream, facts, element, pairs)
            elif element.tag == f'{{{DIALBACK}}}verify':
                self._verify(stream, facts, element)
            elif error_of(element):
                facts.ended = error_of(element)
            elif (element.get('from', '').split('/')[0].split('@')[-1], element.get('to', '').split('/')[0].split('@')[-1]) in pairs:
                facts.stanzas += 1
                self.keep(element)
            else:
                self.errors.append(f'a stanza of a pair that was not authenticated: {element.attrib}')

    def _sasl(self, stream, facts, element, pairs):
        names = {n for kind, n in stream.sock.getpeercert().get('subjectAltName', ()) if kind == 'DNS'}
        asked = base64.b64decode(element.text or '').decode() if element.text not in (None, '=') else facts.frm
        if asked not in names or asked != facts.frm:
            stream.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>{FOOTER}")
            raise Closed(f'EXTERNAL for {asked}, certificate of {names}')
        facts.auth = 'external'
        pairs.add((asked, self.domain))
        stream.send(f"<success xmlns='{SASL}'/>")

    def _result(self, stream, facts, element, pairs):
        frm, to = element.get('from'), element.get('to')
        kind = 'valid' if not self.external and self.ask(frm, stream.ident, element.text) == 'valid' else 'invalid'
        stream.send(f"<db:result from='{to}' to='{frm}' type='{kind}'/>")
        if kind == 'valid':
            facts.auth = 'dialback'
            pairs.add((frm, to))

    def _verify(self, stream, facts, element):
        facts.verifies += 1
        frm, to, ident = element.get('from'), element.get('to'), element.get('id')
        kind = 'valid' if self.keys.get((frm, ident)) == element.text else 'invalid'
        text = element.text if self.echoes_keys else ''
        stream.send(f"<db:verify from='{to}' to='{frm}' id='{ident}' type='{kind}'>{text}</db:verify>")

    # ---- initiating entity

    def _connect(self, to):
        """A stream up to where it can be authenticated. -> (stream, facts, features)"""
        stream = XmlStream(socket.create_connection(first_srv(to), 10))
        facts = Facts(to=to)
        features = self._open(stream, to)
        if features is not None and self.tls != 'none' and features.find(f'{{{TLS}}}starttls') is not None:
            stream.send(f"<starttls xmlns='{TLS}'/>")
            if stream.element().tag != f'{{{TLS}}}proceed':
                raise Closed('no <proceed/>')
            stream.secure(self.context(False), False, to)
            facts.tls = True
            features = self._open(stream, to)
        elif self.tls == 'required':
            raise Closed('no TLS, and it is required')
        return stream, facts, features

    def _open(self, stream, to):
        """Headers. -> the features, None before 1.0"""
        stream.send(self.head(to, initiating=True))
        header = stream.header()
        stream.ident, stream.version = header.get('id'), header.get('version')
        features = stream.element() if stream.version else None
        if features is not None and error_of(features):
            raise Closed(error_of(features))
        return features

    def ask(self, domain, ident, key):
        """Is that key the domain's? Over a stream for this question alone."""
        stream, facts, _ = self._connect(domain)
        self.questions.append(facts)
        stream.send(f"<db:verify from='{self.domain}' to='{domain}' id='{ident}'>{key}</db:verify>")
        answer = stream.element(30)
        self._goodbye(stream)
        return answer.get('type')

    def _authenticate(self, stream, facts, features, to):
        if self.external:
            if features.find(f'{{{SASL}}}mechanisms') is None:
                raise Closed('no EXTERNAL')
            stream.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{base64.b64encode(self.domain.encode()).decode()}</auth>")
            if stream.element().tag != f'{{{SASL}}}success':
                raise Closed('EXTERNAL is refused')
            stream.restart()
            self._open(stream, to)
            facts.auth = 'external'
            return
        key = self.keys[(to, stream.ident)] = self.new_key()
        stream.send(f"<db:result from='{self.domain}' to='{to}'>{key}</db:result>")
        answer = stream.element(30)
        if answer.get('type') != 'valid':
            raise Closed(error_of(answer) or f'dialback: {answer.get("type")}')
        facts.auth = 'dialback'

    def _stream_to(self, to):
        with self._lock:
            stream = self.streams.get(to)
            if stream is None:
                stream, facts, features = self._connect(to)
                self._authenticate(stream, facts, features, to)
                stream.used = time.monotonic()
                stream.facts = facts
                self.outgoing.append(facts)
                self.streams[to] = stream
                threading.Thread(target=self._watch, args=(stream, facts, to), daemon=True).start()
            return stream

    def _forget(self, stream, to):
        with self._lock:
            if self.streams.get(to) is stream:
                del self.streams[to]

    def _watch(self, stream, facts, to):
        """Nobody sends on our stream but to end it; and we end it ourselves when it was idle."""
        while True:
            try:
                facts.ended = error_of(stream.element(0.25)) or 'a stanza'
            except Closed as e:
                if 'nothing came' not in str(e):
                    facts.ended = facts.ended or str(e)
                    self._forget(stream, to)
                    stream.close()
                    return
                with self._lock:
                    if not self.idle or time.monotonic() - stream.used < self.idle:
                        continue
                    self._forget(stream, to)
                facts.ended = 'idle'
                self.idle_closed += 1
                self._goodbye(stream)
                return

    def send(self, text, to):
        """A stanza for that domain. Closed when there is no stream to be had."""
        with self._lock:
            stream = self._stream_to(to)
            stream.used = time.monotonic()
            stream.send(text)
            stream.facts.stanzas += 1


class Webex(Enterprise):
    """Hosted: TLS where it is offered, with a certificate of its host, which is not looked at; dialback."""
    def __init__(self, domain, ip, certificate):
        super().__init__(domain, ip, 'offered', certificate)


class Sametime(Enterprise):
    """TLS and mutual EXTERNAL, nothing else; the first SRV record, no other."""
    def __init__(self, domain, ip, certificate, ca_file):
        super().__init__(domain, ip, 'required', certificate, ca_file, external=True)


class ImAndPresence(Enterprise):
    """XCP: 9 upper-case digits of stream id also on initiating headers, keys of 40, a language that is none, the key repeated in answers."""
    lang, echoes_keys, key_digits = 'en-US.UTF-8', True, 40

    def __init__(self, domain, ip, certificate, idle):
        super().__init__(domain, ip, 'required', certificate)
        self.idle = idle

    def new_id(self):
        return os.urandom(5).hex()[:9].upper()

    def head(self, to, ident=None, initiating=False):
        return super().head(to, ident or self.new_id(), initiating)


class Legacy(Enterprise):
    """From before XMPP 1.0: no version, no features, no names on headers; in clear."""
    version, sends_names = False, False

    def __init__(self, domain, ip):
        super().__init__(domain, ip, 'none')
