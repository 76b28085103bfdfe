#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""xfedctl against a running xfedd with three peers: one that works, one that refuses connections, one with a certificate of nobody.

Every verb is asked as text and as JSON. Then those who should get nothing: a user of no group, a reader who wants to act, clients that send
nothing, too much, nonsense, or never read; meanwhile stanzas pass, and xfedd's memory stays where it was.
"""
import grp
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time

from lab import net, options
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import error_of

GOOD, CLOSED, UNKNOWN = 'good.example', 'closed.example', 'unknown.example'
READERS, ADMINS = 'games', 'www-data'   # groups of every Debian, with nobody of ours in them


def message(to, ident):
    return f"<message from='alice@{LOCAL}/x' to='{to}' id='{ident}' type='chat'><body>hi</body></message>"


def raw(path, data, wanted=None, seconds=20, shut=False):
    """What comes back for these bytes, until it has what is wanted, or xfedd closes or says nothing for so long."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(path)
        got = b''
        try:
            try:
                s.sendall(data)
            except BrokenPipeError:
                pass                    # it may have said why
            if shut:
                s.shutdown(socket.SHUT_WR)
            while wanted is None or wanted not in got:
                part = s.recv(65536)
                if not part:
                    return got, 'closed'
                got += part
            return got, 'open'
        except (TimeoutError, socket.timeout):
            return got, 'open'
        except OSError as e:
            return got, type(e).__name__


def as_user(user, groups, program, path, *words):
    """xfedctl as another user."""
    entry = pwd.getpwnam(user)
    gids = [grp.getgrnam(g).gr_gid for g in groups]

    def become():
        os.setgroups(gids)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    done = subprocess.run([program, '-s', path, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=become)
    return done.returncode, done.stdout, done.stderr


def resident_kib(pid):
    with open(f'/proc/{pid}/status') as f:
        return int(next(line.split()[1] for line in f if line.startswith('VmRSS')))


# ---------------------------------------------------------------- what operators see

def look(report, ctl, cluster):
    for to in (GOOD, CLOSED, UNKNOWN):
        cluster.send(message(f'bob@{to}', f'first-{to}'))
    report.check('the good peer is up', until(lambda: ctl.peer(GOOD).get('state') == 'up'), str(ctl.peer(GOOD)))
    report.check('the closed one is failing', until(lambda: ctl.peer(CLOSED).get('state') == 'failing'), str(ctl.peer(CLOSED)))
    report.check('the unknown one is failing', until(lambda: ctl.peer(UNKNOWN).get('state') == 'failing'), str(ctl.peer(UNKNOWN)))
    _, status = ctl.ask('status')
    report.check('status: the link is up, one stream is ready', status['links'][0]['up'] and status['streams']['ready'] == 1, str(status))
    report.equal('status: our certificate', [c['name'] for c in status['certificates']][:1], [LOCAL])
    failure = ctl.peer(CLOSED).get('last_failure', {})
    report.check('peers: why the closed one failed', failure.get('reason') == 'connect', str(failure))
    streams, result = ctl.ask('streams')
    ready = [row for row in streams if row['ready']]
    report.check('streams: with TLS and EXTERNAL', any(r['peer'] == GOOD and r['tls'].startswith('TLSv1') and r['auth'] == 'external'
                                                       for r in ready), str(streams))
    report.equal('streams: as many as are counted', result['streams'], len(streams))
    report.equal('streams of one peer', {r['peer'] for r in ctl.ask('streams', GOOD)[0]}, {GOOD})
    look_at_peer(report, ctl)
    queue, _ = ctl.ask('queue', '--all')
    report.check('queue --all: a route for each', {r['peer'] for r in queue} >= {GOOD, CLOSED, UNKNOWN}, str(queue))
    report.equal('queue: those that failed', {r['peer'] for r in ctl.ask('queue')[0] if 'cause' in r}, {CLOSED, UNKNOWN})


def look_at_peer(report, ctl):
    rows, result = ctl.ask('peer', UNKNOWN)
    attempts = [r for r in rows if r['kind'] == 'attempt']
    steps = [s for a in attempts for s in a['steps']]
    report.check('peer: policy lets both ways pass', result['policy'][0]['in']['passes'] and result['policy'][0]['out']['passes'], str(result))
    report.check('peer: the attempt has failed by the certificate', any(a['outcome'] == 'failed' and a['reason'] == 'certificate' for a in attempts)
                 or any('cert' in s['pairs'] for s in steps), str(attempts)[:2000])
    report.check('peer: step by step, from the address to the handshake',
                 any(s['event'] == 's2s.address.tried' for s in steps) and any('to=HANDSHAKE' in s['pairs'] for s in steps), str(steps)[:2000])
    rows, result = ctl.ask('explain', f'alice@{LOCAL}', f'bob@{CLOSED}')
    report.check('explain: policy, and the route that failed', 'passes' in result['policy'] and
                 any(r['kind'] == 'route' and r['state'] in ('bounce', 'probe') for r in rows), str(rows)[:2000])


def read(report, ctl):
    """The same for people: every verb that only looks, with words that must be there."""
    for words, wanted in (
            (('status',), ('running', 'federation    on', 'link', 'up', 'certificate')), (('peers',), (GOOD, 'up', CLOSED, 'failing')),
            (('streams',), (GOOD, 'external')), (('queue',), (CLOSED,)), (('peer', GOOD), ('out passes, in passes', 'stream', 'HANDSHAKE')),
            (('peer', CLOSED), ('failed', 'reason', 's2s.address.tried')), (('explain', f'alice@{LOCAL}', f'bob@{GOOD}'), ('passes', 'route'))):
        code, out, err = ctl.run(*words)
        report.check(f'xfedctl {" ".join(words)}', code == 0 and all(w in out for w in wanted), f'{code}: {out}{err}')
    with open('/dev/full', 'w') as full:
        for words in ('status',), ('--json', 'peers'):
            done = subprocess.run([ctl.program, '-s', ctl.path, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
            report.check(f'xfedctl {" ".join(words)} onto a full disk', done.returncode == 2 and 'could not be written' in done.stderr, f'{done}')


def check(report, ctl):
    """A real attempt without a stanza: at a peer that works, one that is not there, one that nobody vouches for, one that DNS does not know."""
    rows, result = ctl.ask('check', GOOD)
    events = {}
    for step in (s for r in rows if r['kind'] == 'attempt' for s in r['steps']):
        events[step['event']] = events.get(step['event'], '') + ' ' + step['pairs']
    report.check('check: the good peer can be reached', result['reachable'] and ctl.run('check', GOOD)[0] == 0, str(result))
    report.check('check: its address connects', any(r['kind'] == 'address' and r['connects'] for r in rows), str(rows)[:1000])
    report.check('check: certificate and key', 'cert=good' in events.get('s2s.tls.secured', '') and 'spki_sha256=' in events['s2s.tls.secured'],
                 str(events))
    report.check('check: what it offers', 'external=yes' in events.get('s2s.features.offered', ''), str(events))
    for name, reason in ((CLOSED, 'connect'), (UNKNOWN, 'certificate'), ('nowhere.example', 'dns-not-found')):
        code, out, err = ctl.run('check', name)
        rows, result = ctl.ask('check', name)
        report.check(f'check {name}: {reason}, with an advice', code == 1 and result.get('cause') == reason and result.get('advice'),
                     f'{code} {result} {out} {err}')
    report.equal('check: a domain of ours', ctl.run('check', LOCAL)[0], 1)
    report.check('check: leaves no stream behind', until(lambda: not [r for r in ctl.ask('streams')[0] if r['peer'] != GOOD]),
                 str(ctl.ask('streams')[0]))


# ---------------------------------------------------------------- what operators do

def act(report, ctl, cluster, gateway, good, peer):
    got = []
    trace = subprocess.Popen([ctl.program, '-s', ctl.path, 'trace', GOOD, '1'], stdout=subprocess.PIPE, text=True)
    threading.Thread(target=lambda: got.extend(trace.stdout), daemon=True).start()
    until(lambda: ctl.ask('check', GOOD) and got)       # it has begun when it shows something
    until(lambda: all(r['unproved']['stanzas'] == 0 for r in ctl.ask('streams', GOOD)[0]))  # else it is sent again at once, on a new stream
    report.equal('close: the stream of the good peer', ctl.ask('close', GOOD)[1]['closed'] >= 1, True)
    report.check('close: it is gone', until(lambda: not ctl.ask('streams', GOOD)[0]))
    shown = len(got)                                    # of the check, too
    cluster.send(message(f'bob@{GOOD}', 'second'))
    report.check('a stanza opens another one', until(lambda: ctl.peer(GOOD).get('state') == 'up'))
    report.check('trace: the negotiation, also what is at debug', until(lambda: any('to=HANDSHAKE' in line for line in got[shown:])), ''.join(got))
    trace.kill()
    report.equal('close: no such stream', ctl.run('close', '999999')[0], 1)
    close_under_load(report, ctl, cluster, good)

    peer.start()
    report.equal('retry: the closed peer, which is back', ctl.ask('retry', CLOSED)[1]['routes'], 1)
    report.check('retry: it is tried at once', until(lambda: ctl.peer(CLOSED).get('state') == 'up', 5), str(ctl.peer(CLOSED)))

    ctl.run('federation', 'off', GOOD)
    report.check('federation off PEER: its stream ends', until(lambda: not [r for r in ctl.ask('streams', GOOD)[0] if r['ready']]))
    cluster.send(message(f'bob@{GOOD}', 'third'))
    report.check('... and stanzas to it come back as not-allowed', came_back(cluster, 'third', 'not-allowed'))
    report.equal('... it is shown', ctl.peer(GOOD).get('state'), 'switched-off')
    gateway.reload()
    report.equal('... and a reload does not undo it', ctl.peer(GOOD).get('state'), 'switched-off')
    ctl.run('federation', 'on', GOOD)
    cluster.send(message(f'bob@{GOOD}', 'fourth'))
    report.check('federation on PEER', until(lambda: ctl.peer(GOOD).get('state') == 'up'))

    sip(report, ctl, cluster, gateway, good)

    ctl.run('log', 'debug', '1')
    report.equal('log debug 1', ctl.ask('status')[1]['log_level'], 'debug')
    code, out, _ = ctl.run('reload')
    report.check('reload: says that it is done', code == 0 and 'reloaded' in out, f'{code}: {out}')
    report.equal('... and sets the level back', ctl.ask('status')[1]['log_level'], 'info')
    gateway.configure('peer "x.example" { tls = perhaps }')
    code, out, err = ctl.run('reload')
    report.check('reload: a refused one says where and why', code == 1 and 'perhaps' in out and 'stays in force' in err, f'{code}: {out}{err}')
    gateway.configure('')


def sip(report, ctl, cluster, gateway, good):
    """A reload gives the good peer to SIP, and back. A build without SIP refuses that, and keeps what it had."""
    gateway.configure(f'peer "{GOOD}" {{ protocol = sip }}')
    code, out, err = ctl.run('reload')
    if 'built without SIP' in out:
        report.check('protocol = sip in a build without SIP: refused, the peer stays', code == 1 and ctl.peer(GOOD).get('state') == 'up', f'{out}{err}')
    else:
        report.check('protocol = sip: its streams end', until(lambda: not [r for r in ctl.ask('streams', GOOD)[0] if r['ready']]), f'{out}{err}')
        cluster.send(message(f'bob@{GOOD}', 'sip'))
        report.check('... stanzas to it come back as not-allowed', came_back(cluster, 'sip', 'not-allowed'))
        stream = good.dial((net.GATEWAY, 5269), LOCAL, secure=False)
        report.equal("... its server's own stream is refused", error_of(stream.features), 'policy-violation')
        stream.close()
        row = ctl.peer(GOOD)
        report.equal('... it is shown', (row.get('state'), row.get('protocol')), ('sip-off', 'sip'))
        for words, wanted, code in ((('peer', GOOD), ('sip', 'reached by SIP, which is off'), 0), (('check', GOOD), ('is a SIP domain', 'protocol = sip', 'xfed.conf'), 1),
                                    (('explain', f'alice@{LOCAL}', f'bob@{GOOD}'), ('rule sip, protocol,', 'xfed.conf'), 0)):
            got, out, err = ctl.run(*words)
            report.check(f'... xfedctl {" ".join(words)}', got == code and all(w in out + err for w in wanted), f'{got}: {out}{err}')
    gateway.configure('')
    ctl.run('reload')
    cluster.send(message(f'bob@{GOOD}', 'no sip'))
    report.check('... and taken back it is reached', until(lambda: ctl.peer(GOOD).get('state') == 'up'), str(ctl.peer(GOOD)))


def close_under_load(report, ctl, cluster, good):
    """What waits when a stream is closed goes into the next one."""
    got, count = set(), 300
    good.on_stanza = lambda _stream, element: got.add(element.get('id'))
    for n in range(count):
        cluster.send(message(f'bob@{GOOD}', f'load-{n}'))
        if n in (100, 200):
            ctl.run('close', GOOD)
    wanted = {f'load-{n}' for n in range(count)}
    until(lambda: wanted <= got)
    returned = [e.get('id') for e in cluster.inbox if e.get('type') == 'error' and e.get('id') in wanted]
    report.check('close while 300 messages pass: all are delivered, none comes back', wanted <= got and not returned,
                 f'missing {sorted(wanted - got)[:5]}, returned {returned[:5]}')


def came_back(cluster, ident, condition):
    element = cluster.wait(lambda e: e.get('id') == ident and e.get('type') == 'error', 10)
    return element is not None and any(condition in child.tag for child in element.iter())


# ---------------------------------------------------------------- who should get nothing

def hostile(report, ctl, gateway):
    path, pid = ctl.path, gateway.proc.pid
    other = as_user('man', [], ctl.program, path, 'status')
    report.check('a user of no group: turned away', other[0] == 1 and 'control-readers' in other[2] and not other[1], str(other))
    code, out, err = as_user('man', [READERS], ctl.program, path, 'status')
    report.check('a reader may look', code == 0 and 'running' in out, f'{code}: {out}{err}')
    code, out, err = as_user('man', [READERS], ctl.program, path, 'close', GOOD)
    report.check('... and may not act', code == 1 and 'control-admins' in err, f'{code}: {out}{err}')
    code, out, err = as_user('man', [ADMINS], ctl.program, path, 'log', 'info')
    report.check('an admin may act', code == 0, f'{code}: {out}{err}')

    before = resident_kib(pid)
    for what, data, want in (
            ('nonsense', b'hello\n', b'bad-request'), ('an array', b'[1]\n', b'bad-request'), ('no verb', b'{}\n', b'bad-request'),
            ('an unknown verb', b'{"verb":"shell"}\n', b'unknown-verb'), ('keys twice', b'{"verb":"status","verb":"drain"}\n', b'bad-request'),
            ('deep nesting', b'{"verb":' + b'[' * 8000 + b'\n', b'bad-request'), ('a NUL', b'{"verb":"sta\\u0000tus"}\n', b'bad-request'),
            ('a domain that is none', b'{"verb":"peer","peer":"a b"}\n', b'bad-domain'), ('a number for a domain', b'{"verb":"peer","peer":7}\n', b'bad-request'),
            ('JIDs of others', b'{"verb":"explain","from":"a@x.example","to":"b@y.example"}\n', b'not-served'),
            ('a line without end', b'x' * 100000, b'too-long')):
        got, end = raw(path, data, want)
        report.check(f'{what}: {want.decode()}', want in got, f'{got[:300]!r} {end}')
    got, end = raw(path, b'{"verb":"peers"}\n{"verb":"status"}\n', shut=True)
    report.check('a client that ends its side: gets both answers, then the end', got.count(b'"ok":true') == 2 and end == 'closed', f'{got[-300:]!r} {end}')
    pipelined(report, ctl)
    crowd(report, ctl, gateway)
    grown = resident_kib(pid) - before
    if not gateway.lab.wrapper: # sanitizers keep what was freed
        report.check(f'memory stays ({grown} KiB more)', grown < 20000)


def slowest_beside(ctl, requests):
    """-> the longest that somebody else waits while one client has asked all that."""
    slowest = 0
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(ctl.path)
        s.sendall(requests)
        for _ in range(20):
            begin = time.monotonic()
            ctl.run('status')
            slowest = max(slowest, time.monotonic() - begin)
    return slowest


def pipelined(report, ctl):
    """A thousand requests at once: others are served in between. Up to three times, since the machine may stand still meanwhile."""
    for _ in range(3):
        slowest = slowest_beside(ctl, b'{"verb":"streams"}\n' * 860)
        if slowest < 0.5:
            break
    report.check(f'860 requests in one write: others wait {slowest * 1000:.0f} ms at most', slowest < 0.5)


def crowd(report, ctl, gateway):
    """Clients that never read what they asked for, as many as there may be; those who act find room all the same."""
    clients = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(ctl.path)
            s.send(b'{"verb":"streams"}\n' * 200)
        except OSError:
            pass
        clients.append(s)
    time.sleep(0.5)
    begin = time.monotonic()
    outcome = gateway.reload()
    report.check(f'40 clients that never read: the loop goes on ({time.monotonic() - begin:.2f} s for a reload)', outcome == 'done', str(outcome))
    for s in clients:
        s.close()
    report.check('... and once they are gone, others are served', until(lambda: ctl.run('status')[0] == 0))


def without_link(report, ctl, cluster):
    """A peer that can be reached is of no use to users whose server is away."""
    report.check('check: no word of a link that is up', 'links' not in ctl.ask('check', GOOD)[1])
    cluster.stop()
    report.check('the cluster is away', until(lambda: not ctl.ask('status')[1]['links'][0]['up']))
    code, out, _err = ctl.run('check', GOOD)
    report.check('check: the peer can be reached, and our link is DOWN', code == 0 and 'can be reached' in out and ', DOWN for ' in out, f'{code}: {out}')
    report.check('... with what to do', 'help' in out, out)
    links = ctl.ask('check', '--inbound')[1]['links']
    report.equal('check --inbound: the same', [link['up'] for link in links], [False])


def main():
    p = options.parser(__doc__)
    p.add_argument('--xfedctl', help='the program; by default beside xfedd')
    args = p.parse_args()
    with Stage(args) as stage:
        lab = stage.open()
        program = shutil.copy(args.xfedctl or beside(args.xfedd), lab.folder('bin'))   # where other users may run it
        ours, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'theirs')
        dns = Dns(lab.scratch)
        peers = {}
        for n, (domain, authority) in enumerate(((GOOD, ours), (CLOSED, ours), (UNKNOWN, theirs))):
            dns.domain(domain, f'127.77.1.{n + 1}')
            peers[domain] = Peer(domain, f'127.77.1.{n + 1}', authority.issue(domain), ours.file)
        stage.start(peers[GOOD])
        stage.start(peers[UNKNOWN])
        stage.at_end(peers[CLOSED].stop)
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, f'conference.{LOCAL}'), ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          control=f'control-readers = {{"{READERS}"}}  control-admins = {{"{ADMINS}"}}')
        stage.start_xfedd(gateway)
        ctl = Ctl(program, f'{gateway.folder}/control.sock')
        look(stage.report, ctl, cluster)
        read(stage.report, ctl)
        check(stage.report, ctl)
        act(stage.report, ctl, cluster, gateway, peers[GOOD], peers[CLOSED])
        hostile(stage.report, ctl, gateway)
        without_link(stage.report, ctl, cluster)
        stuck = socket.socket(socket.AF_UNIX)    # never reads what it asked for
        stage.at_end(stuck.close)
        stuck.connect(ctl.path)
        stuck.sendall(b'{"verb":"peer","peer":"good.example"}\n' * 400)
        time.sleep(0.5)
        code, out, err = ctl.run('drain')
        stage.report.check('drain: xfedd ends by itself', code == 0 and until(lambda: not gateway.proc.alive()), f'{code}: {out}{err}')
        stage.report.check('... and removes its socket', not os.path.exists(ctl.path))
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
