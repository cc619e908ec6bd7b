"""Pictures for the demo's product, painted here: flat shapes with soft edges, as PNG (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

Colour = tuple[int, int, int]
FINER = 3
"""Each point is the mean of so many by so many."""
GROUND: Colour = (238, 241, 245)
SHADOW: Colour = (214, 220, 228)
LINE: Colour = (92, 104, 120)
HANDLE: Colour = (122, 132, 146)


def colour_of(text: str) -> Colour:
    """A colour written as `#rrggbb`."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


@dataclass
class Canvas:
    """A picture in points; shapes are given in points too, and may have fractions."""

    width: int
    height: int
    rows: list[bytearray] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = [bytearray(GROUND * (self.width * FINER)) for _row in range(self.height * FINER)]

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, *, round: float = 0) -> None:
        """A rectangle with round corners."""
        first, last = int(top * FINER), int(bottom * FINER)
        for y in range(first, last):
            depth = min(y - first + 0.5, last - y - 0.5)
            radius = round * FINER
            inset = radius - (max(0.0, radius**2 - (radius - depth) ** 2)) ** 0.5 if depth < radius else 0.0
            start, end = int(left * FINER + inset), int(right * FINER - inset)
            self.rows[y][3 * start : 3 * end] = bytes(colour * (end - start))

    def png(self) -> bytes:
        """The picture as a file."""
        lines = b"".join(b"\0" + self._line(y * FINER) for y in range(self.height))
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")

    def _line(self, first: int) -> bytes:
        """One row of points: the mean of what was painted more finely."""
        step, made = 3 * FINER, bytearray(3 * self.width)
        sums = [sum(column) for column in zip(*self.rows[first : first + FINER], strict=True)]
        for channel in range(3):
            parts = [sums[channel + 3 * offset :: step] for offset in range(FINER)]
            made[channel::3] = bytes(sum(part) // FINER**2 for part in zip(*parts, strict=True))
        return bytes(made)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Doors as parts of the front: left, top, right, bottom from 0 to 1, and on which side the handle is.
DOORS: dict[str, Sequence[tuple[float, float, float, float, str]]] = {
    "two": ((0, 0, 1, 0.36, "left"), (0, 0.36, 1, 1, "left")),
    "french": ((0, 0, 0.5, 0.66, "right"), (0.5, 0, 1, 0.66, "left"), (0, 0.66, 1, 1, "top")),
    "quad": ((0, 0, 0.5, 0.58, "right"), (0.5, 0, 1, 0.58, "left"), (0, 0.58, 0.5, 1, "right"), (0.5, 0.58, 1, 1, "left")),
}


def refrigerator(doors: str, colour: Colour) -> bytes:
    """A refrigerator from the front. doors: one of DOORS."""
    canvas = Canvas(240, 280)
    left, top, right, bottom = 62.0, 22.0, 178.0, 252.0
    canvas.box(left - 8, bottom - 4, right + 8, bottom + 10, SHADOW, round=7)
    canvas.box(left - 3, top - 3, right + 3, bottom + 3, LINE, round=9)
    for x0, y0, x1, y1, side in DOORS[doors]:
        x, y = left + x0 * (right - left), top + y0 * (bottom - top)
        width, height = (x1 - x0) * (right - left), (y1 - y0) * (bottom - top)
        canvas.box(x + 1, y + 1, x + width - 1, y + height - 1, colour, round=6)
        canvas.box(x + 4, y + 4, x + 7, y + height - 4, _lighter(colour), round=1.5)
        _handle(canvas, x, y, x + width, y + height, side)
    return canvas.png()


def _handle(canvas: Canvas, left: float, top: float, right: float, bottom: float, side: str) -> None:
    if side == "top":
        middle = (left + right) / 2
        canvas.box(middle - 22, top + 10, middle + 22, top + 15, HANDLE, round=2.5)
        return
    x = right - 13 if side == "right" else left + 9
    middle = (top + bottom) / 2
    canvas.box(x, middle - 20, x + 4.5, middle + 20, HANDLE, round=2.2)


def swatch(colour: Colour) -> bytes:
    """A piece of a surface."""
    canvas = Canvas(120, 90)
    canvas.box(12, 10, 108, 80, LINE, round=10)
    canvas.box(13.5, 11.5, 106.5, 78.5, colour, round=9)
    canvas.box(20, 17, 27, 73, _lighter(colour), round=3)
    return canvas.png()


def _lighter(colour: Colour) -> Colour:
    red, green, blue = (min(255, part + (255 - part) // 3 + 6) for part in colour)
    return red, green, blue
