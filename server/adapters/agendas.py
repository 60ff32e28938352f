"""Calendars as phones take them in: iCalendar (RFC 5545)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

MEDIA_TYPE: Final = "text/calendar"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that takes whole days, both included; the same `uid` is the same event, whatever else has changed."""

    uid: str
    first: date
    last: date
    summary: str
    description: str


def ics(name: str, events: Iterable[Event], made: datetime) -> bytes:
    """A calendar of this name, made at this instant (RFC 5545, 3.8.7.2)."""
    from icalendar import Calendar  # slow to load, and few ask for it
    from icalendar import Event as Entry

    calendar = Calendar()
    calendar.add("prodid", "-//Daocun//Daocun//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    for event in events:
        entry = Entry()
        entry.add("uid", event.uid)
        entry.add("dtstamp", made.astimezone(UTC))
        entry.add("dtstart", event.first)
        entry.add("dtend", event.last + timedelta(days=1))
        entry.add("summary", event.summary)
        entry.add("description", event.description)
        entry.add("transp", "TRANSPARENT")
        calendar.add_component(entry)
    data: bytes = calendar.to_ical()
    return data
