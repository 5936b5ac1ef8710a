"""Encrypted connections and tokens."""

import os
import unittest

import grpc

import vitrine
from tests import fake_server, programs

_TOKEN = "a-token-of-enough-letters"


class Options(unittest.TestCase):

    def test_that_do_not_fit_together_are_refused(self):
        folder = programs.scratch(self)
        empty = os.path.join(folder, "empty")
        open(empty, "w", encoding="utf-8").close()
        for options in ({"cert": "a"}, {"key": "a"}, {"cert": "a", "key": "b"},
                        {"token": "a", "token_file": "b"}, {"ca": "/nope"}, {"ca": empty},
                        {"token_file": "/nope"}, {"token_file": empty}, {"token": ""},
                        {"token": "two words"}, {"token": "line\nline"}, {"token": "\xe9"},
                        {"ca": "system", "cert": "/nope", "key": "/nope"}):
            with self.assertRaises(vitrine.InvalidArgument, msg=repr(options)):
                vitrine.Client("127.0.0.1:1", **options)
        with self.assertRaises(TypeError):
            vitrine.Client(7)
        vitrine.Client("127.0.0.1:1", ca="system").close()

    def test_a_token_leaves_the_machine_encrypted_alone(self):
        for address in ("search:50051", "10.0.0.7:50051", "dns:///search:50051", "[::2]:50051"):
            with self.assertRaisesRegex(vitrine.InvalidArgument, "in the clear") as caught:
                vitrine.Client(address, token=_TOKEN)
            self.assertNotIn(_TOKEN, str(caught.exception))
            vitrine.Client(address, token=_TOKEN, insecure=True).close()
            vitrine.Client(address, token=_TOKEN, ca="system").close()
        for address in ("localhost:50051", "127.0.0.2:50051", "[::1]:50051", "unix:/tmp/a"):
            vitrine.Client(address, token=_TOKEN).close()
        self.assertNotIn(_TOKEN, repr(vitrine.Client("localhost:1", token=_TOKEN)))


class Sent(unittest.TestCase):

    def test_a_token_goes_with_each_call_and_is_read_again_when_it_changes(self):
        server = fake_server.FakeServer(
            Search=lambda request, context: fake_server.echo(request),
            SearchStream=lambda requests, context: map(fake_server.echo_batch, requests))
        self.addCleanup(server.stop)
        path = os.path.join(programs.scratch(self), "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write("first-token \nnot this\n")
        with vitrine.Client(server.address, token_file=path) as client:
            client.search(product="a")
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write("second-token")
            os.utime(path + ".new", ns=(1, 1))
            os.replace(path + ".new", path)
            client.search(product="a")
            os.remove(path)
            list(client.search_many([vitrine.Product("a")]))
        self.assertEqual([one["authorization"] for one in server.metadata],
                         ["Bearer first-token", "Bearer second-token", "Bearer second-token"])

    def test_the_former_token_holds_on_while_its_file_is_rewritten(self):
        server = fake_server.FakeServer(
            Search=lambda request, context: fake_server.echo(request),
            Recommend=lambda request, context: fake_server.fail(
                context, grpc.StatusCode.UNAUTHENTICATED, "the token is none of this server's"))
        self.addCleanup(server.stop)
        path = os.path.join(programs.scratch(self), "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write("first-token")
        with vitrine.Client(server.address, token_file=path) as client:
            with open(path, "w", encoding="utf-8") as file:  # Which empties it.
                client.search(product="a")
                with self.assertRaisesRegex(vitrine.NotPermitted, "none of .* former .* first line"
                                            ) as caught:
                    client.recommend(product="a")
                self.assertNotIn("first-token", str(caught.exception))
                emptied = os.stat(path).st_mtime_ns
                file.write("other-token")
            os.utime(path, ns=(emptied, emptied))  # Within one tick of the clock.
            client.search(product="a")
            with self.assertRaises(vitrine.NotPermitted) as caught:
                client.recommend(product="a")
            self.assertNotIn("former", str(caught.exception))
        self.assertEqual([one["authorization"] for one in server.metadata],
                         ["Bearer first-token"] * 2 + ["Bearer other-token"] * 2)


@programs.needs_programs
@unittest.skipUnless(programs.HAS_PROGRAMS and programs.has_flag("vitrine-server", "tls-cert"),
                     "the server has no --tls-cert")
class Real(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = os.path.join(programs._folder(), "tls")
        os.makedirs(cls.folder)

        def path(name: str) -> str:
            return os.path.join(cls.folder, name)
        cls.path = staticmethod(path)
        new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        for name in ("ca", "other"):
            programs.run(*new, "-subj", f"/CN={name}", "-keyout", path(f"{name}.key"), "-out",
                         path(f"{name}.pem"))
        for name in ("server", "caller"):
            programs.run(*new, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                         "-addext", "basicConstraints=critical,CA:FALSE", "-CA", path("ca.pem"),
                         "-CAkey", path("ca.key"), "-keyout", path(f"{name}.key"), "-out",
                         path(f"{name}.pem"))
        with open(path("tokens"), "w", encoding="utf-8") as file:
            file.write(f"query {_TOKEN} tests\ncatalogue {_TOKEN}-2 catalogues\n")
        os.chmod(path("tokens"), 0o600)
        cls.server = programs.Server(
            programs.index(), f"--tls-cert={path('server.pem')}", f"--tls-key={path('server.key')}",
            f"--tls-client-ca={path('ca.pem')}", f"--tokens={path('tokens')}")
        cls.addClassCleanup(cls.server.kill)

    def _client(self, **options) -> vitrine.Client:
        known = {"ca": self.path("ca.pem"), "cert": self.path("caller.pem"),
                 "key": self.path("caller.key"), "token": _TOKEN,
                 "retry": vitrine.Retry(attempts=2, first=0.01)}
        client = vitrine.Client(self.server.address, **{**known, **options})
        self.addCleanup(client.close)
        return client

    def test_who_shows_a_certificate_and_a_token_is_answered(self):
        client = self._client()
        self.assertEqual(client.search(product="3", k=1).ids, ["3"])
        self.assertEqual(client.search(product="3", k=1)._repr_html_().count("<img"), 1)
        self.assertEqual(len(list(client.search_many([vitrine.Product("3")] * 50))), 50)

    def test_roles_are_kept_apart(self):
        with self.assertRaises(vitrine.NotPermitted) as caught:
            next(self._client().list_products())
        self.assertIsInstance(caught.exception, PermissionError)
        self.assertEqual(len(list(self._client(token=_TOKEN + "-2").list_products())),
                         programs.PRODUCTS)

    def test_who_lacks_something_is_told_what(self):
        for options, kind, says in (
                ({"token": None}, vitrine.NotPermitted, "token"),
                ({"token": "another-token-than-these"}, vitrine.NotPermitted, "token"),
                ({"cert": None, "key": None}, vitrine.Unavailable, "`cert`"),
                ({"ca": self.path("other.pem")}, vitrine.Unavailable, "`ca`"),
                ({"ca": None, "cert": None, "key": None}, vitrine.Unavailable, "encrypted")):
            with self.assertRaisesRegex(kind, says, msg=repr(options)) as caught:
                self._client(**options).describe()
            self.assertNotIn(_TOKEN, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
