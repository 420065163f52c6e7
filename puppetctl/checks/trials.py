"""Whether live third parties take a cheap call: a key that is wrong is found before a character needs it."""

import asyncio
import tempfile
from collections.abc import Awaitable, Collection, Mapping
from pathlib import Path

import grpc
from pydantic import ValidationError

from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.checks.findings import Finding, Mark
from puppetctl.checks.parties import is_live_now
from puppetctl.clients import Clients, connected, in_words, proof_in, targets
from puppetctl.suite import LLM, SOLANA, THIRD_PARTIES, SuiteError, X
from services.llm.bootstrap import open_ledger, open_providers, open_store
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.service.providers import Providers
from services.llm.settings import PREFIX, LlmSettings
from services.runtime.errors import PuppetError
from services.runtime.settings import explain

_CALL_SECONDS = 20.0
_QUESTION, _ANSWER_TOKENS = "Say yes.", 16
_MAX_ACCOUNTS = 10


async def tried(environment: Mapping[str, str], data_dir: Path, healthy: Collection[str]) -> list[Finding]:
    """Call each live party through its service, which has the keys; models also before that runs."""
    live = [party for party in THIRD_PARTIES if is_live_now(party, environment, data_dir)]
    findings = await _models_of_settings() if LLM in live and "llm" not in healthy else []
    trials = [(party, *_TRIALS[party.name]) for party in live if _TRIALS[party.name][0] in healthy]
    if not trials:
        return findings
    try:
        proof = proof_in(environment, data_dir)
    except SuiteError as error:
        return [*findings, Finding(Mark.BAD, "third parties", f"can't be tried: {error}")]
    async with connected(targets(environment, data_dir), proof) as clients:
        for party, service, trial in trials:
            try:
                findings += await trial(clients)
            except grpc.aio.AioRpcError as error:
                findings.append(Finding(Mark.BAD, party.name, in_words(error, service)))
    return findings


async def _models(clients: Clients) -> list[Finding]:
    names: dict[str, None] = {}
    request = llm_pb.ListModelsRequest(page_size=500)
    while True:
        page = await clients.llm.ListModels(request, timeout=_CALL_SECONDS)
        names |= dict.fromkeys(model.provider for model in page.models)
        names |= dict.fromkeys(failure.provider for failure in page.failures)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    async def ask(name: str) -> str:
        question = llm_pb.GenerateRequest(
            provider=name,
            prompt=llm_pb.Prompt(input=_QUESTION),
            sampling=llm_pb.Sampling(max_tokens=_ANSWER_TOKENS),
            is_awaited=True,
        )
        return f"{(await clients.llm.Generate(question, timeout=_CALL_SECONDS)).model} answers"

    return await asyncio.gather(*(_model(name, ask(name)) for name in names))


async def _models_of_settings() -> list[Finding]:
    """Ask the models that the llm service would start with."""
    try:
        settings = LlmSettings()
    except ValidationError as error:
        return [Finding(Mark.BAD, LLM.name, explain(error, PREFIX))]

    async def ask(providers: Providers, name: str) -> str:
        until = asyncio.get_running_loop().time() + _CALL_SECONDS
        task = Task(Prompt(_QUESTION), Sampling(max_tokens=_ANSWER_TOKENS))
        return f"{(await providers.generate(name, task, until)).model} answers"

    # What the suite's own database counts, only its service writes.
    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "database_url": ""})
        async with (
            open_store(own) as store,
            open_ledger(own, store) as ledger,
            open_providers(own, ledger) as providers,
        ):
            names = [provider.name for provider in settings.providers]
            return await asyncio.gather(*(_model(name, ask(providers, name)) for name in names))


def _model(name: str, answer: Awaitable[str]) -> Awaitable[Finding]:
    return _finding(f"model of {name}", "llm", answer, f"see {PREFIX}{name.upper()}_API_KEY, _BASE_URL and _MODEL")


async def _accounts(clients: Clients) -> list[Finding]:
    async def read(account: social_pb.Account) -> str:
        request = social_pb.ListMentionsRequest(account_id=account.id, page_size=1)
        await clients.social.ListMentions(request, timeout=_CALL_SECONDS)
        return "its mentions can be read"

    listed = await clients.social.ListAccounts(social_pb.ListAccountsRequest(page_size=_MAX_ACCOUNTS))
    remedy = "give the persona's twitter_credentials anew, with `puppetctl apply`"
    return await asyncio.gather(
        *(_finding(f"account @{one.handle}", "social", read(one), remedy) for one in listed.accounts)
    )


async def _market(clients: Clients) -> list[Finding]:
    async def tokens() -> str:
        await clients.trading.ListTrendingTokens(trading_pb.ListTrendingTokensRequest(page_size=1))
        return "answers"

    async def balances(wallet_id: str) -> str:
        await clients.trading.GetBalances(trading_pb.GetBalancesRequest(wallet_id=wallet_id))
        return "answers"

    wallets = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(page_size=1))).wallets
    findings = [_finding("Jupiter", "trading", tokens(), "see PUPPET_TRADING_JUPITER_URL and _API_KEY")]
    # Without a wallet nobody asks the node yet.
    findings += [_finding("Solana node", "trading", balances(one.id), "see PUPPET_TRADING_RPC_URL") for one in wallets]
    return await asyncio.gather(*findings)


async def _finding(subject: str, service: str, answer: Awaitable[str], remedy: str) -> Finding:
    try:
        return Finding(Mark.OK, subject, await answer)
    except grpc.aio.AioRpcError as error:
        return Finding(Mark.BAD, subject, in_words(error, service), remedy)
    except PuppetError as error:
        return Finding(Mark.BAD, subject, error.message, remedy)


# By third party, the service that speaks to it, and what is asked there.
_TRIALS = {X.name: ("social", _accounts), SOLANA.name: ("trading", _market), LLM.name: ("llm", _models)}
