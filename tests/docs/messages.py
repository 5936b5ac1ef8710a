"""The messages that a page explains, and whether a program still says them.

A list item that begins with code explains the code before its first colon, but for what stands
in brackets:

    - `the index … is damaged, …` or `no index is open yet: …` (`A_REASON`): what to do.

`…` stands for values and for what is left out. The fixed parts between must stand, in their
order, in the strings of one statement of a source file, each within one string: strings that
C++ and Python join because they stand side by side are one.
"""

import ast
import dataclasses
import functools
import os
import re
from typing import Iterator, List, Tuple

import pages

_LEAST_FIXED = 9  # Characters: fewer would be found anywhere.
_HEAD = re.compile(r"- (?:`[^`]+`|[^:`])+")
# Comments first, since they may hold quotes; what stands in parentheses is the text.
_CPP = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)|R"(?P<tag>\w*)\((?P<raw>.*?)\)(?P=tag)"|'
    r'"(?P<text>(?:[^"\\\n]|\\.)*)"|(?P<char>\'(?:[^\'\\\n]|\\.)+\')|(?P<end>[;{}])|'
    r"(?P<word>\w+|[^\s\w])", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclasses.dataclass(frozen=True)
class Message:
    place: str
    text: str

    @property
    def parts(self) -> List[str]:
        return [part.strip() for part in self.text.split("…") if part.strip()]

    def __str__(self) -> str:
        return f"{self.place}: `{self.text}`"


def _outside_brackets(head: str) -> List[str]:
    found, depth = [], 0
    for words, code in re.findall(r"([^`]*)(?:`([^`]+)`)?", head):
        depth += words.count("(") - words.count(")")
        if code and not depth:
            found.append(code)
    return found


def of_page(page: str, text: str = "") -> List[Message]:
    """Those that it explains; ValueError for one with too little that is fixed."""
    if not text:
        with open(os.path.join(pages.ROOT, page), encoding="utf-8") as file:
            text = file.read()
    found: List[Message] = []
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if not line.startswith("- `"):
            continue
        item = [line]
        while at + len(item) < len(lines) and lines[at + len(item)].startswith("  "):
            item.append(lines[at + len(item)].strip())
        for code in _outside_brackets(_HEAD.match(" ".join(item))[0]):
            message = Message(f"{page}:{at + 1}", code)
            if sum(map(len, message.parts)) < _LEAST_FIXED:
                raise ValueError(f"{message} has too little that is fixed")
            found.append(message)
    return found


def _of_cpp(source: str) -> Iterator[List[str]]:
    statement: List[str] = []
    joins = False
    for token in _CPP.finditer(source):
        if token["comment"] is not None:
            continue
        if token["end"]:
            yield statement
            statement, joins = [], False
            continue
        text = token["raw"]
        if token["text"] is not None:
            text = re.sub(r"\\(.)", lambda at: _ESCAPES.get(at[1], at[1]), token["text"])
        if text is None:
            joins = False
        elif joins:
            statement[-1] += text
        else:
            statement.append(text)
            joins = True
    yield statement


def _strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
        return
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt):
            yield from _strings(child)


def of_source(name: str, source: str) -> List[Tuple[str, ...]]:
    """The strings of each of its statements that has some, as they stand."""
    if name.endswith(".py"):
        statements = [list(_strings(node)) for node in ast.walk(ast.parse(source))
                      if isinstance(node, ast.stmt)]
    else:
        statements = list(_of_cpp(source))
    return [tuple(strings) for strings in statements if strings]


@functools.lru_cache(None)
def sources() -> List[Tuple[str, ...]]:
    """The statements of what is installed or run, without its tests."""
    statements: List[Tuple[str, ...]] = []
    for top in ("common", "indexer", "server", "clients"):
        for folder, folders, names in os.walk(os.path.join(pages.ROOT, top)):
            folders[:] = [name for name in folders if name not in ("tests", "node_modules")]
            for name in names:
                if name.endswith((".cc", ".h", ".py")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        statements += of_source(name, file.read())
    return statements


def _says(statement: Tuple[str, ...], parts: List[str]) -> bool:
    string, begin = 0, 0
    for part in parts:
        while True:
            if string == len(statement):
                return False
            at = statement[string].find(part, begin)
            if at >= 0:
                begin = at + len(part)
                break
            string, begin = string + 1, 0
    return True


def is_said(message: Message) -> bool:
    return any(_says(statement, message.parts) for statement in sources())
