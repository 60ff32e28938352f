"""The tables. What a column may hold is constrained here too, so that no other door lets nonsense in."""

from server.storage.tables.access import account, activation, attempt, download, feed, grant, token
from server.storage.tables.base import metadata
from server.storage.tables.people import excuse, explanation, leave, leave_request, person, posting
from server.storage.tables.record import digest, log, log_block, log_seal, notice, person_key
from server.storage.tables.register import day_mark, day_move, duty, place, place_standing, proposal, register
from server.storage.tables.verdicts import closure, closure_row, obligation, stale_span, stale_visit
from server.storage.tables.visits import (
    addition,
    appeal,
    decision,
    photo,
    photo_likeness,
    photo_print,
    visit,
    visit_photo,
)

__all__ = [
    "account",
    "activation",
    "addition",
    "appeal",
    "attempt",
    "closure",
    "closure_row",
    "day_mark",
    "day_move",
    "decision",
    "digest",
    "download",
    "duty",
    "excuse",
    "explanation",
    "feed",
    "grant",
    "leave",
    "leave_request",
    "log",
    "log_block",
    "log_seal",
    "metadata",
    "notice",
    "obligation",
    "person",
    "person_key",
    "photo",
    "photo_likeness",
    "photo_print",
    "place",
    "place_standing",
    "posting",
    "proposal",
    "register",
    "stale_span",
    "stale_visit",
    "token",
    "visit",
    "visit_photo",
]
