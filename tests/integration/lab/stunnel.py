# SPDX-License-Identifier: MIT
"""stunnel: TLS in front of a server's port that has none, with conf/examples/stunnel-link.ini and addresses and files of the laboratory."""
import re

from .proc import Failed, Proc, wait_port
from .servers import CONF


class Stunnel:
    """`accept` and `connect` are address:port; `certificate` is (certificate file, key file)."""
    def __init__(self, lab, name, accept, connect, certificate):
        self.accept, self.proc = accept, None
        self.conf, self.log = f'{lab.scratch}/stunnel-{name}.conf', f'{lab.scratch}/log/stunnel-{name}.log'
        with open(self.conf, 'w') as f:
            f.write('foreground = yes\npid =\n' + self._adapted(accept=accept, connect=connect, cert=certificate[0], key=certificate[1]))

    @staticmethod
    def _adapted(**values):
        with open(f'{CONF}/examples/stunnel-link.ini') as f:
            text = f.read()
        for key, value in values.items():
            text, count = re.subn(rf'(?m)^({key} *= ).*$', lambda m: m[1] + value, text)
            if count != 1:
                raise Failed(f'conf/examples/stunnel-link.ini has {count} lines with {key}')
        return text

    def start(self):
        self.proc = Proc('stunnel', ['stunnel4', self.conf], self.log).start()
        ip, port = self.accept.rsplit(':', 1)
        wait_port(ip, int(port), self.proc)
        return self

    def stop(self):
        if self.proc:
            self.proc.stop()

    def restart(self):
        self.stop()
        self.start()
