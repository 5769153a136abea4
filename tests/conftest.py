"""For all tests."""

import sys

import pytest
from hypothesis import HealthCheck, settings

# A first draw may import numpy, and CI shares its processors: time is no sign of a bad strategy here.
settings.register_profile("fedjob", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fedjob")


@pytest.fixture(autouse=True)
def no_modules_left_behind(tmp_path_factory):
    """A module that a test has imported from its temporary directory must not be met by the next test."""
    before = set(sys.modules)
    yield
    base = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(base):
            del sys.modules[name]
