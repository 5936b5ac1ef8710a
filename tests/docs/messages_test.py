"""Each message that docs/troubleshooting.md explains is one that a program has."""

import unittest

import messages

_PAGE = "docs/troubleshooting.md"
_CPP = '''
// "a comment", and what isn't
absl::Status Look(char quote = '"') {
  if (away) return Error(absl::StrCat("the shelf ", name, " is "  // not here
                                      "away; \\"wait\\" or ", R"(look "again")"));
  return Other("the shelf", "is full");
}
'''
_PYTHON = '''
def look(name):
    """Looks."""
    if name:
        raise Error(f"no shelf {name!r}: "
                    "name " + f"another than {name}", code="NOT_FOUND")
'''


def _message(text: str) -> messages.Message:
    return messages.Message("page.md:1", text)


class Page(unittest.TestCase):

    def test_each_message_is_one_of_a_program(self):
        quoted = messages.of_page(_PAGE)
        self.assertGreater(len(quoted), 90)
        gone = [str(message) for message in quoted if not messages.is_said(message)]
        self.assertEqual(gone, [], "no program says these; write on the page what it says now")

    def test_each_message_is_explained_once(self):
        texts = [message.text for message in messages.of_page(_PAGE)]
        self.assertEqual(sorted(texts), sorted(set(texts)))

    def test_a_message_that_was_reworded_is_found_out(self):
        said = "the index … is being written by …; stop that one first, or choose another --index"
        self.assertTrue(messages.is_said(_message(said)))
        for made_up in (said.replace("stop", "halt"), said.replace("the index", "the shelf"),
                        "stop that one first, or choose another --index … is being written by …"):
            self.assertFalse(messages.is_said(_message(made_up)), made_up)

    def test_parts_of_two_messages_are_none(self):
        self.assertFalse(messages.is_said(_message(
            "the index … is being written by …; name the index itself, or another --index")))


class Reading(unittest.TestCase):

    def test_messages_begin_a_list_item(self):
        text = ("- `the first: … shelf, …` or `the second shelf` (`NOT_THIS`, nor `that`),\n"
                "  `the third shelf`: it is\n  `not this one`.\n- See `not this one`.\n`nor this`\n")
        self.assertEqual([message.text for message in messages.of_page("x.md", text)],
                         ["the first: … shelf, …", "the second shelf", "the third shelf"])

    def test_a_message_of_values_alone_is_refused(self):
        with self.assertRaisesRegex(ValueError, "x.md:2.*too little"):
            messages.of_page("x.md", "\n- `… is …`: anything.\n")

    def test_reads_strings_of_cpp(self):
        self.assertEqual(messages.of_source("x.cc", _CPP), [
            ("the shelf ", ' is away; "wait" or ', 'look "again"'), ("the shelf", "is full")])

    def test_reads_strings_of_python(self):
        self.assertIn(("no shelf ", ": name ", "another than ", "NOT_FOUND"),
                      messages.of_source("x.py", _PYTHON))


if __name__ == "__main__":
    unittest.main()
