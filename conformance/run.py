"""Runs all checks and cases against one service."""

from collections.abc import Mapping

import grpc

from conformance import checks
from conformance.calls import Caller, Proof
from conformance.cases import Cases
from conformance.results import Result, Verdict
from conformance.scenario import play
from services.runtime.ids import new_id

RUN = "run"
"""A variable that every case may use: a text that no other run has."""


async def examine(
    channel: grpc.aio.Channel, target: str, cases: Cases, proof: Proof, given: Mapping[str, str]
) -> Verdict:
    """Return what a service that listens on this channel does of its contract, and of its cases."""
    caller = Caller(channel, cases.service, proof)
    results: list[Result] = []
    for found in (checks.health(caller), checks.reflection(caller), checks.strangers(caller)):
        results += [result async for result in found]
    results += [result async for result in checks.rpcs(caller, cases.needed)]
    variables = {RUN: new_id("conformance"), **given}
    results += [await play(case, caller, variables) for case in cases.cases]
    return Verdict(cases.service, target, cases.needed_by, [*results, checks.declared(caller)])
