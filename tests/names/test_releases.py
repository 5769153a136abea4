import pytest

from fedjob.errors import ReleaseError
from fedjob.flare.releases import NEWEST, RELEASES, Release, span


def test_the_default_is_the_newest():
    assert Release.of(None) == NEWEST == RELEASES[-1]


@pytest.mark.parametrize("text", ["2.6", "2.6.2", "2.6.3", "2.6.3rc1", "2.6.10"])
def test_a_patch_level_may_be_given(text):
    assert Release.of(text) == RELEASES[1]


@pytest.mark.parametrize(
    ("text", "minor", "first"),
    [("2.5.0", "2.5", 1), ("2.6.1", "2.6", 2), ("2.7.0rc2", "2.7", 2), ("2.7.1", "2.7", 2)],
)
def test_but_not_an_early_one_that_exports_something_else(text, minor, first):
    with pytest.raises(ReleaseError) as caught:
        Release.of(text)
    assert str(caught.value) == (
        f"FLARE {text} writes and reads other configurations than {minor}.{first} and later, which we export for; "
        f"upgrade it, and give {minor}"
    )
    # What is installed is what it is.
    assert str(Release.of_version(text)) == minor


def test_releases_compare_by_age_not_by_text():
    assert Release(2, 9) < Release(2, 10)
    assert str(Release(2, 10)) == "2.10"


@pytest.mark.parametrize("text", ["2.4", "3.0", "2", "2.55", ""])
def test_an_unknown_release_names_those_there_are(text):
    with pytest.raises(ReleaseError) as caught:
        Release.of(text)
    assert str(caught.value) == f"unknown FLARE release {text!r}; releases are 2.5, 2.6, 2.7, 2.8, 2.9"


def test_a_span_has_its_first_and_not_its_last():
    assert [str(r) for r in span("2.6", "2.9")] == ["2.6", "2.7", "2.8"]
    assert span(None, None) == RELEASES
