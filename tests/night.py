"""The long tests: side by side what can be, alone what is measured in seconds, and one table of everything at the end.

`python -m tests.night [which tests] -- [how they run side by side]`; ends with 1 where a test failed or a figure is off.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import tally

NONE = pytest.ExitCode.NO_TESTS_COLLECTED


def main(given: Sequence[str]) -> int:
    split = given.index("--") if "--" in given else len(given)
    which, how = given[:split], given[split + 1 :]
    with tempfile.TemporaryDirectory() as place:
        tally.open_book(Path(place) / "tally.jsonl")
        codes = [_run("night and not alone", *how, *which), _run("night and alone", *which)]
        rows = tally.read()
    print("\n".join(["", *(tally.table(rows) if rows else ["nothing was run"])]))
    good = rows and not any(map(tally.off, rows)) and all(code in (pytest.ExitCode.OK, NONE) for code in codes)
    print("the night: all is well" if good else f"the night: something is off (pytest ended with {codes})")
    return 0 if good else 1


def _run(marks: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-p", "tests.night", "-m", marks, *arguments], check=False).returncode


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What fails is told at once, by whoever collects it: nobody waits two hours to read why."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.nodeid}, {report.when}, after {report.duration:.0f} s:\n{report.longreprtext}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
