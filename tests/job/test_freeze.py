"""A job freezes to the same data in any process."""

import os
import subprocess
import sys

import pytest

from fedjob.errors import ReleaseError
from fedjob.flare.releases import RELEASES
from fedjob.folder.read import read
from fedjob.job import FedJob
from tests.job.parts import Part

PROGRAM = """
from fedjob.flare import described
from fedjob.job import FedJob, ScriptRunner, FilterType

find = described.find
job = FedJob("job", min_clients=2)
job.to_server(find("nvflare.app_common.workflows.fedavg.FedAvg")(num_clients=2))
job.to_clients(ScriptRunner("train.py", launch_external_process=True))
chosen = find("nvflare.app_common.filters.percentile_privacy.PercentilePrivacy")
job.to_clients(chosen(), filter_type=FilterType.TASK_RESULT, tasks=["train", "validate", "submit_model", "x"])
for release in ("2.5", "2.6", "2.7", "2.8", "2.9"):
    print(release, job.freeze(release).digest)
"""


def test_digests_are_equal_across_processes_and_hash_seeds(repo):
    (repo / "train.py").write_text("import near\n")
    (repo / "near.py").write_text("x = 1\n")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    digests = [line.split()[1] for line in outputs.pop().splitlines()]
    assert len(digests) == len(RELEASES)
    # 2.7 and 2.8 differ from all others as well: max_resends.
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("release", [str(r) for r in RELEASES])
def test_what_was_written_reads_back_equal(job, repo, release):
    (repo / "train.py").write_text("x = 1\n")
    job.to("train.py", "site-1")
    job.export_job("out", release=release)
    assert read(repo / "out" / "job") == job.freeze(release)


def test_a_job_can_be_frozen_again_after_it_grew(job):
    first = job.freeze()
    job.to_server(Part(), id="more")
    assert [c.id for c in first.app("app_server").server.components] == []
    assert [c.id for c in job.freeze().app("app_server").server.components] == ["more"]


def test_objects_for_single_sites_beside_all_are_reported(job):
    job.to_clients(Part())
    job.to(Part(), "site-1")
    assert [a.name for a in job.freeze().apps] == ["app"]
    assert [str(f) for f in job.findings()] == [
        "ObjectsDropped in target 'site-1': FLARE exports one app for all clients and leaves out what goes to a single "
        "one; send all clients' objects by name"
    ]


def test_keywords_that_nothing_takes_are_reported(job):
    job.to_server(Part(), id="x", tasks=["train"])
    assert [str(f) for f in job.findings()] == [
        "KeywordsIgnored in server: Part: nothing takes tasks: it is a plain component"
    ]


def test_tasks_as_a_string_are_reported(job, flare):
    job.to_clients(flare.PercentilePrivacy(), filter_type="TASK_DATA", tasks="train")
    assert [str(f) for f in job.findings()] == [
        "TasksExploded in @ALL: PercentilePrivacy: tasks='train' is a string, so FLARE takes each letter for a task; "
        "write ['train']"
    ]


@pytest.mark.parametrize(
    ("change", "release", "expected"),
    [
        (
            lambda j: j.to_server({"a": 1}),
            "2.6",
            "FLARE 2.6 takes no parameters as a dict (['a']); it does since 2.7",
        ),
        (
            lambda j: j.add_file_to_server(__file__),
            "2.5",
            "FLARE 2.5 cannot add files to an app; it can since 2.6",
        ),
        (
            lambda j: j.add_file_to_server(__file__, app_folder_type="config"),
            "2.6",
            "FLARE 2.6 has no app_folder_type ('config'); it came with 2.7",
        ),
    ],
)
def test_what_came_later_is_refused(job, change, release, expected):
    change(job)
    with pytest.raises(ReleaseError) as caught:
        job.freeze(release)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("arguments", "release", "expected"),
    [
        ({"meta_props": {"a": 1}}, "2.6", "FLARE 2.6 has no meta_props; they came with 2.7"),
        ({"fail_fast": True}, "2.8", "FLARE 2.8 has no fail_fast; it came with 2.9"),
    ],
)
def test_what_a_job_takes_later_is_refused(repo, arguments, release, expected):
    job = FedJob("job", **arguments)
    job.to_server(Part())
    with pytest.raises(ReleaseError) as caught:
        job.freeze(release)
    assert str(caught.value) == expected


def test_two_filters_fail_in_2_5(job, flare):
    for _ in range(2):
        job.to_clients(flare.PercentilePrivacy(), filter_type="TASK_DATA")
    with pytest.raises(ReleaseError) as caught:
        job.freeze("2.5")
    assert str(caught.value) == (
        "FLARE 2.5 fails on a second filter in one direction ('@ALL'); it takes them since 2.6"
    )


def test_resources_of_a_site(job):
    job.job.add_resource_spec("site-1", {"gpus": 1})
    assert job.freeze().meta.resource_spec == {"site-1": {"gpus": 1}}
    with pytest.raises(ValueError, match=r"^the resources of 'site-1' are given already$"):
        job.job.add_resource_spec("site-1", {})
    with pytest.raises(TypeError, match=r"^resource_spec must be a dict, but got list$"):
        job.job.add_resource_spec("site-2", [])
