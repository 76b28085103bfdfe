# SPDX-License-Identifier: MIT
"""An authority that issues what the certificate table needs: any names, dates and key usage, intermediates, revocation lists.

`openssl ca` with a database of its own, since `openssl x509` of OpenSSL 3.0 can set no dates.
"""
import os
import time

from .proc import run

CONF = '''[ca]
default_ca = this
[this]
database = {f}/index
new_certs_dir = {f}/issued
certificate = {pem}
private_key = {key}
serial = {f}/serial
crlnumber = {f}/crlnumber
default_md = sha256
default_days = 30
default_crl_days = 30
unique_subject = no
policy = any
[any]
commonName = supplied
'''
KEYS = {'ec': ('ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'), 'rsa1024': ('rsa:1024',)}
SRV_NAME, XMPP_ADDR = '1.3.6.1.5.5.7.8.7', '1.3.6.1.5.5.7.8.5'
BOTH, SERVER, CLIENT = 'serverAuth,clientAuth', 'serverAuth', 'clientAuth'
DAY = 86400


def dns(*names):
    return [f'DNS:{n}' for n in names]


def srv(*names):
    return [f'otherName:{SRV_NAME};IA5STRING:_xmpp-server.{n}' for n in names]


def xmpp(*names):
    return [f'otherName:{XMPP_ADDR};UTF8:{n}' for n in names]


def stamp(days):
    return time.strftime('%Y%m%d%H%M%SZ', time.gmtime(time.time() + days * DAY))


def leaf_extensions(names, usage):
    lines = ['basicConstraints=critical,CA:FALSE', 'keyUsage=digitalSignature']
    if usage:
        lines.append(f'extendedKeyUsage={usage}')
    return lines + ['subjectAltName=' + ','.join(names)]


class Authority:
    """A root, or an intermediate below `parent`."""
    def __init__(self, folder, name, parent=None):
        self.name, self.folder = name, f'{folder}/{name}'
        os.makedirs(f'{self.folder}/issued')
        self.pem, self.key = f'{self.folder}/ca.pem', f'{self.folder}/ca.key'
        for file, text in (('index', ''), ('serial', '1000\n'), ('crlnumber', '1000\n')):
            with open(f'{self.folder}/{file}', 'w') as f:
                f.write(text)
        with open(f'{self.folder}/conf', 'w') as f:
            f.write(CONF.format(f=self.folder, pem=self.pem, key=self.key))
        subject = f'/CN=xfedd test authority {name}'
        if parent is None:
            run('openssl', 'req', '-x509', '-newkey', *KEYS['ec'], '-nodes', '-days', '60', '-subj', subject,
                '-keyout', self.key, '-out', self.pem)
        else:
            parent._sign(self.key, self.pem, 'ec', ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign,cRLSign'],
                         subject=subject)

    def _sign(self, key, pem, kind, extensions, start=-1, end=30, subject='/CN=not to be looked at'):
        request = f'{pem}.csr'
        run('openssl', 'req', '-newkey', *KEYS[kind], '-nodes', '-subj', subject, '-keyout', key, '-out', request)
        with open(f'{pem}.ext', 'w') as f:
            f.write('\n'.join(extensions) + '\n')
        run('openssl', 'ca', '-batch', '-notext', '-config', f'{self.folder}/conf', '-in', request, '-out', pem,
            '-extfile', f'{pem}.ext', '-startdate', stamp(start), '-enddate', stamp(end))

    def issue(self, label, names, usage=BOTH, start=-1, end=30, kind='ec'):
        """-> (certificate file, key file). `names` are entries of a subjectAltName; times in days from now."""
        stem = f'{self.folder}/{label}'
        self._sign(f'{stem}.key', f'{stem}.pem', kind, leaf_extensions(names, usage), start, end)
        return f'{stem}.pem', f'{stem}.key'

    def revoke(self, certificate):
        run('openssl', 'ca', '-config', f'{self.folder}/conf', '-revoke', certificate, '-crl_reason', 'keyCompromise')

    def crl(self):
        """The list of what was revoked until now. -> its file"""
        run('openssl', 'ca', '-config', f'{self.folder}/conf', '-gencrl', '-out', f'{self.folder}/crl.pem')
        return f'{self.folder}/crl.pem'


def self_signed(folder, label, names):
    stem = f'{folder}/{label}'
    run('openssl', 'req', '-x509', '-newkey', *KEYS['ec'], '-nodes', '-days', '30', '-subj', '/CN=self-signed',
        '-addext', 'subjectAltName=' + ','.join(names), '-keyout', f'{stem}.key', '-out', f'{stem}.pem')
    return f'{stem}.pem', f'{stem}.key'
