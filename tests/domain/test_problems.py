"""The catalogue of refusals."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from server.domain import problems
from server.domain.problems import FieldError, Kind, Problem, all_kinds, invalid


def test_every_kind_is_in_the_catalogue_once() -> None:
    codes = [kind.code for kind in all_kinds()]
    assert codes == sorted(set(codes))
    assert problems.INVALID in all_kinds()


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.code)
def test_a_kind_has_a_readable_code_and_a_status_of_a_refusal(kind: Kind) -> None:
    assert kind.code.replace("-", "").isalpha()
    assert kind.code.islower()
    assert HTTPStatus(kind.status) >= 400


def test_a_problem_carries_what_its_sentence_needs() -> None:
    problem = Problem(problems.TOO_MANY_REQUESTS, params={"limit": 5}, retry_after=60)
    assert (problem.kind, problem.params, problem.errors, problem.retry_after) == (
        problems.TOO_MANY_REQUESTS, {"limit": 5}, (), 60
    )  # fmt: skip
    assert str(problem) == "too-many-requests"
    assert not hasattr(problem, "data"), "flask-restx would send it"


def test_an_invalid_field_is_named_by_its_pointer() -> None:
    problem = invalid("/position/latitude", "range", low=-90, high=90)
    assert problem.kind is problems.INVALID
    assert problem.errors == (FieldError("/position/latitude", "range", {"low": -90, "high": 90}),)


def test_there_is_no_refusal_that_nobody_makes() -> None:
    server = Path(problems.__file__).parents[1]
    sources = [path.read_text(encoding="utf-8") for path in server.rglob("*.py") if path.name != "problems.py"]
    named = set(re.findall(r"\b[A-Z][A-Z_]+\b", "\n".join(sources)))
    made = {name for name, kind in vars(problems).items() if isinstance(kind, Kind)}
    assert made - named == set()
