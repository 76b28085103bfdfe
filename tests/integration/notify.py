#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""xfed-notify with Prosody as the local server, beside xfedd: alarms and their ends come as chat messages, operators ask, and those who are none
get nothing. Prosody and xfedd are restarted, and what was missed is told.
"""
import asyncio
import os
import socket
import sys
import threading
import time

from lab import net, options
from lab.client import NS, Client, TimedOut
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import LINE, Event, Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Proc
from lab.servers import COMPONENT_PORT, PASSWORD, Prosody
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL

GOOD = 'good.example'
GOOD_IP = '127.77.1.1'
BOT = f'gateway@{LOCAL}'
LOOKALIKE = 'аlice'        # its first letter is Cyrillic
STARTTLS = 5222
PATIENCE = 30
CONF = '''
jid           = "{jid}"
password-file = "{folder}/notify.password"
server        = "{server}"
ca-file       = "{ca}"
operators     = {{ "alice@{local}", "Carol@{local}" }}
control       = "{control}"
'''


class Notifier:
    def __init__(self, program, lab, name, **values):
        self.folder = lab.folder(name)
        os.chmod(self.folder, 0o755)
        self.program, self.conf, self.log = program, f'{self.folder}/notify.conf', f'{lab.scratch}/log/{name}.log'
        with open(f'{self.folder}/notify.password', 'w') as f:
            f.write(PASSWORD + '\n')
        os.chmod(f.name, 0o600)
        with open(self.conf, 'w') as f:
            f.write(CONF.format(**{'folder': self.folder, 'local': LOCAL, 'jid': BOT, 'server': f'{net.LOCAL}:{STARTTLS}', **values}))
        self.proc = Proc(name, [program, '-c', self.conf], self.log)

    def start(self):
        self.proc.start()
        return self

    def stop(self):
        return self.proc.stop()

    def events(self, name):
        with open(self.log, errors='replace') as f:
            found = [Event(m) for m in map(LINE.match, f.read().splitlines()) if m]
        return [e for e in found if e.event == name]

    def wait(self, name, count=1, seconds=PATIENCE, **want):
        def matching():
            return [e for e in self.events(name) if all(v in e.get(k, '') for k, v in want.items())]
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(matching()) < count:
            time.sleep(0.05)
        return len(matching()) >= count


def chat(to, body, kind='chat', more='', ident='q'):
    body = body.replace('&', '&amp;').replace('<', '&lt;')
    return f"<message to='{to}' type='{kind}' id='{ident}'><body>{body}</body>{more}</message>"


async def told(client, *words, seconds=PATIENCE):
    """The body of the next message of the bot in which all the words are; others are dropped."""
    def want(xml):
        body = xml.findtext(NS + 'body') or ''
        return xml.tag == NS + 'message' and xml.get('from', '').startswith(BOT) and all(w in body for w in words)
    return (await client.wait(f'a message with {words}', want, seconds)).findtext(NS + 'body')


async def ask(report, client, question, *words, seconds=PATIENCE):
    client.inbox.clear()
    client.send_raw(chat(BOT, question))
    try:
        body = await told(client, *words, seconds=seconds)
    except TimedOut:
        body = None
    report.check(f'"{question[:40]}" is answered with {", ".join(words)}', body is not None,
                 str([x.findtext(NS + 'body') for x in client.inbox]))
    return body or ''


async def nothing_for(client, seconds=1.0):
    """-> what the bot has said to somebody who should hear nothing."""
    await asyncio.sleep(seconds)
    # Prosody itself answers for the account where nobody takes a message of this type.
    return [x.findtext(NS + 'body') for x in client.inbox
            if x.tag == NS + 'message' and x.get('from', '').startswith(BOT) and x.get('type') != 'error']


# ---------------------------------------------------------------- alarms and questions

async def alarms(report, alice, peer):
    alice.send_raw(chat(f'bob@{GOOD}', 'hello'))
    body = await told(alice, 'ALARM peer.unreachable', GOOD)
    report.check('an alarm says which peer, and why', 'cannot be reached' in body, body)
    answer = await ask(report, alice, 'alarms', 'peer.unreachable', GOOD)
    report.check('... and stands', 'for' in answer, answer)
    peer.start()
    body = None
    for left in reversed(range(5)):     # one that comes before xfedd tries again is returned, and nothing else follows
        alice.send_raw(chat(f'bob@{GOOD}', 'hello again'))
        try:
            body = await told(alice, 'over: peer.unreachable', GOOD, seconds=PATIENCE / 5)
            break
        except TimedOut:
            if not left:
                raise
    report.check('its end is told, once', 'ALARM' not in body, body)


async def certificates(report, alice, gateway):
    """The peer's ends in 30 days, which is soon; a reload looks at once."""
    gateway.reload()
    body = await told(alice, 'ALARM peer.certificate', GOOD)
    report.check('the peer\'s certificate is an alarm', ' days' in body, body)


async def questions(report, alice):
    await ask(report, alice, 'status', 'xfedd', 'link cluster: up', f'certificate {LOCAL}: ')
    await ask(report, alice, 'Peer ' + GOOD + '\n', 'out passes, in passes', 'stream out')
    await ask(report, alice, f'check {GOOD}', f'{GOOD} can be reached from {LOCAL}')
    await ask(report, alice, f'explain alice@{LOCAL} bob@{GOOD}', 'passes', 'route of')
    await ask(report, alice, 'help', 'status', 'explain FROM TO')
    await ask(report, alice, 'peer', 'Please ask: peer DOMAIN')


# ---------------------------------------------------------------- who should get nothing

async def outsiders(report, bob, lookalike, peer):
    def by_peer():
        stream = peer.dial((net.GATEWAY, 5269), LOCAL)
        peer.external(stream, LOCAL)
        stream.send(f"<message from='alice@{GOOD}' to='{BOT}' type='chat' id='z'><body>status</body></message>")
        time.sleep(0.5)
        stream.close()
    for client in (bob, lookalike):
        client.inbox.clear()
        for question in ('status', 'help', f'check {GOOD}'):
            client.send_raw(chat(BOT, question))
    got = []
    peer.on_stanza = lambda _stream, element: got.append(element) if element.get('from', '').startswith(BOT) else None
    await asyncio.get_running_loop().run_in_executor(None, by_peer)
    for client, who in ((bob, 'a user who is no operator'), (lookalike, 'one whose name looks like an operator\'s')):
        report.equal(f'{who} gets no answer', await nothing_for(client, 0.5), [])
    report.equal('nor does the operator\'s name at another domain', len(got), 0)


async def copies(report, carol):
    carol.inbox.clear()
    muc = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
    delay = "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>"
    carbon = "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>"
    for more in (muc, delay, carbon):
        carol.send_raw(chat(BOT, 'status', more=more))
    for kind in ('error', 'groupchat', 'headline'):
        carol.send_raw(chat(BOT, 'status', kind=kind))
    carol.send_raw(f"<message to='{BOT}' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>")
    report.equal('errors, rooms, and what is delayed or forwarded get no answer', await nothing_for(carol), [])


async def nonsense(report, carol, ctl):
    await ask(report, carol, 'x' * 100000, 'too long')
    await ask(report, carol, f'status\nclose {GOOD}', 'You may ask')
    await ask(report, carol, 'federation off', 'You may ask')
    await ask(report, carol, 'peer $(id>/tmp/x);"}\u202e', 'is not a domain')
    report.equal('nothing was switched off', ctl.ask('status')[1]['federation'], 'on')


async def monsters(report, bob, carol, notifier):
    """What a library might stumble over, from somebody who is no operator."""
    bob.send_raw(chat(BOT, 'x', more='<a xmlns="x">' * 10000 + '</a>' * 10000))
    bob.send_raw(chat(BOT, '\n' * 200000))
    bob.send_raw(chat(BOT, 'x', more=f'<a xmlns="x" b="{"y" * 100000}"/>'))
    await ask(report, carol, 'alarms', 'certificate')
    report.check('deep, long and wide stanzas do it no harm', notifier.proc.alive())


async def flood(report, carol, ctl, notifier):
    carol.inbox.clear()
    for _ in range(1000):
        carol.send_raw(chat(BOT, 'status'))
    await told(carol, 'Too many questions')
    took = []
    while not took or took[-1] >= 2 and len(took) < 3:      # a machine stands still now and then
        began = time.monotonic()
        ctl.ask('status')
        took.append(time.monotonic() - began)
    report.check('xfedd answers at once meanwhile', took[-1] < 2, str(took))
    answers = await nothing_for(carol, 1.5)
    report.check('a thousand messages get a few answers', len(answers) <= 15, f'{len(answers)}: {answers[:3]}')
    report.check('the log says so, in a line', 1 <= len(notifier.events('notify.message.ignored')) <= 3)
    log = open(notifier.log, encoding='utf-8', errors='replace').read()
    report.check('the log holds no password and no text of a message', PASSWORD not in log and 'xxxx' not in log)


# ---------------------------------------------------------------- restarts

async def restarts(report, prosody, gateway, notifier, ours):
    seen = len(notifier.events('notify.chat.up'))
    prosody.stop()
    report.check('the loss of the chat is logged', notifier.wait('notify.chat.down'))
    gateway.wait_event('link.stream.down', PATIENCE)
    time.sleep(7)       # a second until it is an alarm, three until it is told late (AWAY_MS in notify/main.c), and the machine
    prosody.start()
    report.check('it logs in again', notifier.wait('notify.chat.up', seen + 1))
    alice = await Client('alice', LOCAL, net.LOCAL, ours.file).login()
    body = await told(alice, 'While I was away', 'ALARM link.down cluster')
    report.check('... and tells what was missed', 'link.down' in body, body)
    if 'over: link.down' not in body:
        await told(alice, 'over: link.down')
    gateway.stop()
    body = await told(alice, 'ALARM xfedd does not answer')
    report.check('an xfedd that is gone is told, with what to do', 'does not run' in body or 'no such socket' in body or 'closed' in body, body)
    gateway.start()
    await told(alice, 'xfedd answers again')
    report.check('... and that it is back', True)
    alice.abort()


# ---------------------------------------------------------------- whom it does not trust

class Plain:
    """A server that offers no TLS, and a login by password."""
    def __init__(self, ip, port):
        self.got, self.address = b'', (ip, port)

    def start(self):
        self.socket = socket.create_server(self.address)
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def stop(self):
        self.socket.close()

    def serve(self):
        try:
            while True:
                conn, _ = self.socket.accept()
                self.got += conn.recv(4096)
                conn.sendall(f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' "
                             f"from='{LOCAL}' version='1.0'><stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                             '<mechanism>PLAIN</mechanism></mechanisms></stream:features>'.encode())
                conn.settimeout(3)
                self.got += conn.recv(4096)
        except OSError:
            pass


def untrusted(report, wrong, plain, server):
    report.check('a certificate of another CA is refused, and why is logged', wrong.wait('notify.chat.failed', detail='certificate'),
                 wrong.proc.tail())
    report.equal('... it never logs in', len(wrong.events('notify.chat.up')), 0)
    report.check('a server without TLS gets no login', plain.wait('notify.chat.failed') and b'<auth' not in server.got, str(server.got))


async def play(stage, prosody, gateway, notifier, peer, ours, ctl):
    report = stage.report
    clients = [await Client(user, LOCAL, net.LOCAL, ours.file).login() for user in ('alice', 'bob', 'carol', LOOKALIKE)]
    alice, bob, carol, lookalike = clients
    report.check('it logs in, and follows', notifier.wait('notify.chat.up') and notifier.wait('notify.gateway.followed'), notifier.proc.tail())
    await alarms(report, alice, peer)
    await certificates(report, alice, gateway)
    await questions(report, alice)
    await outsiders(report, bob, lookalike, peer)
    await copies(report, carol)
    await nonsense(report, carol, ctl)
    await monsters(report, bob, carol, notifier)
    await flood(report, carol, ctl, notifier)
    for client in clients:
        client.abort()
    await restarts(report, prosody, gateway, notifier, ours)


def main():
    p = options.parser(__doc__)
    p.add_argument('--notify', help='the program; by default beside xfedd, in the same build')
    args = p.parse_args()
    with Stage(args) as stage:
        lab = stage.open()
        program = args.notify or os.path.normpath(os.path.join(os.path.dirname(args.xfedd), '../notify/xfed-notify'))
        ours, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'theirs')
        certificate = ours.issue(LOCAL, f'conference.{LOCAL}')
        dns = Dns(lab.scratch)
        dns.domain(GOOD, GOOD_IP)
        peer = Peer(GOOD, GOOD_IP, ours.issue(GOOD), ours.file)
        stage.at_end(peer.stop)
        stage.start(dns)
        prosody = Prosody(lab, 'local', LOCAL, net.LOCAL, 'external', certificate, ours.file, COMPONENT)
        prosody.users += ('carol', 'gateway', LOOKALIKE)
        prosody.starttls_port = STARTTLS
        stage.start(prosody)
        gateway = Gateway(lab, LOCAL, 'external', certificate, ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          extra=f'peer "{GOOD}" {{ }}\nprocess {{ alarm-after = 1s  backoff-min = 1s }}')
        stage.start_xfedd(gateway)
        control = f'{gateway.folder}/control.sock'
        server = stage.start(Plain(net.LOCAL, 5299))
        notifier = stage.start(Notifier(program, lab, 'notify', ca=ours.file, control=control))
        wrong = stage.start(Notifier(program, lab, 'wrong', ca=theirs.file, control=control))
        plain = stage.start(Notifier(program, lab, 'plain', ca=ours.file, control=control, server=f'{net.LOCAL}:5299'))
        asyncio.run(play(stage, prosody, gateway, notifier, peer, ours, Ctl(beside(args.xfedd), control)))
        untrusted(stage.report, wrong, plain, server)
        stage.report.equal('it ends with status 0', notifier.stop(), 0)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
