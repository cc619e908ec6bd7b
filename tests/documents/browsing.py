"""What a browser sends to the pages of documents, and what it shows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from apps.documents import selectors
from tests.cast import Member

LIST = "/documents/orders/"
LINE = {"item": "A-1", "quantity": "40", "unit": "C62", "price": "81.50"}


def page_of(uid: uuid.UUID, more: str = "") -> str:
    return f"{LIST}{uid}/{more}"


def head(member: Member, uid: uuid.UUID) -> Mapping[str, Any]:
    with member.acting():
        found = selectors.head(id=uid)
    assert found is not None
    return found


def numbers(answer: Any) -> list[str]:
    return [row["number"] for row in answer.context["rows"]]


def words(answer: Any) -> str:
    """The text of a page as it is read, without tags."""
    body = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#x27;", "'").replace("\u00a0", " ")


def typed(*lines: Mapping[str, Any], **head: Any) -> dict[str, Any]:
    """An entry form as a browser sends it."""
    sent: dict[str, Any] = {"partner": "", "number": "", "currency": "EUR", "note": "", **head}
    for index, row in enumerate(lines):
        schedules = row.get("schedules", [{"due_on": "2027-01-15", "quantity": "40"}])
        sent |= {f"lines-{index}-{name}": value for name, value in row.items() if name != "schedules"}
        for at, schedule in enumerate(schedules):
            sent |= {f"lines-{index}-schedules-{at}-{name}": value for name, value in schedule.items()}
    return sent


def errors_beside(answer: Any) -> dict[str, list[str]]:
    """The sentences that stand beside fields, by the field's name."""
    forms = [answer.context["form"]]
    for entry in answer.context["lines"]:
        forms += [entry.form, *entry.schedules]
    found = {form[name].html_name: [str(error) for error in form[name].errors] for form in forms for name in form.fields if form[name].errors}
    loose = [str(error) for form in forms for error in form.non_field_errors()]
    return {**found, **({"": loose} if loose else {})}
