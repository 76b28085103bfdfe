# SPDX-License-Identifier: MIT
"""A fresh Debian 12 with a systemd of its own, as a container of systemd-nspawn on an overlay that is thrown away.

What documents tell people to install lies in apt's cache, so that it needs no network once the root has been made; the first run on
a machine makes it.
"""
import hashlib
import os
import shutil
import subprocess
import time

from . import bookworm
from .proc import Failed, Proc, run

BASE = ('systemd', 'systemd-sysv', 'dbus', 'iproute2', 'ca-certificates', 'libnss-myhostname-')
CALLS = '--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self'
ENV = ('env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LC_ALL=C.UTF-8',
       'DEBIAN_FRONTEND=noninteractive')


def nspawn(root, *argv):
    return ['systemd-nspawn', '-D', root, '--register=no', '--keep-unit', '--settings=no', '--console=pipe', *argv]


def fresh_root(scratch, packages):
    """-> the folder of a root with these packages in apt's cache. Needs the network when there is none yet."""
    label = hashlib.sha256(' '.join((*BASE, *sorted(packages))).encode()).hexdigest()[:12]
    root = f'{bookworm.cache_folder()}/machine-{label}'
    if os.path.isdir(root):
        return root
    new = f'{root}.new'
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    run('tar', '-C', new, '-xf', bookworm.tar(scratch))
    with open(f'{new}/etc/dpkg/dpkg.cfg.d/fast', 'w') as f:
        f.write('force-unsafe-io\n')
    with open(f'{new}/etc/apt/apt.conf.d/91lean', 'w') as f:
        f.write('APT::Install-Recommends "false";\n')
    for words in (('update',), ('install', '-y', *BASE), ('install', '-y', '--download-only', *packages)):
        run(*nspawn(new, '--resolv-conf=replace-host', '--pipe', *ENV, 'apt-get', '-q', *words), timeout=900)
    os.rename(new, root)
    return root


class Machine:
    """`resolver` is the address of its DNS server; `netns` the file of its network namespace; `packages` a folder that it sees as /tmp/xfedd."""
    def __init__(self, lab, name, root, netns, resolver, packages):
        self.log = f'{lab.scratch}/log/{name}.log'
        self.over = lab.folder(f'machine-{name}')
        self.base, self.netns, self.resolver, self.packages = root, netns, resolver, packages
        self.root = f'{self.over}/fs'
        self.proc = self.init = None

    def start(self):
        run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', self.over)
        for name in ('upper', 'work', 'fs'):
            os.mkdir(f'{self.over}/{name}')
        run('mount', '-t', 'overlay', '-o', f'lowerdir={self.base},upperdir={self.over}/upper,workdir={self.over}/work', 'none', self.root)
        self.write('/etc/resolv.conf', f'nameserver {self.resolver}\n')
        self.proc = Proc('systemd-nspawn', nspawn(
            self.root, '--boot', f'--network-namespace-path={self.netns}', '--resolv-conf=off', '--timezone=off', CALLS,
            f'--bind-ro={self.packages}:/tmp/xfedd', 'systemd.unit=multi-user.target', 'systemd.mask=systemd-networkd.socket'), self.log).start()
        end = time.monotonic() + 180
        while not self._is_up():
            if time.monotonic() > end or not self.proc.alive():
                raise Failed(f'no systemd starts here: {self.proc.tail(3)}')
            time.sleep(0.2)
        return self

    def _is_up(self):
        # Anew each time: nspawn's first child only makes the second, which is systemd, and is gone.
        found = subprocess.run(['pgrep', '-P', str(self.proc.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        self.init = found[0] if found else None
        return bool(self.init) and self.run('systemctl is-active --quiet multi-user.target')[0] == 0

    def write(self, path, text):
        with open(self.root + path, 'w') as f:
            f.write(text)

    def read(self, path):
        with open(self.root + path) as f:
            return f.read()

    def trust(self, authority):
        """As if it were a public one."""
        shutil.copyfile(authority, f'{self.root}/usr/local/share/ca-certificates/lab.crt')
        code, out = self.run('update-ca-certificates')
        if code:
            raise Failed(f'update-ca-certificates: {out}')

    def run(self, script, timeout=300):
        """Run lines of bash as root; the first that fails ends them. -> exit status, output"""
        done = subprocess.run(['nsenter', '-t', self.init, '-a', *ENV, 'bash', '-e', '-o', 'pipefail', '-c', f'cd\n{script}'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        return done.returncode, done.stdout

    def stop(self):
        if self.proc:
            self.proc.stop(timeout=20)
        for path in (self.root, self.over):
            subprocess.run(['umount', '-l', path], stderr=subprocess.DEVNULL, check=False)
