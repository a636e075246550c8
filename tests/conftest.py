"""One hypothesis profile for every test: the same examples on every run, however slow the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "imconv",
    derandomize=True,
    max_examples=150,
    deadline=None,  # the first call of a loop compiles it
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("imconv")
