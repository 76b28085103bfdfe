#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SIP peers that are broken in one way each: `xfedctl check` names the step, the cause and what to do. What waits for a slow SIP peer is shown, and comes
back when an operator says so. `check --self` and `check --inbound` look at our own side.

One row for each peer: what is broken, the step that fails, the help=CODE of doc/operators/TROUBLESHOOTING.md that must be printed, and words that must
stand beside it.
"""
import concurrent.futures
import re
import sys
import threading

from lab import net, options, web
from lab.ca import CLIENT, SERVER, Authority, dns
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.proc import until
from lab.servers import COMPONENT_PORT
from lab.sip import SipServer, answer_to, read
from lab.stage import Stage
from lab.stuck import BlackHole
from lab.world import COMPONENT, LOCAL
from lab.xmlstream import Closed, Listener

AT_A_TIME = 3   # checks; xfedd takes four
HOST, IDN = f'sip.{LOCAL}', 'bücher.example'
STEPS = ('policy', 'DNS', 'TCP', 'TLS', 'certificate', 'OPTIONS')
HTTP = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'

def case(name, what, step, words, help):
    """What is broken, the step that fails, words that are said, and the help=CODE."""
    return name, what, step, help, words


def refusing(name, answer, help=None):
    return name, answer, help


CASES = (
    case('nodomain', 'DNS knows nothing of it', 'DNS', ('nodomain.example',), help='dns-no-server'),
    case('nosrv', 'Microsoft\'s record is missing', 'DNS', ('nosrv.example',), help='dns-no-server'),
    case('noservice', 'its record says that there is no service', 'DNS', ('no SIP server',), help='dns-no-service'),
    case('refused', 'nothing listens', 'TCP', ('127.77.4.4:5061', 'refused'), help='tcp-refused'),
    case('blackhole', 'a firewall swallows the packets', 'TCP', ('127.77.4.5:5061',), help='tcp-timeout'),
    case('notls', 'SIP in clear where TLS should be', 'TLS', ('127.77.4.6:5061',), help='sip-no-tls'),
    case('mute', 'it accepts and says nothing', 'TLS', ('too long',), help='sip-silent'),
    case('wrongname', 'its certificate is for somebody else', 'certificate', ('somebody-else.example',), help='cert-wrong-name'),
    case('wildcard', 'its certificate has a wildcard', 'certificate', (), help='cert-wrong-name'),
    case('expired', 'its certificate has expired', 'certificate', (), help='cert-expired'),
    case('unknownca', 'nobody knows its authority', 'certificate', ('local issuer',), help='cert-untrusted'),
    case('ourca', 'it does not know our authority', 'OPTIONS', ('unknown ca',), help='sip-our-cert'),
    case('cuts', 'it ends the connection at the request', 'OPTIONS', ('ended before the answer',), help='sip-cut'),
    case('garbage', 'a web server answers', 'OPTIONS', (), help='sip-garbage'),
    case('silent', 'it never answers', 'OPTIONS', ('no answer in time',), help='sip-unanswered'),
)
REFUSING = (refusing('forbids', 403, help='sip-forbidden'), refusing('asks', 407, help='sip-forbidden'), refusing('busy', 503, help='sip-unavailable'),
            refusing('unaware', 405), refusing('nobody', 404))
NAMES = [c[0] for c in CASES] + [r[0] for r in REFUSING] + ['slow', 'idn', 'clear']

SIP = '''
sip {{ host = "{host}"  certificate = {{ "{certificate}" }}  key = {{ "{key}" }}  handshake-timeout = 5s }}
peer "nosrv.example" {{ sip-name-check = target  sip-names = {{ "x.nosrv.example" }} }}
peer "clear.example" {{ sip-transport = tcp  sip-from = {{ "127.0.0.1" }}  route = {{ "{clear}:5060" }} }}
'''
LISTEN = f'sip = {{ "{net.GATEWAY}:5061" }}  sip-tcp = {{ "{net.GATEWAY}:5070" }}  http-page = yes'
LISTEN_THEN = f'sip-tcp = {{ "{net.GATEWAY}:5080" }}  http-page = yes'  # which needs a restart


def domain(name):
    return IDN if name == 'idn' else f'{name}.example'


def ascii_of(name):
    return domain(name).encode('idna').decode()


def address(name):
    return f'127.77.4.{1 + NAMES.index(name)}'


# ---------------------------------------------------------------- the peers

def build(stage, lab):
    """DNS and the peers. -> our authority, DNS, the slow peer's gate"""
    ours, theirs = Authority(lab.folder('pki'), 'ours'), Authority(lab.folder('pki'), 'theirs')
    names = Dns(lab.scratch)
    for name in NAMES:
        if name in ('nodomain', 'nosrv', 'noservice', 'clear'):
            continue
        names.host(f'sip.{ascii_of(name)}', address(name))
        names.lines.append(f'srv-host=_sips._tcp.{ascii_of(name)},sip.{ascii_of(name)},5061,0,5')
    names.host('nosrv.example', address('nosrv'))
    names.lines.append('srv-host=_sips._tcp.noservice.example')
    names.host(HOST, net.GATEWAY)
    names.lines += [f'srv-host={s}._tcp.{LOCAL},{HOST},5061,0,0' for s in ('_sips', '_sipfederationtls')]
    stage.start(names)

    def serve(name, answer=200, names_of=None, authority=ours, ca_file=None, **dates):
        certificate = authority.issue(name, dns(*(names_of or (ascii_of(name),))), **dates)
        reply = answer if callable(answer) else lambda lines, body: answer
        return stage.start(SipServer(address(name), certificate, ca_file or ours.pem, reply))
    serve('wrongname', names_of=('somebody-else.example',))
    serve('wildcard', names_of=('*.example',))
    serve('expired', start=-10, end=-1)
    serve('unknownca', authority=theirs)
    serve('ourca', ca_file=theirs.pem)
    serve('cuts', answer=cut)
    serve('garbage', answer=lambda lines, body: HTTP)
    serve('silent', answer=lambda lines, body: None)
    serve('idn')
    for name, status, _ in REFUSING:
        serve(name, answer=status)
    gate = threading.Event()
    serve('slow', answer=lambda lines, body: gate.wait(60) and 200)
    stage.start(Listener(address('notls'), 5061, lambda stream: (stream.receive(), stream.send(HTTP), stream.close())))
    stage.start(Listener(address('mute'), 5061, lambda stream: threading.Event().wait()))
    stage.keep = BlackHole(address('blackhole'), 5061)
    return ours, names, gate


def in_clear(heads):
    """A peer without TLS, which keeps the heads of its requests."""
    def serve(stream):
        while True:
            lines, _ = read(stream, 3600)
            heads.append(lines)
            stream.send(answer_to(lines, 200))
    return Listener(address('clear'), 5060, serve)


def cut(lines, body):
    raise Closed('as it was told')


# ---------------------------------------------------------------- what is said

def steps_of(rows):
    return {row['step']: row['state'] for row in rows if row.get('kind') == 'step'}


def judge(report, name, what, step, code, words, answer):
    (rows, result), (status, text, _) = answer
    at = STEPS.index(step)
    want = {s: 'good' if i < at else 'failed' if i == at else 'not reached' for i, s in enumerate(STEPS)}
    report.check(f'{what}: not reached', result.get('reachable') is False and status == 1, str(result)[:500])
    report.equal(f'   {name}: help', result.get('help'), code)
    report.equal(f'   {name}: the step', steps_of(rows), want)
    missing = [w for w in words + (code, 'advice') if w not in text]
    report.check(f'   {name}: {result.get("detail")}', not missing and bool(result.get('advice')), f'{missing} not in\n{text}')


def judge_answered(report, name, answered, code, answer):
    (rows, result), (status, text, _) = answer
    report.equal(f'its server answers {answered}: reached', (result.get('reachable'), result.get('status'), result.get('help')), (True, answered, code))
    report.equal(f'   {name}: the exit status', status, 3 if code else 0)
    report.equal(f'   {name}: the last step', steps_of(rows)['OPTIONS'], 'refused' if code else 'good')
    report.check('   in words', (code or 'can be reached') in text and str(answered) in text, text)


def diagnoses(report, ctl):
    def ask(name):
        return ctl.ask('check', domain(name), timeout=60), ctl.run('check', domain(name), timeout=60)
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        slowest_first = sorted((n for n in NAMES if n not in ('slow', 'idn')), key=lambda n: n != 'silent')
        answers = {name: pool.submit(ask, name) for name in slowest_first}
    for name, what, step, code, words in CASES:
        judge(report, name, what, step, code, words, answers[name].result())
    for name, answered, code in REFUSING:
        judge_answered(report, name, answered, code, answers[name].result())


def details(report, ctl):
    """What was found at each step; an IDN peer by its name in either form."""
    for name in (IDN, ascii_of('idn')):
        rows, result = ctl.ask('check', name)
        found = {row['step']: row.get('detail', '') for row in rows if row.get('kind') == 'step'}
        report.check(f'{name}: reached', result.get('reachable') is True and result['peer'] == IDN, f'{rows} {result}')
        report.check('   with address, TLS and answer', found['TCP'] == f'{address("idn")}:5061' and found['TLS'] == 'TLSv1.3'
                     and found['OPTIONS'].startswith('200'), str(found))
    rows, _ = ctl.ask('check', 'refused.example')
    wanted = dict(addr='127.77.4.4:5061', server='sip.refused.example')
    report.check('the address that refuses, and its host in DNS', any(wanted.items() <= row.items() and not row.get('connects') for row in rows), str(rows))


# ---------------------------------------------------------------- what waits

def message(cluster, number, to):
    cluster.send(f"<message from='anna@{LOCAL}/x' to='{to}' id='{number}' type='chat'><body>text</body></message>")


def comes_back(cluster, number):
    return cluster.wait(lambda e: e.get('id') == number and e.get('type') == 'error', 10)


def waiting(report, ctl, cluster, gate):
    for number in range(4):
        message(cluster, f'w{number}', 'vera@slow.example')

    def waits():
        return next((r for r in ctl.ask('queue')[0] if r['peer'] == 'slow.example' and r['state'] == 'sip-asking'), {})
    until(lambda: waits().get('queued', {}).get('stanzas') == 3)        # xfedd may not have read all of them when it asks for the first
    route = waits()
    report.equal('a slow peer: three wait, and one is on its way',
                 (route.get('queued', {}).get('stanzas'), route.get('unproved', {}).get('stanzas')), (3, 1))
    rows, _ = ctl.ask('streams', 'slow.example')
    report.check('   over a connection', len(rows) == 1 and rows[0]['asked'] == 1 and rows[0]['state'] == 'open' and rows[0]['dir'] == 'out', str(rows))
    peer = ctl.peer('slow.example')
    report.equal('   the peer is up', (peer.get('state'), peer.get('out'), peer.get('queued', {}).get('stanzas')), ('up', 1, 3))
    page = web.ask(net.GATEWAY, '/peer?name=slow.example').text
    report.check('   on the status page too', 'A SIP connection is open.' in page and f'{address("slow")}:5061' in page and 'sip-asking' in page, page)
    text = ctl.text('peer', 'slow.example')
    report.check('   in words', 'sip-asking' in text and f'{address("slow")}:5061' in text and 'ours 1' in text, text)
    report.equal('flush returns what waits', ctl.ask('flush', 'slow.example')[1], {'stanzas': 3})
    report.check('   to the sender', all(comes_back(cluster, f'w{n}') is not None for n in (1, 2, 3)))
    gate.set()
    report.check('   the first one is delivered', until(lambda: ctl.ask('queue', 'slow.example')[0] == []) and
                 not cluster.wait(lambda e: e.get('id') == 'w0', 0.5))
    report.equal('close ends the connection', ctl.ask('close', f'sip:{rows[0]["conn"]}')[1], {'closed': 1})
    report.check('   it is gone', until(lambda: ctl.ask('streams', 'slow.example')[0] == []))
    report.check('   a number that nobody has', 'no SIP connection' in ctl.run('close', 'sip:99999')[2])


def failing(report, ctl, cluster):
    for number in range(4):     # the back-off doubles: time to look
        message(cluster, f'f{number}', 'vera@refused.example')
        report.check('a peer that refuses: the message comes back', comes_back(cluster, f'f{number}') is not None)
        ctl.ask('check', 'refused.example')
    route = until(lambda: next((r for r in ctl.ask('queue', 'refused.example')[0] if r['state'] == 'sip-failing'), None)) or {}
    report.check('   its route fails, and why',
                 route.get('cause') == 'connect' and route.get('retry_ms', 0) > 0 and 'refused' in route.get('text', ''), str(route))
    report.equal('   and so does the peer', ctl.peer('refused.example').get('state'), 'failing')
    report.equal('   retry ends that', ctl.ask('retry', 'refused.example')[1], {'routes': 1, 'protocol': 'sip'})
    report.equal('   at once', ctl.ask('queue', 'refused.example')[0], [])
    report.check('   in words', 'next message connects' in ctl.text('retry', 'refused.example'))


# ---------------------------------------------------------------- our side

def judge_self(report, rows, where, level, words, help=None):
    found = [r for r in rows if r['part'] == 'sip' and r['where'] == where]
    report.check(f'ourselves: {where}: {level} {help or ""}', any((r['level'], r.get('help')) == (level, help) and all(w in r['text'] for w in words)
                 for r in found), str(found))


def ourselves(report, lab, ctl, gateway, ours, names):
    rows, _ = ctl.ask('check', '--self')
    certificate = gateway.sip_certificate
    judge_self(report, rows, HOST, 'ok', (f'{net.GATEWAY}:5061',))
    judge_self(report, rows, LOCAL, 'ok', (f'{HOST}:5061',))
    judge_self(report, rows, certificate, 'ok', (HOST,))
    status, out, _ = ctl.run('check', '--inbound')
    report.check('inbound: our SIP listener connects', any(HOST in line and f'{net.GATEWAY}:5061' in line and 'yes' in line for line in out.splitlines()), out)

    def again(**values):
        gateway.configure(SIP.format(**{**dict(host=HOST, certificate=certificate, key=gateway.sip_key, clear=address('clear')), **values}))
        report.equal('   a reload', gateway.reload(), 'done')
        return ctl.ask('check', '--self')[0]
    for usage, lacks in ((SERVER, 'clientAuth'), (CLIENT, 'serverAuth')):
        pem, key = ours.issue(f'only{lacks}', dns(HOST), usage=usage)
        rows = again(certificate=pem, key=lab.private(key, gateway.folder))
        judge_self(report, rows, pem, 'warning', (lacks,), help='sip-our-cert')
    pem, key = ours.issue('star', dns(f'*.{LOCAL}'))
    judge_self(report, again(certificate=pem, key=lab.private(key, gateway.folder)), pem, 'wrong', (HOST, 'wildcard'), help='sip-our-cert')
    rows = again(host=f'gone.{LOCAL}')
    judge_self(report, rows, f'gone.{LOCAL}', 'wrong', (), help='our-sip-host')
    judge_self(report, rows, LOCAL, 'wrong', ('_sips._tcp', f'{HOST}:5061', f'gone.{LOCAL}:5061'), help='our-sip-srv')


def listeners(report, ctl, gateway, extra, heads):
    """A reload opens no listener and closes none: until the restart peers are told the port of the one that is there."""
    def port():
        ctl.run('check', domain('clear'))
        return next(re.search(r'^Via: SIP/2.0/TCP [^;:]+:(\d+)', line)[1] for line in heads[-1] if line.startswith('Via:'))
    report.equal('in clear: our port', port(), '5070')
    gateway.configure(extra, control=LISTEN_THEN)
    report.equal('   a reload with another one, and without the listener for TLS', gateway.reload(), 'done')
    report.equal('in clear: our port is as before', port(), '5070')
    out = ctl.run('check', '--inbound')[1]
    report.check('inbound: our SIP listener still connects', any(HOST in line and 'yes' in line for line in out.splitlines()), out)


def main():
    p = options.parser(__doc__)
    p.add_argument('--xfedctl', help='the program; by default beside xfedd')
    args = p.parse_args()
    with Stage(args) as stage:
        lab, report = stage.open(), stage.report
        ours, names, gate = build(stage, lab)
        heads = []
        stage.start(in_clear(heads))
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        pem, key = ours.issue('sip', dns(HOST))
        key = lab.private(key, lab.folder('gateway'))
        extra = SIP.format(host=HOST, certificate=pem, key=key, clear=address('clear'))
        gateway = Gateway(lab, LOCAL, None, ours.issue(LOCAL, dns(LOCAL, f'conference.{LOCAL}')), ours.pem, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                          extra=extra, control=LISTEN,
                          http=f'{net.GATEWAY}:{web.PORT}', defaults='protocol = sip  connect-timeout = 2s  candidate-timeout = 4s', trust='expiry-warning = 0')
        gateway.sip_certificate, gateway.sip_key = pem, key
        stage.start_xfedd(gateway)
        ctl = Ctl(args.xfedctl or beside(args.xfedd), f'{gateway.folder}/control.sock')
        diagnoses(report, ctl)
        details(report, ctl)
        waiting(report, ctl, cluster, gate)
        failing(report, ctl, cluster)
        ourselves(report, lab, ctl, gateway, ours, names)
        listeners(report, ctl, gateway, extra, heads)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
