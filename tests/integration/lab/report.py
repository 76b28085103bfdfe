# SPDX-License-Identifier: MIT
"""What was checked, as lines for a person: time, verdict, words; the last line is `N passed, N failed`."""
import sys
import time


class Report:
    def __init__(self, quiet=False):
        self.start = time.monotonic()
        self.passed = self.failed = 0
        self.quiet = quiet

    def _line(self, mark, text):
        print(f'{time.monotonic() - self.start:8.3f}s  {mark:<4}  {text}', flush=True)

    def say(self, text):
        if not self.quiet:
            self._line('', text)

    def check(self, what, ok, detail=''):
        """A fact that must hold."""
        if ok:
            self.passed += 1
            self._line('ok', what)
        else:
            self.failed += 1
            self._line('FAIL', f'{what}{": " if detail else ""}{detail}')
        return bool(ok)

    def equal(self, what, got, want):
        return self.check(what, got == want, f'got {got!r}, want {want!r}')

    def end(self):
        """-> the exit status."""
        print(f'{self.passed} passed, {self.failed} failed', flush=True)
        return 0 if self.passed and not self.failed else 1


def fatal(report, error):
    report.check('the laboratory works', False, str(error))
    sys.stdout.flush()
