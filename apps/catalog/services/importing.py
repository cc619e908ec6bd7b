"""The structure as one workbook: read whole, or the good rows of it; written as it stands."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from apps.base import announcing
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.retrying import whole
from apps.catalog.services.sheets import Sheet

if TYPE_CHECKING:
    from apps.catalog.services import workbooks

MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a workbook. saved: the number of rows taken, by the sheet's code; findings: what is wrong with the others, at `Sheet!B7`."""

    saved: Mapping[str, int]
    findings: Sequence[Finding]


def sheets() -> list[Sheet]:
    """Every sheet that an app declares (`SHEETS`), in the order of the floors: what is named stands before what names it."""
    return [sheet for declared in announcing.declared("SHEETS") for sheet in declared]


def import_structure(*, workbook: bytes, partial: bool = False, by: Actor, at: dt.datetime) -> Imported:
    """Enter what an XLSX workbook says, as one transaction. A row with a known key changes what is there; what is on no sheet stays.

    partial: take the good rows and tell of the others. Else raises Invalid with every finding (at most 1000), and nothing has changed; so it
    does for what is no sound workbook.
    """
    from apps.catalog.services import workbooks  # the library of workbooks takes an eighth of a process's start, and few ever read one

    found = workbooks.read(workbook, sheets())
    return whole(lambda: _take(found, partial=partial, by=by, at=at))


def _take(found: "workbooks.Read", *, partial: bool, by: Actor, at: dt.datetime) -> Imported:
    findings = list(found.findings)
    saved: Counter[str] = Counter()
    with transaction.atomic():
        for table in found.tables:
            put = import_string(table.sheet.load)([values for _number, values in table.rows], by=by, at=at)
            saved[table.sheet.code] += len(put.saved)
            findings += [table.placed(index, finding) for index, finding in sorted(put.findings, key=lambda pair: pair[0])]
        if not findings and not any(table.rows for table in found.tables):
            findings.append(Finding("", "empty", _("The workbook holds no rows. Fill the sheets below their headings.")))
        if findings and not partial:
            raise Invalid(_first(findings))
    return Imported(saved=dict(saved), findings=_first(findings))


def _first(findings: list[Finding]) -> list[Finding]:
    if len(findings) <= MOST_FINDINGS:
        return findings
    more = _("… and %(count)d more. Mend these first.") % {"count": len(findings) - MOST_FINDINGS}
    return [*findings[:MOST_FINDINGS], Finding("", "more", more)]


def export_structure() -> bytes:
    """Everything that import_structure() takes, as it stands now; the headings of an enterprise that has nothing yet."""
    from apps.catalog.services import workbooks

    return workbooks.write((sheet, import_string(sheet.dump)()) for sheet in sheets())
