#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""protocol = auto with a real Kamailio and an XMPP peer: which of both a domain belongs to is found out, kept over a restart, and forgotten.

Kamailio's certificate names both domains, and both have SRV records for SIP; so it is the history alone that keeps them apart.
"""
import os
import shutil
import sys

from lab import net, options
from lab.ca import Authority
from lab.ca import dns as dns_name
from lab.cluster import Cluster
from lab.ctl import Ctl, beside
from lab.dns import Dns
from lab.gateway import Gateway
from lab.kamailio import Kamailio, User
from lab.peer import Peer
from lab.proc import until
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL
from sip_kamailio import comes, condition_of, send

HOST = f'sip.{LOCAL}'
XMPP = '127.77.0.6'
SIP = '''
sip {{ host = "{host}"  certificate = {{ "sip.pem" }}  key = {{ "sip.key" }} }}
memory {{ file = "{folder}/peers.db" }}
process {{ backoff-min = 1s  backoff-max = 1s }}
peer "fixed.example" {{ protocol = xmpp }}
'''
LISTEN = f'sip = {{ "{net.GATEWAY}:5061" }}'


def records(lab):
    """b.example has no XMPP server; c.example has one, and SIP beside it."""
    dns = Dns(lab.scratch)
    dns.host('sip.b.example', net.PEER)
    dns.domain('c.example', XMPP)
    dns.lines += [f'srv-host=_sips._tcp.{domain}.example,sip.b.example,5061,0,5' for domain in ('b', 'c')]
    return dns


def belongs(report, ctl, peer, protocol, learned=True):
    _, result = ctl.ask('peer', peer)
    report.check(f'   {peer}: {protocol}', (result.get('protocol'), 'learned_unix_s' in result) == (protocol, learned), str(result))


def to_sip(report, ctl, cluster, user, gateway):
    send(cluster, 'b1', 'vera@b.example', 'one')
    report.equal('a message to a domain without XMPP goes by SIP', (user.read(20) or ((), ''))[1], 'one')
    report.check('   XMPP was looked for first', gateway.wait_event('routing.route.turned', 20, peer='b.example', reason='dns-not-found'))
    report.check('   and SIP is learned', gateway.wait_event('routing.peer.learned', 20, peer='b.example', protocol='sip'))
    belongs(report, ctl, 'b.example', 'sip')
    status, out, _ = ctl.run('peer', 'b.example')
    report.check('   in words, with the time', status == 0 and 'sip (learned: ' in out and 'Z)' in out, out)
    out = ctl.text('explain', f'anna@{LOCAL}', 'vera@b.example')
    report.check('   and in explain', 'protocol     sip, learned' in out, out)


def to_xmpp(report, ctl, cluster, kamailio, came):
    send(cluster, 'c1', 'carl@c.example', 'one')
    report.check('a message to a domain with XMPP goes by XMPP', until(lambda: 'c1' in came, 20), str(came))
    belongs(report, ctl, 'c.example', 'xmpp')
    report.equal('   its SIP is not heard, whatever its certificate', kamailio.options(f'sip:{LOCAL}', f'sip:{net.GATEWAY}:5061;transport=tls',
                                                                                      from_domain='c.example')[0], 403)


def stays(report, cluster, gateway, peer):
    """XMPP is away, SIP is not: no stanza goes there."""
    peer.stop()
    send(cluster, 'c2', 'carl@c.example', 'two')
    report.equal('its XMPP server is away: remote-server-timeout', condition_of(comes(cluster, 'c2')), 'remote-server-timeout')
    report.check('   and nothing goes to SIP', not gateway.events('routing.route.turned', peer='c.example'))


def forgets(report, ctl, cluster, gateway):
    status, out, err = ctl.run('forget', 'c.example')
    report.check('forget', status == 0 and 'c.example belonged to XMPP' in out, f'{status} {out}{err}')
    belongs(report, ctl, 'c.example', 'auto', False)

    def turns():
        send(cluster, 'c3', 'carl@c.example', 'three')
        return gateway.events('routing.route.turned', peer='c.example', reason='connect')
    report.check('   XMPP first, then SIP', until(turns, 20))
    report.check('   the act is in the log', gateway.events('control.verb.done', verb='forget'))
    status, out, err = ctl.run('forget', 'fixed.example')
    report.check('nothing to forget of a peer whose protocol is written down', status == 1 and 'not auto' in err, f'{status} {out}{err}')


def keeps(report, ctl, cluster, user, gateway):
    gateway.stop()
    gateway.start()
    belongs(report, ctl, 'b.example', 'sip')
    send(cluster, 'b2', 'vera@b.example', 'two')
    report.equal('after a restart at once by SIP', (user.read(20) or ((), ''))[1], 'two')
    report.equal('   and not by XMPP first', len(gateway.events('routing.route.turned', peer='b.example')), 1)


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        ours = Authority(lab.folder('pki'), 'ours')
        stage.start(records(lab))
        cluster = stage.start(Cluster(net.LOCAL, 5347, *COMPONENT))
        kamailio = stage.start(Kamailio(lab, 'kamailio', 'b.example', net.PEER, ours.issue('b', dns_name('b.example', 'c.example')), ours.pem))
        came = []
        peer = stage.start(Peer('c.example', XMPP, ours.issue('c', dns_name('c.example')), ours.pem,
                                on_stanza=lambda stream, element: came.append(element.get('id'))))
        gateway = Gateway(lab, LOCAL, None, ours.issue(LOCAL, dns_name(LOCAL, f'conference.{LOCAL}')), ours.pem, COMPONENT, f'{net.LOCAL}:5347',
                          control=LISTEN, defaults='protocol = auto', trust='expiry-warning = 0')
        gateway.configure(SIP.format(host=HOST, folder=gateway.folder))
        for file, name in zip(ours.issue('sip', dns_name(HOST)), ('sip.pem', 'sip.key')):
            shutil.copyfile(file, f'{gateway.folder}/{name}')
            os.chmod(f'{gateway.folder}/{name}', 0o600)
            lab.give(f'{gateway.folder}/{name}', 0o600)
        status, words = gateway.check()
        report.check('xfedd -t has no complaint of auto', status == 0 and 'auto' not in words.replace(gateway.folder, ''), f'{status} {words}')
        stage.start_xfedd(gateway)
        ctl = Ctl(beside(stage.args.xfedd), f'{gateway.folder}/control.sock')
        user = stage.start(User(kamailio, 'vera', 5070))
        to_sip(report, ctl, cluster, user, gateway)
        to_xmpp(report, ctl, cluster, kamailio, came)
        stays(report, cluster, gateway, peer)
        forgets(report, ctl, cluster, gateway)
        keeps(report, ctl, cluster, user, gateway)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
