# SPDX-License-Identifier: MIT
"""Docker: the engine at hand or one of our own, the base image, and the servers' containers (compose.yaml).

An engine of our own keeps its images under the cache folder, so only the first run on a machine builds them. One at a time can
use that folder; others wait for it. It gets no bridge and no packet filter: the containers share the namespace of the container
`net`, whose only interface is loopback.
"""
import fcntl
import os
import shutil
import subprocess
import time

from . import bookworm
from .proc import Failed, Proc, run

HERE = os.path.dirname(os.path.abspath(__file__))
COMPOSE_FILE = os.path.abspath(f'{HERE}/../compose.yaml')
BASE = 'debian:bookworm-slim'


class Engine:
    def __init__(self, project, scratch):
        self.project, self.scratch = project, scratch
        self.env = {'DOCKER_BUILDKIT': '0', 'COMPOSE_DOCKER_CLI_BUILD': '0', 'XFED_LAB_SCRATCH': scratch,
                    'COMPOSE_PROJECT_NAME': project, 'COMPOSE_IGNORE_ORPHANS': '1', 'PYTHONWARNINGS': 'ignore'}
        self.daemon = None
        self.own = False

    def start(self, own=True):
        """Use the engine that answers, or start one. Raises Failed with the reason when there is none to be had."""
        if not shutil.which('docker'):
            raise Failed('docker is not installed')
        if not self._answers():
            if not own:
                raise Failed('no engine answers')
            self._start_own()
        self.compose_argv = (['docker', 'compose'] if quiet('docker', 'compose', 'version') else ['docker-compose'])
        if not shutil.which(self.compose_argv[0]):
            raise Failed('neither `docker compose` nor docker-compose is installed')
        return self

    def _answers(self):
        return quiet('docker', 'version', '--format', '{{.Server.Version}}', env=self.env)

    def _start_own(self):
        if os.geteuid() != 0 or not shutil.which('dockerd'):
            raise Failed('no Docker engine answers, and only root with dockerd installed can start one')
        root = f'{bookworm.cache_folder()}/docker'
        os.makedirs(root, exist_ok=True)
        self.turn = open(f'{root}.lock', 'w')
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        # a socket path has 107 bytes at most, so not below a scratch folder of any length
        self.run_folder = f'/run/xfedd-lab-{os.getpid()}'
        os.makedirs(self.run_folder, exist_ok=True)
        self.env['DOCKER_HOST'] = f'unix://{self.run_folder}/docker.sock'
        self.daemon = Proc('dockerd', ['dockerd', '--data-root', root, '--exec-root', f'{self.run_folder}/exec',
                                       '--pidfile', f'{self.run_folder}/pid', '-H', self.env['DOCKER_HOST'],
                                       '--bridge=none', '--iptables=false', '--ip6tables=false'],
                           f'{self.scratch}/log/dockerd.log').start()
        self.own = True
        end = time.monotonic() + 30
        while not self._answers():
            if not self.daemon.alive() or time.monotonic() > end:
                last = self.daemon.tail(3)
                self.stop_daemon()
                raise Failed(f'a Docker engine of our own did not start: {last}')
            time.sleep(0.2)

    def docker(self, *argv, **kw):
        return run('docker', *argv, env=self.env, **kw)

    def compose(self, *argv, **kw):
        return run(*self.compose_argv, '-f', COMPOSE_FILE, *argv, env=self.env, **kw)

    # ---- images

    def need_base(self):
        if not quiet('docker', 'image', 'inspect', BASE, env=self.env):
            if not quiet('docker', 'pull', BASE, env=self.env, timeout=120):
                self._bootstrap()

    def build(self, services):
        self.need_base()
        self.compose('build', *services, timeout=1200)

    def _bootstrap(self):
        """No registry to be reached: make the base image from Debian's packages."""
        with open(bookworm.tar(self.scratch), 'rb') as tar:
            self.docker('import', '-', BASE, stdin=tar)

    # ---- the world's containers

    def namespace(self):
        """Start `net`. -> the path of its network namespace."""
        self.compose('up', '-d', 'net')
        pid = self.docker('inspect', '-f', '{{.State.Pid}}', self.container('net')).strip()
        return f'/proc/{pid}/ns/net'

    def container(self, service):
        found = self.compose('ps', '-q', service).split()
        return found[-1] if found else None

    def down(self):
        try:
            self.compose('down', '-t', '3', timeout=120)
        finally:
            self.stop_daemon()

    def stop_daemon(self):
        if self.daemon:
            self.daemon.stop(timeout=20)
            self.daemon = None
            quiet('umount', f'{self.run_folder}/exec/netns/default')     # it leaves this mount behind
            shutil.rmtree(self.run_folder, ignore_errors=True)
            self.turn.close()


class Container:
    """A server's container with the interface of Proc."""
    def __init__(self, engine, service):
        self.engine, self.name, self.id = engine, service, None

    def start(self):
        if self.id is None:
            self.engine.compose('up', '-d', '--no-deps', self.name)
            self.id = self.engine.container(self.name)
        else:
            self.engine.docker('start', self.id)
        return self

    def alive(self):
        return self.engine.docker('inspect', '-f', '{{.State.Running}}', self.id).strip() == 'true'

    def stop(self):
        if self.id:
            self.engine.docker('stop', '-t', '8', self.id)

    def tail(self, lines=15):
        return self.engine.docker('logs', '--tail', str(lines), self.id)


def quiet(*argv, env=None, timeout=60):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=dict(os.environ, **(env or {})), timeout=timeout).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
