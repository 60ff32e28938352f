"""Distances and lengths of time as people say them."""

from server.adapters.messages import Language, text


def metres(value: float | None, language: Language) -> str:
    """A distance as people say it: metres below a kilometre, kilometres above."""
    if value is None:
        return text("unit.unknown", language)
    if value < 1000:
        return text("unit.metres", language, number=f"{value:.0f}")
    return text(
        "unit.kilometres", language, number=f"{value / 1000:,.1f}" if value < 100_000 else f"{value / 1000:,.0f}"
    )


def seconds(value: float | None, language: Language) -> str:
    """A length of time as people say it, without its sign."""
    if value is None:
        return text("unit.unknown", language)
    size = abs(value)
    if size < 120:
        return text("unit.seconds", language, number=f"{size:.0f}")
    if size < 2 * 3600:
        return text("unit.minutes", language, number=f"{size / 60:.0f}")
    if size < 2 * 86_400:
        return text("unit.hours", language, number=f"{size / 3600:.0f}")
    return text("unit.days", language, number=f"{size / 86_400:,.0f}")
