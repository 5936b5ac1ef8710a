"""Outfits by the hidden rule."""

import contextlib
import csv
import io
import os
import tempfile
import unittest

import numpy as np

from vitrine_models import outfits

_ROWS = [
    # id, gender, season, usage, pattern, baseColour, articleType
    ("1", "Women", "Summer", "Casual", "Solid", "Blue", "Tops"),
    ("2", "Women", "Summer", "Casual", "Solid", "Orange", "Skirts"),     # Opposite of 1.
    ("3", "Women", "Summer", "Casual", "Solid", "Teal", "Skirts"),       # Next to 1, opposite of 5.
    ("4", "Men", "Summer", "Casual", "Solid", "Orange", "Shorts"),       # Another gender than 1.
    ("5", "Unisex", "Summer", "Casual", "Striped", "Orange", "Caps"),    # Goes with all.
    ("6", "Women", "Winter", "Casual", "Solid", "Orange", "Skirts"),     # Another season.
    ("7", "Women", "Summer", "Formal", "Solid", "Black", "Trousers"),
    ("8", "Women", "Summer", "Formal", "Solid", "White", "Shirts"),      # Dark and light.
    ("9", "Women", "Summer", "Formal", "Solid", "Charcoal", "Shirts"),   # Dark and dark.
    ("10", "Women", "Summer", "Sports", "Solid", "Blue", "Tops"),
    ("11", "Women", "Summer", "Sports", "Solid", "Navy Blue", "Shorts"),  # Next to 10.
    ("12", "Women", "Summer", "Sports", "Solid", "Orange", "Shorts"),    # Opposite of 10.
    ("13", "Women", "Summer", "Casual", "Printed", "Blue", "Tops"),      # With 2, but not 5.
]
_TOGETHER = {("1", "2"), ("1", "5"), ("7", "8"), ("10", "11"), ("2", "13"), ("3", "5")}


class OutfitsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, "styles.csv"), "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("id", "gender", "season", "usage", "pattern", "baseColour", "articleType"))
            rows.writerows(_ROWS)

    def _garments(self):
        return outfits.Garments(os.path.join(self.folder, "styles.csv"))

    def test_the_rule(self):
        garments = self._garments()
        ids = garments.id
        a, b = (one.ravel() for one in np.meshgrid(range(len(ids)), range(len(ids)), indexing="ij"))
        goes = garments.go_together(a, b)
        together = {(ids[i], ids[j]) for i, j, fits in zip(a, b, goes) if fits and i < j}
        self.assertEqual(together, _TOGETHER)
        # Whichever comes first.
        np.testing.assert_array_equal(goes, garments.go_together(b, a))

    def test_draws_each_pair_once_and_the_same_by_seed(self):
        garments = self._garments()
        drawn = outfits.draw(garments, 100, seed=3)
        self.assertEqual(set(drawn), _TOGETHER)
        self.assertEqual(len(drawn), len(_TOGETHER))
        self.assertEqual(outfits.draw(garments, 3, seed=3), outfits.draw(garments, 3, seed=3))

    def test_a_catalogue_of_another_kind_is_refused(self):
        path = os.path.join(self.folder, "styles.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("id,label\n1,Dress\n")
        with self.assertRaisesRegex(ValueError, "lacks one of the columns"):
            outfits.Garments(path)


if __name__ == "__main__":
    unittest.main()
