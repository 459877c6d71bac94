"""The database: one code path for SQLite and PostgreSQL, one writer at a time on both.

A single writer makes the feed's sequences appear in their order, so that a follower never misses an entry, and makes a
claim a plain read and update. SQLite: WAL, our own lock (`writer_lock`) around `BEGIN IMMEDIATE`, commit and checkpoint, full
fsync; readers are `query_only`. PostgreSQL: an advisory lock held by the transaction.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy import exc as sa_exc
from sqlalchemy.engine.interfaces import DBAPIConnection

from mgmt_ansible import errors
from mgmt_ansible.control_plane.store.writer_lock import WriterLock

WRITER_LOCK = 7_264_811_530
BUSY_SECONDS = 5.0
CONNECT_SECONDS = 5

_PERHAPS_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_NO_ROOM_BYTES = 64 * 1024
"""Less than two blocks of the shared-memory file, the largest piece that SQLite asks for at once."""
_POSTGRESQL_DISK_FULL = "53100"

_CACHE_KIB = 16_384
"""Of SQLite's pages, for each connection: its own 2 MB do not hold what one large report touches in a large feed."""

_POSTGRESQL_SETTINGS = "SELECT set_config('jit', 'off', false)"
"""Every question of ours reads little: compiling one takes longer than answering it."""

_log = structlog.get_logger(__name__)


class Database:
    """Opens transactions.

    Args:
        url: `sqlite:///PATH` or `postgresql://...`; psycopg 3 is used for the latter.
        clock: Tells the aware UTC time; None asks PostgreSQL, and this machine for SQLite.
        busy_seconds: How long to wait for another writer.

    Attributes:
        path: Of SQLite's file; None for PostgreSQL.
        full: Why the last write failed when it was for lack of room; empty once a write succeeded.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], datetime] | None = None, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self.url = _with_driver(url)
        self._clock = clock
        self._busy_seconds = busy_seconds
        self.engine = _engine(self.url, busy_seconds)
        self.path = _path(self.engine)
        self.full = ""
        self._writer_lock = WriterLock(self.path, busy_seconds=busy_seconds) if self.path else None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that excludes every other writer, in all processes.

        Raises:
            StoreUnavailableError: Locked for `busy_seconds`, unreachable, or out of disk.
            ConflictError: A unique or foreign key refused.
        """
        lock = self._writer_lock.held() if self._writer_lock else nullcontext()
        with self._noticing_full_disk(), lock, translated(), self.engine.connect() as connection:
            connection.info["writes"] = True
            try:
                with connection.begin():
                    if self.engine.dialect.name == "postgresql":
                        _lock_postgresql(connection, self._busy_seconds)
                    yield connection
            finally:
                connection.info.pop("writes", None)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction for reading.

        Raises:
            StoreUnavailableError: The database cannot be reached.
        """
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    def checkpoint(self) -> float:
        """Bring SQLite's write-ahead log into the file, as far as readers let it; return how many seconds others waited.

        Raises:
            StoreUnavailableError: Another writer did not end in `busy_seconds`.
        """
        if self._writer_lock is None:
            return 0.0
        with self._writer_lock.held(), translated(), self.engine.connect() as connection:
            began_at = time.monotonic()
            driver: sqlite3.Connection | None = connection.connection.driver_connection
            if driver is not None:  # outside of any transaction, which SQLAlchemy would begin
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return time.monotonic() - began_at

    def now(self, connection: sa.Connection) -> datetime:
        """Return the aware UTC time that all processes on this database agree on."""
        if self._clock is not None:
            return self._clock()
        if self.engine.dialect.name == "postgresql":
            value: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
            return value.astimezone(UTC)
        return datetime.now(UTC)

    @contextmanager
    def _noticing_full_disk(self) -> Iterator[None]:
        try:
            yield
        except errors.StoreUnavailableError as exc:
            if _is_full(exc.__cause__, self.path):
                where = self.path.parent if self.path else "the database's machine"
                self.full = f"disk full: nothing can be written in {where}; reading goes on, make room there"
                raise errors.StoreUnavailableError(self.full) from exc
            raise
        else:
            self.full = ""

    def check(self, *, thorough: bool = False) -> None:
        """Refuse a damaged SQLite file.

        Args:
            thorough: Look also whether every index has what its table has, which takes several times as long.

        Raises:
            StoreError: `quick_check` found damage; the message says what.
        """
        if self.engine.dialect.name != "sqlite":
            return
        if has_wal_reset_bug(sqlite3.sqlite_version):
            _log.info("sqlite_wal_reset_bug_avoided", sqlite_version=sqlite3.sqlite_version, by="one writer at a time")
        found = self._damage("integrity_check" if thorough else "quick_check")
        if found != "ok":
            raise errors.StoreError(
                f"the database {self.path} is damaged ({found}): stop the control plane and put a backup of the file in its"
                " place, without the -wal and -shm beside it"
            )

    def _damage(self, pragma: str) -> str:
        try:
            with self.read() as connection:
                found = connection.exec_driver_sql(f"PRAGMA {pragma}(3)").scalars().all()
                return "; ".join(" ".join(str(line).split()) for line in found)
        except errors.StoreUnavailableError:
            raise
        except errors.StoreError as exc:
            return str(exc)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def has_wal_reset_bug(version: str) -> bool:
    """Tell whether a SQLite version can lose a WAL reset between two connections.

    Source: reference/reliability F26; fixed in 3.51.3 and in the patch releases 3.44.6 and 3.50.7.
    """
    parts = tuple(int(part) for part in version.split(".")[:3])
    fixed = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
    return parts < fixed.get((parts[0], parts[1]), (3, 51, 3))


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQLAlchemy's errors into ours.

    Raises:
        ConflictError: A constraint refused.
        InvalidRequestError: A value does not fit: a number too large, a text with NUL.
        StoreUnavailableError: Trying later may help.
        StoreError: It will not.
    """
    try:
        yield
    except sa_exc.IntegrityError as exc:
        raise errors.ConflictError("somebody else changed the same thing: reload and try again") from exc
    except (sa_exc.DataError, OverflowError) as exc:
        raise errors.InvalidRequestError("body: holds a number or a character that the database cannot store") from exc
    except (sa_exc.OperationalError, sa_exc.InterfaceError, sa_exc.TimeoutError) as exc:
        raise errors.StoreUnavailableError(f"the database did not answer: {_first_line(exc)}") from exc
    except sa_exc.SQLAlchemyError as exc:
        raise errors.StoreError(f"the database refused: {_first_line(exc)}") from exc


def _first_line(exc: sa_exc.SQLAlchemyError) -> str:
    return str(getattr(exc, "orig", None) or exc).strip().partition("\n")[0]


def _with_driver(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _engine(url: str, busy_seconds: float) -> sa.Engine:
    try:
        if not url.startswith("sqlite"):
            answering = {"connect_timeout": CONNECT_SECONDS}
            engine = sa.create_engine(url, connect_args=answering, pool_pre_ping=True, pool_size=10, max_overflow=30)
            sa.event.listen(engine, "connect", _configure_postgresql)
            return engine
        if sa.make_url(url).database in (None, "", ":memory:"):
            raise errors.ConfigError("database: SQLite needs a file here: give sqlite:////absolute/path")
        engine = sa.create_engine(url, connect_args={"timeout": busy_seconds}, pool_size=10, max_overflow=30)
    except (sa_exc.ArgumentError, ModuleNotFoundError) as exc:
        raise errors.ConfigError(
            f"database: cannot be used ({exc}); give sqlite:///PATH, or postgresql://... with mgmt-ansible[postgresql]"
        ) from exc
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_postgresql(connection: DBAPIConnection, _record: object) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_POSTGRESQL_SETTINGS)
    connection.commit()


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    if cursor.execute("PRAGMA page_count").fetchone() == (0,):  # a new file: later it would take a VACUUM
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{_CACHE_KIB}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: str | bytes | float | None) -> str | bytes | float | None:
    """Do what SQLite's own `lower` does for ASCII letters only."""
    return value.lower() if isinstance(value, str) else value


def _lock_postgresql(connection: sa.Connection, busy_seconds: float) -> None:
    connection.execute(
        sa.text("SELECT set_config('lock_timeout', :milliseconds, true)"),
        {"milliseconds": str(int(busy_seconds * 1000))},
    )
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin; whoever did not ask to write cannot, as it does not hold the writer lock."""
    writes = bool(connection.info.get("writes"))
    if connection.info.get("query_only") is not (not writes):
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info["query_only"] = not writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _path(engine: sa.Engine) -> Path | None:
    database = engine.url.database
    return Path(database).absolute() if engine.dialect.name == "sqlite" and database else None


def _is_full(exc: BaseException | None, path: Path | None) -> bool:
    """Tell whether an error is for lack of room; SQLite calls some of those input/output errors."""
    if isinstance(exc, OSError):
        return exc.errno == errno.ENOSPC
    cause = getattr(exc, "orig", None)
    if isinstance(cause, sqlite3.Error) and path is not None:
        primary = cause.sqlite_errorcode & 0xFF
        no_room = shutil.disk_usage(path.parent).free < _NO_ROOM_BYTES
        return primary == sqlite3.SQLITE_FULL or (primary in _PERHAPS_FULL and no_room)
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_DISK_FULL
