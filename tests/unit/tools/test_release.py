"""What a release is called, and what it says."""

from datetime import date

import pytest

from tools.release import ReleaseError, begun, section, version_of

PYPROJECT = '[project]\nname = "x"\nversion = "0.1.0"\n\n[tool.other]\nversion = "7"\n'
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.1.0 - 2026-01-02\n\n- The first.\n"


def test_a_release_is_begun_in_both_files() -> None:
    pyproject, changelog = begun(PYPROJECT, CHANGELOG, "0.2.0", date(2026, 12, 1))
    assert version_of(pyproject) == "0.2.0"
    assert 'version = "7"' in pyproject
    assert section(changelog, "Unreleased") == ""
    assert section(changelog, "0.2.0") == "### Added\n\n- A thing."
    assert section(changelog, "0.1.0") == "- The first."
    assert "## 0.2.0 - 2026-12-01\n" in changelog


@pytest.mark.parametrize(
    ("version", "changelog", "why"),
    [
        ("0.1.0", CHANGELOG, "not newer"),
        ("0.0.9", CHANGELOG, "not newer"),
        ("two", CHANGELOG, "no version"),
        ("0.2.0", "# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- The first.\n", "nothing is unreleased"),
    ],
)
def test_what_is_no_release_is_refused(version: str, changelog: str, why: str) -> None:
    with pytest.raises(ReleaseError, match=why):
        begun(PYPROJECT, changelog, version, date(2026, 12, 1))
