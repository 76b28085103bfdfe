# SPDX-License-Identifier: MIT
"""The command line that the integration tests share."""
import argparse
import os

from .world import ROOT


def parser(doc):
    p = argparse.ArgumentParser(description=doc)
    p.add_argument('--xfedd', default=os.environ.get('XFEDD', f'{ROOT}/b/src/daemon/xfedd'), help='the binary under test')
    p.add_argument('--wrapper', default='', help='run xfedd under this command, such as valgrind')
    p.add_argument('--docker', choices=('yes', 'no', 'auto', 'at-hand'), default='no',
                   help='servers in containers; auto: where an engine can be started, at-hand: where one answers')
    p.add_argument('--keep-scratch', action='store_true', help='keep the scratch folder with all logs')
    return p


def need_xfedd(args):
    if not os.access(args.xfedd, os.X_OK):
        raise SystemExit(f'no xfedd at {args.xfedd}: build it (meson compile) or name it with --xfedd')
    args.xfedd = os.path.abspath(args.xfedd)
