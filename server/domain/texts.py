"""What of a text people can see."""

import re
from typing import Final

# What nobody sees: spaces of every width, fillers, joiners, marks of direction
UNSEEN: Final = (
    r"\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
# Beyond the first plane: signs that steer shorthand and musical notes, and a plane of tags and of variants
_UNSEEN_BEYOND: Final = r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_SEEN: Final = re.compile(f"[^{UNSEEN}{_UNSEEN_BEYOND}]")


def readable(text: str) -> bool:
    """Whether there is anything in the text that people can see."""
    return _SEEN.search(text) is not None
