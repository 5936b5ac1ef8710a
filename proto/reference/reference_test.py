"""docs/reference.md says what the public protocol says, all of it, and leads nowhere wrong."""

import difflib
import os
import re
import sys
import tempfile
import unittest

import reference

_ROOT = os.path.dirname(reference.PROTOS)
_DOCS = os.path.join(_ROOT, "docs")
sys.path.insert(0, os.path.join(_ROOT, "tests", "docs"))
import pages
_MADE_UP = '''\
// The file.
syntax = "proto3";
package vitrine.v1;

// A service.
service Shop {
  // Asks.
  rpc Ask(Question) returns (stream Answer);
  rpc Silent(Question) returns (Answer);
}
// A question, by `limit` or `lmit`. These are its codes:
//   NOT_FOUND  no *such* thing
//
// See `Answer.text` and `Answer.txet`.
message Question {
  // What is *asked*: a | b.
  oneof about {
    // A text.
    string text = 1;
    Answer answer = 2;
  }
  // At most so many.
  optional int32 limit = 3;
  // Names of
  // answers.
  map<string, Answer> answers = 4;
  // Many.
  repeated Answer.Mood moods = 5;
  // Yes.
  bool yes = 6;
}
message Answer {
  // How it is meant.
  enum Mood {
    MOOD_UNSPECIFIED = 0;
  }
  // Its text.
  string text = 1;
}
'''


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _of(text: str) -> reference.Reference:
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "vitrine/v1"))
        with open(os.path.join(folder, "vitrine/v1/shop.proto"), "w", encoding="utf-8") as file:
            file.write(text)
        return reference.Reference(reference.describe(folder))


def _anchors(text: str) -> set:
    return {reference.slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def _broken_links(page: str, text: str) -> list:
    """Links of a page in docs/ to what neither it nor a file has."""
    anchors = _anchors(text)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        if path and not os.path.exists(os.path.join(_DOCS, path)):
            broken.append(f"{page}: {link}")
        elif not path and anchor not in anchors:
            broken.append(f"{page}: {link}")
    return broken


class Protocol(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.reference = reference.Reference(reference.describe())
        cls.page = _read(os.path.join(_DOCS, "reference.md"))

    def test_the_page_is_of_these_protocols(self):
        difference = list(difflib.unified_diff(
            self.page.splitlines(), self.reference.markdown.splitlines(),
            "docs/reference.md", "the protocols", lineterm="", n=0))
        if self.page != self.reference.markdown:
            self.fail("\n".join([
                "docs/reference.md is stale; renew it: ninja -C build/release vitrine_reference",
                *difference[:20]]))

    def test_all_has_a_comment(self):
        self.assertEqual(self.reference.uncommented(), [])

    def test_comments_name_what_is_there(self):
        self.assertEqual(self.reference.unknown_names(), [])

    def test_every_link_leads_somewhere(self):
        self.assertGreater(self.page.count("](#"), 150)
        self.assertEqual(_broken_links("reference.md", self.page), [])

    def test_other_pages_link_to_what_it_has(self):
        anchors = _anchors(self.page)
        for name in sorted(os.listdir(_DOCS)):
            if name.endswith(".md"):
                for anchor in re.findall(r"\(reference\.md#([^)]+)\)",
                                         _read(os.path.join(_DOCS, name))):
                    self.assertIn(anchor, anchors, name)

    def test_nothing_of_it_is_a_command(self):
        self.assertEqual({block.kind for block in pages.blocks("docs/reference.md")}, {"text"})


class Writer(unittest.TestCase):

    def test_tells_calls_fields_and_values(self):
        page = _of(_MADE_UP).markdown
        for line in ("unary: [Question](#question) → [Answer](#answer)",
                     "streaming: [Question](#question) → stream of [Answer](#answer)",
                     "| *about* | | | What is \\*asked\\*: a \\| b. |",
                     "| `text` | string | one of *about* | A text. |",
                     "| `limit` | int32 | optional | At most so many. |",
                     "| `answers` | string → [Answer](#answer) | map | Names of answers. |",
                     "| `moods` | [Answer.Mood](#answermood) | repeated | Many. |",
                     "| `yes` | bool | `false` | Yes. |",
                     "| `MOOD_UNSPECIFIED` | 0 |  |",
                     "See [`Answer.text`](#answer) and [`Answer.txet`](#answer).",
                     "NOT_FOUND  no *such* thing",
                     "#### Shop.Silent"):
            self.assertIn(line, page.splitlines())
        self.assertEqual(_broken_links("shop", page.replace(reference.HEAD, "")), [])

    def test_finds_what_lacks_a_comment(self):
        self.assertEqual(_of(_MADE_UP).uncommented(), [
            "Shop.Silent", "Question.answer", "Answer", "Answer.Mood.MOOD_UNSPECIFIED"])

    def test_finds_names_that_are_not_there(self):
        self.assertEqual(_of(_MADE_UP).unknown_names(),
                         ["Question: `lmit`", "Question: `Answer.txet`"])

    def test_finds_broken_links(self):
        self.assertEqual(_broken_links("x.md", "# A b\n[a](#a-b) [c](#c) [d](none.md) [e](api.md)"),
                         ["x.md: #c", "x.md: none.md"])

    def test_refuses_headings_of_one_anchor(self):
        with self.assertRaisesRegex(ValueError, "AnswerMood and Answer.Mood have"):
            _of(_MADE_UP + "// Another.\nmessage AnswerMood {}\n")


if __name__ == "__main__":
    unittest.main()
