# SPDX-License-Identifier: MIT
"""A real client (slixmpp) that decides nothing by itself and keeps every stanza until a test asks for it."""
import asyncio
import logging
import ssl
import time
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout

from .proc import Failed
from .servers import CLIENT_PORT, PASSWORD, STARTTLS_PORT

NS = '{jabber:client}'
logging.getLogger('slixmpp').setLevel(logging.CRITICAL)


class TimedOut(Failed):
    """A client waited in vain."""


class Client(slixmpp.ClientXMPP):
    def __init__(self, user, domain, ip, ca_file, resource='lab', password=PASSWORD):
        super().__init__(f'{user}@{domain}/{resource}', password)
        self.ip = ip
        self.inbox = []
        self._arrived = asyncio.Event()
        self.roster.auto_authorize = None           # the tests answer subscriptions themselves
        self.roster.auto_subscribe = False
        self.auto_reconnect = False
        self.ca_certs = ca_file
        self.ssl_version = ssl.PROTOCOL_TLS_CLIENT
        for plugin in ('xep_0030', 'xep_0045', 'xep_0054', 'xep_0092', 'xep_0199'):
            self.register_plugin(plugin)
        self['xep_0092'].software_name = 'xfedd-lab'
        self.add_filter('in', self._keep)

    @property
    def bare(self):
        return self.boundjid.bare

    @property
    def full(self):
        return self.boundjid.full

    def _keep(self, stanza):
        self.inbox.append(stanza.xml)
        self._arrived.set()
        return stanza

    async def login(self, timeout=20, starttls=False):
        context = ssl.create_default_context(cafile=self.ca_certs)
        self.get_ssl_context = lambda: context
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', lambda _: started.done() or started.set_result(True), disposable=True)
        self.connect((self.ip, STARTTLS_PORT if starttls else CLIENT_PORT), use_ssl=not starttls, force_starttls=starttls,
                     disable_starttls=not starttls)
        try:
            await asyncio.wait_for(started, timeout)
        except asyncio.TimeoutError:
            raise TimedOut(f'{self.bare} cannot log in at {self.ip}') from None
        await self.get_roster()
        self.send_presence()
        return self

    async def logout(self):
        gone = asyncio.Event()
        self.add_event_handler('disconnected', lambda _: gone.set(), disposable=True)
        self.disconnect(wait=1)
        try:
            await asyncio.wait_for(gone.wait(), 5)
        except asyncio.TimeoutError:
            self.abort()

    def take(self, want):
        """The first stanza kept for which want(xml) holds; it is kept no longer."""
        for i, xml in enumerate(self.inbox):
            if want(xml):
                return self.inbox.pop(i)
        return None

    async def wait(self, what, want, timeout=10):
        end = time.monotonic() + timeout
        while True:
            self._arrived.clear()
            found = self.take(want)
            if found is not None:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise TimedOut(f'{self.bare} waited {timeout} s for {what}')
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except asyncio.TimeoutError:
                pass

    async def wait_presence(self, frm, kind=None, timeout=10, status=None):
        def want(x):
            return (x.tag == NS + 'presence' and from_(x, frm) and x.get('type') == kind
                    and (status is None or x.findtext(NS + 'status') == status))
        return await self.wait(f'presence {kind or "available"} from {frm}', want, timeout)

    async def wait_message(self, ident, timeout=10):
        return await self.wait(f'the message {ident}', lambda x: x.tag == NS + 'message' and x.get('id') == ident, timeout)

    async def ask(self, to, child, kind='get', timeout=15):
        """Send a query. -> the answer's element, of type result or error."""
        iq = self.make_iq(ito=to, itype=kind)
        iq.append(child if not isinstance(child, str) else ET.fromstring(child))
        try:
            return (await iq.send(timeout=timeout)).xml
        except IqError as e:
            return e.iq.xml
        except IqTimeout:
            raise TimedOut(f'{self.bare} got no answer from {to}') from None


def from_(xml, jid):
    """Whether a stanza comes from this JID; a bare one stands for all its resources."""
    sender = xml.get('from', '')
    return sender == jid or ('/' not in jid and sender.split('/')[0] == jid)


def condition(xml):
    """(type, condition) of a stanza error, or None."""
    error = next((c for c in xml if c.tag.endswith('}error')), None)
    if error is None:
        return None
    names = [c.tag.split('}')[1] for c in error if c.tag.startswith('{urn:ietf:params:xml:ns:xmpp-stanzas}')]
    return error.get('type'), next((n for n in names if n != 'text'), None)


def tree(xml):
    """An element as plain values, so that two of them are equal when they mean the same."""
    return (xml.tag, tuple(sorted(xml.attrib.items())), xml.text or '', tuple((tree(c), c.tail or '') for c in xml))
