from __future__ import annotations

import json

import pytest

from fedjob.engines.local.layout import apps_of, lay_out
from fedjob.errors import RequestError
from fedjob.folder.read import read


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "job"
    part = {"format_version": 2, "components": []}
    for app in ("one", "two"):
        (root / app / "config").mkdir(parents=True)
        (root / app / "custom/src").mkdir(parents=True)
        (root / app / "config/config_fed_server.json").write_text(json.dumps({**part, "workflows": []}))
        (root / app / "config/config_fed_client.json").write_text(json.dumps({**part, "executors": []}))
        (root / app / "custom/src/net.py").write_text(f"# {app}")
    deploy = {"one": ["server", "site-1"], "two": ["@ALL"]}
    meta = {"name": "job", "resource_spec": {}, "min_clients": 1, "deploy_map": deploy}
    (root / "meta.json").write_text(json.dumps(meta))
    return root


def put(folder, workspace, isolation="process", sites=("site-1", "site-2")):
    return lay_out(folder, read(folder), sites, workspace, isolation)


def test_the_workspace_is_laid_out_as_the_simulators(folder, tmp_path):
    layout = put(folder, tmp_path / "ws")
    files = {str(p.relative_to(tmp_path / "ws")) for p in (tmp_path / "ws").rglob("*.*") if p.is_file()}
    assert {
        "server/simulate_job/meta.json",
        "server/simulate_job/app_server/config/config_fed_server.json",
        "site-1/simulate_job/app_site-1/custom/src/net.py",
        "site-2/simulate_job/app_site-2/config/config_fed_client.json",
        "site-2/simulate_job/meta.json",
    } <= files
    assert (layout.custom("site-1") / "src/net.py").read_text() == "# one"
    assert (layout.custom("site-2") / "src/net.py").read_text() == "# two"
    meta = json.loads((tmp_path / "ws/site-1/simulate_job/meta.json").read_text())
    assert meta["job_id"] == "simulate_job"
    assert meta["byoc"] is True
    assert meta["job_clients"] == ["site-1", "site-2"]


def test_a_site_without_an_app_has_an_empty_one(folder, tmp_path):
    model = read(folder)
    assert apps_of(model, ["server", "site-9"]) == {"server": "one", "site-9": "two"}


def test_shared_sites_have_homes_but_one_copy_of_their_app(folder, tmp_path):
    layout = put(folder, tmp_path / "ws", "shared", ("site-1", "site-2", "site-3"))
    assert layout.custom("site-2") == layout.custom("site-3") != layout.custom("site-1")
    assert (layout.custom("site-3") / "src/net.py").read_text() == "# two"
    for site in ("site-1", "site-2", "site-3"):
        layout.settle(site)
    assert layout.app("site-3") == tmp_path / "ws/site-3/simulate_job/app_site-3"
    assert (layout.app("site-3") / "custom/src/net.py").read_text() == "# two"


def test_the_next_run_removes_what_the_last_one_made_and_nothing_else(folder, tmp_path):
    put(folder, tmp_path / "ws", sites=("site-1", "site-2", "site-3"))
    (tmp_path / "ws/mine.txt").write_text("kept")
    (tmp_path / "ws/site-3/simulate_job/model.bin").write_text("of the last run")
    put(folder, tmp_path / "ws")
    assert (tmp_path / "ws/mine.txt").read_text() == "kept"
    assert not (tmp_path / "ws/site-3").exists()


def test_foreign_content_in_the_way_is_left_untouched(folder, tmp_path):
    (tmp_path / "ws/server").mkdir(parents=True)
    (tmp_path / "ws/server/data").write_text("precious")
    with pytest.raises(RequestError, match=r"already holds 'server', which no run of fedjob made"):
        put(folder, tmp_path / "ws")
    assert (tmp_path / "ws/server/data").read_text() == "precious"
    assert not (tmp_path / "ws/site-1").exists()


def test_a_forged_list_does_not_reach_outside_of_the_workspace(folder, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/.fedjob-run.json").write_text(
        json.dumps(["../precious", str(tmp_path / "precious"), ".", ""])
    )
    put(folder, tmp_path / "ws")
    assert (tmp_path / "precious").is_dir()
