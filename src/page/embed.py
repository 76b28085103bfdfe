#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the C source that has these files in it. usage: embed.py OUT NAME=FILE..."""
import sys
from pathlib import Path


def main():
    lines = ['#include "assets.h"', '']
    for word in sys.argv[2:]:
        name, _, file = word.partition('=')
        data = Path(file).read_bytes()
        lines += [f'const unsigned char xf_page_{name}[] = {{{",".join(map(str, data))}}};',
                  f'const size_t xf_page_{name}_bytes = sizeof(xf_page_{name});']
    Path(sys.argv[1]).write_text('\n'.join(lines) + '\n')


main()
