"""Figures: measured in turns with their floors, told as a table and as JSON."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. value, floor: medians; runs, floors: the single measurements; ratio: the median of what each run was to the floor
    beside it, the greater the better.

    wanted: the least ratio that is asked for. note: what the table says beside it.
    """

    name: str
    unit: str
    value: float
    floor: float | None = None
    ratio: float | None = None
    wanted: float | None = None
    runs: Sequence[float] = ()
    floors: Sequence[float] = ()
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As it stands in `var/bench.json`."""
        figure = {"value": self.value, "unit": self.unit, "floor": self.floor, "ratio": self.ratio, "runs": list(self.runs)}
        return figure | {"floors": list(self.floors), "wanted": self.wanted} | self.more


def compare(
    name: str, unit: str, ours: Callable[[], float], floor: Callable[[], float], *, wanted: float | None = None, runs: int = RUNS, note: str = "", **more: Any
) -> Figure:
    """Measure ours and the floor in turns, so that whatever else the machine does meets both.

    A rate (a unit that ends in /s) is better the greater it is, and anything else the smaller.
    """
    pairs = [(ours(), floor()) for _run in range(runs)]
    return paired(name, unit, pairs, wanted=wanted, note=note, **more)


def paired(name: str, unit: str, pairs: Sequence[tuple[float, float]], *, wanted: float | None = None, note: str = "", **more: Any) -> Figure:
    """The figure of measurements that were made in turns: (ours, floor)."""
    measured, floors = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    value, floor = statistics.median(measured), statistics.median(floors)
    ratio = statistics.median(one / other if unit.endswith("/s") else other / one for one, other in pairs)
    rounded = {"runs": [_short(one) for one in measured], "floors": [_short(one) for one in floors]}
    return Figure(name=name, unit=unit, value=_short(value), floor=_short(floor), ratio=round(ratio, 3), wanted=wanted, note=note, more=more, **rounded)


def alone(name: str, unit: str, runs: Sequence[float], *, note: str = "", **more: Any) -> Figure:
    """A figure for which there is no floor."""
    return Figure(name=name, unit=unit, value=_short(statistics.median(runs)), runs=[_short(one) for one in runs], note=note, more=more)


def _short(value: float) -> float:
    """Four significant digits: more would be noise."""
    return round(value, 3 - math.floor(math.log10(abs(value)))) if value else 0.0


def percentile(values: Iterable[float], percent: float) -> float:
    """The value below which `percent` of all values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


COLUMNS = (("figure", 20), ("value", 9), ("unit", 9), ("min – max", 19), ("floor", 9), ("min – max", 19), ("ratio", 6), ("asked", 6))


def heading() -> str:
    return "  ".join(f"{title:{'<' if index in (0, 2) else '>'}{width}}" for index, (title, width) in enumerate(COLUMNS)) + "  note"


def row(figure: Figure) -> str:
    """A figure as a line of the table."""
    asked = "" if figure.wanted is None else f"≥{figure.wanted:g}"
    missed = " ✗" if figure.wanted is not None and (figure.ratio or 0) < figure.wanted else ""
    cells = [figure.name, _text(figure.value), figure.unit, _range(figure.runs), _text(figure.floor), _range(figure.floors), _text(figure.ratio), asked]
    return "  ".join(f"{cell:{'<' if i in (0, 2) else '>'}{COLUMNS[i][1]}}" for i, cell in enumerate(cells)) + f"{missed}  {figure.note}"


def _range(values: Sequence[float]) -> str:
    return f"{_text(min(values))} – {_text(max(values))}" if len(values) > 1 else ""


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:g}"


def write(path: Path, figures: Iterable[Figure]) -> None:
    """Write all figures as JSON, by name."""
    path.write_text(json.dumps({figure.name: figure.plain() for figure in figures}, indent=1, ensure_ascii=False) + "\n", "utf-8")
