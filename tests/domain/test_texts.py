"""What of a text people can see."""

import pytest

from server.domain.texts import readable


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "\u3000", "\u200b", "\u00a0\ufeff", "\u2800\u3164", "\U000e0001\U000e0041\U000e007f",
     "\U000e0100", "\U0001d173", "\U0001bca0"],
)  # fmt: skip
def test_fillers_tags_and_marks_are_nothing_to_read(text: str) -> None:
    assert not readable(text)
    assert readable(f"{text}。{text}")


@pytest.mark.parametrize("text", ["a", "在", ".", "𠮷", "🌧", "\U000e1000"])
def test_whatever_has_a_form_is(text: str) -> None:
    assert readable(text)
