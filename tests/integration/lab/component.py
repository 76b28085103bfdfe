# SPDX-License-Identifier: MIT
"""A component (XEP-0114) that keeps every stanza: stands for the users of a domain at a server that has none of its own."""
import asyncio
import socket
import threading
import time

from .client import TimedOut
from .cluster import ACCEPT, Inbox, handshake
from .servers import COMPONENT_PORT
from .xmlstream import STREAM, Closed, XmlStream

PATIENCE = 10       # seconds


class Component(Inbox):
    """Is asked like lab/client.py; the addresses of its domain are all its own."""
    def __init__(self, user, domain, ip, secret, port=COMPONENT_PORT):
        super().__init__()
        self.bare, self.domain, self.ip, self.secret, self.port = f'{user}@{domain}', domain, ip, secret, port
        self.stream = None

    async def login(self):
        """A server that listens since a moment ago may not know its components yet."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._login()
            except Closed:
                self.stream.close()
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.2)

    def _login(self):
        self.stream = XmlStream(socket.create_connection((self.ip, self.port), 10))
        self.stream.send(f"<?xml version='1.0'?><stream:stream xmlns='{ACCEPT}' xmlns:stream='{STREAM}' to='{self.domain}'>")
        self.stream.send(f"<handshake>{handshake(self.stream.header().get('id', ''), self.secret)}</handshake>")
        while not (answer := self.stream.element()).tag.endswith('}handshake'):
            if not answer.tag.endswith(('}message', '}presence', '}iq')):
                raise Closed(f'the server refuses the component {self.domain}: {answer.tag}')
            self.keep(answer)       # a server that is busy may send these first
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        try:
            while True:
                self.keep(self.stream.element(3600))
        except Closed:
            pass

    async def logout(self):
        self.stream.close()

    def send_raw(self, text):
        """A component says itself from whom it is."""
        self.stream.send(text.replace('<message ', f"<message from='{self.bare}' ", 1))

    def take(self, want):
        return self.wait(want, 0)

    async def wait_message(self, ident, timeout=10):
        found = await asyncio.to_thread(self.wait, lambda e: e.tag.endswith('}message') and e.get('id') == ident, timeout)
        if found is None:
            raise TimedOut(f'{self.bare} waited {timeout} s for the message {ident}')
        return found
