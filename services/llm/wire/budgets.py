"""Between protobuf and domain for budgets and usage."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.domain.budget import Account, next_day
from services.llm.domain.usage import Grouping, UsageQuery, UsageRow, dollars, read_dollars
from services.llm.wire.generation import STATES, write_usage
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import RequestChecks

MAX_ROWS = 1_000
_MAX_DAYS = 366
_MAX_DOLLARS = 1_000_000
_GROUPINGS = {pb.UsageGrouping.Value(f"USAGE_GROUPING_{grouping.name}"): grouping for grouping in Grouping}


def read_usage_query(request: pb.GetUsageRequest, today: date) -> UsageQuery:
    """Return which usage is asked for."""
    with RequestChecks(request) as checks:
        days = {"first_day": today, "last_day": today}
        for field in days:
            if given := getattr(request, field):
                try:
                    days[field] = date.fromisoformat(given)
                except ValueError:
                    checks.refuse(field, "must be a day such as 2026-11-30")
        if not timedelta(0) <= days["last_day"] - days["first_day"] < timedelta(days=_MAX_DAYS):
            checks.refuse("last_day", f"must be first_day or after it, and at most {_MAX_DAYS} days in all")
        for number, grouping in enumerate(request.group_by):
            if grouping not in _GROUPINGS:
                checks.refuse(f"group_by[{number}]", "must be a grouping that this service knows")
    groupings = [_GROUPINGS[grouping] for grouping in dict.fromkeys(request.group_by)]
    return UsageQuery(request.agent_id, days["first_day"], days["last_day"], groupings)


def write_usage_rows(rows: Sequence[UsageRow]) -> pb.GetUsageResponse:
    """Return what was spent as it goes over the wire; one row more than may be says that there are more."""
    return pb.GetUsageResponse(rows=[_write_row(row) for row in rows[:MAX_ROWS]], is_cut=len(rows) > MAX_ROWS)


def read_limits(request: pb.SetBudgetRequest) -> tuple[int | None, int | None]:
    """Return the limits in nano-dollars and in tokens; None is no limit."""
    nanos = None
    with RequestChecks(request) as checks:
        if request.usd_per_day:
            try:
                nanos = read_dollars(request.usd_per_day)
            except ValueError:
                checks.refuse("usd_per_day", "must be a decimal number such as 2.50, with at most nine places")
            else:
                if nanos > read_dollars(str(_MAX_DOLLARS)):
                    checks.refuse("usd_per_day", f"must be at most {_MAX_DOLLARS}")
    return nanos, request.tokens_per_day if request.HasField("tokens_per_day") else None


def write_budget(account: Account, now: datetime) -> pb.Budget:
    """Return a budget as it goes over the wire."""
    budget, spending = account.budget, account.spending
    return pb.Budget(
        agent_id=budget.agent_id,
        usd_per_day="" if budget.nanos_per_day is None else dollars(budget.nanos_per_day),
        tokens_per_day=budget.tokens_per_day,
        spent_usd=dollars(spending.spent_nanos),
        reserved_usd=dollars(spending.reserved_nanos),
        spent_tokens=spending.spent_tokens,
        reserved_tokens=spending.reserved_tokens,
        state=STATES[account.state],
        reset_time=write_time(next_day(now)),
        etag=budget.etag,
    )


def _write_row(row: UsageRow) -> pb.UsageRow:
    return pb.UsageRow(
        agent_id=row.agent_id,
        provider=row.provider,
        model=row.model,
        purpose=row.purpose,
        workflow=row.workflow,
        day=row.day,
        usage=write_usage(row.usage),
        cost_usd=dollars(row.cost_nanos),
        attempt_count=row.attempts,
        failed_count=row.failed,
        estimated_count=row.estimated,
    )
