#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One installed xfedd with every libexpat that this Debian offers, and servers whose libexpat defers.

Since the fix of CVE-2023-52425 libexpat may leave a long start tag that came in pieces until much more follows. Which libexpat is there is known when a
program runs and not when it is built: xfedd is installed once, and reads such a tag with each. Servers are what they are: Prosody and ejabberd, with
the newest, get a stanza of 60 KB from a peer through xfedd and answer at once, although nothing follows it.

A version that cannot be had (no network) is left out, by name.
"""
import os
import subprocess
import sys
import tempfile
import time

from lab import net, options
from lab.dns import Dns
from lab.gateway import Gateway
from lab.peer import Peer
from lab.pki import Authority
from lab.proc import run
from lab.servers import COMPONENT_PORT, KINDS
from lab.stage import Stage
from lab.world import COMPONENT, LOCAL, PEER

PACKAGE = 'libexpat1'
PATIENCE = 10


def offered():
    """Versions, the newest first."""
    done = subprocess.run(['apt-cache', 'madison', PACKAGE], capture_output=True, text=True, check=False)
    return list(dict.fromkeys(line.split('|')[1].strip() for line in done.stdout.splitlines()))


def fetch(version, folder):
    """-> the folder of its library; None when it cannot be had."""
    os.makedirs(folder)
    got = subprocess.run(['apt-get', 'download', f'{PACKAGE}={version}'], cwd=folder, capture_output=True, check=False)
    packages = [name for name in os.listdir(folder) if name.endswith('.deb')]
    if got.returncode or not packages:
        return None
    run('dpkg-deb', '-x', f'{folder}/{packages[0]}', f'{folder}/root')
    return next((path for path, _, files in os.walk(f'{folder}/root') if 'libexpat.so.1' in files), None)


def install(binary, folder):
    """As a packager does. `binary` is that of a build directory. -> the installed one"""
    build = os.path.abspath(os.path.join(os.path.dirname(binary), '../..'))
    run('meson', 'install', '-C', build, '--no-rebuild', env={'DESTDIR': folder})
    return next(f'{path}/xfedd' for path, _, files in os.walk(folder) if 'xfedd' in files)


def reads_a_long_tag(report, xfedd, version, library):
    check = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'check-daemon.py')
    env = dict(os.environ, **({'LD_LIBRARY_PATH': library} if library else {}))
    done = subprocess.run([sys.executable, check, xfedd, '--only', 'start tag of 60 KB'], env=env, capture_output=True, text=True, check=False)
    report.check(f'xfedd reads a start tag of 60 KB in pieces with libexpat {version}', done.returncode == 0, done.stdout[-2000:])


def with_library(kind, library):
    """The same server, with this libexpat."""
    class Server(KINDS[kind]):
        def command(self):
            argv, env = super().command()
            return argv, dict(env, LD_LIBRARY_PATH=library)
    return Server


def answers_at_once(stage, lab, kind, library, ours):
    """A peer asks the server, and nothing follows its question."""
    certificates = {domain: ours.issue(domain, f'conference.{domain}') for domain in (LOCAL, PEER)}
    answers = []
    peer = stage.start(Peer(PEER, net.PEER, certificates[PEER], ours.file, on_stanza=lambda _stream, stanza: answers.append(stanza.get('id'))))
    server = stage.start(with_library(kind, library)(lab, f'local-{kind}', LOCAL, net.LOCAL, 'external', certificates[LOCAL], ours.file, COMPONENT))
    gateway = stage.start_xfedd(Gateway(lab, LOCAL, 'external', certificates[LOCAL], ours.file, COMPONENT, f'{net.LOCAL}:{COMPONENT_PORT}',
                                        label=f'gateway-{kind}'))
    stream = peer.external(peer.dial((net.GATEWAY, 5269), LOCAL), LOCAL)

    def seconds_to_answer(ident, node):
        began = time.monotonic()
        stream.send(f"<iq type='get' from='bob@{PEER}/x' to='{LOCAL}' id='{ident}'>"
                    f"<query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/></iq>")
        while ident not in answers and time.monotonic() - began < PATIENCE:
            time.sleep(0.005)
        return time.monotonic() - began

    stage.report.check(f'{kind} answers', seconds_to_answer('short', 'n') < PATIENCE)   # the way back is made
    seconds = seconds_to_answer('long', 'n' * 60000)    # once: a second question would be what a server that defers waits for
    stage.report.check(f'{kind} with the newest libexpat answers a start tag of 60 KB at once', seconds < PATIENCE / 2, f'{seconds:.1f} s')
    stage.report.say(f'   after {seconds * 1000:.0f} ms')
    for actor in (stream.close, gateway.stop, server.stop, peer.stop):
        actor()


def long_answers(stage, library):
    lab = stage.open()
    ours = Authority(lab.folder('pki'), 'ours')
    dns = Dns(lab.scratch)
    dns.domain(LOCAL, net.GATEWAY)
    dns.domain(PEER, net.PEER)
    stage.start(dns)
    for kind in KINDS:
        answers_at_once(stage, lab, kind, library, ours)


def main():
    with tempfile.TemporaryDirectory(prefix='xfedd-expat-') as folder, Stage(options.parser(__doc__).parse_args()) as stage:
        os.chmod(folder, 0o755)     # servers run as users of their own
        xfedd = install(stage.args.xfedd, f'{folder}/install')
        libraries = {version: fetch(version, f'{folder}/{n}') for n, version in enumerate(offered())}
        reads_a_long_tag(stage.report, xfedd, 'of the system', None)
        for version, library in libraries.items():
            if library:
                reads_a_long_tag(stage.report, xfedd, version, library)
            else:
                print(f'left out: libexpat {version}: cannot be downloaded')
        newest = next((library for library in libraries.values() if library), None)
        if newest:
            long_answers(stage, newest)
        else:
            print('left out: servers with a libexpat that defers: none can be downloaded')
    return stage.end()


if __name__ == '__main__':
    sys.exit(main())
