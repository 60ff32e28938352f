"""How much hypothesis tries in the domain: little by day, much with HYPOTHESIS_PROFILE=soak or `make soak`."""

import os

from hypothesis import HealthCheck, settings

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak" or bool(os.environ.get("DAOCUN_SOAK"))


def effort(examples: int) -> settings:
    """Decorates a property: so many examples by day, fifty times as many in a soak."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much] if SOAK else []
    return settings(
        deadline=None,
        print_blob=True,
        max_examples=examples * 50 if SOAK else examples,
        suppress_health_check=slow,
    )
