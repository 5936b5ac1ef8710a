"""The real programs, started by tests and stopped by their process ids."""

import atexit
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from typing import Any, Callable, List, Optional

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__)))))
BIN = os.environ.get("VITRINE_BIN") or os.path.join(_ROOT, "build", "bin")
_NAMES = ("vitrine", "vitrine-pictures", "vitrine-indexer", "vitrine-server")
HAS_PROGRAMS = all(os.path.isfile(os.path.join(BIN, name)) for name in _NAMES)
needs_programs = unittest.skipUnless(HAS_PROGRAMS, "the programs are not built: ./dev build")
PRODUCTS = 90


def eventually(holds: Callable[[], Any], seconds: float = 30) -> Any:
    """Asks over and over until the answer is true, and returns that; fails after a while."""
    end = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not so after {seconds} s")
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Program:
    """A program that runs beside the tests, its words in a file."""

    def __init__(self, *command: str):
        self._log = tempfile.NamedTemporaryFile(prefix="vitrine-test-", suffix=".log")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log,
                                        stderr=subprocess.STDOUT)
        atexit.register(self.kill)

    def said(self) -> str:
        with open(self._log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def await_word(self, word: str) -> str:
        """All that it has said, once it has said the word."""
        def heard() -> Optional[str]:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.said()}")
            said = self.said()
            return said if word in said else None
        return str(eventually(heard))

    def stop(self) -> int:
        """Asks it to end, and returns its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Server(Program):

    def __init__(self, index: str, *flags: str, port: int = 0):
        super().__init__(os.path.join(BIN, "vitrine-server"), f"--index={index}",
                         f"--listen=127.0.0.1:{port}", *flags)
        said = self.await_word("listening on ")
        self.address = said.split("listening on ")[1].split()[0].rstrip(",;.")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@functools.lru_cache(None)
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="vitrine-python-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache(None)
def sample() -> str:
    """A catalogue of drawn garments; its pictures are images/ID.jpg."""
    folder = os.path.join(_folder(), "sample")
    run(os.path.join(BIN, "vitrine"), "sample", f"--out={folder}", f"--products={PRODUCTS}",
        "--seed=7")
    return folder


def picture(product: int = 1) -> str:
    return os.path.join(sample(), "images", f"{product}.jpg")


@functools.lru_cache(None)
def index() -> str:
    """The index of the sample."""
    folder = os.path.join(_folder(), "index")
    run(os.path.join(BIN, "vitrine-indexer"), f"--catalog={sample()}", f"--index={folder}",
        "--once")
    return folder


@functools.lru_cache(None)
def server() -> Server:
    """A server of that index, for all tests that leave it as it is."""
    return Server(index())


def has_flag(program: str, flag: str) -> bool:
    done = subprocess.run([os.path.join(BIN, program), "--help"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return f"--{flag}=" in done.stdout


def redis_command() -> List[str]:
    found = shutil.which("redis-server")
    return [found] if found else []


class Redis(Program):

    def __init__(self, *flags: str):
        self.port = free_port()
        super().__init__(*redis_command(), "--port", str(self.port), "--bind", "127.0.0.1",
                         "--save", "", "--appendonly", "no", "--dir", _folder(),
                         *flags)
        self.await_word("Ready to accept connections")

    def url(self, stream: str) -> str:
        return f"redis://127.0.0.1:{self.port}/{stream}"


def scratch(test: unittest.TestCase) -> str:
    """A folder that goes with the test."""
    folder = tempfile.TemporaryDirectory(prefix="vitrine-python-")
    test.addCleanup(folder.cleanup)
    return folder.name
