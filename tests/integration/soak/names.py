# SPDX-License-Identifier: MIT
"""DNS for the peers, which can fail: SERVFAIL, or silence, for one domain at a time. Short TTLs, so that a fault is felt soon."""
import socket
import threading
import time

from dnslib import QTYPE, RCODE, RR, SRV, A, DNSRecord

TTL = 2


class Names(threading.Thread):
    def __init__(self, ip, addresses):
        """`addresses`: domain -> address"""
        super().__init__(daemon=True)
        self.addresses, self.ill = addresses, {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 53))

    def stop(self):
        self.sock.close()

    def fail(self, domain, how, seconds):
        """`how`: servfail or silence"""
        self.ill[domain] = (how, time.monotonic() + seconds)

    def run(self):
        while True:
            try:
                data, who = self.sock.recvfrom(4096)
            except OSError:
                return
            reply = self._answer(DNSRecord.parse(data))
            if reply:
                self.sock.sendto(reply.pack(), who)

    def _answer(self, query):
        name = str(query.q.qname).rstrip('.').lower()
        domain = '.'.join(name.split('.')[-2:])
        how, until = self.ill.get(domain, (None, 0))
        reply = query.reply()
        if time.monotonic() < until:
            if how == 'silence':
                return None
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        self._records(reply, query, name, domain)
        return reply

    def _records(self, reply, query, name, domain):
        address, kind = self.addresses.get(domain), QTYPE[query.q.qtype]
        if not address:
            reply.header.rcode = RCODE.NXDOMAIN
        elif name == f'_xmpp-server._tcp.{domain}' and kind == 'SRV':
            reply.add_answer(RR(query.q.qname, QTYPE.SRV, ttl=TTL, rdata=SRV(0, 5, 5269, f'xmpp.{domain}')))
        elif name in (f'xmpp.{domain}', domain):
            if kind == 'A':
                reply.add_answer(RR(query.q.qname, QTYPE.A, ttl=TTL, rdata=A(address)))
        else:
            reply.header.rcode = RCODE.NXDOMAIN
