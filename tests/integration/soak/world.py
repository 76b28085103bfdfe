# SPDX-License-Identifier: MIT
"""The world of the soak: DNS, certificates, the processes of the peers and of the cluster, nft for black holes, and xfedd."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

from lab import net, web
from lab.ca import self_signed
from lab.gateway import Gateway
from lab.meter import Meter
from lab.pki import Authority
from lab.proc import Failed, run, tail
from lab.servers import COMPONENT_PORT
from lab.world import COMPONENT

from .kinds import kind_of
from .names import Names
from .spoiler import Spoiler
from .stanza import LOCAL, domain_of

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NODES = [net.LOCAL, '127.77.0.5']
TOGETHER = 10               # peers with one certificate
QUEUE_S = 30                # how long a stanza may wait in a route, so that all is settled soon after the end
DEFAULTS = f'tls = required  certificate = preferred  dialback = yes  queue-time = {QUEUE_S}s  negotiate-timeout = 20s  connect-timeout = 4s  candidate-timeout = 4s'
EXTRA = 'process { drain-time = 5s }'
PULSE, PULSE_S, SLOW_S, DEAF_S = '127.79.0.1', 0.1, 0.1, 10     # who asks for a sign of life, how often, what takes longer than it does anywhere, and when it gives up
RULES = '''table ip soak {
  set dark { type ipv4_addr; }
  chain in { type filter hook input priority 0; ip saddr @dark drop; ip daddr @dark drop; }
}'''


class Process:
    """One of the worker processes."""
    def __init__(self, module, spec, log):
        self.state, self.module = {}, module
        with open(log, 'wb') as err:
            self.popen = subprocess.Popen([sys.executable, '-m', f'soak.{module}', spec], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err,
                                          start_new_session=True)
        self.log = log
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            self.state = json.loads(line)

    def order(self, do, **args):
        try:
            self.popen.stdin.write(json.dumps(dict(do=do, **args)).encode() + b'\n')
            self.popen.stdin.flush()
        except OSError:
            self.popen.wait(5)
            self.check()

    def check(self):
        if self.popen.poll() is not None:
            raise Failed(f'the process soak.{self.module} ended: {tail(self.log)}')

    def finish(self):
        self.order('finish')
        if self.popen.wait(60):
            self.check()

    def stop(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()


class Pulse(threading.Thread):
    """Asks xfedd for a sign of life again and again. What it has not answered in time it has not read in time either: `still` has these times."""
    def __init__(self):
        super().__init__(daemon=True)
        self.still, self.is_over = [], False

    def stop(self):
        self.is_over = True

    def run(self):
        while not self.is_over:
            begin = time.monotonic()
            answer = web.ask(net.GATEWAY, '/healthz', source=PULSE, timeout=DEAF_S)
            end = time.monotonic()
            if end - begin > (SLOW_S if answer.status else DEAF_S - 1):     # an xfedd that is gone refuses at once
                self.still.append((begin, end))
            time.sleep(PULSE_S)


class World:
    def __init__(self, stage, peer_count, seed, legs=2, spoil=None, extra=''):
        self.stage, self.peer_count = stage, peer_count
        self.lab = lab = stage.open()
        self.domains = [domain_of(n) for n in range(peer_count)]
        self.addresses = [f'127.80.{n // 50}.{n % 50 + 1}' for n in range(peer_count)]
        self.nodes = [[ip, COMPONENT_PORT] for ip in NODES[:legs]]
        self.stem = {side: f'{lab.scratch}/{side}' for side in ('peers', 'cluster')}
        self.dns = stage.start(Names(net.DNS, dict(zip(self.domains, self.addresses))))
        run('nft', RULES)
        authority = Authority(lab.folder('pki'), 'common')
        spec = self._spec(authority, seed)
        certificate = authority.issue(LOCAL)
        self.peers = self._process('peers', spec)
        self.cluster = self._process('cluster', spec)
        served = self.nodes
        if spoil:
            served = [stage.start(Spoiler([net.GATEWAY, COMPONENT_PORT + 10 + n], node, spoil)).address for n, node in enumerate(self.nodes)]
        self.gateway = Gateway(lab, LOCAL, None, certificate, authority.file, COMPONENT, [f'{ip}:{port}' for ip, port in served], EXTRA + extra, DEFAULTS,
                               http=f'{net.GATEWAY}:{web.PORT}')
        self.runs = []              # of xfedd: [start, end, how it ended]
        self.samples = []           # (time, run, rss in MiB, descriptors, seconds of processor)
        stage.start_xfedd(self)
        self.pulse = stage.start(Pulse())

    def _spec(self, authority, seed):
        own = [authority.issue(*self.domains[first:first + TOGETHER], label=f'peers{first}') for first in range(0, self.peer_count, TOGETHER)]
        nobody = self_signed(f'{self.lab.scratch}/pki', 'nobody', ['DNS:nobody.example'])
        peers = [dict(ip=ip, identity=n // TOGETHER if kind_of(n).external else len(own)) for n, ip in enumerate(self.addresses)]
        path = f'{self.lab.scratch}/spec.json'
        with open(path, 'w') as f:
            json.dump(dict(seed=seed, peers=peers, identities=own + [nobody], ca=authority.file, edge=[net.GATEWAY, 5269], nodes=self.nodes,
                           component=COMPONENT[0], secret=COMPONENT[1], peers_ledger=self.stem['peers'], cluster_ledger=self.stem['cluster']), f)
        return path

    def _process(self, module, spec):
        process = Process(module, spec, f'{self.lab.scratch}/log/{module}.log')
        self.stage.at_end(process.stop)
        while not process.state:
            process.check()
            time.sleep(0.05)
        return process

    # ---- xfedd

    def start(self):
        self.runs.append([time.monotonic(), None, None])
        self.gateway.start()
        self.meter = Meter(self.gateway.proc.pid)

    def stop(self):
        """-> its exit status"""
        if not self.gateway.proc:
            return None
        status = self.gateway.stop()
        self.runs[-1][1:] = [time.monotonic(), f'exit {status}']
        return status

    def stop_well(self, report):
        report.equal('xfedd drains and ends with status 0', self.stop(), 0)

    def alive(self):
        return self.gateway.proc is not None and self.gateway.proc.alive()

    def reload(self):
        os.kill(self.gateway.proc.pid, signal.SIGHUP)

    def restart(self):
        status = self.stop()
        if status:
            self.stage.report.check('xfedd drains and ends with status 0', False, f'{status}')
        self.start()

    def kill(self):
        self.runs[-1][1:] = [time.monotonic(), 'kill -9']
        self.gateway.proc.stop(signal.SIGKILL)
        self.start()

    def sample(self):
        try:
            self.samples.append((time.monotonic(), len(self.runs) - 1, self.meter.rss_mib(), self.meter.descriptors(), self.meter.cpu_s()))
        except (OSError, IndexError):
            pass

    # ---- faults

    def peer(self, number, name, *args):
        self.peers.order('fault', peer=number, name=name, args=args)

    def darken(self, peer):
        run('nft', f'add element ip soak dark {{ {self.addresses[peer]} }}')

    def lighten(self, peer):
        run('nft', f'delete element ip soak dark {{ {self.addresses[peer]} }}')

    def rate(self, per_second):
        """Stanzas of both directions together."""
        for process in (self.peers, self.cluster):
            process.order('rate', rate=per_second / 2)
