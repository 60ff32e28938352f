"""Serves what is measured, the service itself or the floor, exactly as `daocun serve` would: `serve WHAT JOBS`."""

import json
import os
import sys

from bench import floor
from server import serving
from server.settings import Settings, load


def _load_floor(settings: Settings) -> serving.Gate:
    return serving.Gate(floor.make(settings.database_url, settings.uploads))


def main() -> None:
    """Prints the address when connections are taken."""
    what, jobs = sys.argv[1:]
    if what == "floor":
        serving._load = _load_floor
    serving.serve(load(os.environ), port=0, jobs=json.loads(jobs), started=lambda address: print(address, flush=True))


if __name__ == "__main__":
    main()
