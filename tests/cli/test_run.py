"""What ``fedjob run`` shows and leaves behind."""

from __future__ import annotations

import json

import pytest

from fedjob.cli import main
from fedjob.cli.run import Watch
from fedjob.folder.write import write
from tests.folder.models import make_job


def test_a_run_that_cannot_begin_leaves_no_directory(tmp_path, temporary, capsys):
    folder = write(make_job(tmp_path), tmp_path / "jobs")
    assert main(["run", str(folder), "--engine", "unknown"]) == 2
    assert main(["run", str(tmp_path / "nothing")]) == 2
    assert "unknown" in capsys.readouterr().err
    assert list(temporary.iterdir()) == []


def test_a_run_keeps_its_directory_and_says_where_it_is(tmp_path, temporary, capsys):
    folder = write(make_job(tmp_path), tmp_path / "jobs")
    main(["run", str(folder), "--timeout", "30"])
    (made,) = temporary.iterdir()
    assert (made / "events.jsonl").exists()
    assert str(made) in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["local", "fake"])
def test_a_second_run_in_a_workspace_is_shown_as_the_first_one_is(tmp_path, capsys, engine):
    folder = write(make_job(tmp_path), tmp_path / "jobs")
    shown = []
    for _ in range(2):
        main(["run", str(folder), "--engine", engine, "--workspace", str(tmp_path / "ws")])
        captured = capsys.readouterr()
        assert captured.err == ""
        shown.append([line.split(" s ")[-1] for line in captured.out.splitlines() if "round " in line])
        assert f"sites on the {engine} engine" in captured.out.splitlines()[0]
    assert shown[0] == shown[1]


def test_a_record_of_an_earlier_run_is_not_shown(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "old"}\n' * 3)
    seen = []
    with Watch(path, seen.append):
        pass
    assert seen == []
    with Watch(path, seen.append):
        path.unlink()
        path.write_text('{"event": "new"}\n{"event": "cut')
    assert seen == [{"event": "new"}]
    with Watch(path, seen.append):
        path.write_text(json.dumps({"event": "in place"}) + "\n")
    assert seen[1:] == [{"event": "in place"}]
