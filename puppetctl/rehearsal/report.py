"""A report, before it is words or a page: what is shown of whom, beside what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.rehearsal.costs import Price, model_usd, network_usd
from puppetctl.rehearsal.figures import Figures, figures
from puppetctl.rehearsal.own_clock import OwnClock
from puppetctl.rehearsal.recording import Recording

_LAMPORTS = 1e9
_SOL = "So11111111111111111111111111111111111111112"


@dataclass(frozen=True, slots=True)
class Column:
    """One character in one rehearsal."""

    title: str
    """Which persona it is, where two are compared; else empty."""
    figures: Figures
    clock: OwnClock
    is_asked: bool = False
    """True when it was asked for posts, and no time passed."""


@dataclass(frozen=True, slots=True)
class Section:
    """One character, in one rehearsal or in two that are compared."""

    name: str
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown."""

    heads: Sequence[str]
    """How each rehearsal went, in sentences."""
    notes: Sequence[str]
    """What is to be known about all of them."""
    sections: Sequence[Section]
    prices: Sequence[Price]
    sources: str
    """Where the prices come from."""


def report(recordings: Sequence[Recording], prices: Sequence[Price], sources: str) -> Report:
    """Return the report of a rehearsal, or of two whose characters are compared in their order."""
    is_comparison = len(recordings) > 1
    columns = [
        [
            Column(
                one.title if is_comparison else "", figures(life, one.clock, dict(one.names)), one.clock, one.is_asked
            )
            for life in one.lives
        ]
        for one in recordings
    ]
    sections = [Section(group[0].figures.life.name, group) for group in zip(*columns, strict=True)]
    return Report(
        [_head(one, is_named=is_comparison) for one in recordings], _notes(recordings), sections, prices, sources
    )


def facts(column: Column, prices: Sequence[Price]) -> list[tuple[str, str]]:
    """Return what is to be seen at a glance, as labels and values; the labels are the same for every character."""
    found = column.figures
    style, verdicts = found.style, found.verdicts
    texts, posts = len(found.posts) + len(found.replies), len(found.posts)
    tokens = found.prompt_tokens + found.completion_tokens
    return [
        *(_rounds(found) if column.is_asked else _days(found)),
        ("failed", f"{sum(count for _, count, _ in found.failures)}"),
        (
            "refused by the guard",
            f"{verdicts.refused} of {verdicts.written} texts{_share(verdicts.refused, verdicts.written)}",
        ),
        ("keep every rule of its style", f"{found.kept} of {texts} texts" if texts else ""),
        ("near-duplicates", f"{len(found.alike)} pairs"),
        ("nearly an example", f"{style.borrowed} of {posts} posts" if style else ""),
        (
            "length of a post",
            f"{style.shortest} to {style.longest} characters, half below {style.middle}" if style else "",
        ),
        ("sentences in a post", f"{style.sentences:.1f}, and {style.words:.0f} words" if style else ""),
        ("different words", f"{style.distinct:.0%}" if style else ""),
        ("tokens", f"{found.prompt_tokens:,} read, {found.completion_tokens:,} written"),
        ("tokens for each text", f"{tokens / texts:,.0f}" if texts else ""),
        *((f"cost with {price.model}", _usd(model_usd(found, price))) for price in prices),
        ("cost on X", _usd(network_usd(found))),
    ]


def _rounds(found: Figures) -> list[tuple[str, str]]:
    """Return what came of being asked for posts."""
    posts, silent = len(found.posts), sum(count for _, count, _ in found.silences)
    return [
        ("posts", f"{posts}, asked {found.life.rounds} times"),
        ("kept silent", f"{silent}{_share(silent, found.life.rounds)}"),
        ("seconds for a post", f"{found.life.seconds / posts:.1f} of this machine" if posts else ""),
    ]


def _days(found: Figures) -> list[tuple[str, str]]:
    """Return what came of days that were lived."""
    behavior, share, late = found.life.behavior, found.peak_share, found.late_hours
    peak = len(behavior.peak_posting_hours)
    return [
        ("posts", f"{len(found.posts)}"),
        ("replies", f"{len(found.replies)} to {found.mentions} mentions"),
        ("trades", _traded(found)),
        ("in its peak hours", "none are set" if share is None else f"{share:.0%} of posts, in {peak} of 24 hours"),
        ("in its quiet hours", "none are set" if behavior.quiet_hours is None else f"{found.in_quiet}"),
        ("came later than planned", "" if late is None else f"{late:.1f} h of its time, half of them"),
        ("kept silent", f"{sum(count for _, count, _ in found.silences)}"),
    ]


def trade_rows(column: Column) -> list[tuple[str, str, str]]:
    """Return when a character traded, what it gave for what, and what became of it."""
    names = {one.mint: one for one in column.figures.life.holdings}
    rows = []
    for trade in column.figures.life.trades:
        sides = (
            _side(trade.input_mint, trade.input_amount, names),
            _side(trade.output_mint, trade.output_amount, names),
        )
        state = trading_pb.TradeState.Name(trade.state).removeprefix("TRADE_STATE_").lower().replace("_", " ")
        rows.append((_when(column, trade.create_time.ToDatetime(tzinfo=UTC)), " for ".join(sides), state))
    return rows


def profit(column: Column) -> str:
    """Return what trading brought, in words; empty for a character that has not traded."""
    books, holdings = column.figures.life.portfolio, column.figures.life.holdings
    if books is None or not books.trade_count:
        return ""
    open_gain = sum(one.unrealised_pnl_lamports for one in holdings)
    parts = (f"realised {_signed(books.realised_pnl_lamports)}", f"not yet sold {_signed(open_gain)}")
    return f"{', '.join(parts)}, fees {books.fee_lamports / _LAMPORTS:.6f} SOL"


def _when(column: Column, time: datetime) -> str:
    zone = column.figures.life.behavior.timezone
    return f"day {column.clock.day(time, zone)}, {column.clock.at(time).astimezone(zone):%H:%M}"


def _side(mint: str, amount: int, names: dict[str, trading_pb.Holding]) -> str:
    if mint == _SOL:
        return f"{amount / _LAMPORTS:.4g} SOL"
    known = names.get(mint)
    return f"{amount / 10**known.decimals:.4g} {known.symbol or mint[:8]}" if known else f"{amount} of {mint[:8]}"


def _traded(found: Figures) -> str:
    settled = [one for one in found.life.trades if one.state == trading_pb.TRADE_STATE_SETTLED]
    return f"{len(settled)}" if found.life.portfolio else "has no wallet"


def _usd(dollars: float) -> str:
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def _signed(lamports: int) -> str:
    return f"{lamports / _LAMPORTS:+.6f}"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if whole else ""


def _head(one: Recording, *, is_named: bool) -> str:
    took = one.end - one.clock.begin
    who = f"{one.title}: " if is_named else ""
    if one.is_asked:
        told = [f"{who}Asked for posts, one after the other, in {took.total_seconds() / 60:.1f} minutes of ours."]
        return " ".join([*told, f"It ended before its time: {one.ending}."] if one.ending else told)
    told = [f"{who}{_span(one.lived)} of their time, lived in {took.total_seconds() / 60:.1f} minutes of ours."]
    speeds = [stretch.speed for stretch in one.clock.stretches]
    if min(speeds) < 0.95 * one.asked_speed:
        reached = " then ".join(f"{speed:,.0f}" for speed in speeds)
        told.append(
            f"Time ran {reached} times as fast as life, not {one.asked_speed:,.0f}: what the model could follow."
        )
    else:
        told.append(f"Time ran {speeds[0]:,.0f} times as fast as life.")
    if one.ending:
        told.append(f"It ended before its time: {one.ending}.")
    return " ".join(told)


def _notes(recordings: Sequence[Recording]) -> list[str]:
    one = recordings[0]
    if one.is_asked:
        return [
            "No time passed and nobody wrote to it: `--days` has it live, be answered and keep its hours.",
            "What would wait for your approval was carried out, in the sandbox.",
        ]
    words = f"written by {one.provider}" if one.provider != "local" else "written by the sandbox's language model"
    company = f"Neighbours: {', '.join(one.neighbours)}. " if one.neighbours else ""
    told = (
        f"{company}Seed {one.seed} draws who writes to them, what and when; their words, {words}, and their own hours "
    )
    told += "differ from one rehearsal to the next."
    limits = "A wallet's limits of a day are days of ours, so that a whole rehearsal has the trades of one. Prices are "
    return [
        told,
        "An hour is the one in which something was begun: what the model took after that is time of ours.",
        f"{limits}the sandbox's.",
        "What would wait for your approval was carried out.",
    ]


def _span(lived: timedelta) -> str:
    days = lived.total_seconds() / 86_400
    return f"{days:.1f} days" if days >= 1 else f"{days * 24:.1f} hours"
