"""Answers as pictures, frames and figures; a catalogue may say what it likes in them."""

import base64
import io
import os
import re
import unittest
from unittest import mock

import numpy as np

import vitrine
from tests import programs
from tests.fake_server import hit
from vitrine import optional, queries, results
from vitrine.v1 import search_pb2

_JPEG = b"\xff\xd8\xff\xe0 a picture"
_HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x",
            "</figure></div>", "&lt;", "$\\frac{1", "a\0b\x1b[31m\u202e", "\n\n\n", "x" * 5000)


def _results(*hits: search_pb2.Hit, fetch=results._no_images, **fields) -> vitrine.Results:
    return vitrine.Results(search_pb2.SearchResponse(hits=hits, **fields), fetch)


def _attributes(**values) -> dict:
    from vitrine.events import set_attribute
    made = {}
    for name, value in values.items():
        made[name] = search_pb2.AttributeValue()
        set_attribute(made[name], name, value)
    return made


class Pictures(unittest.TestCase):

    def test_are_fetched_once_and_only_where_the_hit_has_none(self):
        asked = []

        def fetch(hits):
            asked.extend(one.product_id for one in hits)
            return [_JPEG for _ in hits]
        made = _results(hit("a"), hit("b", thumbnail=_JPEG), hit("c"), fetch=fetch)
        self.assertEqual(asked, [])
        for _ in range(2):
            self.assertEqual(made._repr_html_().count("<img"), 3)
            made[1:]._repr_html_()
        self.assertEqual(asked, ["a", "c"])

    def test_that_are_none_leave_a_gap(self):
        for content in (None, b"", b"<svg onload=alert(1)>", b"GIF89a"):
            made = _results(hit("a", title="t"), fetch=lambda hits, one=content: [one])
            self.assertNotIn("<img", made._repr_html_())
            self.assertIn('aria-label="t"', made._repr_html_())


class Html(unittest.TestCase):

    def test_shows_hostile_titles_as_text(self):
        for text in _HOSTILE:
            made = _results(hit(text, title=text, image=text, category=text), partial=True,
                            missing=[text], fetch=lambda hits: [_JPEG])
            looks = vitrine.Recommendation(search_pb2.RecommendResponse(
                similar=made.proto.hits, complements=[search_pb2.SlotRecommendation(
                    slot=text, hits=made.proto.hits)]), lambda hits: [_JPEG for _ in hits])
            for html in (made._repr_html_(), looks._repr_html_()):
                tags = re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html)
                self.assertLessEqual(set(tags), {"div", "figure", "img", "figcaption", "b", "p",
                                                 "h4"}, text)
                # No attribute that was not ours.
                for tag in re.findall(r"<[^>]*>", html):
                    names = re.findall(r'\s([a-z-]+)="[^"]*"', tag)
                    self.assertLessEqual(set(names), {"style", "title", "src", "alt"})
                    self.assertNotRegex(re.sub(r'"[^"]*"', "", tag), "onload|onerror")

    def test_of_nothing_says_so(self):
        self.assertIn("no hits", _results()._repr_html_())
        self.assertEqual(repr(_results()), "<Results: 0 hits>")

    def test_of_a_thousand_hits_is_cut(self):
        html = _results(*(hit(str(n)) for n in range(1000)))._repr_html_()
        self.assertIn("940 more", html)
        self.assertLess(len(html), 60_000)

    def test_a_score_of_1_is_not_100_percent(self):
        shown = [_results(hit("a", score=score, same_content=same))[0].percent
                 for score, same in ((1.0, False), (1.0, True), (0.5, False), (-1, False))]
        self.assertEqual(shown, ["99.9 %", "100 %", "50.0 %", "0.0 %"])


class Frames(unittest.TestCase):

    def test_have_a_row_a_hit_and_attributes_by_their_names(self):
        frame = _results(
            hit("a", score=0.5, attributes=_attributes(price=5, tags=["x", "y"], score="good"),
                block_scores=[search_pb2.BlockScore(block="shape", cosine=0.25)]),
            hit("b", score=0.25, attributes=_attributes(price=7, sale=True))).to_pandas()
        self.assertEqual(list(frame.columns), [
            "product_id", "title", "category", "score", "distance", "image", "same_content",
            "cosine.shape", "attributes.score", "price", "sale", "tags"])
        self.assertEqual(frame.price.tolist(), [5, 7])
        self.assertEqual(frame["attributes.score"][0], "good")
        self.assertEqual(frame.tags[0], ["x", "y"])

    def test_of_hostile_names_keep_every_value(self):
        names = ["slot", "cosine.shape", "title", "attributes.title", "", "\0", "a b", "index"]
        proto = hit("a", block_scores=[search_pb2.BlockScore(block="shape", cosine=0.25)])
        for number, name in enumerate(names):
            proto.attributes[name].number = number
        frame = _results(proto).to_pandas()
        self.assertEqual(len(set(frame.columns)), len(frame.columns))
        row = frame.iloc[0].tolist()
        for number in range(1, len(names)):
            self.assertIn(number, row)

    def test_of_nothing_have_the_columns(self):
        self.assertEqual((_results().to_pandas().shape), (0, 7))

    def test_of_recommendations_name_the_slots(self):
        looks = vitrine.Recommendation(search_pb2.RecommendResponse(
            similar=[hit("a")], complements=[
                search_pb2.SlotRecommendation(slot="shoes", hits=[hit("b"), hit("c")])]))
        self.assertEqual(looks.to_pandas().slot.tolist(), ["similar", "shoes", "shoes"])
        self.assertEqual(looks["shoes"].ids, ["b", "c"])
        self.assertEqual((dict(looks).keys(), "bag" in looks), ({"shoes"}, False))

    def test_of_recommendations_say_what_each_slot_was_filled_by(self):
        looks = vitrine.Recommendation(search_pb2.RecommendResponse(complements=[
            search_pb2.SlotRecommendation(slot=str(basis), basis=basis) for basis in (1, 2, 99)]))
        self.assertEqual(looks.basis, {"1": "rule", "2": "learned_category", "99": "99"})


class Rows(unittest.TestCase):

    def _picture(self, mode: str, side: int = 900):
        return optional.load("PIL.Image", "images").new(mode, (side, side), 0)

    def test_show_answers_and_pictures_of_any_form_under_their_names(self):
        picture = self._picture("RGB")
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        path = os.path.join(programs.scratch(self), "picture.jpg")
        picture.save(path)
        shown = vitrine.Rows({
            "asked": picture, "bytes": buffer.getvalue(), "path": [path] * 2,
            "array": np.zeros((8, 8, 3), np.uint8), "clear": self._picture("RGBA"),
            "found": _results(hit("a"), hit("b"), fetch=lambda hits: [_JPEG for _ in hits]),
            "nothing": _results()})
        html = shown._repr_html_()
        self.assertEqual((html.count("<h4"), html.count("<img")), (7, 8))
        self.assertIn("no hits", html)
        self.assertLess(len(html), 60_000)  # Whatever is shown is small.
        self.assertEqual((shown["found"].ids, len(shown["path"]), list(shown)[0], len(shown)),
                         (["a", "b"], 2, "asked", 7))
        self.assertIn("path: 2 pictures", repr(shown))

    def test_show_what_is_transparent_on_white(self):
        image = optional.load("PIL.Image", "images")
        html = vitrine.Rows({"clear": self._picture("RGBA")})._repr_html_()
        content = base64.b64decode(html.split("base64,")[1].split('"')[0])
        self.assertEqual(image.open(io.BytesIO(content)).getpixel((5, 5)), (255, 255, 255))

    def test_show_hostile_names_as_text(self):
        for text in _HOSTILE:
            plain = vitrine.Rows({"": self._picture("L")})._repr_html_()
            html = vitrine.Rows({text: self._picture("L")})._repr_html_()
            self.assertEqual((html.count("<"), html.count(">")), (plain.count("<"), plain.count(">")))

    def test_refuse_what_is_no_picture(self):
        with self.assertRaisesRegex(vitrine.InvalidArgument, "'x' is int; right is an answer"):
            vitrine.Rows({"x": 3})._repr_html_()
        with self.assertRaises(vitrine.ImageUnreadable):
            vitrine.Rows({"x": "not there.jpg"})._repr_html_()


class Merchandising(unittest.TestCase):

    def test_is_told_of_hits(self):
        plain = _results(hit("a"))[0]
        self.assertEqual((plain.boost, plain.colour_harmony), (None, None))
        told = hit("a", boost=1.5)
        told.colour_harmony.relation = search_pb2.ColourHarmony.RELATION_TRIADIC
        told.colour_harmony.colour = "Blue"
        told.colour_harmony.goes_with = "Red"
        first = _results(told)[0]
        self.assertEqual(first.boost, 1.5)
        self.assertEqual(first.colour_harmony, vitrine.ColourHarmony("TRIADIC", "Blue", "Red"))


class Figures(unittest.TestCase):

    def test_draw_hostile_titles_and_pictures(self):
        made = _results(*(hit(text, title=text) for text in _HOSTILE),
                        fetch=lambda hits: [_JPEG for _ in hits])
        self.assertTrue(made.plot(columns=3, title=_HOSTILE[5])._repr_png_())
        self.assertTrue(_results().plot()._repr_png_())


class Values(unittest.TestCase):

    def test_of_a_newer_server_are_shown_as_numbers(self):
        made = _results(hit("a"))
        made.proto.plan.kind = 99
        made.proto.metric = 98
        self.assertEqual((made.plan.kind, made.metric), ("99", "98"))

    def test_of_attributes_keep_their_types(self):
        made = hit("a", attributes=_attributes(a="x", b=1.5, c=False, d=["y"]))
        made.attributes["e"].SetInParent()
        self.assertEqual(vitrine.Hit(made).attributes,
                         {"a": "x", "b": 1.5, "c": False, "d": ["y"]})

    def test_of_vectors_are_float32(self):
        made = vitrine.Hit(hit("a", vector=queries.vector_proto(np.arange(5))))
        self.assertEqual((made.vector.tolist(), made.vector.dtype), ([0, 1, 2, 3, 4], np.float32))
        self.assertIsNone(vitrine.Hit(hit("a")).vector)


class Packages(unittest.TestCase):

    def test_that_are_not_there_are_named_with_what_to_do(self):
        with mock.patch.dict("sys.modules", {"pandas": None, "matplotlib.figure": None}):
            for call in (_results().to_pandas, _results().plot):
                with self.assertRaisesRegex(vitrine.MissingDependency, "pip install"):
                    call()

    def test_are_not_loaded_before_they_are_needed(self):
        import sys
        said = programs.run(sys.executable, "-c", "import sys, vitrine, vitrine.aio\n"
                            "print([name for name in ('PIL', 'pandas', 'matplotlib', 'tqdm', "
                            "'redis', 'xxhash') if name in sys.modules])")
        self.assertEqual(said.strip(), "[]")


if __name__ == "__main__":
    unittest.main()
