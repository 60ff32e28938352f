"""The documents say what the code does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from server import settings
from server.api.document import swagger
from server.app import NAMESPACES, frame
from server.cli import cli
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


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call of the API as `METHOD /path`, and what `swagger.json` says of it."""
    app = frame(settings.Settings(), NAMESPACES)
    with app.test_request_context():
        paths = swagger(app.extensions["daocun.api"])["paths"]
    for path, item in paths.items():
        for method, said in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                yield f"{method.upper()} {path}", said


def test_the_api_page_lists_every_call_and_no_other() -> None:
    listed = set(re.findall(r"^\| `((?:GET|PUT|POST|DELETE|PATCH) /[^`]+)` \|", read("docs/api.md"), re.M))
    assert listed == {call for call, _ in operations()}


def test_the_api_page_names_what_every_call_may_be_asked_with() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([A-Z]+ /[^`]+)` (\|.*)$", read("docs/api.md"), re.M)}
    everywhere = {"limit", "cursor", "for_excel", "language"}
    missing = [
        (call, parameter["name"])
        for call, said in operations()
        for parameter in said.get("parameters", [])
        if parameter["in"] == "query" and parameter["name"] not in everywhere
        if not re.search(rf"`{parameter['name']}(?:=\w+)?`", rows[call])
    ]
    assert missing == []


def commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


ALL_COMMANDS = list(commands(cli, "daocun"))


@pytest.mark.parametrize(("name", "command"), ALL_COMMANDS, ids=[name for name, _ in ALL_COMMANDS])
def test_the_api_page_lists_every_command_with_its_options(name: str, command: click.Command) -> None:
    rows = [row for row in read("docs/api.md").splitlines() if re.match(rf"\| `{name}[ `]", row)]
    options = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option != "--help"
    }
    usages = [re.sub(r"\\\|", "|", row).split("` |")[0] for row in rows]
    assert rows
    assert set(re.findall(r"--[a-z-]+", " ".join(usages))) == options


def test_every_decision_is_in_their_list_and_in_three_parts() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in TREE.glob("docs/decisions/0*.md")}
    listed = dict(re.findall(r"^\| \[\d{4}\]\((.+?)\) \| (.+) \|$", read("docs/decisions/README.md"), re.M))
    assert set(listed) == set(pages)
    for name, text in pages.items():
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.M)
        assert text.startswith(f"# {name[:4]} ")
        assert parts == ["Faced", "Chosen", "Costs"], name


def test_every_file_that_the_contributors_page_names_exists() -> None:
    text = read("CONTRIBUTING.md")
    named = set(re.findall(r"`((?:server|schemas|tests|bench)/[\w/.]+)`", text))
    named |= {f"server/{path}" for path in re.findall(r"`((?:api|services|domain|storage|adapters)/\w+\.py)`", text)}
    assert [path for path in sorted(named) if not (TREE / path).exists()] == []


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
