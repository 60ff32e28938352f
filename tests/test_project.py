"""The project's own files agree with one another."""

import configparser
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).resolve().parents[1]


def pinned(name: str) -> dict[str, str]:
    """The exact versions of a lock file, by package; a line that pins nothing fails."""
    lines = [line for line in (TREE / name).read_text().splitlines() if line and not line.startswith("    --hash")]
    found = [re.fullmatch(r"([a-z0-9-]+)==([^ ;]+)(?: ; [^\\]+?)?(?: \\)?", line) for line in lines]
    assert [line for line, match in zip(lines, found, strict=True) if match is None] == []
    return {match[1]: match[2] for match in found if match}


def wanted() -> list[Requirement]:
    setup = configparser.ConfigParser()
    setup.read(TREE / "setup.cfg")
    lines = f"{setup['options']['install_requires']}\n{setup['options.extras_require']['test']}".splitlines()
    return [Requirement(line) for line in lines if line]


def test_every_requirement_is_pinned_to_a_version_in_its_range() -> None:
    pins = pinned("requirements.txt")
    missing = [str(r) for r in wanted() if not r.specifier.contains(pins.get(canonicalize_name(r.name), "0"))]
    assert missing == []


def test_the_hashed_lock_pins_the_same_versions() -> None:
    assert pinned(".ci/requirements-hashed.txt") == pinned("requirements.txt")


def test_the_locks_name_no_place_that_a_package_comes_from() -> None:
    for name in ("requirements.txt", ".ci/requirements-hashed.txt"):
        assert re.findall(r"://|^-|@|\+", (TREE / name).read_text(), re.M) == []
