"""The catalogues say the same things in both languages."""

import re
import string

import pytest

from server.adapters.messages import both, catalogue, text
from server.domain import problems


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert set(catalogue("zh")) == set(catalogue("en"))


def test_both_languages_have_the_same_placeholders() -> None:
    differing = [key for key, zh in catalogue("zh").items() if placeholders(zh) != placeholders(catalogue("en")[key])]
    assert differing == []


def test_no_placeholder_is_positional() -> None:
    for language in ("zh", "en"):
        assert not [key for key, value in catalogue(language).items() if "" in placeholders(value)]


def test_chinese_sentences_are_chinese() -> None:
    own_words = {key: re.sub(r"\{[^}]*\}", "", zh).strip() for key, zh in catalogue("zh").items()}
    assert not [key for key, words in own_words.items() if words and not re.search("[一-鿿]", words)]


@pytest.mark.parametrize("kind", problems.all_kinds(), ids=lambda kind: kind.code)
def test_every_refusal_has_its_sentence(kind: problems.Kind) -> None:
    assert text(f"problem.{kind.code}", "zh", limit_mb=8, limit_mp=50, days=30, most=4)
    assert text(f"problem.{kind.code}", "en", limit_mb=8, limit_mp=50, days=30, most=4)


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in problems.all_kinds()]
    assert len(codes) == len(set(codes))


def test_the_command_line_says_it_twice() -> None:
    assert both("problem.not-found") == "没有找到。 / Not found."


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("problem.no-such-thing", "zh")
