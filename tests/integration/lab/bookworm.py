# SPDX-License-Identifier: MIT
"""A clean Debian 12, made of its packages with this machine's own mirror and settings: kept as a tar file in the cache folder."""
import os
import shutil
import subprocess

from .proc import run


def cache_folder():
    path = os.environ.get('XFED_LAB_CACHE') or ('/var/cache/xfedd-lab' if os.geteuid() == 0 else
                                                os.path.expanduser('~/.cache/xfedd-lab'))
    os.makedirs(path, exist_ok=True)
    return path


def mirror():
    """The mirror that this machine's apt uses for bookworm, if it says."""
    out = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Release: bookworm',
                          'Component: main'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()
    return out[:1]


def apt_settings():
    """How this machine's apt reaches its mirror."""
    settings = subprocess.run(['apt-config', 'dump', 'Acquire'], stdout=subprocess.PIPE, text=True).stdout
    return [line for line in settings.split('\n') if 'roxy' in line or '::Check-' in line]


def tar(scratch):
    """-> the file. Only the first call on a machine makes it."""
    path = f'{cache_folder()}/bookworm.tar'
    if os.path.exists(path):
        return path
    tree = f'{scratch}/bookworm'
    run('debootstrap', '--variant=minbase', 'bookworm', tree, *mirror(), timeout=900)
    with open(f'{tree}/etc/apt/apt.conf.d/90host', 'w') as f:
        f.write('\n'.join(apt_settings()) + '\n')
    run('tar', '-C', tree, '-cf', f'{path}.new', '.')
    os.rename(f'{path}.new', path)
    shutil.rmtree(tree)
    return path
