"""For all tests."""

from hypothesis import settings

# How long an example takes is a matter of the machine: speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
