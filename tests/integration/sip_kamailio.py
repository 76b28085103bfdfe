#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""SIP with a real Kamailio over mutual TLS and over TCP: OPTIONS both ways, found by NAPTR, SRV, address and route; messages both ways.
The window for errors of the cluster, which is this program, is longer than a machine stands still.

Who is not a peer is refused, with a line of the log and a code: a stranger, a wrong name, an expired certificate, an address that is
not listed, a From of somebody else. A reload of our certificate keeps the connections, and a stop ends in order.
"""
import os
import shutil
import socket
import ssl
import sys

from lab import net, options
from lab.ca import Authority
from lab.ca import dns as dns_name
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.kamailio import Kamailio, User
from lab.proc import until
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL

HOST = f'sip.{LOCAL}'
OLD, ELSEWHERE = '127.77.0.5', '127.77.0.9'       # a peer's server whose certificate has expired; nobody's address
STEPS = ('policy', 'DNS', 'TCP', 'TLS', 'certificate', 'OPTIONS')
SIP = '''
sip {{ host = "{host}"  certificate = {{ "sip.pem" }}  key = {{ "sip.key" }}  error-window = 2s }}
peer "b.example" {{ protocol = sip }}
peer "c.example" {{ protocol = sip  sip-domains = {{ "d.example" }} }}
peer "d.example" {{ protocol = sip  sip-names = {{ "b.example" }} }}
peer "old.example" {{ protocol = sip }}
peer "none.example" {{ protocol = sip }}
peer "clear.example" {{ protocol = sip  sip-transport = tcp  sip-from = {{ "{peer}" }}  route = {{ "{peer}:5060" }} }}
peer "hosted.example" {{ protocol = sip  sip-name-check = list  sip-names = {{ "b.example" }}  route = {{ "{peer}:5061" }} }}
peer "off.example" {{ protocol = sip  direction = in }}
'''
LISTEN = 'sip = {{ "{ip}:5061" }}  sip-tcp = {{ "{ip}:5060" }}'


def records(lab):
    dns = Dns(lab.scratch)
    for name, ip in ((f'sip.{LOCAL}', net.GATEWAY), ('sip.b.example', net.PEER), ('old.example', OLD)):
        dns.host(name, ip)
    dns.lines += ['naptr-record=b.example,10,50,s,SIPS+D2T,,_sips._tcp.b.example', 'srv-host=_sips._tcp.b.example,sip.b.example,5061,0,5']
    dns.lines += [f'srv-host=_sips._tcp.{domain}.example,sip.b.example,5061,0,5' for domain in ('c', 'd')]
    return dns


# ---------------------------------------------------------------- ours

def steps_of(rows):
    return {row['step']: row['state'] for row in rows if row.get('kind') == 'step'}


def reaches(report, ctl, domain, how):
    rows, result = ctl.ask('check', domain)
    report.check(f'check {domain}: reached {how}',
                 (result.get('reachable'), result.get('status')) == (True, 200) and steps_of(rows) == dict.fromkeys(STEPS, 'good'), f'{rows} {result}')


def fails(report, ctl, domain, step, code, why):
    rows, result = ctl.ask('check', domain)
    at = STEPS.index(step)
    want = {s: 'good' if i < at else 'failed' if i == at else 'not reached' for i, s in enumerate(STEPS)}
    report.check(f'check {domain}: {why}: {step}, {code}',
                 result.get('reachable') is False and steps_of(rows) == want and result.get('help') == code and bool(result.get('advice')) == bool(code),
                 f'{rows} {result}')


def outwards(report, ctl, gateway):
    reaches(report, ctl, 'b.example', 'by NAPTR and SRV')
    report.check('   over a connection of ours', gateway.wait_event('sip.conn.up', dir='out', peer='b.example'))
    reaches(report, ctl, 'hosted.example', 'by a route, with the name of a host')
    reaches(report, ctl, 'clear.example', 'in clear')
    status, out, _ = ctl.run('check', 'b.example')
    report.check('   in words', status == 0 and 'b.example can be reached' in out and 'answers 200' in out and 'certificate' in out, f'{status} {out}')
    fails(report, ctl, 'c.example', 'certificate', 'cert-wrong-name', 'its server has another name')
    report.check('   in the log', gateway.wait_event('sip.conn.refused', dir='out', peer='c.example', help='cert-wrong-name'))
    fails(report, ctl, 'old.example', 'certificate', 'cert-expired', 'an expired certificate')
    fails(report, ctl, 'none.example', 'DNS', 'dns-no-server', 'DNS knows nobody')
    fails(report, ctl, 'off.example', 'policy', None, 'only inwards')
    status, out, err = ctl.run('check', 'c.example')
    report.check('   in words, with what to do', status == 1 and 'advice' in out and 'cert-wrong-name' in out, f'{status} {out}{err}')


# ---------------------------------------------------------------- theirs

def inwards(report, kamailio, gateway):
    to_us, in_clear = f'sip:{net.GATEWAY}:5061;transport=tls', f'sip:{net.GATEWAY}:5060;transport=tcp'
    for uri in (f'sip:{LOCAL}', f'sip:{HOST}'):
        report.equal(f'OPTIONS {uri} over TLS', kamailio.options(uri, to_us)[0], 200)
    report.check('   over a connection of theirs', gateway.wait_event('sip.conn.up', dir='in'))
    report.equal('OPTIONS in clear from a listed address', kamailio.options(f'sip:{LOCAL}', in_clear, from_domain='clear.example')[0], 200)
    report.equal('From of a domain that the certificate may speak for', kamailio.options(f'sip:{LOCAL}', to_us, from_domain='d.example')[0], 200)
    report.equal('From of another SIP domain: 403', kamailio.options(f'sip:{LOCAL}', to_us, from_domain='c.example')[0], 403)
    report.check('   with its line', gateway.wait_event('sip.request.refused', status='403', help='sip-identity'))
    report.equal('From of a domain of XMPP: 403', kamailio.options(f'sip:{LOCAL}', to_us, from_domain='x.example')[0], 403)
    report.equal('From of the peer with TLS, in clear: 403', kamailio.options(f'sip:{LOCAL}', in_clear)[0], 403)
    report.equal('to a domain that is not ours: 404', kamailio.options('sip:z.example', to_us)[0], 404)


def dial(certificate, ca_file, source=ELSEWHERE):
    """A TLS client. -> what the server showed, in DER; its socket"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca_file)
    if certificate:
        context.load_cert_chain(*certificate)
    sock = context.wrap_socket(socket.create_connection((net.GATEWAY, 5061), 10, (source, 0)), server_hostname=HOST)
    return sock.getpeercert(True), sock


def is_turned_away(sock):
    """Does the other side close without a word?"""
    sock.settimeout(10)
    try:
        return sock.recv(100) == b''
    except (ConnectionError, ssl.SSLError):
        return True


def strangers(report, gateway, ours, others):
    cases = (
        ('a certificate of no peer', ours.issue('stranger', dns_name('stranger.example')), 'sip-stranger'),
        ('a wildcard for a peer', ours.issue('wild', dns_name('*.example')), 'sip-stranger'),
        ('an expired certificate of a peer', ours.issue('expired', dns_name('b.example'), start=-9, end=-2), 'cert-expired'),
        ('a certificate of an unknown authority', others.issue('b', dns_name('b.example')), 'cert-untrusted'),
    )
    for what, certificate, code in cases:
        seen = len(gateway.events('sip.conn.refused', help=code))
        _, sock = dial(certificate, ours.pem)
        closed = is_turned_away(sock)
        sock.close()
        gateway.wait_until(lambda: len(gateway.events('sip.conn.refused', help=code)) > seen, 20)
        lines = gateway.events('sip.conn.refused', help=code)
        report.check(f'{what}: closed, {code}', closed and len(lines) == seen + 1 and lines[-1]['addr'].startswith(ELSEWHERE),
                     f'{closed} {[e.line for e in gateway.events("sip.conn")]}')
    with socket.create_connection((net.GATEWAY, 5060), 10, (ELSEWHERE, 0)) as sock:
        report.check('TCP from an address that no peer has: closed, sip-address',
                     is_turned_away(sock) and gateway.wait_event('sip.conn.refused', 20, help='sip-address'))
    try:
        _, sock = dial(None, ours.pem)
        refused = is_turned_away(sock)
    except ssl.SSLError:
        refused = True
    report.check('no certificate: closed', refused)


# ---------------------------------------------------------------- messages between users

TEXT = 'Grüße 👋\nzweite Zeile: <&> "x"'
ERRORS = '{urn:ietf:params:xml:ns:xmpp-stanzas}'


def send(cluster, number, to, text):
    body = text.replace('&', '&amp;').replace('<', '&lt;')
    cluster.send(f"<message from='anna@{LOCAL}/desk' to='{to}' id='{number}' type='chat'><body>{body}</body></message>")


def comes(cluster, number):
    return cluster.wait(lambda e: e.get('id') == number, 40)


def condition_of(stanza):
    """The condition of an error stanza; None: it is none."""
    if stanza is None or stanza.get('type') != 'error':
        return None
    return next((child.tag.removeprefix(ERRORS) for child in stanza.iter() if child.tag.startswith(ERRORS) and not child.tag.endswith('}text')), None)


def body_of(stanza):
    return next((child.text for child in stanza if child.tag.endswith('}body')), None) if stanza is not None else None


def is_from_user(stanza):
    return (stanza.get('from') or '').startswith('vera@b.example') and stanza.get('type') != 'error'


def messages(report, cluster, user):
    send(cluster, 'm1', 'vera@b.example', TEXT)
    got = user.read()
    report.equal('a message to a SIP user, with Unicode and lines', got and got[1].replace('\r\n', '\n'), TEXT)
    report.check('   from our user', got and any(line.lower().startswith('from:') and f'<sip:anna@{LOCAL};gr=desk>' in line for line in got[0]), str(got))
    report.equal('a message of a SIP user is accepted', user.write(f'anna@{LOCAL}', TEXT.replace('\n', '\r\n'))[0], 202)
    stanza = cluster.wait(is_from_user)
    report.equal('   and comes as it was written', body_of(stanza), TEXT)
    for i in range(20):
        send(cluster, f'o{i}', 'vera@b.example', f'no {i}')
    report.equal('twenty at once keep their order', [(user.read() or ((), ''))[1] for _ in range(20)], [f'no {i}' for i in range(20)])
    send(cluster, 'm2', 'nobody@b.example', 'x')
    stanza = comes(cluster, 'm2')
    report.equal('to a user whom Kamailio does not know: item-not-found', condition_of(stanza), 'item-not-found')
    report.check('   with what it answered', stanza is not None and '404 No such user' in ''.join(stanza.itertext()), str(stanza))


def knows_users(cluster):
    """Let the cluster answer what is for none@..., as a server does for a user whom it does not know."""
    def take(element):
        if element.get('to', '').startswith('none@') and element.get('type') != 'error':
            cluster.send(f"<message from='{element.get('to')}' to='{element.get('from')}' id='{element.get('id')}' type='error'><error type='cancel'>"
                         "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
        else:
            cluster.keep(element)
    cluster.on_stanza = take
    return cluster


def unknown_here(report, user):
    report.equal('to a user whom the cluster does not know: 404', user.write(f'none@{LOCAL}', 'x')[0], 404)
    report.equal('to a domain of somebody else, through us: 404', user.write('x@z.example', 'x')[0], 404)


def peer_down(report, cluster, kamailio, user):
    kamailio.stop()
    send(cluster, 'd1', 'vera@b.example', 'x')
    report.equal('a message to a peer that is down: remote-server-timeout', condition_of(comes(cluster, 'd1')), 'remote-server-timeout')
    kamailio.start()
    user.start_again()

    def passes():
        send(cluster, 'd2', 'vera@b.example', 'again')
        return user.read(1)
    report.check('   it is back', until(passes, 40))


# ---------------------------------------------------------------- a reload, the counts, the end

def put_certificate(gateway, certificate):
    for file, name in zip(certificate, ('sip.pem', 'sip.key')):
        shutil.copyfile(file, f'{gateway.folder}/{name}')
        os.chmod(f'{gateway.folder}/{name}', 0o600)
        gateway.lab.give(f'{gateway.folder}/{name}', 0o600)


def reload(report, ctl, kamailio, gateway, ours, peer_certificate):
    def der():
        shown, sock = dial(peer_certificate, ours.pem)
        sock.close()
        return shown
    before, ups, downs = der(), len(gateway.events('sip.conn.up', dir='out')), len(gateway.events('sip.conn.down', dir='out'))
    put_certificate(gateway, ours.issue('sip2', dns_name(HOST)))
    report.equal('a reload with another certificate of ours', gateway.reload(), 'done')
    report.check('   new connections get it', der() != before)
    reaches(report, ctl, 'b.example', 'after the reload')
    report.equal('   over the connection that was there', (len(gateway.events('sip.conn.up', dir='out')), len(gateway.events('sip.conn.down', dir='out'))),
                 (ups, downs))
    report.equal('   and so does the peer', kamailio.options(f'sip:{LOCAL}', f'sip:{net.GATEWAY}:5061;transport=tls')[0], 200)
    gateway.configure(SIP.format(host=HOST, peer=net.PEER).replace('peer "b.example" { protocol = sip }', ''))
    report.equal('a reload without the peer', gateway.reload(), 'done')
    report.check('   ends its connection', gateway.wait_event('sip.conn.refused', 20, dir='out', peer='b.example'))


def counts(report, ctl):
    def sip_of():
        return ctl.ask('status')[1].get('sip', {})
    until(lambda: sip_of().get('messages_out', 0) >= 22, 10)    # what the user has read, the gateway may not have heard of yet
    sip = sip_of()
    report.check('status counts: conns, requests both ways, refused ones',
                 sip.get('conns', 0) >= 1 and sip.get('requests_in', 0) >= 8 and sip.get('refused', 0) >= 4 and sip.get('requests_out', 0) >= 4, str(sip))
    report.check('   in words', 'conns ' in ctl.text('status'))
    report.check('   and messages', sip.get('messages_out', 0) >= 22 and sip.get('messages_in', 0) >= 2 and sip.get('messages_bounced', 0) >= 2, str(sip))


def configuration(report, gateway):
    status, words = gateway.check()
    report.check('xfedd -t has no complaint of SIP', status == 0 and 'sip' not in words.replace(gateway.folder, ''), f'{status} {words}')


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        ours, others = (Authority(lab.folder('pki'), name) for name in ('ours', 'others'))
        stage.start(records(lab))
        cluster = stage.start(knows_users(Cluster(net.LOCAL, 5347, *COMPONENT)))
        peer_certificate = ours.issue('b.example', dns_name('b.example'))
        kamailio = stage.start(Kamailio(lab, 'kamailio', 'b.example', net.PEER, peer_certificate, ours.pem))
        stage.start(Kamailio(lab, 'kamailio-old', 'old.example', OLD, ours.issue('old', dns_name('old.example'), start=-9, end=-2), ours.pem))
        gateway = Gateway(lab, LOCAL, 'external', ours.issue(LOCAL, dns_name(LOCAL, f'conference.{LOCAL}')), ours.pem, COMPONENT, f'{net.LOCAL}:5347',
                          extra=SIP.format(host=HOST, peer=net.PEER), control=LISTEN.format(ip=net.GATEWAY), trust='expiry-warning = 0')
        put_certificate(gateway, ours.issue('sip1', dns_name(HOST)))
        configuration(report, gateway)
        stage.start_xfedd(gateway)
        ctl = Ctl(beside(stage.args.xfedd), f'{gateway.folder}/control.sock')
        until(lambda: gateway.events('process.ready'), 10)
        report.check('it listens for SIP', '5061/sip' in gateway.events('process.started')[0]['listeners'])
        outwards(report, ctl, gateway)
        inwards(report, kamailio, gateway)
        strangers(report, gateway, ours, others)
        user = stage.start(User(kamailio, 'vera', 5070))
        messages(report, cluster, user)
        unknown_here(report, user)
        peer_down(report, cluster, kamailio, user)
        counts(report, ctl)
        reload(report, ctl, kamailio, gateway, ours, peer_certificate)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
