"""Failed calls: which are made again, when, and what is told of those that are not."""

import itertools
import time
import unittest

import grpc

import vitrine
from tests import fake_server, programs
from vitrine import retry
from vitrine.v1 import search_pb2

_QUICK = vitrine.Retry(attempts=4, first=0.01, most=0.02)


class Policy(unittest.TestCase):

    def test_pauses_double_up_to_the_most_and_are_shortened_at_random(self):
        policy = vitrine.Retry(first=0.1, most=1.0)
        for failures, most in ((1, 0.1), (2, 0.2), (4, 0.8), (5, 1.0), (5000, 1.0)):
            pauses = {policy.pause(failures, vitrine.Unavailable("")) for _ in range(50)}
            self.assertGreater(len(pauses), 1)
            self.assertTrue(all(most / 2 <= pause <= most for pause in pauses), pauses)

    def test_the_servers_word_is_the_least(self):
        self.assertEqual(_QUICK.pause(1, vitrine.Overloaded("", retry_after=3)), 3)

    def test_no_pause_goes_beyond_the_deadline(self):
        attempts = retry.Attempts(_QUICK, 1.0)
        self.assertIsNone(attempts.pause(vitrine.Overloaded("", reason="OVERLOADED",
                                                            retry_after=2)))

    def test_only_what_may_succeed_is_tried_again(self):
        for error, again in ((vitrine.Unavailable(""), True),
                             (vitrine.Overloaded("", reason="OVERLOADED"), True),
                             (vitrine.Overloaded("a message that is too large"), False),
                             (vitrine.Cancelled("", code="CANCELLED"), True),
                             (vitrine.FailedPrecondition("", retry_after=0.1), True),
                             (vitrine.FailedPrecondition(""), False),
                             (vitrine.InvalidArgument(""), False), (vitrine.NotFound(""), False),
                             (vitrine.DeadlineExceeded(""), False),
                             (vitrine.NotPermitted(""), False), (vitrine.Internal(""), False)):
            self.assertEqual(retry.is_transient(error), again, repr(error))


class Calls(unittest.TestCase):

    def _client(self, timeout: float = 10, policy: vitrine.Retry = _QUICK, **methods):
        server = fake_server.FakeServer(**methods)
        self.addCleanup(server.stop)
        client = vitrine.Client(server.address, timeout=timeout, retry=policy)
        self.addCleanup(client.close)
        return client

    def test_are_made_again_until_the_server_has_room(self):
        def search(number, request, context):
            if number < 3:
                fake_server.fail(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "full",
                                 reason=search_pb2.ERROR_REASON_OVERLOADED, retry_after_ms=50)
            return fake_server.echo(request)
        method, calls = fake_server.counted(search)
        begun = time.monotonic()
        self.assertEqual(self._client(Search=method).search(product="a").ids, ["a"])
        self.assertEqual(len(calls), 4)
        self.assertGreaterEqual(time.monotonic() - begun, 0.15)

    def test_that_fail_at_each_attempt_tell_the_servers_error(self):
        def search(number, request, context):
            fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "no index is open",
                             reason=search_pb2.ERROR_REASON_INDEX_NOT_READY)
        method, calls = fake_server.counted(search)
        with self.assertRaisesRegex(vitrine.Unavailable, "^no index is open$") as caught:
            self._client(Search=method).search(product="a")
        self.assertEqual((caught.exception.reason, len(calls)), ("INDEX_NOT_READY", 4))

    def test_that_are_wrong_are_made_once(self):
        def search(number, request, context):
            fake_server.fail(context, grpc.StatusCode.INVALID_ARGUMENT, "k is 0",
                             reason=search_pb2.ERROR_REASON_INVALID_PARAMETER, field="k", limit=7)
        method, calls = fake_server.counted(search)
        with self.assertRaises(vitrine.InvalidArgument) as caught:
            self._client(Search=method).search(product="a")
        self.assertEqual((caught.exception.field, caught.exception.limit, len(calls)), ("k", 7, 1))

    def test_wait_no_longer_than_their_deadline(self):
        def search(request, context):
            time.sleep(1.0)
            return fake_server.echo(request)
        client = self._client(Search=search)
        begun = time.monotonic()
        with self.assertRaisesRegex(vitrine.DeadlineExceeded, "0.2 s") as caught:
            client.search(product="a", timeout=0.2)
        self.assertLess(time.monotonic() - begun, 0.9)
        self.assertIsInstance(caught.exception, TimeoutError)

    def test_the_deadline_holds_for_all_attempts_together(self):
        def search(request, context):
            fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "soon",
                             reason=search_pb2.ERROR_REASON_INDEX_NOT_READY)
        client = self._client(Search=search, policy=vitrine.Retry(attempts=1000, first=0.05))
        begun = time.monotonic()
        with self.assertRaisesRegex(vitrine.Unavailable, "soon"):
            client.search(product="a", timeout=0.5)
        self.assertLess(time.monotonic() - begun, 0.9)

    def test_of_no_server_say_so(self):
        client = vitrine.Client(f"127.0.0.1:{programs.free_port()}", retry=_QUICK)
        self.addCleanup(client.close)
        with self.assertRaisesRegex(vitrine.Unavailable, "vitrine-server --index") as caught:
            client.describe()
        self.assertIsInstance(caught.exception, ConnectionError)

    def test_that_the_server_does_not_know_say_so(self):
        with self.assertRaisesRegex(vitrine.Unimplemented, "another version"):
            self._client(Search=lambda request, context: None).describe()

    def test_details_that_are_garbage_leave_the_status(self):
        def search(request, context):
            context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\x01 garbage"),))
            context.abort(grpc.StatusCode.NOT_FOUND, "not there")
        with self.assertRaisesRegex(vitrine.NotFound, "not there"):
            self._client(Search=search).search(product="a")


class Balance(unittest.TestCase):

    def test_spreads_calls_over_all_addresses_and_does_without_one_that_goes(self):
        servers = [fake_server.FakeServer(Search=lambda request, context: fake_server.echo(request))
                   for _ in range(2)]
        for server in servers:
            self.addCleanup(server.stop)
        address = "ipv4:" + ",".join(server.address for server in servers)
        with vitrine.Client(address, balance=True) as client:
            programs.eventually(lambda: client.search(product="a") and all(
                server.metadata for server in servers))
            servers[0].stop()
            for _ in range(20):
                self.assertEqual(client.search(product="a").ids, ["a"])


class Listings(unittest.TestCase):

    def test_that_break_go_on_after_the_last_product(self):
        asked = []

        def listing(number, request, context):
            asked.append(request.after_product_id)
            for product in range(number * 3, 9):
                if product == (number + 1) * 3:
                    fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "gone")
                yield search_pb2.ListProductsResponse(
                    products=[search_pb2.Product(product_id=str(product))])
        method, _ = fake_server.counted(listing)
        server = fake_server.FakeServer(ListProducts=method)
        self.addCleanup(server.stop)
        with vitrine.Client(server.address, retry=_QUICK) as client:
            self.assertEqual([one.product_id for one in client.list_products()],
                             [str(product) for product in range(9)])
        self.assertEqual(asked, ["", "2", "5"])

    def test_that_fall_silent_are_given_up(self):
        def listing(request, context):
            yield search_pb2.ListProductsResponse(products=[search_pb2.Product(product_id="a")])
            time.sleep(2)
        server = fake_server.FakeServer(ListProducts=listing)
        self.addCleanup(server.stop)
        with vitrine.Client(server.address) as client:
            products = client.list_products(timeout=0.2)
            self.assertEqual(next(products).product_id, "a")
            time.sleep(0.5)  # What the caller does meanwhile is no silence.
            with self.assertRaises(vitrine.DeadlineExceeded):
                next(products)

    def test_may_be_left_early(self):
        def listing(request, context):
            for product in itertools.count():
                yield search_pb2.ListProductsResponse(
                    products=[search_pb2.Product(product_id=str(product))])
                if not context.is_active():
                    return
        server = fake_server.FakeServer(ListProducts=listing)
        self.addCleanup(server.stop)
        with vitrine.Client(server.address) as client:
            for product in client.list_products():
                if product.product_id == "5":
                    break


if __name__ == "__main__":
    unittest.main()
