#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""E-mail addresses in place of JIDs, end to end.

Real clients on two Prosodys, xfedd between them, slapd with 50,000 users behind it. bob's side knows alice by her e-mail address only: subscription, presence,
messages, queries, an invitation into a room. Unknown users and duplicates; the directory is stopped and started in mid-traffic; order and number of stanzas
are checked. Then what a stanza costs with and without the mapping, by the processor time of xfedd.

    mail.py --xfedd build/src/daemon/xfedd [--users 50000] [--stanzas 40000]
"""
import asyncio
import os
import subprocess
import sys
import threading
import time

from lab import net, options
from lab.client import NS, Client, condition
from lab.cluster import Cluster
from lab.gateway import Gateway
from lab.peer import Peer
from lab.slapd import PASSWORD, PEOPLE, READER, Slapd, group, user
from lab.stage import Stage
from lab.world import LOCAL, PEER, World
from lab.xmlstream import Closed

MAIL = 'mail.example'
ALICE = f'alice.smith@{MAIL}'
LDAP, BENCH, BENCH_CLUSTER, MAPPED, UNMAPPED = ('127.77.0.%d' % i for i in (5, 6, 7, 8, 9))
MUC = '{http://jabber.org/protocol/muc#user}'
TOLERATED = 2  # times the cost of a stanza that is not mapped

CONF = '''
mail {{ file = "mail.map" }}
served "{mail}" {{ link = cluster certificate = "{pki}/{mail}.crt" key = "{mail}.key" mail-only = yes }}
directory {{
    uri = "ldap://ldap.a.example:3890"
    ca-file = "{pki}/ours.pem"
    bind-dn = "{reader}" password-file = "ldap.secret"
    base = "{people}" filter = "(objectClass=inetOrgPerson)"
    jid-domain = "{domain}"
    groups = {{ "friends=cn=friends,dc=a,dc=example" }}
    timeout = 5s negative-cache-time = 1s
}}
{peers}
'''


def people(count):
    """alice, who logs in; many others; what a directory should not hold."""
    yield user('alice', 'Alice.Smith@Mail.example', 'second@mail.example')
    for n in range(count - 4):
        yield user(f'u{n:05d}', f'first.last-{n:05d}@{MAIL}')
    yield user('one', f'same@{MAIL}') + user('two', f'Same@{MAIL}') + user('nomail')
    yield group('friends', 'alice', 'u00001')


def write_files(gateway):
    gateway.lab.private(f'{gateway.lab.scratch}/pki/{MAIL}.key', gateway.folder)
    gateway._write('ldap.secret', PASSWORD)
    write_map(gateway, f'u00001@{gateway.domain} boss@{MAIL}')


def write_map(gateway, text):
    """As one should: another file, which takes the place of the old one."""
    gateway._write('mail.map.new', text)
    os.rename(f'{gateway.folder}/mail.map.new', f'{gateway.folder}/mail.map')


def conf_of(lab, domain, peers):
    return CONF.format(mail=MAIL, pki=f'{lab.scratch}/pki', reader=READER, people=PEOPLE, domain=domain, peers=peers)


# ---- two people

async def meet(report, alice, bob):
    """bob knows alice by her address, and never sees her JID."""
    bob.send_presence_subscription(ALICE)
    await alice.wait_presence(bob.bare, 'subscribe', 20)
    report.check('bob asks for the presence of an e-mail address, and alice is asked', True)
    alice.send_presence_subscription(bob.bare, ptype='subscribed')
    await bob.wait_presence(ALICE, 'subscribed')
    await bob.wait_presence(f'{ALICE}/lab')
    report.check('she agrees, and bob sees the address online', True)
    alice.send_presence_subscription(bob.bare)
    await bob.wait_presence(ALICE, 'subscribe')
    bob.send_presence_subscription(ALICE, ptype='subscribed')
    await alice.wait_presence(bob.bare, 'subscribed')
    await alice.wait_presence(bob.full)
    report.check('the other way too', True)


async def talk(report, alice, bob):
    alice.send_raw(f"<message to='{bob.full}' id='a1' type='chat'><body>hello</body></message>")
    got = await bob.wait_message('a1')
    report.equal('alice writes, and bob sees her address', got.get('from'), f'{ALICE}/lab')
    bob.send_raw(f"<message to='ALICE.Smith@{MAIL}/lab' id='b1' type='chat'><body>hi</body></message>")
    got = await alice.wait_message('b1')
    report.equal('bob answers to it, in whatever case, and alice is reached', got.get('to'), alice.full)
    answer = await bob.ask(f'{ALICE}/lab', "<ping xmlns='urn:xmpp:ping'/>")
    report.equal('bob asks alice\'s client: the answer comes from the address', (answer.get('type'), answer.get('from')),
                 ('result', f'{ALICE}/lab'))
    answer = await alice.ask(bob.full, "<query xmlns='jabber:iq:version'/>")
    report.equal('alice asks bob\'s client', answer.get('type'), 'result')
    await room(report, alice, bob)


async def room(report, alice, bob):
    """A room of ours in which everybody may see who is who."""
    den = 'den@conference.a.example'
    alice.send_raw(f"<presence to='{den}/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    await alice.wait_presence(f'{den}/alice')
    form = ''.join(f"<field var='{name}'><value>{value}</value></field>" for name, value in (
        ('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig'), ('muc#roomconfig_whois', 'anyone')))
    await alice.ask(den, f"<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>{form}</x></query>", 'set')
    alice.send_raw(f"<message to='{den}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{bob.bare}'/></x></message>")
    await bob.wait('an invitation', lambda x: x.find(f'{MUC}x/{MUC}invite') is not None)
    bob.send_raw(f"<presence to='{den}/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    got = await bob.wait_presence(f'{den}/alice')
    report.equal('alice invites bob into a room, where her real address is her e-mail address', got.find(f'{MUC}x/{MUC}item').get('jid'),
                 f'{ALICE}/lab')
    await alice.wait_presence(f'{den}/bob')


async def strangers(report, alice, bob, gateway):
    for address, what in ((f'nobody@{MAIL}', 'an address that nobody has'), (f'same@{MAIL}', 'an address that two users have'),
                          (f'second@{MAIL}', 'a second address of a user')):
        bob.send_raw(f"<message to='{address}' id='to {address}'><body>x</body></message>")
        got = await bob.wait_message(f'to {address}')
        report.equal(f'{what} is item-not-found, from that address', (condition(got), got.get('from')), (('cancel', 'item-not-found'), address))
    await asyncio.sleep(1.1)        # one line a second
    bob.send_raw(f"<message to='{alice.bare}' id='jid'><body>x</body></message><message to='{ALICE}' id='mail'><body>x</body></message>")
    await alice.wait_message('mail')
    report.check('a message to her JID is dropped', alice.take(lambda x: x.get('id') == 'jid') is None)
    report.check('and that is in the log', bool(gateway.wait_event('routing.address.refused', reason='jid', to=alice.bare)))


async def map_file(report, bob, gateway):
    """The file is stronger than the directory, is seen when it is replaced, and stays when the new one is broken."""
    async def who_is(address, label):
        bob.send_raw(f"<message to='{address}' id='{label}'><body>x</body></message>")
        got = await bob.wait_message(label)
        return condition(got)[1], got.get('from')
    offline = 'service-unavailable'         # of her server: she exists, and is not logged in
    report.equal('an address of the file is known', await who_is(f'boss@{MAIL}', 'f1'), (offline, f'boss@{MAIL}'))
    report.equal('... in place of that of the directory', (await who_is(f'first.last-00001@{MAIL}', 'f2'))[0], 'item-not-found')
    write_map(gateway, f'u00002@a.example chief@{MAIL}')
    report.check('the file is replaced, and read again', bool(await asyncio.to_thread(
        gateway.wait_until, lambda: len(gateway.events('identity.file.loaded')) == 2, 20)))
    report.equal('the new address is known', await who_is(f'chief@{MAIL}', 'f3'), (offline, f'chief@{MAIL}'))
    report.equal('the old one is nobody\'s', (await who_is(f'boss@{MAIL}', 'f4'))[0], 'item-not-found')
    write_map(gateway, f'u00002@a.example chief@{MAIL}\nbroken')
    refused = await asyncio.to_thread(gateway.wait_event, 'identity.file.refused')
    report.check('a broken one is refused with its line', bool(refused) and 'mail.map:2: ' in refused[0]['detail'], str(refused))
    report.equal('and the old one stays', await who_is(f'chief@{MAIL}', 'f5'), (offline, f'chief@{MAIL}'))


def numbered(client, prefix):
    """Numbers of the messages with that prefix, as they came."""
    return [int(x.get('id')[len(prefix):]) for x in client.inbox if x.tag == NS + 'message' and (x.get('id') or '').startswith(prefix)
            and x.get('type') != 'error']


async def send_both(alice, bob, first, count, pause=0.005):
    """Numbered messages both ways. Between bob's, messages to addresses that have to be looked up, so that alice's have to wait for these."""
    for n in range(first, first + count):
        alice.send_raw(f"<message to='{bob.full}' id='out{n}' type='chat'><body>{n}</body></message>")
        bob.send_raw(f"<message to='stranger{n}@{MAIL}' id='strange{n}'><body>{n}</body></message>"
                     f"<message to='{ALICE}/lab' id='in{n}' type='chat'><body>{n}</body></message>")
        await asyncio.sleep(pause)


async def traffic(report, alice, bob, slapd, gateway):
    """The directory goes and comes back while messages flow. -> how many were sent each way"""
    stage = 150
    await send_both(alice, bob, 0, stage)
    stop = asyncio.get_running_loop().run_in_executor(None, slapd.stop)
    await send_both(alice, bob, stage, 2 * stage)
    await stop
    report.check('the directory is stopped in mid-traffic, and xfedd says so', bool(gateway.wait_event('identity.directory.lost')))
    bob.send_raw(f"<message to='late@{MAIL}' id='early'><body>x</body></message>")
    got = await bob.wait_message('early')
    report.equal('while it is away an unknown address gets an error that does not last, at once', condition(got), ('wait', 'remote-server-timeout'))
    await asyncio.get_running_loop().run_in_executor(None, lambda: (slapd.add(user('late', f'late@{MAIL}')), slapd.start()))
    await send_both(alice, bob, 3 * stage, stage)
    found = await asyncio.get_running_loop().run_in_executor(None, lambda: gateway.wait_event('identity.directory.found', 45))
    report.check('it is started again, and found', bool(found))
    await send_both(alice, bob, 4 * stage, stage)
    return 5 * stage


async def settle(report, alice, bob, sent):
    end = time.monotonic() + 60
    errors = lambda: sum(1 for x in bob.inbox if (x.get('id') or '').startswith('strange') and x.get('type') == 'error')
    while time.monotonic() < end and (len(numbered(bob, 'out')) < sent or len(numbered(alice, 'in')) < sent or errors() < sent):
        await asyncio.sleep(0.1)
    for way, got in (('alice to bob', numbered(bob, 'out')), ('bob to alice', numbered(alice, 'in'))):
        wrong = next((n for n, (a, b) in enumerate(zip(got, range(sent))) if a != b), len(got))
        report.check(f'{way}: {sent} messages, each once, in order', got == list(range(sent)), f'{len(got)} came, {got[wrong:wrong + 5]} in place of {wrong}')
    report.equal('bob to addresses of nobody: each is answered once', errors(), sent)
    seen = {x.get('from') for x in bob.inbox if (x.get('id') or '').startswith('out')}
    report.equal('bob never saw alice\'s JID', seen, {f'{ALICE}/lab'})
    bob.send_raw(f"<message to='late@{MAIL}' id='late'><body>x</body></message>")
    got = await bob.wait_message('late')
    report.equal('a user who is new in the directory is known now: her server answers, from her address',
                 (condition(got), got.get('from')), (('cancel', 'service-unavailable'), f'late@{MAIL}'))


async def converse(report, world, slapd):
    alice = Client('alice', LOCAL, net.LOCAL, world.client_ca[LOCAL])
    bob = Client('bob', PEER, net.PEER, world.client_ca[PEER])
    await alice.login()
    await bob.login()
    await meet(report, alice, bob)
    await talk(report, alice, bob)
    await strangers(report, alice, bob, world.gateway)
    await map_file(report, bob, world.gateway)
    sent = await traffic(report, alice, bob, slapd, world.gateway)
    await settle(report, alice, bob, sent)
    for client in (alice, bob):
        await client.logout()


# ---- cost

def cpu_us(pid):
    """Of all its threads."""
    total = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/schedstat') as f:
            total += int(f.read().split()[0])
    return total / 1000


class Counter:
    """Stanzas whose id is a number, as they come at one end, and who is in some of them."""
    def __init__(self):
        self.count, self.pairs, self.changed = 0, set(), threading.Condition()

    def take(self, element):
        with self.changed:
            if (element.get('id') or '').isdigit():
                self.count += 1
                if self.count % 1000 == 0:
                    self.pairs.add(element.get('from') + ' ' + element.get('to'))
            self.changed.notify_all()

    def wait(self, count, seconds):
        with self.changed:
            return self.changed.wait_for(lambda: self.count >= count, seconds)


def stanzas(froms, tos, first, count):
    body = '<body>' + 'x' * 80 + '</body>'
    return ''.join(f"<message from='{froms(n)}' to='{tos(n)}' id='{n}' type='chat'>{body}</message>" for n in range(first, first + count))


def burst(gateway, send, froms, tos, counter, count):
    """-> microseconds of xfedd's processor time a stanza, or None when not all arrived."""
    send(stanzas(froms, tos, 0, 200))
    counter.wait(counter.count + 200, 30)
    text = [stanzas(froms, tos, n, 2000) for n in range(0, count, 2000)]
    before, at = counter.count, cpu_us(gateway.proc.pid)
    for piece in text:
        send(piece)
    arrived = counter.wait(before + count, 60)
    return (cpu_us(gateway.proc.pid) - at) / count if arrived else None


class Side:
    """One scripted peer of the measured gateway."""
    def __init__(self, name, ip, pki, domain):
        self.name, self.domain, self.seen = name, domain, Counter()
        self.peer = Peer(name, ip, pki.issue(name), pki.file, on_stanza=lambda _stream, element: self.seen.take(element)).start()
        self.stream = None

    def dial(self):
        self.stream = self.peer.external(self.peer.dial((BENCH, 5269), self.domain), self.domain)


def measure(report, gateway, cluster, came_in, sides, users, count):
    """Both peers in turn, three times; the smallest counts, since others use the machine too."""
    spread, taken = min(users - 10, 20000), {}         # not those of the file
    jid = lambda n: f'u{n * 7919 % spread + 3:05d}@bench.example/r'
    mail = lambda n: f'first.last-{n * 7919 % spread + 3:05d}@{MAIL}'
    for _ in range(3):
        for side in sides:
            taken.setdefault((side.name, 'out'), []).append(
                burst(gateway, cluster.send, jid, lambda n, s=side: f'v@{s.name}/x', side.seen, count))
            taken.setdefault((side.name, 'in'), []).append(
                burst(gateway, side.stream.send, lambda n, s=side: f'v@{s.name}/x', mail if side.domain == MAIL else jid, came_in, count))
    report.check(f'{len(taken) * 3} times {count} stanzas arrive', all(None not in costs for costs in taken.values()), str(taken))
    report.check('the one peer sees addresses, the other JIDs, the cluster JIDs only', all(
        all((side.domain in pair) for pair in side.seen.pairs) for side in sides) and all('@bench.example' in pair for pair in came_in.pairs))
    for way in ('out', 'in'):
        mapped, plain = (min(c for c in taken[side.name, way] if c is not None) for side in sides)
        report.check(f'{way}: {mapped:.2f} us a stanza with the mapping, {plain:.2f} without: {mapped / plain:.2f} times, at most {TOLERATED}',
                     mapped <= TOLERATED * plain)


def cost(report, lab, world, users, count):
    pki = world.authority
    came_in, cluster, sides = Counter(), None, []
    gateway = Gateway(lab, 'bench.example', 'external', pki.issue('bench.example'), pki.file, ('xfedd.bench.example', 'secret'),
                      f'{BENCH_CLUSTER}:5347', ip=BENCH, label='bench', extra=conf_of(lab, 'bench.example', '''
peer "mapped.example" { mail = yes route = { "%s:5269" } queue-bytes = 16M queue-stanzas = 100000 }
peer "unmapped.example" { route = { "%s:5269" } queue-bytes = 16M queue-stanzas = 100000 }
''' % (MAPPED, UNMAPPED)))
    write_files(gateway)
    try:
        cluster = Cluster(BENCH_CLUSTER, 5347, 'xfedd.bench.example', 'secret', came_in.take).start()
        sides = [Side('mapped.example', MAPPED, pki, MAIL), Side('unmapped.example', UNMAPPED, pki, 'bench.example')]
        gateway.start()
        loaded = gateway.wait_event('identity.directory.loaded', 30)
        if report.check('the users are read', bool(loaded)):
            report.say(f'{loaded[0]["users"]} users in {loaded[0]["ms"]} ms, {int(loaded[0]["bytes"]) // 1024} KiB')
            for side in sides:
                side.dial()
            measure(report, gateway, cluster, came_in, sides, users, count)
    except Closed as e:
        report.check('the measurement', False, str(e))
    finally:
        for side in sides:
            side.peer.stop()
        report.equal('the measured xfedd ends with status 0', gateway.stop(), 0)
        if cluster:
            cluster.stop()


# ---- all

def check_duplicates(report, gateway):
    status, said = gateway.check()
    report.equal('xfedd -t accepts the configuration', status, 0)
    report.check('... and names the address that two users have', f'two@a.example has the address same@{MAIL} of one@a.example' in said, said[-400:])
    report.check('... and nobody else', said.count('of one@') + said.count('second address') == 1 and said.count('directory') == 0, said[-800:])


def check_explain(report, lab, gateway):
    """The directory's groups decide, also for --explain."""
    for who, may in ((f'alice@{LOCAL}', True), (f'u00005@{LOCAL}', False)):
        done = subprocess.run([lab.xfedd, '-c', gateway.conf, '--explain', who, 'x@friends.example'], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        refused = any('users' in line and 'message' in line for line in done.stdout.splitlines())
        report.check(f'--explain: {who} may {"" if may else "not "}talk with a peer for friends', done.returncode == 0 and refused != may,
                     done.stdout[:900])


def main():
    p = options.parser(__doc__)
    p.add_argument('--users', type=int, default=50000)
    p.add_argument('--stanzas', type=int, default=40000, help='of each measurement')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(World.services('prosody', 'prosody')), stage.report
        world = World(lab, 'external', 'prosody', 'prosody', extra_conf=conf_of(lab, LOCAL, 'peer "b.example" { mail = yes }\npeer "friends.example" { groups = { "friends" } }'))
        world.dns.domain(MAIL, net.GATEWAY)
        world.dns.host('ldap.a.example', LDAP)
        world.authority.issue(MAIL)
        write_files(world.gateway)
        slapd = Slapd(lab, LDAP, world.authority.issue('ldap.a.example'))
        slapd.add(''.join(people(args.users)))
        stage.start(slapd)
        report.say(f'slapd has {args.users} users')
        stage.start_xfedd(world)
        check_duplicates(report, world.gateway)
        check_explain(report, lab, world.gateway)
        loaded = world.gateway.wait_event('identity.directory.loaded', 30)
        report.equal('all users are read, in pages', loaded and loaded[0]['users'], str(args.users - 2))
        report.equal('and the group', loaded and loaded[0]['members'], '2')
        report.say('servers are up')
        asyncio.run(converse(report, world, slapd))
        cost(report, lab, world, args.users, args.stanzas)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
