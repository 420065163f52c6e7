"""What was found, as a table for people and as JSON for programs."""

import dataclasses
import json
from collections.abc import Iterator

from conformance.results import Result, State, Verdict

_SIGNS = {State.PASSED: "ok", State.FAILED: "FAULT", State.LEFT_OUT: "-"}


def table(verdict: Verdict) -> str:
    """Return all checks, the required ones first, and what follows from them."""
    return "\n".join(_lines(verdict))


def as_json(verdict: Verdict) -> str:
    """Return the same with stable names."""
    content = {
        "service": verdict.service,
        "target": verdict.target,
        "passed": verdict.is_passed,
        "results": [dataclasses.asdict(result) for result in verdict.results],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def _lines(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.service} at {verdict.target}"
    width = max((len(result.about) for result in verdict.results), default=0)
    for is_required, title in ((True, f"required: {verdict.needed_by} can't do without it"), (False, "recommended")):
        shown = [result for result in verdict.results if result.is_required is is_required]
        if shown:
            yield f"\n{title}"
        for result in shown:
            yield from _row(result, width)
    yield ""
    yield _conclusion(verdict)


def _row(result: Result, width: int) -> Iterator[str]:
    because = f": {'; '.join(result.faults)}" if result.state is State.LEFT_OUT else ""
    yield f"  {_SIGNS[result.state]:5}  {result.about:{width}}  {result.name}{because}"
    if result.state is State.FAILED:
        yield from (f"  {'':5}  {'':{width}}    {fault}" for fault in result.faults)


def _conclusion(verdict: Verdict) -> str:
    counts = []
    for is_required, name in ((True, "required"), (False, "recommended")):
        passed, failed, left = (len(verdict.of(state, is_required=is_required)) for state in State)
        counts.append(f"{name}: {passed} ok, {failed} with faults, {left} left out")
    works = f"{verdict.needed_by} will work with it"
    if not verdict.is_passed:
        works = f"{verdict.needed_by} will NOT work with it"
    elif verdict.of(State.LEFT_OUT, is_required=True):
        works += ", as far as it was tried"
    return "\n".join([*counts, works])
