"""Opening the database: locked and brought to this program's schema, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy.exc import DatabaseError

from orchestrator.errors import ConfigurationError, TryLater, Unreachable
from storage.engines import Locked, LockFile, ServerLock, database_file
from storage.upgrade import ForeignSchema, upgrade


@contextmanager
def opened(url: str) -> Iterator[tuple[str | None, str]]:
    """The revisions before and after. It stays locked against other processes until the end.

    Raises `Fatal` where it cannot be opened.
    """
    path = database_file(url)
    with ExitStack() as held:
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                held.callback(LockFile(path).release)
            else:
                held.callback(ServerLock(url).release)
            revisions = upgrade(url)
        except Locked as error:
            raise TryLater(str(error), "stop the other one, or set DATABASE_URL") from error
        except ForeignSchema as error:
            raise ConfigurationError(str(error)) from error
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"DATABASE_URL needs {error.name}, which is not installed", "install the extra `postgres`"
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"{error.filename or path} cannot be used ({error.strerror})",
                "set DATA_DIR to a folder of its own",
            ) from error
        except DatabaseError as error:
            if path is None:
                raise Unreachable(f"the database does not answer ({type(error).__name__})") from error
            raise ConfigurationError(f"{path} cannot be used as a database ({error.orig})") from error
        yield revisions
