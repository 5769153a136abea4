"""Job goldens: a readable text that holds the whole job."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedjob.errors import GoldenError
from fedjob.folder.diff import diff
from fedjob.golden.config import Header, read_model, read_text, to_tree, write_text
from tests.folder.models import jobs, make_job

GOLDEN = Path(__file__).with_name("job.yaml")


def test_the_text_itself(tmp_path):
    text = write_text(to_tree(make_job(tmp_path)), Header(kind="job", release="2.9", normalised=("uuid",)))
    assert text == GOLDEN.read_text()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_golden_holds_the_whole_job(data):
    with tempfile.TemporaryDirectory() as directory:
        model = data.draw(jobs(Path(directory)))
    text = write_text(to_tree(model), Header(kind="job"))
    header, tree = read_text(text, "x.yaml", "job")
    assert header == Header(kind="job")
    again = read_model(tree, "x.yaml")
    assert diff(again, model) == ()
    assert write_text(to_tree(again), header) == text


BROKEN = {
    "": "golden x.yaml is empty; restore or update it",
    "a: 1\n": "x.yaml is not a golden: it has no 'golden: 1' line; restore or update it",
    "- 1\n": "x.yaml is not a golden: it has no 'golden: 1' line; restore or update it",
    "golden: 2\nkind: job\n": (
        "golden x.yaml has another format than 1; update it, or use the fedjob that wrote it"
    ),
    "golden: 1\nkind: result\n": "golden x.yaml is of a result, not of a job; give it another name",
    "golden: 1\nkind: job\n": "golden x.yaml is not valid: it has no 'meta'; restore or update it",
    "golden: 1\nkind: job\nmeta: {name: x, deploy_map: {}}\napps: {app: {server: {format_version: two}}}\n": (
        "golden x.yaml is not valid: unexpected type str (expected int) in 'app.server.format_version'; "
        "restore or update it"
    ),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_golden_that_cannot_be_read(text):
    with pytest.raises(GoldenError) as caught:
        _, tree = read_text(text, "x.yaml", "job")
        read_model(tree, "x.yaml")
    assert str(caught.value) == BROKEN[text]
