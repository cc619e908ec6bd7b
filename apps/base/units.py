"""Units of measure: the codes of UN/ECE Recommendation 20 (rev. 17) that trade in parts and goods uses, with their names."""

from typing import Any

from django.utils.translation import gettext as _

from apps.base.fields import Unreadable
from apps.base.text import Text

UNITS: dict[str, Text] = {
    "C62": Text("pcs", "件"),
    "H87": Text("pcs", "个"),
    "EA": Text("each", "个"),
    "PR": Text("pair", "双"),
    "SET": Text("set", "套"),
    "DZN": Text("dozen", "打"),
    "KGM": Text("kg", "千克"),
    "GRM": Text("g", "克"),
    "MGM": Text("mg", "毫克"),
    "TNE": Text("t", "吨"),
    "LBR": Text("lb", "磅"),
    "ONZ": Text("oz", "盎司"),
    "MTR": Text("m", "米"),
    "CMT": Text("cm", "厘米"),
    "MMT": Text("mm", "毫米"),
    "KMT": Text("km", "千米"),
    "INH": Text("in", "英寸"),
    "FOT": Text("ft", "英尺"),
    "YRD": Text("yd", "码"),
    "MTK": Text("m²", "平方米"),
    "CMK": Text("cm²", "平方厘米"),
    "MMK": Text("mm²", "平方毫米"),
    "FTK": Text("ft²", "平方英尺"),
    "MTQ": Text("m³", "立方米"),
    "CMQ": Text("cm³", "立方厘米"),
    "DMQ": Text("dm³", "立方分米"),
    "LTR": Text("l", "升"),
    "MLT": Text("ml", "毫升"),
    "CLT": Text("cl", "厘升"),
    "DLT": Text("dl", "分升"),
    "HLT": Text("hl", "百升"),
    "GLL": Text("gal (US)", "加仑（美）"),
    "GLI": Text("gal (UK)", "加仑（英）"),
    "HUR": Text("h", "小时"),
    "MIN": Text("min", "分钟"),
    "SEC": Text("s", "秒"),
    "DAY": Text("day", "天"),
    "WEE": Text("week", "周"),
    "MON": Text("month", "月"),
    "ANN": Text("year", "年"),
    "KWH": Text("kWh", "千瓦时"),
    "MWH": Text("MWh", "兆瓦时"),
    "KWT": Text("kW", "千瓦"),
    "WTT": Text("W", "瓦"),
    "JOU": Text("J", "焦耳"),
    "BAR": Text("bar", "巴"),
    "PAL": Text("Pa", "帕"),
    "AMP": Text("A", "安"),
    "VLT": Text("V", "伏"),
    "CEL": Text("°C", "摄氏度"),
    "NEW": Text("N", "牛"),
    "CEN": Text("hundred", "百件"),
    "MIL": Text("thousand", "千件"),
    "P1": Text("%", "%"),
    "E48": Text("service unit", "服务单位"),
    "LS": Text("lump sum", "整笔"),
    "ZZ": Text("mutually defined", "双方约定"),
    "NAR": Text("articles", "件数"),
    "NPR": Text("pairs", "双数"),
    "RO": Text("roll", "卷"),
    "ST": Text("sheet", "张"),
    "BX": Text("box", "箱"),
    "CT": Text("carton", "纸箱"),
    "CS": Text("case", "箱"),
    "PK": Text("pack", "包"),
    "PF": Text("pallet", "托盘"),
    "XPX": Text("pallet", "托盘"),
    "XBX": Text("box", "箱"),
    "XCT": Text("carton", "纸箱"),
    "XPK": Text("package", "包"),
    "XBG": Text("bag", "袋"),
    "XRO": Text("roll", "卷"),
    "XDR": Text("drum", "桶"),
    "XBO": Text("bottle", "瓶"),
    "XPA": Text("packet", "小包"),
    "XCR": Text("crate", "板条箱"),
    "BG": Text("bag", "袋"),
    "BO": Text("bottle", "瓶"),
    "DR": Text("drum", "桶"),
    "PA": Text("packet", "小包"),
    "4L": Text("megabyte", "兆字节"),
    "KTM": Text("km", "千米"),
    "D41": Text("t/m³", "吨/立方米"),
    "KMQ": Text("kg/m³", "千克/立方米"),
}


def unit(value: Any) -> str:
    """A unit that is known here, by its code."""
    if value is None or value == "":
        raise Unreadable("required", _("Say the unit by its code of UN/ECE Rec 20: “C62” (piece), “KGM”, “MTR”."))
    if not isinstance(value, str) or value not in UNITS:
        raise Unreadable("unit", _("“%(value)s” is no known unit. Write its code of UN/ECE Rec 20: “C62” (piece), “KGM”, “MTR”.") % {"value": str(value)[:20]})
    return value


def label(code: str) -> str:
    """The unit's name in the reader's language; the code itself where it has none."""
    return str(UNITS.get(code, code))
