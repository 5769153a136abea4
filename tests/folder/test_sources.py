import dataclasses

from fedjob.folder.read import read
from fedjob.folder.sources import source_roots
from fedjob.folder.write import write
from tests.folder.models import make_job


def test_what_was_taken_from_the_users_own_files_comes_first(tmp_path):
    model = make_job(tmp_path / "bytes")
    (app, *rest) = model.apps
    (tmp_path / "repo" / "src").mkdir(parents=True)
    files = []
    for file in app.files:
        source = tmp_path / "repo" / file.path.removeprefix("custom/")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(file.source.read_bytes())
        files.append(dataclasses.replace(file, source=source))
    model = dataclasses.replace(model, apps=(dataclasses.replace(app, files=tuple(files)), *rest))
    other = tmp_path / "other"
    assert source_roots(model, other) == (tmp_path / "repo", other)


def test_a_job_folder_is_a_copy_and_comes_last(tmp_path):
    folder = write(make_job(tmp_path / "bytes"), tmp_path / "jobs")
    other = tmp_path / "other"
    assert source_roots(read(folder), other) == (other, folder / "app" / "custom")
    # The user may well work in a directory of that name.
    (folder / "meta.json").rename(tmp_path / "away.json")
    model = dataclasses.replace(make_job(tmp_path / "more"), apps=read_apps(tmp_path, folder))
    assert source_roots(model, other) == (folder / "app" / "custom", other)


def read_apps(tmp_path, folder):
    (tmp_path / "away.json").rename(folder / "meta.json")
    apps = read(folder).apps
    (folder / "meta.json").rename(tmp_path / "away.json")
    return apps
