"""What the notebooks ask: a catalogue, its index, and a server of that which ends with the notebook.

By default that is a catalogue of drawn garments. Of the environment:

    VITRINE_CATALOG=DIR     your photos in its place, which are only read
    VITRINE_SERVER=ADDRESS  a server that runs already: nothing is indexed, nothing started
    VITRINE_BIN=DIR         the programs; else build/bin of this clone, else those on the PATH
    VITRINE_NOTEBOOKS=DIR   where samples, indexes and models are kept (build/notebooks)
    VITRINE_SAMPLE=N        how many garments are drawn (300)
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

import vitrine

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
_PROGRESS = re.compile(r"\d+/\d+, .*/s, ")
_PROGRESS_SECONDS = 20
_FIRST_NEW_ID = 100_001  # No sample catalogue is as large.


def home() -> Path:
    """The folder in which all that is made lies."""
    folder = Path(os.environ.get("VITRINE_NOTEBOOKS") or ROOT / "build" / "notebooks").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def program(name: str) -> str:
    """The path of one of Vitrine's programs."""
    places = [os.environ.get("VITRINE_BIN") or ROOT / "build" / "bin", os.environ.get("PATH")]
    for place in places:
        found = shutil.which(name, path=str(place)) if place else None
        if found:
            return found
    raise FileNotFoundError(f"there is no {name}: build it with ./dev build, install the package, "
                            "or name the folder of the programs in VITRINE_BIN")


def run(*command: object, quiet: bool = False, **environment: str) -> str:
    """Runs a program of Vitrine's, or another, to its end; shows what it says, and returns it."""
    words = [str(word) for word in command]
    if words[0].startswith("vitrine"):
        words[0] = program(words[0])
    said = []
    next_progress = time.monotonic() + _PROGRESS_SECONDS
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          env={**os.environ, **environment}) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said.append(line)
                if _PROGRESS.search(line):
                    if time.monotonic() < next_progress:
                        continue
                    next_progress = time.monotonic() + _PROGRESS_SECONDS
                if not quiet:
                    print(line, end="")
        except BaseException:  # An interrupted cell ends what it has begun.
            process.terminate()
            raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}:\n"
                           + "".join(said[-20:]))
    return "".join(said)


def models_command(verb: str, *arguments: object) -> str:
    """python -m vitrine_models VERB, with this interpreter."""
    # Threads that wait by turning would take the cores from each other.
    return run(sys.executable, "-m", "vitrine_models", verb, *arguments, OMP_WAIT_POLICY="PASSIVE",
               VITRINE_BIN=str(Path(program("vitrine-pictures")).parent),
               PYTHONPATH=os.pathsep.join(filter(None, [str(MODELS), str(home()),
                                                        os.environ.get("PYTHONPATH")])))


class Program:
    """A daemon, which ends with the notebook's kernel however that ends."""

    def __init__(self, name: str, *flags: str):
        self.log = home() / "log" / f"{name}-{os.getpid()}-{id(self)}.log"
        self.log.parent.mkdir(exist_ok=True)
        command = [program(name), *flags]
        if shutil.which("setpriv"):  # A kernel that is killed can stop nothing itself.
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        atexit.register(self.stop)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, what: str, seconds: float = 120) -> str:
        """All that it has said, once it has said this."""
        def heard() -> str:
            said = self.said()
            if what not in said and self.process.poll() is not None:
                raise RuntimeError(f"it ended with {self.process.returncode}: {self.said()}")
            return said if what in said else ""
        return wait(heard, f"no {what!r} in {self.log}", seconds)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.unlink(missing_ok=True)
        atexit.unregister(self.stop)


def wait(holds: Callable[[], object], otherwise: str, seconds: float = 300) -> object:
    """Asks until the answer is true, and returns that."""
    end = time.monotonic() + seconds
    while not (answer := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"{otherwise} after {seconds} s")
        time.sleep(0.05)
    return answer


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Two notebooks that want the same thing made wait for each other."""
    with open(home() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _draw(name: str, *flags: str) -> Path:
    folder = home() / name
    with _alone(name):
        # What is drawn already is not again.
        run("vitrine", "sample", f"--out={folder}", "--seed=7", *flags, quiet=True)
    return folder


def catalog() -> Path:
    """Your photos, or the drawn garments."""
    own = os.environ.get("VITRINE_CATALOG")
    if own:
        return Path(own).expanduser().resolve()
    count = int(os.environ.get("VITRINE_SAMPLE") or 300)
    return _draw(f"sample-{count}", f"--products={count}")


class Shop:
    """A server with its client. `with`, or close(), stops what was started for it."""

    def __init__(self, client: vitrine.Client, catalog: Optional[Path], index: Optional[Path],
                 server: Optional[Program]):
        self.client = client
        self.catalog = catalog
        """None where the server was there before."""
        self.index = index
        self._server = server

    def pictures(self, count: int = 12) -> list[Path]:
        """Pictures to ask with.

        For drawn garments these are others, drawn as those are, which the index does not have;
        else they are pictures of products here and there in the index.
        """
        if self._server and not os.environ.get("VITRINE_CATALOG"):
            folder = _draw(f"new-{count}", f"--products={count}", f"--start={_FIRST_NEW_ID}")
            return [folder / "images" / f"{_FIRST_NEW_ID + number}.jpg" for number in range(count)]
        products = list(self.client.list_products())
        folder = home() / "pictures" / hashlib.sha256(self.client.address.encode()).hexdigest()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for number, product in enumerate(products[::max(1, len(products) // count)][:count]):
            made.append(folder / f"{number}.jpg")
            made[-1].write_bytes(self.client.image(product))
        return made

    def close(self) -> None:
        self.client.close()
        if self._server:
            self._server.stop()

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(index: Path, photos: Optional[Path] = None) -> Shop:
    """A server of an index, at a free port of this machine."""
    server = Program("vitrine-server", f"--index={index}", "--listen=127.0.0.1:0",
                     "--require-index")
    said = server.wait_for("listening on ")
    address = said.split("listening on ")[1].split()[0].rstrip(",;.")
    return Shop(vitrine.Client(address), photos, index, server)


def open_shop(photos: Optional[Path] = None, model: Optional[Path] = None) -> Shop:
    """Indexes a catalogue, by default catalog(), with a model, by default Vitrine's; serves it.

    What is indexed already is not again. Where VITRINE_SERVER is set and neither is given, that
    server is asked.
    """
    address = os.environ.get("VITRINE_SERVER")
    if address and not photos and not model:
        return Shop(vitrine.Client(address), None, None, None)
    photos = photos or catalog()
    name = f"{photos.name}-{hashlib.sha256(f'{photos} {model}'.encode()).hexdigest()[:8]}"
    index = home() / "index" / name
    index.parent.mkdir(exist_ok=True)
    with _alone(name):
        run("vitrine-indexer", f"--catalog={photos}", f"--index={index}", "--once",
            *([f"--model={model}"] if model else []), quiet=True)
    return serve(index, photos)
