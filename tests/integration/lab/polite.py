# SPDX-License-Identifier: MIT
"""A scripted peer and a scripted cluster that behave as any server does: they answer pings (XEP-0199) and the end of a stream."""
import threading
import time

from . import net
from .cluster import Cluster
from .peer import Peer
from .world import LOCAL
from .xmlstream import Closed


def pong(element):
    """The answer to whatever is asked, so that pings prove what went before them."""
    return f"<iq type='result' id='{element.get('id')}' from='{element.get('to')}' to='{element.get('from')}'/>"


def is_question(element):
    return element.tag.endswith('}iq') and element.get('type') in ('get', 'set')


class Polite(Peer):
    """Answers questions, over its own stream, and the end of a stream with its own."""
    def __init__(self, *args, heard):
        super().__init__(*args, on_stanza=self._on_stanza)
        self.heard = heard
        self.outgoing = Outgoing(self)

    def _on_stanza(self, _stream, element):
        if is_question(element):
            threading.Thread(target=self.outgoing.send, args=(lambda: pong(element),), daemon=True).start()
        else:
            self.heard(element)

    def _serve(self, stream):
        try:
            super()._serve(stream)
        except Closed:
            self.bid_farewell(stream)

    @staticmethod
    def bid_farewell(stream):
        try:
            stream.send('</stream:stream>', 1)
        except Closed:
            pass
        stream.close()


class Outgoing:
    """A stream of the peer to xfedd, for one message after the other. When xfedd ends it, all that was sent before our own end counts."""
    def __init__(self, peer):
        self.peer, self.stream, self.watcher = peer, None, None
        self.lock = threading.Lock()    # whoever writes, or takes the stream away
        self.refused, self.ended = 0, 0

    def dial(self):
        while True:
            stream = None
            try:
                stream = self.peer.dial((net.GATEWAY, 5269), LOCAL)
                return self.peer.external(stream, LOCAL)
            except ConnectionRefusedError:
                self.refused += 1
            except (Closed, OSError):
                self.ended += 1         # xfedd went away in the middle of it: as any server, we try again
                if stream:
                    stream.close()
            time.sleep(0.1)

    def send(self, make):
        with self.lock:
            if not self.stream:
                self.stream = self.dial()
                self.watcher = threading.Thread(target=self._watch, args=(self.stream,), daemon=True)
                self.watcher.start()
            self.stream.send(make())

    def hang_up(self):
        with self.lock:
            stream, self.stream = self.stream, None
        if stream:
            self._say(stream, '</stream:stream>')
            self.watcher.join(10)

    @staticmethod
    def _say(stream, text):
        try:
            stream.send(text, 1)
        except Closed:
            pass

    def _watch(self, stream):
        """Alone reads it, to its very end."""
        try:
            while True:
                element = stream.element(3600)
                if is_question(element):
                    self._say(stream, pong(element))
        except Closed:
            pass
        with self.lock:
            is_ours = self.stream is stream
            self.stream = None if is_ours else self.stream
        if is_ours:
            self._say(stream, '</stream:stream>')
        try:
            while True:
                stream.next(5)
        except Closed:
            pass
        self.peer.open.discard(stream)
        stream.close()


class PoliteCluster(Cluster):
    """Answers the link's questions and its end, and says nothing behind its own end."""
    def __init__(self, *args, heard):
        super().__init__(*args, on_stanza=self._on_stanza)
        self.heard = heard
        self.saying = threading.Lock()

    def _on_stanza(self, element):
        if is_question(element):
            self.stream.send(pong(element))
        else:
            self.heard(element)

    def say(self, make):
        while True:
            stream = self.wait_link(60)
            with self.saying:
                if stream is self.stream:
                    stream.send(make())
                    return

    def _serve(self, stream):
        try:
            super()._serve(stream)
        except Closed:
            with self.saying:
                Polite.bid_farewell(stream)
