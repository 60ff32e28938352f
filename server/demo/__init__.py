"""`daocun demo`: a throw-away county with people, weeks of visits and ready accounts, served at once."""

import contextlib
import multiprocessing
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time as clocks
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from server.adapters import clock, processes, sockets
from server.adapters.messages import both
from server.demo import history
from server.demo import lan as local
from server.demo.staff import (
    COUNTY,
    EXAMPLE_VILLAGE,
    FEW_ENVOYS,
    envoy_code,
    leader_code,
    reviewer_code,
    secretary_code,
)
from server.domain.access import Grant, GrantKind
from server.domain.periods import local_day, midnight
from server.services.deployment import Deployment, open_deployment
from server.settings import Settings
from server.storage import people
from server.terminal import Refused, say

PASSWORD = "daocun-2018"  # of a county that is thrown away; printed with the accounts
ELSEWHERE = "371481001"
SEED = 2018
TOWNSHIPS = 16


@dataclass(frozen=True, slots=True)
class Ready:
    """A ready account: its kind (a key under `demo.`), its person and the place it is about."""

    kind: str
    person: str
    place: str
    grant: GrantKind | None = None


def run(
    host: str = "127.0.0.1",
    port: int = 8000,
    lan: bool = False,
    serve: bool = True,
    folder: Path | None = None,
    today: date | None = None,
    seed: int = SEED,
    townships: int = TOWNSHIPS,
) -> None:
    """Makes the county and, unless told otherwise, serves it until it is stopped.

    Without a folder it is made in a temporary one and removed in the end; a given one must be empty. `today` is the
    local day it is to be in it, at four in the afternoon; none: now. Fewer `townships` make it smaller. Raises Refused.
    """
    if serve:
        _check_port("0.0.0.0" if lan else host, port)
        if lan:
            _check_port("0.0.0.0", local.page_port(port))
    with _folder(folder, keep=not serve) as home:
        zone = Settings().timezone
        now = midnight(today, zone) + timedelta(hours=16) if today else clock.now()
        network = local.prepare(home, port, now) if lan else None
        address = network.address if network else f"http://{f'[{host}]' if ':' in host else host}:{port}"
        settings = Settings(
            home=home,
            service_from=history.first_day(local_day(now, zone)),
            public_url=address,
            log_level="warning",
            log_format="text",
        )
        begun = clocks.monotonic()
        _make(settings, now, seed, townships, address)
        say(both("demo.made", seconds=f"{clocks.monotonic() - begun:.0f}", folder=home))
        # Another first day of service would have every stored verdict worked out again.
        say(both("demo.commands"))
        say(f"  export DAOCUN_HOME={shlex.quote(str(home))} DAOCUN_SERVICE_FROM={settings.service_from}")
        if serve:
            _serve(settings, host, port, network)


def accounts(deployment: Deployment, now: datetime) -> list[Ready]:
    """Makes the ready accounts, one of every kind whose person is there; all have the same password."""
    from server.services import issuing

    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        district = tree[EXAMPLE_VILLAGE].standings[0].parent or ""
        wanted = [
            Ready("envoy", envoy_code(EXAMPLE_VILLAGE), EXAMPLE_VILLAGE),
            Ready("secretary", secretary_code(district), district),
            Ready("leader", leader_code(FEW_ENVOYS), FEW_ENVOYS),
            Ready("reviewer", reviewer_code(FEW_ENVOYS), FEW_ENVOYS, GrantKind.REVIEWER),
            Ready("reviewer", reviewer_code(ELSEWHERE), ELSEWHERE, GrantKind.REVIEWER),
            Ready("supervisor", "supervisor", COUNTY, GrantKind.SUPERVISOR),
            Ready("auditor", "auditor", COUNTY, GrantKind.AUDITOR),
            Ready("admin", "admin", COUNTY, GrantKind.ADMIN),
        ]
        known = people.named(connection, [one.person for one in wanted])
    found = [one for one in wanted if one.person in known]
    for one in found:
        grants = [Grant(one.grant, one.place)] if one.grant else []
        issuing.ensure_account(deployment, one.person, grants, "system", now, password=PASSWORD)
    return found


def _make(settings: Settings, now: datetime, seed: int, townships: int, address: str) -> None:
    from server.demo import county

    deployment = open_deployment(settings)
    try:
        with _steps() as step:
            county.fill(deployment, now, seed, townships, step)
            ready = accounts(deployment, now)
        _print_accounts(deployment, ready, address)
    finally:
        deployment.database.close()  # nothing of it may be carried into the server's workers


def _print_accounts(deployment: Deployment, ready: list[Ready], address: str) -> None:
    with deployment.database.read() as connection:
        tree = deployment.world(connection).tree
        known = people.named(connection, [one.person for one in ready])
    click.echo(both("demo.address", address=address, docs=f"{address}/api/v1/"))
    click.echo(both("demo.accounts", password=PASSWORD))
    for one in ready:
        person = known[one.person]
        what = both(f"demo.kind-{one.kind}", place=tree[one.place].name)
        click.echo(f"  {one.person:<12} {person.phone:<12} {what}  {one.place}  {person.name}")
    sys.stdout.flush()


def _serve(settings: Settings, host: str, port: int, network: local.Lan | None) -> None:
    from server import serving

    if network is None:
        serving.serve(settings, host, port)
        return

    def started(address: str) -> None:
        multiprocessing.Process(target=local.hand_out, args=(network, os.getpid()), daemon=True).start()
        _explain(network)
        say(both("cli.listening", address=address))

    serving.serve(settings, "0.0.0.0", port, tls_cert=network.certificate, tls_key=network.key, started=started)


def _explain(network: local.Lan) -> None:
    """Tells how a phone comes to trust the certificate."""
    from server.adapters import papers

    say()
    say(both("demo.lan", address=network.address))
    say(papers.qr_text(network.fetch))
    for step in ("fetch", "android", "iphone", "compare", "open", "remove"):
        values = {"fetch": network.fetch, "fingerprint": network.fingerprint, "address": network.address}
        say(both(f"demo.lan-{step}", **values))
    say()


def _check_port(host: str, port: int) -> None:
    # Now, not after half a minute's work
    try:
        sockets.listen(host, port).close()
    except OSError as error:
        raise Refused("serve-address", host=host, port=port, error=os.strerror(error.errno or 0)) from error


@contextlib.contextmanager
def _folder(given: Path | None, keep: bool) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        if any(given.iterdir()):
            raise Refused("demo-folder", folder=given)
        yield given.resolve()
        return
    # Told to stop while the county is being made: then it is thrown away all the same.
    ways = (signal.SIGTERM, signal.SIGHUP) if processes.ends_with_terminal() else (signal.SIGTERM,)
    for way in ways:
        signal.signal(way, lambda number, _: sys.exit(128 + number))
    made = Path(tempfile.mkdtemp(prefix="daocun-demo-"))
    try:
        yield made
    finally:
        if not keep:
            shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def _steps() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _step, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks = {
            step: bar.add_task(both(f"demo.step-{step}"), total=None) for step in ("register", "check-ins", "judging")
        }
        yield lambda step, done, all_: bar.update(tasks[step], completed=done, total=all_)
