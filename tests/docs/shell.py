"""A folder as the pages take it for given, and their commands run there by a shell."""

import atexit
import csv
import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Dict, List, Sequence

import pages

sys.path.insert(0, os.path.join(pages.ROOT, "clients", "python"))
from tests import programs  # noqa: E402

CACHE = os.path.join(pages.ROOT, "build", "docs")  # what is slow to make, such as stubs
_PATIENCE_S = 1200  # against hanging alone; a busy machine takes what it takes
_CATEGORIES = {"Dresses": "Dress", "Tops": "Shirt", "Tshirts": "Shirt", "Handbags": "Bag",
               "Blazers": "Coat", "Jackets": "Coat"}
_CERTIFICATES = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key \
  -out ca.crt -subj /CN=docs
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key \
  -out server.csr -subj /CN=localhost
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
  -out server.crt -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
chmod 600 server.key
"""


def _run(command: Sequence[str], cwd: str) -> None:
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{shlex.join(command)}\n{done.stdout}")


def _write(path: str, text: str, mode: int = 0o644) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


@functools.lru_cache(None)
def _template() -> str:
    """Photos with prices, brands and the ids of the pages, an index of them, loose pictures,
    a token and certificates."""
    folder = tempfile.mkdtemp(prefix="vitrine-docs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    drawn = os.path.join(folder, "drawn")
    _run([os.path.join(programs.BIN, "vitrine"), "sample", f"--out={drawn}", "--products=24",
          "--seed=7"], folder)
    photos = os.path.join(folder, "photos")
    os.makedirs(photos)
    lines = []
    with open(os.path.join(drawn, "styles.csv"), encoding="utf-8", newline="") as table:
        for number, row in enumerate(csv.DictReader(table)):
            # The dress is what the pages ask for.
            id = {"2": "1163", "3": "1164"}.get(row["id"], row["id"])
            os.rename(os.path.join(drawn, "images", row["id"] + ".jpg"),
                      os.path.join(photos, f"{id}_front.jpg"))
            attributes = {name: row[name] for name in ("gender", "baseColour", "season", "usage")}
            attributes.update(colour=row["baseColour"], price=20.0 + 5 * number,
                              brand=row["productDisplayName"].split()[0])
            lines.append({"id": id, "title": row["productDisplayName"],
                          "category": _CATEGORIES.get(row["articleType"], row["articleType"]),
                          "attributes": attributes, "images": [f"{id}_front.jpg"]})
    _write(os.path.join(photos, "products.jsonl"),
           "".join(json.dumps(line) + "\n" for line in lines))
    shutil.rmtree(drawn)
    os.makedirs(os.path.join(folder, "more-photos"))
    for name, id in (("dress", "1163"), ("some-dress", "1163"), ("outfit", "1164"), ("a", "4"),
                     ("coat", "5"), ("front", "6"), ("more-photos/one", "7"),
                     ("more-photos/two", "8")):
        shutil.copyfile(os.path.join(photos, f"{id}_front.jpg"),
                        os.path.join(folder, f"{name}.jpg"))
    _write(os.path.join(folder, "token"), "a-token-of-enough-letters-for-all\n", 0o600)
    _write(os.path.join(folder, "tokens"), "admin a-token-of-enough-letters-for-all docs\n", 0o600)
    _run(["bash", "-euc", _CERTIFICATES], folder)
    _run([os.path.join(programs.BIN, "vitrine-indexer"), f"--catalog={photos}",
          f"--index={folder}/photos-index", "--once"], folder)
    return folder


class Page:
    """A scratch folder that looks like the top of a clone, with what `_template` has.

    What the pages name by fixed ports and outside of the home folder is put in its place.
    """

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="vitrine-page-")
        self.folder = self._temporary.name
        shutil.copytree(_template(), self.folder, dirs_exist_ok=True)
        for name in ("clients", "models", "proto", "server", "docs", "dev"):
            os.symlink(os.path.join(pages.ROOT, name), os.path.join(self.folder, name))
        os.makedirs(os.path.join(self.folder, "build"))
        os.makedirs(os.path.join(CACHE, "examples"), exist_ok=True)
        os.symlink(programs.BIN, os.path.join(self.folder, "build", "bin"))
        # CMake builds in no folder that was another's.
        shutil.rmtree(os.path.join(CACHE, "examples", "cpp"), ignore_errors=True)
        os.symlink(os.path.join(CACHE, "examples"), os.path.join(self.folder, "build", "examples"))
        for place in ("var/tmp", "var/cache", "mnt/backup", "mnt/nfs", "etc/vitrine", "opt", ".logs"):
            os.makedirs(os.path.join(self.folder, place))
        self.redis = programs.Redis()
        self._ports: Dict[str, str] = {"6379": str(self.redis.port)}

    def close(self) -> None:
        self.redis.kill()
        self._temporary.cleanup()

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _port(self, documented: str) -> str:
        return self._ports.setdefault(documented, str(programs.free_port()))

    def _placed(self, text: str) -> str:
        text = re.sub(r"redis://localhost/", f"redis://127.0.0.1:{self.redis.port}/", text)
        text = re.sub(r"\bredis\.Redis\(\)", f"redis.Redis(port={self.redis.port})", text)
        # Machines of examples are this one, each by a port of its own.
        text = re.sub(r"\b(10\.0\.0\.\d+:\d+)", lambda at: "127.0.0.1:" + self._port(at[1]), text)
        text = re.sub(r"\b(search|gallery)\.example\b", "localhost", text)
        text = re.sub(r"///search:", "///localhost:", text)
        text = re.sub(r"\b(127\.0\.0\.1|localhost|0\.0\.0\.0)([: ])(50051|6379|8080|909[0-9])\b",
                      lambda at: at[1] + at[2] + self._port(at[3]), text)
        return re.sub(r"(?<![\w.$}/-])/(var|mnt|etc|opt)/", rf"{self.folder}/\1/", text)

    def environment(self) -> Dict[str, str]:
        home = os.path.expanduser("~")
        return {
            **os.environ,
            # Caches of tools stay where they are.
            "GOPATH": os.environ.get("GOPATH", f"{home}/go"),
            "GOCACHE": os.environ.get("GOCACHE", f"{home}/.cache/go-build"),
            "npm_config_cache": f"{home}/.npm", "npm_config_userconfig": f"{home}/.npmrc",
            "CCACHE_DIR": os.environ.get("CCACHE_DIR", f"{home}/.cache/ccache"),
            **({"CMAKE_CXX_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}),
            # pip installs with Debian's libraries and asks no registry.
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_TARGET": f"{self.folder}/site",
            "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0",
            "PYTHONPATH": f"{self.folder}/site",
            "HOME": self.folder,
            "PATH": os.pathsep.join([programs.BIN, os.path.join(CACHE, "bin"), "/usr/bin",
                                     os.environ["PATH"], "/usr/local/go/bin"]),
            "VITRINE_SERVER": "127.0.0.1:" + self._port("50051"),
            "GALLERY_PORT": self._port("8080"),
            "REDIS_PORT": str(self.redis.port),
            "LOGS": os.path.join(self.folder, ".logs"),
            "PRELUDE": os.path.join(pages.ROOT, "tests", "docs", "prelude.sh"),
        }

    def run(self, blocks: List[pages.Block], last: str = "") -> Dict[str, str]:
        """Runs them one after the other in one shell, and then `last`; returns what each said
        by its place, or fails with what the one that failed has said."""
        script = ['. "$PRELUDE"']
        for block in blocks:
            commands = block.text
            if block.kind == "python":
                commands = f"/usr/bin/python3 - <<'END_OF_PYTHON'\n{block.text}\nEND_OF_PYTHON"
            script += [f"printf '\\1%s\\2' {shlex.quote(block.place)}",
                       self._placed(block.marks.get("first", "")), self._placed(commands)]
        script += ["printf '\\1%s\\2' last", last, "end_page", "printf '\\1done\\2'"]
        log = os.path.join(self.folder, ".logs", "shell")
        with open(log, "wb") as file, subprocess.Popen(
                ["bash", "-c", "\n".join(script)], cwd=self.folder, env=self.environment(),
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                start_new_session=True) as shell:
            try:
                shell.wait(timeout=_PATIENCE_S)
            except BaseException:  # An interruption, too, leaves no daemon behind.
                os.killpg(shell.pid, signal.SIGKILL)
                if not isinstance(sys.exc_info()[1], subprocess.TimeoutExpired):
                    raise
        with open(log, encoding="utf-8", errors="replace") as file:
            output = file.read()
        said = dict(re.findall(r"\x01(.*?)\x02([^\x01]*)", output))
        if shell.returncode or "done" not in said:
            place = list(said)[-1] if said else "the prelude"
            raise AssertionError(f"{place} ended with {shell.returncode}:\n"
                                 f"{said.get(place, output)}")
        return said
