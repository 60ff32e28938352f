"""How many check-ins a second, how long each takes, and what share of the least they can cost that is.

N phones outside the server, on loopback, each check in as fast as they are answered: at the service, as
`daocun serve` runs it, and in turn with it at the floor (bench/floor.py) under the same server. What counts is the
ratio of the two: it hardly changes with the machine, or with what else it does meanwhile.
"""

import argparse
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import phones, servers
from bench.county import Envoy
from bench.phones import Camera, Crowd, Measured, Way

WAYS: dict[str, tuple[str, Way]] = {
    "one": ("one call, photo in it", phones.in_one_call),
    "two": ("two calls, photo second", phones.in_two_calls),
    "none": ("one call, no photo", phones.without_photo),
}
AIMS = {"one": 0.70, "two": 0.70, "none": 0.50}  # share of the floor
P99_MS = {8: 150, 32: 300}
GROWTH = 0.10


def main() -> None:
    """Prints the table, and marks with `!` what falls short of its aim."""
    given = _arguments()
    camera = Camera(given.photo_kb * 1000)
    with servers.folder(given.home) as home:
        for kind in given.database:
            with servers.databases(kind, home / kind) as databases:
                if given.phones:
                    _throughput(databases, given, camera, home / "log")
                if given.visits:
                    _growth(databases, given, camera, home / "log")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.checkin", description=__doc__.splitlines()[0])
    parser.add_argument("--database", nargs="*", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--phones", nargs="*", type=int, default=[8, 32], help="how many at a time")
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--seconds", type=float, default=3, help="of each stretch")
    parser.add_argument("--rounds", type=int, default=6, help="stretches at the service and the floor, in turn")
    parser.add_argument("--counties", type=int, default=5, help="counties of 1,052 villages, an envoy in each")
    parser.add_argument("--photo-kb", type=int, default=300)
    parser.add_argument("--visits", type=int, default=50_000, help="ledger to compare with an empty one; 0: do not")
    parser.add_argument("--million", action="store_const", dest="visits", const=1_000_000)
    parser.add_argument("--new-store", action="store_true", help="photos still make the folders they come into")
    parser.add_argument("--no-jobs", action="store_true", help="serve without the process that does the jobs")
    parser.add_argument("--home", type=Path, default=servers.default_home(), help="a folder on a real disk")
    return parser.parse_args()


def _throughput(databases: servers.Databases, given: argparse.Namespace, camera: Camera, log: Path) -> None:
    world = servers.world(databases.settings(), given.counties, 0, servers.now())
    if not given.new_store:
        servers.make_folders(world.environment)
    floor = databases.settings()
    servers.floor_world(floor)
    _print_head()
    with ExitStack() as stack:
        ours = stack.enter_context(servers.serving("daocun", world.environment, jobs=not given.no_jobs, log=log))
        least = stack.enter_context(servers.serving("floor", floor, jobs=False, log=log))
        envoys = itertools.cycle(world.made.envoys)
        for number in given.phones:
            for way in given.ways:
                measured = _in_turn(ours, least, number, WAYS[way][1], envoys, given, camera)
                _print_row(databases.kind, number, way, *measured, ours.memory_mb())


def _in_turn(
    ours: servers.Server,
    other: servers.Server,
    number: int,
    way: Way,
    envoys: Iterator[Envoy],
    given: argparse.Namespace,
    camera: Camera,
) -> tuple[Measured, Measured]:
    """What was measured at two servers, in stretches that take turns; a short one before is not counted."""
    found = [Measured(), Measured()]
    for turn in range(given.rounds + 1):
        for server, measured in zip((ours, other), found, strict=True):
            # Connected anew each time: which worker a phone comes to is chance, and with few phones weighs much.
            crowd = Crowd(server.port, number, envoys, camera)
            stretch = crowd.check_in(way, given.seconds if turn else min(1.0, given.seconds))
            crowd.close()
            if turn:
                measured.add(stretch)
    return found[0], found[1]


def _growth(databases: servers.Databases, given: argparse.Namespace, camera: Camera, log: Path) -> None:
    """The same check-ins into an empty ledger and behind many visits, in turn."""
    empty = servers.world(databases.settings(), 1, 0, servers.now())
    full = servers.world(databases.settings(), 1, given.visits, servers.now())
    if not given.new_store:
        for world in (empty, full):
            servers.make_folders(world.environment)
    print(
        f"\n{databases.kind}, 8 phones: check-ins a second into an empty ledger, and behind {given.visits:,} visits\n"
    )
    print(f"{'':24} {'empty':>8} {'behind':>8} {'cost':>7}")
    with ExitStack() as stack:
        pair = [
            stack.enter_context(servers.serving("daocun", one.environment, jobs=not given.no_jobs, log=log))
            for one in (empty, full)
        ]
        for way in given.ways:
            envoys = itertools.cycle(full.made.envoys)
            before, after = _in_turn(pair[0], pair[1], 8, WAYS[way][1], envoys, given, camera)
            cost = before.rate / after.rate - 1 if after.rate else float("inf")
            mark = " !" if cost >= GROWTH else ""
            print(f"{WAYS[way][0]:24} {before.rate:8.0f} {after.rate:8.0f} {cost:+7.0%}{mark}", flush=True)


def _print_head() -> None:
    print(
        f"\n{'database':10} {'phones':>6}  {'check-in':24} {'a second':>8} {'floor':>7} {'share':>6} {'aim':>5} "
        f"{'p50 ms':>7} {'p99 ms':>7} {'aim':>5} {'floor p99':>9} {'MB':>5}"
    )


def _print_row(kind: str, number: int, way: str, ours: Measured, floor: Measured, memory_mb: float) -> None:
    share = ours.rate / floor.rate if floor.rate else 0.0
    p99, aim = ours.percentile(0.99), P99_MS.get(number)
    short = share < AIMS[way] or (aim is not None and p99 > aim) or bool(ours.refused)
    print(
        f"{kind:10} {number:6}  {WAYS[way][0]:24} {ours.rate:8.0f} {floor.rate:7.0f} {share:6.0%} {AIMS[way]:5.0%} "
        f"{ours.percentile(0.5):7.1f} {p99:7.1f} {aim or '':>5} {floor.percentile(0.99):9.1f} {memory_mb:5.0f}"
        f"{' !' if short else ''}{f'  refused: {ours.refused}' if ours.refused else ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
