"""What the documents show: their blocks of code, and what each is.

A block is indented by four spaces, or fenced. It is run by the shell, unless its fence
or the HTML comment before it says otherwise:

    <!-- first: COMMANDS -->       run before the block, and not shown
    <!-- needs: PROGRAM -->        skipped where this cannot be had
    <!-- not run: WHY -->          commands that are not run
    <!-- text: WHAT -->            no commands: an output, a file
    <!-- python -->                run by Python
    <!-- file: PATH -->            is that file, to the letter
"""

import dataclasses
import os
import re
import textwrap
from typing import Dict, List

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_KINDS = ("first", "needs", "not run", "text", "python", "file")
# Their Python is run by clients/python/tests/docs_test.py.
PYTHON_PAGES = ("docs/python.md",)


def pages() -> List[str]:
    docs = sorted(name for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md"))
    return ["README.md"] + [f"docs/{name}" for name in docs]


@dataclasses.dataclass
class Block:
    page: str
    line: int
    heading: str
    language: str  # of the fence; empty where it is indented
    marks: Dict[str, str]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """sh, python, text, file, or not run."""
        for kind in ("not run", "text", "file", "python"):
            if kind in self.marks:
                return kind
        if self.language in ("sh", "python"):
            return self.language
        if self.page in PYTHON_PAGES and self._is_python():
            return "elsewhere"
        return "text" if self.language else "sh"

    def _is_python(self) -> bool:
        import ast
        try:
            compile(self.text, self.page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError:
            return False
        return True


def _mark(comment: str, place: str) -> Dict[str, str]:
    kind, _, words = comment.partition(":")
    if kind.strip() not in _KINDS:
        return {}
    if kind.strip() != "python" and not words.strip():
        raise ValueError(f"{place}: '{kind}:' wants a word on what or why")
    return {kind.strip(): textwrap.dedent(words).strip()}


def blocks(page: str, text: str = "") -> List[Block]:
    if not text:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
    lines = text.split("\n")
    found: List[Block] = []
    heading, marks, at = "", {}, 0
    while at < len(lines):
        line, place = lines[at], f"{page}:{at + 1}"
        fence = re.match(r"( *)```(\S*)$", line)
        begins = line.startswith("    ") and line.strip() and not (at and lines[at - 1].strip())
        start = at
        if line.startswith("<!--"):
            while "-->" not in lines[at]:
                at += 1
            comment = "\n".join(lines[start:at + 1])
            marks = {**marks, **_mark(comment.strip()[4:-3].strip(), place)}
            at += 1
        elif fence:
            at += 1
            while lines[at].strip() != "```":
                at += 1
            body = textwrap.dedent("\n".join(lines[start + 1:at]))
            found.append(Block(page, start + 2, heading, fence[2], marks, body))
            marks, at = {}, at + 1
        elif begins:
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            body = textwrap.dedent("\n".join(lines[start:at])).strip("\n")
            found.append(Block(page, start + 1, heading, "", marks, body))
            marks = {}
        else:
            if re.match(r"#+ ", line):
                heading = line.lstrip("# ")
            if line.strip():
                marks = {}
            at += 1
    return found
