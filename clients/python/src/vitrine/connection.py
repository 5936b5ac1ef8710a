"""How a server is reached: where, encrypted or not, as whom."""

from __future__ import annotations

import importlib.resources
import ipaddress
import json
import os
import ssl
from typing import Any, Optional

import grpc

from vitrine import errors
from vitrine.errors import InvalidArgument
from vitrine.retry import Retry
from vitrine.v1 import catalog_pb2, search_pb2

_MOST_BYTES = 4 << 20
_SYSTEM_CAS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
               "/etc/ssl/cert.pem")
_OPTIONS: list[tuple[str, Any]] = [
    # A page of thumbnails may be large, and the server is trusted.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # gRPC would send even 127.0.0.1 through the http_proxy of the environment.
    ("grpc.enable_http_proxy", 0),
    # A server that is restarted is found again within the retries of a call.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A peer that has gone without a word is noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # The retries are ours: they heed what the server says.
    ("grpc.enable_retries", 0),
]


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise InvalidArgument(f"{what}: {path} cannot be read: {error.strerror}", field=what,
                              code="INVALID_ARGUMENT") from None


def _read_token(path: str) -> str:
    line = _read(path, "token_file").split(b"\n", 1)[0].strip()
    return _checked_token(line.decode("latin-1"), f"the first line of {path}")


def _checked_token(token: str, where: str) -> str:
    # Nothing of it is shown.
    if not token or not all("!" <= c <= "~" for c in token):
        raise InvalidArgument(f"{where} is to be the token alone, in printable ASCII",
                              field="token", code="INVALID_ARGUMENT")
    return token


def _system_cas() -> Optional[bytes]:
    named = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile)
    for path in (*named, *_SYSTEM_CAS):
        if path and os.path.isfile(path):
            return _read(path, "ca")
    return None  # Those that gRPC brings along.


def _is_loopback(address: str) -> bool:
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rsplit("/", 1)[-1].rsplit(":", 1)[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Connection:
    """What a client needs to reach its server; shared by the two kinds of clients."""

    def __init__(self, address: Optional[str], *, ca: Optional[str], cert: Optional[str],
                 key: Optional[str], token: Optional[str], token_file: Optional[str],
                 insecure: bool, balance: bool, timeout: Optional[float], retry: Retry):
        self.address = address or os.environ.get("VITRINE_SERVER") or "127.0.0.1:50051"
        if not isinstance(self.address, str):
            raise TypeError(f"the address is a text HOST:PORT, not {self.address!r}")
        self.timeout = timeout
        self.retry = retry
        self._balance = balance
        if (cert is None) != (key is None):
            raise InvalidArgument("a certificate and its key belong together; give both, or none",
                                  field="cert", code="INVALID_ARGUMENT")
        if cert is not None and ca is None:
            raise InvalidArgument("a certificate is shown to an encrypted server alone; say who "
                                  "signs the server's (`ca`), or 'system'", field="cert",
                                  code="INVALID_ARGUMENT")
        if token is not None and token_file is not None:
            raise InvalidArgument("give token or token_file, not both", field="token",
                                  code="INVALID_ARGUMENT")
        self._token = None if token is None else _checked_token(token, "token")
        self._token_file = token_file
        self._token_state: Any = None  # Of the file, as it was when the token was read.
        self._token_wrong = ""
        self.metadata()  # Whether the file is right.
        if self._token is not None and ca is None and not insecure \
                and not _is_loopback(self.address):
            raise InvalidArgument(
                f"the token would go to {self.address} in the clear; give `ca` for an encrypted "
                "server, or insecure=True where the network is trusted", field="token",
                code="INVALID_ARGUMENT")
        self.encrypted = ca is not None
        self._credentials = self._make_credentials(ca, cert, key) if ca is not None else None

    @staticmethod
    def _make_credentials(ca: str, cert: Optional[str], key: Optional[str]) -> Any:
        roots = _system_cas() if ca == "system" else _read(ca, "ca")
        if roots is not None and b"BEGIN CERTIFICATE" not in roots:
            raise InvalidArgument(f"ca: {ca} holds no certificate in PEM", field="ca",
                                  code="INVALID_ARGUMENT")
        return grpc.ssl_channel_credentials(  # type: ignore[no-untyped-call]
            roots, _read(key, "key") if key is not None else None,
            _read(cert, "cert") if cert is not None else None)

    def channel(self, module: Any) -> Any:
        """A channel of `grpc` or `grpc.aio`, which connects with the first call."""
        options = list(_OPTIONS)
        if self._balance:
            text = importlib.resources.files("vitrine.v1").joinpath("service_config.json")
            config = json.loads(text.read_text("utf-8"))
            # Its retries would multiply with ours.
            for method in config.get("methodConfig", ()):
                method.pop("retryPolicy", None)
            config.pop("retryThrottling", None)
            options.append(("grpc.service_config", json.dumps(config)))
        if self._credentials is None:
            return module.insecure_channel(self.address, options=options)
        return module.secure_channel(self.address, self._credentials, options=options)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with each call. A token's file is read again when it changes.

        While what it holds is not right the former token holds on, as on the server: who rewrites
        a file in place empties it first.
        """
        if self._token_file is not None:
            try:
                info = os.stat(self._token_file)
                # A file that is written twice within a tick of the clock differs by its size.
                state: Any = (info.st_mtime_ns, info.st_size, info.st_ino)
            except OSError:
                state = None
            if state is None or state != self._token_state:
                self._read_token_again(state)
        return () if self._token is None else (("authorization", f"Bearer {self._token}"),)

    def _read_token_again(self, state: Any) -> None:
        assert self._token_file is not None
        try:
            self._token = _read_token(self._token_file)
        except InvalidArgument as error:
            if self._token is None:
                raise
            self._token_wrong = str(error)  # And it is read again with the next call.
        else:
            self._token_state = state
            self._token_wrong = ""

    def error_of(self, failure: Any, timeout: Optional[float]) -> errors.Error:
        error = errors.of_call(failure, self.address, self.encrypted, timeout)
        if self._token_wrong and isinstance(error, errors.NotPermitted):
            error.message += f"; the former token was sent, since {self._token_wrong}"
        return error


class Methods:
    """The calls of the two services on a channel of `grpc` or `grpc.aio`."""

    def __init__(self, channel: Any):
        search = search_pb2.DESCRIPTOR.services_by_name["SearchService"]
        catalog = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]

        def method(service: Any, name: str, kind: str, request: Any, response: Any) -> Any:
            return getattr(channel, kind)(f"/{service.full_name}/{name}",
                                          request_serializer=request.SerializeToString,
                                          response_deserializer=response.FromString)

        def unary(name: str) -> Any:
            return method(search, name, "unary_unary", getattr(search_pb2, name + "Request"),
                          getattr(search_pb2, name + "Response"))

        self.search = unary("Search")
        self.recommend = unary("Recommend")
        self.embed = unary("Embed")
        self.get_product = unary("GetProduct")
        self.get_image = unary("GetImage")
        self.describe = unary("DescribeIndex")
        self.search_stream = method(search, "SearchStream", "stream_stream",
                                    search_pb2.SearchStreamRequest,
                                    search_pb2.SearchStreamResponse)
        self.list_products = method(search, "ListProducts", "unary_stream",
                                    search_pb2.ListProductsRequest,
                                    search_pb2.ListProductsResponse)
        self.receipts = method(catalog, "Receipts", "unary_stream", catalog_pb2.ReceiptsRequest,
                               catalog_pb2.ReceiptsResponse)
