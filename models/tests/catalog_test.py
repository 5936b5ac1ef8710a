"""Catalogues as the reader lists them, their labels and their split."""

import contextlib
import io
import os
import shutil
import tempfile
import unittest
from unittest import mock

import numpy as np
from PIL import Image

from vitrine_models import catalog

try:
    catalog._program()
    _HAS_READER = True
except ValueError:
    _HAS_READER = False
_needs_reader = unittest.skipUnless(_HAS_READER, "vitrine-pictures is not built")

_LISTING = """\
{"catalog": "/pictures", "category_attribute": "label", "refused": 0, "problems": 0}
{"path": "a/1.jpg", "product_id": "1", "title": "", "category": "Hat", "attributes": {"sender_id": 148.0, "kids": false}}
{"path": "a/2.jpg", "product_id": "2", "title": "", "category": "Skip", "attributes": {"sender_id": 9.0, "size": 1.5}}
{"path": "b%E9%25E9.jpg", "product_id": "3", "title": "", "category": "", "attributes": {"fabric": ["wool", "silk"]}}
"""


class Listing(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "listing.jsonl")

    def _read(self, text: str = _LISTING):
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(text)
        return catalog.read(self.path)

    def test_gives_photos_with_product_sender_and_attributes(self):
        first, second, third = self._read()
        self.assertEqual((first.path, first.product_id), ("/pictures/a/1.jpg", "1"))
        self.assertEqual((first.sender, first.category, first.classed), ("148", "Hat", True))
        self.assertFalse(second.classed)
        self.assertEqual((third.sender, third.category, third.classed), (None, "", False))
        self.assertEqual(os.fsencode(third.path), b"/pictures/b\xe9%E9.jpg")

    def test_several_one_after_another_each_go_by_their_own_head(self):
        drawn = ('{"catalog": "/drawn", "category_attribute": "articleType", "refused": 0, "problems": 0}\n'
                 '{"path": "4.jpg", "product_id": "4", "title": "", "category": "Caps", "attributes": {}}\n')
        photos = self._read(_LISTING + drawn)
        self.assertEqual([photos[0].path, photos[3].path], ["/pictures/a/1.jpg", "/drawn/4.jpg"])
        self.assertEqual(catalog.labels(photos, "label"), ["Hat", None, None, None])
        self.assertEqual(catalog.labels(photos, "articleType"), [None, None, None, "Caps"])

    def test_labels_go_by_the_attributes_name(self):
        photos = self._read()
        self.assertEqual(catalog.labels(photos, "label"), ["Hat", None, None])
        self.assertEqual(catalog.labels(photos, "category"), ["Hat", None, None])
        self.assertEqual(catalog.labels(photos, "kids"), ["False", None, None])
        self.assertEqual(catalog.labels(photos, "sender_id"), ["148", "9", None])
        self.assertEqual(catalog.labels(photos, "size"), [None, "1.5", None])
        self.assertEqual(catalog.labels(photos, "fabric"), [None, None, "silk, wool"])

    def test_a_label_that_is_not_there_is_answered_with_those_that_are(self):
        with self.assertRaisesRegex(ValueError, "'colour'.*category, fabric, kids, label, sender_id"):
            catalog.labels(self._read(), "colour")

    def test_says_that_pictures_were_refused(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self._read(_LISTING.replace('"refused": 0', '"refused": 7'))
        self.assertRegex(said.getvalue(), "7 pictures are refused; `vitrine check /pictures`")

    def test_refuses_what_is_no_listing(self):
        for text in ("image,sender_id\na,1\n", "{}\n", "[1]\n", "", '{"catalog": "/p"}\n{}\n'):
            with self.assertRaisesRegex(ValueError, "nor a listing"):
                self._read(text)
        with self.assertRaisesRegex(ValueError, "no picture"):
            self._read(_LISTING.splitlines()[0])

    def test_without_the_program_it_says_what_to_build(self):
        with mock.patch.object(shutil, "which", return_value=None):
            with self.assertRaisesRegex(ValueError, "./dev build.*--format=jsonl"):
                catalog.read(os.path.dirname(self.path))


@_needs_reader
class Folder(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def _write(self, path: str, text: str = "") -> None:
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text:
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        else:
            Image.new("RGB", (40, 60), (200, 30, 30)).save(path)

    def test_clothing_has_sender_and_label(self):
        self._write("images.csv", "image,sender_id,label,kids\nb,148,T-Shirt,False\na,20,Hat,True\n")
        self._write("images/a.jpg")
        self._write("images/b.jpg")
        hat, shirt = catalog.read(self.root)
        self.assertEqual(hat.path, os.path.join(self.root, "images/a.jpg"))
        self.assertEqual((hat.product_id, hat.sender, hat.category), ("a", "20", "Hat"))
        self.assertEqual(catalog.labels([hat, shirt], "label"), ["Hat", "T-Shirt"])

    def test_fashion_has_any_column_and_several_pictures_a_product(self):
        self._write("styles.csv", "id,articleType,baseColour,productDisplayName\n"
                    "1,Tshirts,Blue,A tee, blue\n2,Heels,Red,Heels\n")
        for name in ("1.jpg", "1_2.jpg", "2.jpg"):
            self._write("images/" + name)
        photos = catalog.read(self.root)
        self.assertEqual([photo.product_id for photo in photos], ["1", "1", "2"])
        self.assertEqual(catalog.labels(photos, "baseColour"), ["Blue", "Blue", "Red"])
        self.assertEqual(catalog.labels(photos, "articleType"), ["Tshirts", "Tshirts", "Heels"])
        self.assertIsNone(photos[0].sender)

    def test_takes_the_indexers_flags(self):
        for name in ("SKU1_1.jpg", "SKU1_2.jpg", "SKU2_1.jpg"):
            self._write("drop/" + name)
        photos = catalog.read(self.root, layout="folders", product_pattern="^(SKU[0-9]+)_")
        self.assertEqual([photo.product_id for photo in photos], ["SKU1", "SKU1", "SKU2"])
        self.assertEqual(photos[0].category, "drop")
        with self.assertRaisesRegex(ValueError, "round"):
            catalog.read(self.root, layout="round")

    def test_leaves_out_what_the_indexer_refuses(self):
        self._write("drop/a.jpg")
        self._write("drop/b.jpg", "no picture")
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(len(catalog.read(self.root)), 1)
        self.assertIn("1 pictures are refused", said.getvalue())

    def test_a_folder_that_is_not_there_or_empty_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "nowhere"):
            catalog.read(os.path.join(self.root, "nowhere"))
        with self.assertRaisesRegex(ValueError, "no picture"):
            catalog.read(self.root)


def _photos(count: int, **attributes):
    return [catalog.Photo(f"{i}.jpg", f"p{i}", dict(attributes)) for i in range(count)]


class Split(unittest.TestCase):

    def _split(self, lines: str, photos):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as out:
            out.write(lines)
            out.flush()
            return catalog.read_split(out.name, photos, "here").tolist()

    def test_goes_by_sender_and_without_one_by_product(self):
        photos = _photos(2, sender_id=5.0) + _photos(3, sender_id=6.0)[2:] + _photos(4)[3:]
        self.assertEqual(self._split("5\n", photos), [True, True, False, False])
        self.assertEqual(self._split("6\np3\n", photos), [False, False, True, True])

    def test_needs_both_kinds(self):
        photos = _photos(2, sender_id=5.0)
        with self.assertRaisesRegex(ValueError, "none of the photos of here"):
            self._split("7\n", photos)
        with self.assertRaisesRegex(ValueError, "all of the photos of here"):
            self._split("5\n", photos)

    def test_without_senders_a_fifth_of_the_products_is_held_out_by_their_hash(self):
        # By sha256sum, "0" begins with 5feceb66ffc86f38, a multiple of 5; "1" with
        # 6b86b273ff34fce1, which leaves 3; and so on.
        self.assertEqual([i for i in range(20) if catalog.held_out(str(i))], [0, 7, 8, 9, 10, 19])
        validation = catalog.read_split(catalog.SPLIT_FILE, _photos(2000), "here")
        self.assertAlmostEqual(float(np.mean(validation)), 0.2, delta=0.03)

    def test_is_drawn_by_seed_and_keeps_its_share(self):
        photos = [photo for i in range(50) for photo in _photos(10, sender_id=str(i))]
        photos += _photos(500, sender_id="big")
        first = catalog.pick_validation_senders(photos, 0.2, seed=4)
        self.assertEqual(first, catalog.pick_validation_senders(photos, 0.2, seed=4))
        self.assertNotEqual(first, catalog.pick_validation_senders(photos, 0.2, seed=5))
        self.assertNotIn("big", first)
        self.assertEqual(sum(photo.sender in first for photo in photos), 200)
        with self.assertRaisesRegex(ValueError, "sender_id"):
            catalog.pick_validation_senders(_photos(3), 0.2, 1)


if __name__ == "__main__":
    unittest.main()
