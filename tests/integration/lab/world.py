# SPDX-License-Identifier: MIT
"""A local server, the gateway, the peer's server, DNS and certificates: one mode, started and taken down as a whole.

    a.example, conference.a.example   ours, on the local server, behind xfedd (or directly in the federation without it)
    b.example, conference.b.example   the peer
"""
import os
import shutil
import tempfile

from . import net
from .dns import Dns
from .engine import Engine
from .gateway import Gateway
from .pki import Authority
from .proc import Failed, run
from .servers import COMPONENT_PORT, KINDS

LOCAL, PEER = 'a.example', 'b.example'
IDN = 'b\u00fccher.example', '\u4f8b\u3048.example'     # the same in other scripts
COMPONENT = ('xfedd.a.example', 'the secret of the link')
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))


def ascii_of(domain):
    """As DNS and certificates have it."""
    return domain.encode('idna').decode()


class Lab:
    """Scratch folder, engine and namespace: what every world needs, whoever lives in it.

    `docker`: no; yes; auto (natively where it cannot be had); at-hand (as auto, but only an engine that answers already).
    """
    def __init__(self, docker='no', xfedd=None, wrapper='', say=print, name=None):
        self.name = name        # of the namespace, for a person
        self.wrapper, self.docker_wish, self.say = wrapper, docker, say
        self.user = 'nobody'
        self.engine = None
        self.scratch = tempfile.mkdtemp(prefix='xfedd-lab-')
        os.chmod(self.scratch, 0o755)
        for name in ('log', 'modules'):
            self.folder(name)
        self.xfedd = xfedd and shutil.copy(xfedd, f'{self.scratch}/xfedd')      # where its unprivileged user may read it
        self.resolv_conf = f'{self.scratch}/resolv.conf'
        with open(self.resolv_conf, 'w') as f:
            f.write(f'nameserver {net.DNS}\n')

    def folder(self, name):
        """A folder in which every server's user may write."""
        path = f'{self.scratch}/{name}'
        if not os.path.isdir(path):
            os.mkdir(path)
            os.chmod(path, 0o777)
        return path

    def private(self, key, folder):
        """A copy of a key's file that only xfedd may read: those of an authority are for the servers too. -> its name"""
        path = f'{folder}/{os.path.basename(key)}'
        shutil.copyfile(key, path)
        self.give(path, 0o600)
        return path

    def give(self, path, mode):
        """To the user that xfedd runs as."""
        if os.geteuid() == 0:
            shutil.chown(path, self.user)
        os.chmod(path, mode)

    def open(self, services=()):
        """Move into the namespace; with Docker that of the container `net`."""
        if self.docker_wish != 'no':
            try:
                self._open_docker(services)
                return self
            except Failed as e:
                self._close_engine()
                if self.docker_wish == 'yes':
                    raise
                self.say(f'no Docker: {str(e).strip()}; the servers run natively')
        net.enter_new()
        if self.name:
            net.name_it(self.name)      # before the mounts of resolve_here, which nobody else sees
        net.resolve_here(self.resolv_conf)
        return self

    def _open_docker(self, services):
        self.engine = Engine(f'xfedd-lab-{os.getpid()}', self.scratch).start(self.docker_wish != 'at-hand')
        self.say('Docker: ' + ('an engine of our own' if self.engine.own else 'the engine at hand'))
        self.engine.build(services)
        net.enter(self.engine.namespace())
        if self.name:
            net.name_it(self.name)

    def _close_engine(self):
        if self.engine:
            try:
                self.engine.down()
            except Failed as e:
                self.say(f'taking the containers down: {e}')
            self.engine = None

    def compile_erlang(self, source):
        if self.engine:
            return      # the image has it
        import glob
        ebin = sorted(glob.glob('/usr/lib/*/ejabberd-[0-9]*/ebin'))[0]
        run('erlc', '-pa', ebin, '-I', f'{ebin}/../include', '-o', f'{self.scratch}/modules', source)

    def close(self, keep=False):
        self._close_engine()
        if self.name:
            net.forget(self.name)
        if not keep:
            shutil.rmtree(self.scratch, ignore_errors=True)


class World:
    def __init__(self, lab, mode='external', local='prosody', peer='prosody', gateway=True, extra_dns=(), extra_conf='',
                 domains=(LOCAL, PEER)):
        self.lab, self.mode = lab, mode
        ours_name, theirs_name = domains
        pki = lab.folder('pki')
        ours = self.authority = Authority(pki, 'ours')
        # Without a common authority neither side can believe the other's certificate: dialback has to do.
        theirs = ours if mode == 'external' else Authority(pki, 'theirs')
        local_cert, peer_cert = (by.issue(*(ascii_of(prefix + name) for prefix in ('', 'conference.')))
                                 for by, name in ((ours, ours_name), (theirs, theirs_name)))
        self.client_ca = {ours_name: ours.file, theirs_name: theirs.file}
        self.dns = Dns(lab.scratch)
        edge = net.GATEWAY if gateway else net.LOCAL
        for domain, ip in ((ours_name, edge), (theirs_name, net.PEER)):
            self.dns.domain(ascii_of(domain), ip)
            self.dns.domain(ascii_of(f'conference.{domain}'), ip)
        for line in extra_dns:
            self.dns.lines.append(line)
        component = COMPONENT if gateway else None
        self.local = KINDS[local](lab, 'local', ours_name, net.LOCAL, mode, local_cert, ours.file, component)
        self.peer = KINDS[peer](lab, 'peer', theirs_name, net.PEER, mode, peer_cert, theirs.file)
        self.gateway = None
        if gateway:
            self.gateway = Gateway(lab, ours_name, mode, local_cert, ours.file, COMPONENT,
                                   f'{net.LOCAL}:{COMPONENT_PORT}', extra=extra_conf)

    @staticmethod
    def services(local, peer, gateway=True):
        return [f'local-{local}', f'peer-{peer}']

    def start(self):
        self.dns.start()
        self.peer.start()
        self.local.start()
        if self.gateway:
            self.gateway.start()
        return self

    def stop(self):
        """-> xfedd's exit status, None without it."""
        status = self.gateway.stop() if self.gateway else None
        self.local.stop()
        self.peer.stop()
        self.dns.stop()
        return status
