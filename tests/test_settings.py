"""Settings come from the environment, once, and say clearly what is wrong with them."""

import dataclasses
from datetime import date, time
from pathlib import Path

import pytest

from server import settings as subject
from server.adapters.messages import has
from server.settings import Settings, SettingsError, describe, load


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = load({})
    assert settings == Settings()
    assert settings.database_url.startswith("sqlite:////")
    assert settings.uploads == Path("uploads")
    assert settings.timezone.key == "Asia/Shanghai"
    assert settings.service_from is None


def test_home_moves_the_database_and_the_photos(tmp_path: Path) -> None:
    settings = load({"DAOCUN_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/daocun.db"
    assert settings.uploads == tmp_path / "uploads"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"DAOCUN_SERVICE_FROM": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("service_from", "2018-10-01", date(2018, 10, 1)),
        ("radius_village_m", "750.5", 750.5),
        ("photo_max_bytes", "1048576", 1_048_576),
        ("database_url", "postgres://a:b@c/d", "postgresql+psycopg://a:b@c/d"),
        ("database_url", "sqlite:///x.db", "sqlite:///x.db"),
        ("public_url", "https://daocun.example/", "https://daocun.example"),
    ],
)
def test_a_variable_is_read(name: str, raw: str, value: object) -> None:
    assert getattr(load({subject.variable(name): raw}), name) == value


def test_trusted_proxies_are_addresses_or_networks() -> None:
    proxies = load({"DAOCUN_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8, ::1"}).trusted_proxies
    assert [str(proxy) for proxy in proxies] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]


ADDRESSES = "T=dingtalk://key@token,mailto://a:b@c/?to=x,y\n U=wecombot://robot T=json://d"


def test_digests_go_to_the_addresses_of_each_place() -> None:
    settings = load({"DAOCUN_DIGEST_ADDRESSES": ADDRESSES, "DAOCUN_DIGEST_AT": "07:30"})
    assert settings.digest_addresses == (
        ("T", ("dingtalk://key@token", "mailto://a:b@c/?to=x,y", "json://d")),
        ("U", ("wecombot://robot",)),
    )
    assert settings.digest_at == time(7, 30)


def test_the_addresses_of_digests_are_shown_without_what_is_secret() -> None:
    settings = load({"DAOCUN_DIGEST_ADDRESSES": ADDRESSES})
    (row,) = [row for row in describe(settings, "en") if row.variable == "DAOCUN_DIGEST_ADDRESSES"]
    assert row.value == "T=dingtalk://***,mailto://***,json://*** U=wecombot://***"
    assert "dingtalk" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("service_from", "2018-02-30"),
        ("service_from", "20181001"),
        ("timezone", "Leling"),
        ("timezone", "../etc/passwd"),
        ("radius_village_m", "nan"),
        ("radius_village_m", "inf"),
        ("radius_village_m", "0"),
        ("radius_village_m", "500 m"),
        ("photo_max_bytes", "8MB"),
        ("photo_max_bytes", "-1"),
        ("photo_max_bytes", "１０２４０"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example"),
        ("database_url", "mysql://a/b"),
        ("database_url", "daocun.db"),
        ("public_url", "daocun.example"),
        ("log_level", "loud"),
        ("digest_at", "8:00"),
        ("digest_at", "24:00"),
        ("digest_addresses", "371481200"),
        ("digest_addresses", "=dingtalk://x"),
        ("digest_addresses", "371481200=dingtalk"),
        ("digest_addresses", "西段乡=dingtalk://x"),
        ("digest_addresses", "371481200=dingtalk://x, wecombot://y"),
    ],
)
def test_a_bad_value_names_its_variable_and_what_is_expected(name: str, raw: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({subject.variable(name): raw})
    assert caught.value.variables == (subject.variable(name),)
    assert subject.variable(name) in str(caught.value)
    assert "expected" in str(caught.value)
    assert "应为" in str(caught.value)


def test_all_bad_values_are_listed_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"DAOCUN_TIMEZONE": "x", "DAOCUN_SPEED_KMH": "fast"})
    assert set(caught.value.variables) == {"DAOCUN_TIMEZONE", "DAOCUN_SPEED_KMH"}


def test_an_unknown_variable_is_pointed_out_with_the_nearest_name() -> None:
    (line,) = subject.warnings({"DAOCUN_UPLOAD": "x", "DAOCUN_HOME": "y", "HOME": "z"})
    assert "DAOCUN_UPLOAD" in line
    assert "DAOCUN_UPLOADS" in line


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_setting_is_described(language: subject.Language) -> None:
    rows = describe(load({}), language)
    assert [row.variable for row in rows] == [subject.variable(f.name) for f in dataclasses.fields(Settings)]
    assert all(row.meaning for row in rows)


def test_no_meaning_is_left_over() -> None:
    assert all(has(f"setting.{field.name}") for field in dataclasses.fields(Settings))
    names = {f"setting.{field.name}" for field in dataclasses.fields(Settings)}
    assert {key for key in subject_keys() if key.startswith("setting.")} == names


def subject_keys() -> list[str]:
    from server.adapters.messages import catalogue

    return list(catalogue("en"))


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:se:c@r@et@host/db", "postgresql://u@host/db?password=se:c@r@et&x=1"],
)
def test_a_password_is_never_shown(url: str) -> None:
    rows = describe(load({"DAOCUN_DATABASE_URL": url}), "en")
    assert not any("et" in row.value for row in rows if row.variable == "DAOCUN_DATABASE_URL")
