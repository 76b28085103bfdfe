# SPDX-License-Identifier: MIT
"""Private authorities and certificates, made with the openssl tool in the scratch folder."""
import base64
import hashlib
import os

from .proc import run


def spki_sha256(cert):
    """Hex of the SHA-256 of a PEM certificate's key: a pin, and the data of TLSA 3 1 1."""
    pem = run('openssl', 'x509', '-in', cert, '-noout', '-pubkey')
    return hashlib.sha256(base64.b64decode(''.join(pem.split('-----')[2].split()))).hexdigest()


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.file = f'{folder}/{name}.pem'
        self._key = f'{folder}/{name}.key'
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
            '-subj', f'/CN=xfedd test authority {name}', '-keyout', self._key, '-out', self.file)

    def issue(self, *names, label=None):
        """A certificate for DNS names. -> (certificate file, key file); the first name is the files' name."""
        stem = f'{self.folder}/{label or names[0]}'
        with open(stem + '.ext', 'w') as f:
            f.write('basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n'
                    'extendedKeyUsage=serverAuth,clientAuth\n'
                    'subjectAltName=' + ','.join('DNS:' + n for n in names) + '\n')
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
            '-subj', f'/CN={names[0]}', '-keyout', stem + '.key', '-out', stem + '.csr')
        run('openssl', 'x509', '-req', '-in', stem + '.csr', '-CA', self.file, '-CAkey', self._key, '-CAcreateserial',
            '-days', '30', '-extfile', stem + '.ext', '-out', stem + '.crt')
        os.chmod(stem + '.key', 0o644)      # the servers run as users of their own; these keys open nothing but this lab
        return stem + '.crt', stem + '.key'
