"""`python -m conformance --service llm --target host:port`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc

from conformance.calls import Proof
from conformance.cases import read_cases
from conformance.contract import SERVICES
from conformance.report import as_json, table
from conformance.results import Verdict
from conformance.run import examine
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.tls import channel_credentials_of
from services.runtime.settings import SettingsError

PASSED, FAILED, NOT_TRIED = 0, 1, 2
TOKEN = "PUPPET_CONFORMANCE_TOKEN"  # noqa: S105 - the name of a variable
_CONNECT_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine a service, print what was found, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        verdict = asyncio.run(_examined(options))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return NOT_TRIED
    except TimeoutError:
        print(f"nothing answers at {options.target}", file=sys.stderr)  # noqa: T201
        return NOT_TRIED
    if verdict.is_locked_out:
        told = "it wants to know who calls, and refuses everything: name a --credential, or a --token"
        print(f"{options.target}: {told}", file=sys.stderr)  # noqa: T201
        return NOT_TRIED
    print(as_json(verdict) if options.json else table(verdict))  # noqa: T201
    is_good = verdict.is_clean if options.strict else verdict.is_passed
    return PASSED if is_good else FAILED


async def _examined(options: argparse.Namespace) -> Verdict:
    token = options.token or os.environ.get(TOKEN, "")
    proof = Proof(token, Credential.read(options.credential) if options.credential else None)
    cases = read_cases(options.service)
    async with _channel(options) as channel:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await channel.channel_ready()
        return await examine(channel, options.target, cases, proof, dict(options.set))


def _channel(options: argparse.Namespace) -> grpc.aio.Channel:
    if options.ca is None:
        return grpc.aio.insecure_channel(options.target)
    named = [("grpc.ssl_target_name_override", options.service)]
    return grpc.aio.secure_channel(options.target, channel_credentials_of(options.ca, options.cert, options.key), named)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m conformance",
        description="Tells whether a service keeps its contract, and whether the others will work with it. "
        "It writes: try it on a service without anything that you need.",
        epilog="The exit code is 0 when all that is required passed, 1 when it didn't, and 2 when nothing was tried.",
    )
    parser.add_argument("--service", required=True, choices=SERVICES)
    parser.add_argument("--target", required=True, help="host:port")
    parser.add_argument(
        "--token", default="", help=f"shown with each call; {TOKEN} keeps it out of the list of processes"
    )
    parser.add_argument("--credential", type=Path, help="a credential's file, of which tokens are made: an operator's")
    parser.add_argument("--ca", type=Path, help="speak TLS, and trust what this CA signed")
    parser.add_argument("--cert", type=Path, help="the certificate that is shown")
    parser.add_argument("--key", type=Path, help="its key")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="what a case needs, as the table says",
    )
    parser.add_argument("--strict", action="store_true", help="the exit code is 1 for what is recommended, too")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
