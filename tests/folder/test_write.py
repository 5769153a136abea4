"""Writing: lossless, whole or not at all, and never over somebody else's directory."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedjob.errors import FolderError, ForeignFolder
from fedjob.folder import write as writing
from fedjob.folder.model import App, File, JobModel, Meta
from fedjob.folder.read import read
from fedjob.folder.write import write
from tests.folder.models import jobs, make_file, make_job


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_reading_inverts_writing(data):
    with tempfile.TemporaryDirectory() as directory:
        model = data.draw(jobs(Path(directory)))
        again = read(write(model, Path(directory) / "out"))
        assert again == model
        assert again.digest == model.digest


def test_an_earlier_export_of_the_job_is_replaced(tmp_path):
    write(make_job(tmp_path, num_rounds=5), tmp_path / "jobs")
    folder = write(make_job(tmp_path, num_rounds=6), tmp_path / "jobs")
    assert read(folder) == make_job(tmp_path, num_rounds=6)
    assert [p.name for p in (tmp_path / "jobs").iterdir()] == ["hello"]


def test_a_job_can_be_written_over_the_folder_it_was_read_from(tmp_path):
    folder = write(make_job(tmp_path), tmp_path / "jobs")
    assert write(read(folder), tmp_path / "jobs") == folder
    assert read(folder) == make_job(tmp_path)


def foreign_cases(target: Path) -> dict[str, str]:
    return {
        "a file": f"{target} is in the way and is not a job folder; move it or export elsewhere",
        "a link": f"{target} is in the way and is not a job folder; move it or export elsewhere",
        "no meta.json": f"{target} is in the way and it is not an export of job 'hello'; move it or export elsewhere",
        "another job": f"{target} is in the way and it is not an export of job 'hello'; move it or export elsewhere",
        "a notebook inside": f"{target} is in the way and it holds 'notes.ipynb'; move it or export elsewhere",
    }


def put_in_the_way(case: str, target: Path, tmp_path: Path) -> Path:
    """Make the obstacle and return the file that must survive."""
    if case == "a file":
        target.write_text("mine")
        return target
    home = tmp_path / "elsewhere" if case == "a link" else target
    if case == "a notebook inside":
        write(make_job(tmp_path), target.parent)
    home.mkdir(exist_ok=True)
    if case == "a link":
        target.symlink_to(home)
    if case == "another job":
        (home / "meta.json").write_text('{"name": "other"}')
    (home / "notes.ipynb").write_text("mine")
    return home / "notes.ipynb"


@pytest.mark.parametrize("case", foreign_cases(Path()))
def test_a_foreign_directory_is_left_alone(tmp_path, case):
    root = tmp_path / "jobs"
    root.mkdir()
    survivor = put_in_the_way(case, root / "hello", tmp_path)
    with pytest.raises(ForeignFolder) as caught:
        write(make_job(tmp_path), root)
    assert str(caught.value) == foreign_cases(root / "hello")[case]
    assert survivor.read_text() == "mine"
    assert [p.name for p in root.iterdir()] == ["hello"]


def test_a_failed_swap_brings_the_earlier_export_back(tmp_path, monkeypatch):
    folder = write(make_job(tmp_path, num_rounds=5), tmp_path / "jobs")
    rename = Path.rename
    failed = []

    def fail_on_the_new_one(self, target):
        if target == folder and not failed:
            failed.append(self)
            assert not folder.exists()
            raise OSError("disk trouble")
        return rename(self, target)

    monkeypatch.setattr(writing.Path, "rename", fail_on_the_new_one)
    with pytest.raises(OSError, match="disk trouble"):
        write(make_job(tmp_path, num_rounds=6), tmp_path / "jobs")
    assert read(folder) == make_job(tmp_path, num_rounds=5)
    assert [p.name for p in (tmp_path / "jobs").iterdir()] == ["hello"]


def test_a_file_that_changed_since_is_not_exported(tmp_path):
    file = make_file(tmp_path, "custom/a.py")
    file.source.write_text("changed")
    with pytest.raises(FolderError) as caught:
        write(one_file(file), tmp_path / "jobs")
    assert str(caught.value) == f"{file.source} changed while the job was being exported; export again"
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_file_that_is_gone_is_not_exported(tmp_path):
    file = make_file(tmp_path, "custom/a.py")
    file.source.unlink()
    with pytest.raises(FolderError) as caught:
        write(one_file(file), tmp_path / "jobs")
    assert str(caught.value) == f"{file.source} is gone; export the job again"


def test_a_file_cannot_pose_as_a_configuration(tmp_path):
    posing = make_file(tmp_path, "config/config_fed_server.json")
    job = make_job(tmp_path)
    apps = (App(name="app", server=job.apps[0].server, files=(posing,)),)
    with pytest.raises(FolderError) as caught:
        write(JobModel(meta=job.meta, apps=apps), tmp_path / "jobs")
    assert str(caught.value) == "two files want the place 'config/config_fed_server.json'"


@pytest.mark.parametrize("path", ["../x.py", "/etc/x.py", "custom/../../x.py", ""])
def test_a_file_path_stays_in_its_app(path):
    with pytest.raises(FolderError) as caught:
        File(path=path, size=0, sha256="", source=Path("x"))
    assert str(caught.value) == f"file path {path!r} leaves its app; use a path relative to the app folder"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0b"])
def test_a_job_name_is_one_directory(name):
    with pytest.raises(FolderError) as caught:
        Meta(name=name)
    assert str(caught.value) == f"job name {name!r} is not a plain directory name"


def test_executable_files_stay_executable(tmp_path):
    file = make_file(tmp_path, "custom/run.sh")
    file.source.chmod(0o755)
    folder = write(one_file(file), tmp_path / "jobs")
    assert (folder / "app/custom/run.sh").stat().st_mode & 0o777 == 0o755


def one_file(file: File) -> JobModel:
    return JobModel(
        meta=Meta(name="j", deploy_map={"app": ("@ALL",)}), apps=(App(name="app", files=(file,)),)
    )
