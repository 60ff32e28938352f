"""The least a check-in can cost here: a bare Flask application under the same server.

It parses what comes, hashes the photo, makes it durable (file, rename, folder) and commits one row, in the same mode of
the same database. It checks nothing, decides nothing and knows nobody.
"""

import hashlib
import os
import queue
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

Store = Callable[[str, bytes], None]


def make(database_url: str, uploads: Path) -> Flask:
    """The application; its table `floor` must be there (`prepare`)."""
    app = Flask("floor", static_folder=None)
    store = _sqlite(database_url) if database_url.startswith("sqlite") else _postgres(database_url)

    def visit(visit: str) -> tuple[Response, int]:
        if request.mimetype == "multipart/form-data":
            # A text part is read as text, and comes as one.
            sent = request.form["visit"].encode()
            photo = request.files["photo"].read()
            _keep(uploads, photo)
        else:
            sent = request.get_data()
        body = app.json.loads(sent)
        store(visit, sent)
        return jsonify({"id": visit, "place": body["place"]}), 201

    def photo(visit: str, digest: str) -> tuple[Response, int]:
        found = _keep(uploads, request.get_data())
        store(f"{visit}/{found}", b"")
        return jsonify({"sha256": found}), 201

    app.add_url_rule("/api/v1/visits/<visit>", view_func=visit, methods=["PUT"])
    app.add_url_rule("/api/v1/visits/<visit>/photos/<digest>", view_func=photo, methods=["PUT"])
    return app


def _keep(uploads: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    folder = uploads / digest[:2]
    temporary = folder / secrets.token_hex(16)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    os.write(handle, data)
    os.fsync(handle)
    os.close(handle)
    temporary.rename(folder / digest)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)
    return digest


def prepare(database: Any, uploads: Path) -> None:
    """Makes the table and the folders."""
    with database.write() as connection:
        kind = "BLOB" if database.is_sqlite else "BYTEA"
        connection.exec_driver_sql(f"CREATE TABLE floor (id VARCHAR(120) PRIMARY KEY, sent {kind} NOT NULL)")
    for number in range(256):
        (uploads / f"{number:02x}").mkdir(parents=True)


def _sqlite(url: str) -> Store:
    from pysqlite3 import dbapi2

    from server.storage.database import BUSY_TIMEOUT_S, wal_is_safe

    free: queue.LifoQueue[Any] = queue.LifoQueue()
    mode = ("WAL", "FULL") if wal_is_safe(dbapi2.sqlite_version_info) else ("DELETE", "EXTRA")

    def connect() -> Any:
        connection = dbapi2.connect(
            url.partition("///")[2], timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        for pragma in (f"journal_mode = {mode[0]}", f"synchronous = {mode[1]}"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def store(key: str, sent: bytes) -> None:
        try:
            connection = free.get_nowait()
        except queue.Empty:
            connection = connect()
        connection.execute("INSERT INTO floor (id, sent) VALUES (?, ?)", (key, sent))
        free.put(connection)

    return store


def _postgres(url: str) -> Store:
    import psycopg

    free: queue.LifoQueue[Any] = queue.LifoQueue()

    def store(key: str, sent: bytes) -> None:
        try:
            connection = free.get_nowait()
        except queue.Empty:
            connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection.execute("INSERT INTO floor (id, sent) VALUES (%s, %s)", (key, sent))
        free.put(connection)

    return store
