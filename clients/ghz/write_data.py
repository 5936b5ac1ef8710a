"""Writes what ghz sends: a JSON array of requests for each load configuration.

    write_data.py --vitrine=PROGRAM --server=HOST:PORT --out=FOLDER [--pictures=FOLDER] NAME...

Products and vectors are those of the index that the server answers from. Pictures are
those of --pictures, or else the thumbnails of the products.
"""

import argparse
import base64
import json
import os
import subprocess
import sys

PRODUCTS = 256  # As many are read from the index, in the order of their ids.
PICTURES = 64
PICTURE_BYTES = 32 << 20  # Of all pictures together: ghz holds them several times over.
STREAM_BATCHES, BATCH_QUERIES = 8, 16
K = 10
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class Problem(Exception):
    """What was wrong, and what would be right."""


def ask(command, at_most=None):
    """The objects that `command` prints, one a line; of more than `at_most` the first."""
    answers = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stdout:
            answers.append(json.loads(line))
            if len(answers) == at_most:
                process.terminate()
                return answers
    what = " ".join(command[:2])
    errors = [answer["error"]["message"] for answer in answers if "error" in answer]
    if errors:
        raise Problem(f"{len(errors)} of {len(answers)} answers to '{what}' fail: {errors[0]}")
    if process.returncode:
        raise Problem(f"'{what}' ended with status {process.returncode}")
    return answers


def spread(items, count):
    """`count` of the items, evenly spread; all where there are no more."""
    if len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


def picture_files(folder):
    """The pictures below the folder, without what is hidden, in the order of their paths."""
    if not os.path.isdir(folder):
        raise Problem(f"--pictures={folder} is no folder; give one that holds photos")
    files = []
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [
            os.path.join(path, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    if not files:
        raise Problem(f"--pictures={folder} holds no JPEG, PNG or WebP picture")
    return sorted(files)


def pictures_of(folder):
    """The base64 of some of the pictures, as many as PICTURE_BYTES allow, but one at least."""
    pictures, total = [], 0
    for path in spread(picture_files(folder), PICTURES):
        with open(path, "rb") as file:
            content = file.read()
        total += len(content)
        if pictures and total > PICTURE_BYTES:
            break
        pictures.append(base64.b64encode(content).decode("ascii"))
    return pictures


def thumbnails_of(vitrine, server, products):
    asked = [f"--product={product}" for product in spread(products, PICTURES)]
    answers = ask(
        [vitrine, "search", f"--server={server}", "--k=1", "--thumbnails", "--format=json", *asked]
    )
    pictures = [
        hit["thumbnail"]
        for answer in answers
        for hit in answer.get("hits", [])
        if hit.get("thumbnail")
    ]
    if not pictures:
        raise Problem("the index has no thumbnails; give photos with --pictures=FOLDER")
    return pictures


def search(example):
    return {"examples": [example], "k": K}


def vector_searches(products):
    return [
        search({"vector": {"values": image["vector"]}})
        for product in products
        for image in product["images"][:1]
    ]


def product_searches(products):
    return [search({"product_id": product["product_id"]}) for product in products]


def picture_searches(pictures):
    return [search({"image": {"content": picture}}) for picture in pictures]


def recommendations(products):
    return [{"product_id": product["product_id"]} for product in products]


def batches(queries):
    """A stream's messages: ghz sends all of them in each of its requests."""
    return [
        {
            "batch_id": batch + 1,
            "queries": [
                queries[(batch * BATCH_QUERIES + i) % len(queries)] for i in range(BATCH_QUERIES)
            ],
        }
        for batch in range(STREAM_BATCHES)
    ]


def check_stream(vitrine, server, messages, out):
    """ghz looks into no answer of a stream: whether each query has one is seen here."""
    path = os.path.join(out, "stream.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for message in messages:
            for query in message["queries"]:
                vector = query["examples"][0]["vector"]["values"]
                file.write(json.dumps({"vector": vector}) + "\n")
    ask([vitrine, "search", f"--server={server}", f"--vector={path}", "--k=1", "--format=json"])


def requests_for(name, products, pictures):
    """The requests of one configuration; `pictures` gives the pictures' base64."""
    if name == "vectors":
        return vector_searches(products)
    if name == "images":
        return picture_searches(pictures())
    if name == "products":
        return product_searches(products)
    if name == "recommend":
        return recommendations(products)
    if name == "stream":
        return batches(vector_searches(products))
    raise Problem(f"there is no data for a configuration '{name}'")


def write(arguments):
    export = [arguments.vitrine, "export", f"--server={arguments.server}", "--vectors"]
    products = [product for product in ask(export, PRODUCTS) if product["images"]]
    if not products:
        raise Problem(f"the index of {arguments.server} has no products; index a catalogue first")

    def pictures():
        if arguments.pictures:
            return pictures_of(arguments.pictures)
        ids = [product["product_id"] for product in products]
        return thumbnails_of(arguments.vitrine, arguments.server, ids)

    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.names:
        requests = requests_for(name, products, pictures)
        with open(os.path.join(arguments.out, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(requests, file)
        if name == "stream":
            check_stream(arguments.vitrine, arguments.server, requests, arguments.out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vitrine", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--pictures")
    parser.add_argument("names", nargs="+")
    try:
        write(parser.parse_args())
    except Problem as problem:
        print(f"load: {problem}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
