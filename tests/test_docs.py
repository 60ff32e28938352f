"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from server import settings
from server.domain import duties, imports, problems

TREE = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*TREE.glob("*.md"), *TREE.glob("docs/**/*.md")])
KINDS: tuple[imports.Kind, ...] = ("places", "people", "postings", "leave", "days", "visits")


def read(name: str) -> str:
    return (TREE / name).read_text(encoding="utf-8")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(TREE)) for path in paths]


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_link_to_a_heading_finds_it(document: Path) -> None:
    missing = []
    for target, heading in re.findall(r"\]\(([^):]*)#([^)]+)\)", document.read_text(encoding="utf-8")):
        text = ((document.parent / target) if target else document).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)
        }
        if heading not in headings:
            missing.append(f"{target}#{heading}")
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_setting_that_a_document_names_exists(document: Path) -> None:
    known = {settings.variable(name) for name in settings.Settings.__dataclass_fields__}
    named = set(re.findall(r"DAOCUN_[A-Z_]*[A-Z]", document.read_text(encoding="utf-8")))
    assert named - known == set()


def test_the_operating_page_lists_every_setting_with_its_default() -> None:
    rows = [
        f"| `{row.variable}` | {f'`{row.default}`' if row.default else '–'} | {row.meaning} |"
        for row in settings.describe(settings.Settings(), "en")
    ]
    assert [row for row in rows if row not in read("docs/operating.md").splitlines()] == []


def test_the_api_page_lists_every_refusal_with_its_status() -> None:
    listed = set(re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", read("docs/api.md"), re.M))
    assert listed == {(str(kind.status), kind.code) for kind in problems.all_kinds()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_page_gives_the_header_of_every_file(kind: imports.Kind) -> None:
    english, chinese = (",".join(columns(kind)) for columns in (imports.columns, imports.chinese_columns))
    assert f"| `{kind}` | `{english}` | `{chinese}` |" in read("docs/api.md")


def test_the_duties_page_lists_every_shipped_duty_as_it_is() -> None:
    row = re.compile(
        r"^\| `([a-z-]+)` \| ([a-z ]+?) [^ |]+ \| ([a-z, ]+) \| .+? \| (week|month) \| .+? \| (\w+) \|$", re.M
    )
    listed = {
        (code, role.replace(" ", "-"), frozenset(activities.split(", ")), every, day_off)
        for code, role, activities, every, day_off in row.findall(read("docs/duties.md"))
    }
    assert listed == {(d.code, d.role, d.activities, d.every, d.day_off) for d in duties.SHIPPED}


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    named = {target for path in DOCUMENTS for target in re.findall(r"(?:^    |`)make ([a-z]+)", path.read_text(), re.M)}
    assert named
    assert named - targets == set()


def test_both_readmes_show_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        return re.findall(r"^    (?:make|pip|daocun) .*$|^```sh\n[^`]*^```", read(name), re.M)

    assert len(commands("README.md")) > 5
    assert commands("README.md") == commands("README.zh-CN.md")
