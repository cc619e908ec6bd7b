"""Files: each enterprise's in a folder of its own, under random names."""

from pathlib import Path

from django.core.files.storage import FileSystemStorage

from apps.base import acting
from apps.base.models import new_id


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
