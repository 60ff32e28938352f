"""The production server, as a process of its own: what it refuses, what it survives, and what it lets nobody do."""

import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import termios
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from server import demo, granian_server, serving
from server.adapters import certificates, clock, drawings, sockets
from server.services.deployment import open_deployment
from server.settings import Settings
from server.storage import migrate
from server.storage import tables as t
from server.storage.database import open_database
from tests.domain.effort import SOAK
from tests.factories import DONGZHAO, HERE

TREE = Path(__file__).resolve().parents[1]
PATIENCE_S = 60  # other tests run beside this one


@dataclass
class Served:
    """A running `daocun serve`."""

    process: "subprocess.Popen[str]"
    port: int

    def children(self) -> list[int]:
        """The process ids of its workers and of the process that does the jobs."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return sorted(int(word) for thread in threads for word in thread.read_text().split())

    def ask(self, path: str = "/livez", method: str = "GET", **given: Any) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, **given)
            answer = connection.getresponse()
            return answer.status, answer.read()


def command(*arguments: str, home: Path, **given: Any) -> "subprocess.Popen[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DAOCUN_")}
    environ |= {"DAOCUN_HOME": str(home), "PYTHONPATH": str(TREE)}
    return subprocess.Popen(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=home,
        env=environ,
        text=True,
        stderr=subprocess.PIPE,
        **given,
    )


@contextlib.contextmanager
def served(home: Path, *arguments: str, **given: Any) -> Iterator[Served]:
    port = free_port()
    process = command("serve", "--port", str(port), *arguments, home=home, **given)
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if re.search(r"https?://\S+:\d+", line):
                break
        assert process.poll() is None, "".join(lines)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        server = Served(process, port)
        if "--tls-cert" not in arguments:
            assert server.ask()[0] == 200
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE_S)
        process.stderr.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def until(found: Callable[[], Any]) -> Any:
    """What is found, as soon as it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with an empty database that has its tables."""
    database = open_database(f"sqlite:///{tmp_path / 'daocun.db'}")
    migrate.upgrade(database)
    database.close()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--host", "0.0.0.0"], 2, "--behind-proxy"),
        (["--host", "::"], 2, "--behind-proxy"),
        (["--tls-cert", "cert.pem"], 2, "--tls-key"),
        (["--tls-cert", "none.pem", "--tls-key", "none.pem"], 1, "none.pem"),
        (["--tls-cert", "daocun.db", "--tls-key", "daocun.db"], 1, "PEM"),
        (["--host", "192.0.2.1", "--behind-proxy"], 1, "192.0.2.1"),
    ],
    ids=["everywhere", "everywhere, IPv6", "certificate without key", "no such file", "no certificate", "not ours"],
)
def test_it_refuses_to_start(arguments: list[str], code: int, why: str, home: Path) -> None:
    process = command("serve", *arguments, home=home)
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert (process.returncode, why in said, "Traceback" in said) == (code, True, False), said


def test_it_refuses_a_database_that_is_not_there_and_makes_none(tmp_path: Path) -> None:
    process = command("serve", home=tmp_path)
    assert "daocun init" in process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_a_port_that_is_taken_instead_of_sharing_it(home: Path) -> None:
    with served(home, "--no-jobs") as first:
        second = command("serve", "--port", str(first.port), home=home)
        assert str(first.port) in second.communicate(timeout=PATIENCE_S)[1]
        assert second.returncode == 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "", "192.168.1.5", "no-such-host.invalid")),
    ],
)
def test_what_is_only_reached_from_this_machine(host: str, expected: bool) -> None:
    assert serving.is_loopback(host) is expected


def test_it_ends_at_once_and_well_when_told_to(home: Path) -> None:
    with served(home) as server:
        children = server.children()
        assert len(children) == 3
        assert server.ask()[0] == 200
        server.process.terminate()
        assert server.process.wait(PATIENCE_S) == 0
    assert all(gone(child) for child in children)


def test_told_several_times_and_each_process_of_it_too_it_ends_at_once(home: Path) -> None:
    # As a terminal does, and systemd: whoever presses Ctrl-C does it twice.
    with served(home, start_new_session=True) as server:
        children = server.children()
        began = time.monotonic()
        for number in range(6):
            os.killpg(server.process.pid, signal.SIGTERM if number % 2 else signal.SIGINT)
        assert server.process.wait(PATIENCE_S) == 0
        assert time.monotonic() - began < granian_server.STOP_S / 2
    assert all(gone(child) for child in children)


def test_it_ends_with_the_terminal_it_was_started_in(home: Path) -> None:
    window, inside = os.openpty()
    with os.fdopen(window, "rb") as shown:

        def in_terminal() -> None:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever started the tests, as nohup does, may ignore it
            os.setsid()
            fcntl.ioctl(inside, termios.TIOCSCTTY, 0)

        with served(home, "--no-jobs", preexec_fn=in_terminal) as server:
            os.close(inside)
            shown.close()
            assert server.process.wait(PATIENCE_S) == 0


def test_without_a_terminal_it_starts_its_workers_anew_when_it_is_hung_up(home: Path) -> None:
    with served(home, "--no-jobs", start_new_session=True) as server:
        before = server.children()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: len(server.children()) == 2 and not set(server.children()) & set(before))
        assert server.ask()[0] == 200


def test_told_to_end_while_it_starts_it_ends_at_once(home: Path) -> None:
    process = command("serve", "--port", str(free_port()), home=home)
    assert process.stderr is not None
    with process.stderr:
        assert "http" in process.stderr.readline()
        process.terminate()
        began = time.monotonic()
        assert process.wait(PATIENCE_S) == 0
        assert time.monotonic() - began < granian_server.STOP_S / 2


def test_it_finishes_what_is_under_way_before_it_ends(home: Path) -> None:
    with served(home, "--no-jobs") as server, socket.create_connection(("127.0.0.1", server.port)) as phone:
        phone.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        body = b'{"phone": "1", "password": "12345678"}'
        phone.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body[:10]))
        time.sleep(0.5)
        server.process.terminate()
        time.sleep(0.5)
        phone.sendall(body[10:])
        assert phone.recv(100).startswith(b"HTTP/1.1 401")
        assert server.process.wait(PATIENCE_S) == 0


def test_when_it_is_killed_nothing_of_it_is_left(home: Path) -> None:
    with served(home) as server:
        children = server.children()
        server.process.kill()
        until(lambda: all(gone(child) for child in children))
        with served(home) as again:
            assert again.ask()[0] == 200


def test_the_jobs_and_a_worker_that_die_are_started_again(home: Path) -> None:
    with served(home) as server:
        before = server.children()
        time.sleep(6)  # granian takes what dies sooner for a loop of crashes
        for child in (before[0], before[1]):
            os.kill(child, signal.SIGKILL)
        until(lambda: len(set(server.children()) - set(before)) == 2)
        assert server.ask()[0] == 200


def test_phones_that_stop_half_way_keep_nobody_out(home: Path) -> None:
    with served(home, "--no-jobs") as server, contextlib.ExitStack() as phones:
        for _ in range(40):
            phone = phones.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            phone.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            phone.sendall(b"Content-Length: 1000\r\n\r\n{")
        time.sleep(0.5)
        began = time.monotonic()
        assert [server.ask()[0] for _ in range(10)] == [200] * 10
        assert time.monotonic() - began < PATIENCE_S / 2


def test_a_body_cut_off_half_way_is_refused(home: Path) -> None:
    with served(home, "--no-jobs") as server, socket.create_connection(("127.0.0.1", server.port)) as phone:
        phone.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        phone.sendall(b"Content-Length: 1000\r\n\r\n{")
        phone.shutdown(socket.SHUT_WR)
        assert phone.recv(100).startswith(b"HTTP/1.1 400")


def test_it_ends_tls_for_old_phones_too(home: Path) -> None:
    made = certificates.self_made(["127.0.0.1", "localhost"], clock.now())
    for name, content in (("cert.pem", made.certificate), ("key.pem", made.key)):
        (home / name).write_bytes(content)
    context = ssl.create_default_context(cadata=made.authority.decode())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with served(home, "--no-jobs", "--tls-cert", "cert.pem", "--tls-key", "key.pem") as server:
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200


def test_what_was_answered_survives_being_killed(tmp_path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        demo.run(serve=False, folder=tmp_path, townships=1)
    accepted: list[tuple[str, str]] = []
    with served(tmp_path) as server:
        body = json.dumps({"phone": "E200268", "password": demo.PASSWORD})
        status, answer = server.ask("/api/v1/tokens", "POST", body=body, headers={"Content-Type": "application/json"})
        assert status == 201
        token = json.loads(answer)["token"]
        phones = [threading.Thread(target=send_until_cut_off, args=(server, token, accepted)) for _ in range(8)]
        for phone in phones:
            phone.start()
        until(lambda: len(accepted) >= (500 if SOAK else 20))
        for process in (*server.children(), server.process.pid):
            os.kill(process, signal.SIGKILL)
        for phone in phones:
            phone.join(PATIENCE_S)
    deployment = open_deployment(Settings(home=tmp_path))
    with deployment.database.read() as connection:
        kept = connection.scalar(select(func.count()).where(t.visit.c.id.in_([visit for visit, _ in accepted])))
    deployment.database.close()
    assert kept == len(accepted)
    assert all(deployment.photos.verify(digest) for _, digest in accepted)


def send_until_cut_off(server: Served, token: str, accepted: list[tuple[str, str]]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        while True:
            visit, photo = str(uuid.uuid4()), drawings.village(str(uuid.uuid4()))
            digest = hashlib.sha256(photo).hexdigest()
            said = {
                "activity": "visit",
                "place": DONGZHAO,
                "captured_at": datetime.now(UTC).isoformat(),
                "position": {"latitude": HERE[0], "longitude": HERE[1], "accuracy_m": 10},
                "photos": [digest],
            }
            head = {"Authorization": f"Bearer {token}"}
            url = f"/api/v1/visits/{visit}"
            typed = {"Content-Type": "application/json"}
            assert server.ask(url, "PUT", body=json.dumps(said), headers=head | typed)[0] == 201
            typed = {"Content-Type": "image/jpeg"}
            assert server.ask(f"{url}/photos/{digest}", "PUT", body=photo, headers=head | typed)[0] == 201
            accepted.append((visit, digest))


def test_phones_that_connect_at_one_moment_are_shared_out(home: Path) -> None:
    with served(home, "--no-jobs") as server, contextlib.ExitStack() as phones:
        for _ in range(64):
            phone = phones.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            phone.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = until(lambda: (found := connections_of(server)) and sum(found) == 64 and found)
        assert min(taken) >= 10, taken


def connections_of(server: Served) -> list[int]:
    """How many connections each worker has."""
    inodes = [
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if f":{server.port:04X} " in line.split(maxsplit=2)[1] + " " and line.split()[3] == "01"
    ]
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return [
        sum(os.readlink(handle) in wanted for handle in Path(f"/proc/{worker}/fd").iterdir())
        for worker in server.children()
    ]


def stopped(process: int) -> bool:
    """Whether every thread of a process has come to rest."""
    threads = Path(f"/proc/{process}/task").glob("*/stat")
    return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def test_what_waits_for_a_worker_that_died_is_answered_by_the_next(home: Path) -> None:
    with served(home, "--no-jobs") as server:
        time.sleep(6)  # granian takes what dies sooner for a loop of crashes
        for child in server.children():
            os.kill(child, signal.SIGSTOP)  # so that they wait
            while not stopped(child):  # until then its other threads go on taking connections
                time.sleep(0.01)
        asked: list[int] = []
        phones = [threading.Thread(target=lambda: asked.append(server.ask()[0]), daemon=True) for _ in range(16)]
        for phone in phones:
            phone.start()
        time.sleep(0.5)
        for child in server.children():
            os.kill(child, signal.SIGKILL)
        for phone in phones:
            phone.join(PATIENCE_S)
        assert asked == [200] * 16


def test_a_connection_on_which_nothing_moves_is_ended() -> None:
    listening = sockets.listen("127.0.0.1", 0)
    with listening, socket.create_connection(listening.getsockname()) as phone:
        listening.setblocking(True)
        with listening.accept()[0] as ours:
            phone.sendall(b"half")
            assert ours.recv(10) == b"half"
            assert sockets.close_idle(60, 60) == 0
            time.sleep(0.3)
            assert sockets.close_idle(0.2, 60) == 1
            assert (ours.recv(10), phone.recv(10)) == (b"", b"")


def test_a_connection_that_sends_on_and_on_without_being_answered_is_ended() -> None:
    listening = sockets.listen("127.0.0.1", 0)
    with listening, socket.create_connection(listening.getsockname()) as phone:
        listening.setblocking(True)
        with listening.accept()[0] as ours:
            ours.sendall(b"the answer before")
            for _ in range(8):
                time.sleep(0.1)
                phone.sendall(b".")
            assert sockets.close_idle(60, 60) == 0
            ours.sendall(b"another")
            assert sockets.close_idle(60, 0.5) == 0
            for _ in range(8):
                time.sleep(0.1)
                phone.sendall(b".")
            assert sockets.close_idle(60, 0.5) == 1


def test_anonymous_bodies_that_never_end_keep_nobody_out(home: Path) -> None:
    head = b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{"
    with served(home, "--no-jobs") as server, contextlib.ExitStack() as phones:
        for _ in range(700):
            phone = phones.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            phone.sendall(head)
        began = time.monotonic()
        assert [server.ask()[0] for _ in range(5)] == [200] * 5
        assert time.monotonic() - began < PATIENCE_S / 2
        phone.settimeout(PATIENCE_S)
        assert phone.recv(100).startswith(b"HTTP/1.1 503")


def test_who_waits_for_a_body_gives_the_place_to_the_next() -> None:
    entered, sent = threading.Event(), threading.Event()

    class SlowBody:
        def read(self, _size: int = -1) -> bytes:
            entered.set()
            assert sent.wait(PATIENCE_S)
            return b"body"

    def app(environ: dict[str, Any], _start: object) -> list[bytes]:
        return [environ["wsgi.input"].read()] if environ["PATH_INFO"] == "/slow" else [b"quick"]

    gate = serving.Gate(app, threads=1)
    answers: list[object] = []
    slow = threading.Thread(
        target=lambda: answers.append(gate({"PATH_INFO": "/slow", "wsgi.input": SlowBody()}, print)), daemon=True
    )
    slow.start()
    assert entered.wait(PATIENCE_S)
    quick = threading.Thread(
        target=lambda: answers.append(gate({"PATH_INFO": "/quick", "wsgi.input": SlowBody()}, print)), daemon=True
    )
    quick.start()
    quick.join(PATIENCE_S)
    assert answers == [[b"quick"]]
    sent.set()
    slow.join(PATIENCE_S)
    assert answers == [[b"quick"], [b"body"]]


def test_places_are_given_out_in_the_order_of_asking_and_first_to_who_had_one() -> None:
    places, got = serving.Places(1), []

    def wait(name: str, again: bool) -> None:
        places.take(again=again)
        got.append(name)

    places.take()
    waiting = [("first", False), ("second", False), ("returned", True), ("third", False)]
    threads = [threading.Thread(target=wait, args=who, daemon=True) for who in waiting]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        until(lambda number=number: len(places._queue) + len(places._returning) == number)
    for number in range(1, 5):
        places.give()
        until(lambda number=number: len(got) == number)
    assert got == ["returned", "first", "second", "third"]
    places.give()
    places.take()  # the last one's place is free again, and only that one
    assert places._free == 0


_LAN = "import sys; from server import demo; demo.run(port=int(sys.argv[1]), lan=True, townships=1)"


@pytest.mark.skipif(not sockets.network_addresses(), reason="this machine is on no network")
def test_the_demo_serves_the_local_network_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    environ = os.environ | {"PYTHONPATH": str(TREE), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", _LAN, str(port)], env=environ, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = ""
        while f":{port}（" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        page = re.search(r"http://[0-9.]+:([0-9]+)(/\S+crt)", said)
        assert page is not None
        authority = until(lambda: fetched(int(page[1]), page[2]))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority.decode())).hexdigest()
        assert ":".join(digest[n : n + 2] for n in range(0, 64, 2)).upper() in said
        context = ssl.create_default_context(cadata=authority.decode())
        connection = http.client.HTTPSConnection(
            sockets.network_addresses()[0], port, context=context, timeout=PATIENCE_S
        )
        with contextlib.closing(connection):
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200
        keys = list(tmp_path.glob("*/server.key"))
        assert [key.stat().st_mode & 0o777 for key in keys] == [0o600]
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def fetched(port: int, path: str) -> bytes | None:
    """What is at the address, once somebody listens there."""
    with contextlib.suppress(ConnectionRefusedError):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read()
    return None
