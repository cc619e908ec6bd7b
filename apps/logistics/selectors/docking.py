"""What is to do at the dock: what is to be shipped, what is on its way, what was scanned."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.documents.selectors import Whole
from apps.logistics import models

NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was scanned of a delivery. units: all of it, by SSCC; covered: those that were scanned, with all that lies in them; counts: by line."""

    units: Mapping[str, models.HandlingUnit]
    covered: frozenset[str]
    counts: Mapping[int, Decimal]
    serials: frozenset[tuple[int | None, str]]

    @classmethod
    def of(cls, whole: Whole, dock: str) -> "Seen":
        units = list(models.HandlingUnit.objects.filter(document_id=whole.id).order_by("position"))
        scans = list(models.Scan.objects.filter(document_id=whole.id, dock=dock, accepted=True))
        named = {scan.unit for scan in scans if scan.unit}
        covered: dict[uuid.UUID, str] = {}
        for unit in units:
            if unit.sscc in named or unit.parent_id in covered:
                covered[unit.pk] = unit.sscc
        counts: dict[int, Decimal] = {}
        parts = [(int(one["line"]), Decimal(one["quantity"])) for unit in units if unit.pk in covered for one in unit.contents]
        for line, quantity in [*parts, *((scan.line, scan.quantity) for scan in scans if scan.line is not None)]:
            counts[line] = counts.get(line, NONE) + quantity
        return cls(
            units={unit.sscc: unit for unit in units},
            covered=frozenset(covered.values()),
            counts=counts,
            serials=frozenset((scan.line, scan.serial) for scan in scans if scan.serial),
        )


SCAN = ("id", "dock", "code", "accepted", "sentence", "line", "unit", "lot", "serial", "quantity", "at", "by")


def seen(*, whole: Whole, dock: str) -> Mapping[int, Decimal]:
    """How much of each line was scanned at a dock, alone or in a unit; empty where nothing was."""
    return dict(Seen.of(whole, dock).counts)


def scans(*, document: uuid.UUID, dock: str = "", limit: int = 200) -> list[Mapping[str, Any]]:
    """What was scanned for a delivery, the newest first; at one dock or at both."""
    found = models.Scan.objects.filter(document_id=document, **({"dock": dock} if dock else {}))
    return list(found.order_by("-id").values(*SCAN)[:limit])
