"""Several processes with several threads, all at one limit at one moment: how many are let through?

`python -m tests.attacks.hammer BOOK PLACE COUNT THREADS TRIES START`: one of the processes. BOOK: `file`, `redis`, or `careless`,
a book that reads and then writes. Prints how many of its tries passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from apps.base.limiting import PAGE, PAGES, SLOT, Book, InRedis, Limit, SharedFile, settle

ROOT = Path(__file__).resolve().parents[2]
NAME = bytes(range(16))
PER = 3600.0


class Careless(SharedFile):
    """The mutant: what it read may be old when it writes."""

    def _change(self, name: bytes, limit: Limit, *, taken: bool) -> float:
        page, mark = int.from_bytes(name[:8], "little") % PAGES * PAGE, int.from_bytes(name[8:16], "little") | 1
        _mark, empty_at = SLOT.unpack(os.pread(self._file, SLOT.size, page))
        time.sleep(0.001)  # Long enough for another one to read the same, on any machine.
        empty_at, wait = settle(empty_at, time.time(), limit)
        os.pwrite(self._file, SLOT.pack(mark, empty_at), page)
        return wait


def book_of(kind: str, place: str) -> Book:
    return InRedis(place) if kind == "redis" else {"file": SharedFile, "careless": Careless}[kind](Path(place))


def passed(kind: str, place: str, *, count: int, processes: int, threads: int, tries: int) -> int:
    """How many of `processes` × `threads` × `tries` got through a limit of `count` an hour."""
    start = str(time.time() + 1.5)
    command = [sys.executable, "-m", "tests.attacks.hammer", kind, place, str(count), str(threads), str(tries), start]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _process in range(processes)]
    return sum(int(process.communicate(timeout=60)[0]) for process in running)


def main(kind: str, place: str, count: str, threads: str, tries: str, start: str) -> None:
    book, limit = book_of(kind, place), Limit(int(count), PER)
    through: list[bool] = []

    def work() -> None:
        time.sleep(max(0.0, float(start) - time.time()))
        for _try in range(int(tries)):
            through.append(book.take(NAME, limit) == 0)

    all_threads = [threading.Thread(target=work) for _thread in range(int(threads))]
    sys.setswitchinterval(1e-5)
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    print(sum(through))


if __name__ == "__main__":
    main(*sys.argv[1:])
