"""What the documentation shows does what it says, block after block."""

import ast
import asyncio
import contextlib
import inspect
import io
import os
import shutil
import unittest
import warnings
from typing import Iterator, List, Tuple

from tests import programs

_ROOT = programs._ROOT


def _blocks(page: str) -> Iterator[Tuple[int, str]]:
    """The indented blocks that are Python, each with its line."""
    with open(os.path.join(_ROOT, page), encoding="utf-8") as file:
        lines = file.read().split("\n")
    block: List[str] = []
    for number, line in enumerate([*lines, "."], 1):
        if line.startswith("    ") or (block and not line.strip()):
            block.append(line)
            continue
        text = inspect.cleandoc("\n" + "\n".join(block)) if block else ""
        if text:  # A shell's lines are no Python.
            with contextlib.suppress(SyntaxError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                yield number - len(block), text
        block = []


@programs.needs_programs
@unittest.skipUnless(programs.redis_command(), "there is no redis-server")
class Documentation(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.redis = programs.Redis()
        cls.addClassCleanup(cls.redis.kill)
        cls.folder = os.path.join(programs._folder(), "documented")
        os.makedirs(cls.folder)
        for name, product in (("dress", 2), ("coat", 3)):
            shutil.copyfile(programs.picture(product), os.path.join(cls.folder, f"{name}.jpg"))
        with open(os.path.join(cls.folder, "token"), "w", encoding="utf-8") as file:
            file.write("a-token-of-enough-letters\n")
        # The catalogue is that of the sample, and the queue.
        index = os.path.join(cls.folder, "index")
        cls.indexer = programs.Program(
            os.path.join(programs.BIN, "vitrine-indexer"), f"--catalog={programs.sample()}",
            f"--queue={cls.redis.url('catalogue')}", f"--index={index}")
        cls.addClassCleanup(cls.indexer.kill)
        cls.server = programs.Server(index)
        cls.addClassCleanup(cls.server.kill)

        def has_all() -> bool:
            import vitrine
            with vitrine.Client(cls.server.address) as client:
                try:
                    return client.describe().products >= programs.PRODUCTS
                except vitrine.Unavailable:
                    return False
        programs.eventually(has_all, 120)

    def _run(self, page: str) -> str:
        names: dict = {}
        said = io.StringIO()
        with contextlib.redirect_stdout(said), warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            for line, text in _blocks(page):
                text = text.replace("localhost:50051", self.server.address)
                text = text.replace("redis://localhost/catalogue", self.redis.url("catalogue"))
                text = "\n" * line + text
                code = compile(text, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                result = eval(code, names)  # noqa: S307
                if inspect.iscoroutine(result):
                    async def finish(coroutine=result):
                        await coroutine
                    asyncio.run(finish())
        for name in ("client", "catalog"):
            if name in names:
                names[name].close()
        return said.getvalue()

    def test_each_block_runs(self):
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        said = self._run("docs/python.md")
        self.assertIn("UNKNOWN_PRODUCT examples[0].product_id", said)
        self.assertIn(f"{programs.PRODUCTS} products,", said)
        self.assertRegex(said, r"dress.jpg \['")
        self.assertTrue(os.path.getsize(os.path.join(self.folder, "answer.png")))
        self._run("clients/python/README.md")

    def test_there_are_blocks_to_run(self):
        self.assertGreater(len(list(_blocks("docs/python.md"))), 9)
        self.assertEqual(len(list(_blocks("clients/python/README.md"))), 1)


if __name__ == "__main__":
    unittest.main()
