"""The npm package is built, imported and typed. Without Node, or where its packages can't be had, this is left out."""

import pytest
import pytest_asyncio

from tools.languages import LeftOutError, run
from tools.npm import PACKAGE, build

_USES = """
import { AgentServiceClient, TriggerPostRequest } from "@puppetengine/protos/agents/v1/agent_service";
import { LlmServiceService } from "@puppetengine/protos/llm/v1/llm_service";
import { ErrorInfo } from "@puppetengine/protos/google/rpc/error_details";
const request = TriggerPostRequest.decode(TriggerPostRequest.encode(
  TriggerPostRequest.create({ agentId: "odd", requestId: "1", topic: "fog" })).finish());
console.log(AgentServiceClient.serviceName, request.topic, LlmServiceService.generate.path, ErrorInfo.create().reason);
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def package() -> None:
    try:
        await build()
    except LeftOutError as why:
        pytest.skip(f"left out: {why}")


@pytest.mark.slow
async def test_the_package_is_imported_by_its_name(package: None) -> None:
    code, said = await run((*PACKAGE.command, _USES), PACKAGE.path)
    assert (code, said.split()) == (0, ["puppet.agents.v1.AgentService", "fog", "/puppet.llm.v1.LlmService/Generate"])


@pytest.mark.slow
@pytest.mark.parametrize(("field", "code"), [("agentId", 0), ("agent_id", 2)])
async def test_the_package_is_typed(package: None, field: str, code: int) -> None:
    using = PACKAGE.path / "using.ts"
    using.write_text(_USES.replace("agentId", field))
    strict = ("--strict", "--noEmit", "--skipLibCheck", "--types", "node")
    modern = ("--module", "nodenext", "--target", "es2023")
    ended, said = await run(("node_modules/.bin/tsc", *strict, *modern, "using.ts"), PACKAGE.path)
    assert ended == code, said
    assert ("using.ts(6," in said) == bool(code)
