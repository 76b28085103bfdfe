# SPDX-License-Identifier: MIT
"""OpenLDAP's slapd with a directory of our own, run as an unprivileged user in the scratch folder.

Users are uid=..., mail=... below ou=people; the reader may read all in pages of 500 and no more than 500 at a time otherwise, as directories are set up.
"""
import os
import shutil

from .proc import Proc, run, wait_port

SUFFIX = 'dc=a,dc=example'
PEOPLE = f'ou=people,{SUFFIX}'
READER, PASSWORD = f'cn=reader,{SUFFIX}', 'the password of the reader'

CONF = '''
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
loglevel none
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
security simple_bind=128
database mdb
suffix "{suffix}"
rootdn "cn=root,{suffix}"
directory {folder}/db
maxsize 1073741824
dbnosync
index objectClass,uid,mail,member eq
sizelimit 500
limits dn.exact="{reader}" size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited
access to attrs=userPassword by * auth
access to * by dn.exact="{reader}" read by * none
'''


def user(uid, *mails):
    """LDIF of one user."""
    return (f'dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\ncn: {uid}\nsn: {uid}\nuid: {uid}\n'
            + ''.join(f'mail: {mail}\n' for mail in mails) + '\n')


def group(name, *uids):
    return (f'dn: cn={name},{SUFFIX}\nobjectClass: groupOfNames\ncn: {name}\n'
            + ''.join(f'member: uid={uid},{PEOPLE}\n' for uid in uids) + '\n')


TOP = (f'dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: a\ndc: a\n\n'
       f'dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n'
       f'dn: {READER}\nobjectClass: person\ncn: reader\nsn: reader\nuserPassword: {PASSWORD}\n\n')


class Slapd:
    def __init__(self, lab, ip, certificate, port=3890):
        self.lab, self.ip, self.port = lab, ip, port
        self.folder = lab.folder('slapd')
        os.makedirs(f'{self.folder}/db', exist_ok=True)
        os.chmod(f'{self.folder}/db', 0o777)
        self.conf = f'{self.folder}/slapd.conf'
        with open(self.conf, 'w') as f:
            f.write(CONF.format(folder=self.folder, certificate=certificate[0], key=certificate[1], suffix=SUFFIX, reader=READER))
        self.proc = None
        self.add(TOP)

    def add(self, ldif):
        """More entries, while it does not run."""
        path = f'{self.folder}/more.ldif'
        with open(path, 'w') as f:
            f.write(ldif)
        run('slapadd', '-q', '-f', self.conf, '-l', path, timeout=120)
        for name in os.listdir(f'{self.folder}/db'):
            os.chmod(f'{self.folder}/db/{name}', 0o666)
            if os.geteuid() == 0:
                shutil.chown(f'{self.folder}/db/{name}', self.lab.user)

    def start(self):
        self.proc = Proc('slapd', ['slapd', '-f', self.conf, '-h', f'ldap://{self.ip}:{self.port}/ ldaps://{self.ip}:6360/', '-d', '0'],
                         f'{self.lab.scratch}/log/slapd.log', user=self.lab.user).start()
        wait_port(self.ip, self.port, self.proc)
        return self

    def stop(self):
        if self.proc:
            self.proc.stop()
            self.proc = None
