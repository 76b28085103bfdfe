#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What our documents tell operators to type is right: commands, configuration, paths, links.

usage: check-documents.py XFEDD XFEDCTL SOURCE_ROOT

1. A piece of configuration, in a block or between back-quotes, has only sections and settings that xfedd has, and xfedd -t takes it: what it leaves
   out is added, the files that it names are made up. Where a document only names settings (`link { ack resend }`), they exist.
2. A command of ours has the options, verbs and number of arguments that --help shows; those of xfedd that only print are run. A command of others names
   units, packages, build options and files that exist.
3. Each block is one of that, or begins as an output does (OUTPUTS): a slip of the pen does not make it one.
4. The list of the control socket's errors is that of the code.
5. Each link leads to a file, and to a heading in it. Each document in doc/ is linked in README.md or doc/README.md, or its folder is.
Prints file:line: problem; exits with 1 when there is one.
"""
import os
import re
import stat
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from lab.pages import Code, Unreadable, commands, pages, sections

OURS = 'example.org'
# How blocks begin that nobody types.
OUTPUTS = re.compile(r'''
    \{"  |  (?:\S+Z\ )?(?:error|warn|info|debug)\ [a-z0-9]+\.  |  s2s\.stream\.  |  <\w  |  \w+\ +ann\b      # JSON, log, stanzas
  | base\ +err  |  local\ server\ +<--  |  10\ peers\ |  \ *conf\ ms  |  ann@\S+\ to\                        # pictures, measurements, what --explain prints
  | \[\ dns_names  |  ;\ |  _5269\.  |  _sip\w+\.  |  scrape_configs:  |  \#\ a\ comment                                   # other programs' files
  | (?:ok|warning|wrong)\ +(?:dns|sip|certificate|module|clock|node)\ |  \S+\ can(?:not)?\ be\ reached\  |  OPTIONS\ +\w+\    # what checks print
  | expect\ |  peer\ |  send\ |  STEP\ |  \|  |  feed\ |  [a-z-]+\ +(?:out|in)\ |  \S+\.xft                  # transcripts
''', re.X)
LANGUAGES = ('tests/scenario/README.md', 'tests/sip/README.md')   # documents about a language of their own: no shell and no configuration in their blocks
RUN = ('FIRST-FEDERATION-PROSODY.md', 'FIRST-FEDERATION-EJABBERD.md', 'ADDING-A-PARTNER.md')     # whose blocks documents.py runs word for word
# Programs of others, by what they come with on Debian.
OTHERS = {
    'apparmor_parser', 'apt', 'awk', 'cat', 'cd', 'certbot', 'chgrp', 'chmod', 'chown', 'cp', 'createdb', 'createuser', 'curl', 'df', 'dig', 'docker',
    'for', 'git', 'grep', 'install', 'journalctl', 'ldapsearch', 'ls', 'meson', 'mkdir', 'mtr', 'mv', 'nc', 'ninja', 'openssl', 'pg_dump', 'ps', 'psql',
    'pg_restore', 'rm', 'rsync', 'scp', 'sed', 'sha256sum', 'sort', 'sqlite3', 'ss', 'systemctl', 'systemd-sysusers', 'systemd-tmpfiles', 'tail', 'tar', 'touch',
    'uniq', 'systemd-socket-activate', 'FAKE_LOG=1', 'build/tests/matrix/run', 'kill', 'date', 'sleep', 'hostname', 'ip', 'nft', 'ssh', 'umask', 'test',
}
SYSTEMCTL = {'start', 'stop', 'restart', 'reload', 'status', 'enable', 'disable', 'edit', 'daemon-reload', 'reset-failed', 'is-active', 'mask', 'show'}
UNITS_OF_OTHERS = {'prosody', 'ejabberd', 'postgresql', 'unbound', 'systemd-timesyncd'}
MESON_OPTIONS = {'buildtype', 'b_sanitize', 'werror', 'b_lto', 'optimization', 'prefix'}
PRINTING = {'-t', '--dump', '--dns-records', '--csr-names', '--firewall', '--partner', '--explain', '--sample', '--version', '--help'}
HEX = '0123456789abcdef' * 4
TITLES = {'link': 'presence', 'served': OURS, 'node': 'xmpp9', 'peer': 'partner.example'}    # where a document leaves them out


class Programs:
    """What the built programs say about themselves."""
    def __init__(self, xfedd, xfedctl):
        self.xfedd, self.xfedctl = xfedd, xfedctl
        self.options = set(re.findall(r'(?<![\w-])--?[a-z][a-z-]*', self.output(xfedd, '--help')))
        self.verbs = dict(self._arity(line) for line in self.output(xfedctl, '--help').splitlines() if re.match(r'  [a-z]', line))
        self.ctl_options = set(re.findall(r'(?<![\w-])--?[a-z][a-z-]*', self.output(xfedctl, '--help')))
        self.sections, self.files = self._table(self.output(xfedd, '--sample'))

    @staticmethod
    def output(*argv):
        return subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout

    @staticmethod
    def _arity(line):
        """`  check      PEER [OURS]  try ...` -> ('check', (1, 2)); an option such as [--all] is no argument."""
        verb, rest = re.match(r'  ([a-z-]+) *((?:\[[^\]]+\] ?|[A-Z]+(?:\|[A-Za-z-]+)* |[a-z]+(?:\|[a-z]+)+ )*)', line).groups()
        words = [w for w in re.findall(r'\[[^\]]+\]|\S+', rest) if not w.startswith('[-')]
        return verb, (len([w for w in words if w[0] != '[']), len(words))

    @staticmethod
    def _table(sample):
        """Settings by section, '' for those outside; and those that name files."""
        table, files, section, is_file = {'': set()}, set(), '', False
        for line in sample.splitlines():
            opens = re.match(r'#?([a-z]+)(?: ".*")? \{', line)
            setting = re.match(r'(    )?#?([a-z][a-z0-9-]*) = ', line)
            if opens:
                section = opens[1]
                table[section] = set()
            elif line == '}':
                section = ''
            elif line.strip().startswith('# Takes the name of a file') or 'or the name of a file' in line:
                is_file = True
            elif setting and section != 'peer':
                table[section].add(setting[2])
                if is_file:
                    files.add((section, setting[2]))
                is_file = False
        table['peer'] = table['defaults']
        return table, files | {('peer', name) for section, name in files if section == 'defaults'}


class Configuration:
    """A folder in which a piece of configuration becomes a whole one."""
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.key = self.path('key.pem')
        subprocess.run(['openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', self.key], check=True)
        os.chmod(self.key, stat.S_IRUSR | stat.S_IWUSR)
        self.write('secret', 'a secret of the check\n')
        self.write('list', 'spam.example\n')
        self.write('map', '')
        os.makedirs(self.path('crl'))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), 'w', opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(text)

    @lru_cache(maxsize=None)
    def certificate(self, names):
        path = self.path(f'{names[0]}-{len(names)}.pem')
        alternatives = ','.join(f'DNS:{name}' for name in names)
        subprocess.run(['openssl', 'req', '-x509', '-key', self.key, '-days', '90', '-subj', '/CN=check', '-addext', f'subjectAltName={alternatives}',
                        '-out', path], check=True, stderr=subprocess.DEVNULL)
        return path

    def file_for(self, section, name, value, names):
        """A file of the kind that the setting wants, in place of the one that the document names."""
        kinds = {'key': self.key, 'blocklists': self.path('list'), 'crl-dir': self.path('crl'), 'cert-dir': self.folder}
        if name in kinds or (section, name) == ('mail', 'file'):
            return kinds.get(name, self.path('map'))
        if name.endswith('secret-file') or name.endswith('password-file'):
            return self.path('secret')
        if name in ('certificate', 'ca-file', 'pins'):
            return self.certificate(names)
        return self.path(os.path.basename(value))

    def value_for(self, section, name, value, names):
        if value.startswith('sha256:'):
            return f'sha256:{HEX}'
        if (section, name) == ('directory', 'uri'):
            return 'ldaps://127.0.0.1:9'
        if (section, name) == ('memory', 'uri'):
            return re.sub(r'sslrootcert=[^&]*', f'sslrootcert={self.certificate(names)}', value)
        if (section, name) == ('process', 'user'):
            return 'nobody'
        if name in ('control-readers', 'control-admins'):
            return 'adm'
        return self.file_for(section, name, value, names) if (section, name) in self.programs.files else value

    def whole(self, parts, ours=OURS):
        """The parts with what they leave out."""
        for part in parts:
            part.title = part.title or TITLES.get(part.name)
        served = [s for s in parts if s.name == 'served']
        present = {s.name for s in parts}
        names = tuple(dict.fromkeys([*(s.title for s in served), *(v for s in served for n, vs in s.settings if n == 'aliases' for v in vs)])) or (ours,)
        links = [s.title for s in parts if s.name == 'link'] or list(dict.fromkeys(v for s in served for n, vs in s.settings if n == 'link' for v in vs)) or ['presence']
        added = {'link': {'nodes': '{"127.0.0.1:5347"}', 'name': '"xfedd.example.org"', 'secret-file': '"secret"'},
                 'served': {'link': f'"{links[0]}"', 'certificate': f'"{self.certificate(names)}"', 'key': f'"{self.key}"'},
                 'node': {'host': '"xmpp.example.org"', 'addresses': '{"203.0.113.5"}'},
                 'journal': {'file': '"journal.db"'},
                 'directory': {'uri': '"ldaps://127.0.0.1:9"', 'base': '"dc=example,dc=org"', 'jid-domain': f'"{names[0]}"'}}
        text = ''
        for part in parts:
            given = {n: self._written(part.name, n, vs, names) for n, vs in part.settings if vs is not None}
            if part.name == 'served' and 'trust' in present and 'certificate' not in given:
                given = {**given, 'certificate': added['served']['certificate'], 'key': added['served']['key']}
            given = {**{n: v for n, v in added.get(part.name, {}).items() if n not in given}, **given}
            title = f' "{part.title}"' if part.title else ''
            inner = '\n'.join(f'{n} = {v}' for n, v in given.items())
            text += f'{inner}\n' if not part.name else f'{part.name}{title} {{\n{inner}\n}}\n'
        for name in links:
            if not any(s.name == 'link' and s.title == name for s in parts):
                text += f'link "{name}" {{ {" ".join(f"{n} = {v}" for n, v in added["link"].items())} }}\n'.replace('xfedd.', f'xfedd-{name}.')
        if not served:
            text += f'served "{ours}" {{ {" ".join(f"{n} = {v}" for n, v in added["served"].items())} }}\n'
        for name, rest in (('dialback', 'secret-file = "secret"'), ('trust', f'ca-file = "{self.certificate(names)}" crl-dir = "crl"'),
                           ('node "xmpp9"', 'host = "xmpp9.example.org" addresses = {"203.0.113.9"}'), ('mail', 'file = "map"')):
            if name.split()[0] not in present:
                text += f'{name} {{ {rest} }}\n'
        return text

    def _written(self, section, name, values, names):
        """A list keeps its braces only where there are several values, or none."""
        shown = [f'"{self.value_for(section, name, v, names)}"' for v in values]
        return shown[0] if len(shown) == 1 else f'{{{", ".join(shown)}}}'

    def file(self, parts, ours=OURS):
        self.write('xfed.conf', self.whole(parts, ours))
        return self.path('xfed.conf')

    def refusal(self, parts):
        """What -t says against it; '' nothing."""
        return self._refusal(self.whole(parts))

    @lru_cache(maxsize=None)
    def _refusal(self, text):
        self.write('xfed.conf', text)
        done = subprocess.run([self.programs.xfedd, '-c', self.path('xfed.conf'), '-t'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return '' if done.returncode == 0 else ' '.join(line for line in done.stdout.splitlines() if ': warning: ' not in line).replace(self.folder, '')


class Checker:
    def __init__(self, programs, configuration, root):
        self.programs, self.configuration, self.root = programs, configuration, Path(root)
        control = (self.root / 'debian/control').read_text()
        self.packages = set(re.findall(r'^Package: (\S+)', control, re.M))
        self.words_of_setup = set(re.findall(r'[\w.+-]+', (self.root / 'scripts/setup').read_text() + control))
        self.units = {p.name.removesuffix('.in') for p in (self.root / 'conf/systemd').iterdir()}
        self.meson = MESON_OPTIONS | set(re.findall(r"^option\('(\w+)'", (self.root / 'meson_options.txt').read_text(), re.M))
        self.counts = {'pieces of configuration': 0, 'commands': 0, 'links': 0}

    # ---- configuration

    def is_configuration(self, text):
        """Whether it begins as a section or setting of ours does."""
        match = re.match(r'(?:#[^\n]*\n|\s)*([a-z][a-z0-9-]*)(?: "[^"]*")?\s*([{=])', text)
        if not match:
            return False
        if match[2] == '{':
            return match[1] in self.programs.sections and match[1] != ''
        return any(match[1] in settings for settings in self.programs.sections.values())

    def configuration_problems(self, code):
        try:
            parts = sections(code.text)
        except (Unreadable, ValueError) as e:
            yield f'not a configuration: {e}'
            return
        self.counts['pieces of configuration'] += 1
        parts = [self._home_of(part) for part in parts]
        unknown = [f'{p.name or "outside of sections"}: no setting {n}' for p in parts for n, _ in p.settings if n not in self.programs.sections.get(p.name, ())]
        unknown += [f'no section {p.name}' for p in parts if p.name not in self.programs.sections]
        yield from unknown
        has_values = any(values is not None for p in parts for _, values in p.settings) or any(p.title for p in parts)
        named_only = [n for p in parts for n, values in p.settings if values is None]
        if not unknown and has_values and not named_only:
            refusal = self.configuration.refusal(parts)
            if refusal:
                yield f'xfedd -t refuses it: {refusal}'

    def _home_of(self, part):
        """Settings without a section belong to the one that has them all."""
        if part.name == '' and not all(n in self.programs.sections[''] for n, _ in part.settings):
            names = {n for n, _ in part.settings}
            homes = [s for s, settings in self.programs.sections.items() if names <= settings]
            part.name = 'peer' if 'peer' in homes else homes[0] if homes else part.name
            part.title = {'peer': 'partner.example', 'link': 'presence'}.get(part.name)
        return part

    # ---- commands

    def is_ours(self, program):
        return program in ('xfedd', 'xfedctl', 'systemctl', 'journalctl') or program.startswith('scripts/') or program.endswith('src/daemon/xfedd')

    def command_problems(self, text):
        try:
            for words in commands(text):
                self.counts['commands'] += 1
                yield from self._problems_of(words)
        except ValueError as e:
            yield f'not a command: {e}'

    def _problems_of(self, words):
        program, args = words[0], words[1:]
        checks = {'xfedd': self._xfedd, 'xfedctl': self._xfedctl, 'systemctl': self._systemctl, 'journalctl': self._journalctl, 'apt': self._apt,
                  'meson': self._meson, 'docker': self._docker}
        name = os.path.basename(program) if self.is_ours(program) else program
        if program.startswith('scripts/'):
            if not os.access(self.root / program, os.X_OK):
                yield f'{program} does not exist'
        elif name in checks:
            yield from checks[name](args)
        elif program not in OTHERS:
            yield f'{program}: a program that no document uses elsewhere (OTHERS in check-documents.py)'
        for word in words:
            where = re.match(r'(?:/usr|/usr/local)/share/xfedd(?:/(.+))?$', word)
            if where and not (self.root / 'conf' / (where[1] or '').replace('*', '')).exists():
                yield f'{word}: conf/{where[1]} does not exist'

    def _xfedd(self, args):
        args = [a for a in args if a != '...']
        unknown = [a for a in args if a.startswith('-') and a.split('=')[0] not in self.programs.options]
        if unknown:
            yield f'xfedd has no option {unknown[0]}'
        elif PRINTING & {a.split('=')[0] for a in args}:
            yield from self._printed(self._filled_in(args))

    def _filled_in(self, args):
        """With names in place of capitals, and our own file in place of theirs, in which the domain of theirs is served."""
        fill = {'FROM': f'alice@{OURS}', 'TO': 'bob@partner.example', 'PEER': 'partner.example', 'ZONE': OURS, 'DOMAIN': OURS, 'nftables|asa': 'asa'}
        args = [fill.get(a, a) for a in args if not a.startswith('[')]
        ours = OURS
        for mode in ('--explain', '--dns-records', '--csr-names'):
            behind = args[args.index(mode) + 1:] if mode in args else []
            if behind and not behind[0].startswith('-'):
                ours = behind[0].split('@')[-1]
        if '-c' in args:
            del args[args.index('-c'):args.index('-c') + 2]
        return ['-c', self.configuration.file([], ours), *args]

    def _printed(self, args):
        done = subprocess.run([self.programs.xfedd, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            yield f'xfedd {" ".join(args[2:])}: exit status {done.returncode}: {done.stderr.strip()}'

    def _xfedctl(self, args):
        options = [a for a in args if a.startswith('-')]
        if '-s' in args:
            del args[args.index('-s'):args.index('-s') + 2]
        words = [a for a in args if not a.startswith('-') and a not in ('...',)]
        unknown = [o for o in options if o not in self.programs.ctl_options]
        if unknown:
            yield f'xfedctl has no option {unknown[0]}'
        elif words and words[0] not in self.programs.verbs:
            yield f'xfedctl has no verb {words[0]}'
        elif words:
            # [PEER] as in the usage line itself
            given, (least, most) = [w for w in words[1:] if not w.startswith('[')], self.programs.verbs[words[0]]
            instead = set(options) & {'--self', '--inbound'}    # of the first argument
            if given and not least <= len(given) + len(instead) <= most:
                yield f'xfedctl {words[0]} takes {least} to {most} arguments, not {len(given)}'

    def _units(self, names):
        for name in names:
            unit = name if '.' in name else f'{name}.service'
            if unit not in self.units and name.removesuffix('.service') not in UNITS_OF_OTHERS:
                yield f'no unit {unit} in conf/systemd'

    def _systemctl(self, args):
        words = [a for a in args if not a.startswith('-')]
        if words and words[0] not in SYSTEMCTL:
            yield f'systemctl {words[0]}: no such verb'
        yield from self._units(words[1:])

    def _journalctl(self, args):
        yield from self._units(args[i + 1] for i, a in enumerate(args[:-1]) if a == '-u')

    def _apt(self, args):
        for word in (a for a in args[1:] if not a.startswith('-')):
            package = os.path.basename(word).split('_')[0]
            if package not in (self.packages if word.endswith('.deb') else self.words_of_setup):
                yield f'no package {package}'

    def _meson(self, args):
        for name in (re.match(r'-D(\w+)', a) for a in args):
            if name and name[1] not in self.meson:
                yield f'no option {name[1]} in meson_options.txt'

    def _docker(self, args):
        for path in (args[i + 1] for i, a in enumerate(args[:-1]) if a == '-f'):
            if not (self.root / path).exists():
                yield f'{path} does not exist'

    # ---- pages

    def problems_of(self, page):
        place = page.path.relative_to(self.root)
        for code in page.codes():
            if str(place) not in LANGUAGES and not (code.is_block and place.name in RUN):
                for kind, piece in self._pieces(code) if code.is_block else [(self._kind_of_words(code.text), code)]:
                    for problem in self._problems_of_code(kind, piece):
                        yield f'{place}:{piece.line}: {problem}'
        for line, target in page.links():
            self.counts['links'] += 1
            problem = self._problem_of_link(page, target)
            if problem:
                yield f'{place}:{line}: {problem}'

    def _pieces(self, code):
        """(kind, part) of a block; an output, or what `$ COMMAND` prints, goes on to the end of the block or the next `$`."""
        line, kind, piece = code.line, None, None
        for text in re.split(r'\n\n+|\n(?=\$ )', code.text):
            if text.startswith('$ '):
                of_text = 'prompt'
            elif kind in ('output', 'prompt'):
                of_text = 'output'
            elif piece and piece.text.count('{') > piece.text.count('}'):
                of_text = 'configuration'
            else:
                of_text = self._kind(text)
            if piece and of_text == kind != 'prompt':
                piece.text += '\n\n' + text
            else:
                if piece:
                    yield kind, piece
                kind, piece = of_text, Code(line, text.split('\n')[0] if of_text == 'prompt' else text, True)
            line += text.count('\n') + 2
        yield kind, piece

    def _kind(self, text):
        first = text.split()[0]
        if OUTPUTS.match(text):
            return 'output'
        if self.is_configuration(text):
            return 'configuration'
        return 'command' if first in OTHERS or first.startswith('#') or self.is_ours(first) else None

    def _kind_of_words(self, text):
        """Of what stands between back-quotes: only what cannot be anything else."""
        if self.is_configuration(text):
            return 'configuration'
        return 'command' if ' ' in text and self.is_ours(text.split()[0]) else None

    def _problems_of_code(self, kind, code):
        if kind == 'configuration':
            yield from self.configuration_problems(code)
        elif kind in ('command', 'prompt'):
            yield from self.command_problems(code.text)
        elif kind is None and code.is_block:
            yield f'neither a command nor a configuration, and not known as an output (OUTPUTS in check-documents.py): {code.text.splitlines()[0]}'

    def _problem_of_link(self, page, target):
        name, _, anchor = target.partition('#')
        path = (page.path.parent / name).resolve() if name else page.path
        if not path.exists():
            return f'{target}: there is no {name}'
        if anchor and path.suffix == '.md' and anchor not in self._anchors(path):
            return f'{target}: {path.name} has no such heading'
        return None

    def unlisted(self, everything):
        indexes = [page for page in everything if page.path.name == 'README.md' and page.path.parent in (self.root, self.root / 'doc')]
        linked = {(page.path.parent / target.partition('#')[0]).resolve() for page in indexes for _, target in page.links()}
        for path in (page.path for page in everything if page.path.is_relative_to(self.root / 'doc') and page not in indexes):
            if path.resolve() not in linked and path.parent.resolve() not in linked - {self.root / 'doc'}:
                yield f'{path.relative_to(self.root)}: no index links to it'

    def unknown_errors(self):
        """CONTROL.md has each error that the control socket may answer with."""
        sources = ''.join(path.read_text() for path in sorted((self.root / 'src/control').glob('*.c')))
        codes = set(re.findall(r'xf_client_fail\([^;"]*"([a-z-]+)"', sources)) | set(re.findall(r'\\"error\\":\\"([a-z-]+)', sources))
        listed = re.search(r'`error` is one of (.*?)\.', (self.root / 'doc/operators/CONTROL.md').read_text(), re.S)[1]
        for code in sorted(codes ^ set(re.findall(r'`([a-z-]+)`', listed))):
            yield f'doc/operators/CONTROL.md: the error {code} is in the code or in the list, and not in both'

    @lru_cache(maxsize=None)
    def _anchors(self, path):
        return next(p for p in pages(self.root) if p.path.resolve() == path).anchors()


def main():
    xfedd, xfedctl, root = map(os.path.abspath, sys.argv[1:4])
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(xfedd, xfedctl)
        checker = Checker(programs, Configuration(programs, folder), root)
        everything = pages(root)
        problems = [*(p for page in everything for p in checker.problems_of(page)), *checker.unlisted(everything), *checker.unknown_errors()]
    print(*problems, sep='\n', end='\n' if problems else '')
    print(', '.join(f'{n} {what}' for what, n in checker.counts.items()))
    return 1 if problems or not all(checker.counts.values()) else 0


if __name__ == '__main__':
    sys.exit(main())
