"""Puts the files that pages show, marked <!-- file: PATH -->, into the pages anew."""

import os
import re

import pages


def with_files(text: str) -> str:
    """The page with each such block as its file is now."""
    def block(found: "re.Match[str]") -> str:
        with open(os.path.join(pages.ROOT, found[2]), encoding="utf-8") as file:
            return f"{found[1]}{file.read()}```"
    return re.sub(r"(<!-- file: (\S+) -->\n```\w+\n)(?:.*?\n)??```(?=\n)", block, text,
                  flags=re.DOTALL)


def main() -> None:
    for page in pages.pages():
        path = os.path.join(pages.ROOT, page)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if with_files(text) != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(with_files(text))


if __name__ == "__main__":
    main()
