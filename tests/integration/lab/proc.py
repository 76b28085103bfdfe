# SPDX-License-Identifier: MIT
"""Processes that we start and end: each in a session of its own, ended by its own id and never by a name."""
import os
import signal
import socket
import subprocess
import time


class Failed(Exception):
    """Something of the laboratory did not start, or does not work; the text is for a person."""


def until(true, seconds=30):
    """Ask `true` again and again until it says yes, or for so long. -> what it said last"""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


class Proc:
    def __init__(self, name, argv, log, user=None, env=None, fds=()):
        self.name, self.argv, self.log, self.fds = name, argv, log, fds
        self.user = user if user and os.geteuid() == 0 else None
        self.env = dict(os.environ, **(env or {}))
        self.popen = None

    def start(self):
        with open(self.log, 'ab') as out:
            self.popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, cwd=os.path.dirname(self.log),
                start_new_session=True, user=self.user, group=self.user and group_of(self.user),
                extra_groups=[] if self.user else None, pass_fds=self.fds)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def stop(self, sig=signal.SIGTERM, timeout=8):
        """End it, then whatever it left in its session. -> its exit status, negative for a signal."""
        if self.popen is None:
            return None
        if self.alive():
            self.popen.send_signal(sig)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.popen.wait(5)

    def tail(self, lines=15):
        return tail(self.log, lines)


def group_of(user):
    import grp
    import pwd
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def tail(path, lines=15):
    try:
        with open(path, errors='replace') as f:
            return ''.join(f.readlines()[-lines:])
    except OSError:
        return ''


def run(*argv, timeout=600, env=None, **kw):
    """Run to the end; the output is part of the complaint when it fails."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                       env=dict(os.environ, **(env or {})), stdin=kw.pop('stdin', subprocess.DEVNULL), **kw)
    if p.returncode:
        raise Failed(f"{' '.join(argv)}: exit {p.returncode}\n{p.stdout[-3000:]}")
    return p.stdout


def wait_port(ip, port, what, timeout=20):
    """`what` is anything with alive() and tail()."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            socket.create_connection((ip, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
        if not what.alive():
            raise Failed(f'{what.name} ended at its start:\n{what.tail()}')
    raise Failed(f'{what.name} does not listen on {ip}:{port} after {timeout} s:\n{what.tail()}')
