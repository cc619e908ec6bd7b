"""Files: each enterprise's in a folder of its own, under random names."""

import os
from pathlib import Path

from django.core.files.storage import FileSystemStorage, storages

from apps.base import acting
from apps.base.models import new_id


def folder_of(home: acting.Home) -> Path:
    """The folder of an enterprise's files."""
    return Path(files().base_location).resolve() / home.schema


class HomeStorage(FileSystemStorage):
    """A file system whose root is the acting enterprise's folder, which no name leads out of; without an enterprise it raises."""

    @property
    def location(self) -> str:
        """The folder of whoever acts now: nothing of it is remembered between two of them."""
        return str(Path(self.base_location).resolve() / acting.home().schema)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return new_id().hex

    def url(self, name: str | None) -> str:
        raise ValueError("files are served by views that check who asks")

    def keep(self, name: str, body: bytes) -> None:
        """Write a file under exactly this name, whole or not at all; one of this name is replaced."""
        place = Path(self.path(name))
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.with_name(f"{place.name}.{new_id().hex}")
        try:
            with unfinished.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(place)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        # The name, too, must outlive a crash of the machine.
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return Path(self.path(name)).read_bytes()


def files() -> HomeStorage:
    """The files of whoever acts now."""
    storage = storages["default"]
    if not isinstance(storage, HomeStorage):
        raise TypeError(f"{type(storage).__name__} does not keep the files of enterprises apart")
    return storage
