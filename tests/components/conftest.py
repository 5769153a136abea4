from importlib.metadata import PackageNotFoundError, version

import pytest

from tests.components.world import World, plain


def flare_installed():
    try:
        return version("nvflare").startswith("2.9")
    except PackageNotFoundError:
        return False


@pytest.fixture
def world(tmp_path):
    """A world of our components alone."""
    return World(True, tmp_path / "ours")


@pytest.fixture
def same_as_flare(tmp_path):
    """Run a scenario in both worlds, require equal outcomes, give ours."""
    if not flare_installed():
        pytest.skip("nvflare 2.9 is not installed here")

    def run(scenario, *args):
        obtained = plain(scenario(World(True, tmp_path / "ours"), *args))
        expected = plain(scenario(World(False, tmp_path / "theirs"), *args))
        assert obtained == expected
        return obtained

    return run
