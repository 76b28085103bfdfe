# SPDX-License-Identifier: MIT
"""A relay between two servers, in whose hands the connections break: it stands at the address that a server's SRV record names.

It runs on a loop of its own, in a thread. Where the streams are in clear it also writes down which messages it has handed to
xfedd: those whose bytes xfedd's system has acknowledged. What the other server sent and this list does not have was lost on its side.
"""
import array
import asyncio
import fcntl
import re
import socket
import struct
import termios
import threading

from .servers import SERVER_PORT

LINGER_0 = struct.pack('ii', 1, 0)      # close() resets
WRITTEN = 1 << 18                       # bytes that may wait in us before we read no more
MESSAGE = re.compile(rb"<message\b[^>]*?\bid=['\"]([^'\"]*)['\"].*?</message>", re.S)


class Side(asyncio.Protocol):
    """One of the two sockets of a connection."""
    def __init__(self, pair):
        self.pair, self.other, self.transport = pair, None, None
        self.early = b''        # for this side, before it is connected
        self.written, self.is_hole = 0, False
        self.rest, self.rest_at, self.messages = b'', 0, []      # (where it ends, its id), of what was written here

    def connection_made(self, transport):
        self.transport = transport
        self.socket = transport.get_extra_info('socket')
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(WRITTEN)
        self.write(self.early)
        self.pair.made(self)

    def data_received(self, data):
        if not self.other.is_hole:
            self.other.write(data)

    def write(self, data):
        """To the server at this side, unless a hole swallows it."""
        if not self.transport:
            self.early += data
            return
        if self.transport.is_closing():
            return
        self.transport.write(data)
        self.written += len(data)
        if self.pair.is_witness and self is self.pair.ours:
            self._note(data)

    def _note(self, data):
        self.rest += data
        end = 0
        for match in MESSAGE.finditer(self.rest):
            end = match.end()
            self.messages.append((self.rest_at + end, match[1].decode()))
        self.rest, self.rest_at = self.rest[end:], self.rest_at + end

    def reached(self):
        """Ids of the messages whose last byte the system of the server has acknowledged."""
        waiting = array.array('i', [0])
        fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, waiting)
        sure = self.written - self.transport.get_write_buffer_size() - waiting[0]
        return [ident for end, ident in self.messages if end <= sure]

    def pause_writing(self):
        self.other.transport.pause_reading()

    def resume_writing(self):
        self.other.transport.resume_reading()

    def connection_lost(self, _error):
        self.pair.lost(self)


class Pair:
    """A connection: the side that dialled us, and the one that we dialled for it."""
    def __init__(self, relay):
        self.relay, self.is_witness, self.is_over = relay, relay.is_witness, False
        self.near, self.far = Side(self), Side(self)
        self.near.other, self.far.other = self.far, self.near
        self.ours = self.near if relay.from_xfedd else self.far

    def made(self, side):
        if side is self.near:
            self.dialling = asyncio.ensure_future(self._dial())

    async def _dial(self):
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, *self.relay.target)
        except OSError:
            self.end(False)
            return
        if self.is_over:
            self.far.transport.abort()
            return
        self.relay.pairs.append(self)

    def lost(self, side):
        if side is self.ours and not self.is_over:
            self._witness()
        self.end(False)

    def _witness(self):
        if self.is_witness:
            self.relay.reached.update(self.ours.reached())

    def end(self, by_reset):
        if self.is_over:
            return
        self.is_over = True
        if self in self.relay.pairs:
            self.relay.pairs.remove(self)
            if self.ours.socket.fileno() >= 0:
                self._witness()
        for side in (self.near, self.far):
            if not side.transport:
                continue
            if by_reset and side.socket.fileno() >= 0:
                side.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
                side.transport.abort()
            else:
                side.transport.close()


class Relay:
    """`from_xfedd`: xfedd dials it, for a peer; else a peer dials it, for xfedd. `reached`: ids, see above; only with `is_witness`."""
    def __init__(self, ip, target, from_xfedd, is_witness=False):
        self.ip, self.target, self.from_xfedd, self.is_witness = ip, (target, SERVER_PORT), from_xfedd, is_witness
        self.pairs, self.reached = [], set()
        self._loop = asyncio.new_event_loop()

    def start(self):
        asyncio.run_coroutine_threadsafe(self._listen(), self._spin()).result(10)
        return self

    def _spin(self):
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return self._loop

    async def _listen(self):
        self._server = await self._loop.create_server(lambda: Pair(self).near, self.ip, SERVER_PORT, reuse_address=True)

    def _call(self, function, *args):
        async def call():
            return function(*args)
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def hole(self, to_near, to_far):
        """Swallow what goes to the dialling server, to the dialled one, or both: TCP confirms it, and nobody gets it. Only on connections
        of this moment. -> these"""
        def dig():
            for pair in self.pairs:
                pair.near.is_hole, pair.far.is_hole = to_near, to_far
            return list(self.pairs)
        return self._call(dig)

    def end(self, pairs=None, by_reset=True):
        """Reset these connections, or all; or end them, with all that we have of them."""
        def cut():
            for pair in list(self.pairs if pairs is None else pairs):
                pair.end(by_reset)
        self._call(cut)

    def settle(self):
        """Write down of the open connections, too, what reached xfedd."""
        def note():
            for pair in self.pairs:
                pair._witness()
        self._call(note)

    def stop(self):
        def close():
            self._server.close()
            for pair in list(self.pairs):
                pair.end(True)
            self._loop.call_later(0.2, self._loop.stop)
        if getattr(self, '_server', None):
            self._call(close)
