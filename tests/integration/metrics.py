#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The metrics of a running xfedd: what they say after known traffic, in both formats, by the parsers of others; a real Prometheus that scrapes them and
evaluates the alert rules; that each rule fires when it should; and /healthz and /readyz while the link comes and goes. With XMPP and SIP peers.

usage: metrics.py [--xfedd BINARY]      Needs promtool and prometheus (Debian package prometheus) and python3-prometheus-client.
"""
import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lab import net, options, web
from lab.cluster import Cluster
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import Failed, Proc, until, wait_port
from lab.servers import COMPONENT_PORT
from lab.sip import SipClient, SipServer
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, ROOT
from lab.xmlstream import Closed

SIP, SIP_IP, SIP_DEAD, SIP_WRONG = 'sip-peer.example', '127.78.0.9', 'sip-dead.example', 'sip-wrong.example'
OUR_SIP, OUR_SIP_PORT = f'sip.{LOCAL}', 5061
NAMED, STRANGER, DEAD, DENIED = 'named.example', 'stranger.example', 'dead.example', 'denied.example'
RULES, TESTS = f'{ROOT}/conf/prometheus/xfedd.rules.yml', f'{ROOT}/tests/integration/prometheus/xfedd.test.yml'
OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
PROMETHEUS = ('127.77.0.9', 9090)
EXTRA = f'''
peer "{NAMED}" {{ stanza-rate = 1000 }}
peer "{DENIED}" {{ direction = none }}
metrics {{ peers = 1 }}
sip {{ host = "{OUR_SIP}"  certificate = {{ "%s" }}  key = {{ "%s" }} }}
peer "{SIP}" {{ protocol = sip  route = {{ "{SIP_IP}:5061" }} }}
peer "{SIP_WRONG}" {{ protocol = sip  route = {{ "{SIP_IP}:5061" }} }}
peer "{SIP_DEAD}" {{ protocol = sip  route = {{ "{SIP_IP}:5099" }} }}
'''


def message(frm, to, ident):
    return f"<message from='{frm}' to='{to}' id='{ident}'><body>hello</body></message>"


class Values:
    """What a text of OpenMetrics says, read by somebody else's parser."""
    def __init__(self, text):
        self.families = {f.name: f for f in text_string_to_metric_families(text)}
        self.samples = [s for f in self.families.values() for s in f.samples]

    def get(self, name, **labels):
        """The sum over all samples with these labels."""
        return sum(s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items())


def scrape():
    return Values(web.ask(net.GATEWAY, '/metrics').text)


def settled(wanted, seconds=20):
    """Metrics are gathered once a second. -> those for which `wanted` holds, or the last ones"""
    end = time.monotonic() + seconds
    while not wanted(values := scrape()) and time.monotonic() < end:
        time.sleep(0.3)
    return values


# ---- traffic of which all is known

def converse(cluster, peers):
    """3 messages and a presence to each peer that is there, 2 messages from each; 5 to those that cannot have them."""
    for peer in peers:
        for i in range(3):
            cluster.send(message(f'alice@{LOCAL}/x', f'bob@{peer.domain}', f'm{i}'))
        cluster.send(f"<presence from='alice@{LOCAL}/x' to='bob@{peer.domain}'/>")
        assert peer.arrived.wait(4), f'{peer.domain} did not get what was sent'
        stream = peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)
        for i in range(2):
            stream.send(message(f'bob@{peer.domain}/y', f'alice@{LOCAL}', f'{peer.domain}-{i}'))
            cluster.wait(lambda e, i=i, peer=peer: e.get('id') == f'{peer.domain}-{i}')
    for peer, count in ((DEAD, 3), (DENIED, 2)):
        for i in range(count):
            cluster.send(message(f'alice@{LOCAL}/x', f'bob@{peer}', f'{peer}-{i}'))
            assert cluster.wait(lambda e, i=i, peer=peer: e.get('id') == f'{peer}-{i}' and e.get('type') == 'error'), f'{peer}: no answer'


def converse_by_sip(cluster, certificate, ca_file):
    """2 messages to the SIP peer and a third that it refuses, one to each of two that cannot have it. From it 2 messages, 3 requests that are
    refused, one that is no SIP, and a connection without a certificate."""
    for i, to in enumerate((f'bob@{SIP}', f'eve@{SIP}', f'none@{SIP}', f'bob@{SIP_DEAD}', f'bob@{SIP_WRONG}')):
        cluster.send(message(f'alice@{LOCAL}/x', to, f'sip-{i}'))
    for i in (2, 3, 4):
        assert cluster.wait(lambda e, i=i: e.get('id') == f'sip-{i}' and e.get('type') == 'error'), f'sip-{i}: no answer'
    client = SipClient(SIP, (net.GATEWAY, OUR_SIP_PORT), certificate, ca_file, OUR_SIP)
    want = ((202, 'MESSAGE', f'sip:alice@{LOCAL}', None), (202, 'MESSAGE', f'sip:alice@{LOCAL}', None), (404, 'MESSAGE', 'sip:x@z.example', None),
            (403, 'MESSAGE', f'sip:alice@{LOCAL}', DEAD), (405, 'REGISTER', f'sip:{LOCAL}', None), (200, 'OPTIONS', f'sip:{LOCAL}', None))
    for status, method, uri, frm in want:
        got = client.request(method, uri, 'hello' if method == 'MESSAGE' else '', frm)
        assert got == status, f'{method} {uri} {frm}: {got}'
    client.send('this is no SIP\r\n\r\n')
    try:
        client.stream.receive()
    except Closed:
        pass
    try:
        SipClient(SIP, (net.GATEWAY, OUR_SIP_PORT), None, ca_file, OUR_SIP).request('OPTIONS', f'sip:{LOCAL}')
        assert False, 'a connection without a certificate was accepted'
    except (OSError, Closed):
        pass


class Counting(Peer):
    """Knows how many stanzas have arrived."""
    class Arrived:
        def __init__(self):
            self.count = 0

        def wait(self, count, seconds=10):
            end = time.monotonic() + seconds
            while self.count < count and time.monotonic() < end:
                time.sleep(0.02)
            return self.count >= count

    def __init__(self, *args):
        super().__init__(*args)
        self.arrived = self.Arrived()
        self.on_stanza = self._count

    def _count(self, _stream, _element):
        self.arrived.count += 1


# ---- checks

def check_values(report, values):
    def equal(what, name, want, **labels):
        report.equal(what, values.get(name, **labels), want)
    for peer in (NAMED, STRANGER):
        equal(f'messages to {peer}', 'xfedd_stanzas_total', 3, peer=peer, dir='out', kind='message')
        equal(f'presence to {peer}', 'xfedd_stanzas_total', 1, peer=peer, dir='out', kind='presence')
        equal(f'messages from {peer}', 'xfedd_stanzas_total', 2, peer=peer, dir='in', kind='message')
        written = values.get('xfedd_stanza_bytes_total', peer=peer, dir='out')
        report.check(f'bytes to {peer}: {written:.0f}', 300 < written < 2000)
        end = values.get('xfedd_peer_certificate_expiry_timestamp_seconds', peer=peer) - time.time()
        report.check(f'the certificate of {peer} ends in 30 days', 29 * 86400 < end <= 30 * 86400, f'{end:.0f} s')
    equal('peers connected', 'xfedd_peers_connected', 2, dir='in')
    equal('pairs to send to', 'xfedd_peers_connected', 2, dir='out')
    equal('ready streams', 'xfedd_streams', 4, state='ready')
    equal('handshakes', 'xfedd_tls_handshakes_total', 4, result='TLSv1.3')
    equal('authentications in', 'xfedd_authentications_total', 2, dir='in', method='external', result='ok')
    equal('authentications out', 'xfedd_authentications_total', 2, dir='out', method='external', result='ok')
    equal('negotiations out', 'xfedd_negotiation_seconds_count', 2, dir='out')
    equal('bounces: no such peer', 'xfedd_bounces_total', 3, to='cluster', condition='remote-server-not-found')
    equal('bounces: policy', 'xfedd_bounces_total', 2, to='cluster', condition='not-allowed')
    equal('policy: direction', 'xfedd_policy_refusals_total', 2, dir='out', rule='direction')
    equal('the route of the dead peer', 'xfedd_routes', 1, state='bounce')
    equal('routes that send', 'xfedd_routes', 2, state='send')
    equal('unreachable peers', 'xfedd_peers_unreachable', 1)
    report.check('... for how long', values.get('xfedd_peer_unreachable_seconds', peer=DEAD, reason='dns-not-found') > 0)
    equal('the link is up', 'xfedd_link_up', 1, link='cluster')
    equal('no answer waits', 'xfedd_queue_stanzas', 0, of='answers')
    report.check('stanzas waited for their stream', values.get('xfedd_queue_wait_seconds_count') >= 2)
    report.check('DNS found something', values.get('xfedd_dns_lookups_total', type='SRV', result='found') >= 2)
    report.check('... and nothing', values.get('xfedd_dns_lookups_total', result='nxdomain') >= 1)
    end = values.get('xfedd_certificate_expiry_timestamp_seconds', local=LOCAL) - time.time()
    report.check('our certificate ends in 30 days', 29 * 86400 < end <= 30 * 86400, f'{end:.0f} s')
    report.check('memory, CPU, descriptors, turns', all(values.get(name) > 0 for name in (
        'process_resident_memory_bytes', 'process_cpu_seconds_total', 'xfedd_descriptors', 'process_max_fds', 'xfedd_loop_turn_seconds_count')))


def check_sip(report, values):
    def equal(what, name, want, **labels):
        report.equal(f'SIP: {what}', values.get('xfedd_sip_' + name, **labels), want)
    equal('messages delivered', 'messages_total', 2, dir='out', result='delivered')
    equal('messages returned', 'messages_total', 3, dir='out', result='returned')
    equal('messages of the peer', 'messages_total', 2, dir='in', result='taken')
    equal('no late error', 'errors_late_total', 0)
    equal('nobody watches ours', 'subscriptions', 0, dir='in')
    equal('nor ours others', 'subscriptions', 0, dir='out')
    equal('nobody was asked', 'pending', 0)
    equal('requests out: 2xx', 'requests_total', 2, dir='out', method='MESSAGE', **{'class': '2xx'})
    equal('requests out: 4xx', 'requests_total', 1, dir='out', method='MESSAGE', **{'class': '4xx'})
    equal('requests out: without answer', 'requests_total', 2, dir='out', method='MESSAGE', **{'class': 'none'})
    equal('requests in: 2xx', 'requests_total', 2, dir='in', method='MESSAGE', **{'class': '2xx'})
    equal('requests in: 4xx', 'requests_total', 2, dir='in', method='MESSAGE', **{'class': '4xx'})
    equal('requests in: OPTIONS', 'requests_total', 1, dir='in', method='OPTIONS', **{'class': '2xx'})
    equal('requests in: others', 'requests_total', 1, dir='in', method='other', **{'class': '4xx'})
    for reason in ('request-uri', 'from', 'method', 'malformed'):
        equal(f'refused: {reason}', 'requests_refused_total', 1, reason=reason)
    equal('connections out', 'conns', 1, dir='out', state='open')
    equal('connections that came up', 'conns_opened_total', 1, dir='in')
    equal('refused: the wrong name', 'conns_refused_total', 1, dir='out', reason='certificate')
    equal('handshakes out', 'tls_handshakes_total', 2, dir='out', result='TLSv1.3')
    equal('handshakes in that failed', 'tls_handshakes_total', 1, dir='in', result='failed')
    for reason in ('connect', 'certificate'):
        equal(f'not reached: {reason}', 'hop_failures_total', 1, reason=reason)
    equal('nothing is under way', 'transactions', 0)
    equal('all found a place', 'no_place_total', 0)


def check_against_log(report, gateway):
    """Log and metrics count the same, as soon as nothing more comes."""
    levels, events = ('info', 'warn', 'error'), []

    def agree(values):
        events[:] = gateway.events()
        return all(values.get('xfedd_log_events_total', level=level) == sum(e.level == level for e in events) for level in levels)
    values = settled(agree)
    for level in levels:
        report.equal(f'log lines of level {level}', values.get('xfedd_log_events_total', level=level), sum(e.level == level for e in events))
    ups = collections.Counter((e['dir'], e['auth']) for e in events if e.event == 's2s.stream.up')
    for (direction, method), count in ups.items():
        report.equal(f's2s.stream.up: {direction} {method}', values.get('xfedd_authentications_total', dir=direction, method=method, result='ok'), count)


def promtool(report, what, *args, text=None):
    done = subprocess.run(['promtool', *args], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return report.check(what, done.returncode == 0, done.stdout[-2000:])


def check_formats(report):
    answer = web.ask(net.GATEWAY, '/metrics', Accept='application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5')
    report.equal('OpenMetrics for who names it', answer.headers['content-type'], OPENMETRICS)
    report.equal('OpenMetrics for who names nothing', web.ask(net.GATEWAY, '/metrics').headers['content-type'], OPENMETRICS)
    report.check('the text ends with # EOF', answer.text.endswith('\n# EOF\n'))
    series = [re.sub(r' \S+$', '', line) for line in answer.text.splitlines() if not line.startswith('#')]
    report.equal('no series comes twice', [s for s, n in collections.Counter(series).items() if n > 1], [])
    text = web.ask(net.GATEWAY, '/metrics', Accept='text/plain')
    report.equal('the older format for who asks for it', text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    promtool(report, 'promtool check metrics', 'check', 'metrics', text=text.text)
    promtool(report, 'promtool check rules', 'check', 'rules', RULES)
    promtool(report, 'promtool test rules: each alert fires, and none when all is well', 'test', 'rules', TESTS)
    with open(RULES) as rules, open(TESTS) as tests:
        tested = set(re.findall(r'alertname="(\w+)"', tests.read()))
        report.equal('each alert has a test', sorted(set(re.findall(r'alert: (\w+)', rules.read())) ^ tested), [])


def check_names(report, values):
    """What rules and dashboard use is there, as a scraper sees it."""
    there = set(values.families) | {s.name for s in values.samples}
    there |= {name + suffix for name, f in values.families.items() for suffix in {'counter': ['_total'], 'histogram': ['_bucket', '_count']}.get(f.type, [])}
    for path in (RULES, f'{ROOT}/conf/grafana/xfedd.json'):
        with open(path) as f:
            used = {m for m in re.findall(r'\b(?:xfedd|process)_[a-z0-9_]+', f.read()) if not m.endswith('_')}
        report.equal(f'{path.split("/")[-1]}: {len(used)} metrics, all there', sorted(used - there), [])


def check_bound(report, peers):
    """metrics { peers = 1 }: the next stranger is counted with the others, and nothing is lost."""
    for peer in peers:
        stream = peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)
        stream.send(message(f'bob@{peer.domain}/y', f'alice@{LOCAL}', peer.domain))
    values = settled(lambda v: v.get('xfedd_stanzas_total', peer='other', dir='in') >= len(peers))
    report.equal('further strangers are counted together', values.get('xfedd_stanzas_total', peer='other', dir='in'), len(peers))
    names = {s.labels['peer'] for s in values.samples if s.name == 'xfedd_stanzas_total'}
    report.equal('only these peers have names', names, {NAMED, STRANGER, 'other'})


def check_health(report, gateway, cluster):
    report.equal('/healthz', (web.ask(net.GATEWAY, '/healthz').status, web.ask(net.GATEWAY, '/healthz').text), (200, 'ok\n'))
    report.equal('/readyz', web.ask(net.GATEWAY, '/readyz').text, 'link cluster is up\n')
    cluster.stop()
    gateway.wait_event('link.stream.down')
    answer = web.ask(net.GATEWAY, '/readyz')
    report.equal('/readyz without the link', (answer.status, answer.text), (503, 'link cluster is down\n'))
    report.equal('/healthz without the link', web.ask(net.GATEWAY, '/healthz').status, 200)


# ---- Prometheus

def api(path, **query):
    url = f'http://{PROMETHEUS[0]}:{PROMETHEUS[1]}/api/v1/{path}?{urllib.parse.urlencode(query)}'
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)['data']


def is_ready():
    """It answers 503 while it reads its data."""
    try:
        with urllib.request.urlopen(f'http://{PROMETHEUS[0]}:{PROMETHEUS[1]}/-/ready', timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def start_prometheus(lab):
    folder = lab.folder('prometheus')
    with open(f'{folder}/prometheus.yml', 'w') as f:
        f.write(f'global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{RULES}]\nscrape_configs:\n'
                f'- {{job_name: xfedd, static_configs: [{{targets: ["{net.GATEWAY}:{web.PORT}"]}}]}}\n')
    proc = Proc('prometheus', ['prometheus', f'--config.file={folder}/prometheus.yml', f'--storage.tsdb.path={folder}/data',
                               f'--web.listen-address={PROMETHEUS[0]}:{PROMETHEUS[1]}'], f'{lab.scratch}/log/prometheus.log').start()
    wait_port(*PROMETHEUS, proc, 40)
    if not until(is_ready):
        raise Failed(f'prometheus is not ready:\n{proc.tail()}')
    return proc


def check_prometheus(report):
    up = until(lambda: [r for r in api('query', query='up{job="xfedd"}')['result'] if r['value'][1] == '1'])
    report.check('Prometheus scrapes', bool(up), str(api('targets')['activeTargets']))
    sent = api('query', query=f'sum(xfedd_stanzas_total{{peer="{NAMED}",dir="out"}})')['result']
    report.equal('... and has the stanzas', [r['value'][1] for r in sent], ['4'])
    build = api('query', query='xfedd_build_info')['result']
    report.equal('... and the build', len(build), 1)
    units = api('metadata', metric='xfedd_stanza_bytes')
    report.equal('... with unit and type', [(m['type'], m['unit']) for m in units.get('xfedd_stanza_bytes', [])], [('counter', 'bytes')])
    rules = until(lambda: [r for g in api('rules')['groups'] for r in g['rules'] if r['lastEvaluation'] > '2'] or None)
    report.equal('all rules are evaluated', [(r['name'], r.get('lastError')) for r in rules or [] if r['health'] != 'ok'], [])
    wrong = 'XfeddDown', 'XfeddLinkDown', 'XfeddDnsFailing', 'XfeddQueueNearFull', 'XfeddReloadRefused'     # XfeddDown may be on its way if all stood still
    report.check('none is about to fire for what works', until(lambda: not any(a['labels']['alertname'] in wrong for a in api('alerts')['alerts'])))


def alerts(name, **labels):
    return [a for a in api('alerts')['alerts'] if a['labels']['alertname'] == name and labels.items() <= a['labels'].items()]


def check_alerts(report, gateway, extra):
    """Faults that a test can make: their alerts come up in Prometheus."""
    report.check('the link is down: an alert is on its way', until(lambda: alerts('XfeddLinkDown', link='cluster')))
    with open(gateway.conf, 'a') as f:
        f.write('no-such-key = 1\n')
    report.equal('a bad configuration is refused', gateway.reload(), 'refused')
    fired = until(lambda: [a for a in alerts('XfeddReloadRefused') if a['state'] == 'firing'])
    report.check('... and an alert fires', fired)
    report.check('... whose words have the instance', fired and str(net.GATEWAY) in fired[0]['annotations']['summary'])
    gateway.configure(extra)
    report.equal('a good one is taken', gateway.reload(), 'done')
    report.check('... and the alert is over', until(lambda: not alerts('XfeddReloadRefused')))


def check_stop(report, gateway, cluster):
    """While it stops it is alive, and not ready."""
    cluster.start()
    report.check('the link is back', until(lambda: web.ask(net.GATEWAY, '/readyz').status == 200, 60))
    os.kill(gateway.proc.pid, signal.SIGTERM)
    answer = until(lambda: (a := web.ask(net.GATEWAY, '/readyz')).status == 503 and a)
    report.check('/readyz while it stops', answer and answer.text.startswith('xfedd is stopping\n'))
    report.equal('/healthz while it stops', web.ask(net.GATEWAY, '/healthz').status, 200)
    gateway.wait_until(lambda: not gateway.proc.alive(), 30)


def main():
    with Stage(options.parser(__doc__).parse_args()) as stage:
        lab, report = stage.open(), stage.report
        dns, authority = Dns(lab.scratch), Authority(lab.folder('pki'), 'ours')
        peers = []
        for i, name in enumerate((NAMED, STRANGER, 'more1.example', 'more2.example')):
            dns.domain(name, f'127.78.0.{i + 1}')
            peers.append(Counting(name, f'127.78.0.{i + 1}', authority.issue(name), authority.file))
            stage.start(peers[-1])
        stage.start(dns)
        cluster = stage.start(Cluster(net.LOCAL, COMPONENT_PORT, *COMPONENT))
        sip_certificate, (ours, our_key) = authority.issue(SIP), authority.issue(OUR_SIP)
        stage.start(SipServer(SIP_IP, sip_certificate, authority.file, lambda lines, _: 404 if 'sip:none@' in lines[0] else 200))
        extra = EXTRA % (ours, lab.private(our_key, lab.folder('gateway')))
        gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', authority.issue(LOCAL, f'conference.{LOCAL}'), authority.file, COMPONENT,
                                            f'{net.LOCAL}:{COMPONENT_PORT}', extra=extra, http=f'{net.GATEWAY}:{web.PORT}',
                                            control=f'sip = {{ "{net.GATEWAY}:{OUR_SIP_PORT}" }}'))
        converse(cluster, peers[:2])
        values = settled(lambda v: v.get('xfedd_bounces_total', to='cluster') >= 5 and v.get('xfedd_peer_unreachable_seconds', peer=DEAD) > 0)
        check_values(report, values)
        converse_by_sip(cluster, sip_certificate, authority.file)
        check_sip(report, settled(lambda v: v.get('xfedd_sip_requests_total', dir='in') >= 6 and v.get('xfedd_sip_transactions') == 0
                                  and v.get('xfedd_sip_requests_refused_total', reason='malformed')
                                  and v.get('xfedd_sip_tls_handshakes_total', dir='in', result='failed')))
        check_against_log(report, gateway)
        check_formats(report)
        check_names(report, values)
        prometheus = start_prometheus(lab)
        stage.at_end(prometheus.stop)
        check_prometheus(report)
        check_bound(report, peers[2:])
        check_health(report, gateway, cluster)
        check_alerts(report, gateway, extra)
        check_stop(report, gateway, cluster)
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
