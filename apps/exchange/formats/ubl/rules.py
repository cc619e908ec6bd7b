"""What an order or a response must be beyond its structure, judged on the elements so that a finding has its place."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _
from lxml import etree

from apps.exchange.formats.messages import Finding
from apps.exchange.formats.ubl import codes, model, values
from apps.exchange.formats.ubl.vocabulary import CHANGE, HEADER, LINE

MOST_LINES: Final = 10_000
# Where codes stand, what each means, and one for an example.
RESPONSE_CODES: Final = (("OrderResponseCode", HEADER, "AP"), ("OrderLine/LineItem/LineStatusCode", LINE, "5"))
CHANGE_CODES: Final = (("OrderLine/LineItem/LineStatusCode", CHANGE, "3"),)


def _find(element: etree._Element, path: str) -> etree._Element | None:
    return element.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall("/".join(f"{{*}}{name}" for name in path.split("/")))


def _finding(rule: str, element: etree._Element, text: str, mend: str) -> Finding:
    return Finding(rule=rule, place=model.place(element), text=text, mend=mend)


def _number(element: etree._Element | None) -> Decimal | None:
    return None if element is None else values.decimal(values.text(element))


def order(root: etree._Element) -> Iterator[Finding]:
    """The rules of an order."""
    yield from _document(root)
    yield from _line_ids(root)
    currency = _currency(root)
    for line in _all(root, "OrderLine"):
        yield from _order_quantity(line)
        yield from _price(line, currency)
        yield from _deliveries(line)


def response(root: etree._Element) -> Iterator[Finding]:
    """The rules of an order response, the simple one included."""
    yield from _document(root)
    yield from _order_reference(root)
    yield from _codes(root)
    yield from _splits(root)
    currency = _currency(root)
    for line in _all(root, "OrderLine"):
        yield from _price(line, currency)
        yield from _not_negative(line, "LineItem/Quantity", "UBL-BT-QUANTITY")
        yield from _not_negative(line, "LineItem/MaximumBackorderQuantity", "UBL-BT-QUANTITY")
        for delivery in _all(line, "LineItem/Delivery"):
            yield from _not_negative(delivery, "Quantity", "UBL-BT-QUANTITY")


def change(root: etree._Element) -> Iterator[Finding]:
    """The rules of an order change."""
    yield from _document(root)
    yield from _line_ids(root)
    yield from _order_reference(root)
    yield from _codes(root, CHANGE_CODES)
    currency = _currency(root)
    for line in _all(root, "OrderLine"):
        yield from _price(line, currency)
        yield from _not_negative(line, "LineItem/Quantity", "UBL-BT-QUANTITY")
        yield from _deliveries(line)


def cancellation(root: etree._Element) -> Iterator[Finding]:
    """The rules of an order cancellation."""
    yield from _order_reference(root)


def _document(root: etree._Element) -> Iterator[Finding]:
    lines = _all(root, "OrderLine")
    if len(lines) > MOST_LINES:
        yield _finding(
            "UBL-BT-LINES",
            lines[MOST_LINES],
            _("The document has %(count)d lines; %(most)d are allowed.") % {"count": len(lines), "most": MOST_LINES},
            _("Split the document into several."),
        )


def _line_ids(root: etree._Element) -> Iterator[Finding]:
    seen: set[str] = set()
    for element in _all(root, "OrderLine/LineItem/ID"):
        number = values.text(element)
        if not number:
            yield _finding("UBL-BT-LINE-ID", element, _("The line has no number."), _("Write its number into ID."))
        elif number in seen:
            yield _finding(
                "UBL-BT-LINE-ID",
                element,
                _("Two lines have the number %(number)s.") % {"number": number},
                _("Give every line a number of its own."),
            )
        seen.add(number)


def _order_quantity(line: etree._Element) -> Iterator[Finding]:
    element = _find(line, "LineItem/Quantity")
    number = _number(element)
    if element is None:
        yield _finding(
            "UBL-BT-QUANTITY",
            line,
            _("The line says no quantity."),
            _("Write into Quantity how much is ordered, with its unit."),
        )
    elif number is not None and number <= 0:
        yield _finding(
            "UBL-BT-QUANTITY",
            element,
            _("The quantity %(quantity)s is not more than zero.") % {"quantity": values.text(element)},
            _("Order more than zero, or leave the line out."),
        )


def _not_negative(holder: etree._Element, path: str, rule: str) -> Iterator[Finding]:
    element = _find(holder, path)
    number = _number(element)
    if element is not None and number is not None and number < 0:
        yield _finding(
            rule,
            element,
            _("%(name)s is negative: %(value)s.") % {"name": model.local(element), "value": values.text(element)},
            _("Write a number that is not negative."),
        )


def _currency(root: etree._Element) -> str | None:
    """The currency of the document, else of its first price; None where that is no currency at all."""
    amounts = _all(root, "OrderLine/LineItem/Price/PriceAmount")
    said = [values.text(element) for element in _all(root, "DocumentCurrencyCode")]
    first = next(iter([*said, *(str(amount.get("currencyID")) for amount in amounts)]), None)
    return first if first in codes.currencies() else None


def _price(line: etree._Element, currency: str | None) -> Iterator[Finding]:
    yield from _not_negative(line, "LineItem/Price/PriceAmount", "UBL-BT-PRICE")
    amount = _find(line, "LineItem/Price/PriceAmount")
    if amount is not None and currency is not None and amount.get("currencyID") != currency:
        yield _finding(
            "UBL-BT-CURRENCY",
            amount,
            _("The price is in %(price)s, the document in %(document)s.") % {"price": amount.get("currencyID"), "document": currency},
            _("Write prices in the currency of the document."),
        )
    base = _find(line, "LineItem/Price/BaseQuantity")
    number = _number(base)
    if base is not None and number is not None and number <= 0:
        yield _finding(
            "UBL-BT-PRICE",
            base,
            _("The quantity that the price is for is not more than zero."),
            _("Write for how many units the price is, such as 1 or 100."),
        )


def _deliveries(line: etree._Element) -> Iterator[Finding]:
    quantity = _find(line, "LineItem/Quantity")
    apart = _all(line, "LineItem/Delivery/Quantity")
    numbers = [number for number in map(_number, apart) if number is not None]
    asked = _number(quantity)
    if quantity is None or asked is None or not apart or len(numbers) < len(apart):
        return
    for element, number in zip(apart, numbers, strict=True):
        if number <= 0 or element.get("unitCode", quantity.get("unitCode")) != quantity.get("unitCode"):
            yield _finding(
                "UBL-BT-DELIVERY",
                element,
                _("A delivery must be of more than zero, in the unit of its line."),
                _("Write its quantity in the unit of the line, or leave it out."),
            )
    if sum(numbers) != asked:
        yield _finding(
            "UBL-BT-DELIVERY",
            apart[0],
            _("The deliveries of the line add up to %(sum)s, and %(asked)s is ordered.") % {"sum": sum(numbers), "asked": asked},
            _("Make the deliveries add up to the quantity of the line."),
        )


def _splits(root: etree._Element) -> Iterator[Finding]:
    """Lines that answer one line of the order are added up, so they need one unit."""
    units: dict[str, str | None] = {}
    for line in _all(root, "OrderLine"):
        answers = _find(line, "OrderLineReference/LineID")
        quantity = _find(line, "LineItem/Quantity")
        if answers is None or quantity is None:
            continue
        unit = quantity.get("unitCode")
        if units.setdefault(values.text(answers), unit) != unit:
            yield _finding(
                "UBL-BT-SPLIT",
                quantity,
                _("Two answers to line %(number)s have different units.") % {"number": values.text(answers)},
                _("Answer a line in one unit."),
            )


def _order_reference(root: etree._Element) -> Iterator[Finding]:
    elements = _all(root, "OrderReference/ID")
    numbers = {values.text(element) for element in elements}
    if "" in numbers:
        yield _finding(
            "UBL-BT-ORDER-REFERENCE",
            elements[0],
            _("The response does not say which order it answers."),
            _("Write the number of the order into OrderReference/ID."),
        )
    elif len(numbers) > 1:
        yield _finding(
            "UBL-BT-ORDER-REFERENCE",
            elements[1],
            _("The response answers several orders."),
            _("Send one response for each order."),
        )


def _codes(root: etree._Element, known: tuple[tuple[str, Mapping[str, str], str], ...] = RESPONSE_CODES) -> Iterator[Finding]:
    for path, meanings, example in known:
        for element in _all(root, path):
            if values.text(element) not in meanings:
                yield _finding(
                    "UBL-CODE-RESPONSE",
                    element,
                    _("“%(value)s” is no answer to an order.") % {"value": values.text(element)},
                    _("Use a code that the standard has there, such as %(example)s.") % {"example": example},
                )
