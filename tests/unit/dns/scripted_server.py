#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A DNS server whose first label says how it behaves; for test_client.c.

    scripted_server.py COMMAND [ARGUMENT...]

Starts two servers (UDP and TCP on a port each, 127.0.0.1), runs COMMAND with their ports as
XF_TEST_DNS_PORTS="P1 P2", ends with its status. Nothing outlives the command. The count of questions that reached a server
is itself a name: count.NAME of type A answers 127.0.N.M, N by UDP and M by TCP on that server.

    ok        A 192.0.2.1, TTL 60        authentic  the same, AD set          ttl0       TTL 0
    ttl1      TTL 1                      nx         NXDOMAIN, SOA 60          nosoa      NXDOMAIN, no SOA
    servfail, refused                    silent     no answer ever            late       answer after 1.3 s
    first-silent  no answer to the first datagram, server 1 only silent: one-silent; servfail on server 1: one-servfail
    tc        truncated, whole by TCP    tc-cut     truncated; TCP closes      tc-slow    TCP byte by byte
    lower     the name in lower case, TCP the same                              wrong      wrong id, wrong name, then the right one
    rubbish   header and question right, then noise                            alias      CNAME ok.example only
    tc-alien  truncated; by TCP the answer to another question                    tc-flood  truncated; TCP never ends its message
    tc-auth   truncated with AD, whole with AD by TCP             tc-lost    truncated with AD, whole without
    nx-auth   NXDOMAIN with AD           servfail-auth  SERVFAIL with AD   tlsa     two TLSA records, AD set
    formerr, notimp  so for a question with EDNS, header only; the address with AD without     opt    the address, with EDNS
    opt-formerr  FORMERR with EDNS           bogus      SERVFAIL with EDNS, which says that the signatures have expired (RFC 8914)
    aa, ap, pa  CNAME authentic.example or ok.example (p last) with AD (a first) or without
    ring      CNAME ring.example         chain-N    CNAME chain-(N-1).example, chain-0 has the address
"""
import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

counts = {}
counts_lock = threading.Lock()


def name_wire(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def record(kind, ttl, data, owner=b"\xc0\x0c"):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def parse(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0], query[12:at + 5]


SOA = record(6, 60, name_wire("ns.example") + name_wire("root.example") + struct.pack("!5I", 1, 2, 3, 4, 60),
             name_wire("example"))
ADDRESS = bytes([192, 0, 2, 1])


def message(query, question, answers=(), authority=(), rcode=0, flags=0):
    return (query[:2] + struct.pack("!HHHHH", 0x8180 | rcode | flags, 1, len(answers), len(authority), 0) + question +
            b"".join(answers) + b"".join(authority))


def reply(query, server, by_tcp):
    """The messages to send, each after a pause in seconds."""
    name, kind, question = parse(query)
    mode = name.split(".")[0]
    if mode == "count":
        with counts_lock:
            udp, tcp = (counts.get((server, name[6:], t), 0) for t in (False, True))
        return [(0, message(query, question, [record(1, 0, bytes([127, 0, udp, tcp]))]))]
    with counts_lock:
        nth = counts[(server, name, by_tcp)] = counts.get((server, name, by_tcp), 0) + 1
    good = message(query, question, [record(1, 60, ADDRESS)])

    if mode in ("formerr", "notimp") and query[10:12] != b"\0\0":
        return [(0, query[:2] + struct.pack("!HHHHH", 0x8180 | (1 if mode == "formerr" else 4), 0, 0, 0, 0))]
    if mode in ("opt", "opt-formerr"):
        whole = message(query, question, [record(1, 60, ADDRESS)], rcode=mode != "opt")
        return [(0, whole[:10] + b"\0\1" + whole[12:] + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0))]
    if mode == "bogus":
        said = struct.pack("!HHH", 15, 2, 7)
        whole = message(query, question, rcode=2)
        return [(0, whole[:10] + b"\0\1" + whole[12:] + b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(said)) + said)]
    if mode in ("authentic", "formerr", "notimp"):
        return [(0, message(query, question, [record(1, 60, ADDRESS)], flags=0x20))]
    if mode in ("nx-auth", "servfail-auth"):
        return [(0, message(query, question, authority=[SOA], rcode=3 if mode == "nx-auth" else 2, flags=0x20))]
    if mode == "tlsa":
        return [(0, message(query, question, [record(52, 60, b"\3\1\1" + bytes(32)), record(52, 60, b"\2\0\2abc")], flags=0x20))]
    if mode in ("aa", "ap", "pa"):
        to = "ok.example" if mode[1] == "p" else "authentic.example"
        return [(0, message(query, question, [record(5, 30, name_wire(to))], flags=0x20 if mode[0] == "a" else 0))]
    if mode in ("ttl0", "ttl1"):
        return [(0, message(query, question, [record(1, int(mode[3]), ADDRESS)]))]
    if mode == "nx":
        return [(0, message(query, question, authority=[SOA], rcode=3))]
    if mode == "nosoa":
        return [(0, message(query, question, rcode=3))]
    if mode == "servfail" or (mode == "one-servfail" and server == 0):
        return [(0, message(query, question, rcode=2))]
    if mode == "refused":
        return [(0, message(query, question, rcode=5))]
    if mode == "silent" or (mode == "first-silent" and nth == 1) or (mode == "one-silent" and server == 0):
        return []
    if mode == "late":
        return [(1.3, good)]
    if mode.startswith("tc") and not by_tcp:
        return [(0, message(query, question, flags=0x220 if mode in ("tc-auth", "tc-lost") else 0x200))]
    if mode == "tc-auth":
        return [(0, message(query, question, [record(1, 60, ADDRESS)], flags=0x20))]
    if mode == "tc-cut":
        return [(0, good[:20])]
    if mode == "tc-alien":
        return [(0, message(query, name_wire("other.example") + question[-4:], [record(1, 60, ADDRESS)]))]
    if mode == "tc-flood":
        return [(0, good + bytes(300000))]
    if mode == "lower":
        return [(0, message(query, question.lower(), [record(1, 60, ADDRESS)]))]
    if mode == "wrong":
        evil = [record(1, 60, bytes([192, 0, 2, 66]))]
        other = name_wire("other.example") + question[-4:]
        return [(0, message(bytes([query[0] ^ 1, query[1]]), question, evil)), (0, message(query, other, evil)),
                (0, b""), (0, b"\0"), (0, query), (0.05, good)]
    if mode == "rubbish":
        return [(0, good[:12 + len(question)] + b"\xc0\xff\xff\xff" * 5)]
    if mode == "alias":
        return [(0, message(query, question, [record(5, 30, name_wire("ok.example"))]))]
    if mode == "ring":
        return [(0, message(query, question, [record(5, 30, name_wire("ring2.example"))]))]
    if mode == "ring2":
        return [(0, message(query, question, [record(5, 30, name_wire("ring.example"))]))]
    if mode.startswith("chain-") and mode != "chain-0":
        return [(0, message(query, question, [record(5, 30, name_wire("chain-%d.example" % (int(mode[6:]) - 1)))]))]
    return [(0, good)]


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        for pause, answer in reply(query, self.server.index, False):
            time.sleep(pause)
            sock.sendto(answer, self.client_address)


class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.converse()
        except OSError:
            pass  # the client may leave at any time

    def converse(self):
        self.request.settimeout(10)
        prefix = self.request.recv(2, socket.MSG_WAITALL)
        if len(prefix) < 2:
            return
        query = self.request.recv(struct.unpack("!H", prefix)[0], socket.MSG_WAITALL)
        is_cut = b"tc-cut" in query.lower()
        for _, answer in reply(query, self.server.index, True):
            data = struct.pack("!H", 500 if is_cut else min(len(answer), 65535)) + answer
            if b"tc-slow" in query.lower():
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for i in range(len(data)):
                    self.request.sendall(data[i:i + 1])
                    time.sleep(0.002)
            else:
                self.request.sendall(data)
        if not is_cut:
            self.request.recv(1)  # the client closes


class UdpServer(socketserver.ThreadingUDPServer):
    """Hundreds of questions may come in one turn: they lie in the socket until there is time, and cost a thread only where the answer takes a while."""
    daemon_threads = True
    SO_RCVBUFFORCE = 33  # above net.core.rmem_max, which holds some 270 datagrams; for root

    def server_bind(self):
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, self.SO_RCVBUFFORCE, 4 << 20)
        except OSError:
            pass
        super().server_bind()

    def process_request(self, request, client_address):
        if any(mode in request[0].lower() for mode in (b"late", b"wrong")):
            super().process_request(request, client_address)
        else:
            self.process_request_thread(request, client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def start(index):
    for _ in range(50):  # a port that is free for both
        udp = UdpServer(("127.0.0.1", 0), Udp)
        try:
            tcp = TcpServer(udp.server_address, Tcp)
            break
        except OSError:
            udp.server_close()
    for server in (udp, tcp):
        server.index = index
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return udp.server_address[1]


if __name__ == "__main__":
    environment = dict(os.environ, XF_TEST_DNS_PORTS="%d %d" % (start(0), start(1)))
    sys.exit(subprocess.run(sys.argv[1:], env=environment, timeout=110).returncode)
