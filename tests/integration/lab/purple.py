# SPDX-License-Identifier: MIT
"""A SIP user whose client others wrote: Pidgin's libpurple, in a process of its own (purple_client.py)."""
import json
import os
import queue
import subprocess
import sys
import threading
import time

from .proc import Failed, tail

PROCESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'purple_client.py')


class Purple:
    """A user at a Kamailio, by UDP."""
    def __init__(self, lab, kamailio, name):
        self.name, self.domain, self.ip = name, kamailio.domain, kamailio.ip
        self.folder, self.log = lab.folder(f'purple-{name}'), f'{lab.scratch}/log/purple-{name}.log'
        self.said, self.kept, self.popen = queue.Queue(), [], None

    def start(self):
        with open(self.log, 'ab') as log:
            self.popen = subprocess.Popen([sys.executable, '-B', PROCESS, self.folder, f'{self.name}@{self.domain}', self.ip],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        threading.Thread(target=self._listen, daemon=True).start()
        if not self.wait('online', 20):
            raise Failed(f'{self.name} could not register:\n{tail(self.log)}')
        return self

    def _listen(self):
        for line in self.popen.stdout:
            self.said.put(json.loads(line))

    def stop(self):
        if self.popen:
            self.popen.stdin.close()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def _tell(self, *command):
        self.popen.stdin.write(json.dumps(command) + '\n')
        self.popen.stdin.flush()

    def write(self, jid, text):
        self._tell('write', jid, text)

    def add(self, jid):
        """To the contacts: it is watched, within ten seconds."""
        self._tell('add', jid)

    def status(self, name):
        self._tell('status', name)

    def wait(self, kind, timeout=15, want=lambda *_: True):
        """The first thing of this kind that happened and is wanted, without its kind; None after the time."""
        end = time.monotonic() + timeout
        while True:
            found = next((row for row in self.kept if row[0] == kind and want(*row[1:])), None)
            if found:
                self.kept.remove(found)
                return found[1:] or True
            try:
                self.kept.append(self.said.get(timeout=max(0.01, end - time.monotonic())))
            except queue.Empty:
                return None
