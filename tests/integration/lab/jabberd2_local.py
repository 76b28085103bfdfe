# SPDX-License-Identifier: MIT
"""jabberd2 as the local server: router, session manager and c2s with SQLite, from the files that Debian's package ships.

Of these only addresses, names, secrets and paths are changed, and what conf/jabberd2/jabberd2-gateway.xml says. There is no S2S.
"""
import gzip
import os
import re
import sqlite3

from .proc import Proc, wait_port
from .servers import CLIENT_PORT, COMPONENT_PORT, PASSWORD, USERS, Server

PACKAGED = '/etc/jabberd2'
SCHEMA = '/usr/share/doc/jabberd2/db-setup.sqlite.gz'
ROUTER_USERS = '<users>{}</users>\n'
ROUTER_USER = '<user><name>{}</name><secret>{}</secret></user>'
ACL = "<acl type='bind'><user>{0}</user></acl><acl type='default-route'><user>{0}</user></acl>\n  </aci>"
OURS = 'secret'         # of jabberd2's own parts, as the package has it


class Jabberd2Local(Server):
    """`component` = (user, secret) of xfedd at the router. `is_secure`: the router offers STARTTLS."""
    kind = 'jabberd2'
    user = 'jabber'
    is_secure = False

    def start(self):
        self.database = f'{self.data}/sqlite.db'
        self._accounts()
        self.parts = {name: self._part(name) for name in ('router', 'sm', 'c2s')}
        for name in self.parts:
            self.start_part(name)
        return self

    def start_part(self, name):
        self.parts[name].start()
        port = {'router': COMPONENT_PORT, 'c2s': CLIENT_PORT}.get(name)
        if port:
            wait_port(self.ip, port, self.parts[name], self.start_seconds)

    def stop(self):
        for proc in reversed(list((getattr(self, 'parts', None) or {}).values())):
            proc.stop()

    def _accounts(self):
        if os.path.exists(self.database):
            return
        with gzip.open(SCHEMA, 'rt') as f, sqlite3.connect(self.database) as db:
            db.executescript(f.read())
            db.executemany('INSERT INTO authreg VALUES (?, ?, ?)', [(u, self.domain, PASSWORD) for u in USERS])
        for name in os.listdir(self.data):
            os.chmod(f'{self.data}/{name}', 0o666)

    def _part(self, name):
        with open(f'{PACKAGED}/{name}.xml') as f:
            text = re.sub(r'<!--.*?-->', '', f.read(), flags=re.S)
        for what, by in self._changes(name):
            text, count = re.subn(what, lambda m, by=by: by, text, flags=re.S)
            assert count == 1, f'{PACKAGED}/{name}.xml: {what} is there {count} times'
        path = f'{self.data}/{name}.xml'
        with open(path, 'w') as f:
            f.write(text)
        return Proc(f'{self.role} {name}', [f'jabberd2-{name}', '-c', path], f'{self.log[:-4]}-{name}.out', user=self.user)

    def _changes(self, name):
        """(what is replaced, by what), each exactly once"""
        yield '<pidfile>[^<]*</pidfile>', ''
        yield '<file>[^<]*</file>', f'<file>{self.log[:-4]}-{name}.log</file>'
        if name == 'router':
            yield from self._router_changes()
            return
        yield '<router>\\s*<ip>[^<]*</ip>', f'<router><ip>{self.ip}</ip>'
        yield '<dbname>[^<]*sqlite.db</dbname>', f'<dbname>{self.database}</dbname>'
        if name == 'sm':
            yield '<id>localhost.localdomain</id>', f'<id>{self.domain}</id>'
            yield '<user>(?=\\s*<)', '<user><auto-create/>'
        else:
            yield '<id[^>]*>localhost.localdomain</id>', f'<id>{self.domain}</id>'
            yield '<ip>0.0.0.0</ip>', f'<ip>{self.ip}</ip>'
            yield '<port>5222</port>', f'<port>0</port><ssl-port>{CLIENT_PORT}</ssl-port><pemfile>{self.pem()}</pemfile>'

    def _router_changes(self):
        users = f'{self.data}/router-users.xml'
        with open(users, 'w') as f:
            f.write(ROUTER_USERS.format(ROUTER_USER.format('jabberd', OURS) + ROUTER_USER.format(*self.component)))
        tls = f'<pemfile>{self.pem()}</pemfile>' if self.is_secure else ''
        yield '<ip>0.0.0.0</ip>', f'<ip>{self.ip}</ip>{tls}'
        yield '<users>[^<]*</users>', f'<users>{users}</users>'
        yield '<interval>60</interval>', '<interval>10</interval>'
        yield '<keepalive>0</keepalive>', '<keepalive>30</keepalive>'
        yield '</aci>', ACL.format(self.component[0])
