"""The client for asyncio: that it says what the other says, and keeps to its loop."""

import asyncio
import inspect
import threading
import time
import unittest

import grpc
import numpy as np

import vitrine
import vitrine.aio
from tests import fake_server, programs
from tests.stream_test import _QUICK, _products


class Twin(unittest.TestCase):

    def test_has_the_same_calls_with_the_same_options(self):
        def calls(client):
            return {name: list(inspect.signature(method).parameters.values())
                    for name, method in vars(client).items()
                    if inspect.isfunction(method) and not name.startswith("_")}
        mine, other = calls(vitrine.aio.Client), calls(vitrine.Client)
        self.assertEqual(set(mine), set(other))
        for name in mine:
            self.assertEqual([(one.name, one.kind, repr(one.default)) for one in mine[name]],
                             [(one.name, one.kind, repr(one.default)) for one in other[name]])


@programs.needs_programs
class Real(unittest.IsolatedAsyncioTestCase):

    async def test_answers_as_the_other_client_does(self):
        sync = vitrine.Client(programs.server().address)
        self.addCleanup(sync.close)
        path = programs.picture(3)
        async with vitrine.aio.Client(programs.server().address) as client:
            results, looks, vectors, index = await asyncio.gather(
                client.search(path, k=3), client.recommend(product="2"),
                client.embed([path, path]), client.describe())
            self.assertEqual(results.ids, sync.search(path, k=3).ids)
            self.assertEqual(list(looks), list(sync.recommend(product="2")))
            np.testing.assert_allclose(vectors[1], sync.embed(path), atol=1e-5)
            self.assertEqual(index.products, programs.PRODUCTS)
            self.assertEqual((await client.product("3")).title, sync.product("3").title)
            self.assertEqual(await client.image("3"), sync.image("3"))
            self.assertEqual([one.product_id async for one in client.list_products("year>=2013")],
                             [one.product_id for one in sync.list_products("year>=2013")])
            self.assertEqual([one async for one in client.receipts()], list(sync.receipts()))
            self.assertEqual(results._repr_html_().count("<img"), 3)
            with self.assertRaises(vitrine.NotFound):
                await client.search(product="nope")
            with self.assertRaises(vitrine.ImageUnreadable):
                await client.search("nope.jpg")

    async def test_streams_many_queries_of_both_kinds_of_iterables(self):
        async def later():
            for number in range(1, 61):
                await asyncio.sleep(0)
                yield vitrine.Product(str(number))
        async with vitrine.aio.Client(programs.server().address) as client:
            for queries in (later(), [vitrine.Product(str(number)) for number in range(1, 61)]):
                got = [(query.product_id, outcome[0].product_id) async for query, outcome
                       in client.search_many(queries, k=1)]
                self.assertEqual(got, [(str(number), str(number)) for number in range(1, 61)])
            mixed = [outcome async for _, outcome in client.search_many(
                [programs.picture(1), "nope.jpg", vitrine.Product("nope")])]
            self.assertEqual([type(one) for one in mixed],
                             [vitrine.Results, vitrine.ImageUnreadable, vitrine.NotFound])

    async def test_a_server_that_is_killed_and_comes_back_costs_no_answer(self):
        port = programs.free_port()
        server = await asyncio.to_thread(programs.Server, programs.index(), port=port)
        got = 0
        async with vitrine.aio.Client(server.address, retry=vitrine.Retry(attempts=100)) as client:
            queries = (vitrine.Product(str(number % programs.PRODUCTS + 1))
                       for number in range(3000))
            async for query, outcome in client.search_many(queries, k=1):
                self.assertEqual(outcome[0].product_id, query.product_id)
                got += 1
                if got == 1000:
                    server.kill()
                    server = await asyncio.to_thread(programs.Server, programs.index(), port=port)
        self.assertEqual(got, 3000)


class Fakes(unittest.IsolatedAsyncioTestCase):

    def _client(self, **methods) -> vitrine.aio.Client:
        server = fake_server.FakeServer(**methods)
        self.addCleanup(server.stop)
        client = vitrine.aio.Client(server.address, retry=_QUICK, timeout=10.0)
        self.addAsyncCleanup(client.close)
        return client

    async def test_failed_calls_are_made_again_within_the_deadline(self):
        def search(number, request, context):
            if number < 2:
                fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "soon", reason=18)
            return fake_server.echo(request)
        method, calls = fake_server.counted(search)
        client = self._client(Search=method)
        self.assertEqual((await client.search(product="a")).ids, ["a"])
        self.assertEqual(len(calls), 3)

    async def test_deadlines_hold(self):
        client = self._client(Search=lambda request, context: time.sleep(1))
        begun = time.monotonic()
        with self.assertRaises(vitrine.DeadlineExceeded):
            await client.search(product="a", timeout=0.2)
        self.assertLess(time.monotonic() - begun, 0.9)

        def stream(requests, context):
            time.sleep(1)
            yield from ()
        with self.assertRaisesRegex(vitrine.DeadlineExceeded, "stopped at"):
            async for _ in self._client(SearchStream=stream).search_many(_products(), timeout=0.2):
                self.fail()

    async def test_a_promotion_amid_the_pictures_mixes_no_models(self):
        embed, calls = fake_server.counted(
            lambda call, request, context: fake_server.embedded(
                "former-model" if call == 0 else "promoted-model", request, context))
        client = self._client(Embed=embed)
        with self.assertRaises(vitrine.FailedPrecondition) as caught:
            await client.embed([b"picture"] * 65)
        self.assertEqual((caught.exception.reason, len(calls)), ("WRONG_MODEL", 2))
        self.assertEqual((await client.embed([b"picture"] * 65)).shape, (65, 2))

    async def test_an_endless_iterable_is_taken_no_further_than_its_answers(self):
        client = self._client(
            SearchStream=lambda requests, context: map(fake_server.echo_batch, requests))
        pulled = []

        def queries():
            for query in _products():
                pulled.append(query)
                yield query
        taken = 0
        answers = client.search_many(queries(), batch=5, in_flight=3)
        async for _ in answers:
            taken += 1
            self.assertLessEqual(len(pulled), taken + 5 * (3 + 2))
            if taken == 40:
                break
        await answers.aclose()
        await asyncio.sleep(0.05)
        self.assertEqual([task for task in asyncio.all_tasks()
                          if task is not asyncio.current_task() and "vitrine" in repr(task)], [])

    async def test_a_stream_that_breaks_is_taken_up_again(self):
        def stream(number, requests, context):
            for count, request in enumerate(requests):
                if count == 3 and number < 5:
                    fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "gone")
                yield fake_server.echo_batch(request)
        method, calls = fake_server.counted(stream)
        client = self._client(SearchStream=method)
        got = [outcome.ids[0] async for _, outcome
               in client.search_many(_products(60), batch=2, in_flight=6)]
        self.assertEqual(got, [str(number) for number in range(60)])
        self.assertEqual(len(calls), 6)

    async def test_an_exception_of_the_iterable_is_raised_after_the_answers_before_it(self):
        client = self._client(
            SearchStream=lambda requests, context: map(fake_server.echo_batch, requests))

        async def queries():
            for query in _products(7):
                yield query
            raise ZeroDivisionError("mine")
        got = []
        with self.assertRaisesRegex(ZeroDivisionError, "mine"):
            async for query, _ in client.search_many(queries(), batch=3):
                got.append(query.product_id)
        self.assertEqual(len(got), 7)

    async def test_cancelling_a_task_cancels_its_call(self):
        cancelled = threading.Event()

        def search(request, context):
            context.add_callback(cancelled.set)
            cancelled.wait(10)
            return fake_server.echo(request)
        client = self._client(Search=search)
        task = asyncio.create_task(client.search(product="a"))
        await asyncio.sleep(0.2)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(await asyncio.to_thread(cancelled.wait, 5))


if __name__ == "__main__":
    unittest.main()
