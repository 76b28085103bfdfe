# SPDX-License-Identifier: MIT
"""The check scripts find what they are for: each row is a file in a toy tree and the words expected."""
import platform
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

SCRIPTS = Path(sys.argv.pop(1))

LAYERS = 'base:\n*/settings.h: base\nconf: base */settings.h\nxmpp: base\nnet: base\nlib uv.h: net\nlib openssl/: base\nlib strophe.h: notify\n'

# A tree with which check-help is content.
HELP = {'include/xfed/base/help.h': 'X(A_B, "a-b", "do it")', 'doc/operators/TROUBLESHOOTING.md': '### a-b\n    line help=a-b', 'README.md': '',
        'doc/A.md': '[x](TROUBLESHOOTING.md#a-b)', 'src/net/a.c': 'f(XF_HELP_A_B);', 'tests/a.xft': 'expect log x help=a-b'}

# script, label, file, content, words in the output ('' means: passes)
CASES = [
    ('check-layers', 'a lower layer', 'src/xmpp/a.c', '#include <xfed/base/err.h>', ''),
    ('check-layers', 'its own layer', 'src/xmpp/a.c', '#include <xfed/xmpp/jid.h>', ''),
    ('check-layers', 'a higher layer', 'src/base/a.c', '#include <xfed/xmpp/jid.h>', 'base may not include xmpp'),
    ('check-layers', 'a sibling', 'src/net/a.c', '#include <xfed/xmpp/jid.h>', 'net may not include xmpp'),
    ('check-layers', 'a higher layer, in a header', 'include/xfed/base/a.h', '# include  <xfed/net/x.h>',
     'base may not include net'),
    ('check-layers', 'an unknown layer', 'src/base/a.c', '#include <xfed/huh/x.h>', 'no layer "huh"'),
    ('check-layers', 'a folder without a rule', 'src/huh/a.c', '', 'not in a folder'),
    ('check-layers', 'a private header of another layer', 'src/net/a.c', '#include "../base/p.h"',
     'stay in their own folder'),
    ('check-layers', 'a private header that is not there', 'src/net/a.c', '#include "p.h"', 'is not in this folder'),
    ('check-layers', 'a library at home', 'src/net/a.c', '#include <uv.h>', ''),
    ('check-layers', 'a library abroad', 'src/base/a.c', '#include <uv.h>', 'only net may include this'),
    ('check-layers', 'a folder of a library abroad', 'src/net/a.c', '#include <openssl/ssl.h>', 'only base'),
    ('check-layers', 'a library of another program', 'src/net/a.c', '#include <strophe.h>', 'only notify'),
    ('check-layers', 'settings of a higher layer', 'src/conf/a.c', '#include <xfed/net/settings.h>', ''),
    ('check-layers', 'settings of a higher layer, without a rule', 'src/xmpp/a.c', '#include <xfed/net/settings.h>', 'xmpp may not include net'),
    ('check-layers', 'a header of that layer beside', 'src/conf/a.c', '#include <xfed/net/a.h>', 'conf may not include net'),
    ('check-layers', 'settings with settings', 'include/xfed/net/settings.h', '#include <xfed/base/a.h>\n#include <xfed/xmpp/settings.h>', ''),
    ('check-layers', 'settings with a header of their layer', 'include/xfed/net/settings.h', '#include <xfed/net/a.h>',
     'settings.h:1: <xfed/net/a.h>: */settings.h may not include net'),
    ('check-layers', 'settings with comments', 'include/xfed/net/settings.h', '/* of f() */\nstruct xf_a { /* as\n g() */\n    int (*b)[32];\n};', ''),
    ('check-layers', 'settings with a function', 'include/xfed/net/settings.h', '/*\n*/\nint xf_a_get(const struct xf_a *a);',
     'settings.h:3: a settings.h declares no functions'),
    ('check-layers', 'settings with a call', 'include/xfed/net/settings.h', 'struct xf_a {\n    int (*get)(void);\n};', 'settings.h:2: a settings.h'),
    ('check-layers', 'a private file of that name', 'src/net/settings.h', 'int xf_a_get(void);', ''),
    ('check-banned', 'good code', 'src/a.c', 'int f(void)\n{\n    return 0;\n}', ''),
    ('check-banned', 'strcpy', 'src/a.c', 'x = strcpy (a, b);', 'src/a.c:1: strcpy()'),
    ('check-banned', 'sprintf in a header', 'include/xfed/a.h', '\nsprintf(a, "x");', 'a.h:2: sprintf()'),
    ('check-banned', 'snprintf', 'src/a.c', 'snprintf(a, 1, "x");', ''),
    ('check-banned', 'bare malloc', 'src/net/a.c', 'p = malloc(4);', 'malloc()'),
    ('check-banned', 'malloc at home', 'src/base/alloc.c', 'p = malloc(4);', ''),
    ('check-banned', 'strcpy is at home nowhere', 'src/base/alloc.c', 'strcpy(a, b);', 'strcpy()'),
    ('check-banned', 'append that aborts', 'src/s2s/a.c', 'xf_buf_append_str(out, id);', 'xf_buf_append_str(): use struct xf_draft'),
    ('check-banned', 'append that aborts, with a format', 'src/routing/a.c', 'xf_buf_appendf(out, "%s", id);', 'xf_buf_appendf()'),
    ('check-banned', 'append that aborts, with its reason', 'src/dns/a.c', 'xf_buf_append(o, t, 2); /* banned-ok: two bytes of a new one */', ''),
    ('check-banned', 'append that aborts, in a folder that may', 'src/conf/a.c', 'xf_buf_append_str(out, key);', ''),
    ('check-banned', 'append that may fail', 'src/s2s/a.c', 'if (xf_buf_try_append(out, id, len) != XF_ERR_OK)', ''),
    ('check-banned', 'a member of that name', 'src/a.c', 'pool->free(x); pool.free(x); xf_free(x);', ''),
    ('check-banned', 'a comment', 'src/a.c', '/* never\n   strcpy(a, b) */ // gets(x)', ''),
    ('check-banned', 'a literal', 'src/a.c', 'log("strcpy(\\"a\\")", \'"\', "gets(x)");', ''),
    ('check-banned', 'code behind a literal with a comment sign', 'src/a.c', 'f("/*"); gets(x); g("*/");', 'gets()'),
    ('check-banned', 'a reason on the line', 'src/a.c', 'free(x); /* banned-ok: it is libfoo\'s */', ''),
    ('check-banned', 'a reason above the line', 'src/a.c', '/* banned-ok: it is libfoo\'s */\nfree(x);', ''),
    ('check-banned', 'a reason above, in several lines', 'src/a.c', '/*\n * banned-ok: it is\n * libfoo\'s\n */\nfree(x);', ''),
    ('check-banned', 'a reason above another line', 'src/a.c', '/* banned-ok: it is libfoo\'s */\nint i;\nfree(x);', 'src/a.c:3: free()'),
    ('check-banned', 'assert', 'src/a.c', 'assert(x);', 'assert()'),
    ('check-banned', 'static_assert', 'src/a.c', 'static_assert(1, "");', ''),
    ('check-banned', 'assert.h', 'src/a.c', '#include <assert.h>', '<assert.h>'),
    ('check-banned', 'goto forward', 'src/a.c', 'int f(void)\n{\n    goto out;\nout:\n    return 0;\n}', ''),
    ('check-banned', 'goto backward', 'src/a.c', 'int f(void)\n{\nagain:\n    goto again;\n}', 'goto again'),
    ('check-banned', 'the same label in two functions', 'src/a.c',
     'int f(void)\n{\nout:\n    return 0;\n}\nint g(void)\n{\n    goto out;\nout:\n    return 0;\n}', ''),
    ('check-banned', 'extern in a .c', 'src/a.c', 'extern int x;', 'extern in a .c'),
    ('check-banned', 'extern in a header', 'src/a.h', 'extern int x;', ''),
    ('check-banned', 'an open end', 'src/a.c', '/* TODO: later */', 'without an issue number'),
    ('check-banned', 'an open end with a number', 'src/a.c', '/* TODO #12: later */', ''),
    ('check-names', 'a tag and its functions', 'src/net/a.c', 'struct xf_a {\n    int b;\n};\nvoid xf_a_free(void)\n{\n}', ''),
    ('check-names', 'a tag that another layer has', {'src/net/a.c': 'struct xf_a {\n};', 'src/tls/b.c': 'struct xf_a {\n};\nint xf_b(void)\n{\n}'},
     None, 'src/tls/b.c:1: xf_a is defined at src/net/a.c:1 too'),
    ('check-names', 'a tag that its own layer has', {'src/net/a.c': 'struct xf_a {\n};', 'src/net/b.c': 'enum xf_a {\n};\nint xf_b(void)\n{\n}'},
     None, 'src/net/b.c:1: xf_a is defined'),
    ('check-names', "a function named after another layer's tag",
     {'include/xfed/net/a.h': 'struct xf_net_conn {\n};', 'src/tls/b.c': 'int xf_net_conn_x(void)\n{\n}'}, None, 'belong to net'),
    ('check-names', 'a word that another layer uses',
     {'src/net/a.c': 'int xf_word_a(void)\n{\n}', 'src/tls/b.c': '\nint xf_word_b(int a,\n  int b)\n{\n}'}, None, 'src/tls/b.c:2: xf_word_b'),
    ('check-names', 'a longer tag of its own',
     {'src/net/a.c': 'int xf_word_a(void)\n{\n}', 'src/tls/b.c': 'struct xf_word_b {\n};\nint xf_word_b_x(void)\n{\n}'}, None, ''),
    ('check-format', 'a long line', 'src/a.c', '/* ' + 95 * 'x' + ' */', 'src/a.c:1: 101 characters, 100 at most'),
    ('check-format', 'a long row of a table', 'src/a.c', '/* clang-format off */\n/* ' + 140 * 'x' + ' */', ''),
    ('check-format', 'a line behind a table', 'src/a.c', '/* clang-format off */\n/* clang-format on */\n/* ' + 95 * 'x' + ' */', 'src/a.c:3: 101'),
    ('check-format', 'a row that is too long', 'src/a.c', '/* clang-format off */\n/* ' + 145 * 'x' + ' */', 'src/a.c:2: 151 characters, 150'),
    ('check-format', 'a row of a test', 'tests/a.c', '/* clang-format off */\n/* ' + 145 * 'x' + ' */', ''),
    ('check-format', 'form', 'src/a.c', 'int  f(void){return 0;}', 'src/a.c:1: not as clang-format leaves it'),
    ('check-mentions', 'a file that is there', 'src/net/a.c', '/* a.c — as in net/a.c, src/net/, <sys/types.h>, *.c and /etc/x.c. */', ''),
    ('check-mentions', 'a file of the same folder', {'src/net/a.c': '/* see b.c */', 'src/net/b.c': ''}, None, ''),
    ('check-mentions', 'a file that is gone', 'src/net/a.c', '\n/* as in tls/b.c */', 'src/net/a.c:2: tls/b.c does not exist'),
    ('check-mentions', 'a header that is gone', 'src/net/a.c', '/* see <xfed/net/b.h> */', 'xfed/net/b.h does not exist'),
    ('check-mentions', 'the old name at the head', {'src/net/a.c': '/*\n * b.c — bytes.\n */', 'src/net/b.c': ''}, None, 'its first comment calls it b.c'),
    ('check-mentions', 'a literal', 'src/net/a.c', 'f("tls/b.c"); /* in words */', ''),
    ('check-mentions', 'a document that is gone', 'README.md', 'See `doc/A.md`.', 'README.md:1: doc/A.md does not exist'),
    ('check-mentions', 'a choice of files', {'README.md': 'src/net/{a,b}.c', 'src/net/a.c': ''}, None, 'src/net/b.c does not exist'),
    ('check-mentions', 'any file of a pattern', {'README.md': 'src/net/*.h', 'src/net/a.c': ''}, None, 'src/net/*.h does not exist'),
    ('check-mentions', 'a word for any name', {'README.md': 'src/net/FILE.c', 'src/net/a.c': ''}, None, ''),
    ('check-mentions', 'a script that is gone', 'scripts/b', '#!/bin/sh\nexec scripts/a', 'scripts/b:2: scripts/a does not exist'),
    ('check-mentions', 'a folder beside the repository', 'scripts/b', '#!/bin/sh\n# of ../shared/bench', '../shared/bench is not in the repository'),
    ('check-mentions', 'in Python, a comment', 'tests/a.py', '# as in doc/A.md\nx = "doc/B.md"', 'tests/a.py:1: doc/A.md does not exist\n'),
    ('check-mentions', 'in Python, no comment', 'tests/a.py', 'x = "doc/A.md"', ''),
    ('check-mentions', 'the number of an issue', 'src/net/a.c', '/* as issue 3 wants it */', '"issue 3": write the fact'),
    ('check-help', 'a code with all', HELP, None, ''),
    ('check-help', 'a code without a section', {**HELP, 'doc/operators/TROUBLESHOOTING.md': ''}, None, 'a-b has 0 sections'),
    ('check-help', 'a section without a code', {**HELP, 'doc/operators/TROUBLESHOOTING.md': '### a-b\nhelp=a-b\n### a-c\nhelp=a-c'}, None, 'a-c is no code'),
    ('check-help', 'a section without a line', {**HELP, 'doc/operators/TROUBLESHOOTING.md': '### a-b\nhelp=a-bc'}, None, 'shows no line with help=a-b'),
    ('check-help', 'a link to a section that is gone', {**HELP, 'doc/A.md': '[x](TROUBLESHOOTING.md#a-d)'}, None, 'A.md:1: doc/operators/TROUBLESHOOTING.md has no section a-d'),
    ('check-help', 'a code that nothing says', {**HELP, 'src/net/a.c': ''}, None, 'nothing in src/ says XF_HELP_A_B'),
    ('check-help', 'a code that no test reaches', {**HELP, 'tests/a.xft': 'expect log x help=a-bc'}, None, 'no test reaches it'),
    ('check-help', 'an advice of its own', {**HELP, 'src/net/b.c': 'f(XF_STR("advice", "do it"));'}, None, 'src/net/b.c:1: help= and advice= are written'),
    ('check-help', 'an advice like a heading', {**HELP, 'include/xfed/base/help.h': 'X(A_B, "a-b", "Do it")'}, None, 'without capital'),
    ('check-headers', 'a header that stands alone', 'include/xfed/base/a.h', '#pragma once\nstruct xf_a;', ''),
    ('check-headers', 'a header that needs another', 'include/xfed/base/a.h', '#pragma once\nsize_t f(void);',
     'xfed/base/a.h: does not compile alone'),
    ('check-headers', 'a header without a guard', 'include/xfed/base/a.h', 'struct xf_a { int b; };',
     'xfed/base/a.h: does not compile alone'),
]


def run(script, name, content):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = name if content is None else {name: content}
        for path, text in (('scripts/layers.txt', LAYERS), *files.items()):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + '\n')
        if script == 'check-format':
            (root / '.clang-format').write_bytes((SCRIPTS.parent / '.clang-format').read_bytes())
        program = root / 'scripts' / script
        program.write_bytes((SCRIPTS / script).read_bytes())
        program.chmod(0o755)
        return subprocess.run([program], capture_output=True, text=True, check=False)


# What check-hardening must miss in a program that is built with all of it off.
SOFT = ['-no-pie', '-fno-stack-protector', '-fcf-protection=none', '-Wl,-z,norelro', '-Wl,-z,lazy', '-Wl,-z,execstack']
MISSED = ['not position-independent', 'the stack is RWE', 'no GNU_RELRO', 'no immediate binding', 'no stack protector',
          'checking functions are not used', 'main() does not begin with endbr64', 'is not weak', '-fstack-clash-protection is missing',
          '-ftrivial-auto-var-init=zero is missing']


def soft_program():
    """-> what is not said about it."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / 'soft'
        (Path(folder) / 'compile_commands.json').write_text('[]')
        subprocess.run(['cc', *SOFT, '-x', 'c', '-', '-o', program], input='int main(void) { return 0; }\n', text=True, check=True)
        said = subprocess.run([SCRIPTS / 'check-hardening', program, '--fortified', '--zeroed'], capture_output=True, text=True, check=False)
        return [words for words in MISSED if words not in said.stdout] + (['exit 1'] if said.returncode != 1 else [])


# Files as "name needs": what check-circles says about them.
CIRCLES = [
    ('a line', ['ab', 'bc', 'c'], ''),
    ('a circle of three', ['ab', 'bc', 'ca'], ''),
    ('a circle of four', ['ab', 'bc', 'cd', 'da'], 'a circle of 4 files, 3 at most: net/a.c net/b.c net/c.c net/d.c'),
    ('two circles of two that meet', ['ab', 'bac', 'cbd', 'dc'], 'net/b.c needs net/c.c: xf_c'),
]


def said_of_circles(files):
    with tempfile.TemporaryDirectory() as folder:
        objects = Path(folder) / 'src/net/libxf_net.a.p'
        objects.mkdir(parents=True)
        for name, *needs in files:
            code = f'void xf_{name}(void) {{ {" ".join(f"xf_{other}();" for other in needs)} }}'
            code = ''.join(f'void xf_{other}(void); ' for other in needs) + code
            subprocess.run(['cc', '-w', '-x', 'c', '-c', '-', '-o', objects / f'{name}.c.o'], input=code, text=True, check=True)
        return subprocess.run([SCRIPTS / 'check-circles', folder], capture_output=True, text=True, check=False).stdout


# A constant that looks like a limit: what of it check-conformance says, by what LIMITS.md and limits.txt have.
LIMIT = '| a thing | 8 | `XF_THING_MAX` in net/a.c | it ends | unit/net/a |'
LIMITS = [
    ('listed', LIMIT, '', ''),
    ('exempt', '', 'net/a.c XF_THING_MAX: the operator chooses', ''),
    ('neither', '', '# a comment', 'net/a.c: XF_THING_MAX is not in doc/operators/LIMITS.md'),
    ('of another file', LIMIT.replace('net/a.c', 'net/b.c'), '', 'net/a.c: XF_THING_MAX is not in'),
    ('both', LIMIT, 'net/a.c XF_THING_MAX: the operator chooses', 'XF_THING_MAX is in LIMITS.md'),
    ('without a reason', '', 'net/a.c XF_THING_MAX', 'expected FILE CONSTANT: REASON'),
    ('of what is not there', LIMIT, 'net/a.c XF_OTHER_MAX: old', 'XF_OTHER_MAX is not in net/a.c'),
]


def unnamed_limits(row, exemption):
    loader = SourceFileLoader('conformance', str(SCRIPTS / 'check-conformance'))
    module = module_from_spec(spec_from_loader('conformance', loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in (('src/net/a.c', '#define XF_THING_MAX 8 /* of them */\n#define XF_THING_MAX_OF(x) x\n'), ('include/xfed/net/a.h', ''),
                           ('doc/operators/LIMITS.md', row), ('scripts/limits.txt', exemption)):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return list(module.unnamed_limits(root))


failed = 0
for label, row, exemption, words in LIMITS:
    said = unnamed_limits(row, exemption)
    if bool(said) != bool(words) or words not in '\n'.join(said):
        failed += 1
        print(f'check-conformance, a limit that is {label}: expected {words!r}, got {said}')
if platform.machine() == 'x86_64' and (unsaid := soft_program()):
    failed += 1
    print(f'check-hardening, a program without any: it does not say {unsaid}')
for label, files, words in CIRCLES:
    said = said_of_circles(files)
    if bool(said) != bool(words) or words not in said:
        failed += 1
        print(f'check-circles, {label}: expected {words!r}, got {said!r}')
for script, label, name, content, words in CASES:
    done = run(script, name, content)
    output = done.stdout + done.stderr
    if done.returncode == 77:  # check-format without its clang-format
        continue
    good = done.returncode == 0 and output == '' if not words else done.returncode == 1 and words in output
    if not good:
        failed += 1
        print(f'{script}, {label}: exit {done.returncode}, expected {words!r}, got:\n{output}')
sys.exit(1 if failed else 0)
