"""Grants over areas: who may see what."""

import pytest

from server.domain.access import READERS, Caller, Grant, GrantKind, Scope, areas, scope_of
from tests.domain.county import county, d, moved

REVIEWER, SUPERVISOR, AUDITOR, ADMIN = GrantKind
TODAY = d("11-20")


def caller(*grants: Grant) -> Caller:
    return Caller("p", "P", grants=grants)


@pytest.mark.parametrize("kind", GrantKind)
def test_every_grant_lets_its_holder_read(kind: GrantKind) -> None:
    assert scope_of(caller(Grant(kind, "D")), county(), TODAY) == Scope("p", ("/C/T/D/",))


def test_without_a_grant_one_sees_ones_own() -> None:
    scope = scope_of(caller(), county(), TODAY)
    assert scope.holds("p", "/C/U/F/f1/")
    assert not scope.holds("q", "/C/T/D/d1/")


@pytest.mark.parametrize(
    ("person", "path", "held"),
    [
        pytest.param("q", "/C/T/D/d1/", True, id="a colleague inside"),
        pytest.param("q", "/C/T/D/", True, id="the area itself"),
        pytest.param("q", "/C/T/E/e1/", False, id="a colleague next door"),
        pytest.param("q", "/C/T/", False, id="the township above"),
        pytest.param("q", "/C/T/DD/d1/", False, id="a code that only begins the same"),
        pytest.param("p", "/C/U/F/f1/", True, id="oneself anywhere"),
    ],
)
def test_a_scope_holds_what_lies_inside_its_areas(person: str, path: str, held: bool) -> None:
    assert scope_of(caller(Grant(SUPERVISOR, "D")), county(), TODAY).holds(person, path) is held


def test_a_scope_without_a_person_holds_areas_only() -> None:
    assert not Scope(None, ("/C/T/",)).holds("p", "/C/U/F/f1/")
    assert Scope(None, ("/C/T/",)).holds("p", "/C/T/D/d1/")


@pytest.mark.parametrize(
    ("kinds", "path", "has"),
    [
        pytest.param({REVIEWER}, "/C/T/D/d1/", True, id="of the kind, inside"),
        pytest.param({REVIEWER, ADMIN}, "/C/T/D/", True, id="of one of the kinds, the place itself"),
        pytest.param({REVIEWER}, "/C/T/", False, id="above"),
        pytest.param({REVIEWER}, "/C/T/E/e1/", False, id="beside"),
        pytest.param({REVIEWER}, "/C/T/DD/d1/", False, id="a code that only begins the same"),
        pytest.param({ADMIN}, "/C/T/D/d1/", False, id="of another kind"),
        pytest.param(READERS, "/C/U/F/f1/", True, id="the other grant"),
    ],
)
def test_a_caller_has_a_right_where_a_grant_covers_the_path(kinds: set[GrantKind], path: str, has: bool) -> None:
    assert caller(Grant(REVIEWER, "D"), Grant(AUDITOR, "U")).has(kinds, path) is has


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param([(ADMIN, "T"), (ADMIN, "U")], ("/C/T/", "/C/U/"), id="two townships"),
        pytest.param([(ADMIN, "T"), (ADMIN, "D"), (ADMIN, "d1")], ("/C/T/",), id="one inside another"),
        pytest.param([(ADMIN, "D"), (ADMIN, "D")], ("/C/T/D/",), id="twice the same"),
        pytest.param([(ADMIN, "D"), (REVIEWER, "U")], ("/C/T/D/",), id="one of another kind"),
        pytest.param([(ADMIN, "nowhere"), (ADMIN, "U")], ("/C/U/",), id="one of a place that is not there"),
    ],
)
def test_areas_are_the_granted_places_without_those_inside_another(
    grants: list[tuple[GrantKind, str]], expected: tuple[str, ...]
) -> None:
    assert areas([Grant(*grant) for grant in grants], county(), TODAY, {ADMIN}) == expected


def test_an_area_is_where_the_place_stands_today() -> None:
    tree = county(D=moved("U", "11-20"))
    for day, path in [("11-19", "/C/T/D/"), ("11-20", "/C/U/D/")]:
        assert areas([Grant(ADMIN, "D")], tree, d(day)) == (path,)


def test_what_lay_inside_before_the_place_was_moved_may_still_be_read() -> None:
    tree = county(D=moved("U", "11-20"))
    for day, paths in [("11-19", ("/C/T/D/",)), ("11-20", ("/C/T/D/", "/C/U/D/"))]:
        assert scope_of(caller(Grant(REVIEWER, "D")), tree, d(day)) == Scope("p", paths)
    assert scope_of(caller(Grant(REVIEWER, "D"), Grant(AUDITOR, "U")), tree, TODAY).areas == ("/C/T/D/", "/C/U/")
    assert scope_of(caller(Grant(REVIEWER, "U")), tree, TODAY).areas == ("/C/U/",)
