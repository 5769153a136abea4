"""Jobs that are not ours, as folders."""

import pytest

from fedjob.errors import JobTypeError, ReleaseError
from fedjob.flare import shim
from fedjob.folder.read import read
from fedjob.job import foreign


def test_a_folder_is_itself(tmp_path):
    assert foreign.export(str(tmp_path), tmp_path / "unused") == tmp_path


def test_our_job_is_exported(job, repo):
    folder = foreign.export(job, repo / "out", "2.6")
    assert read(folder) == job.freeze("2.6")


def test_what_is_no_job(tmp_path):
    with pytest.raises(JobTypeError) as caught:
        foreign.export(3, tmp_path)
    assert str(caught.value) == "int is not a job: give a FedJob, a Recipe, or the path of a job folder"


@pytest.mark.flare
@pytest.mark.skipif(not shim.real_flare(), reason="nvflare is not installed here")
def test_flares_own_job_is_for_the_installed_release(tmp_path):
    from nvflare.job_config.api import FedJob

    job = FedJob(name="theirs")
    assert foreign.export(job, tmp_path) == tmp_path / "theirs"
    caught_job = foreign.ForeignJob(job.export_job)
    for theirs in (job, caught_job):
        with pytest.raises(ReleaseError) as caught:
            foreign.export(theirs, tmp_path, "2.6")
        assert str(caught.value) == (
            "this job is one of the installed FLARE 2.9 and cannot be exported for 2.6; let fedjob answer the "
            "script's imports: fedjob_shim = always, or load_script(..., shim='always')"
        )
    assert foreign.export(caught_job, tmp_path, "2.9") == caught_job.folder
