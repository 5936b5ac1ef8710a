"""The client, asked of a real server."""

import datetime
import io
import os
import pickle
import unittest

import numpy as np
from PIL import Image

import vitrine
from tests import fake_server, programs


@programs.needs_programs
class Client(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.client = vitrine.Client(programs.server().address)
        cls.addClassCleanup(cls.client.close)

    def test_finds_a_picture_in_whatever_form_it_is_given(self):
        path = programs.picture(3)
        image = Image.open(path).convert("RGB")
        with open(path, "rb") as file:
            content = file.read()
        vector = self.client.embed(path)
        for query in (path, content, image, np.asarray(image), vitrine.Vector(vector),
                      vitrine.Product("3"), self.client.product("3"),
                      self.client.search(product="3")[0], [(path, 1), (vitrine.Product("3"), 0.5)]):
            results = self.client.search(query, k=3)
            self.assertEqual((len(results), results[0].product_id), (3, "3"))
            self.assertGreater(results[0].score, 0.98)
        self.assertTrue(self.client.search(content)[0].same_content)
        self.assertEqual(self.client.search(content)[0].percent, "100 %")

    def test_answers_say_how_they_were_found(self):
        results = self.client.search(product="3", k=4, facets=["baseColour"], exact=True,
                                     vectors=True, thumbnails=True)
        self.assertEqual(results.ids, [hit.product_id for hit in results])
        self.assertEqual(results.metric, "cosine")
        self.assertEqual(results.plan.kind, "EXACT_SCAN")
        self.assertEqual(results.plan.recall_basis, "SCANNED")
        self.assertEqual(results.generation, self.client.describe().generation)
        self.assertEqual(sum(results.facets["baseColour"].counts.values()), programs.PRODUCTS)
        self.assertGreater(results.timings.search_ms, 0)
        self.assertEqual(results[0].vector.shape, (512,))
        self.assertTrue(results[0].thumbnail.startswith(b"\xff\xd8"))
        self.assertEqual(set(results[0].block_scores), {"shape", "colour"})
        self.assertIn("baseColour", results[0].attributes)
        self.assertEqual(self.client.search(product="3", attributes=False)[0].attributes, {})
        self.assertEqual([hit.product_id for hit in results[1:3]], results.ids[1:3])
        self.assertIsInstance(results[1:3], vitrine.Results)
        self.assertRegex(repr(results), r"^<Results: 4 hits: 3 100 %, ")

    def test_filters_restrict_answers(self):
        women = self.client.search(product="3", k=50, filter="gender=Women AND year>=2013")
        self.assertTrue(women)
        for hit in women:
            self.assertEqual(hit.attributes["gender"], "Women")
            self.assertGreaterEqual(hit.attributes["year"], 2013)
        others = self.client.search(product="3", k=50, filter=vitrine.attr("gender") != "Women")
        self.assertFalse({hit.attributes["gender"] for hit in others} & {"Women"})

    def test_recommends_by_slot(self):
        looks = self.client.recommend(product="2", k_similar=2, k_per_slot=2)
        self.assertTrue(looks.category)
        self.assertLessEqual(len(looks.similar), 2)
        self.assertTrue(set(looks) & {"shoes", "bag", "layer", "accessory", "bottom", "top"})
        slot = next(iter(looks))
        self.assertIsInstance(looks[slot][0], vitrine.Hit)
        vector = self.client.embed(programs.picture(2))
        only = self.client.recommend(vitrine.Vector(vector), slots=[slot])
        self.assertLessEqual(set(only), {slot})
        with self.assertRaises(vitrine.NotFound):
            self.client.recommend(product="2", category="Spacesuit")

    def test_recommends_by_the_rules_of_a_shop(self):
        plain = self.client.recommend(product="2", k_similar=10, k_per_slot=0).similar
        last = plain[-1].product_id
        looks = self.client.recommend(product="2", k_similar=10, k_per_slot=0,
                                      exclude=[plain[0]], boosts={f"product_id={last}": 10})
        self.assertEqual(looks.similar[0].product_id, last)
        self.assertEqual(looks.similar[0].boost, 10)
        self.assertEqual(looks.similar[0].score, plain[-1].score)
        self.assertNotIn(plain[0].product_id, looks.similar.ids)
        limited = self.client.recommend(product="2", diversity={"gender": 1})
        genders = [hit.attributes["gender"] for hit in limited.similar
                   if "gender" in hit.attributes]
        self.assertEqual(len(genders), len(set(genders)))
        for wrong in ({"boosts": {"gendre=Men": 2}}, {"boosts": {"gender=Men": 11}},
                      {"diversity": {"gendre": 1}}):
            with self.assertRaises(vitrine.InvalidArgument):
                self.client.recommend(product="2", **wrong)

    def test_embeds_many_pictures_and_one(self):
        paths = [programs.picture(product) for product in range(1, 71)]  # More than one call's.
        vectors = self.client.embed(paths)
        self.assertEqual((vectors.shape, vectors.dtype), ((70, 512), np.float32))
        np.testing.assert_allclose((vectors ** 2).sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(self.client.embed(paths[69]), vectors[69], atol=1e-5)
        self.assertEqual(self.client.embed([]).shape, (0, 0))

    def test_a_picture_that_cannot_be_embedded_is_told_or_left_empty(self):
        pictures = [programs.picture(1), b"no picture", programs.picture(2)]
        with self.assertRaisesRegex(vitrine.InvalidArgument, "^picture 1: ") as caught:
            self.client.embed(pictures)
        self.assertEqual(caught.exception.reason, "IMAGE_NOT_DECODABLE")
        vectors = self.client.embed(pictures, on_error="nan")
        self.assertEqual(np.isnan(vectors).all(axis=1).tolist(), [False, True, False])

    def test_shows_products_and_pictures(self):
        product = self.client.product("3", vectors=True)
        self.assertEqual((product.product_id, product.images[0].key), ("3", "images/3.jpg"))
        self.assertEqual(product.images[0].vector.shape, (512,))
        content = self.client.image("3")
        self.assertEqual(max(Image.open(io.BytesIO(content)).size), 256)
        small = self.client.image(product, product.images[0].key, size=64)
        self.assertEqual(max(Image.open(io.BytesIO(small)).size), 64)

    def test_lists_products_and_receipts(self):
        products = list(self.client.list_products())
        self.assertEqual(len(products), programs.PRODUCTS)
        self.assertEqual([one.product_id for one in products],
                         sorted(one.product_id for one in products))
        some = [one.product_id for one in self.client.list_products("gender=Women", after="3")]
        self.assertTrue(0 < len(some) < programs.PRODUCTS and min(some) > "3")
        receipts = list(self.client.receipts(datetime.timedelta(days=1)))
        self.assertEqual({receipt.outcome for receipt in receipts}, {"accepted"})
        self.assertEqual(receipts[0].time.tzinfo, datetime.timezone.utc)
        self.assertEqual(list(self.client.receipts(datetime.datetime.now()
                                                   + datetime.timedelta(hours=1))), [])
        following = self.client.receipts(follow=True)
        self.assertEqual(next(following), receipts[0])
        following.close()

    def test_describes_the_index(self):
        index = self.client.describe()
        self.assertEqual((index.products, index.dim, index.metric),
                         (programs.PRODUCTS, 512, "cosine"))
        self.assertEqual(sum(index.categories.values()), programs.PRODUCTS)
        self.assertEqual((index.attributes["year"], index.attributes["gender"]),
                         ("number", "text"))
        self.assertFalse(index.degraded)
        [vectors] = index.vector_sets
        self.assertEqual((vectors.state, vectors.model, vectors.metric, vectors.images),
                         ("serving", index.model, "cosine", index.images))
        self.assertEqual(self.client.search(product="3", model=vectors.sha256[:8]).model,
                         vectors.sha256)

    def test_errors_say_what_was_wrong(self):
        for call, kind, reason, field in (
                (lambda: self.client.search(product="nope"), vitrine.NotFound, "UNKNOWN_PRODUCT",
                 "examples[0].product_id"),
                (lambda: self.client.search(product="3", k=100_000), vitrine.InvalidArgument,
                 "INVALID_PARAMETER", "k"),
                (lambda: self.client.search(b"no picture"), vitrine.InvalidArgument,
                 "IMAGE_NOT_DECODABLE", "examples[0].image.content"),
                (lambda: self.client.search(b""), vitrine.InvalidArgument, "IMAGE_EMPTY",
                 "examples[0].image.content"),
                (lambda: self.client.search(vitrine.Vector([1, 2])),
                 vitrine.FailedPrecondition, "WRONG_DIMENSION", None),
                (lambda: self.client.search(vitrine.Vector([np.nan] * 512)),
                 vitrine.InvalidArgument, "BAD_VECTOR", None),
                (lambda: self.client.search([]), vitrine.InvalidArgument, "NO_EXAMPLE", None),
                (lambda: self.client.image("3", "nope.jpg"), vitrine.NotFound, "UNKNOWN_IMAGE",
                 None),
                (lambda: self.client.product("a\0b\u202e'"), vitrine.NotFound, "UNKNOWN_PRODUCT",
                 None),
                (lambda: self.client.product(""), vitrine.Error, None, None),
                (lambda: self.client.search(product="3", required_model="0123456789"),
                 vitrine.FailedPrecondition, "WRONG_MODEL", None),
                (lambda: self.client.search(vitrine.Product("\udcff")), vitrine.InvalidArgument,
                 None, None),
                (lambda: next(self.client.list_products({"a": []})), vitrine.InvalidArgument, None,
                 None)):
            with self.assertRaises(kind) as caught:
                call()
            self.assertTrue(str(caught.exception))
            if reason is not None:
                self.assertEqual(caught.exception.reason, reason)
            if field is not None:
                self.assertEqual(caught.exception.field, field)
        with self.assertRaises(ValueError) as caught:
            self.client.search(product="3", k=100_000)
        self.assertEqual(caught.exception.limit, 1000)
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((type(again), str(again), again.limit),
                         (vitrine.InvalidArgument, str(caught.exception), 1000))

    def test_reads_its_own_writes_or_says_that_they_are_not_there(self):
        client = vitrine.Client(self.client.address, retry=vitrine.Retry(attempts=2, first=0.01))
        self.addCleanup(client.close)
        generation = self.client.describe().generation
        self.assertTrue(client.search(product="3", min_generation=generation))
        with self.assertRaises(vitrine.FailedPrecondition) as caught:
            client.search(product="3", min_generation=generation + 1000)
        self.assertEqual(caught.exception.reason, "GENERATION_NOT_SERVED")

    def test_results_draw_themselves_with_pictures_of_the_server(self):
        results = self.client.search(product="3", k=3)
        html = results._repr_html_()
        self.assertEqual(html.count("data:image/jpeg;base64,"), 3)
        self.assertIn("100 %", html)
        self.assertEqual(results[:1]._repr_html_().count("<img"), 1)
        looks = self.client.recommend(product="2", k_per_slot=1)
        self.assertIn("<h4", looks._repr_html_())
        figure = results.plot(title="$ and $")
        self.assertTrue(figure._repr_png_().startswith(b"\x89PNG"))
        self.assertTrue(looks.plot()._repr_png_().startswith(b"\x89PNG"))

    def test_pictures_of_a_closed_client_are_left_out(self):
        client = vitrine.Client(self.client.address)
        results = client.search(product="3", k=3)
        client.close()
        self.assertNotIn("<img", results._repr_html_())

    def test_environment_names_the_server(self):
        os.environ["VITRINE_SERVER"] = self.client.address
        self.addCleanup(os.environ.pop, "VITRINE_SERVER")
        with vitrine.Client() as client:
            self.assertEqual(client.describe().products, programs.PRODUCTS)


class Promotion(unittest.TestCase):

    def _client(self, *models: str) -> vitrine.Client:
        """Of a server whose n-th answer is the n-th model's, and at last the last one's."""
        embed, self.calls = fake_server.counted(
            lambda call, request, context: fake_server.embedded(
                models[min(call, len(models) - 1)], request, context))
        server = fake_server.FakeServer(Embed=embed)
        self.addCleanup(server.stop)
        client = vitrine.Client(server.address)
        self.addCleanup(client.close)
        return client

    def test_amid_the_pictures_mixes_no_models(self):
        client = self._client("former-model", "promoted-model")
        for on_error in ("raise", "nan"):
            self.calls.clear()
            with self.assertRaises(vitrine.FailedPrecondition) as caught:
                client.embed([b"picture"] * 65, on_error=on_error)
            self.assertEqual((caught.exception.reason, len(self.calls)), ("WRONG_MODEL", 2))
        self.assertEqual(client.embed([b"picture"] * 65).shape, (65, 2))

    def test_amid_none_embeds_all(self):
        client = self._client("former-model")
        self.assertEqual(client.embed([b"picture"] * 200).shape, (200, 2))
        self.assertEqual(len(self.calls), 4)


if __name__ == "__main__":
    unittest.main()
