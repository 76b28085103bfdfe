# SPDX-License-Identifier: MIT
"""A SIP peer of a few lines, over TLS: a server that answers every request as it is told, and a client that sends some.

For what a real server would never do; lab/kamailio.py is a real one.
"""
import re
import socket
import ssl

from .xmlstream import Listener, XmlStream

KEPT = re.compile(r'(Via|From|To|Call-ID|CSeq|Record-Route):', re.I)


def read(stream, timeout=60):
    """The next message. -> the lines of its head, the body; line ends between messages (keep-alive) are skipped"""
    data = getattr(stream, 'rest', b'')
    while True:
        data = data.lstrip(b'\r\n')
        head, end, body = data.partition(b'\r\n\r\n')
        if end:
            length = int(re.search(rb'^(?:Content-Length|l) *: *(\d+)', head, re.I | re.M)[1])
            if len(body) >= length:
                stream.rest = body[length:]
                return head.decode().split('\r\n'), body[:length].decode()
        data += stream.receive(timeout)


def answer_to(lines, status, reason='Answer'):
    kept = [line for line in lines[1:] if KEPT.match(line)]
    kept = [line + ';tag=peer' if line.lower().startswith('to:') and ';tag=' not in line else line for line in kept]
    return '\r\n'.join([f'SIP/2.0 {status} {reason}', *kept, 'Content-Length: 0', '', ''])


class SipServer:
    """`answer(lines, body)` -> a status, bytes to be sent as they are, or None: nothing. `ca_file`: a certificate by it is demanded."""
    def __init__(self, ip, certificate, ca_file=None, answer=lambda lines, body: 200, port=5061):
        self.certificate, self.ca_file, self.answer = certificate, ca_file, answer
        self.listener = Listener(ip, port, self._serve)

    def start(self):
        self.listener.start()
        return self

    def stop(self):
        self.listener.stop()

    def _context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _serve(self, stream):
        stream.secure(self._context(), True)
        while True:
            lines, body = read(stream, 3600)
            answer = self.answer(lines, body)
            if answer is not None:
                stream.send(answer_to(lines, answer) if isinstance(answer, int) else answer)


class SipClient:
    """A connection to `target`, an address and a port, by TLS with this certificate; `domain` is that of From."""
    def __init__(self, domain, target, certificate, ca_file, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(ca_file)
        if certificate:
            context.load_cert_chain(*certificate)
        self.domain, self.calls = domain, 0
        self.stream = XmlStream(context.wrap_socket(socket.create_connection(target, 10), server_hostname=name))

    def request(self, method, uri, body='', frm=None):
        """-> the status of the final answer"""
        self.calls += 1
        number = f'{self.domain}x{self.calls}'
        kind = ('Content-Type: text/plain;charset=UTF-8',) if body else ()
        head = (f'{method} {uri} SIP/2.0', f'Via: SIP/2.0/TLS {self.domain};branch=z9hG4bK{number}', 'Max-Forwards: 70',
                f'From: <sip:vera@{frm or self.domain}>;tag={number}', f'To: <{uri}>', f'Call-ID: {number}', f'CSeq: 1 {method}', *kind,
                f'Content-Length: {len(body.encode())}', '', '')
        self.stream.send('\r\n'.join(head) + body)
        while True:
            status = int(read(self.stream)[0][0].split()[1])
            if status >= 200:
                return status

    def send(self, data):
        self.stream.send(data)

    def close(self):
        self.stream.close()
