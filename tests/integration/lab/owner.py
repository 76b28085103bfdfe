# SPDX-License-Identifier: MIT
"""An owner of many names: one certificate with a wildcard, streams and pairs as fast as they come, in a process of its own.

Each worker opens a stream in the name of one domain below the owner's, authenticates it (EXTERNAL), claims `pairs` more on it (dialback that the certificate
answers), writes to nobody from every twentieth, so that there is something to answer, and keeps the stream; when that ends, the next one with new names.

usage: owner.py JSON    {address, sources, owners: [[domain, certificate, key]], to: [...], workers, pairs, seconds, seed}; prints what became of it
"""
import asyncio
import base64
import collections
import itertools
import json
import os
import re
import resource
import ssl
import sys
import time

STREAM, DIALBACK = 'http://etherx.jabber.org/streams', 'jabber:server:dialback'
TLS, SASL = 'urn:ietf:params:xml:ns:xmpp-tls', 'urn:ietf:params:xml:ns:xmpp-sasl'
OVER = (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError)
RESULT = re.compile(rb"<db:result ([^>]*)>")
ATTRIBUTE = re.compile(rb"""(\w+)=['"]([^'"]*)['"]""")


class Owner:
    def __init__(self, **job):
        self.__dict__.update(job)
        self.counts = collections.Counter()
        self.next = itertools.count()
        self.contexts = []
        for domain, certificate, key in self.owners:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.load_cert_chain(certificate, key)
            self.contexts.append((domain, context))

    async def run(self):
        began = time.monotonic()
        workers = [asyncio.ensure_future(self.work()) for _ in range(self.workers)]
        await asyncio.sleep(self.seconds)
        print(json.dumps(dict(self.counts, seconds=time.monotonic() - began)), flush=True)
        os._exit(0)     # nothing of it has to end politely
        return workers

    async def work(self):
        while True:
            n = next(self.next)
            domain, context = self.contexts[n % len(self.contexts)]
            name = f'n{self.seed}x{n}.{domain}'
            writer = None
            try:
                source = self.sources[n % len(self.sources)]
                reader, writer = await asyncio.open_connection(*self.address, local_addr=(source, 0))
                self.counts['conns'] += 1
                await self.authenticate(reader, writer, context, name)
                self.counts['streams'] += 1
                await self.claim(reader, writer, name, domain)
                while await reader.read(65536):
                    pass
                self.counts['ended'] += 1
            except OVER:
                self.counts['refused'] += 1
            finally:
                if writer:
                    writer.transport.abort()
            await asyncio.sleep(0.2)

    async def open(self, reader, writer, name):
        writer.write(f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}' from='{name}' "
                     f"to='{self.to[0]}' version='1.0'>".encode())
        await asyncio.wait_for(reader.readuntil(b'</stream:features>'), 10)

    async def authenticate(self, reader, writer, context, name):
        await self.open(reader, writer, name)
        writer.write(f"<starttls xmlns='{TLS}'/>".encode())
        await asyncio.wait_for(reader.readuntil(b'/>'), 10)
        await asyncio.wait_for(writer.start_tls(context), 10)
        await self.open(reader, writer, name)
        ident = base64.b64encode(name.encode()).decode()
        writer.write(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{ident}</auth>".encode())
        answer = await asyncio.wait_for(reader.readuntil(b'/>'), 10)
        if b'<success' not in answer:
            raise EOFError
        await self.open(reader, writer, name)

    async def claim(self, reader, writer, name, domain):
        names = [f'p{self.seed}x{next(self.next)}.{domain}' for _ in range(self.pairs)]
        claims = [f"<db:result from='{n}' to='{to}'>k</db:result>" for n in names for to in self.to]
        writer.write(''.join(claims).encode())
        answered, text = 0, b''
        while answered < len(claims):
            data = await asyncio.wait_for(reader.read(65536), 10)
            if not data:
                raise EOFError
            text += data
            end = text.rfind(b'>') + 1
            for attributes in map(lambda m: dict(ATTRIBUTE.findall(m)), RESULT.findall(text[:end])):
                answered += 1
                self.counts['claims'] += 1
                self.answered(writer, attributes)
            text = text[end:]

    def answered(self, writer, attributes):
        self.counts['pairs' if attributes.get(b'type') == b'valid' else 'pairs refused'] += 1
        if attributes.get(b'type') == b'valid' and self.counts['pairs'] % 20 == 0:
            peer, local = attributes[b'to'].decode(), attributes[b'from'].decode()
            writer.write(f"<message from='x@{peer}' to='nobody@{local}' id='o'/>".encode())


if __name__ == '__main__':
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(10)         # behind the gateway: what is measured is how that shares itself out, not how a machine does that plays several
    asyncio.run(Owner(**json.loads(sys.argv[1])).run())
