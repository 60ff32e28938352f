"""Addresses that stand for a person without a token."""

from schemas.base import Base, Instant, Matching, Text


class DownloadIn(Base):
    """A path below the API, with its query, of an export or a picture."""

    path = Matching("/[A-Za-z0-9._~/-]{0,300}(?:[?][!-~]{0,1600})?", "path", required=True)


class DownloadOut(Base):
    """An address that is good once, until then."""

    url = Text(1, 500)
    expires_at = Instant()


class CalendarOut(Base):
    """The address of one's calendar, shown this once."""

    url = Text(1, 500)
