"""What it costs a call that its caller is made out and its right is checked, in the process of the service."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from puppet.memory.v1 import memory_service_pb2 as pb
from services.runtime.rpc.access import full_name, rules_of
from services.runtime.rpc.authentication import DELEGATION_KEY, TOKEN_KEY, Authentication
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from services.runtime.rpc.registry import Registry

ROUNDS, CALLS, NEW_TOKENS = 5, 2_000, 100


class _Plaintext:
    """A call that came without TLS."""

    def auth_context(self) -> dict[str, Any]:
        return {}


async def measure() -> dict[str, float]:
    """Return the milliseconds that a call spends on it, by kind of call: the medians of several rounds."""
    service = pb.DESCRIPTOR.services_by_name["MemoryService"]
    method = service.methods_by_name["CreateMemory"]
    request: Any = pb.CreateMemoryRequest(memory=pb.Memory(agent_id="bench"))
    with tempfile.TemporaryDirectory() as folder:
        files = PrincipalFiles(Path(folder))
        files.prepare(["agents"])
        authentication = Authentication("memory", Registry(files.registry), rules_of([service]), None)
        operator, agents = (Credential.read(files.credential_path(name)) for name in (OPERATOR, "agents"))
        rule, context = authentication.rule(f"/{full_name(method)}"), _Plaintext()

        async def spend(metadata: dict[str, str]) -> None:
            proof = authentication.identify(context, metadata)  # type: ignore[arg-type]  # all of it that is asked
            await authentication.admit(rule, proof.registered.principal, metadata, request)

        async def each(calls: list[dict[str, str]]) -> float:
            started = time.perf_counter()
            for metadata in calls:
                await spend(metadata)
            return (time.perf_counter() - started) / len(calls) * 1000

        seen = {TOKEN_KEY: f"Bearer {operator.token('memory')}"}
        delegated = {
            TOKEN_KEY: f"Bearer {agents.token('memory')}",
            DELEGATION_KEY: operator.delegation("agents", [full_name(method)], "bench"),
        }
        taken: dict[str, list[float]] = {"a token": [], "a token and a delegation": [], "a token's first call": []}
        for number in range(ROUNDS):
            taken["a token"].append(await each([seen] * CALLS))
            taken["a token and a delegation"].append(await each([delegated] * CALLS))
            # Each is another one: what a token says is its name, its service and its times.
            new = [operator.token("memory", 3600 + number * NEW_TOKENS + extra) for extra in range(NEW_TOKENS)]
            taken["a token's first call"].append(await each([{TOKEN_KEY: f"Bearer {token}"} for token in new]))
    return {name: statistics.median(values) for name, values in taken.items()}
