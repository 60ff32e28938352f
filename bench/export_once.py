"""Asks the application for one export and reads it as it comes; prints what that took, as JSON."""

import json
import resource
import sys
import time

from bench.export import NOW, TOKEN
from server.app import create_app
from server.terminal import read_settings


def main() -> None:
    """The format to ask for, or `nothing`, is the only argument; a second one is a file to keep the export in."""
    form = sys.argv[1]
    days = "from=2017-01-01&to=2017-01-02" if form == "nothing" else "from=2018-01-01&to=2018-12-31"
    app = create_app(read_settings())
    app.extensions["daocun.clock"] = lambda: NOW
    begun, size = time.perf_counter(), 0
    url = f"/api/v1/visits?format={'csv' if form == 'nothing' else form}&{days}"
    with (
        open(sys.argv[2] if len(sys.argv) > 2 else "/dev/null", "wb") as file,
        app.test_client().get(url, headers={"Authorization": f"Bearer {TOKEN}"}, buffered=False) as answer,
    ):
        if answer.status_code != 200:
            sys.exit(answer.get_data(as_text=True))
        for piece in answer.response:
            file.write(piece)
            size += len(piece)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_mb": peak, "seconds": seconds, "bytes": size}))


if __name__ == "__main__":
    main()
