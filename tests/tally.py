"""What the harnesses tried, and what it cost: one row each, printed as a table at the end of a run, whichever process ran them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

COLUMNS = ("tried", "lost", "leaked", "seconds", "seed")
PLACE = "TALLY_FILE"


def is_open() -> bool:
    """Whether somebody has settled it, who will also read it."""
    return PLACE in os.environ


def open_book(place: Path) -> None:
    """Settle where it is written, for this process and those that it starts."""
    place.parent.mkdir(parents=True, exist_ok=True)
    os.environ[PLACE] = str(place)


def tell(name: str, *, tried: int, lost: int = 0, leaked: int = 0, seconds: float, seed: int | None = None, **more: Any) -> None:
    """Enter one harness. tried: what was tried, counted as it was done; lost, leaked: what must be 0; more: figures of its own."""
    row = {"name": name, "tried": tried, "lost": lost, "leaked": leaked, "seconds": round(seconds, 1), "seed": seed, "more": more}
    with Path(os.environ[PLACE]).open("a", encoding="utf-8") as book:
        book.write(json.dumps(row) + "\n")


def read() -> list[dict[str, Any]]:
    """All rows, in the order in which they were told."""
    place = Path(os.environ[PLACE])
    return [json.loads(line) for line in place.read_text("utf-8").splitlines()] if place.exists() else []


def close_book() -> None:
    """Forget it: what was told is told."""
    Path(os.environ.pop(PLACE)).unlink(missing_ok=True)


def off(row: dict[str, Any]) -> bool:
    """Whether something was lost or leaked, or nothing was tried."""
    return bool(row["lost"] or row["leaked"] or not row["tried"])


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The rows as lines of text, with what must be 0 and is not at the end of its line."""
    width = max(len(row["name"]) for row in rows)
    lines = [f"{'tests':{width}}" + "".join(f"{column:>12}" for column in COLUMNS)]
    for row in rows:
        figures = "".join(f"{'' if row[column] is None else row[column]:>12}" for column in COLUMNS)
        more = "  ".join(f"{name} {value}" for name, value in row["more"].items())
        lines.append(f"{row['name']:{width}}{figures}  {more}{'  OFF' if off(row) else ''}".rstrip())
    return lines
