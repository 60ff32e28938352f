"""Believes what a proxy forwards, if the deployment says that it trusts this proxy; nobody else is believed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from server.settings import Network

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
# Some proxies write the port along: `192.0.2.1:5555`, `[2001:db8::1]:5555`.
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")


class BelievedProxies:
    """WSGI middleware: sets the client's address, scheme and host from a trusted proxy's headers.

    The address is the last one in `X-Forwarded-For` that is not itself a trusted proxy, for the ones before it
    are only what the client says.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], trusted: Sequence[Network]) -> None:
        self._application = application
        self._trusted = trusted

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        forwarded = {name: environ.pop(name) for name in _FORWARDED if name in environ}
        if forwarded and self._trusts(environ.get("REMOTE_ADDR", "")):
            scheme = forwarded.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            host = forwarded.get("HTTP_X_FORWARDED_HOST", "").rpartition(",")[2].strip()
            if re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,255}", host):
                environ["HTTP_HOST"] = host
            for address in reversed(forwarded.get("HTTP_X_FORWARDED_FOR", "").split(",")):
                address = _without_port(address.strip())
                if not _is_address(address):
                    break
                environ["REMOTE_ADDR"] = address
                if not self._trusts(address):
                    break
        return self._application(environ, start_response)

    def _trusts(self, address: str) -> bool:
        if not _is_address(address):
            return False
        known = ipaddress.ip_address(address)
        return any(known.version == network.version and known in network for network in self._trusted)


def _without_port(text: str) -> str:
    found = _WITH_PORT.fullmatch(text)
    return found[1] or found[2] if found else text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
