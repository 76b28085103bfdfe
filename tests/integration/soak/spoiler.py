# SPDX-License-Identifier: MIT
"""A proxy in front of a node that damages what xfedd sends to the cluster, now and then: what the soak must notice.

    drop      a stanza is left out           double    a stanza comes twice
    swap      two stanzas change places      spoil     some letters are others
    address   a stanza has another address
"""
import re
import socket
import threading

EVERY = 40
STANZA = re.compile(rb"<(message|presence|iq) .*?(?:</\1>|(?<!-)/>(?=<|$))", re.S)
KINDS = ('drop', 'double', 'swap', 'spoil', 'address')


def is_numbered(stanza):
    return re.search(rb"id=['\"][io]\d", stanza) and b'error' not in stanza and not stanza.startswith(b'<iq')


class Spoiler:
    def __init__(self, address, node, how):
        self.address, self.node, self.how = address, tuple(node), how
        self.listener = None

    def start(self):
        self.listener = socket.create_server(tuple(self.address))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.node)
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._pump, args=(far, near, lambda data: data), daemon=True).start()
            threading.Thread(target=self._pump, args=(near, far, Damage(self.how).through), daemon=True).start()

    @staticmethod
    def _pump(source, sink, through):
        try:
            while data := source.recv(65536):
                sink.sendall(through(data))
        except OSError:
            pass
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Damage:
    """Of one stream, whole stanzas at a time."""
    def __init__(self, how):
        self.how, self.rest, self.count, self.held = how, b'', 0, None

    def through(self, data):
        data, out, at = self.rest + data, [], 0
        for match in STANZA.finditer(data):
            if b'</' not in match[0] and match[0].count(b'<') > 1:
                continue
            out += [data[at:match.start()]] + self._one(match[0])
            at = match.end()
        tail = data[at:]
        if tail.startswith((b'<message', b'<presence', b'<iq')):
            self.rest = tail
        else:
            self.rest = b''
            out.append(tail)
        return b''.join(out)

    def _one(self, stanza):
        if not is_numbered(stanza):
            return [stanza]
        self.count += 1
        if self.held:
            return self._swapped(stanza)
        if self.count % EVERY:
            return [stanza]
        if self.how == 'swap':
            self.held = stanza
            return []
        return {'drop': [], 'double': [stanza, stanza], 'spoil': [re.sub(rb' [0-9a-f]{8} ', b' 00000000 ', stanza, 1)],
                'address': [re.sub(rb"to=(['\"])u\d+", rb'to=\1u99', stanza)]}[self.how]

    def _swapped(self, stanza):
        """Behind the next one of the same pair."""
        def pair(text):
            return re.search(rb"from=['\"]([^'\"]+)", text)[1]
        if pair(stanza) != pair(self.held):
            return [stanza]
        held, self.held = self.held, None
        return [stanza, held]
