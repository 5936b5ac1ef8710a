"""Searches with faiss and usearch for vitrine-bench, which starts this program.

    opponents.py LIBRARY ROWS QUERIES DIM K M...

ROWS and QUERIES are files of float32, a vector after the other, of unit length.
For each way of the library to search, at each M, an index of the rows is built
on all cores. Each is told by a line of JSON with its name and what it took, as
it is ready; an empty line ends them. Then each line "NUMBER EF" of the input
has that index answer all queries, on one thread that is kept to one core: by
one call, which spares the library what Python would cost it a query. The answer
is a line of JSON with the seconds of CPU time, then K row numbers a query as int32.
"""

import json
import os
import sys
import time

import numpy as np

EF_CONSTRUCTION = 200


class Side:
    """An index that is being compared: its name and how it answers."""

    def __init__(self, name, index, search):
        self.name = name
        self.index = index
        self.search = search  # (queries, ef) -> rows of shape [N, K]


def faiss_sides(rows, k, ms):
    """HNSW over float32, float16 and 8-bit codes; the codes also re-ranked."""
    import faiss

    dim = rows.shape[1]
    level = faiss.SIMDConfig.get_level_name() if hasattr(faiss, "SIMDConfig") else "?"
    version = f"faiss {faiss.__version__} ({level})"

    def graph_search(index, hnsw):
        def search(queries, ef):
            faiss.omp_set_num_threads(1)
            hnsw.efSearch = ef
            return index.search(queries, k)[1]

        return search

    inner_product = faiss.METRIC_INNER_PRODUCT
    kinds = [
        ("HNSWFlat", None),
        ("HNSWSQ fp16", faiss.ScalarQuantizer.QT_fp16),
        ("HNSWSQ 8-bit", faiss.ScalarQuantizer.QT_8bit),
    ]
    for m in ms:
        for kind, quantizer in kinds:
            if quantizer is None:
                index = faiss.IndexHNSWFlat(dim, m, inner_product)
            else:
                index = faiss.IndexHNSWSQ(dim, quantizer, m, inner_product)
            index.hnsw.efConstruction = EF_CONSTRUCTION
            faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
            index.train(rows)
            index.add(rows)
            yield Side(f"{version} {kind}, M {m}", index, graph_search(index, index.hnsw))
            if kind == "HNSWSQ 8-bit":
                refined = faiss.IndexRefineFlat(index, faiss.swig_ptr(rows))
                refined.k_factor = 2
                yield Side(
                    f"{version} {kind} with RefineFlat, M {m}",
                    refined,
                    graph_search(refined, index.hnsw),
                )


def usearch_sides(rows, k, ms):
    """Its HNSW over each of the types that it knows for such vectors."""
    import usearch
    from usearch.index import Index

    keys = np.arange(len(rows))
    # It takes int8 as it is given: of unit vectors only a part of the range
    # would be used.
    scale = 127 / float(np.quantile(np.abs(rows[:: max(1, len(rows) // 1000)]), 0.9999))

    def as_int8(vectors):
        return np.clip(np.rint(vectors * scale), -127, 127).astype(np.int8)

    for m in ms:
        for dtype in ("f32", "f16", "bf16", "i8"):
            index = Index(
                ndim=rows.shape[1],
                metric="ip",
                dtype=dtype,
                connectivity=m,
                expansion_add=EF_CONSTRUCTION,
            )
            cast = as_int8 if dtype == "i8" else lambda vectors: vectors
            index.add(keys, cast(rows))

            def search(queries, ef, index=index, cast=cast):
                index.expansion_search = ef
                return index.search(cast(queries), k, threads=1).keys

            name = f"usearch {usearch.__version__} ({index.hardware_acceleration})"
            yield Side(f"{name} {dtype}, M {m}", index, search)


def pin_to_one_core():
    """Keeps every thread of this process on the core that vitrine-bench uses."""
    core = max(os.sched_getaffinity(0))
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {core})


def main():
    library, rows, queries, dim, k, *ms = sys.argv[1:]
    dim, k = int(dim), int(k)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What the libraries say is no answer.

    def say(message):
        out.write((json.dumps(message) if message else "").encode() + b"\n")
        out.flush()

    rows = np.fromfile(rows, np.float32).reshape(-1, dim)
    queries = np.fromfile(queries, np.float32).reshape(-1, dim)
    sides = []
    begin = time.perf_counter()
    for side in {"faiss": faiss_sides, "usearch": usearch_sides}[library](
        rows, k, [int(m) for m in ms]
    ):
        sides.append(side)
        say({"name": side.name, "build_s": time.perf_counter() - begin})
        begin = time.perf_counter()
    say(None)
    pin_to_one_core()
    for line in sys.stdin:
        number, ef = map(int, line.split())
        begin = time.process_time()
        found = sides[number].search(queries, ef)
        seconds = time.process_time() - begin
        say({"seconds": seconds})
        out.write(np.ascontiguousarray(found).astype(np.int32).tobytes())
        out.flush()


if __name__ == "__main__":
    main()
