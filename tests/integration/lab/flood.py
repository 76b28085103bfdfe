# SPDX-License-Identifier: MIT
"""A flood: many connections that stay half-open or slow, each from an address of its own choice, opened again whenever it ends.

    silent     connects, says nothing                header     says its stream header, and no more
    starttls   up to <proceed/>, then nothing        tls        a whole TLS handshake, then nothing
    drip       its stream header, a byte a second    slow       authenticated (EXTERNAL), then a stanza a byte every three seconds
"""
import asyncio
import base64
import random
import resource
import ssl
import threading

from .peer import HEAD
from .xmlstream import DIALBACK, SASL, STREAM, TLS

OVER = (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError)


def raise_limit():
    """A descriptor for each connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def sources(first_network, per_network):
    """127.10.N.1, .2, ... : one address after the other, five of them in each /24, `per_network` connections each network."""
    n = 0
    while True:
        yield f'127.10.{first_network + n // per_network}.{1 + n % 5}'
        n += 1


class Flood:
    def __init__(self, address, to):
        self.address, self.to = address, to
        self.ended = 0
        self._is_over = False   # a cancellation that meets the end of a wait_for is lost in Python 3.11
        self.kinds = {}
        self._loop = asyncio.new_event_loop()
        self._tasks = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def add(self, kind, count, source, peer='flood.example', certificate=None):
        """`count` connections of that kind, from the next addresses of the iterator `source`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(*certificate)
        for _ in range(count):
            job = self._keep(kind, next(source), peer, context)
            self._tasks.append(asyncio.run_coroutine_threadsafe(job, self._loop))

    def stop(self):
        """Let go of all connections. May be called again."""
        self._is_over = True
        for task in self._tasks:
            task.cancel()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.call_later, 2, self._loop.stop)
            self._thread.join(10)

    def held(self, kind=None):
        """How many are where they want to be."""
        return self.kinds.get(kind, 0) if kind else sum(self.kinds.values())

    async def _keep(self, kind, source, peer, context):
        await asyncio.sleep(random.uniform(0, 3))
        while not self._is_over:
            writer = None
            try:
                reader, writer = await asyncio.open_connection(*self.address, local_addr=(source, 0))
                await self._hold(kind, reader, writer, peer, context)
            except OVER:
                pass
            finally:
                if writer:
                    writer.transport.abort()
            self.ended += 1
            await asyncio.sleep(random.uniform(0.5, 1.5))

    async def _hold(self, kind, reader, writer, peer, context):
        await self._steps[kind](self, reader, writer, peer, context)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        try:
            if kind in ('drip', 'slow'):
                await self._drip(kind, reader, writer, peer)
            else:
                while await reader.read(4096):
                    pass
        finally:
            self.kinds[kind] -= 1

    def _header(self, peer):
        return HEAD.format(stream=STREAM, db=DIALBACK, more='', frm=peer, to=self.to).encode()

    async def _silent(self, reader, writer, peer, context):
        pass

    async def _open(self, reader, writer, peer, context):
        writer.write(self._header(peer))
        await asyncio.wait_for(reader.readuntil(b'</stream:features>'), 20)

    async def _starttls(self, reader, writer, peer, context):
        await self._open(reader, writer, peer, context)
        writer.write(f"<starttls xmlns='{TLS}'/>".encode())
        await asyncio.wait_for(reader.readuntil(b'/>'), 20)

    async def _tls(self, reader, writer, peer, context):
        await self._starttls(reader, writer, peer, context)
        await asyncio.wait_for(writer.start_tls(context), 20)

    async def _slow(self, reader, writer, peer, context):
        await self._tls(reader, writer, peer, context)
        await self._open(reader, writer, peer, context)
        name = base64.b64encode(peer.encode()).decode()
        writer.write(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{name}</auth>".encode())
        await asyncio.wait_for(reader.readuntil(b'/>'), 20)
        await self._open(reader, writer, peer, context)

    async def _drip(self, kind, reader, writer, peer):
        text = self._header(peer) if kind == 'drip' else f"<message from='x@{peer}' to='alice@{self.to}'>".encode() + b'x' * 999
        end = asyncio.ensure_future(reader.read())
        for byte in text:
            writer.write(bytes([byte]))
            done, _ = await asyncio.wait([end], timeout=1 if kind == 'drip' else 3)
            if done:
                end.exception()
                return
        end.cancel()

    _steps = {'silent': _silent, 'drip': _silent, 'header': _open, 'starttls': _starttls, 'tls': _tls, 'slow': _slow}
