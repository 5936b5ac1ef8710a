"""How many searches a second Python gets over a stream, beside the command `vitrine`.

    python3 benchmarks/stream_ratio.py --server=127.0.0.1:50051 --bin=../../build/bin

Both ask the same server the same queries: products of the index, and vectors of their pictures.
They take turns, each as a process of its own, and medians are compared. The command prints its
answers as JSON, into nothing; Python looks at the id and score of each hit. Vectors are in the form
that each takes best, JSON lines and an array. The command is timed as a whole, Python from the
moment at which the package is loaded. On a busy machine the processor's time, which is that of all
of both processes, says more.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, Tuple


def _ask(server: str, kind: str, path: str, k: int) -> None:
    """What the process for Python does; it says how many seconds that took."""
    import numpy as np

    import vitrine

    begun = time.perf_counter()
    def queries():
        if kind == "vectors":
            yield from map(vitrine.Vector, np.load(path + ".npy"))
            return
        with open(path, encoding="utf-8") as lines:
            yield from (vitrine.Product(json.loads(line)) for line in lines)

    hits, total = 0, 0.0
    with vitrine.Client(server) as client:
        for query, results in client.search_many(queries(), k=k):
            if isinstance(results, vitrine.Error):
                raise SystemExit(f"{query}: {results}")
            for hit in results:
                hits += bool(hit.product_id)
                total += hit.score
    print(f"{hits} hits, mean score {total / max(1, hits):.3f}")
    print(time.perf_counter() - begun)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _seconds(command: List[str], tells: bool) -> Tuple[float, float]:
    """How long it took, and how much of the processor's time."""
    begun, cpu = time.perf_counter(), _cpu_seconds()
    done = subprocess.run(command, stdout=subprocess.PIPE if tells else subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, text=True)
    if done.returncode:
        raise SystemExit(f"{command[:3]}… failed: {done.stderr[-2000:]}")
    seconds = float(done.stdout.split()[-1]) if tells else time.perf_counter() - begun
    return seconds, _cpu_seconds() - cpu


def _compare(arguments: argparse.Namespace, kind: str, given: List, folder: str) -> float:
    path = os.path.join(folder, f"{kind}.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(arguments.queries):
            file.write(json.dumps(given[number % len(given)]) + "\n")
    if kind == "vectors":
        import numpy as np
        rows = np.array(given, np.float32)
        np.save(path + ".npy", rows[np.arange(arguments.queries) % len(rows)])
    command = [os.path.join(arguments.bin, "vitrine"), "search", f"--server={arguments.server}",
               "--format=json", f"--k={arguments.k}"]
    if kind == "products":
        command += [f"--product={given[number % len(given)]}"
                    for number in range(arguments.queries)]
    else:
        command += [f"--vector={path}"]
    python = [sys.executable, os.path.abspath(__file__), f"--server={arguments.server}",
              f"--k={arguments.k}", f"--ask={kind}", f"--from={path}"]
    sides: Dict[str, List[float]] = {"vitrine": [], "python": []}
    cpu: Dict[str, List[float]] = {"vitrine": [], "python": []}
    for turn in range(arguments.rounds + 1):
        for side, one in (("vitrine", command), ("python", python)):
            seconds, of_cpu = _seconds(one, side == "python")
            if turn:  # The first is to warm up.
                sides[side].append(arguments.queries / seconds)
                cpu[side].append(1e6 * of_cpu / arguments.queries)
    medians = {side: statistics.median(rates) for side, rates in sides.items()}
    ratio = medians["python"] / medians["vitrine"]
    shown = ", ".join(
        f"{side} {medians[side]:,.0f}/s ({' '.join(f'{rate:,.0f}' for rate in rates)})"
        for side, rates in sides.items())
    of_cpus = ", ".join(f"{side} {statistics.median(each):.0f}" for side, each in cpu.items())
    print(f"{kind}: {shown}; python / vitrine {ratio:.2f}; µs of the processor a query: {of_cpus}",
          flush=True)
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:50051")
    parser.add_argument("--bin", default=os.environ.get("VITRINE_BIN", "../../build/bin"))
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--least", type=float, default=0.0, help="fail where a ratio is less")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--from", dest="path", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        _ask(arguments.server, arguments.ask, arguments.path, arguments.k)
        return
    import google.protobuf
    import grpc

    import vitrine
    with vitrine.Client(arguments.server) as client:
        index = client.describe()
        products = [one for _, one in zip(range(arguments.queries),
                                          client.list_products(vectors=True))]
    print(f"{index.images} pictures of {index.products} products; grpcio {grpc.__version__}, "
          f"protobuf {google.protobuf.__version__}, Python {sys.version.split()[0]}")
    vectors = [one.images[0].vector.tolist() for one in products if one.images]
    with tempfile.TemporaryDirectory() as folder:
        ratios = [_compare(arguments, "products", [one.product_id for one in products], folder),
                  _compare(arguments, "vectors", vectors, folder)]
    if min(ratios) < arguments.least:
        raise SystemExit(f"{min(ratios):.2f} is less than {arguments.least}")


if __name__ == "__main__":
    main()
