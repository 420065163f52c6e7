"""Modules that are imported when they are used."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from services.runtime.imports import imported_when_used
from tests.conftest import ROOT


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seldom").mkdir()
    (tmp_path / "seldom" / "__init__.py").write_text("class Error(Exception): ...\n")
    (tmp_path / "seldom" / "errors.py").write_text("from seldom import Error\nclass Locked(Error): ...\n")
    using = "import seldom\nfrom seldom import errors\ndef is_locked(error): return isinstance(error, errors.Locked)\n"
    (tmp_path / "using.py").write_text(using)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("seldom", "seldom.errors", "using"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("packages")
def test_a_module_is_imported_when_something_of_it_is_used() -> None:
    with imported_when_used("seldom", "seldom.errors"):
        using = import_module("using")
    assert "seldom" not in sys.modules
    assert not using.is_locked(ValueError())
    assert using.is_locked(import_module("seldom.errors").Locked())
    assert using.seldom.Error is sys.modules["seldom"].Error


@pytest.mark.usefixtures("packages")
def test_a_module_that_is_loaded_stays() -> None:
    errors = import_module("seldom.errors")
    with imported_when_used("seldom", "seldom.errors"):
        using = import_module("using")
    assert using.errors is errors
    assert sys.modules["seldom.errors"] is errors


@pytest.mark.usefixtures("packages")
def test_a_module_that_is_not_installed_is_missing() -> None:
    with imported_when_used("missing"), pytest.raises(ModuleNotFoundError):
        import_module("missing")


def test_what_stands_in_for_a_library_says_its_version() -> None:
    code = """
from services.runtime.imports import imported_when_used
with imported_when_used("chardet"):
    from chardet import __version__
    import sys
print(__version__.split(".")[0].isdigit(), "chardet" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "False"]
