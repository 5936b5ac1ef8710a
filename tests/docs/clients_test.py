"""The clients of docs/clients.md ask a real server, and feed it through a real Redis."""

import os
import re
import shutil
import subprocess
import unittest

import pages
import shell
import write_files
from shell import programs

_PAGE = "docs/clients.md"
_LANGUAGES = ("C++", "Python", "Go", "Node")


def _reason_against(page: shell.Page, language: str) -> str:
    """Why a language's programs cannot be made here; empty where they can."""
    def works(*command: str) -> bool:
        return not subprocess.run(command, cwd=page.folder, env=page.environment(), check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    path = page.environment()["PATH"]
    if language == "Go":
        if not shutil.which("go", path=path):
            return "there is no Go: apt-get install golang-go"
        if not works("go", "-C", "clients/examples/go", "mod", "download") and not works(
                "sh", "-c", "cd clients/examples/go && go mod download"):
            return "the modules of Go are not to be had"
    if language == "Node":
        if not shutil.which("npm", path=path):
            return "there is no npm: apt-get install nodejs npm"
        if not works("sh", "-c", "cp clients/examples/node/package*.json . && "
                     "npm ci --silent --ignore-scripts --no-fund --no-audit"):
            return "npm cannot install what the example needs"
    return ""


@programs.needs_programs
class Clients(unittest.TestCase):

    def _asks_and_feeds(self, language: str) -> None:
        blocks = pages.blocks(_PAGE)
        introduction = [block for block in blocks if block.heading.startswith("Clients")]
        section = [block for block in blocks
                   if block.heading == language and block.kind == "sh"]
        self.assertEqual((len(introduction), len(section)), (1, 1))
        with shell.Page() as page:
            reason = _reason_against(page, language)
            if reason:
                self.skipTest(reason)
            number = _LANGUAGES.index(language) + 1
            find = (f"vitrine search --image=coat.jpg --filter=product_id=coat-{number}"
                    " --format=json")
            said = page.run(introduction + section,
                            f"until {find} | grep coat-{number}; do sleep 0.05; done")
            told = said[section[0].place]
            hits = re.findall(r"^(\S+) ([01]\.\d{3})$", told, re.MULTILINE)
            self.assertEqual(len(hits), 5, told)
            self.assertEqual(hits[0], ("1163", "1.000"))
            self.assertEqual(hits, sorted(hits, key=lambda hit: -float(hit[1])))
            self.assertRegex(told.strip().split("\n")[-1], r"^\d+-\d+$")  # the entry's id
            self.assertIn('"title":"A blue coat"', said["last"])
            self.assertIn('"price":129', said["last"])
            self.assertIn('"same_content":true', said["last"])

    def test_cpp(self):
        self._asks_and_feeds("C++")

    def test_python(self):
        self._asks_and_feeds("Python")

    def test_go(self):
        self._asks_and_feeds("Go")

    def test_node(self):
        self._asks_and_feeds("Node")


class Page(unittest.TestCase):

    def test_shows_the_files_that_are_run(self):
        with open(os.path.join(pages.ROOT, _PAGE), encoding="utf-8") as file:
            page = file.read()
        self.assertEqual(page, write_files.with_files(page),
                         "run: python3 tests/docs/write_files.py")
        shown = {block.marks["file"] for block in pages.blocks(_PAGE) if block.kind == "file"}
        kept = subprocess.run(["git", "ls-files", "clients/examples"], cwd=pages.ROOT, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.split()
        programs_kept = {name for name in kept
                         if name.endswith((".cc", ".py", ".go", ".mjs"))}
        self.assertEqual(shown, programs_kept or shown)
        self.assertEqual(len(shown), 2 * len(_LANGUAGES))

    def test_a_file_that_has_changed_is_noticed(self):
        page = "<!-- file: clients/examples/python/put.py -->\n```python\nprint()\n```\n"
        self.assertIn("CatalogEvent", write_files.with_files(page))


if __name__ == "__main__":
    unittest.main()
