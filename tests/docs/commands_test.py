"""Each command that README.md and docs/*.md show is run, or the page says why not."""

import os
import re
import shutil
import subprocess
import unittest
from typing import List

import pages
import shell
from shell import programs

_GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.8.9"  # Go 1.19 compiles it.
_COMMAND = re.compile(
    r"^(sudo |\$ )?(vitrine|vitrine-[a-z]+|grpcurl|ghz|redis-cli|curl|pip|python3?|cmake|npm|go|"
    r"\./dev|protoc|docker|kubectl|systemctl|openssl|export) ", re.MULTILINE)


def _has(program: str) -> bool:
    if program == "grpcurl" and not shutil.which("grpcurl", path=f"{shell.CACHE}/bin"):
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if go:
            subprocess.run([go, "install", _GRPCURL], check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL,
                           env={**os.environ, "GOBIN": os.path.join(shell.CACHE, "bin")})
    return bool(shutil.which(program, path=f"{shell.CACHE}/bin:{os.environ['PATH']}"))


def _to_run(page: str) -> List[pages.Block]:
    return [block for block in pages.blocks(page) if block.kind in ("sh", "python")]


@programs.needs_programs
class Commands(unittest.TestCase):
    """A test a page, below."""

    def _run(self, page: str) -> None:
        blocks = _to_run(page)
        lacking = sorted({program for block in blocks
                          for program in block.marks.get("needs", "").split()
                          if not _has(program)})
        with shell.Page() as scratch:
            said = scratch.run([block for block in blocks
                                if not set(block.marks.get("needs", "").split()) & set(lacking)])
        self.assertGreater(len(said), 2)
        if lacking:
            self.skipTest(f"{page}: what needs {', '.join(lacking)} was left out")


for _page in pages.pages():
    # Those of clients.md are run by clients_test, a language at a time.
    if _page != "docs/clients.md" and _to_run(_page):
        _name = re.sub(r"\W", "_", _page.lower().replace("docs/", "").replace(".md", ""))
        setattr(Commands, f"test_{_name}", lambda self, page=_page: self._run(page))


class Blocks(unittest.TestCase):

    def test_text_is_no_command(self):
        for page in pages.pages():
            for block in pages.blocks(page):
                if block.kind == "text":
                    self.assertIsNone(_COMMAND.search(block.text), block.place)

    def test_what_debian_does_not_have_is_said_to_be_needed(self):
        for page in pages.pages():
            for block in pages.blocks(page):
                if block.kind == "sh" and re.search(r"^grpcurl ", block.text, re.MULTILINE):
                    self.assertIn("grpcurl", block.marks.get("needs", "").split(), block.place)

    def test_what_is_not_run_is_little_and_says_why(self):
        blocks = [block for page in pages.pages() for block in pages.blocks(page)]
        left_out = [block for block in blocks if block.kind == "not run"]
        run = [block for block in blocks if block.kind in ("sh", "python")]
        for block in left_out:
            self.assertGreater(len(block.marks["not run"].split()), 2, block.place)
        self.assertGreater(len(run), 60)
        self.assertLess(len(left_out), len(run) // 3)

    def test_reads_blocks_and_marks(self):
        text = ("# A\n\nWords:\n\n    vitrine a\n\n    vitrine b\n\n<!-- not run: needs root -->\n\n"
                "    sudo c\n\n## B\n\n```sh\nd\n```\n\n```json\n{}\n```\n- list\n  item\n")
        read = [(block.kind, block.heading, block.text) for block in pages.blocks("x.md", text)]
        self.assertEqual(read, [("sh", "A", "vitrine a\n\nvitrine b"), ("not run", "A", "sudo c"),
                                ("sh", "B", "d"), ("text", "B", "{}")])

    def test_a_command_that_fails_is_told_with_its_place(self):
        block = pages.blocks("x.md", "\n    echo before\n    vitrine serch\n")[0]
        if programs.HAS_PROGRAMS:
            with shell.Page() as page, self.assertRaisesRegex(
                    AssertionError, r"(?s)x\.md:2 ended with 2.*before.*serch"):
                page.run([block])

    def test_a_daemon_that_ends_is_noticed(self):
        block = pages.blocks("x.md", "\n    vitrine-server --index=x --listen=nowhere\n")[0]
        if programs.HAS_PROGRAMS:
            with shell.Page() as page, self.assertRaisesRegex(AssertionError, "nowhere"):
                page.run([block])


if __name__ == "__main__":
    unittest.main()
