# SPDX-License-Identifier: MIT
"""Several network namespaces with links between them, and sockets in each, all in this process.

    with Spaces('peer', 'router') as spaces:
        spaces.join('peer', 'eth0', ['198.51.100.2/24'], 'router', 'eth0', ['198.51.100.1/24'])
        spaces.run('router', 'nft', '-f', path)
        with spaces.inside('peer'):         # sockets made here live there for good
            ...

A socket belongs to the namespace that its thread was in when it was made, so one program can stand on all sides of a router.
"""
import contextlib
import os
import subprocess

from . import net
from .proc import run

SELF = '/proc/self/ns/net'


class Spaces:
    def __init__(self, *names):
        self.names = names
        self.links = 0

    def _full(self, name):
        return f'xfedd-{os.getpid()}-{name}'

    def __enter__(self):
        try:
            for name in self.names:
                self._add(name)
        except Exception:
            self.__exit__()
            raise
        return self

    def _add(self, name):
        run('ip', 'netns', 'add', self._full(name))
        self.run(name, 'ip', 'link', 'set', 'lo', 'up')
        # An address is there at once: nobody else is on these links.
        self.set(name, 'ipv6/conf/all/accept_dad', 0)
        self.set(name, 'ipv6/conf/default/accept_dad', 0)

    def __exit__(self, *args):
        for name in self.names:
            subprocess.run(['ip', 'netns', 'del', self._full(name)], stderr=subprocess.DEVNULL, check=False)

    def run(self, name, *argv):
        return run('ip', 'netns', 'exec', self._full(name), *argv)

    def set(self, name, key, value):
        """A file of /proc/sys/net, which is that of the one who opens it."""
        with self.inside(name), open(f'/proc/sys/net/{key}', 'w') as f:
            f.write(str(value))

    def join(self, a, a_link, a_addresses, b, b_link, b_addresses):
        """A pair of interfaces, up, with these addresses."""
        self.links += 1
        one, two = (f'xf{os.getpid() % 100000}{side}{self.links}' for side in 'ab')
        run('ip', 'link', 'add', one, 'type', 'veth', 'peer', 'name', two)
        for space, link, name, addresses in ((a, one, a_link, a_addresses), (b, two, b_link, b_addresses)):
            run('ip', 'link', 'set', link, 'netns', self._full(space), 'name', name)
            for address in addresses:
                self.run(space, 'ip', 'address', 'add', address, 'dev', name)
            self.run(space, 'ip', 'link', 'set', name, 'up')

    def join_here(self, here, here_addresses, name, link, addresses):
        """As join, from the namespace that this thread is in."""
        run('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', link, 'netns', self._full(name))
        for address in here_addresses:
            run('ip', 'address', 'add', address, 'dev', here)
        for address in addresses:
            self.run(name, 'ip', 'address', 'add', address, 'dev', link)
        run('ip', 'link', 'set', here, 'up')
        self.run(name, 'ip', 'link', 'set', link, 'up')

    def file(self, name):
        return f'/run/netns/{self._full(name)}'

    def route(self, name, to, via):
        self.run(name, 'ip', '-6' if ':' in via else '-4', 'route', 'add', to, 'via', via)

    @contextlib.contextmanager
    def inside(self, name):
        here = os.open(SELF, os.O_RDONLY)
        try:
            net.enter(self.file(name))
            yield
        finally:
            net.enter(f'/proc/self/fd/{here}')
            os.close(here)
