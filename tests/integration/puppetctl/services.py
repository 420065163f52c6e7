"""The services that the command line calls, and the sandboxes that it provisions from, in memory."""

# ruff: noqa: N802 - gRPC names the methods of a servicer.
import asyncio
import http.server
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceServicer
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceServicer
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceServicer
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceServicer
from services.runtime.errors import InvalidRequest, NotFound, Violation
from services.runtime.rpc.status import to_status

Context = grpc.aio.ServicerContext[Any, Any]


class FakeAgents(AgentServiceServicer):
    """Keeps agents and a log; one with `trading_enabled` gets a wallet, one with credentials an account."""

    def __init__(self) -> None:
        self.agents: dict[str, pb.Agent] = {}
        self.secrets: dict[str, Any] = {}
        self.log: list[log_pb.Activity] = []
        self.calls: list[str] = []
        self.moods: list[pb.AdjustMoodRequest] = []
        self.explanation: pb.ExplainActivityResponse | None = None
        self.preview = pb.PreviewPromptResponse()
        self.previews: list[pb.PreviewPromptRequest] = []
        self.listed: list[pb.ListActivityRequest] = []
        self.breaks_streams = False
        self.is_scoped = False
        """Refuses what is about all agents, as for a client whose scope is some."""
        self.ends = 0
        """How many calls that let an agent act are cut off, as by the end of the process."""
        self.triggers: list[pb.TriggerPostRequest] = []
        self.refused_in_batches: set[str] = set()
        """The agents for which a whole batch is refused."""
        self.watched = asyncio.Event()
        self._news = asyncio.Event()

    def add(self, agent_id: str, kind: log_pb.ActivityKind.ValueType, summary: str) -> log_pb.Activity:
        """Log an activity that happens now."""
        activity = log_pb.Activity(
            cursor=str(len(self.log) + 1), agent_id=agent_id, agent_name=agent_id.title(), kind=kind, summary=summary
        )
        activity.create_time.GetCurrentTime()
        self.log.append(activity)
        self._news.set()
        self._news = asyncio.Event()
        return activity

    async def CreateAgent(self, request: pb.CreateAgentRequest, context: Context) -> pb.CreateAgentResponse:
        self.calls.append(f"create {request.persona['id']}")
        return pb.CreateAgentResponse(agent=await self._keep(request.persona, context))

    async def BatchCreateAgents(
        self, request: pb.BatchCreateAgentsRequest, context: Context
    ) -> pb.BatchCreateAgentsResponse:
        ids = [str(one.persona["id"]) for one in request.requests]
        self.calls.append(f"create all of {' '.join(ids)}")
        if self.refused_in_batches.intersection(ids):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "requests[0].persona.name: is required")
        made = [await self._keep(one.persona, context) for one in request.requests]
        return pb.BatchCreateAgentsResponse(agents=made)

    async def UpdateAgent(self, request: pb.UpdateAgentRequest, context: Context) -> pb.UpdateAgentResponse:
        self.calls.append(f"update {request.agent.id} {','.join(request.update_mask.paths)}")
        return pb.UpdateAgentResponse(agent=await self._keep(request.agent.persona, context))

    async def ExplainActivity(self, request: pb.ExplainActivityRequest, context: Context) -> pb.ExplainActivityResponse:
        if self.explanation is None:
            await context.abort_with_status(_status(NotFound(f"no activity is known by {request.id!r}")))
        assert self.explanation is not None
        return self.explanation

    async def PreviewPrompt(self, request: pb.PreviewPromptRequest, context: Context) -> pb.PreviewPromptResponse:
        self.calls.append(f"preview {request.agent_id} {request.behaviour} {request.text}{request.topic}")
        self.previews.append(request)
        return self.preview

    async def TriggerReply(self, request: pb.TriggerReplyRequest, context: Context) -> pb.TriggerReplyResponse:
        self.calls.append(f"reply {request.agent_id} {request.network_post_id}")
        activity = self.add(request.agent_id, log_pb.ACTIVITY_KIND_REPLY, "gates answer slowly.")
        return pb.TriggerReplyResponse(workflow_id="reply/1", activity=activity)

    async def ListPersonaVersions(
        self, request: pb.ListPersonaVersionsRequest, context: Context
    ) -> pb.ListPersonaVersionsResponse:
        agent = await self._get(request.agent_id, context)
        number = int(request.page_token or agent.persona_version)
        version = pb.PersonaVersion(number=number, principal="operator" if number > 1 else "")
        version.create_time.FromJsonString(f"2026-11-0{number}T12:00:00Z")
        version.changed_fields.extend(f"style_guide.f{place}" for place in range(number if number > 1 else 0))
        return pb.ListPersonaVersionsResponse(versions=[version], next_page_token=str(number - 1) if number > 1 else "")

    async def RollbackPersona(self, request: pb.RollbackPersonaRequest, context: Context) -> pb.RollbackPersonaResponse:
        agent = await self._get(request.agent_id, context)
        self.calls.append(f"rollback {request.agent_id} {request.version}")
        agent.persona_version += 1
        return pb.RollbackPersonaResponse(agent=agent)

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        return pb.GetAgentResponse(agent=await self._get(request.id, context))

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        if self.is_scoped:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "beyond this client's scope")
        ids = sorted(self.agents)
        index = ids.index(request.page_token) if request.page_token else 0
        following = ids[index + 1] if index + 1 < len(ids) else ""
        return pb.ListAgentsResponse(
            agents=[self.agents[name] for name in ids[index : index + 1]], next_page_token=following
        )

    async def StartAgent(self, request: pb.StartAgentRequest, context: Context) -> pb.StartAgentResponse:
        self.calls.append(f"start {request.id}")
        agent = await self._get(request.id, context)
        agent.is_active = True
        agent.ClearField("stop_time")
        return pb.StartAgentResponse(agent=agent)

    async def StopAgent(self, request: pb.StopAgentRequest, context: Context) -> pb.StopAgentResponse:
        self.calls.append(f"stop {request.id}")
        agent = await self._get(request.id, context)
        agent.is_active = False
        agent.stop_time.GetCurrentTime()
        return pb.StopAgentResponse(agent=agent)

    async def GetAgentStatus(self, request: pb.GetAgentStatusRequest, context: Context) -> pb.GetAgentStatusResponse:
        agent = await self._get(request.id, context)
        due = pb.ScheduledAction(kind=pb.ACTION_KIND_POST, behaviour="post")
        due.due_time.GetCurrentTime()
        due.due_time.seconds += 600
        return pb.GetAgentStatusResponse(
            is_active=agent.is_active,
            mood=log_pb.Mood(label="relaxed"),
            schedule=[due],
            post_count=7,
            trade_count=1,
            notices=[pb.Notice(field=path, description=f"nobody here knows {path}") for path in agent.unknown_fields],
        )

    async def AdjustMood(self, request: pb.AdjustMoodRequest, context: Context) -> pb.AdjustMoodResponse:
        await self._get(request.agent_id, context)
        self.moods.append(request)
        return pb.AdjustMoodResponse()

    async def GetMoodHistory(self, request: pb.GetMoodHistoryRequest, context: Context) -> pb.GetMoodHistoryResponse:
        await self._get(request.agent_id, context)
        points = [pb.MoodPoint(mood=log_pb.Mood(label="gloomy"), causes=["adjusted"])] if self.moods else []
        return pb.GetMoodHistoryResponse(points=points)

    async def TriggerPost(self, request: pb.TriggerPostRequest, context: Context) -> pb.TriggerPostResponse:
        self.triggers.append(request)
        if self.ends:
            self.ends -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        await self._get(request.agent_id, context)
        if request.topic == "never":
            return pb.TriggerPostResponse(workflow_id="w")
        kinds = {"failure": log_pb.ACTIVITY_KIND_FAILURE, "silence": log_pb.ACTIVITY_KIND_PASS}
        kind = kinds.get(request.topic, log_pb.ACTIVITY_KIND_POST)
        return pb.TriggerPostResponse(workflow_id="w", activity=self.add(request.agent_id, kind, request.topic))

    async def TriggerTrade(self, request: pb.TriggerTradeRequest, context: Context) -> pb.TriggerTradeResponse:
        await self._get(request.agent_id, context)
        return pb.TriggerTradeResponse(activity=self.add(request.agent_id, log_pb.ACTIVITY_KIND_PASS, "holds"))

    async def ListActivity(self, request: pb.ListActivityRequest, context: Context) -> pb.ListActivityResponse:
        self.listed.append(request)
        last = int(request.page_token or len(self.log))
        page = self.log[max(0, last - 2) : last][::-1]
        return pb.ListActivityResponse(activities=page, next_page_token=str(last - 2) if last > 2 else "")

    async def WatchActivity(
        self, request: pb.WatchActivityRequest, context: Context
    ) -> AsyncIterator[pb.WatchActivityResponse]:
        if self.is_scoped and not request.agent_ids:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "beyond this client's scope")
        at = int(request.after_cursor or len(self.log))
        self.calls.append(f"watch after {at}")
        self.watched.set()
        yield pb.WatchActivityResponse(cursor=str(at))
        while True:
            for activity in self.log[at:]:
                yield pb.WatchActivityResponse(activity=activity, cursor=activity.cursor)
                if self.breaks_streams:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "the service goes away")
            at = len(self.log)
            await self._news.wait()

    async def _get(self, agent_id: str, context: Context) -> pb.Agent:
        if agent_id not in self.agents:
            error = _AgentNotFound(f"no agent {agent_id!r}")
            await context.abort_with_status(_status(error))
        return self.agents[agent_id]

    async def _keep(self, persona: Any, context: Context) -> pb.Agent:
        if not persona["name"]:
            await context.abort_with_status(_status(InvalidRequest([Violation("persona.name", "is required")])))
        if "twitter_credentials" in persona and persona["twitter_credentials"]["apiKey"] == "YOUR_API_KEY":
            refused = Violation("persona.twitter_credentials", "CREDENTIALS_REFUSED: X refused them")
            await context.abort_with_status(_status(InvalidRequest([refused])))
        agent_id = persona["id"]
        agent = pb.Agent(id=agent_id, name=persona["name"], persona=persona, etag="e1", unknown_fields=["shoe_size"])
        if before := self.agents.get(agent_id):
            agent.is_active = before.is_active
        if "twitter_credentials" in persona:
            credentials = agent.persona.fields["twitter_credentials"].struct_value
            self.secrets[agent_id] = dict(credentials)
            for name in self.secrets[agent_id]:
                credentials[name] = "[redacted]"
            agent.account_id = f"acc_{agent_id}"
        if "solana_integration" in persona and persona["solana_integration"]["trading_enabled"]:
            agent.wallet_id = f"wal_{agent_id}"
        self.agents[agent_id] = agent
        return agent


class FakeLlm(LlmServiceServicer):
    """Answers with the same candidates, after it has refused by the reasons in `failures`, each once."""

    def __init__(self) -> None:
        self.candidates: list[llm_pb.Candidate] = []
        self.failures: list[str] = []
        self.asked: list[llm_pb.GenerateRequest] = []

    async def Generate(self, request: llm_pb.GenerateRequest, context: Context) -> llm_pb.GenerateResponse:
        self.asked.append(request)
        if self.failures:
            error = type("Refused", (NotFound,), {"reason": self.failures.pop(0)})("refused")
            await context.abort_with_status(_status(error))
        return llm_pb.GenerateResponse(candidates=self.candidates, provider="local", model="small")


class FakeSocial(SocialServiceServicer):
    """Knows every account, and lists one whose credentials the network refuses."""

    async def ListAccounts(
        self, request: social_pb.ListAccountsRequest, context: Context
    ) -> social_pb.ListAccountsResponse:
        return social_pb.ListAccountsResponse(accounts=[social_pb.Account(id="acc_basil", handle="basil")])

    async def ListMentions(
        self, request: social_pb.ListMentionsRequest, context: Context
    ) -> social_pb.ListMentionsResponse:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the network refused them")

    async def GetAccount(self, request: social_pb.GetAccountRequest, context: Context) -> social_pb.GetAccountResponse:
        handle = request.id.removeprefix("acc_")
        account = social_pb.Account(id=request.id, handle=handle, network_user_id=f"id-{handle}")
        return social_pb.GetAccountResponse(account=account)


class FakeTrading(TradingServiceServicer):
    """Knows every wallet, whose address is its id; it tells what is in it, and halts what is in `owners`."""

    def __init__(self) -> None:
        self.lamports: dict[str, int] = {}
        self.owners: dict[str, str] = {}
        """By wallet, the agent that it belongs to; these are listed."""
        self.halts: dict[str, str] = {}
        """By wallet, the reason of its halt; empty for that over all."""
        self.refuses_lists = False
        self.holdings: list[trading_pb.Holding] = []
        self.portfolio = trading_pb.Portfolio()
        self.allowance = trading_pb.Allowance()
        self.trades: list[trading_pb.Trade] = []

    async def ListTrendingTokens(
        self, request: trading_pb.ListTrendingTokensRequest, context: Context
    ) -> trading_pb.ListTrendingTokensResponse:
        return trading_pb.ListTrendingTokensResponse()

    async def ListWallets(
        self, request: trading_pb.ListWalletsRequest, context: Context
    ) -> trading_pb.ListWalletsResponse:
        if self.refuses_lists and not request.agent_id:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "beyond this client's scope")
        ids = sorted(name for name, owner in self.owners.items() if request.agent_id in ("", owner))
        first = int(request.page_token or 0)
        wallets = [self._wallet(name) for name in ids[first : first + 1]]
        following = str(first + 1) if first + 1 < len(ids) else ""
        return trading_pb.ListWalletsResponse(wallets=wallets, next_page_token=following)

    async def HaltTrading(
        self, request: trading_pb.HaltTradingRequest, context: Context
    ) -> trading_pb.HaltTradingResponse:
        self.halts[request.wallet_id] = request.reason
        return trading_pb.HaltTradingResponse(halt=trading_pb.Halt(reason=request.reason))

    async def ResumeTrading(
        self, request: trading_pb.ResumeTradingRequest, context: Context
    ) -> trading_pb.ResumeTradingResponse:
        self.halts.pop(request.wallet_id, None)
        return trading_pb.ResumeTradingResponse(halt=self._halt(request.wallet_id))

    def _wallet(self, wallet_id: str) -> trading_pb.Wallet:
        owner = self.owners[wallet_id]
        return trading_pb.Wallet(id=wallet_id, agent_id=owner, address=wallet_id, halt=self._halt(wallet_id))

    def _halt(self, wallet_id: str) -> trading_pb.Halt | None:
        for name in ("", wallet_id):
            if name in self.halts:
                return trading_pb.Halt(reason=self.halts[name], is_for_all=not name)
        return None

    async def GetWallet(self, request: trading_pb.GetWalletRequest, context: Context) -> trading_pb.GetWalletResponse:
        return trading_pb.GetWalletResponse(wallet=trading_pb.Wallet(id=request.id, address=request.id))

    async def GetPortfolio(
        self, request: trading_pb.GetPortfolioRequest, context: Context
    ) -> trading_pb.GetPortfolioResponse:
        listed = [one for one in self.holdings if one.HasField("purchase_time") or not request.has_trades]
        first = int(request.page_token or 0)
        following = str(first + 1) if first + 1 < len(listed) else ""
        return trading_pb.GetPortfolioResponse(
            portfolio=self.portfolio, holdings=listed[first : first + 1], next_page_token=following
        )

    async def GetAllowance(
        self, request: trading_pb.GetAllowanceRequest, context: Context
    ) -> trading_pb.GetAllowanceResponse:
        self.allowance.halt.CopyFrom(self._halt(request.wallet_id) or trading_pb.Halt())
        if not self._halt(request.wallet_id):
            self.allowance.ClearField("halt")
        return trading_pb.GetAllowanceResponse(allowance=self.allowance)

    async def ListTrades(
        self, request: trading_pb.ListTradesRequest, context: Context
    ) -> trading_pb.ListTradesResponse:
        first = int(request.page_token or 0)
        following = str(first + 1) if first + 1 < len(self.trades) else ""
        return trading_pb.ListTradesResponse(trades=self.trades[first : first + 1], next_page_token=following)

    async def GetBalances(
        self, request: trading_pb.GetBalancesRequest, context: Context
    ) -> trading_pb.GetBalancesResponse:
        sol = trading_pb.Balance(amount=self.lamports.get(request.wallet_id, 0), decimals=9, symbol="SOL")
        return trading_pb.GetBalancesResponse(balances=[sol])


SANDBOX_TOKEN = "opens the accounts"  # noqa: S105


class FakeSandbox(http.server.ThreadingHTTPServer):
    """Makes accounts, and sends SOL to the fake trading service's wallets."""

    def __init__(self, trading: FakeTrading) -> None:
        super().__init__(("127.0.0.1", 0), _SandboxHandler)
        self.trading = trading
        self.calls: list[str] = []
        self.usernames: dict[str, str] = {}
        """What the accounts that it lists are called, by their ids."""
        self.refuses_airdrops = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"


class _SandboxHandler(http.server.BaseHTTPRequestHandler):
    server: FakeSandbox

    def do_GET(self) -> None:
        listed = [{"id": user_id, "username": name} for user_id, name in self.server.usernames.items()]
        self._answer({"accounts": listed} if self.path == "/_sandbox/accounts" else {"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/_sandbox/accounts" and self.headers["Authorization"] != f"Bearer {SANDBOX_TOKEN}":
            self.send_error(401)
        elif self.path == "/_sandbox/accounts":
            self.server.calls.append(f"account {body['username']}")
            names = ("api_key", "api_key_secret", "access_token", "access_token_secret")
            self._answer({name: f"{name} of {body['username']}" for name in names})
        elif self.server.refuses_airdrops:
            self._answer({"error": {"message": "the faucet is dry"}})
        else:
            address, lamports = body["params"]
            self.server.calls.append(f"{body['method']} {address}")
            self.server.trading.lamports[address] = self.server.trading.lamports.get(address, 0) + lamports
            self._answer({"result": "signature"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


class _AgentNotFound(NotFound):
    reason = "AGENT_NOT_FOUND"


def _status(error: NotFound | InvalidRequest) -> Any:
    from grpc_status import rpc_status

    return rpc_status.to_status(to_status(error, "agents.puppet"))
