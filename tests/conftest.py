"""For all tests."""

from hypothesis import HealthCheck, settings

# A first draw may import numpy, and CI shares its processors: time is no sign of a bad strategy here.
settings.register_profile("fedjob", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fedjob")
