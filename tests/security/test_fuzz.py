"""Every RPC with requests that nobody means: each is answered or refused with a reason, and no fault shows.

`make test` makes 3,000 of them, always the same; `make security` makes 20,000 others each time, and says by which
`--fuzz-seed` they are made again.
"""

import asyncio
import collections
import json
import logging
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.trading.v1 import trading_service_pb2 as trading
from services.runtime import pages
from services.runtime.rpc.access import Rule, full_name
from services.runtime.rpc.status import Remote
from tests.conftest import DATA
from tests.contract.test_protos import METHODS
from tests.security.hostile import FINGERPRINT, Requests, texts_in
from tests.security.principals import AGENT, OPERATOR, Suite, bearer, served

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.timeout(3_600), pytest.mark.asyncio(loop_scope="module")]

AT_ONCE = 16
SECONDS = 10.0
MADE_BY_GRPC = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
"""What a call may end with that carries no reason: its own caller gave up, or a message has more than 8 MiB."""

MADE_BY_CALLER = "Internal error from Core"
"""What grpc.aio says to its own caller when an upload is refused while it is still being written."""

FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    new_database = request.getfixturevalue("postgres_server") if request.param == "postgres" else None
    with pytest.MonkeyPatch.context() as patch:
        # The services are in this process: so every forged key is taken for one of these filters, and gets further.
        patch.setattr(pages, "_fingerprint", lambda _filters: FINGERPRINT)
        async with served(tmp_path_factory.mktemp("suite"), new_database) as running:
            yield running


class Caller:
    """Calls RPCs with bytes, as the operator, who may."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self.operator = suite.credential(OPERATOR)
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []

    async def call(self, method: MethodDescriptor, messages: list[bytes]) -> Any:
        """Make one call, and return its (first) answer, None when it was refused."""
        service = method.containing_service.full_name.split(".")[1]
        metadata = bearer(self.operator, service)
        if delegates := Rule.of(method).delegates:
            metadata["puppet-delegation"] = self.operator.delegation(service, delegates, AGENT)
        channel: Any = self._suite.channels[service]
        path = f"/{full_name(method)}"
        read = GetMessageClass(method.output_type).FromString
        given: Any = {"metadata": tuple(metadata.items()), "timeout": SECONDS}
        try:
            if method.client_streaming:
                answer = await channel.stream_unary(path, None, read)(iter(messages), **given)
            elif method.server_streaming:
                call = channel.unary_stream(path, None, read)(messages[0], **given)
                answer = await call.read()
                call.cancel()
            else:
                answer = await channel.unary_unary(path, None, read)(messages[0], **given)
        except grpc.aio.AioRpcError as error:
            self._note(method, Remote(error), messages)
            return None
        self.outcomes["OK"] += 1
        return answer

    def _note(self, method: MethodDescriptor, remote: Remote, messages: list[bytes]) -> None:
        if remote.message == MADE_BY_CALLER and method.client_streaming:
            self.outcomes["refused while it was written"] += 1
            return
        self.outcomes[remote.code.name] += 1
        if remote.code in FAULTS or not (remote.reason or remote.code in MADE_BY_GRPC):
            shown = [item[:300] for item in messages]
            self.wrong.append(f"{method.name}: {remote.code.name} {remote.reason} {remote.message} {shown}")


async def prepared(caller: Caller, persona: dict[str, Any]) -> list[str]:
    """Make a character, a memory and a wallet, so that some requests are about something; the value is their ids."""
    raw = Struct()
    raw.update(persona)
    requests = {
        "CreateAgent": agents.CreateAgentRequest(persona=raw),
        "CreateMemory": memory.CreateMemoryRequest(
            memory=memory.Memory(
                agent_id=AGENT, text="The sea.", kind=memory.MEMORY_KIND_CORE, provenance=memory.PROVENANCE_OPERATOR
            )
        ),
        "RegisterWallet": trading.RegisterWalletRequest(agent_id=AGENT),
    }
    ids = []
    for method in METHODS:
        if method.name in requests:
            answer = await caller.call(method, [requests[method.name].SerializeToString()])
            assert answer is not None, (method.name, caller.outcomes)
            ids += texts_in(answer)
    return ids


async def test_no_request_brings_a_fault_to_light(suite: Suite, pytestconfig: pytest.Config) -> None:
    # Half of them on each database.
    calls = pytestconfig.getoption("--fuzz") // 2
    seed = pytestconfig.getoption("--fuzz-seed") or random.SystemRandom().randrange(2**32)
    log.info("the seed is %s: --fuzz-seed %s makes these requests again", seed, seed)
    persona = json.loads((DATA / "persona.json").read_text()) | {"id": AGENT}
    persona.pop("twitter_credentials", None)
    persona.pop("solana_integration", None)
    caller = Caller(suite)
    requests = Requests(seed, AGENT, await prepared(caller, persona), persona)
    for start in range(0, calls, AT_ONCE):
        made = []
        for _ in range(min(AT_ONCE, calls - start)):
            method = requests.pick(METHODS)
            count = requests.count() if method.client_streaming else 1
            made.append((method, [requests.serialized(method) for _ in range(count)]))
        await asyncio.gather(*(caller.call(method, messages) for method, messages in made))
    log.info("outcomes: %s", dict(caller.outcomes))
    assert not caller.wrong, f"{len(caller.wrong)} of {calls}, seed {seed}:\n" + "\n".join(caller.wrong[:20])
    # Requests that are all refused at the door would try nothing.
    assert caller.outcomes["OK"] > calls / 20
