"""The four other services in one process, as cheap as gRPC lets them be: what is measured are the agents beside them.

They keep nothing but numbers. The model is deterministic: a seed writes the same sentence each time.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.wrappers_pb2 import StringValue

from puppet.llm.v1 import llm_service_pb2 as llm
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.memory.v1 import relationship_service_pb2 as relationships
from puppet.social.v1 import social_service_pb2 as social

Answer: TypeAlias = Callable[[Any, Any], Awaitable[Any]]
METHOD = "/bench.Neighbours/Seen"

_NOUNS = (
    "harbour",
    "lantern",
    "ladder",
    "kettle",
    "orchard",
    "pigeon",
    "bridge",
    "candle",
    "cellar",
    "meadow",
    "attic",
)
_ENDS = ("before breakfast", "under the stairs", "behind the mill", "in late autumn", "without a hat", "at low tide")


class Seen:
    """What has come by: posts, and how late each was sent, in seconds after the time in its name."""

    def __init__(self) -> None:
        self.posts = 0
        self.looks = 0
        self.late: list[float] = []

    def post(self, name: str) -> None:
        """Take down a post; its name ends with when it was due, if the schedule began it."""
        self.posts += 1
        due = name.rpartition("/")[2]
        if "T" in due:
            self.late.append((datetime.now(UTC) - datetime.fromisoformat(due)).total_seconds())

    async def tell(self, _request: StringValue, _context: Any) -> StringValue:
        """Return all of it as JSON, and begin to count how late they are anew."""
        told = {"posts": self.posts, "looks": self.looks, "late": self.late, "cpu": time.process_time()}
        self.late = []
        return StringValue(value=json.dumps(told))


def answers(seen: Seen) -> dict[ServiceDescriptor, dict[str, Answer]]:
    """Return what answers, by services and methods."""
    ids = itertools.count(1)

    async def create_memory(request: Any, _context: Any) -> Any:
        return memory.CreateMemoryResponse(
            memory=memory.Memory(id=f"mem_{next(ids)}", agent_id=request.memory.agent_id)
        )

    async def create_memories(request: Any, _context: Any) -> Any:
        made = [memory.Memory(id=f"mem_{next(ids)}", agent_id=request.agent_id) for _ in request.memories]
        return memory.BatchCreateMemoriesResponse(memories=made)

    async def get_relationship(_request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.NOT_FOUND, "they have never met")

    async def list_accounts(request: Any, _context: Any) -> Any:
        return social.ListAccountsResponse(accounts=[_account(request.agent_id)])

    async def create_post(request: Any, _context: Any) -> Any:
        seen.post(request.request_id)
        return social.CreatePostResponse(post=_post(f"pst_{next(ids)}"))

    async def list_mentions(_request: Any, _context: Any) -> Any:
        seen.looks += 1
        return social.ListMentionsResponse()

    async def generate(request: Any, _context: Any) -> Any:
        rng = random.Random(request.sampling.seed)
        texts = [_sentence(request.prompt.input, rng) for _ in range(max(1, request.candidate_count))]
        candidates = [llm.Candidate(text=text, finish_reason=llm.FINISH_REASON_STOP) for text in texts]
        return llm.GenerateResponse(candidates=candidates, provider="fake", model="words", background_shown=True)

    return {
        memory.DESCRIPTOR.services_by_name["MemoryService"]: {
            "CreateMemory": create_memory,
            "BatchCreateMemories": create_memories,
            "ListMemories": _always(memory.ListMemoriesResponse()),
            "SearchMemories": _always(memory.SearchMemoriesResponse()),
        },
        relationships.DESCRIPTOR.services_by_name["RelationshipService"]: {
            "GetRelationship": get_relationship,
            "BatchUpdateRelationships": _always(relationships.BatchUpdateRelationshipsResponse()),
            "RecordInteraction": _always(relationships.RecordInteractionResponse()),
        },
        social.DESCRIPTOR.services_by_name["SocialService"]: {
            "ListAccounts": list_accounts,
            "GetCapabilities": _always(social.GetCapabilitiesResponse(capabilities=_CAPABILITIES)),
            "CreatePost": create_post,
            "ListMentions": list_mentions,
        },
        llm.DESCRIPTOR.services_by_name["LlmService"]: {
            "Generate": generate,
            "GetProvider": _always(llm.GetProviderResponse(provider=llm.Provider(name="fake", background_shown=True))),
        },
    }


_CAPABILITIES = social.Capabilities(
    can_post=True,
    text_limit=social.TextLimit(
        max_weight=280, default_weight=2, ranges=[social.WeightRange(first=0, last=4351, weight=1)]
    ),
)


def _account(agent_id: str) -> social.Account:
    return social.Account(
        id=f"acc_{agent_id}", agent_id=agent_id, handle=agent_id.replace("-", "_"), network_user_id=f"id_{agent_id}"
    )


def _post(post_id: str) -> social.Post:
    return social.Post(id=post_id, state=social.POST_STATE_SETTLED, network_post_id=f"n{post_id}")


def _sentence(told: str, rng: random.Random) -> str:
    words = " ".join(word for word in told.split() if len(word) > 3 and word.isalpha())[:60]
    first, second, third = rng.sample(_NOUNS, 3)
    return f"The {first} keeps {words} beside a {second} and one {third} {rng.choice(_ENDS)}."


def _handler(method: MethodDescriptor, answer: Answer) -> "grpc.RpcMethodHandler[Any, Any]":
    read = GetMessageClass(method.input_type).FromString
    return grpc.unary_unary_rpc_method_handler(answer, read, lambda message: message.SerializeToString())


def _always(answer: Any) -> Answer:
    async def call(_request: Any, _context: Any) -> Any:
        return answer

    return call


async def main() -> None:
    """Serve on a free port, print it, and go on until standard input ends."""
    seen, server = Seen(), grpc.aio.server()
    for service, methods in answers(seen).items():
        handlers = {name: _handler(service.methods_by_name[name], answer) for name, answer in methods.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    telling = grpc.unary_unary_rpc_method_handler(seen.tell, StringValue.FromString, StringValue.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Neighbours", {"Seen": telling}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(main())
