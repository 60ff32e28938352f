"""The listening socket, and the connections that nothing moves on any more."""

import contextlib
import fcntl
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator

BACKLOG = 1024
_SIOCGIFADDR = 0x8915
# Of a peer that is gone without a word (a phone out of signal) the kernel itself lets go after these seconds.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000))
# Where `struct tcp_info` of Linux has them: state, bytes not acknowledged, and milliseconds since the last sent and
# received data.
_STATE, _UNACKED, _LAST_SENT, _LAST_RECEIVED = 0, 24, 44, 52
_INFO_LENGTH = 104
_ESTABLISHED = 1


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; OSError when the address is not this machine's, taken or not allowed."""
    return _listen(host, port)


def listen_for(host: str, port: int, workers: int) -> list[socket.socket]:
    """Listening TCP sockets on one port, one for each worker; errors as `listen`.

    From one that all share, the worker that wakes first takes every connection that is there: phones that connect at
    the same moment would all be served by one worker. The system shares connections out between several by their
    addresses. They are to be kept open here while workers come and go: what waits at one of them then waits for the
    next worker. Outside Linux, where nothing is shared out so, it is one socket for all.
    """
    first = _listen(host, port)
    if workers == 1 or sys.platform != "linux":
        return [first] * workers
    # Nobody else was there, who would go on taking a part of the connections unnoticed; now we may be several.
    port = first.getsockname()[1]
    first.close()
    return [_listen(host, port, reuse_port=True) for _ in range(workers)]


def _listen(host: str, port: int, reuse_port: bool = False) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=reuse_port)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    listening.setblocking(False)
    return listening


def close_idle(idle_s: float, request_s: float) -> int:
    """Ends this process's connections on which nothing moved for `idle_s` seconds in either direction; how many.

    Also those that have been sending for `request_s` seconds since anything was last sent to them: a body that stops
    half-way, or comes a byte at a time, holds a thread for as long as its connection lives. Only on Linux; elsewhere
    none.
    """
    closed = 0
    for connection in _connections():
        with connection, contextlib.suppress(OSError):
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_LENGTH)
            if len(info) < _LAST_RECEIVED + 4 or info[_STATE] != _ESTABLISHED:
                continue
            unacked, sent, received = (
                struct.unpack_from("=I", info, at)[0] for at in (_UNACKED, _LAST_SENT, _LAST_RECEIVED)
            )
            idle = not unacked and min(sent, received) > idle_s * 1000
            if idle or received < sent > request_s * 1000:
                connection.shutdown(socket.SHUT_RDWR)
                closed += 1
    return closed


def _connections() -> Iterator[socket.socket]:
    """This process's TCP sockets that others made by connecting to us, each through a handle of its own."""
    if not hasattr(socket, "TCP_INFO"):
        return
    listening = set()
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            one = socket.socket(fileno=os.dup(int(name)))
            if one.type != socket.SOCK_STREAM or one.family not in (socket.AF_INET, socket.AF_INET6):
                one.close()
            elif one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listening.add(one.getsockname()[1])
                one.close()
            else:
                found.append(one)
    for one in found:
        # Not the ones we made, such as those to the database.
        if one.getsockname()[1] in listening:
            yield one
        else:
            one.close()


def network_addresses() -> list[str]:
    """This machine's IPv4 addresses that others may reach, the one towards the rest of the world first."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))  # sends nothing: only asks for the way
            found.append(probe.getsockname()[0])
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                request = struct.pack("256s", name.encode()[:15])
                found.append(socket.inet_ntoa(fcntl.ioctl(probe, _SIOCGIFADDR, request)[20:24]))
    usable = (address for address in found if not address.startswith(("127.", "169.254.", "0.")))
    return list(dict.fromkeys(usable))
