"""The command `daocun`. Every command is a few lines around one use case, and loads only what it needs."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
from flask.cli import AppGroup

from server import logs, office, terminal
from server import settings as settings_module
from server.adapters import clock
from server.adapters.messages import LANGUAGES, both, text
from server.domain.imports import Kind
from server.domain.problems import Problem
from server.settings import SettingsError
from server.terminal import ACTOR, Day, Instant, Refused, opened, read_settings, tell

REFUSED, MISUSED, STOPPED = 1, 2, 130


@click.group(cls=AppGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="daocun", prog_name="daocun")
def cli() -> None:
    """到村 Daocun: check in from the village, and see at once which duty it met."""


@cli.command("init", with_appcontext=False)
@click.option("--service-role", metavar="NAME", help="PostgreSQL: grant this role what the service needs, and no more.")
def init(service_role: str | None) -> None:
    """Create or upgrade the database and load the shipped duties."""
    from server.services import duties
    from server.storage import migrate, roles

    with opened(ready=False) as deployment:
        migrate.upgrade(deployment.database)
        if service_role is not None:
            if deployment.database.is_sqlite:
                raise click.UsageError(both("cli.service-role-postgresql"))
            with deployment.database.write() as connection:
                if not roles.is_separate(connection, service_role):
                    raise Refused("service-role-not-separate", role=service_role)
                roles.grant(connection, service_role)
        added = duties.ensure_shipped(deployment, ACTOR, clock.now())
        deployment.photos.root.mkdir(parents=True, exist_ok=True)
    tell("initialised", duties=len(added))


@cli.command("import", with_appcontext=False)
@click.argument("kind", type=click.Choice(get_args(Kind)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, and store nothing.")
@click.option("--from", "since", type=Day(), help="First day on which the places stand so (default: today).")
@click.option("--crs", type=click.Choice(["wgs84", "gcj02", "bd09"]), default="wgs84", help="Datum of the positions.")
def import_(kind: Kind, file: Path, dry_run: bool, since: date | None, crs: str) -> None:
    """Take a CSV or XLSX file in: all of it or nothing."""
    from server.adapters import sheets
    from server.domain import imports as kinds
    from server.services import imports

    if since is not None and kind != "places":
        raise click.UsageError(both("cli.from-places-only"))
    if crs != "wgs84" and kind not in ("places", "visits"):
        raise click.UsageError(both("cli.crs-positions-only"))
    with opened() as deployment:
        zone = deployment.zone if kind == "visits" else None
        table = sheets.read_table(file, limit_bytes=deployment.settings.import_max_bytes, zone=zone)
        parsed = kinds.read(kind, table)
        done = imports.import_rows(
            deployment, kind, parsed, since=since, crs=crs, actor=ACTOR, now=clock.now(), dry_run=dry_run
        )
        for remark in done.remarks:
            terminal.say(both(remark.key, **remark.params))
        if dry_run:
            with terminal.output(None) as stream:
                sheets.write_csv(("change", "kind", "what", "before", "after"), imports.change_rows(done), stream)
        else:
            with terminal.progress("judging") as progress:
                imports.work_off(deployment, clock.now(), progress)
    counts = {"created": done.created, "updated": done.updated, "removed": done.removed, "unchanged": done.unchanged}
    tell("would-import" if dry_run else "imported", **counts)


@cli.command("attendance", with_appcontext=False)
@click.option("--from", "first", type=Day(), required=True, help="First day.")
@click.option("--to", "last", type=Day(), required=True, help="Last day.")
@click.option("--as-of", type=Instant(), help="The moment it is seen from (default: now).")
@click.option("--place", metavar="CODE", help="Only this place and all inside it.")
@click.option("--person", metavar="CODE", help="Only this person.")
@click.option("--duty", metavar="CODE", help="Only this duty.")
@click.option("--format", "form", type=click.Choice(["csv", "xlsx", "json"]), help="csv, or what the file's name says.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--for-excel", is_flag=True, help="CSV with a byte order mark, so that Excel reads it as UTF-8.")
def attendance(
    first: date,
    last: date,
    as_of: datetime | None,
    place: str | None,
    person: str | None,
    duty: str | None,
    form: str | None,
    output: Path | None,
    for_excel: bool,
) -> None:
    """Print the obligations whose last day lies in the span."""
    from server.adapters import calendar
    from server.services import reports

    if last < first:
        raise click.UsageError(both("cli.days-order"))
    form = form or {".xlsx": "xlsx", ".json": "json"}.get(output.suffix.lower() if output else "", "csv")
    if for_excel and form != "csv":
        raise click.UsageError(both("cli.for-excel-csv"))
    if form == "xlsx" and output is None and sys.stdout.isatty():
        raise click.UsageError(both("cli.xlsx-needs-output"))
    with opened() as deployment, terminal.progress("judging") as progress:
        moment = as_of or clock.now()
        rows = reports.attendance_rows(deployment, first, last, moment, place, person, duty, progress=progress)
    for year in range(first.year, last.year + 1):
        if not calendar.year_known(year):
            tell("year-unknown", year=year)
    with terminal.output(output) as stream:
        write_table(form, reports.COLUMNS, rows, stream, for_excel)


def write_table(form: str, columns: tuple[str, ...], rows: Any, stream: Any, for_excel: bool = False) -> None:
    """Writes rows as csv, xlsx or json (a list of objects)."""
    if form == "json":
        import json

        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str) for row in rows)
        stream.write(("[" + ",\n ".join(lines) + "]\n").encode())
        return
    from server.adapters import sheets

    if form == "xlsx":
        sheets.write_xlsx(columns, rows, stream)
    else:
        sheets.write_csv(columns, rows, stream, for_excel=for_excel)


@cli.command("rebuild", with_appcontext=False)
@click.option("--from", "first", type=Day(), help="First day (default: as far as was asked for before).")
@click.option("--to", "last", type=Day(), help="Last day.")
def rebuild(first: date | None, last: date | None) -> None:
    """Throw the stored verdicts away and judge again from scratch."""
    from server.services import judging, upkeep

    if first and last and last < first:
        raise click.UsageError(both("cli.days-order"))
    with opened() as deployment, terminal.progress("judging") as progress:
        span = upkeep.stored_span(deployment, clock.now())
        first, last = first or span[0], last or span[1]
        judging.rebuild(deployment, first, max(first, last), progress)
    tell("rebuilt", first=first.isoformat(), last=max(first, last).isoformat())


@cli.command("settings", with_appcontext=False)
def show_settings() -> None:
    """Print every setting, its default and its value."""
    found = read_settings()
    meanings = [settings_module.describe(found, language) for language in LANGUAGES]
    for chinese, english in zip(*meanings, strict=True):
        default = text("cli.default", "zh", default=chinese.default)
        click.echo(f"{chinese.variable}={chinese.value}\n    {chinese.meaning} / {english.meaning}\n    {default}")


for one in office.COMMANDS:
    cli.add_command(one)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs `daocun` and ends the process: 0, 1 for a refused or failed job, 2 for bad usage.

    What it makes (the database, the photos) is for its own user alone.
    """
    terminal.keep_to_oneself()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs `daocun`; what it would exit with."""
    logs.hide_locals()
    try:
        found = cli.main(arguments, prog_name="daocun", standalone_mode=False)
        sys.stdout.flush()
        return found if isinstance(found, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        terminal.say(error.format_message())
        return MISUSED
    except click.UsageError as error:
        if error.ctx is not None:
            terminal.say(error.ctx.get_usage())
        terminal.say(f"{both('cli.usage')}: {error.format_message()}")
        return MISUSED
    except SettingsError as error:
        terminal.say(str(error))
    except Problem as problem:
        terminal.explain(problem)
    except Refused as refused:
        tell(refused.key, **refused.params)
    except (click.Abort, KeyboardInterrupt):
        tell("stopped")
        return STOPPED
    except BrokenPipeError:
        # Whoever read our output has heard enough; nothing may be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.filename is None:
            terminal.unexpected(error)
        else:
            tell("file", file=error.filename, problem=error.strerror)
    except Exception as error:
        terminal.unexpected(error)
    return REFUSED


if __name__ == "__main__":
    main()
