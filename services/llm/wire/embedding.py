"""Between protobuf and domain for vectors."""

from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.wire.generation import check_model, read_labels, write_price, write_usage
from services.runtime.rpc.limits import RequestChecks


def read_embed(request: pb.EmbedRequest) -> EmbedTask:
    """Return of what to make vectors."""
    with RequestChecks(request) as checks:
        check_model(checks, request)
    dimensions = request.dimensions if request.HasField("dimensions") else None
    return EmbedTask(tuple(request.texts), request.model, dimensions, read_labels(request))


def write_embedding(made: Embedding) -> pb.EmbedResponse:
    """Return vectors as they go over the wire."""
    return pb.EmbedResponse(
        vectors=[pb.Vector(values=vector) for vector in made.vectors],
        provider=made.provider,
        model=made.model,
        usage=write_usage(made.usage),
        **write_price(made.price),
    )
