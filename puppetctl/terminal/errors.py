"""What can't be done, in one line that says what to do next."""

from collections.abc import Mapping

import typer

NEXT: Mapping[str, str] = {
    "AGENT_NOT_FOUND": "`puppetctl agents` lists who is there",
    "AGENT_INACTIVE": "`puppetctl start ID` starts it",
    "AGENT_BEING_DELETED": "wait until it is gone, and create it again",
    "AGENT_EXISTS": "`puppetctl apply FILE` changes the one that is there",
    "ACTIVITY_NOT_FOUND": "`puppetctl history --json` has the ids of what there is",
    "DRAFT_NOT_FOUND": "`puppetctl drafts list --all` lists those that are known",
    "DRAFT_DECIDED": "`puppetctl drafts list` lists those that wait",
    "EVENT_NOT_FOUND": "`puppetctl events list --all` lists those that are known",
    "MEMORY_NOT_FOUND": "`puppetctl memory list ID` lists what it remembers",
    "NO_ACCOUNT": "give the persona `twitter_credentials`, and `puppetctl apply` it",
    "PERSONA_VERSION_NOT_FOUND": "`puppetctl versions ID` lists those that are kept",
    "PROVIDER_NOT_FOUND": "`puppetctl call llm/ListModels` lists what is set up",
    "PROVIDER_REFUSED": "`puppetctl doctor` says which key is refused",
    "PROVIDER_RATE_LIMITED": "wait a while, or name further providers in PUPPET_LLM_PROVIDERS",
    "PROVIDER_UNAVAILABLE": "`puppetctl doctor` asks each provider, and `puppetctl logs llm` has the details",
    "DEPENDENCY_UNAVAILABLE": "`puppetctl doctor` says which service is down",
    "UNAUTHENTICATED": "name the suite's folder with --data, or a credential with PUPPET_CTL_CREDENTIAL",
    "PERMISSION_DENIED": "`puppetctl principals list` says who may do what",
    "WALLET_NOT_EMPTY": "move what it holds elsewhere, or let the wallet stay with `puppetctl delete ID --keep-wallet`",
    "TRADING_HALTED": "`puppetctl resume` lifts the halt",
    "INTERNAL": "`puppetctl logs --level error` has the details under that id",
    "UNIMPLEMENTED": "the service is of another version: `puppetctl doctor` compares them",
    "DEADLINE_EXCEEDED": "`puppetctl doctor` says what is slow or down",
}
"""By reason, what to do next."""


_OF_SERVICES = {
    "UNAUTHENTICATED": "`puppetctl doctor` says which service can't prove itself",
    "PERMISSION_DENIED": "`puppetctl doctor` says which service can't prove itself",
}
"""The same where one service has refused another: no option or credential of the caller's changes that."""


def with_next(message: str, reason: str, *, is_of_services: bool = False) -> str:
    """Return what can't be done, and what to do next, where that is known by the reason."""
    known = {**NEXT, **_OF_SERVICES} if is_of_services else NEXT
    return f"{message}. Next: {step}" if (step := known.get(reason)) else message


def fail(message: str, reason: str = "", *, is_of_services: bool = False) -> None:
    """Print to standard error what can't be done, and what to do next; then exit."""
    typer.secho(with_next(message, reason, is_of_services=is_of_services), fg=typer.colors.RED, err=True)
    raise typer.Exit(1)
