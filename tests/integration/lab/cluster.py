# SPDX-License-Identifier: MIT
"""A scripted cluster: the server side of XEP-0114 to which xfedd's link connects. Every stanza of the link is kept, in order."""
import hashlib
import hmac
import os
import threading
import time

from .xmlstream import STREAM, Closed, Listener

ACCEPT = 'jabber:component:accept'


def handshake(ident, secret):
    return hashlib.sha1((ident + secret).encode()).hexdigest()


class Inbox:
    """What came, in order, until somebody takes it out."""
    def __init__(self):
        self.inbox = []
        self._changed = threading.Condition()

    def keep(self, element):
        with self._changed:
            self.inbox.append(element)
            self._changed.notify_all()

    def wait(self, want, timeout=10):
        """The first kept stanza for which want(element) holds, taken out; None after the time."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                for i, element in enumerate(self.inbox):
                    if want(element):
                        return self.inbox.pop(i)
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)


class Cluster(Inbox):
    def __init__(self, ip, port, name, secret, on_stanza=None):
        super().__init__()
        self.name, self.secret = name, secret
        self.listener = Listener(ip, port, self._serve)
        self.stream = None
        self.links = 0                  # how often the link came up
        self.on_stanza = on_stanza or self.keep

    def start(self):
        self.listener.start()
        return self

    def stop(self):
        """Close the listening socket and the link. From now on the link is down: whoever waits for it means the next one."""
        self.listener.stop()
        with self._changed:
            stream, self.stream = self.stream, None
            self._changed.notify_all()
        if stream:
            stream.close()

    def _serve(self, stream):
        header = stream.header()
        ident = os.urandom(8).hex()
        stream.send(f"<?xml version='1.0'?><stream:stream xmlns='{ACCEPT}' xmlns:stream='{STREAM}' from='{header.get('to')}' "
                    f"id='{ident}'>")
        shake = stream.element()
        want = handshake(ident, self.secret)
        if header.get('to') != self.name or not hmac.compare_digest((shake.text or '').lower(), want):
            stream.send("<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                        '</stream:stream>')
            stream.close()
            return
        stream.send('<handshake/>')
        with self._changed:
            self.stream = stream
            self.links += 1
            self._changed.notify_all()
        try:
            while True:
                self.on_stanza(stream.element(3600))
        finally:
            with self._changed:
                if self.stream is stream:
                    self.stream = None
                self._changed.notify_all()

    def wait_link(self, timeout=15):
        with self._changed:
            if not self._changed.wait_for(lambda: self.stream, timeout):
                raise Closed(f'the link did not come up within {timeout} s')
        return self.stream

    def wait_down(self, timeout=5):
        with self._changed:
            self._changed.wait_for(lambda: not self.stream, timeout)

    def send(self, text):
        self.wait_link().send(text)
