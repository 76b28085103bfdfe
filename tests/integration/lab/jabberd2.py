# SPDX-License-Identifier: MIT
"""jabberd2 as a peer: its router and its S2S. The users are a component at the router (lab/component.py).

It knows neither SASL EXTERNAL between servers nor whose certificate it sees; so there is dialback, with TLS or in clear.
"""
from .proc import Proc, wait_port
from .servers import COMPONENT_PORT, SERVER_PORT, Server

SECRET = 'the secret of the components'     # and of its own parts
ROUTER_USER = '<users><user><name>jabberd</name><secret>{secret}</secret></user></users>\n'

ROUTER_XML = '''<router>
  <id>router</id>
  <log type='file'><file>{log}</file></log>
  <local><ip>{ip}</ip><port>{component_port}</port><users>{users}</users><secret>{secret}</secret></local>
  <check><interval>60</interval><keepalive>0</keepalive></check>
  <io><max_fds>1024</max_fds><limits><bytes>0</bytes><connects>0</connects></limits><access><order>allow,deny</order></access></io>
  <aliases/>
  <aci><acl type='all'><user>jabberd</user></acl></aci>
</router>
'''

S2S_XML = '''<s2s>
  <id>s2s</id>
  <router><ip>{ip}</ip><port>{component_port}</port><user>jabberd</user><pass>{secret}</pass>
    <retry><init>20</init><lost>3</lost><sleep>1</sleep></retry></router>
  <log type='file'><file>{log}</file></log>
  <local><ip>{ip}</ip><port>{port}</port><origin><ip>{ip}</ip></origin><secret>dialback of the lab</secret>{tls}</local>
  <io><max_fds>1024</max_fds><limits><stanzasize>65535</stanzasize></limits></io>
  <check><interval>60</interval><queue>60</queue><retry>300</retry><idle>86400</idle><keepalive>0</keepalive>
    <dnscache>300</dnscache></check>
  <lookup><srv>xmpp-server</srv><min-ttl>30</min-ttl><max-ttl>86400</max-ttl></lookup>
  <security><require_tls>{require_tls}</require_tls></security>
</s2s>
'''


class Jabberd2(Server):
    kind = 'jabberd2'
    user = 'jabber'

    def _part(self, name, template, port, **more):
        """Write its configuration, start it, wait for its port."""
        path, log = f'{self.data}/{name}.xml', f'{self.data}/{name}.log'
        with open(path, 'w') as f:
            f.write(template.format(ip=self.ip, port=SERVER_PORT, component_port=COMPONENT_PORT, secret=SECRET, log=log, **more))
        proc = Proc(f'{self.role} {name}', [f'jabberd2-{name}', '-c', path], f'{self.log[:-4]}-{name}.out', user=self.user).start()
        wait_port(self.ip, port, proc, self.start_seconds)
        self.runner.append(proc)

    def start(self):
        self.runner = []
        users = f'{self.data}/router-users.xml'
        with open(users, 'w') as f:
            f.write(ROUTER_USER.format(secret=SECRET))
        secure = self.mode != 'dialback-clear'
        tls = f'<pemfile>{self.pem()}</pemfile><cachain>{self.ca_file}</cachain>' if secure else ''
        self._part('router', ROUTER_XML, COMPONENT_PORT, users=users)
        self._part('s2s', S2S_XML, SERVER_PORT, tls=tls, require_tls=int(secure))
        return self

    def stop(self):
        for proc in reversed(self.runner or []):
            proc.stop()
