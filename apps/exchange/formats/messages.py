"""What every format gives and takes: a message as plain data, and the findings for which one was refused."""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason for which a message was refused.

    `rule` is a stable id (``UBL-MODEL``), `place` the path of the element and its line number, `text` says what is
    wrong and `mend` what would put it right; both are sentences in the language of the reader.
    """

    rule: str
    place: str
    text: str
    mend: str


@dataclass(frozen=True, kw_only=True)
class Party:
    """A trading party as a message names it: `endpoints` are (scheme, id), the electronic address first.

    Schemes are those of ISO/IEC 6523 (``0088`` a GLN) where the message's own name for one is known, else the
    message's own; an id without a scheme has an empty one. `country` is ISO 3166-1 alpha-2, or empty.
    """

    endpoints: tuple[tuple[str, str], ...]
    name: str
    country: str = ""


class PartyLike(Protocol):
    """What a writer asks of a party; a `country` that it has besides is written, too (Peppol wants the seller's)."""

    @property
    def endpoints(self) -> tuple[tuple[str, str], ...]: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message: `kind` is ``order``, ``order_response``, ``order_change`` or ``order_cancellation``; `content` plain JSON, numbers and dates as text."""

    kind: str
    number: str
    buyer: Party
    seller: Party
    content: dict[str, Any] = field(repr=False)
    customization: str


class Refused(Exception):
    """A message that cannot be taken (or written), with every finding, in the order of the document."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{finding.rule} {finding.place}: {finding.text}" for finding in findings[:5]))
        self.findings = findings
