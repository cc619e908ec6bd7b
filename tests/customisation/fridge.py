"""A refrigerator that is made to order, for whoever tests with one."""

from __future__ import annotations

import copy
import struct
import zlib
from typing import Any

from apps.customisation import services as customisation
from tests.cast import AT, Member, stock

FRIDGE: dict[str, Any] = {
    "price": "600",
    "currency": "EUR",
    "features": [
        {
            "code": "colour",
            "name": "Colour",
            "name_zh": "颜色",
            "kind": "choice",
            "group": "Look",
            "group_zh": "外观",
            "options": [
                {"code": "white", "name": "White", "name_zh": "白色"},
                {"code": "red", "name": "Red", "name_zh": "红色", "price": "40"},
                {"code": "steel", "name": "Steel", "name_zh": "不锈钢", "price": "120.50"},
            ],
        },
        {"code": "width", "name": "Width", "name_zh": "宽度", "kind": "number", "minimum": "600", "maximum": "900", "step": "100", "unit": "MMT",
         "price": "(width - 600) * 0.5"},
        {"code": "ice", "name": "Ice maker", "name_zh": "制冰机", "kind": "flag", "price": "150"},
        {"code": "handle", "name": "Handle", "name_zh": "把手", "kind": "choice", "optional": True,
         "options": [{"code": "bar", "name": "Bar", "name_zh": "长条"}, {"code": "knob", "name": "Knob", "name_zh": "圆钮", "price": "-5"}]},
    ],
    "rules": [
        {"code": "R1", "kind": "requires", "formula": "ice => width >= 700", "text": "An ice maker needs 700 mm", "text_zh": "制冰机需要 700 毫米"},
        {"code": "R2", "kind": "excludes", "formula": "not (colour = red and handle = knob)", "text": "There are no red knobs", "text_zh": "没有红色圆钮"},
    ],
    "examples": [
        {"name": "big with ice", "choices": {"ice": "yes", "width": "900"}, "valid": True},
        {"name": "small with ice", "choices": {"ice": "yes", "width": "600"}, "valid": False},
    ],
}  # fmt: skip


def model(**changes: Any) -> dict[str, Any]:
    """The refrigerator's model, with other values for some of its parts."""
    return {**copy.deepcopy(FRIDGE), **changes}


def enter(maker: Member, *, code: str = "fridge", item: str = "FR-1", publish: bool = True, public: bool = False, given: dict[str, Any] | None = None) -> str:
    """A product of the maker's with this model, published; gives its code."""
    stock(maker, item, "Refrigerator", name_zh="冰箱")
    with maker.acting():
        about = {"item": item, "code": code, "name": "Refrigerator", "name_zh": "冰箱", "text": "Made for you", "public": public}
        customisation.save_product(given=about, by=maker.actor, at=AT)
        customisation.save_release(product=code, given=given or model(), by=maker.actor, at=AT)
        if publish:
            customisation.publish(product=code, by=maker.actor, at=AT)
    return code


def picture(red: int, green: int, blue: int, size: int = 24) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def with_pictures(maker: Member) -> dict[str, Any]:
    """The model with a picture for each colour, kept in the maker's files."""
    given = model()
    with maker.acting():
        for option, colour in zip(given["features"][0]["options"], ((240, 240, 236), (190, 40, 40), (150, 156, 160)), strict=True):
            option["picture"] = customisation.keep_picture(body=picture(*colour))
    return given
