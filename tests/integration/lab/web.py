# SPDX-License-Identifier: MIT
"""A client of xfedd's HTTP port that sends what it is told, byte for byte."""
import socket

PORT = 9469


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        words = lines[0].split(' ')
        self.status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0     # 0: no answer
        self.headers = dict((k.lower(), v.strip()) for k, _, v in (line.partition(':') for line in lines[1:]))

    @property
    def text(self):
        return self.body.decode()


def dial(ip, source=None, timeout=20):
    return socket.create_connection((ip, PORT), timeout, (source, 0) if source else None)


def read_all(sock):
    """To the end of the connection, or a reset."""
    raw = b''
    try:
        while data := sock.recv(65536):
            raw += data
    except (ConnectionError, TimeoutError):
        pass
    return raw


def send_raw(ip, text, source=None, timeout=20):
    """-> the answer to these bytes; of status 0 when nobody accepts the connection"""
    try:
        sock = dial(ip, source, timeout)
    except OSError:
        return Answer(b'')
    with sock:
        try:
            sock.sendall(text if isinstance(text, bytes) else text.encode())
        except ConnectionError:
            pass
        return Answer(read_all(sock))


def ask(ip, path, method='GET', host=None, source=None, timeout=20, **headers):
    """`headers`: accept='...'; an underscore stands for a hyphen."""
    more = ''.join(f'{k.replace("_", "-")}: {v}\r\n' for k, v in headers.items())
    return send_raw(ip, f'{method} {path} HTTP/1.1\r\nHost: {host or f"{ip}:{PORT}"}\r\n{more}\r\n', source, timeout)
