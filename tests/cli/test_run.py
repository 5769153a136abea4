"""What ``fedjob run`` leaves behind."""

from __future__ import annotations

from fedjob.cli import main
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
