# SPDX-License-Identifier: MIT
"""The stage on which a test plays: a report, a laboratory, and all that was started there, taken down at the end whatever happens.

    def main():
        with Stage(options.parser(__doc__).parse_args()) as stage:
            lab = stage.open()
            dns = Dns(lab.scratch)
            ...
            stage.start(dns)
            gateway = stage.start_xfedd(Gateway(lab, ...))
            stage.report.check(...)
        return stage.end()

What was started last is stopped first, also when its start failed half-way. A complaint of the laboratory (something did not start, a
stream broke, a client waited in vain) is one failed check; any other exception is a fault of the test, and goes on once all is down.
"""
import collections
import contextlib
import os
import sys

from . import options
from .proc import Failed
from .report import Report, fatal
from .world import Lab
from .xmlstream import Closed

LAST_LINES, LINE_MAX = 20, 240
VOID = 75


class Stage:
    """`args` of options.parser(); without `xfedd` no binary is needed."""
    def __init__(self, args, xfedd=True):
        if xfedd:
            options.need_xfedd(args)
        self.args, self.report = args, Report()
        self._xfedd = args.xfedd if xfedd else None
        self._endings = contextlib.ExitStack()
        self._has_crashed, self.is_void = None, False

    def open(self, services=None, name=None):
        """-> the laboratory. `services` may live in containers if the command line wants them; without any there is no Docker."""
        docker = 'no' if services is None else self.args.docker
        lab = Lab(docker, self._xfedd, self.args.wrapper, self.report.say, name)
        self._endings.callback(self._close, lab)
        return lab.open(services or ())

    def start(self, actor):
        """-> the same. Anything with start() and stop()."""
        self.at_end(actor.stop)
        actor.start()
        return actor

    def start_xfedd(self, actor):
        """As start(), for a Gateway or a World with one: it is a check that xfedd, if it was started, ends well."""
        self.at_end(self._stop_xfedd, actor)
        actor.start()
        return actor

    def at_end(self, call, *args):
        """What must be done before that which is on stage by now is stopped."""
        self._endings.callback(call, *args)

    def void_if(self, has_crashed):
        """Where `has_crashed()` says that a server of somebody else did, a complaint is no failed check: the stage is_void (once_more)."""
        self._has_crashed = has_crashed

    def _stop_xfedd(self, actor):
        status = actor.stop()
        if status is not None:
            self.report.equal('xfedd ends with status 0', status, 0)

    def _close(self, lab):
        keep = self.args.keep_scratch or self.report.failed > 0
        lab.close(keep)
        if self.report.failed > 0:
            self._say_ends(f'{lab.scratch}/log')
        if keep:
            self.report.say(f'logs: {lab.scratch}/log')

    def _say_ends(self, folder):
        """Of each log, for those who cannot look into the folder: what a build machine ran is gone."""
        for entry in sorted((e for e in os.scandir(folder) if e.is_file()), key=lambda e: e.name):
            with open(entry, encoding='utf-8', errors='replace') as f:
                for line in collections.deque(f, LAST_LINES):
                    self.report.say(f'{entry.name}: {line.rstrip()[:LINE_MAX]}')

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        is_complaint = isinstance(error, (Failed, Closed))
        self.is_void = bool(is_complaint and not self.report.failed and self._has_crashed and self._has_crashed())
        if self.is_void:
            self.report.say(f'void, since a server of somebody else crashed: {error}')
        elif is_complaint:
            fatal(self.report, error)
        self._endings.close()
        return is_complaint

    def end(self):
        """-> the exit status; the last line is the report's, unless the stage is void."""
        return VOID if self.is_void else self.report.end()


def once_more(play):
    """-> the exit status of play(False), or where its stage is void, of play(True). In processes of their own: each enters its laboratory for good."""
    child = os.fork()
    if not child:
        status = play(False)
        sys.stdout.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return play(True) if status == VOID else status
