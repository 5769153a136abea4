"""The table: nothing of a row is lost in it, and a target that is missed says so."""

import pytest

from benchmarks.row import HEAD, Beside, Row, Target, figure, markdown, plain

FAST = Row(what="a run", ours=12.34, unit="ms", beside=(Beside("peer", 99.5),), target=Target(60))
SLOW = Row(what="a slow run", ours=61, unit="ms", beside=(Beside("other", 2, "s"),), target=Target(60))
RATIO = Row(what="ratio", ours=2.5, unit="x", target=Target(3, least=True))
ABSENT = Row(what="alone", ours=1, unit="s", beside=(Beside("peer", None, why="not installed: no wheel"),))


def test_a_target_is_met_up_to_its_limit_and_not_beyond():
    assert Target(60).met_by(60)
    assert not Target(60).met_by(60.1)
    assert Target(3, least=True).met_by(3)
    assert not Target(3, least=True).met_by(2.9)


def test_rows_say_whether_they_met_their_target():
    assert [row.met for row in (FAST, SLOW, RATIO, ABSENT)] == [True, False, False, None]
    assert [row.cells()[4] for row in (FAST, SLOW, RATIO, ABSENT)] == ["yes", "NO", "NO", ""]
    assert RATIO.cells()[3] == "≥ 3 x"


@pytest.mark.parametrize("draw", [plain, markdown])
def test_a_table_shows_every_cell_of_every_row(draw):
    rows = [FAST, SLOW, RATIO, ABSENT]
    drawn = draw(rows)
    for cell in [*HEAD[:2], *(cell for row in rows for cell in row.cells())]:
        assert cell in drawn


def test_a_missing_peer_says_why_in_its_cell():
    assert ABSENT.cells()[2] == "peer: not installed: no wheel"
    assert "peer: not installed: no wheel" in plain([ABSENT])


def test_a_peers_unit_may_differ_from_the_rows():
    assert FAST.cells()[2] == "peer 99.5 ms"
    assert SLOW.cells()[2] == "other 2 s"


def test_columns_of_the_plain_table_are_aligned():
    lines = [line for line in plain([FAST, SLOW, RATIO]).splitlines() if not line.startswith("    ")]
    ends = {
        line.index(cell) + len(cell)
        for line, cell in zip(lines, ["ours", "12.3 ms", "61 ms", "2.5 x"], strict=True)
    }
    assert len(ends) == 1


def test_every_line_of_markdown_has_as_many_cells_as_the_head():
    piped = Row(what="a | b", ours=1, unit="s")
    lines = markdown([FAST, piped, ABSENT]).splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(HEAD) + 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (17180.4, "17,180"),
        (99.95, "100"),
        (99.94, "99.9"),
        (0.0123, "0.0123"),
        (0.00004, "0.00004"),
        (0, "0"),
        (-12.5, "-12.5"),
    ],
)
def test_figures_have_three_digits_and_no_exponent(value, text):
    assert figure(value) == text
