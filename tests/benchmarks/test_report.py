"""What is written: everything needed to judge a figure, and what is missing."""

import json

from benchmarks import machine
from benchmarks.report import Report
from benchmarks.row import Beside, Row, Target

ROWS = [
    Row(what="met", ours=1.0, unit="s", target=Target(2), beside=(Beside("peer", 3.0),)),
    Row(what="missed", ours=3.0, unit="s", target=Target(2)),
]


def report(**more):
    return Report(rows=ROWS, machine=machine.describe(), versions={"numpy": "1.2.3"}, seconds=61.0, **more)


def test_both_files_are_written_and_the_json_can_be_read_back(tmp_path):
    path = report().write(tmp_path)
    content = json.loads(path.read_text())
    assert [(row["what"], row["met"]) for row in content["rows"]] == [("met", True), ("missed", False)]
    assert content["rows"][0]["beside"] == [{"name": "peer", "value": 3.0, "unit": None, "why": None}]
    assert content["versions"] == {"numpy": "1.2.3"}
    assert {"cores", "cpu", "memory_gib", "system", "python"} <= content["machine"].keys()
    assert "| missed | 3 s |" in path.with_suffix(".md").read_text()


def test_a_run_without_a_peer_or_a_part_says_so_everywhere(tmp_path):
    short = report(
        missing={"pfl": "not installed: no wheel"}, failed={"digits, over": "RuntimeError: no torch"}
    )
    path = short.write(tmp_path)
    assert json.loads(path.read_text())["missing"] == {"pfl": "not installed: no wheel"}
    for text in (path.with_suffix(".md").read_text(), "\n".join(short.notes())):
        assert "MISSING pfl: not installed: no wheel" in text
        assert "NOT RUN digits, over: RuntimeError: no torch" in text


def test_notes_count_targets():
    assert report().notes() == ["1 targets met, 1 not"]
