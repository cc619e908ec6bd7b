"""What is to do at the dock: what is to be shipped, what is on its way, what was scanned."""

import uuid
from collections.abc import Mapping
from typing import Any

from apps.logistics import models

SCAN = ("id", "dock", "code", "accepted", "sentence", "line", "unit", "lot", "serial", "quantity", "at", "by")


def scans(*, document: uuid.UUID, dock: str = "", limit: int = 200) -> list[Mapping[str, Any]]:
    """What was scanned for a delivery, the newest first; at one dock or at both."""
    found = models.Scan.objects.filter(document_id=document, **({"dock": dock} if dock else {}))
    return list(found.order_by("-id").values(*SCAN)[:limit])
