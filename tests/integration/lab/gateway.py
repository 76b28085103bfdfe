# SPDX-License-Identifier: MIT
"""xfedd under test: its configuration, its process, and what its log says."""
import os
import re
import shlex
import signal
import subprocess

from . import net
from .proc import Failed, Proc, until, wait_port

DEFAULTS = {
    'external': 'tls = required  certificate = required  dialback = no',
    'dialback-tls': 'tls = required  certificate = preferred  dialback = yes',
    'dialback-clear': 'tls = none  certificate = ignore  sasl-in = no  sasl-out = no  dialback = yes',
}

CONF = '''
federation = on
listen {{
    s2s        = {{ "{ip}:5269" }}
    s2s-direct = {{ "{ip}:5270" }}
    control    = "{folder}/control.sock"  {control}
    http       = "{http}"
}}
dns      {{ servers = {{ "{dns}:53" }} }}
dialback {{ secret-file = "dialback.secret" }}
trust    {{ ca-file = "{ca}" {trust} }}
link "cluster" {{
    {link}
    nodes       = {{ "{node}" }}
    name        = "{name}"
    secret-file = "link.secret"
}}
served "{domain}" {{
    link        = cluster
    certificate = "{certificate}"
    key         = "{key}"
    aliases     = {{ {aliases} }}
}}
policy   {{ default = allow {policy} }}
defaults {{ {defaults} }}
{extra}
'''

LINE = re.compile(r'^(?:<\d>)?(?:(?P<time>\d{4}-\S+) )?(?P<level>error|warn|info|debug) (?P<event>[a-z0-9.-]+)(?P<rest>.*)$')
PAIR = re.compile(r'([a-z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


class Event(dict):
    """A log line: its keys, with `event`, `level` and `line` beside them."""
    def __init__(self, match):
        super().__init__((k, quoted if quoted or not bare else bare) for k, quoted, bare in PAIR.findall(match['rest']))
        self.event, self.level, self.line = match['event'], match['level'], match[0]


def without_sandbox(extra):
    """For valgrind and the like, whose own system calls it would refuse."""
    return extra.replace('process {', 'process { sandbox = no ') if 'process {' in extra else extra + '\nprocess { sandbox = no }\n'


def passing(fds):
    """What runs a command as systemd does with a socket unit: from descriptor 3 on, and the number of the very process."""
    if not fds:
        return []
    places = ' '.join(f'{3 + i}<&{fd}' for i, fd in enumerate(fds))
    return ['bash', '-c', f'exec {places}; LISTEN_FDS={len(fds)} LISTEN_PID=$$ exec "$@"', 'bash']


class Gateway:
    """`mode` None: `defaults` says all. A world with several of them gives each a label and an address.
    `node` is one address:port or a list of them; `link` has the settings of the link that are not the same for all."""
    def __init__(self, lab, domain, mode, certificate, ca_file, component, node, extra='', defaults='', ip=net.GATEWAY,
                 label=None, trust='', sockets=(), link='driver = component', aliases=None, control='', http=''):
        self.sockets = sockets          # that listen, to be passed on as by systemd
        self.lab, self.component, self.node, self.ip, self.domain = lab, component, node, ip, domain
        self.folder = lab.folder(label or 'gateway')
        self.log = f'{lab.scratch}/log/{label or "xfedd"}.log'
        self.conf = f'{self.folder}/xfed.conf'
        lab.give(self.folder, 0o755)
        cert, key = certificate or ('', '')
        key = key and lab.private(key, self.folder)
        self._write('link.secret', component[1])
        self._write('dialback.secret', 'the dialback secret of the laboratory, no less than thirty-two bytes')
        self._values = dict(ip=ip, folder=self.folder, dns=net.DNS, ca=ca_file, trust=trust, control=control, node=self._listed(node), name=component[0],
                            aliases=f'"conference.{domain}"' if aliases is None else aliases, domain=domain, http=http,
                            link=link if 'max-stanza' in link else f'{link}  max-stanza = 512k', certificate=cert,
                            key=key, defaults=DEFAULTS.get(mode, '') + '  ' + defaults)
        self.configure(extra)
        self.proc = None

    @staticmethod
    def _listed(node):
        return node if isinstance(node, str) else '", "'.join(node)

    def configure(self, extra, blocklist=None, node=None, control=None):
        """Write the file with these sections behind the others, and from now on these nodes and this behind the control socket."""
        if node:
            self._values['node'] = self._listed(node)
        if control:
            self._values['control'] = control
        policy = f'blocklists = {{ "{blocklist}" }}' if blocklist else ''
        self._write('xfed.conf', CONF.format(extra=without_sandbox(extra) if self.lab.wrapper else extra, policy=policy, **self._values))

    def reload(self, seconds=10):
        """SIGHUP. -> what became of it: done, refused; None when neither came in time"""
        def outcomes():
            return [e.event.split('.')[-1] for e in self.events('config.reload') if e.event.endswith(('.done', '.refused'))]
        seen = len(outcomes())
        os.kill(self.proc.pid, signal.SIGHUP)
        return outcomes()[seen] if self.wait_until(lambda: len(outcomes()) > seen, seconds) else None

    def _write(self, name, text):
        path = f'{self.folder}/{name}'
        with open(path, 'w') as f:
            f.write(text + '\n')
        self.lab.give(path, 0o600)

    def start(self, linked=True):
        """Until S2S is open and, if asked, the link is up."""
        seen = len(self.events('link.stream.up'))
        argv = shlex.split(self.lab.wrapper) + [self.lab.xfedd, '-c', self.conf]
        fds = [s.fileno() for s in self.sockets]
        self.proc = Proc('xfedd', passing(fds) + argv, self.log, user=self.lab.user, env={'ASAN_OPTIONS': 'abort_on_error=0'},
                         fds=fds).start()
        patience = 60 if self.lab.wrapper else 15
        wait_port(self.ip, 5269, self.proc, patience)
        if linked and not self.wait_until(lambda: len(self.events('link.stream.up')) > seen, patience):
            raise Failed(f'the link of xfedd does not come up:\n{self.proc.tail()}')
        return self

    def check(self):
        """xfedd -t. -> (exit status, what it says)"""
        done = subprocess.run([self.lab.xfedd, '-t', '-c', self.conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout.strip()

    def wait_until(self, true, seconds):
        return until(true, seconds)

    def stop(self):
        """-> the exit status."""
        if not self.proc:
            return None
        proc, self.proc = self.proc, None
        return proc.stop(timeout=60 if self.lab.wrapper else 15)

    # ---- the log

    def events(self, prefix='', **want):
        """Log lines whose event name begins so (a dot ends a word) and whose keys have these values."""
        found = []
        try:
            with open(self.log, errors='replace') as f:
                for line in f:
                    m = LINE.match(line.rstrip('\n'))
                    if m and (m['event'] + '.').startswith(prefix + ('.' if prefix and prefix[-1] != '.' else '')):
                        e = Event(m)
                        if all(e.get(k) == v for k, v in want.items()):
                            found.append(e)
        except OSError:
            pass
        return found

    def wait_event(self, event, seconds=20, **want):
        self.wait_until(lambda: self.events(event, **want), seconds)
        return self.events(event, **want)

    def streams(self):
        return self.events('s2s.stream.up')
