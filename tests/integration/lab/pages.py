# SPDX-License-Identifier: MIT
"""Our documents as their readers use them: the commands, the pieces of configuration and the links in Markdown.

    for page in pages(root):
        for code in page.codes():      # an indented or fenced block, or what stands between back-quotes
            code.line, code.text, code.is_block
"""
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

INLINE = re.compile(r'(`+)(.+?)\1')
HEADING = re.compile(r'^#+ (.+)$')
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
JOINT = re.compile(r'(?:\||&&|\\)\s*$')     # a command goes on in the next line
TOKEN = re.compile(r'#[^\n]*|"(?:[^"\\]|\\.)*"|[{}=(),]|[^\s{}=(),"#]+')


@dataclass
class Code:
    line: int
    text: str
    is_block: bool


class Page:
    def __init__(self, path):
        self.path = path
        self.lines = path.read_text().splitlines()

    def codes(self):
        prose = []
        for number, line, is_code in self._kinds():
            if is_code:
                prose.append((number, None, line))
            else:
                prose.append((number, line, None))
        yield from self._blocks(prose)
        for number, line, _ in prose:
            for match in INLINE.finditer(line or ''):
                yield Code(number, match[2].strip(), False)

    def _kinds(self):
        """(number, line, whether it is code). Indented code follows a blank line, a heading, or other code; a list's items are not code."""
        fenced, before = False, ''
        for number, line in enumerate(self.lines, 1):
            if line.strip().startswith('```'):
                fenced, before = not fenced, ''
                continue
            opens = not before.strip() or before.startswith('#') or before == 'code'
            is_code = fenced or line.startswith('    ') and opens or before == 'code' and not line.strip()
            yield number, line, is_code
            before = 'code' if is_code else line

    @staticmethod
    def _blocks(lines):
        gathered = []
        for number, _, code in [*lines, (0, '', None)]:
            if code is not None:
                gathered.append((number, code))
            elif gathered:
                while gathered and not gathered[-1][1].strip():
                    gathered.pop()
                indents = [len(text) - len(text.lstrip()) for _, text in gathered if text.strip()]
                yield Code(gathered[0][0], '\n'.join(text[min(indents):] for _, text in gathered), True)
                gathered = []

    def anchors(self):
        """As GitHub makes them of headings."""
        found = {}
        for _, line, is_code in self._kinds():
            match = not is_code and HEADING.match(line)
            if match:
                anchor = re.sub(r'[^\w\- ]', '', match[1].lower()).replace(' ', '-')
                found[anchor] = found.get(anchor, -1) + 1
                if found[anchor]:
                    found[f'{anchor}-{found[anchor]}'] = 0
        return set(found)

    def links(self):
        """(line, target) of what leads to a file or a heading here."""
        for number, line, is_code in self._kinds():
            for match in LINK.finditer('' if is_code else INLINE.sub('', line)):
                if not re.match(r'\w+:', match[1]):
                    yield number, match[1]


def pages(root):
    root = Path(root)
    return [Page(path) for path in sorted([*root.glob('*.md'), *root.glob('doc/**/*.md'), *root.glob('tests/**/*.md'), *root.glob('conf/**/*.md')])]


# ---------------------------------------------------------------- commands

def whole_lines(text):
    """The lines of a piece of shell, each with those that continue it; without here-documents."""
    line, until = '', None
    for part in text.splitlines():
        if until:
            until = None if part.strip() == until else until
            continue
        here = re.search(r"<<'?(\w+)'?$", part)
        until = here and here[1]
        line += part.strip()
        if JOINT.search(line):
            line = line.rstrip('\\').rstrip() + ' '
            continue
        yield line
        line = ''
    if line:
        yield line


def commands(text):
    """The simple commands of a piece of shell, as lists of words: without comments, redirections, assignments and `sudo`."""
    for line in whole_lines(text):
        yield from simple(line)


def simple(line):
    lexer = shlex.shlex(line.removeprefix('$ '), posix=True, punctuation_chars='|&;<>')
    lexer.whitespace_split, lexer.commenters = True, ''
    words, skip = [], False
    for word in [*without_comment(lexer), ';']:
        if re.fullmatch(r'[|&;]+', word):
            if words:
                yield words
            words = []
        elif re.fullmatch(r'[<>]+&?', word):
            words = words[:-1] if words and words[-1].isdigit() else words
            skip = True
        elif skip:
            skip = False
        elif not words and (word in ('sudo', 'do', 'done', 'then', 'fi') or re.fullmatch(r'[A-Za-z_]\w*=.*', word)):
            pass
        else:
            words.append(word)


def without_comment(lexer):
    for word in lexer:
        if word.startswith('#'):
            return
        yield word


# ---------------------------------------------------------------- configuration

@dataclass
class Section:
    name: str       # '' for what stands outside of sections
    title: str      # None: it has none
    settings: list  # (name, list of values; None: only named)


class Unreadable(Exception):
    pass


def tokens(text):
    return [t for t in TOKEN.findall(text) if not t.startswith('#') and not t.endswith('...')]


def sections(text):
    """Of a piece of configuration, in which `...` stands for further settings."""
    rest = tokens(text)
    found = []
    outside = Section('', None, [])
    while rest:
        name = rest.pop(0)
        if not re.fullmatch(r'[a-z][a-z0-9-]*', name):
            raise Unreadable(f'{name} where a section or setting should begin')
        if rest[:1] == ['(']:       # include("file")
            del rest[:rest.index(')') + 1]
        elif rest[:1] == ['=']:
            outside.settings.append((name, values(rest)))
        else:
            title = rest.pop(0).strip('"') if rest[:1] and rest[0].startswith('"') else None
            if rest[:1] != ['{']:
                raise Unreadable(f'{name} is followed by {rest[0] if rest else "nothing"}')
            rest.pop(0)
            found.append(Section(name, title, body(name, rest)))
    return [*([outside] if outside.settings else []), *found]


def body(section, rest):
    settings = []
    while rest and rest[0] != '}':
        name = rest.pop(0)
        if name == ',':
            continue
        settings.append((name, values(rest) if rest[:1] == ['='] else None))
    if not rest:
        raise Unreadable(f'{section} has no end')
    rest.pop(0)
    return settings


def values(rest):
    rest.pop(0)     # =
    if rest[:1] != ['{']:
        return [rest.pop(0).strip('"')] if rest and rest[0] != '}' else []
    end = rest.index('}')
    found = [t.strip('"') for t in rest[1:end] if t != ',']
    del rest[:end + 1]
    return found
