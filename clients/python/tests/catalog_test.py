"""Products by a queue: real Redis, real indexer, real server."""

import datetime
import math
import os
import threading
import time
import unittest
from unittest import mock

import numpy as np
import redis

import vitrine
from tests import fake_redis, fake_server, programs
from vitrine import events, redis_stream
from vitrine.v1 import catalog_pb2


class Urls(unittest.TestCase):

    def test_are_those_of_the_indexer(self):
        parsed = redis_stream.parse_url(
            "redis://me:p%40ss@[::1]:7000/shop/eu%20west?group=g%31&database=3")
        self.assertEqual((parsed.host, parsed.port, parsed.stream, parsed.group, parsed.database,
                          parsed.user, parsed.password),
                         ("::1", 7000, "shop/eu west", "g1", 3, "me", "p@ss"))
        self.assertNotIn("p@ss", repr(parsed) + parsed.name)
        plain = redis_stream.parse_url("redis://:secret@localhost/catalogue")
        self.assertEqual((plain.port, plain.group, plain.user, plain.password),
                         (6379, "vitrine", None, "secret"))

    def test_that_are_wrong_are_refused_without_their_passwords(self):
        for url, says in (("localhost/a", "redis://"), ("rediss://h/a", "TLS"),
                          ("redis://h", "stream"),
                          ("redis://h/", "stream"), ("redis:///a", "host"),
                          ("redis://h:0/a", "port"), ("redis://h:99999/a", "port"),
                          ("redis://h:x/a", "port"), ("redis://secret@h/a", "no password"),
                          ("redis://h/a?groop=x", "group=NAME"),
                          ("redis://h/a?database=-1", "database"),
                          ("redis://[::1/a", "host"), ("redis://:secret@h:x/%ff", "%xx|port"),
                          ("redis://h/%ff", "%xx")):
            with self.assertRaisesRegex(vitrine.InvalidArgument, says) as caught:
                vitrine.Catalog(url)
            self.assertNotIn("secret", str(caught.exception))


class Events(unittest.TestCase):

    def _upsert(self, **fields) -> catalog_pb2.CatalogEvent:
        known = dict(product_id="a", images=None, attributes={}, title="", category="",
                     visible_from=None, visible_until=None, source="s", version=None, jpeg=None)
        return events.upsert(**{**known, **fields})

    def test_hold_what_was_given(self):
        when = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.timezone.utc)
        event = self._upsert(
            images={"front": b"x", "back": np.zeros((2, 2, 3), np.uint8)}, title="t", category="c",
            attributes={"price": 5, "sale": True, "brand": "b", "tags": ["x"], "none": None,
                        "size": np.float32(2)},
            visible_from=when, version=7)
        product = event.upsert
        self.assertEqual((event.version, event.source, product.product_id, product.title),
                         (7, "s", "a", "t"))
        self.assertEqual([image.key for image in product.images], ["front", "back"])
        self.assertTrue(product.images[1].content.startswith(b"\x89PNG"))
        self.assertEqual({name: value.WhichOneof("kind")
                          for name, value in product.attributes.items()},
                         {"price": "number", "sale": "flag", "brand": "text", "tags": "list",
                          "size": "number"})
        self.assertEqual(product.visible_from.seconds, int(when.timestamp()))
        self.assertFalse(product.attributes_only or product.HasField("visible_until"))

    def test_numpys_scalars_are_what_they_mean(self):
        attributes = self._upsert(attributes={
            "sale": np.bool_(True), "sold": np.bool_(False), "year": np.int64(2013),
            "price": np.float64(0.5), "brand": np.str_("b"), "tags": [np.str_("x")]}
        ).upsert.attributes
        self.assertEqual({name: value.WhichOneof("kind") for name, value in attributes.items()},
                         {"sale": "flag", "sold": "flag", "year": "number", "price": "number",
                          "brand": "text", "tags": "list"})
        self.assertEqual((attributes["sale"].flag, attributes["sold"].flag,
                          attributes["year"].number, attributes["price"].number),
                         (True, False, 2013, 0.5))

    def test_numbers_must_be_finite(self):
        for number in (math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf"),
                       10 ** 400):
            with self.assertRaisesRegex(vitrine.InvalidArgument, "'price' is .* finite") as caught:
                self._upsert(attributes={"price": number})
            self.assertEqual(caught.exception.field, "attributes[price]")

    def test_without_pictures_leave_them(self):
        self.assertTrue(self._upsert().upsert.attributes_only)
        self.assertFalse(self._upsert(images=[]).upsert.attributes_only)

    def test_have_versions_that_rise(self):
        versions = [self._upsert().version for _ in range(100)]
        self.assertEqual(versions, sorted(versions))
        self.assertEqual(self._upsert(version=0).version, 0)

    def test_that_are_wrong_are_refused(self):
        for fields in ({"images": "a.jpg"}, {"images": b"x"}, {"images": [7]},
                       {"images": {7: b"x"}}, {"images": ["/nope/a.jpg"]},
                       {"images": [np.zeros(3)]}, {"attributes": {"a": object()}},
                       {"attributes": {7: "x"}}, {"attributes": {"a": {"b": 1}}},
                       {"attributes": {"a": [1, 2]}}, {"product_id": 7}, {"product_id": "\udcff"},
                       {"title": b"x\xff"}, {"version": -1}, {"version": 2**64}):
            with self.assertRaises((vitrine.InvalidArgument, vitrine.ImageUnreadable),
                                   msg=repr(fields)):
                self._upsert(**fields)

    def test_pictures_have_the_names_of_their_files(self):
        folder = programs.scratch(self)
        for name in ("a", "b"):
            os.makedirs(os.path.join(folder, name))
            with open(os.path.join(folder, name, "x.jpg"), "wb") as file:
                file.write(b"x")
        first = os.path.join(folder, "a", "x.jpg")
        self.assertEqual([image.key for image in
                          self._upsert(images=[first, b"y", b"z"]).upsert.images],
                         ["x.jpg", "picture-2", "picture-3"])
        with self.assertRaisesRegex(vitrine.InvalidArgument, "mapping"):
            self._upsert(images=[first, os.path.join(folder, "b", "x.jpg")])


def _unread(words):
    """What a Redis says whose stream nobody reads."""
    return {b"XINFO": b"*0\r\n", b"XLEN": b":0\r\n", b"XADD": b"$3\r\n1-0\r\n"}[words[0]]


class Faults(unittest.TestCase):

    def _redis(self, answer, port=0) -> fake_redis.FakeRedis:
        made = fake_redis.FakeRedis(answer, port)
        self.addCleanup(made.stop)
        return made

    def _catalog(self, url: str, **options) -> vitrine.Catalog:
        catalog = vitrine.Catalog(url, **options)
        self.addCleanup(catalog.close)
        return catalog

    def test_a_silent_redis_is_given_up_when_the_time_is_over(self):
        for silent, commands in ((b"XINFO", ["XINFO"]), (b"XADD", ["XINFO", "XLEN", "XADD"])):
            redis_ = self._redis(lambda words, silent=silent: None if words[0] == silent
                                 else _unread(words))
            catalog = self._catalog(redis_.url("a"))
            with self.assertRaisesRegex(vitrine.DeadlineExceeded, "0.3 s: .* does not answer"):
                catalog.delete("a", wait=True, timeout=0.3)
            self.assertEqual(redis_.names(), commands)

    def test_a_silent_redis_is_given_up_while_an_entry_is_waited_for(self):
        redis_ = self._redis(lambda words: None if (words[0], len(redis_.names())) == (b"XINFO", 4)
                             else _unread(words))
        sent = self._catalog(redis_.url("a")).delete("a")
        with self.assertRaises(vitrine.DeadlineExceeded):
            sent.wait(timeout=0.3)
        self.assertEqual(redis_.names(), ["XINFO", "XLEN", "XADD", "XINFO"])

    def test_the_time_is_one_for_room_and_sending_and_waiting(self):
        def answer(words):
            if len(redis_.names()) == 1:
                time.sleep(0.95)  # Of 1 s.
            return _unread(words)
        redis_ = self._redis(answer)
        with self.assertRaises(vitrine.DeadlineExceeded):
            self._catalog(redis_.url("a")).delete("a", wait=True, timeout=1)
        # Looks are at least 20 ms apart: there was no other second for them.
        self.assertLess(redis_.names()[1:].count("XINFO"), 6)

    def test_what_came_to_nothing_is_sent_again_with_a_version_alone(self):
        lost = []

        def answer(words):
            if words[0] == b"XADD" and not lost:
                lost.append(words)
                raise EOFError
            return _unread(words)
        redis_ = self._redis(answer)
        catalog = self._catalog(redis_.url("a"), max_backlog=0,
                                retry=vitrine.Retry(attempts=5, first=0.01))
        with self.assertRaisesRegex(vitrine.Unavailable, "not known"):
            catalog.delete("a", version=0)
        self.assertEqual(redis_.names(), ["XADD"])
        lost.clear()
        catalog.delete("a")
        self.assertEqual(redis_.names(), ["XADD"] * 3)

    def test_what_has_no_version_is_not_sent_again_after_a_timeout(self):
        redis_ = self._redis(lambda words: None)
        catalog = self._catalog(redis_.url("a"), max_backlog=0,
                                retry=vitrine.Retry(attempts=3, first=0.01))
        with mock.patch.object(redis_stream, "_SECONDS", 0.1):
            with self.assertRaisesRegex(vitrine.Unavailable, "not known"):
                catalog.upsert("a", version=0)
            self.assertEqual(redis_.names(), ["XADD"])
            with self.assertRaises(vitrine.Unavailable) as caught:
                catalog.upsert("a")
            self.assertNotIn("not known", str(caught.exception))
        self.assertEqual(redis_.names(), ["XADD"] * 4)

    def test_a_greeting_that_was_lost_may_be_made_again_without_a_version(self):
        lost = []

        def answer(words):
            if words[0] == b"AUTH" and not lost:
                lost.append(words)
                raise EOFError
            return b"+OK\r\n" if words[0] == b"AUTH" else _unread(words)
        redis_ = self._redis(answer)
        catalog = self._catalog(f"redis://:secret@127.0.0.1:{redis_.port}/a", max_backlog=0,
                                retry=vitrine.Retry(attempts=2, first=0.01))
        catalog.delete("a", version=0)
        self.assertEqual(redis_.names()[-1], "XADD")

    def test_what_has_no_version_is_sent_once_there_is_a_redis(self):
        started = []
        port = programs.free_port()

        class Starting(vitrine.Retry):
            def pause(_, failures, error):  # noqa: N805
                if not started:
                    started.append(self._redis(_unread, port))
                return 0.0

        self._catalog(f"redis://127.0.0.1:{port}/a", retry=Starting()).delete("a", version=0)
        self.assertEqual(started[0].names(), ["XINFO", "XLEN", "XADD"])


@unittest.skipUnless(programs.redis_command(), "there is no redis-server")
class Queue(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.redis = programs.Redis()
        cls.addClassCleanup(cls.redis.kill)

    def _entries(self, stream: str) -> list:
        client = redis.Redis(host="127.0.0.1", port=self.redis.port)
        self.addCleanup(client.close)
        return [catalog_pb2.CatalogEvent.FromString(fields[b"event"])
                for _, fields in client.xrange(stream)]

    def test_gets_each_change_once(self):
        with vitrine.Catalog(self.redis.url("plain"), source="shop") as catalog:
            sent = catalog.upsert("a", attributes={"price": 5})
            catalog.delete("b", version=9)
        self.assertRegex(sent.entry, r"^\d+-\d+$")
        first, second = self._entries("plain")
        self.assertEqual((first.source, first.upsert.product_id), ("shop", "a"))
        self.assertEqual((second.delete.product_id, second.version), ("b", 9))

    def test_products_go_to_the_streams_of_their_partitions(self):
        url = self.redis.url("part-{partition}")
        with vitrine.Catalog(url, partitions=3) as catalog:
            for product in range(30):
                catalog.delete(f"product {product}")
        ids = [{event.delete.product_id for event in self._entries(f"part-{number}")}
               for number in range(3)]
        self.assertEqual(sum(map(len, ids)), 30)
        self.assertTrue(all(ids))
        if programs.HAS_PROGRAMS:  # As the command cuts them.
            deletions = [f"--delete=product {product}" for product in range(30)]
            programs.run(os.path.join(programs.BIN, "vitrine"), "push",
                         f"--queue={self.redis.url('cut-{partition}')}", "--partitions=3",
                         *deletions)
            self.assertEqual([{event.delete.product_id for event in self._entries(f"cut-{number}")}
                              for number in range(3)], ids)
        for wrong in (self.redis.url("a"), url):
            with self.assertRaises(vitrine.InvalidArgument):
                vitrine.Catalog(wrong, partitions=1 if wrong == url else 2)

    def test_that_nobody_reads_is_not_waited_for_for_ever(self):
        with vitrine.Catalog(self.redis.url("unread"), max_backlog=40) as catalog:
            with self.assertRaisesRegex(vitrine.DeadlineExceeded, "start vitrine-indexer"):
                catalog.delete("a", wait=True, timeout=0.2)
            with self.assertRaisesRegex(vitrine.DeadlineExceeded, "more than 40"):
                for product in range(100):
                    catalog.delete(f"{product}", timeout=0.2)
        self.assertLess(len(self._entries("unread")), 80)

    def test_a_silent_server_is_waited_for_no_longer_than_was_asked(self):
        ended = threading.Event()
        server = fake_server.FakeServer(DescribeIndex=lambda request, context: ended.wait(60))
        self.addCleanup(server.stop)
        self.addCleanup(ended.set)
        client = redis.Redis(host="127.0.0.1", port=self.redis.port)
        self.addCleanup(client.close)
        with vitrine.Catalog(self.redis.url("taken"), server=server.address) as catalog:
            sent = catalog.delete("a")
            client.xgroup_create("taken", "vitrine", "0")
            client.xreadgroup("vitrine", "indexer", {"taken": ">"})
            client.xack("taken", "vitrine", sent.entry)
            client.set("taken:vitrine:generation", 5)
            with self.assertRaisesRegex(vitrine.DeadlineExceeded, "has not opened generation 5"):
                sent.wait(timeout=0.5)

    def test_that_does_not_answer_is_unavailable(self):
        url = f"redis://127.0.0.1:{programs.free_port()}/a"
        with vitrine.Catalog(url, retry=vitrine.Retry(attempts=2, first=0.01)) as catalog:
            with self.assertRaisesRegex(vitrine.Unavailable, "does not answer"):
                catalog.delete("a")

    def test_that_wants_a_password_takes_no_other(self):
        locked = programs.Redis("--requirepass", "right")
        self.addCleanup(locked.kill)
        with vitrine.Catalog(f"redis://:right@127.0.0.1:{locked.port}/a") as catalog:
            catalog.delete("a")
        with vitrine.Catalog(f"redis://:mistake@127.0.0.1:{locked.port}/a") as catalog:
            with self.assertRaisesRegex(vitrine.FailedPrecondition, "refuses") as caught:
                catalog.delete("a")
            self.assertNotIn("mistake", str(caught.exception))


@unittest.skipUnless(programs.redis_command(), "there is no redis-server")
@programs.needs_programs
class Indexed(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.redis = programs.Redis()
        cls.addClassCleanup(cls.redis.kill)
        cls.folder = os.path.join(programs._folder(), "queued")
        cls.indexer = programs.Program(
            os.path.join(programs.BIN, "vitrine-indexer"), f"--index={cls.folder}",
            f"--queue={cls.redis.url('shop')}")
        cls.addClassCleanup(cls.indexer.kill)
        cls.server = programs.Server(cls.folder)
        cls.addClassCleanup(cls.server.kill)
        cls.client = vitrine.Client(cls.server.address, retry=vitrine.Retry(attempts=50))
        cls.addClassCleanup(cls.client.close)
        cls.catalog = vitrine.Catalog(cls.redis.url("shop"), source="tests", server=cls.client)
        cls.addClassCleanup(cls.catalog.close)

    def test_what_was_waited_for_is_found_at_once(self):
        for number in range(1, 6):
            path = programs.picture(number)
            sent = self.catalog.upsert(f"new {number}", [path], {"price": number}, title="A title",
                                       category="Dress", wait=True)
            self.assertGreater(sent.generation, 0)
            found = self.client.search(path, k=1, min_generation=sent.generation)
            self.assertEqual((found[0].product_id, found[0].percent), (f"new {number}", "100 %"))
        self.catalog.upsert("new 1", attributes={"price": 70}, wait=True)
        product = self.client.product("new 1")
        self.assertEqual((product.attributes["price"], len(product.images)), (70, 1))
        self.catalog.delete("new 1", wait=True)
        with self.assertRaises(vitrine.NotFound):
            self.client.product("new 1")

    def test_an_array_is_a_picture(self):
        pixels = np.random.default_rng(3).integers(0, 255, (80, 60, 3), dtype=np.uint8)
        self.catalog.upsert("array", [pixels], wait=True)
        self.assertEqual(self.client.search(pixels, k=1)[0].product_id, "array")
        self.assertTrue(self.client.search(pixels, k=1)[0].same_content)

    def test_pictures_that_are_refused_are_told(self):
        sent = self.catalog.upsert("half", {"good": programs.picture(8), "bad": b"no picture"},
                                   wait=True)
        self.assertEqual([(one.path, one.reason) for one in sent.refused],
                         [("bad", "IMAGE_NOT_DECODABLE")])
        with self.assertRaisesRegex(vitrine.Refused, "all pictures of product 'none'") as caught:
            self.catalog.upsert("none", [b"no picture"], wait=True)
        self.assertEqual(caught.exception.receipts[0].reason, "IMAGE_NOT_DECODABLE")
        # What was wrong once is not held against the next.
        again = self.catalog.upsert("none", {"picture-1": programs.picture(9)}, wait=True)
        self.assertEqual(again.refused, [])

    def test_an_event_that_is_refused_as_a_whole_is_told(self):
        self.catalog.upsert("owned", {"a": programs.picture(10)}, wait=True)
        with vitrine.Catalog(self.redis.url("shop"), source="others") as others:
            with self.assertRaisesRegex(vitrine.Refused, "owned"):
                others.upsert("owned", {"a": programs.picture(11)}, wait=True)
            others.upsert("theirs", {"a": programs.picture(11)}, wait=True)

    def test_hostile_words_stay_words(self):
        with self.assertRaisesRegex(vitrine.Refused, "control character"):
            self.catalog.upsert("a\0b", [programs.picture(12)], wait=True)
        text = "<script>'\"\u202e\U0001f600 & $x$"
        self.catalog.upsert("id " + text, {"key " + text: programs.picture(12)}, {text: text},
                            title=text, wait=True)
        hit = self.client.search(programs.picture(12), k=1)[0]
        self.assertEqual((hit.product_id, hit.title, hit.attributes[text]),
                         ("id " + text, text, text))
        html = self.client.search(programs.picture(12), k=1)._repr_html_()
        self.assertNotIn("<script", html)
        self.assertEqual(html.count("<img"), 1)

    def test_many_are_sent_and_waited_for_together(self):
        sent = [self.catalog.upsert(f"many {number}", {"a": programs.picture(number)})
                for number in range(20, 60)]
        sent[-1].wait()
        for one in sent:
            self.assertEqual(self.client.product(one.product_id).product_id, one.product_id)


if __name__ == "__main__":
    unittest.main()
