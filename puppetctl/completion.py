"""What a shell completes: the names of characters, from the suite that runs, or else from the files of the demo.

A person waits for it at every press of the key: who doesn't answer within `SECONDS` is done without.
"""

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import typer

from puppetctl import DATA_DIR, DEMO_PERSONAS

SECONDS = 0.3


def complete_agents(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the characters that begin like this."""
    given = ctx.params.get("data")
    names = running_agents(Path(given) if given else DATA_DIR) or agents_of(DEMO_PERSONAS)
    return [name for name in names if name.startswith(incomplete)]


def running_agents(data_dir: Path, seconds: float = SECONDS) -> list[str]:
    """Return who lives in the suite of a folder; nobody when it doesn't tell in time."""
    found: list[str] = []
    asking = threading.Thread(target=_ask, args=(data_dir, found, seconds), daemon=True)
    asking.start()
    asking.join(seconds)
    return list(found)


def agents_of(folder: Path) -> list[str]:
    """Return the ids in a folder's persona files; one that can't be read has none."""
    names = []
    for path in sorted(folder.glob("*.json")):
        try:
            persona = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(persona, dict) and isinstance(persona.get("id"), str):
            names.append(persona["id"])
    return names


def _ask(data_dir: Path, found: list[str], seconds: float) -> None:
    # Nobody sees what goes wrong here: a shell that completes nothing is told enough.
    with contextlib.suppress(Exception):
        # Not by way of `clients`, whose imports alone take as long as a person waits.
        import grpc

        from puppet.agents.v1 import agent_service_pb2 as pb
        from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
        from puppetctl.suite import location_setting, socket_of
        from services.runtime.rpc.credentials import Credential
        from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

        target = os.environ.get(location_setting("agents")) or f"unix:{socket_of('agents', data_dir)}"
        given = os.environ.get("PUPPET_CTL_CREDENTIAL")
        credential = Credential.read(
            Path(given) if given else PrincipalFiles(data_dir / "auth").credential_path(OPERATOR)
        )
        metadata = (("authorization", f"Bearer {credential.fresh_token('agents')}"),)
        with grpc.insecure_channel(target) as channel:
            request = pb.ListAgentsRequest(page_size=500)
            # The stubs are typed for calls that are awaited, which takes an event loop, and that its time to load.
            stub: Any = AgentServiceStub(channel)  # type: ignore[arg-type]
            page = stub.ListAgents(request, timeout=seconds, metadata=metadata)
            found += [agent.id for agent in page.agents]
