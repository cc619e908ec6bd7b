"""A disk that can be filled: a small file system in memory, where the kernel lets us mount one."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


class NoDisk(Exception):
    """No file system can be mounted here; the sentence says why."""


@contextlib.contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own at `place`. Raises NoDisk; fails where REQUIRE_DISK says that it must be possible."""
    place.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        raise _none("only root may mount a file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", place], capture_output=True, text=True, check=False)
    if done.returncode:
        raise _none(done.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True, capture_output=True)


def _none(why: str) -> NoDisk:
    assert not os.environ.get("REQUIRE_DISK"), f"REQUIRE_DISK is set, and no file system can be mounted: {why}"
    return NoDisk(why)


@contextlib.contextmanager
def filled(place: Path, *, leave: int = 0) -> Iterator[None]:
    """Nothing more fits into the file system of `place` but `leave` bytes, until the block ends."""
    filler = place / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            size = 1 << 20
            while size >= 512:
                try:
                    while free(place) > leave + size or not leave:
                        file.write(b"\0" * size)
                    size //= 2
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        yield
    finally:
        filler.unlink(missing_ok=True)


def free(place: Path) -> int:
    """Bytes that still fit."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize
