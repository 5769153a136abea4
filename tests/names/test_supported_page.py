"""docs/supported-names.md says what the table says."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("supported_names", ROOT / "tools" / "supported_names.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(page):
    written = (ROOT / "docs" / "supported-names.md").read_text(encoding="utf-8")
    assert written == page.render(), "run python tools/supported_names.py"


@pytest.mark.parametrize(
    ("releases", "label"),
    [
        ("2.5 2.6 2.7 2.8 2.9", "`X`"),
        ("2.7 2.8 2.9", "`X` (2.7+)"),
        ("2.5 2.6", "`X` (up to 2.6)"),
        ("2.6 2.7", "`X` (2.6 to 2.7)"),
    ],
)
def test_an_entry_says_in_which_releases_a_name_is(page, releases, label):
    assert page.entry("X", map(page.Release.of, releases.split())) == label
