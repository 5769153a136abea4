"""The upgrade report, against what the real exporters of two releases wrote."""

import itertools
from pathlib import Path

import pytest

from fedjob.flare.releases import RELEASES, Release
from fedjob.folder.diff import diff
from fedjob.folder.read import read
from fedjob.folder.upgrade import compare
from fedjob.job import load_script

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def job():
    return load_script(DATA / "hello" / "job.py", shim="always")


def report(job, old, new):
    old, new = Release.of(old), Release.of(new)
    return compare(job.freeze(old), job.freeze(new), old, new)


PAIRS = list(itertools.combinations(map(str, RELEASES), 2))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_changes_are_those_between_flares_own_exports(job, old, new):
    expected = diff(read(DATA / "flare" / old / "hello"), read(DATA / "flare" / new / "hello"))
    assert report(job, old, new).changes == expected
    assert expected or (old, new) not in {("2.5", "2.9"), ("2.8", "2.9")}


def test_the_text(job):
    root = "nvflare.app_common"
    assert "\n".join(report(job, "2.5", "2.9").lines()) == (
        "hello: FLARE 2.5 to 2.9: 4 changes, 2 changed defaults, checks pass; "
        "folders exported before must be exported again.\n"
        "\n"
        "Export:\n"
        "    added: app: server.workflows[controller].args.aggregation_weights\n"
        "      obtained: {}\n"
        "    changed: app: client.executors[*].path\n"
        f'      expected: "{root}.executors.in_process_client_api_executor.InProcessClientAPIExecutor"\n'
        f'      obtained: "{root}.executors.client_api_executor.ClientAPIExecutor"\n'
        "    added: app: client.executors[*].args.execution_mode\n"
        '      obtained: "in_process"\n'
        "    added: app: client.executors[*].args.params_exchange_format\n"
        '      obtained: "numpy"\n'
        "\n"
        "Classes that FLARE 2.9 no longer has:\n"
        f"  {root}.executors.in_process_client_api_executor.InProcessClientAPIExecutor\n"
        "\n"
        "Classes that FLARE 2.5 does not have:\n"
        f"  {root}.executors.client_api_executor.ClientAPIExecutor\n"
        "\n"
        "Defaults that change:\n"
        "  app: server.workflows[controller].ignore_result_error: false becomes null\n"
        "  app: client.executors[*].train_with_evaluation: true becomes false"
    )


def test_markdown_says_the_same(job):
    text = "\n".join(report(job, "2.5", "2.9").markdown())
    assert text.startswith("## hello: FLARE 2.5 to 2.9\n\n4 changes, 2 changed defaults")
    assert "\n### Defaults that change\n\n```text\n" in text
    assert text.count("```") == 8


def test_nothing_to_say(job):
    same = report(job, "2.7", "2.8")
    assert same.changes == ()
    assert same.old_folder_runs
    assert same.to_dict()["old_folder_runs"] is True


def test_a_finding_of_the_new_release(job):
    found = report(job, "2.9", "2.6")
    assert not found.old_folder_runs
    assert found.found == ()
