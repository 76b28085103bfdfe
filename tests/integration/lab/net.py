# SPDX-License-Identifier: MIT
"""A network namespace of our own.

This process moves into it, and all that it starts afterwards is born there, so ports 53 and 5269 are free on every loopback
address and nothing can leave the machine. The kernel removes the namespace with its last process. Under Docker it is the
namespace of the container `net`, which the servers' containers share.
"""
import ctypes
import os
import shutil

from .proc import Failed, run

DNS, LOCAL, GATEWAY, PEER = ('127.77.0.%d' % i for i in (1, 2, 3, 4))
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
ESTABLISHED, CLOSE_WAIT = '01', '08'        # as /proc/net/tcp has them

_libc = ctypes.CDLL(None, use_errno=True)


def _check(rc, what):
    if rc:
        raise Failed(f'{what}: {os.strerror(ctypes.get_errno())} (root is needed)')


def enter_new():
    _check(_libc.unshare(CLONE_NEWNET), 'a network namespace')
    run('ip', 'link', 'set', 'lo', 'up')


def resolve_here(resolv_conf):
    """From now on the C library of every process we start asks our DNS server: ejabberd takes addresses from nowhere else."""
    nsswitch = os.path.join(os.path.dirname(resolv_conf), 'nsswitch.conf')
    with open(nsswitch, 'w') as f:
        f.write('passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n')
    _check(_libc.unshare(CLONE_NEWNS), 'a mount namespace')
    run('mount', '--make-rprivate', '/')
    for ours, theirs in ((resolv_conf, '/etc/resolv.conf'), (nsswitch, '/etc/nsswitch.conf')):
        run('mount', '--bind', ours, theirs)


def enter(path):
    """The namespace behind a file such as /proc/PID/ns/net."""
    fd = os.open(path, os.O_RDONLY)
    try:
        _check(_libc.setns(fd, CLONE_NEWNET), 'entering the network namespace')
    finally:
        os.close(fd)


def is_held(port):
    """Whether a program still has the other side of a connection from that port, open or closed by us alone."""
    with open('/proc/self/net/tcp') as f:
        ends = [line.split()[2:4] for line in list(f)[1:]]
    return any(int(theirs.split(':')[1], 16) == port and state in (ESTABLISHED, CLOSE_WAIT) for theirs, state in ends)


def name_it(name):
    """Give the namespace that we are in a name, so that a person can enter it with `ip netns exec NAME`."""
    os.makedirs(f'/etc/netns/{name}', exist_ok=True)
    with open(f'/etc/netns/{name}/resolv.conf', 'w') as f:
        f.write(f'nameserver {DNS}\n')
    run('ip', 'netns', 'attach', name, str(os.getpid()))


def forget(name):
    run('ip', 'netns', 'del', name)
    shutil.rmtree(f'/etc/netns/{name}', ignore_errors=True)
