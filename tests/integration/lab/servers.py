# SPDX-License-Identifier: MIT
"""Prosody and ejabberd, as the local cluster behind the gateway or as a peer of the federation.

A server writes its configuration into the scratch folder and is started there as a process, or in its container, where the
same folder is mounted under the same path. Clients use direct TLS on 5223 in every mode: whether S2S has STARTTLS must not
change how people log in.

    mode            certificate      TLS        offered
    external        trusted          required   EXTERNAL only
    dialback-tls    unknown issuer   required   dialback
    dialback-clear  unused           none       dialback
"""
import os
import re
import shutil

from .engine import Container
from .proc import Proc, wait_port

MODES = ('external', 'dialback-tls', 'dialback-clear')
CLIENT_PORT, SERVER_PORT, COMPONENT_PORT = 5223, 5269, 5347
STARTTLS_PORT = 5222    # of clients, at a server as its package configures it
SERVICE_PORT = 5348     # of further components: ejabberd gives each connection all names of its listener
USERS, PASSWORD = ('alice', 'bob'), 'a password of the laboratory'      # the accounts of every server
CONF = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../../conf'))


class Server:
    """`role` is "local" or "peer", or a name where there are more; with `component` = (name, secret) the server has no S2S and hands
    all to the gateway, or to several whose names are divided by spaces. `modules`: further ones of Prosody; with the anchor of
    signed DNS it uses DANE for the streams that it opens."""
    kind = None
    user = None
    start_seconds = 30

    def __init__(self, lab, role, domain, ip, mode, certificate, ca_file, component=None, modules=(),
                 trust_anchor=None):
        self.lab, self.role, self.domain, self.ip, self.mode = lab, role, domain, ip, mode
        self.modules, self.trust_anchor = modules, trust_anchor
        self.certificate, self.key = certificate
        self.ca_file, self.component = ca_file, component
        self.rooms = f'conference.{domain}'
        self.log_level = 'debug'
        self.users = USERS
        self.starttls_port = None       # Prosody: for clients that know nothing else
        self.services = {}      # further components, name -> secret; ejabberd takes only one
        self.data = lab.folder(f'data-{role}')
        self.log = f'{lab.scratch}/log/{role}-{self.kind}.log'
        self.runner = None

    def start(self):
        if self.runner is None:
            argv, env = self.command()
            if self.lab.engine:
                self.runner = Container(self.lab.engine, f'{self.role}-{self.kind}')
            else:
                self.runner = Proc(f'{self.role} {self.kind}', argv, self.log[:-4] + '.out', user=self.user, env=env)
        self.runner.start()
        wait_port(self.ip, CLIENT_PORT, self.runner, self.start_seconds)
        wait_port(self.ip, COMPONENT_PORT if self.component else SERVER_PORT, self.runner, self.start_seconds)
        return self

    def pem(self):
        """Certificate and key in one file."""
        pem = f'{self.data}/{self.role}.pem'
        with open(pem, 'w') as out:
            for part in (self.certificate, self.key):
                with open(part) as f:
                    out.write(f.read())
        os.chmod(pem, 0o644)
        return pem

    def stop(self):
        if self.runner:
            self.runner.stop()

    def restart(self):
        self.stop()
        self.start()


class Prosody(Server):
    kind = 'prosody'
    user = 'prosody'

    def command(self):
        modules = ['roster', 'saslauth', 'disco', 'ping', 'version', 'vcard', *(['tls'] if self.starttls_port else []), *self.modules]
        disabled, component = [], ''
        if self.component:
            # S2S off altogether: what reaches a peer has gone through the gateway
            modules.append('route_gateway')
            disabled += ['s2s', 's2s_auth_certs']
            shutil.copy(f'{CONF}/prosody/mod_route_gateway.lua', self.lab.folder('modules'))
            names = self.component[0].split()
            component = ''.join(GATEWAY_LUA.format(name=name, secret=self.component[1]) for name in names)
            component += ''.join(SERVICE_LUA.format(name=name, secret=secret) for name, secret in self.services.items())
        else:
            modules += ['dialback'] if self.mode != 'external' else []
            modules += ['tls'] if self.mode != 'dialback-clear' else []
        self._accounts()
        path = f'{self.lab.scratch}/{self.role}.cfg.lua'
        with open(path, 'w') as f:
            f.write(PROSODY_LUA.format(
                scratch=self.lab.scratch, data=self.data, ip=self.ip, log=self.log, level=self.log_level, domain=self.domain, rooms=self.rooms,
                modules=lua_list(modules), disabled=lua_list(disabled), crt=self.certificate, key=self.key, ca=self.ca_file,
                secure=str(self.mode == 'external').lower(), tls=str(self.mode != 'dialback-clear').lower(),
                starttls_port=self.starttls_port or '',
                component_ports='' if not self.component else f'{COMPONENT_PORT}, {SERVICE_PORT}',
                gateway='' if not self.component else f'route_gateway_component = {{ {lua_list(names)} }}',
                dane='' if not self.trust_anchor else f'trusted = [[{self.trust_anchor}]];',
                use_dane=str(bool(self.trust_anchor)).lower()) + component)
        return ['prosody', '-F', '--config', path], {}


    def _accounts(self):
        folder = f'{self.data}/{encoded(self.domain)}'
        os.makedirs(f'{folder}/accounts', exist_ok=True)
        for user in self.users:
            with open(f'{folder}/accounts/{encoded(user)}.dat', 'w') as f:
                f.write(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        for path in (folder, f'{folder}/accounts'):
            os.chmod(path, 0o777)


def encoded(name):
    """As Prosody names its files."""
    return re.sub('[^A-Za-z0-9]', lambda c: ''.join(f'%{b:02x}' for b in c[0].encode()), name)


def lua_list(words):
    return ', '.join(f'"{w}"' for w in words)


PROSODY_LUA = '''
daemonize = false
pidfile = "{data}/prosody.pid"
data_path = "{data}"
plugin_paths = {{ "{scratch}/modules" }}
modules_enabled = {{ {modules} }}
modules_disabled = {{ {disabled} }}
interfaces = {{ "{ip}" }}
c2s_ports = {{ {starttls_port} }}
c2s_direct_tls_ports = {{ 5223 }}
s2s_ports = {{ 5269 }}
s2s_direct_tls_ports = {{ }}
component_ports = {{ {component_ports} }}
component_interfaces = {{ "{ip}" }}
s2s_secure_auth = {secure}
s2s_require_encryption = {tls}
unbound = {{ resolvconf = true; options = {{ ["do-not-query-localhost:"] = "no" }}; {dane} }}
use_dane = {use_dane}
network_settings = {{ nagle = false }}
certificates = "{scratch}/pki"
ssl = {{ certificate = "{crt}"; key = "{key}"; cafile = "{ca}" }}
c2s_direct_tls_ssl = {{ certificate = "{crt}"; key = "{key}" }}
log = {{ {{ levels = {{ min = "{level}" }}; to = "file"; filename = "{log}" }} }}
statistics = "none"
{gateway}
VirtualHost "{domain}"
Component "{rooms}" "muc"
'''

GATEWAY_LUA = '''
Component "{name}"
    component_secret = "{secret}"
    validate_from_addresses = false
    component_conflict_resolve = "kick_old"
'''

SERVICE_LUA = '''
Component "{name}"
    component_secret = "{secret}"
'''


class Ejabberd(Server):
    kind = 'ejabberd'
    user = 'ejabberd'
    start_seconds = 60

    def command(self):
        os.makedirs(f'{self.data}/mnesia', exist_ok=True)
        os.chmod(f'{self.data}/mnesia', 0o777)
        modules, listen = '', LISTEN_S2S.format(ip=self.ip)
        access = 'all'
        if self.component:
            access = 'none'
            listen = ''.join(LISTEN_COMPONENT.format(ip=self.ip, port=COMPONENT_PORT + 10 * at, name=name, secret=self.component[1])
                             for at, name in enumerate(self.component[0].split()))
            listen += ''.join(LISTEN_COMPONENT.format(ip=self.ip, port=SERVICE_PORT, name=name, secret=secret)
                              for name, secret in self.services.items())
            modules = f'  mod_route_gateway:\n    component: [{", ".join(self.component[0].split())}]\n'
            self.lab.compile_erlang(f'{CONF}/ejabberd/mod_route_gateway.erl')
        elif self.mode != 'external':
            modules = '  mod_s2s_dialback: {}\n'
        yml = f'{self.lab.scratch}/{self.role}.yml'
        with open(yml, 'w') as f:
            f.write(EJABBERD_YML.format(level=self.log_level, domain=self.domain, rooms=self.rooms, ip=self.ip, pem=self.pem(), ca=self.ca_file,
                                        tls='false' if self.mode == 'dialback-clear' else 'required', access=access,
                                        listen=listen, modules=modules))
        script = f'{self.lab.scratch}/{self.role}.ejabberd'
        env = {'HOME': self.data, 'EJABBERD_CONFIG_PATH': yml, 'EJABBERD_LOG_PATH': self.log,
               'ERL_CRASH_DUMP_BYTES': '0', 'LANG': 'C.UTF-8'}
        with open(script, 'w') as f:      # started without distribution: no epmd, no node name
            f.write('#!/bin/sh\n' + ''.join(f"export {k}='{v}'\n" for k, v in env.items()) + EJABBERD_SH.format(
                modules=f'{self.lab.scratch}/modules', data=self.data, accounts=', '.join(
                    f'ejabberd_auth:try_register(<<"{u}">>, <<"{self.domain}"/utf8>>, <<"{PASSWORD}">>)' for u in USERS) + '.'))
        os.chmod(script, 0o755)
        return [script], {}


EJABBERD_SH = '''
export ERL_LIBS=$(echo /usr/lib/*/ejabberd-[0-9]* | cut -d' ' -f1 | xargs dirname)
exec erl +K true -noinput -pa '{modules}' -mnesia dir '"{data}/mnesia"' -s ejabberd -eval '{accounts}'
'''

EJABBERD_YML = '''
loglevel: {level}
hosts: ["{domain}"]
certfiles: ["{pem}"]
ca_file: "{ca}"
s2s_cafile: "{ca}"
s2s_use_starttls: {tls}
s2s_access: {access}
s2s_max_retry_delay: 1
outgoing_s2s_families: [ipv4]
listen:
  -
    port: 5223
    ip: "{ip}"
    module: ejabberd_c2s
    tls: true
    max_stanza_size: 262144
{listen}
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
  mod_muc:
    host: "{rooms}"
    access_create: all
{modules}
'''

LISTEN_S2S = '''  -
    port: 5269
    ip: "{ip}"
    module: ejabberd_s2s_in
'''

LISTEN_COMPONENT = '''  -
    port: {port}
    ip: "{ip}"
    module: ejabberd_service
    check_from: false
    hosts:
      {name}:
        password: "{secret}"
'''

KINDS = {'prosody': Prosody, 'ejabberd': Ejabberd}
