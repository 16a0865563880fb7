"""A real PostgreSQL server in a folder of its own, and a line to it that can be cut in mid-read."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

OWNER, PASSWORD = "owner", "pa:ss/w?or#d@1%"  # every character that a URL has a use for
QUOTED = "pa%3Ass%2Fw%3For%23d%401%25"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: on a socket in `folder` without a password, on 127.0.0.1 with one."""

    folder: Path
    port: int

    def url(
        self, tail: str = "", *, user: str = OWNER, password: str = QUOTED, port: int | None = None
    ) -> str:
        """A URL of the loopback address; `tail` begins with the name of the database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{tail}"

    def run(self, sql: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the owner, each for itself; the rows of the last."""
        name = f"host={self.folder} port={self.port} user={OWNER} dbname={database}"
        with psycopg.connect(name, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def fill(self, table: str, csv: bytes) -> None:
        """Add the rows of a CSV with a header to a table."""
        name = f"host={self.folder} port={self.port} user={OWNER} dbname=postgres"
        copy = f"copy {table} from stdin (format csv, header)".encode()
        with psycopg.connect(name) as connection, connection.cursor().copy(copy) as rows:
            rows.write(csv)

    def readers(self) -> list[int]:
        """Process ids of the backends that nextclose reads through."""
        sql = "select pid from pg_stat_activity where application_name = 'nextclose'"
        return [int(str(pid)) for (pid,) in self.run(sql)]


def _programs() -> Path | None:
    """The folder of the server's programs, which Debian keeps out of PATH."""
    with suppress(OSError, subprocess.CalledProcessError):
        said = subprocess.run(["pg_config", "--bindir"], capture_output=True, check=True, text=True)
        if (Path(said.stdout.strip()) / "initdb").exists():
            return Path(said.stdout.strip())
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(found).parent if found else folders[-1].parent if folders else None


@contextmanager
def running_server() -> Iterator[Server]:
    """A new, empty server; skips the test where its programs are not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here; Debian's package `postgresql` has one")
    folder = Path(tempfile.mkdtemp(prefix="nextclose-pg-", dir="/tmp"))
    account: dict[str, object] = {}
    if os.geteuid() == 0:  # a server refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
    port = _free_port()
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    made = ["-U", OWNER, "-A", "scram-sha-256", "--auth-local=trust", f"--pwfile={secret}"]
    where = ["-D", str(folder / "data")]
    form = ["-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [str(programs / "initdb"), *where, *made, *form],
        check=True,
        capture_output=True,
        cwd=folder,
        **account,  # type: ignore[call-overload]
    )
    options = [f"port={port}", f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1"]
    options += ["fsync=off", "shared_buffers=16MB", "max_connections=20"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), *where, *(f"--{option}" for option in options)],
            stdout=log,
            stderr=log,
            cwd=folder,
            **account,  # type: ignore[call-overload]
        )
    try:
        server = Server(folder=folder, port=port)
        _await(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once
        process.wait()
        shutil.rmtree(folder)


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with suppress(psycopg.OperationalError):
            server.run("select 1")
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError((server.folder / "log").read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Fault = tuple[int, Callable[[], None]]  # bytes of an answer that come through; what happens then


def cut() -> None:
    """The fault of a line that breaks."""
    raise ConnectionAbortedError


class _Relay(socketserver.ThreadingTCPServer):
    def __init__(self, far: tuple[str, int], faults: Sequence[Fault]) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.far, self.faults = far, iter(faults)


class _Line(socketserver.BaseRequestHandler):
    """One connection through a relay, with the next of its faults."""

    server: _Relay

    def handle(self) -> None:
        n_bytes, fault = next(self.server.faults, (0, None))
        with socket.create_connection(self.server.far) as far:
            asking = threading.Thread(target=_pass, args=(self.request, far))
            asking.start()
            _pass(far, self.request, n_bytes=n_bytes, fault=fault)
            asking.join()


def _pass(
    source: socket.socket,
    sink: socket.socket,
    *,
    n_bytes: int = 0,
    fault: Callable[[], None] | None = None,
) -> None:
    """Passes bytes on until one end closes; then closes both."""
    n_passed = 0
    with suppress(OSError):
        while data := source.recv(1 << 16):
            n_passed += len(data)
            if fault and n_passed > n_bytes:
                fault()
                fault = None
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(server: Server, *faults: Fault) -> Iterator[int]:
    """The port of a relay to the server: its first connections have these faults, the rest none."""
    with _Relay(("127.0.0.1", server.port), faults) as relay:
        door = threading.Thread(target=relay.serve_forever, args=(0.02,))
        door.start()
        try:
            yield int(relay.server_address[1])
        finally:
            relay.shutdown()
            door.join()
