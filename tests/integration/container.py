#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The images and compose files of conf/docker, as their comments say: built from this tree, started with Prosody and with ejabberd.

The link comes up, xfedd has no rights and no root, reads its configuration again at SIGHUP, and its state outlives the container.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from lab.engine import BASE, Engine
from lab.proc import Failed, run
from lab.report import Report, fatal
from lab.world import ROOT

SERVERS = ('prosody', 'ejabberd')
MOST_BYTES = 40 << 20       # of xfedd and its libraries, above the base image


def copy(scratch):
    """A copy of conf/docker with the files that it needs."""
    folder = f'{scratch}/docker'
    shutil.copytree(f'{ROOT}/conf/docker', folder)
    os.mkdir(f'{folder}/files')
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90', '-subj', '/CN=example.org',
        '-addext', 'subjectAltName=DNS:example.org,DNS:conference.example.org',
        '-keyout', f'{folder}/files/example.org.key', '-out', f'{folder}/files/example.org.pem')
    for name in ('link', 'dialback'):
        with open(f'{folder}/files/{name}.secret', 'w') as f:
            f.write(os.urandom(32).hex() + '\n')
    with open(f'{folder}/files/link.secret') as secret, open(f'{folder}/files/link.yml', 'w') as f:
        f.write(f'define_macro: {{LINK_SECRET: "{secret.read().strip()}"}}\n')
    for path, mode in [(f'{folder}/files', 0o750)] + [(f'{folder}/files/{name}', 0o640) for name in os.listdir(f'{folder}/files')]:
        os.chown(path, 0, 5269)
        os.chmod(path, mode)
    for server in SERVERS:      # the machine's ports may be taken
        path = f'{folder}/compose-{server}.yaml'
        with open(path) as f:
            lines = [line for line in f if not line.lstrip().startswith('ports:')]
        with open(path, 'w') as f:
            f.writelines(lines)
    return folder


class Pair:
    """A server and xfedd, by the compose file of the server."""
    def __init__(self, engine, folder, server):
        self.argv = engine.compose_argv + ['-f', f'{folder}/compose-{server}.yaml']
        self.env = dict(engine.env, XFEDD_SOURCE=ROOT)

    def compose(self, *argv, **kw):
        return run(*self.argv, *argv, env=self.env, **kw)

    def inside(self, *argv):
        return self.compose('exec', '-T', 'xfedd', *argv)

    def waits_for(self, words, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if words in self.compose('logs', '--no-color', 'xfedd'):
                return True
            time.sleep(0.5)
        return False


def look_at_image(report, engine):
    size = {name: int(engine.docker('image', 'inspect', '-f', '{{.Size}}', name)) for name in ('xfedd', BASE)}
    more = size['xfedd'] - size[BASE]
    report.check(f'the image has {more >> 20} MB more than its base', more < MOST_BYTES)
    report.equal('its user', engine.docker('image', 'inspect', '-f', '{{.Config.User}}', 'xfedd').strip(), 'xfedd')


def look_at_pair(report, pair, server):
    pair.compose('up', '-d', '--no-build')
    report.check(f'{server}: the link is up', pair.waits_for('link.stream.up'), pair.compose('logs', '--no-color', '--tail', '20'))
    report.equal(f'{server}: user and group', pair.inside('id', '-u').strip() + ' ' + pair.inside('id', '-g').strip(), '5269 5269')
    report.check(f'{server}: its own sandbox', pair.waits_for('process.sandbox.on calls=yes'))
    report.check(f'{server}: no capability', 'CapEff:\t0000000000000000' in pair.inside('cat', '/proc/self/status'))
    report.check(f'{server}: -t accepts the configuration', ': ok' in pair.inside('xfedd', '-t'))
    report.check(f'{server}: xfedctl gets an answer', 'cluster' in pair.inside('xfedctl', 'status'))
    pair.compose('kill', '-s', 'HUP', 'xfedd')
    report.check(f'{server}: a reload', pair.waits_for('config.reload.done'))
    pair.compose('restart', '-t', '30', 'xfedd')
    report.check(f'{server}: its history is kept', 'peers.db' in pair.inside('ls', '/var/lib/xfedd'))


def build(engine):
    engine.need_base()
    for target in ('prosody', 'ejabberd', 'xfedd'):
        engine.docker('build', '--network', 'host', '-f', f'{ROOT}/conf/docker/Dockerfile', '--target', target,
                      '-t', target if target == 'xfedd' else f'xfedd-{target}', ROOT, timeout=1800)


def check(report, scratch):
    engine = Engine('xfedd-container', scratch)
    engine.start()
    try:
        build(engine)
        look_at_image(report, engine)
        folder = copy(scratch)
        for server in SERVERS:
            pair = Pair(engine, folder, server)
            try:
                look_at_pair(report, pair, server)
            finally:
                pair.compose('down', '-v', '-t', '5')
    finally:
        engine.stop_daemon()


def main():
    report = Report()
    scratch = tempfile.mkdtemp(prefix='xfedd-container-')
    os.mkdir(f'{scratch}/log')
    try:
        check(report, scratch)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        fatal(report, error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return report.end()


if __name__ == '__main__':
    sys.exit(main())
