"""The demo on the local network: a certificate made for it, and a page without TLS from which a phone fetches it."""

import http.server
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from server.adapters import certificates, processes, sockets
from server.terminal import Refused

_FILE = "/daocun.crt"


@dataclass(frozen=True, slots=True)
class Lan:
    """What serving the local network needs, and what a phone must be told."""

    address: str  # https://…, for phones
    fetch: str  # http://…, where the authority's certificate is
    port: int  # of the latter
    fingerprint: str
    authority: bytes
    certificate: Path
    key: Path


def prepare(folder: Path, port: int, now: datetime) -> Lan:
    """Makes the certificate for this machine's addresses; raises Refused if it is on no network."""
    addresses = sockets.network_addresses()
    if not addresses:
        raise Refused("demo-no-network")
    # Not for localhost: a browser that once saw it with TLS would take no demo without it any more.
    made = certificates.self_made([*addresses, "127.0.0.1"], now)
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(made.certificate)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made.key)
    here = addresses[0]
    return Lan(
        f"https://{here}:{port}",
        f"http://{here}:{page_port(port)}{_FILE}",
        page_port(port),
        made.fingerprint,
        made.authority,
        certificate,
        key,
    )


def page_port(port: int) -> int:
    """The port next to the service's, where the authority's certificate is fetched."""
    return port + 1 if port < 65_535 else port - 1


def hand_out(lan: Lan, parent: int) -> None:
    """Serves the authority's certificate, and nothing else, until the process that started this one is gone."""
    processes.end_with_parent(parent)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != _FILE:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/x-x509-ca-cert")
            self.send_header("Content-Length", str(len(lan.authority)))
            self.end_headers()
            self.wfile.write(lan.authority)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("0.0.0.0", lan.port), Handler) as server:
        server.serve_forever()
