"""What one can ask with, and what is refused before it is sent."""

import io
import os
import pathlib
import unittest

import numpy as np
from PIL import Image

import vitrine
from tests import programs
from vitrine import queries, requests
from vitrine.v1 import search_pb2


def _pixels(height: int = 7, width: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)


def _examples(query, **options) -> list:
    return list(requests.search(query, None, options).examples)


class Pictures(unittest.TestCase):

    def test_arrays_are_sent_without_loss(self):
        pixels = _pixels()
        for array in (pixels, pixels[:, ::-1], pixels[..., 0], np.dstack([pixels, pixels[..., 0]]),
                      pixels[..., :1]):
            content = _examples(array)[0].image.content
            image = Image.open(io.BytesIO(content))
            self.assertEqual(image.format, "PNG")
            np.testing.assert_array_equal(np.asarray(image), array.squeeze())

    def test_images_are_sent_without_loss_and_turned_as_their_exif_says(self):
        pixels = _pixels()
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(
            _examples(Image.fromarray(pixels))[0].image.content))), pixels)
        image = Image.fromarray(pixels)
        exif = image.getexif()
        exif[274] = 6  # To be turned by 90 degrees.
        buffer = io.BytesIO()
        image.save(buffer, "PNG", exif=exif)
        turned = Image.open(io.BytesIO(_examples(Image.open(buffer))[0].image.content))
        self.assertEqual(turned.size, (7, 5))
        for mode in ("P", "CMYK", "1", "L", "RGBA", "I;16", "LA", "F"):
            content = _examples(Image.new(mode, (3, 2)))[0].image.content
            self.assertIn(Image.open(io.BytesIO(content)).mode, ("L", "RGB", "RGBA"))

    def test_may_be_sent_as_jpeg(self):
        for query in (_pixels(), Image.fromarray(_pixels()), _pixels()[..., 0]):
            content = _examples(query, jpeg=90)[0].image.content
            self.assertEqual(Image.open(io.BytesIO(content)).format, "JPEG")

    def test_bytes_and_files_go_as_they_are(self):
        path = os.path.join(programs.scratch(self), "dress.jpg")
        with open(path, "wb") as file:
            file.write(b"\xff\xd8 as it is")
        for query in (path, pathlib.Path(path), b"\xff\xd8 as it is",
                      bytearray(b"\xff\xd8 as it is"), memoryview(b"\xff\xd8 as it is")):
            self.assertEqual(_examples(query)[0].image.content, b"\xff\xd8 as it is")

    def test_a_text_is_a_path_and_never_an_id(self):
        with self.assertRaisesRegex(vitrine.ImageUnreadable,
                                    r"vitrine.Product\('1163'\)") as caught:
            _examples("1163")
        self.assertIsInstance(caught.exception, OSError)
        for path in (os.path.join(programs.scratch(self)), "a\0b", ""):
            with self.assertRaises(vitrine.ImageUnreadable):
                _examples(path)

    def test_files_that_are_too_large_are_not_read(self):
        path = os.path.join(programs.scratch(self), "large.jpg")
        with open(path, "wb") as file:
            file.truncate(50 << 30)
        with self.assertRaisesRegex(vitrine.InvalidArgument, "32 MB") as caught:
            _examples(path)
        self.assertEqual((caught.exception.reason, caught.exception.limit),
                         ("IMAGE_TOO_LARGE", 32_000_000))

    def test_pictures_of_a_query_fit_into_a_message(self):
        with self.assertRaisesRegex(vitrine.InvalidArgument, "together"):
            _examples([(bytes(15 << 20), 1), (bytes(15 << 20), 1), (bytes(15 << 20), 1)])

    def test_arrays_that_are_no_pictures_are_refused_with_what_is_right(self):
        for array, says in ((np.zeros((4, 4, 3)), "255"), (np.zeros(512, np.float32), "Vector"),
                            (np.zeros((0, 4, 3), np.uint8), "0×4×3"),
                            (np.zeros((4, 4, 2), np.uint8), "4×4×2"),
                            (np.zeros((2, 4, 4, 3), np.uint8), "2×4×4×3"),
                            (np.zeros((), np.uint8), "none"),
                            (np.zeros((4, 4, 3), np.int64), "int64"),
                            (np.array([["a"]]), "uint8"), (np.array([[None]]), "uint8")):
            with self.assertRaisesRegex(vitrine.InvalidArgument, says):
                _examples(array)

    def test_a_damaged_image_is_an_error_of_ours(self):
        buffer = io.BytesIO()
        Image.fromarray(_pixels(64, 64)).save(buffer, "JPEG")
        with self.assertRaises(vitrine.InvalidArgument):
            _examples(Image.open(io.BytesIO(buffer.getvalue()[:1500])))


class Vectors(unittest.TestCase):

    def test_arrive_number_by_number(self):
        array = np.random.default_rng(2).normal(size=512).astype(np.float32)
        for values in (array, array.astype(np.float64), list(array), array[None][0]):
            sent = _examples(vitrine.Vector(values))[0].vector
            np.testing.assert_array_equal(np.array(sent.values, np.float32), array)
            np.testing.assert_array_equal(queries.vector_array(sent), array)

    def test_of_no_numbers_are_left_to_the_server(self):
        self.assertEqual(len(_examples(vitrine.Vector([]))[0].vector.values), 0)
        self.assertEqual(queries.vector_array(search_pb2.Vector()).shape, (0,))

    def test_of_another_shape_are_refused(self):
        for values in (np.zeros((2, 512)), "abc", [1, "a"], None, [[1], [2, 3]]):
            with self.assertRaises(vitrine.InvalidArgument, msg=repr(values)):
                _examples(vitrine.Vector(values))


class Mixtures(unittest.TestCase):

    def test_carry_weights_and_regions(self):
        examples = _examples([(vitrine.Product("1"), 1), (b"x", -0.5),
                              vitrine.Example(b"y", weight=2, region=(0, 0, 0.5, 1))],
                             region=(0, 0, 1, 0.5))
        self.assertEqual([example.weight for example in examples], [1, -0.5, 2])
        self.assertEqual(examples[1].image.region.y1, 0.5)
        self.assertEqual(examples[2].image.region.x1, 0.5)
        self.assertFalse(_examples(vitrine.Product("1"))[0].HasField("weight"))

    def test_of_anything_else_are_refused(self):
        for query in (7, None, object(), {"a": 1}, [("a",)], [(b"x", "heavy")], [7],
                      vitrine.Product(7), [b"x", (b"y", b"z")], iter([1])):
            with self.assertRaises((vitrine.InvalidArgument, TypeError), msg=repr(query)):
                _examples(query)


class Options(unittest.TestCase):

    def test_become_the_fields_of_the_request(self):
        request = requests.search(None, "7", dict(
            k=5, offset=2, min_score=0.5, group=False, exclude_query=True,
            exclude=["1", vitrine.Product("2")], metric="euclidean", exact=True, ef=9,
            emphasis={"colour": 2.0}, filter="a=b", facets="colour", facet_values=3,
            min_recall=0.5, min_generation=4, required_model="ab", model="cd", thumbnails=True,
            vectors=True, attributes=False, collapse_near_duplicates=True, diversity={"brand": 2},
            require_complete=True, content_sha256s=[bytes(32)],
            boosts={"brand=Acme": 1.5}))
        unset = {field.name for field in request.DESCRIPTOR.fields} \
            - {field.name for field, _ in request.ListFields()}
        # An optional field that was set to its default is not listed.
        self.assertEqual(unset - {"group_by_product"}, set())
        self.assertFalse(request.group_by_product)
        self.assertEqual(list(request.exclude_product_ids), ["1", "2"])
        self.assertEqual(list(request.facets), ["colour"])

    def test_of_recommendations_become_the_fields_of_the_request(self):
        request = requests.recommend(None, "7", dict(
            diversity={"brand": 1}, exclude=["1"], filter="price>=20 AND price<=80",
            boosts=[(vitrine.attr("price") < 50, 2), ("product_id=3|4", 0.5)]))
        self.assertEqual([(limit.attribute, limit.limit) for limit in request.diversity],
                         [("brand", 1)])
        self.assertEqual([boost.factor for boost in request.boosts], [2, 0.5])
        self.assertEqual(request.boosts[0].filter.condition.attribute, "price")
        self.assertEqual(list(request.boosts[1].filter.condition.any_of.values), ["3", "4"])
        for boosts in ({"brand=Acme": "much"}, [("brand=Acme",)], ["brand=Acme"], {"brand": 2}, 3):
            with self.assertRaises(vitrine.InvalidArgument, msg=repr(boosts)):
                requests.recommend(None, "7", {"boosts": boosts})

    def test_that_are_unknown_or_of_another_type_are_named(self):
        with self.assertRaisesRegex(TypeError, "'filter' is near"):
            requests.search(b"x", None, {"filtr": "a=b"})
        for options in ({"k": "ten"}, {"k": 2**40}, {"emphasis": {"colour": "much"}},
                        {"metric": "taxicab"}, {"facets": [1]}, {"exclude": [1]},
                        {"region": (0, 1)}, {"region": "abcd"}, {"diversity": {"a": "b"}}):
            with self.assertRaises(vitrine.InvalidArgument, msg=repr(options)):
                requests.search(b"x", None, options)

    def test_a_query_is_given_once(self):
        for query, product in ((None, None), (b"x", "7")):
            with self.assertRaises(vitrine.InvalidArgument):
                requests.search(query, product, {})

    def test_help_shows_them(self):
        import inspect
        self.assertIn("min_recall", inspect.signature(vitrine.Client.search).parameters)


if __name__ == "__main__":
    unittest.main()
