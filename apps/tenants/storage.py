"""Files: each enterprise's in a folder of its own, under random names."""

from django.core.files.storage import FileSystemStorage

from apps.base import acting
from apps.base.models import new_id


class HomeStorage(FileSystemStorage):
    """A file system whose every path begins with the acting enterprise; without one it raises."""

    def path(self, name: str) -> str:
        return super().path(f"{acting.home().schema}/{name}")

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return new_id().hex

    def url(self, name: str | None) -> str:
        raise ValueError("files are served by views that check who asks")
