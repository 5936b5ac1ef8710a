"""A server that answers as a test says; for what a real one seldom does."""

from concurrent import futures
from typing import Any, Callable, Dict, List, Tuple

import grpc

from vitrine.rpc import rpc_status_pb2
from vitrine.v1 import search_pb2


def fail(context: Any, code: grpc.StatusCode, message: str = "no", **error: Any) -> None:
    """Ends the call as the real server does, with a vitrine.v1.Error in its details."""
    status = rpc_status_pb2.RpcStatus(code=code.value[0], message=message)
    status.details.add().Pack(search_pb2.Error(message=message, code=code.value[0], **error))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


class FakeServer:
    """Answers each call by a function of (request, context), or of (requests, context)."""

    def __init__(self, **methods: Callable[[Any, Any], Any]):
        self.metadata: List[Dict[str, str]] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(16))
        handlers = {}
        for name, method in methods.items():
            request = getattr(search_pb2, name + "Request")
            response = getattr(search_pb2, name + "Response")
            kind = {"SearchStream": grpc.stream_stream_rpc_method_handler,
                    "ListProducts": grpc.unary_stream_rpc_method_handler}.get(
                        name, grpc.unary_unary_rpc_method_handler)
            handlers[name] = kind(self._noting(method), request_deserializer=request.FromString,
                                  response_serializer=response.SerializeToString)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "vitrine.v1.SearchService", handlers),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def _noting(self, method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def noted(request: Any, context: Any) -> Any:
            self.metadata.append(dict(context.invocation_metadata()))
            return method(request, context)
        return noted

    def stop(self) -> None:
        self._server.stop(0).wait()


def hit(product_id: str, **fields: Any) -> search_pb2.Hit:
    return search_pb2.Hit(product_id=product_id, **fields)


def echo(request: search_pb2.SearchRequest) -> search_pb2.SearchResponse:
    """An answer whose one hit is the product that was asked for."""
    return search_pb2.SearchResponse(hits=[hit(request.examples[0].product_id, score=1.0)])


def echo_batch(request: search_pb2.SearchStreamRequest) -> search_pb2.SearchStreamResponse:
    response = search_pb2.SearchStreamResponse(batch_id=request.batch_id)
    for query in request.queries:
        response.items.add().response.CopyFrom(echo(query))
    return response


def embedded(model: str, request: search_pb2.EmbedRequest, context: Any
             ) -> search_pb2.EmbedResponse:
    """The answer of a server of this model, all of whose vectors are (1, 0)."""
    if not model.startswith(request.required_model):
        fail(context, grpc.StatusCode.FAILED_PRECONDITION, f"{model} is served",
             reason=search_pb2.ERROR_REASON_WRONG_MODEL)
    response = search_pb2.EmbedResponse(model=model)
    for _ in request.images:
        response.items.add().vector.values.extend([1, 0])
    return response


def counted(method: Callable[[int, Any, Any], Any]) -> Tuple[Callable[[Any, Any], Any], List[int]]:
    """A method that is also given how often it was called before; and the list of these."""
    calls: List[int] = []

    def call(request: Any, context: Any) -> Any:
        calls.append(len(calls))
        return method(calls[-1], request, context)
    return call, calls
