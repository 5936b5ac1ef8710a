"""Many searches over one stream: order, back-pressure, errors, breaks."""

import contextlib
import io
import itertools
import threading
import time
import unittest

import grpc

import vitrine
from tests import fake_server, programs
from vitrine.v1 import search_pb2

_QUICK = vitrine.Retry(attempts=4, first=0.01, most=0.02)


def _products(count: int = 10_000_000):
    return (vitrine.Product(str(number)) for number in range(count))


def _ids(answers) -> list:
    """The ids that were asked for, where each was answered with itself."""
    ids = []
    for query, outcome in answers:
        if isinstance(outcome, vitrine.Error):
            raise outcome
        assert outcome.ids == [query.product_id], (query, outcome)
        ids.append(query.product_id)
    return ids


class Fakes(unittest.TestCase):

    def _client(self, stream, **options) -> vitrine.Client:
        self.server = fake_server.FakeServer(SearchStream=stream)
        self.addCleanup(self.server.stop)
        client = vitrine.Client(self.server.address,
                                **{"retry": _QUICK, "timeout": 10.0, **options})
        self.addCleanup(client.close)
        return client

    def test_answers_come_in_the_order_of_the_queries(self):
        def stream(requests, context):  # Answers pairs of batches the wrong way round.
            while True:
                pair = list(itertools.islice(requests, 2))
                for request in reversed(pair):
                    yield fake_server.echo_batch(request)
                if len(pair) < 2:
                    return
        client = self._client(stream)
        self.assertEqual(_ids(client.search_many(_products(64), batch=4)),
                         [str(number) for number in range(64)])
        anyhow = _ids(client.search_many(_products(64), batch=4, ordered=False))
        self.assertEqual(sorted(anyhow, key=int), [str(number) for number in range(64)])
        self.assertNotEqual(anyhow, sorted(anyhow, key=int))

    def test_an_endless_iterable_is_taken_no_further_than_its_answers(self):
        client = self._client(lambda requests, context: map(fake_server.echo_batch, requests))
        pulled = []

        def queries():
            for query in _products():
                pulled.append(query)
                yield query
        answers = client.search_many(queries(), batch=5, in_flight=3)
        self.assertEqual(pulled, [])  # Nothing before the first answer is asked for.
        for taken in range(1, 41):
            next(answers)
            self.assertLessEqual(len(pulled), taken + 5 * (3 + 2))
        time.sleep(0.1)
        before = len(pulled)
        time.sleep(0.1)
        self.assertEqual(len(pulled), before)
        self.assertLessEqual(before, 40 + 5 * (3 + 2))
        answers.close()
        programs.eventually(lambda: "vitrine-queries" not in
                            [thread.name for thread in threading.enumerate()])

    def test_a_server_that_answers_nothing_is_sent_so_many_batches_and_no_more(self):
        got = []

        def stream(requests, context):
            for request in requests:
                got.append(len(request.queries))
            yield from ()
        client = self._client(stream, timeout=0.3)
        pulled = itertools.count()
        queries = (vitrine.Product(str(next(pulled))) for _ in itertools.count())
        with self.assertRaisesRegex(vitrine.DeadlineExceeded, r"stopped at Product.*'0'"):
            next(client.search_many(queries, batch=2, in_flight=4))
        self.assertLessEqual(sum(got), 8)
        self.assertLessEqual(next(pulled), 10)

    def test_one_query_at_a_time_is_answered_at_once(self):
        client = self._client(lambda requests, context: map(fake_server.echo_batch, requests))
        answered = threading.Event()

        def queries():
            for query in _products(5):
                yield query
                self.assertTrue(answered.wait(10), "the answer waits for the next query")
                answered.clear()
        for _ in client.search_many(queries()):
            answered.set()

    def test_a_query_that_is_wrong_spoils_no_other(self):
        def stream(requests, context):
            for request in requests:
                response = fake_server.echo_batch(request)
                for item, query in zip(response.items, request.queries):
                    if query.examples[0].product_id == "bad":
                        item.error.CopyFrom(search_pb2.Error(
                            code=5, reason=search_pb2.ERROR_REASON_UNKNOWN_PRODUCT, message="no"))
                yield response
        client = self._client(stream)
        queries = [vitrine.Product("1"), "nope.jpg", vitrine.Product("bad"), 7,
                   [(b"x", "heavy")], vitrine.Product("\udcff"), vitrine.Product("2")]
        answers = list(client.search_many(queries, batch=2))
        self.assertEqual([query for query, _ in answers], queries)
        self.assertEqual([type(outcome) for _, outcome in answers],
                         [vitrine.Results, vitrine.ImageUnreadable, vitrine.NotFound,
                          vitrine.InvalidArgument, vitrine.InvalidArgument,
                          vitrine.InvalidArgument, vitrine.Results])
        self.assertEqual(list(client.search_many([])), [])
        only_bad = list(client.search_many(["nope.jpg"] * 100, batch=3))
        self.assertEqual(len(only_bad), 100)

    def test_an_exception_of_the_iterable_comes_after_the_answers_before_it(self):
        client = self._client(lambda requests, context: map(fake_server.echo_batch, requests))

        def queries():
            yield from _products(7)
            raise ZeroDivisionError("mine")
        taken = []
        with self.assertRaisesRegex(ZeroDivisionError, "mine"):
            for query, _ in client.search_many(queries(), batch=3):
                taken.append(query.product_id)
        self.assertEqual(taken, [str(number) for number in range(7)])
        with self.assertRaises(TypeError):
            next(client.search_many(7))

    def test_a_stream_that_breaks_is_taken_up_again_with_what_was_not_answered(self):
        asked = []

        def stream(number, requests, context):
            for count, request in enumerate(requests):
                asked.extend(query.examples[0].product_id for query in request.queries)
                if count == 3 and number < 10:
                    fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "gone")
                yield fake_server.echo_batch(request)
        method, calls = fake_server.counted(stream)
        client = self._client(method)
        self.assertEqual(_ids(client.search_many(_products(100), batch=2, in_flight=6)),
                         [str(number) for number in range(100)])
        self.assertEqual(len(calls), 11)
        self.assertEqual(set(asked), {str(number) for number in range(100)})

    def test_a_stream_that_breaks_each_time_ends_with_its_error(self):
        def stream(number, requests, context):
            if number == 0:
                yield fake_server.echo_batch(next(requests))
            fake_server.fail(context, grpc.StatusCode.UNAVAILABLE, "gone for good")
        method, calls = fake_server.counted(stream)
        answers = self._client(method).search_many(_products(), batch=2)
        self.assertEqual([next(answers)[0].product_id for _ in range(2)], ["0", "1"])
        with self.assertRaisesRegex(vitrine.Unavailable, r"gone for good \(stopped at .*'2'"):
            next(answers)
        self.assertEqual(len(calls), 4)
        wrong = self._client(lambda requests, context: fake_server.fail(
            context, grpc.StatusCode.UNAUTHENTICATED, "no token"))
        with self.assertRaises(vitrine.NotPermitted):
            next(wrong.search_many(_products()))

    def test_a_stream_that_ends_too_early_is_taken_up_again(self):
        def stream(number, requests, context):
            yield fake_server.echo_batch(next(requests))
        method, calls = fake_server.counted(stream)
        self.assertEqual(len(_ids(self._client(method).search_many(_products(12), batch=3))), 12)
        self.assertEqual(len(calls), 4)

    def test_queries_that_a_server_was_too_full_for_are_sent_again(self):
        times = {}

        def stream(requests, context):
            for request in requests:
                response = fake_server.echo_batch(request)
                for item, query in zip(response.items, request.queries):
                    number = int(query.examples[0].product_id)
                    times[number] = times.get(number, 0) + 1
                    if number % 3 == 0 and times[number] < 3 or number == 5:
                        item.error.CopyFrom(search_pb2.Error(
                            code=8, reason=search_pb2.ERROR_REASON_OVERLOADED, message="full",
                            retry_after_ms=5))
                yield response
        answers = dict((query.product_id, outcome) for query, outcome
                       in self._client(stream).search_many(_products(20), batch=4))
        self.assertIsInstance(answers.pop("5"), vitrine.Overloaded)
        self.assertTrue(all(isinstance(outcome, vitrine.Results) for outcome in answers.values()))
        self.assertEqual((times[1], times[3], times[5]), (1, 3, 4))

    def test_answers_that_make_no_sense_do_no_harm(self):
        def stream(requests, context):
            yield search_pb2.SearchStreamResponse(batch_id=77)  # Nobody asked.
            for request in requests:
                response = fake_server.echo_batch(request)
                del response.items[1:]
                yield response
                yield response  # And a second time.
        outcomes = [outcome for _, outcome
                    in self._client(stream).search_many(_products(4), batch=2)]
        self.assertEqual([type(one) for one in outcomes],
                         [vitrine.Results, vitrine.Internal] * 2)

    def test_may_be_left_early_and_leaves_nothing(self):
        ended = threading.Event()

        def stream(requests, context):
            context.add_callback(ended.set)
            yield from map(fake_server.echo_batch, requests)
        client = self._client(stream)
        for query, _ in client.search_many(_products(), batch=2):
            if query.product_id == "9":
                break
        self.assertTrue(ended.wait(10))
        programs.eventually(lambda: not [thread for thread in threading.enumerate()
                                         if thread.name.startswith("vitrine")])

    def test_silence_while_nothing_is_asked_is_no_silence(self):
        client = self._client(lambda requests, context: map(fake_server.echo_batch, requests),
                              timeout=0.2)

        def queries():
            for query in _products(3):
                time.sleep(0.5)
                yield query
        self.assertEqual(len(_ids(client.search_many(queries()))), 3)

    def test_options_are_checked_at_once(self):
        client = self._client(lambda requests, context: iter(()))
        for options in ({"batch": 0}, {"batch": 257}, {"in_flight": 0}, {"in_flight": 17},
                        {"batch": "8"}, {"k": "x"}, {"filter": "nonsense"}):
            with self.assertRaises(vitrine.InvalidArgument, msg=repr(options)):
                client.search_many(_products(), **options)
        with self.assertRaises(TypeError):
            client.search_many(_products(), filtr="a=b")

    def test_large_pictures_go_in_few_to_a_message(self):
        sizes = []

        def stream(requests, context):
            for request in requests:
                sizes.append(request.ByteSize())
                yield fake_server.echo_batch(request)
        client = self._client(stream)
        # The fake takes 4 MB.
        pictures = (bytes([number]) * (15 << 20) for number in range(3))
        with self.assertRaises(vitrine.Overloaded):
            next(client.search_many(pictures))
        self.assertEqual(sizes, [])

    def test_progress_counts_the_answers(self):
        client = self._client(lambda requests, context: map(fake_server.echo_batch, requests))
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            list(client.search_many(list(_products(20)), progress=True))
            list(client.search_many(_products(20), progress=True, total=40))
        self.assertRegex(said.getvalue(), r"20/20")
        self.assertRegex(said.getvalue(), r"20/40")
        quiet = io.StringIO()
        with contextlib.redirect_stderr(quiet):
            list(client.search_many(_products(20), progress="auto"))
        self.assertEqual(quiet.getvalue(), "")


@programs.needs_programs
class Real(unittest.TestCase):

    def test_answers_are_those_of_single_searches(self):
        client = vitrine.Client(programs.server().address)
        self.addCleanup(client.close)
        queries = [vitrine.Product("3"), programs.picture(5), vitrine.Product("nope"),
                   vitrine.Vector(client.embed(programs.picture(7)))]
        answers = list(client.search_many(queries, k=4, filter="year>=2013"))
        for query, outcome in answers:
            if query is queries[2]:
                self.assertIsInstance(outcome, vitrine.NotFound)
            else:
                self.assertEqual(outcome.ids, client.search(query, k=4, filter="year>=2013").ids)
        self.assertEqual(len(answers), 4)
        self.assertIn("<img", answers[0][1]._repr_html_())

    def test_a_server_that_is_killed_and_comes_back_costs_no_answer(self):
        port = programs.free_port()
        # A stream that is open keeps a server from ending.
        flags = ("--grace-seconds=1", "--threads=2")
        server = programs.Server(programs.index(), *flags, port=port)
        client = vitrine.Client(server.address, retry=vitrine.Retry(attempts=100))
        self.addCleanup(client.close)
        asked, got = 6000, []
        queries = (vitrine.Product(str(number % programs.PRODUCTS + 1)) for number in range(asked))
        for query, outcome in client.search_many(queries, k=2):
            self.assertIsInstance(outcome, vitrine.Results)
            self.assertEqual(outcome[0].product_id, query.product_id)
            got.append(query.product_id)
            if len(got) == 1000:
                server.kill()
                server = programs.Server(programs.index(), *flags, port=port)
            elif len(got) == 3000:
                self.assertEqual(server.stop(), 0)
                server = programs.Server(programs.index(), *flags, port=port)
        self.assertEqual(got, [str(number % programs.PRODUCTS + 1) for number in range(asked)])


if __name__ == "__main__":
    unittest.main()
