from datetime import UTC, datetime, timedelta

from server.adapters import clock


def test_now_is_aware_and_in_utc() -> None:
    now = clock.now()
    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
