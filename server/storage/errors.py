"""What an error of a database may tell: never the row it is about."""


def forget_row(*errors: BaseException | None) -> None:
    """Takes PostgreSQL's DETAIL, which repeats the whole row, out of the errors' texts."""
    for error in errors:
        if error is not None:
            error.args = tuple(arg.partition("\nDETAIL:")[0] if isinstance(arg, str) else arg for arg in error.args)
