# SPDX-License-Identifier: MIT
"""dnsmasq with the records of the world. Names that it does not know under .example are NXDOMAIN."""
from . import net
from .proc import Proc, wait_port


class Dns:
    def __init__(self, folder):
        self.folder, self.lines = folder, []
        self.proc = None

    def host(self, name, ip):
        self.lines.append(f'host-record={name},{ip}')

    def domain(self, domain, ip, port=5269):
        """SRV for servers, and the address that it points to."""
        target = f'xmpp.{domain}'
        self.host(target, ip)
        self.lines.append(f'srv-host=_xmpp-server._tcp.{domain},{target},{port},0,5')

    def no_service(self, domain):
        """SRV with the target `.` (RFC 2782): the service is decidedly not available."""
        self.lines.append(f'srv-host=_xmpp-server._tcp.{domain}')

    def start(self):
        with open(f'{self.folder}/dnsmasq.conf', 'w') as f:
            f.write(f'port=53\nlisten-address={net.DNS}\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\nuser=\n'
                    'pid-file=\nlocal=/example/\nlocal-ttl=5\n' + '\n'.join(self.lines) + '\n')
        self.proc = Proc('dnsmasq', ['dnsmasq', '-k', '-C', f'{self.folder}/dnsmasq.conf'],
                         f'{self.folder}/log/dnsmasq.log').start()
        wait_port(net.DNS, 53, self.proc)
        return self

    def stop(self):
        if self.proc:
            self.proc.stop()
