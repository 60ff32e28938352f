"""The commands of the office that runs a deployment: accounts, duties, places, checking the photos, serving."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import IO, Any

import click

from server import terminal
from server.adapters import clock
from server.adapters.messages import both
from server.domain.postings import Role
from server.domain.problems import invalid
from server.terminal import ACTOR, Day, Refused, explain, opened, tell

GRANTS = ("reviewer", "supervisor", "auditor", "admin")


@click.command("account")
@click.argument("person", required=False)
@click.option("--grant", "grants", multiple=True, metavar="KIND:PLACE", help="May be given several times.")
@click.option("--password-file", type=click.File("r"), help="Set this password; - reads it from stdin.")
@click.option("--qr", is_flag=True, help="Print the activation link as a picture too.")
@click.option("--revoke", is_flag=True, help="Close the account and end its sessions at once.")
@click.option("--place", metavar="CODE", help="Accounts for everyone posted at this place or inside it.")
@click.option("--role", type=click.Choice([str(role) for role in Role]), help="Only for people in this role.")
@click.option("--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Write a sheet to print to this file.")
def account(
    person: str | None,
    grants: tuple[str, ...],
    password_file: Any,
    qr: bool,
    revoke: bool,
    place: str | None,
    role: str | None,
    sheet: Path | None,
) -> None:
    """Give an imported PERSON, or everyone at a place, an account."""
    if place is not None or sheet is not None:
        alone = not (person or grants or password_file or qr or revoke)
        if place is None or sheet is None or not alone:
            raise click.UsageError(both("cli.account-sheet"))
        _sheet(place, role, sheet)
        return
    if person is None or role is not None:
        raise click.UsageError(both("cli.account-person"))
    if revoke:
        if grants or password_file or qr:
            raise click.UsageError(both("cli.account-revoke"))
        _revoke(person)
        return
    if qr and password_file:
        raise click.UsageError(both("cli.account-qr"))
    _account(person, grants, password_file, qr)


def _account(person: str, grants: tuple[str, ...], password_file: Any, qr: bool) -> None:
    from server.domain.access import Grant, GrantKind
    from server.services import issuing
    from server.storage import people

    wanted = []
    for grant in grants:
        kind, colon, place = grant.partition(":")
        if kind not in GRANTS or not colon or not place:
            raise click.UsageError(both("cli.account-grant", value=grant, choices=", ".join(GRANTS)))
        wanted.append(Grant(GrantKind(kind), place))
    password = password_file.readline().rstrip("\r\n") if password_file else None
    with opened() as deployment:
        with deployment.database.read() as connection:
            if people.find(connection, person) is None:
                raise Refused("account-unknown", person=person)
        made = issuing.ensure_account(deployment, person, wanted, ACTOR, clock.now(), password)
        zone, address = deployment.zone, deployment.settings.public_url
    if made is None:
        tell("account-ready", person=person)
        return
    click.echo(made.code)
    if not address:
        tell("no-public-url")
    else:
        click.echo(made.link)
    if qr and address:
        from server.adapters import papers

        click.echo(papers.qr_text(made.link))
    tell("account-code", person=person, until=made.expires_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"))


def _revoke(person: str) -> None:
    from server.services import issuing

    with opened() as deployment:
        done = issuing.revoke(deployment, person, ACTOR, clock.now())
    if not done:
        raise Refused("account-none", person=person)
    tell("account-revoked", person=person)


def _sheet(place: str, role: str | None, sheet: Path) -> None:
    from server.adapters import papers
    from server.services import issuing

    # The file first: codes that could not be written down would be lost.
    with opened() as deployment, terminal.output(sheet, private=True) as stream:
        rows = issuing.activate_all(deployment, place, role, ACTOR, clock.now())
        address = deployment.settings.public_url
        stream.write(papers.activation_sheet(rows, address))
    if not address:
        tell("no-public-url")
    tell("account-sheet-written", people=len(rows), file=sheet)


@click.group("duty")
def duty() -> None:
    """List, save and end duties: the rules as data."""


@duty.command("list")
def list_duties() -> None:
    """Print every version of every duty, as `save` takes them."""
    from server.services import duties

    with opened() as deployment:
        found = [duties.shown(one) for one in duties.listed(deployment)]
    click.echo("[" + ",\n ".join(json.dumps(one, ensure_ascii=False) for one in found) + "]")


@duty.command("save")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "since", type=Day(), help="Holds from the first week or month that begins on or after this day."
)
def save_duties(file: Path, since: date | None) -> None:
    """Save the duty in a JSON FILE, or the list of duties; all of them or none."""
    from server.services import duties, imports

    try:
        given = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError:
        raise Refused("duty-not-json") from None
    listed = given if isinstance(given, list) else [given]
    if not all(isinstance(one, dict) for one in listed):
        raise Refused("duty-not-json")
    parsed = [duties.parse(one, since) for one in listed]
    with opened() as deployment:
        saved = duties.save(deployment, parsed, ACTOR, clock.now())
        with terminal.progress("judging") as progress:
            imports.work_off(deployment, clock.now(), progress)
    tell("duties-saved", saved=saved, unchanged=len(parsed) - saved)


@duty.command("end")
@click.argument("code")
@click.option("--from", "since", type=Day(), required=True, help="The first week or month in which it is not owed.")
def end_duty(code: str, since: date) -> None:
    """End the duty CODE; what was owed before stays."""
    from server.services import duties, imports

    with opened() as deployment:
        done = duties.end(deployment, code, since, ACTOR, clock.now())
        with terminal.progress("judging") as progress:
            imports.work_off(deployment, clock.now(), progress)
    tell("duty-ended" if done else "duty-had-ended", code=code, since=since.isoformat())


class DayOrNone(Day):
    """A local day, or `none`."""

    name = "DAY|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The day, or the word `none`."""
        return value if value == "none" else super().convert(value, param, ctx)


@click.command("place")
@click.argument("code")
@click.option("--service-from", type=DayOrNone(), required=True, help="A township's own first day of service.")
def place(code: str, service_from: date | str) -> None:
    """Set a township's own first day of service.

    Weeks and months that begin before it are not owed in the township CODE.
    """
    from server.services import imports, places

    day = service_from if isinstance(service_from, date) else None
    with opened() as deployment:
        places.service_from(deployment, code, day, ACTOR, clock.now())
        with terminal.progress("judging") as progress:
            imports.work_off(deployment, clock.now(), progress)
    tell("service-from", place=code, day=day.isoformat() if day else "–")


class Head(click.ParamType[Any]):
    """The head of a block of the log as `daocun head` prints it, `17:3f2a…`."""

    name = "NUMBER:HASH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        """The block's number and its hash; bad usage if it is not one."""
        found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})", str(value).strip())
        if found is None:
            self.fail(both("cli.expected-head", value=value), param, ctx)
        return int(found[1]), found[2].lower()


@click.command("scrub")
@click.option("--head", "heads", type=Head(), multiple=True, help="A head that was kept elsewhere; may be repeated.")
@click.option(
    "--heads", "file", type=click.File("r"), help="A file of such heads, one a line; - reads them from stdin."
)
@click.option("--photos/--no-photos", default=True, help="Read every photo too (default: yes).")
def scrub(heads: tuple[tuple[int, str], ...], file: IO[str] | None, photos: bool) -> None:
    """Check the chain of the log, and every stored photo against its digest."""
    from server.domain.chain import Block
    from server.services import sealing, upkeep

    listed = [Head().convert(line, None, None) for line in file or () if line.strip()]
    wrong = 0
    with opened() as deployment:
        if not upkeep.is_whole(deployment):
            raise Refused("database-damaged")
        sealing.seal_all(deployment, clock.now())
        last = None
        with terminal.progress("scrubbing-log") as progress:
            for found in upkeep.check_log(deployment, [*listed, *heads], progress):
                if isinstance(found, Block):
                    last = found
                    continue
                wrong += 1
                where = {"block": found.block, "number": found.number, "until": found.until, "line": found.line}
                known = {name: value for name, value in where.items() if value is not None}
                click.echo("\t".join([found.kind, *(f"{name}={value}" for name, value in known.items())]))
                terminal.say(both(f"scrub.{found.kind}", **known))
        if photos:
            with terminal.progress("scrubbing") as progress:
                for one in upkeep.check_photos(deployment, clock.now(), progress):
                    wrong += 1
                    click.echo(f"{one.fault}\t{one.digest}\t{' '.join(one.visits)}")
    if last:
        click.echo(f"head\t{last.name}")
    tell("scrubbed", lines=last.last if last else 0, wrong=wrong)
    if wrong:
        click.get_current_context().exit(1)


@click.command("head")
def head() -> None:
    """Print the head of the log's chain, to be kept elsewhere."""
    from server.services import sealing

    with opened() as deployment:
        sealing.seal_all(deployment, clock.now())
        found = sealing.head(deployment)
    if found is None:
        raise Refused("log-empty")
    click.echo(found.name)


@click.command("erase")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(person: str, yes: bool) -> None:
    """Forget a person: their name, number, unit and account, and what is personal about them in the log."""
    from server.services import erasing

    if not yes:
        click.confirm(both("cli.erase-sure", person=person), abort=True, err=True)
    with opened() as deployment:
        done = erasing.erase(deployment, person, ACTOR, clock.now())
    tell("erased" if done else "erased-before", person=person)


@click.command("hand-in")
@click.argument("file", type=click.Path(path_type=Path))
def hand_in(file: Path) -> None:
    """Take in the FILE that a phone saved its queue to; its visits wait for a reviewer's decision."""
    from schemas.handed_in import HandedInIn
    from server.api import handed_in, reading

    taken = refused = 0
    with opened() as deployment:
        most = deployment.settings.import_max_bytes
        if file.stat().st_size > most:
            raise invalid("", "file-too-large", limit_mb=f"{most / 1024**2:.3g}")
        body = reading.load(HandedInIn(), reading.parse_json(file.read_bytes()))
        for one in handed_in.take(deployment, handed_in.office(deployment, ACTOR), body, clock.now()):
            click.echo(f"{one.id or '-'}\t{one.outcome or 'refused'}")
            taken += one.problem is None
            if one.problem is not None:
                refused += 1
                tell("hand-in-refused", id=one.id or "-")
                explain(one.problem)
    tell("handed-in", person=body["person"], taken=taken, refused=refused)
    if refused:
        click.get_current_context().exit(1)


@click.command("digest")
@click.option("--place", required=True, metavar="CODE", help="The township.")
@click.option("--dry-run", is_flag=True, help="Print it, and send nothing.")
def digest(place: str, dry_run: bool) -> None:
    """Send today's digest of a township now, where it was not sent yet."""
    from server.services import digests

    with opened() as deployment:
        made = digests.compose(deployment, place, clock.now())
        if made is None:
            raise Refused("digest-no-place", place=place)
        if dry_run:
            click.echo(f"{made.title}\n{made.body}")
            return
        done = digests.send_due(deployment, clock.now(), place)
    if not done:
        raise Refused("digest-no-address", place=place)
    before, failed = sum(one.before for one in done), sum(one.problem is not None for one in done)
    for one in done:
        if one.problem is not None:
            click.echo(f"{one.key.address}\t{one.problem}")
    tell("digests-sent", sent=len(done) - before - failed, before=before, failed=failed)
    if failed:
        click.get_current_context().exit(1)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--tls-cert", type=click.Path(path_type=Path, dir_okay=False), help="Certificate chain, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path, dir_okay=False), help="Its private key, PEM.")
@click.option("--behind-proxy", is_flag=True, help="A proxy in front ends TLS.")
@click.option("--jobs/--no-jobs", default=True, help="Do the background work too (default: yes).")
def serve(**options: Any) -> None:
    """Serve phones and browsers."""
    from server import serving

    serving.serve(terminal.read_settings(), **options)


@click.command("demo")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--lan", is_flag=True, help="Make a certificate and serve the local network.")
def demo(**options: Any) -> None:
    """Make a throw-away county with ready accounts, and serve it."""
    from server import demo as county

    county.run(**options)


COMMANDS: tuple[click.Command, ...] = (account, duty, place, hand_in, head, erase, scrub, digest, serve, demo)
