"""What the page and the dashboard of telemetry name is what the services tell."""

import importlib
import json
import pkgutil
import re

import pytest

import services
from services.runtime.telemetry.metrics import Counter, Histogram, Instrument, instruments
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "telemetry.md"
_LABELS = re.compile(r"by \([^)]*\)|\{[^}]*\}")
DASHBOARD = ROOT / "deploy" / "grafana" / "puppet-engine.json"


@pytest.fixture(scope="module")
def declared() -> list[Instrument]:
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if not re.search(r"\.__main__$|\.migrations\b", module.name):
            importlib.import_module(module.name)
    return [one for one in instruments() if not one.name.startswith("test.")]


def prometheus_names(instrument: Instrument) -> set[str]:
    """Return the names under which Prometheus knows an instrument, by its exporter's rules."""
    name = instrument.name.replace(".", "_") + ("_seconds" if instrument.unit == "s" else "")
    if isinstance(instrument, Counter):
        return {f"{name}_total"}
    return {f"{name}_{part}" for part in ("bucket", "sum", "count")} if isinstance(instrument, Histogram) else {name}


def test_the_page_lists_every_metric_and_no_other(declared: list[Instrument]) -> None:
    table = PAGE.read_text().partition("## Metrics")[2]
    listed = set(re.findall(r"`((?:puppet|rpc|http|gen_ai)\.[a-z_.]+)`", table))
    labels = {"gen_ai.provider.name", "gen_ai.token.type", "rpc.method", "rpc.response.status_code"}
    assert listed - labels == {one.name for one in declared}


def test_the_dashboard_shows_what_is_told(declared: list[Instrument]) -> None:
    known = {name for one in declared for name in prometheus_names(one)}
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    asked = {
        name
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"\b(?:puppet|rpc|http|gen_ai)_\w+", _LABELS.sub("", target["expr"]))
    }
    assert asked - known == set()
    shown = {one.name for one in declared if prometheus_names(one) & asked}
    assert shown == {one.name for one in declared} - {"rpc.client.call.duration"}


def test_the_panels_of_the_dashboard_stand_apart() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
