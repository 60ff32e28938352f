"""What an error of a database means, and what it may tell: never the row it is about."""

from typing import Final

from sqlalchemy.exc import DBAPIError

_DAMAGED_SQLITE: Final = ("malformed", "file is not a database", "unsupported file format")
_DAMAGED_POSTGRES: Final = ("XX001", "XX002")  # data_corrupted, index_corrupted


def is_damage(error: BaseException) -> bool:
    """Whether the error says that what is stored can no longer be read."""
    if not isinstance(error, DBAPIError):
        return False
    state, told = getattr(error.orig, "sqlstate", None), str(error.orig)
    return state in _DAMAGED_POSTGRES or any(words in told for words in _DAMAGED_SQLITE)


def forget_row(*errors: BaseException | None) -> None:
    """Takes PostgreSQL's DETAIL, which repeats the whole row, out of the errors' texts."""
    for error in errors:
        if error is not None:
            error.args = tuple(arg.partition("\nDETAIL:")[0] if isinstance(arg, str) else arg for arg in error.args)
