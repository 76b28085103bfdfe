# SPDX-License-Identifier: MIT
"""A PostgreSQL server of our own in the scratch folder, run as the user postgres, with TLS and a password."""
import glob
import os
import shutil
import signal

from .proc import Failed, Proc, run, wait_port

USER, PASSWORD = 'xfedd', 'the password of the database'


def programs():
    """-> the folder of initdb and postgres; None: the machine has none."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'))
    return os.path.dirname(found[-1]) if found else None


class Postgres:
    def __init__(self, lab, ip, certificate, port=5432):
        self.lab, self.ip, self.port = lab, ip, port
        self.folder = lab.folder('postgres')
        self.data = f'{self.folder}/data'
        self.proc = None
        password = f'{self.folder}/password'
        with open(password, 'w') as f:
            f.write(PASSWORD + '\n')
        run(f'{programs()}/initdb', '-D', self.data, '-U', USER, '-A', 'scram-sha-256', f'--pwfile={password}', '--no-sync',
            user='postgres', group='postgres', extra_groups=[], cwd=self.folder)
        for name, file in zip(('server.crt', 'server.key'), certificate):
            path = shutil.copy(file, f'{self.data}/{name}')
            shutil.chown(path, 'postgres', 'postgres')
            os.chmod(path, 0o600)

    def start(self):
        self.proc = Proc('postgres', [f'{programs()}/postgres', '-D', self.data, '-k', self.folder, '-h', self.ip, '-p', str(self.port),
                                      '-c', 'ssl=on', '-c', 'fsync=off'], f'{self.lab.scratch}/log/postgres.log', user='postgres').start()
        wait_port(self.ip, self.port, self.proc)
        return self

    def stop(self):
        """At once, whoever is connected."""
        if self.proc:
            self.freeze(False)
            self.proc.stop(signal.SIGINT)
            self.proc = None

    def freeze(self, is_frozen):
        """Stop all its processes where they are, or let them go on."""
        number = signal.SIGSTOP if is_frozen else signal.SIGCONT
        with open(f'/proc/{self.proc.pid}/task/{self.proc.pid}/children') as f:
            pids = [self.proc.pid] + [int(pid) for pid in f.read().split()]
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def ask(self, sql):
        """-> the rows, as lists of texts."""
        text = run('psql', '-X', '-A', '-t', '-h', self.ip, '-p', str(self.port), '-U', USER, 'postgres', '-c', sql,
                   env={'PGPASSWORD': PASSWORD, 'PGCONNECT_TIMEOUT': '5'})
        return [line.split('|') for line in text.splitlines()]

    def answers(self):
        try:
            return self.ask('SELECT 1') == [['1']]
        except Failed:
            return False
