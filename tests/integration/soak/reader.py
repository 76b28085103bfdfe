# SPDX-License-Identifier: MIT
"""An XML stream, element by element. No tree: a stanza is its attributes, the names of all that is in it, and one text.

Debian's expat keeps back a token that came in pieces until much more has come, and Python 3.11 has no switch for that; so only
whole tags are fed.
"""
from xml.parsers import expat

STREAM, TLS, SASL = 'http://etherx.jabber.org/streams', 'urn:ietf:params:xml:ns:xmpp-tls', 'urn:ietf:params:xml:ns:xmpp-sasl'
DIALBACK, SM, PING = 'jabber:server:dialback', 'urn:xmpp:sm:3', 'urn:xmpp:ping'
BIDI, BIDI_FEATURE = 'urn:xmpp:bidi', 'urn:xmpp:features:bidi'
DELAY = 'urn:xmpp:delay delay'
TEXTS = ('body', 'status', 'query')
KINDS = ('message', 'presence', 'iq')


class Element:
    __slots__ = ('space', 'name', 'attrs', 'inner', 'text')

    def __init__(self, name, attrs):
        self.space, _, self.name = name.rpartition(' ')
        self.attrs, self.inner, self.text = attrs, [], ''

    @property
    def is_stanza(self):
        return self.name in KINDS and self.space in ('jabber:server', 'jabber:component:accept')

    def has(self, name):
        return name in self.inner

    def condition(self):
        """What kind of error it is."""
        return next((i.rpartition(' ')[2] for i in self.inner if i.startswith('urn:ietf:params:xml:ns:xmpp-') and not i.endswith(' text')), '?')


class Reader:
    """Calls opened(attributes), element(Element) and closed()."""
    def __init__(self, opened, element, closed):
        self._opened, self._element, self._closed = opened, element, closed
        self.restart()

    def restart(self):
        self._expat = parser = expat.ParserCreate(namespace_separator=' ')
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = self._start, self._end, self._chars
        self._depth, self._current, self._is_text, self._rest = 0, None, False, b''

    def feed(self, data):
        if self._rest:
            data = self._rest + data
        end = data.rfind(b'>') + 1
        begun = data.find(b'<success ', 0, end)
        if begun >= 0:          # what follows belongs to the next stream
            after = data.index(b'>', begun) + 1
            self._expat.Parse(data[:after])
            if after < len(data):
                self.feed(data[after:])
            return
        self._rest = data[end:]
        if self._depth == 0 and data.strip() == b'</stream:stream>':
            self._closed()      # ended before its header, which a restart had made due
        elif end:
            self._expat.Parse(data[:end])

    def _start(self, name, attrs):
        depth = self._depth
        self._depth = depth + 1
        if depth == 0:
            self._opened(attrs)
        elif depth == 1:
            self._current, self._is_text = Element(name, attrs), True
        else:
            self._current.inner.append(name)
            self._is_text = depth == 2 and name.rpartition(' ')[2] in TEXTS

    def _chars(self, data):
        if self._is_text and self._current is not None:
            self._current.text += data

    def _end(self, _name):
        self._depth = depth = self._depth - 1
        self._is_text = False
        if depth == 1:
            element, self._current = self._current, None
            self._element(element)
        elif depth == 0:
            self._closed()
