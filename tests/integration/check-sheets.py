#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""doc/operators/SHEETS.md says what xfedd prints: each command in it ("$ ...") is run with the configuration shown above it.

usage: check-sheets.py XFEDD SOURCE_ROOT [--write]    --write puts what is printed into the document
"""
import os
import re
import subprocess
import sys
import tempfile

INDENT = '    '


def blocks(lines):
    """(first, end) of each run of indented lines, blank ones within it included."""
    first = None
    for i, line in enumerate(lines + ['end']):
        if line.startswith(INDENT):
            first = i if first is None else first
        elif line and first is not None:
            end = i
            while not lines[end - 1]:
                end -= 1
            yield first, end
            first = None


def parts(lines, first, end):
    """A block as pieces that blank lines part; a command has all that follows it."""
    start = first
    for i in range(first, end):
        if lines[i].startswith(INDENT + '$ xfedd'):
            if start < i:
                yield start, i
            yield i, end
            return
        if not lines[i]:
            yield start, i
            start = i + 1
    yield start, end


def main():
    xfedd, root = os.path.abspath(sys.argv[1]), sys.argv[2]
    path = f'{root}/doc/operators/SHEETS.md'
    with open(path) as f:
        lines = f.read().splitlines()
    out, done, failed, commands, base, nodes = [], 0, 0, 0, '', ''
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(xfedd, f'{folder}/xfedd')
        for name in ('link', 'dialback'):
            with open(f'{folder}/{name}.secret', 'w', opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write('a secret of the check\n')
        for first, end in blocks(lines):
            for start, stop in parts(lines, first, end):
                text = '\n'.join(line[len(INDENT):] for line in lines[start:stop]).rstrip('\n')
                if text.startswith('link '):
                    base = text
                elif re.match(r'node "', text):
                    nodes = text
                elif text.startswith('$ xfedd'):
                    commands += 1
                    with open(f'{folder}/xfed.conf', 'w') as f:
                        f.write(f'trust {{ ca-file = "/dev/null"  cert-dir = "{folder}" }}\n{base}\n{nodes}\n')
                    command, _, shown = text.partition('\n')
                    done_by = subprocess.run(['sh', '-c', command[2:]], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                             timeout=30, env=dict(os.environ, PATH=f'{folder}:{os.environ["PATH"]}'))
                    if 'built without SIP' in done_by.stderr:
                        continue
                    got = done_by.stdout.rstrip('\n')
                    if got != shown or not got:
                        failed += 1
                        print(f'{path}:{start + 1}: {command}: the document shows something else; --write puts in what is printed')
                    out += lines[done:start] + [INDENT + command] + [INDENT + line if line else '' for line in got.splitlines()]
                    done = stop
    if '--write' in sys.argv:
        with open(path, 'w') as f:
            f.write('\n'.join(out + lines[done:]) + '\n')
        return 0
    print(f'{commands - failed} of {commands} commands print what the document shows')
    return 1 if failed or not commands else 0


if __name__ == '__main__':
    sys.exit(main())
