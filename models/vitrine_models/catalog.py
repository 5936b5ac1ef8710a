"""Reads a labelled catalogue: images.csv (image, sender_id, label, ...) beside images/."""

import collections
import csv
import dataclasses
import os
import random
from typing import Iterable, List

# Labels of the clothing data set that name no class of garment.
NO_CLASS = frozenset(("Not sure", "Skip", "Other"))


@dataclasses.dataclass(frozen=True)
class Photo:
    name: str
    path: str
    sender: str
    label: str

    @property
    def classed(self) -> bool:
        """Whether the label names a class, so that the photo may count in quality figures."""
        return self.label not in NO_CLASS


def read(directory: str) -> List[Photo]:
    """The photos of a catalogue in the file's order. Raises ValueError where it is not one."""
    table = os.path.join(directory, "images.csv")
    if not os.path.isfile(table):
        raise ValueError(f"{directory} has no images.csv (columns image, sender_id, label)")
    with open(table, newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        missing = {"image", "sender_id", "label"} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{table} lacks the column {', '.join(sorted(missing))}")
        photos = [
            Photo(row["image"], os.path.join(directory, "images", row["image"] + ".jpg"),
                  row["sender_id"], row["label"]) for row in rows
        ]
    photos = [photo for photo in photos if os.path.isfile(photo.path)]
    if not photos:
        raise ValueError(f"{table} names no picture that lies in {directory}/images")
    return photos


def pick_validation_senders(photos: List[Photo], share: float, seed: int) -> List[str]:
    """Senders drawn by `seed` that hold at most `share` of the photos, in the order of their ids.

    A sender with a fifth of that share or more is passed over: cross-sender figures of a few
    large senders would say little.
    """
    def by_id(sender: str):
        return len(sender), sender

    count = collections.Counter(photo.sender for photo in photos)
    senders = sorted(count, key=by_id)
    random.Random(seed).shuffle(senders)
    limit = share * len(photos)
    picked, held = [], 0
    for sender in senders:
        if count[sender] < limit / 5 and held + count[sender] <= limit:
            picked.append(sender)
            held += count[sender]
    return sorted(picked, key=by_id)


def read_senders(path: str) -> List[str]:
    with open(path, encoding="utf-8") as lines:
        return [line.strip() for line in lines if line.strip()]


def write_senders(path: str, senders: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(sender + "\n" for sender in senders)
