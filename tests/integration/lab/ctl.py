# SPDX-License-Identifier: MIT
"""xfedctl: asks an xfedd of the laboratory."""
import json
import os
import subprocess


def beside(xfedd):
    """Where xfedctl is, if xfedd is here: in the same folder, or in the next one of a build."""
    folder = os.path.dirname(os.path.abspath(xfedd))
    same = os.path.join(folder, 'xfedctl')
    return same if os.path.exists(same) else os.path.normpath(os.path.join(folder, '../ctl/xfedctl'))


class Ctl:
    def __init__(self, program, path):
        self.program, self.path = program, path

    def run(self, *words, timeout=20):
        """-> exit status, output, complaints"""
        done = subprocess.run([self.program, '-s', self.path, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def text(self, *words):
        return self.run(*words)[1]

    def ask(self, *words, timeout=20):
        """-> rows, result"""
        lines = [json.loads(line) for line in self.run('--json', *words, timeout=timeout)[1].splitlines()]
        return [line['row'] for line in lines if 'row' in line], lines[-1].get('result', lines[-1])

    def peer(self, name):
        return next((row for row in self.ask('peers')[0] if row['peer'] == name), {})
