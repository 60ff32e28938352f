"""Passwords, one-time codes and tokens: who gets in, who is held back, and for how long."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from server.domain import problems
from server.domain.access import Grant, GrantKind
from server.domain.problems import Kind, Problem
from server.services import issuing, signing_in
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import tables as t
from tests.support.staff import (
    NOW,
    PASSWORD,
    add_people,
    fill,
    on_sqlite,
    phone_of,
    set_password,
    token_of,
)

HOME = "10.1.1.1"
WINDOW = timedelta(seconds=900)


@pytest.fixture
def office(ready_url: str, tmp_path: Path) -> Iterator[Deployment]:
    deployment = open_deployment(Settings(database_url=ready_url, uploads=tmp_path, sign_in_tries=3))
    fill(deployment)
    set_password(deployment, "owner")
    yield deployment
    deployment.database.close()


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[Deployment]:
    """The same on SQLite only, where the database makes no difference."""
    deployment = open_deployment(on_sqlite(tmp_path, sign_in_tries=3))
    set_password(deployment, "owner")
    yield deployment
    deployment.database.close()


def refused(kind: Kind, action: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        action()
    assert caught.value.kind == kind
    return caught.value


def sign_in(
    office: Deployment,
    name: str = "owner",
    password: str = PASSWORD,
    address: str = HOME,
    now: datetime = NOW,
    device: str | None = None,
) -> signing_in.Session:
    return signing_in.sign_in(office, name, password, address, now, device)


def activate(
    office: Deployment, code: str, name: str = "owner", password: str = "a new password", now: datetime = NOW
) -> signing_in.Session:
    return signing_in.activate(office, name, code, password, HOME, now)


def guess(office: Deployment, times: int, name: str = "owner", address: str = HOME, now: datetime = NOW) -> None:
    for _ in range(times):
        refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, name, "a wrong one", address, now))


def code_for(office: Deployment, person: str = "owner", now: datetime = NOW) -> str:
    # With a grant, so that sessions and password stay until the code is used
    activation = issuing.ensure_account(office, person, [Grant(GrantKind.SUPERVISOR, "d1")], "command-line", now)
    assert activation is not None
    return activation.code


def is_live(office: Deployment, token: str, now: datetime = NOW) -> bool:
    return signing_in.authenticate(office, token, now) is not None


# Tokens


def test_a_token_is_good_until_it_expires(office: Deployment) -> None:
    session = sign_in(office)
    assert session.person.code == "owner"
    assert session.expires_at == NOW + timedelta(days=180)
    assert is_live(office, session.token)
    assert is_live(office, session.token, session.expires_at - timedelta(microseconds=1))
    assert not is_live(office, session.token, session.expires_at)


def test_a_token_carries_the_grants_in_force_and_no_others(office: Deployment) -> None:
    found = signing_in.authenticate(office, token_of("inside"), NOW)
    assert found is not None
    assert (found.person, found.grants) == ("inside", (Grant(GrantKind.REVIEWER, "T"),))
    with office.database.write() as connection:
        connection.execute(update(t.grant).values(ended_at=NOW))
    found = signing_in.authenticate(office, token_of("inside"), NOW)
    assert found is not None
    assert found.grants == ()


@pytest.mark.parametrize("token", ["", "nonsense", "token-of-owner ", "é"])
def test_what_is_no_token_is_nobody(small_office: Deployment, token: str) -> None:
    assert not is_live(small_office, token)


def test_signing_out_ends_this_session_and_no_other(office: Deployment) -> None:
    one, other = sign_in(office), sign_in(office)
    signing_in.sign_out(office, one.token, NOW)
    assert not is_live(office, one.token)
    assert is_live(office, other.token)
    signing_in.sign_out(office, one.token, NOW)


def test_a_revoked_account_is_out_at_once_and_cannot_come_back(office: Deployment) -> None:
    session = sign_in(office)
    assert issuing.revoke(office, "owner", "command-line", NOW)
    assert not is_live(office, session.token)
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office))
    assert not issuing.revoke(office, "owner", "command-line", NOW)


def test_nothing_that_lets_anybody_in_is_stored_or_logged_as_it_is(office: Deployment) -> None:
    code = code_for(office)
    session = activate(office, code, password="quite-secret-words")
    with office.database.read() as connection:
        everything = "".join(
            repr(tuple(row))
            for table in (t.token, t.activation, t.account, t.log, t.attempt)
            for row in connection.execute(select(table))
        )
    for secret in (code, session.token, "quite-secret-words"):
        assert secret not in everything
        assert repr(secret.encode()) not in everything


# Passwords


@pytest.mark.parametrize("name", ["owner", phone_of("owner"), f"+86 {phone_of('owner')}", f" {phone_of('owner')} "])
def test_one_signs_in_by_code_or_phone(small_office: Deployment, name: str) -> None:
    assert sign_in(small_office, name).person.code == "owner"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("owner", "wrong"),
        ("owner", ""),
        ("owner", PASSWORD + " "),
        ("colleague", PASSWORD),
        ("revoked", PASSWORD),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("%", PASSWORD),
        ("0", PASSWORD),
    ],
    ids=lambda value: value or "empty",
)
def test_whatever_is_wrong_the_refusal_is_the_same(small_office: Deployment, name: str, password: str) -> None:
    problem = refused(problems.SIGN_IN_FAILED, lambda: sign_in(small_office, name, password))
    assert (problem.errors, problem.params, problem.retry_after) == ((), {}, None)


@pytest.mark.parametrize("name", ["owner", "colleague", "nobody"], ids=["known", "not activated", "unknown"])
def test_a_refusal_costs_one_verification_whoever_is_meant(
    small_office: Deployment, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str | None] = []
    real = signing_in.secrets.password_fits
    monkeypatch.setattr(signing_in.secrets, "password_fits", lambda *a: (done.append(a[0]), real(*a))[1])
    guess(small_office, 1, name)
    assert len(done) == 1


def test_people_who_share_a_phone_number_are_told_apart_by_their_passwords(office: Deployment) -> None:
    add_people(office, ["father", "son"], phone="13900000000")
    for person in ("father", "son"):
        issuing.ensure_account(office, person, [], "command-line", NOW, password=f"{person}s own words")
    assert sign_in(office, "13900000000", "fathers own words").person.code == "father"
    assert sign_in(office, "13900000000", "sons own words").person.code == "son"


def test_people_who_share_number_and_password_are_nobody_until_they_give_their_codes(office: Deployment) -> None:
    add_people(office, ["father", "son"], phone="13900000000")
    for person in ("father", "son"):
        issuing.ensure_account(office, person, [], "command-line", NOW, password="the same words")
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, "13900000000", "the same words"))
    assert sign_in(office, "son", "the same words").person.code == "son"


def test_a_password_changed_while_it_is_verified_is_refused(
    office: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = signing_in.secrets.password_fits

    def slow(stored: str | None, password: str) -> bool:
        fits = real(stored, password)
        set_password(office, "owner", "another one")
        return fits

    monkeypatch.setattr(signing_in.secrets, "password_fits", slow)
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office))


# Being held back


def test_after_too_many_failures_one_waits_until_the_first_is_forgotten(office: Deployment) -> None:
    guess(office, 2)
    guess(office, 1, now=NOW + timedelta(seconds=60))
    later = NOW + timedelta(seconds=100)
    problem = refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, now=later))
    assert problem.retry_after == 800
    assert sign_in(office, now=NOW + WINDOW).person.code == "owner"


def test_who_waits_is_not_held_back_further_for_trying(small_office: Deployment) -> None:
    guess(small_office, 3)
    for second in range(0, 890, 100):
        refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(small_office, now=NOW + timedelta(seconds=second)))  # noqa: B023
    assert sign_in(small_office, now=NOW + WINDOW)


def test_somebody_guessing_from_elsewhere_does_not_keep_the_owner_out(office: Deployment) -> None:
    guess(office, 3, address="10.9.9.9")
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, address="10.9.9.9"))
    assert sign_in(office, address=HOME)


def test_many_guessing_from_everywhere_are_slowed_together_but_not_a_phone_known_from_before(
    office: Deployment,
) -> None:
    before = sign_in(office)
    signing_in.sign_out(office, before.token, NOW)
    for number in range(5):
        guess(office, 3, address=f"10.9.9.{number}")
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office))
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, device="nonsense"))
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, device=token_of("colleague")))
    assert sign_in(office, device=before.token)


def test_a_known_phone_is_held_back_too(office: Deployment) -> None:
    for _ in range(3):
        refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, password="wrong", device=token_of("owner")))
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, device=token_of("owner")))


def test_a_carrier_address_takes_a_hundred_times_as_much(small_office: Deployment) -> None:
    with small_office.database.write() as connection:
        signing_in.accounts.add_failures(connection, [f"address:{HOME}"] * 299, NOW)
    assert sign_in(small_office)
    guess(small_office, 1, "nobody")
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(small_office))
    assert sign_in(small_office, address="10.2.2.2")


def test_an_unknown_name_is_held_back_like_a_known_one(small_office: Deployment) -> None:
    guess(small_office, 3, "nobody")
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(small_office, "nobody"))
    guess(small_office, 1, "nobody-else")


def test_a_success_makes_good_for_the_failures_before_it(office: Deployment) -> None:
    for _ in range(3):
        guess(office, 2)
        assert sign_in(office)


@pytest.mark.parametrize("device", [None, "son"])
def test_one_s_own_password_does_not_make_good_for_guesses_at_another_s_with_the_same_number(
    office: Deployment, device: str | None
) -> None:
    add_people(office, ["father", "son"], phone="13900000000")
    for person in ("father", "son"):
        issuing.ensure_account(office, person, [], "command-line", NOW, password=f"{person}s own words")
    known = sign_in(office, "son", "sons own words").token if device else None
    for _ in range(2):
        refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, "13900000000", "a guess", device=known))
    assert sign_in(office, "13900000000", "sons own words", device=known)
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, "13900000000", "a guess", device=known))
    for device_too in (known, None):
        refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, "13900000000", "a guess", device=device_too))  # noqa: B023
    assert sign_in(office, "son", "sons own words")
    assert sign_in(office, "father", "fathers own words", address="10.4.4.4")


def test_failures_of_a_known_phone_count_for_its_address_too(office: Deployment) -> None:
    with office.database.write() as connection:
        signing_in.accounts.add_failures(connection, [f"address:{HOME}"] * 299, NOW)
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office, password="wrong", device=token_of("owner")))
    refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(office, device=token_of("owner")))


@pytest.mark.parametrize("name", [" owner", "owner\t", "\u3000owner "])
def test_a_blank_around_a_name_makes_no_other_name_of_it(small_office: Deployment, name: str) -> None:
    guess(small_office, 3, "owner")
    guess(small_office, 3, "nobody")
    for blank in (name, name.replace("owner", "nobody")):
        refused(problems.TOO_MANY_REQUESTS, lambda: sign_in(small_office, blank))  # noqa: B023


def test_what_no_longer_counts_is_deleted_in_time(office: Deployment) -> None:
    guess(office, 2)
    session = sign_in(office, password=PASSWORD, address="10.3.3.3")
    signing_in.tidy(office, NOW + WINDOW - timedelta(seconds=1))
    assert is_live(office, session.token)
    signing_in.tidy(office, NOW + timedelta(days=361))
    with office.database.read() as connection:
        assert connection.execute(select(t.attempt)).all() == []
        assert connection.execute(select(t.token)).all() == []


# One-time codes


@pytest.mark.parametrize("write", [str, str.lower, lambda code: f" {code[:5]} - {code[5:]} ", lambda c: "—".join(c)])
def test_a_code_is_taken_as_people_type_it(small_office: Deployment, write: Callable[[str], str]) -> None:
    assert activate(small_office, write(code_for(small_office))).person.code == "owner"


def test_a_code_sets_the_password_ends_all_sessions_and_signs_in(office: Deployment) -> None:
    before = sign_in(office)
    code = code_for(office)
    assert is_live(office, before.token)
    session = activate(office, code)
    assert is_live(office, session.token)
    assert not is_live(office, before.token)
    assert not is_live(office, token_of("owner"))
    refused(problems.SIGN_IN_FAILED, lambda: sign_in(office))
    assert sign_in(office, password="a new password")


def test_a_code_works_once(office: Deployment) -> None:
    code = code_for(office)
    session = activate(office, code)
    refused(problems.ACTIVATION_FAILED, lambda: activate(office, code))
    assert is_live(office, session.token)


def test_a_code_works_once_also_when_sent_many_times_at_once(office: Deployment) -> None:
    code = code_for(office)

    def attempt(_number: int) -> Kind | None:
        try:
            activate(office, code)
        except Problem as problem:
            return problem.kind
        return None

    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(attempt, range(32)))
    assert outcomes.count(None) == 1
    assert outcomes.count(problems.ACTIVATION_FAILED) == 31


def test_a_code_lives_seven_days(small_office: Deployment) -> None:
    code = code_for(small_office)
    refused(problems.ACTIVATION_FAILED, lambda: activate(small_office, code, now=NOW + timedelta(days=7)))
    assert activate(small_office, code, now=NOW + timedelta(days=7, seconds=-1))


def test_a_code_is_somebody_s(small_office: Deployment) -> None:
    code = code_for(small_office)
    code_for(small_office, "colleague")
    for name in ("colleague", "nobody", "revoked", ""):
        refused(problems.ACTIVATION_FAILED, lambda: activate(small_office, code, name))  # noqa: B023
    assert activate(small_office, code, phone_of("owner"))


def test_a_new_code_replaces_the_one_before(office: Deployment) -> None:
    first, second = code_for(office), code_for(office)
    refused(problems.ACTIVATION_FAILED, lambda: activate(office, first))
    assert activate(office, second)


@pytest.mark.parametrize(("wrong", "dead"), [(4, False), (5, True), (6, True)])
def test_a_code_dies_after_five_wrong_tries(office: Deployment, wrong: int, dead: bool) -> None:
    code = code_for(office)
    for _ in range(wrong):
        refused(problems.ACTIVATION_FAILED, lambda: activate(office, "2222222222"))
    if dead:
        refused(problems.ACTIVATION_FAILED, lambda: activate(office, code))
    else:
        assert activate(office, code)


def test_people_who_share_a_number_each_use_their_own_code(office: Deployment) -> None:
    add_people(office, ["father", "son"], phone="13900000000")
    codes = {person: code_for(office, person) for person in ("father", "son")}
    assert activate(office, codes["son"], "13900000000").person.code == "son"
    assert activate(office, codes["father"], "13900000000", password="other words").person.code == "father"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "length"),
        ("x" * 129, "length"),
        (phone_of("owner"), "password-known"),
        (phone_of("owner")[:3] + "-" + phone_of("owner")[3:], "password-known"),
    ],
)
def test_a_password_that_will_not_do_leaves_the_code_good(small_office: Deployment, password: str, code: str) -> None:
    issued = code_for(small_office)
    problem = refused(problems.INVALID, lambda: activate(small_office, issued, password=password))
    assert [(error.pointer, error.code) for error in problem.errors] == [("/password", code)]
    refused(problems.INVALID, lambda: activate(small_office, issued, password=issued.lower()))
    assert activate(small_office, issued)


def test_a_revoked_account_takes_no_code(small_office: Deployment) -> None:
    code = code_for(small_office)
    issuing.revoke(small_office, "owner", "command-line", NOW)
    refused(problems.ACTIVATION_FAILED, lambda: activate(small_office, code))
