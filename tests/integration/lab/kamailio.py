# SPDX-License-Identifier: MIT
"""Kamailio as the SIP server of a peer, over mutual TLS and in clear: answers OPTIONS, and sends them; users register, exchange messages and
publish presence. It is their notifier: who may see them says a document (RFC 5025) that decide() writes; without one watchers are pending.

A user (User) is a client of a few lines over UDP, with its registration in Kamailio's usrloc. sipuser.py has one that knows presence.
"""
import contextlib
import os
import queue
import re
import socket
import sqlite3
import subprocess
import tempfile
import threading

from . import net
from .proc import Proc, wait_port

TLS = '''[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = {key}
certificate = {certificate}
ca_list = {ca}
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = {key}
certificate = {certificate}
ca_list = {ca}
'''
CONF = '''debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=2
auto_aliases=no
enable_tls=yes
tcp_connection_lifetime=600
tcp_source_ipv4={ip}
listen=udp:{ip}:5060
listen=tcp:{ip}:5060
listen=tls:{ip}:5061
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "ctl.so"
loadmodule "tls.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "rr.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_xml.so"
modparam("ctl", "binrpc", "unix:{folder}/ctl.sock")
modparam("tls", "config", "{folder}/tls.cfg")
modparam("presence|presence_xml", "db_url", "sqlite://{memory}/presence.db")
modparam("presence", "notifier_processes", 0)
modparam("presence", "subs_db_mode", 1)
modparam("presence_xml", "integrated_xcap_server", 1)
request_route {{
    if ($proto == "tls") xlog("L_NOTICE", "{trace}\\n");
    if ($rm == "OPTIONS") {{
        sl_send_reply("200", "Here");
        exit;
    }}
    if ($rm == "REGISTER") {{
        save("location");
        exit;
    }}
    if (has_totag() && loose_route()) {{
        t_relay();
        exit;
    }}
    if ($rm != "MESSAGE" && $rm != "SUBSCRIBE" && $rm != "PUBLISH") {{
        sl_send_reply("405", "Only messages and presence");
        exit;
    }}
    if ($rd != "{domain}" && $rd != "{ip}") {{
        $du = "sip:{gateway}:5061;transport=tls";
        xlog("L_NOTICE", "{trace}\\n");
        record_route();
        t_relay();
        exit;
    }}
    if (!has_totag() && !($rU =~ "^({users})$")) {{
        sl_send_reply("404", "No such user");
        exit;
    }}
    if ($rm == "SUBSCRIBE" && $rU =~ "^s[0-9]+$") {{
        $var(status) = $(rU{{s.substr,1,0}}{{s.int}});
        sl_send_reply("$var(status)", "So is my name");
        exit;
    }}
    if ($rm == "SUBSCRIBE" || $rm == "PUBLISH") {{
        if (!t_newtran()) {{
            sl_reply_error();
            exit;
        }}
        if ($rm == "SUBSCRIBE") handle_subscribe();
        else handle_publish();
        exit;
    }}
    if (!lookup("location")) {{
        sl_send_reply("480", "Not here now");
        exit;
    }}
    t_relay();
}}
event_route[tm:local-request] {{
    xlog("L_NOTICE", "{trace}\\n");
}}
'''
TRACE = 'trace: $rm $fu $tu e=$hdr(Expires) s=$hdr(Subscription-State)'
TRACED = re.compile(r'trace: (\S+) sip:([^; ]+)\S* sip:([^; ]+)\S* e=(\S+) s=(.*)')
WATCHING = {1: 'active', 2: 'pending', 3: 'ended', 4: 'waiting'}
SCHEMA = '/usr/share/kamailio/db_sqlite'
MEMORY = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None     # on a busy disk its processes, which wait 0.5 s for a lock, lose what they write
RULES = '''<?xml version="1.0"?>
<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">{rules}</ruleset>
'''
RULE = '''<rule id="r{number}"><conditions><identity><one id="sip:{watcher}"/></identity></conditions>
<actions><pr:sub-handling>{handling}</pr:sub-handling></actions>
<transformations><pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-services><pr:all-services/></pr:provide-services>
<pr:provide-unknown-attribute/></transformations></rule>
'''


class Kamailio:
    """`certificate` is a pair of files; `domain` is that of From when it asks. Its users need not have registered. One whose
    name is s and a number answers each SUBSCRIBE with that."""
    def __init__(self, lab, label, domain, ip, certificate, ca_file, users=('bob', 'vera', 'pete', 'dora', 's403', 's489', 's603')):
        self.domain, self.ip = domain, ip
        self.folder = lab.folder(label)
        self.memory = tempfile.TemporaryDirectory(prefix='xfedd-kamailio-', dir=MEMORY)
        self.log = f'{lab.scratch}/log/{label}.log'
        self.calls, self.rules = 0, {}
        for name, text in (('tls.cfg', TLS.format(certificate=certificate[0], key=certificate[1], ca=ca_file)),
                           ('kamailio.cfg', CONF.format(ip=ip, folder=self.folder, memory=self.memory.name, domain=domain, gateway=net.GATEWAY,
                                                           users='|'.join(users), trace=TRACE))):
            with open(f'{self.folder}/{name}', 'w') as f:
                f.write(text)
        with self._database() as database:
            database.execute('PRAGMA journal_mode = WAL')       # Kamailio's processes do not wait for a lock
            for name in ('standard', 'presence'):
                with open(f'{SCHEMA}/{name}-create.sql') as f:
                    database.executescript(f.read())
        self.proc = None

    @contextlib.contextmanager
    def _database(self):
        with contextlib.closing(sqlite3.connect(f'{self.memory.name}/presence.db', timeout=10)) as database, database:
            yield database

    def start(self):
        self.proc = Proc('kamailio', ['kamailio', '-DD', '-E', '-Y', self.folder, '-P', f'{self.folder}/pid', '-f', f'{self.folder}/kamailio.cfg'],
                         self.log).start()
        for port in (5060, 5061):
            wait_port(self.ip, port, self.proc)
        return self

    def stop(self):
        if self.proc:
            self.proc.stop()
            self.proc = None

    def has_crashed(self):
        """Debian's 5.6 does it once in a while (in tls.so), when a connection with TLS ends while another of its processes writes there."""
        return self.proc is not None and not self.proc.alive()

    def rpc(self, *words):
        """-> what Kamailio says."""
        done = subprocess.run(['kamcmd', '-s', f'unix:{self.folder}/ctl.sock', *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, check=False)
        return done.stdout

    def traced(self, method=None):
        """The requests of presence and messages between this server and the other domain: method, from, to, Expires and Subscription-State."""
        with open(self.log, errors='replace') as f:
            found = [m.groups() for m in map(TRACED.search, f) if m]
        return [row for row in found if method in (None, row[0])]

    def watchers(self, user):
        """-> address -> whether it is active, pending, ended or waiting."""
        with self._database() as database:
            rows = database.execute('SELECT watcher_username, watcher_domain, status FROM watchers WHERE presentity_uri = ?', (f'sip:{user}@{self.domain}',))
            return {f'{name}@{domain}': WATCHING.get(status) for name, domain, status in rows}

    def decide(self, user, watcher, handling):
        """What this user lets a watcher see: allow, block, polite-block or confirm; None: it has not decided. Watchers are told at once."""
        rules = self.rules.setdefault(user, {})
        rules[watcher] = handling
        doc = RULES.format(rules=''.join(RULE.format(number=i, watcher=w, handling=h) for i, (w, h) in enumerate(rules.items()) if h))
        with self._database() as database:
            database.execute('INSERT OR REPLACE INTO xcap (username, domain, doc, doc_type, etag, source, doc_uri, port) VALUES (?, ?, ?, 2, ?, 0, ?, 0)',
                             (user, self.domain, doc.encode(), f'e{self.calls}', f'/pres-rules/users/{user}/index'))
        return self.rpc('presence.refreshWatchers', f'sip:{user}@{self.domain}', 'presence', '0')

    def options(self, uri, hop, from_domain=None):
        """Send OPTIONS to a next hop (a URI too). -> the status of the answer and its text"""
        self.calls += 1
        domain = from_domain or self.domain
        headers = (f'From: <sip:probe@{domain}>\r\nTo: <{uri}>\r\nCall-ID: call{self.calls}@{self.domain}\r\n'
                   f'CSeq: {self.calls} OPTIONS\r\nContent-Type: text/plain\r\n')     # kamcmd insists on a type
        said = self.rpc('tm.t_uac_wait_block', 'OPTIONS', uri, hop, '.', headers)
        found = re.search(r'code: (\d+)\s+text: (.*)', said)
        return (int(found[1]), found[2]) if found else (0, said)


class User:
    """A SIP user at a Kamailio. Messages that come are answered with 200, and kept."""
    def __init__(self, kamailio, name, port):
        self.name, self.domain, self.ip, self.port = name, kamailio.domain, kamailio.ip, port
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.ip, port))
        self.messages, self.answers, self.calls = queue.Queue(), queue.Queue(), 0
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def start(self):
        self.thread.start()
        return self.start_again()

    def start_again(self):
        """Register; a Kamailio that was restarted knows nobody."""
        status, _ = self.request('REGISTER', f'sip:{self.domain}', f'<sip:{self.name}@{self.domain}>',
                                 (f'Contact: <sip:{self.name}@{self.ip}:{self.port}>', 'Expires: 600'), b'')
        if status != 200:
            raise OSError(f'{self.name} could not register: {status}')
        return self

    def stop(self):
        self.sock.close()

    def _serve(self):
        while True:
            try:
                data, source = self.sock.recvfrom(65536)
            except OSError:
                return
            head, _, body = data.partition(b'\r\n\r\n')
            lines = head.decode().split('\r\n')
            if not lines[0].startswith('SIP/2.0 '):
                self.sock.sendto('\r\n'.join(['SIP/2.0 200 OK', *echo(lines), 'Content-Length: 0', '', '']).encode(), source)
                self.take(lines, body.decode())
            elif not lines[0].startswith('SIP/2.0 1'):
                self.answers.put((int(lines[0].split()[1]), lines))

    def take(self, lines, body):
        """A request came, and is answered."""
        self.messages.put((lines, body))

    def request(self, method, uri, to, headers, body):
        """Outside a dialog. -> the status of the final answer (0: none in 40 s) and the lines of its head"""
        self.calls += 1
        number = f'{self.name}{self.port}x{self.calls}'
        return self.request_in((number, number, 1), method, uri, to, headers, body)

    def request_in(self, dialog, method, uri, to, headers, body):
        """As request(). `dialog`: Call-ID, our tag and the number in CSeq."""
        call, tag, cseq = dialog
        head = (f'{method} {uri} SIP/2.0', f'Via: SIP/2.0/UDP {self.ip}:{self.port};branch=z9hG4bK{call}n{cseq}', 'Max-Forwards: 70',
                f'From: <sip:{self.name}@{self.domain}>;tag={tag}', f'To: {to}', f'Call-ID: {call}', f'CSeq: {cseq} {method}', *headers,
                f'Content-Length: {len(body)}', '', '')
        self.sock.sendto('\r\n'.join(head).encode() + body, (self.ip, 5060))
        try:
            return self.answers.get(timeout=40)
        except queue.Empty:
            return 0, []

    def write(self, jid, text):
        return self.request('MESSAGE', f'sip:{jid}', f'<sip:{jid}>', ('Content-Type: text/plain;charset=UTF-8',), text.encode())

    def read(self, timeout=10):
        """The next message: the lines of its head and its text; None after the time."""
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            return None


def echo(lines):
    """The headers of a request that its answer repeats."""
    keep = [line for line in lines[1:] if re.match(r'(Via|From|To|Call-ID|CSeq|Record-Route):', line, re.I)]
    return [line + ';tag=user' if line.lower().startswith('to:') and ';tag=' not in line else line for line in keep]
