from apps.base.text import Text
from apps.catalog.services.sheets import Column, Sheet

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {
    "catalog.view": _EVERYBODY,
    "catalog.change": {"buyer", "seller", "planner", "integration"},
    "catalog.structure": {"buyer", "planner", "integration"},
}
MENU = [{"code": "catalogue", "label": Text("Catalogue", "物料目录"), "url": "catalogue", "icon": "packages", "permission": "catalog.view", "order": 70}]

_ITEM = Column(code="item", title=Text("Item", "物料"), words=Text("number of the item that is made", "所制造物料的编号"), needed=True)
_REMOVE = Column(code="remove", title=Text("Remove", "删除"), words=Text("“yes” takes this row out", "填“是”则删除该行"), kind="yes")
_PROCUREMENT = {"make": Text("make", "自制"), "buy": Text("buy", "外购"), "stock": Text("stock", "仅用库存")}
_POLICIES = {"automatic": Text("automatic", "自动"), "by_hand": Text("by hand", "手动")}


def _column(code: str, en: str, zh: str, words: str, words_zh: str, **more: object) -> Column:
    return Column(code=code, title=Text(en, zh), words=Text(words, words_zh), **more)  # type: ignore[arg-type]


# What the workbook of the structure carries; floors above add their own sheets (`SHEETS`).
SHEETS = [
    Sheet(
        code="sites",
        title=Text("Sites", "地点"),
        load="apps.catalog.services.loading.load_sites",
        dump="apps.catalog.services.loading.dump_sites",
        columns=(
            _column("code", "Code", "代码", "your own short name of the place", "您为该地点取的简称", needed=True),
            _column("name", "Name", "名称", "in English", "英文", needed=True),
            _column("name_zh", "Chinese name", "中文名称", "in Chinese", "中文"),
            _column("gln", "GLN", "全球位置码（GLN）", "13 digits", "13 位数字"),
            _column("address", "Address", "地址", "street and number", "街道和门牌号"),
            _column("city", "City", "城市", "city", "城市名"),
            _column("country", "Country", "国家", "two letters of ISO 3166-1", "ISO 3166-1 两位字母代码"),
            _column("time_zone", "Time zone", "时区", "as “Europe/Berlin”", "例如“Asia/Shanghai”"),
            _column("main", "Main site", "主要地点", "yes for one of them", "只有一个填“是”", kind="yes"),
        ),
    ),
    Sheet(
        code="items",
        title=Text("Items", "物料"),
        load="apps.catalog.services.loading.load_items",
        dump="apps.catalog.services.loading.dump_items",
        columns=(
            _column("number", "Number", "编号", "your own number of the item", "您自己的物料编号", needed=True),
            _column("name", "Name", "名称", "in English", "英文", needed=True),
            _column("name_zh", "Chinese name", "中文名称", "in Chinese", "中文"),
            _column("unit", "Unit", "单位", "UN/ECE Recommendation 20, as “C62”", "UN/ECE 第 20 号建议书代码，例如“C62”"),
            _column("gtin", "GTIN", "全球贸易项目代码（GTIN）", "8, 12, 13 or 14 digits", "8、12、13 或 14 位数字"),
            _column("bought", "Bought", "采购", "whether you buy it", "是否采购", kind="yes"),
            _column("sold", "Sold", "销售", "whether you sell it", "是否销售", kind="yes"),
            _column("procurement", "Procurement", "获取方式", "make, buy or stock", "自制、外购或仅用库存", kind="choice", choices=_PROCUREMENT),
            _column(
                "shipping_days",
                "Days to the customer",
                "到客户的天数",
                "days from being finished to the customer's door",
                "从完工到客户收货的天数",
                kind="number",
            ),
            _column("price", "List price", "目录价", "of one unit, in your own currency", "每单位价格，以本企业币种计", kind="number"),
        ),
    ),
    Sheet(
        code="components",
        title=Text("Components", "组件"),
        load="apps.catalog.services.loading.load_components",
        dump="apps.catalog.services.loading.dump_components",
        columns=(
            _ITEM,
            _column("position", "Position", "位置号", "where the line stands: 10, 20 …", "行的位置号：10、20……", kind="number", needed=True),
            _column("component", "Component", "组件", "number of the item that goes into it", "所用物料的编号", needed=True),
            _column("quantity", "Quantity", "数量", "number or formula, for one unit of the item", "每单位物料所需的数字或公式", needed=True),
            _column("scrap", "Scrap, percent", "损耗率（%）", "percent of what is taken that is lost", "领用量中损耗的百分比", kind="number"),
            _column(
                "fixed", "Fixed quantity a job", "每工单固定用量", "so much more a job, whatever its size", "每张工单另加的数量，与批量无关", kind="number"
            ),
            _column("condition", "Condition", "条件", "formula, as “colour = red”; empty: always", "公式，例如“colour = red”；留空表示始终适用"),
            _column(
                "alternate_of",
                "Alternate of",
                "替代哪一行",
                "position of the line for which this one may stand in",
                "本行可替代的那一行的位置号",
                kind="number",
            ),
            _column("priority", "Priority", "优先级", "the lowest first", "数值小者优先", kind="number"),
            _column("valid_from", "Valid from", "生效日期", "first day", "第一天", kind="day"),
            _column("valid_until", "Valid until", "失效日期", "last day", "最后一天", kind="day"),
            _REMOVE,
        ),
    ),
    Sheet(
        code="sources",
        title=Text("Sources", "货源"),
        load="apps.catalog.services.loading.load_sources",
        dump="apps.catalog.services.loading.dump_sources",
        columns=(
            Column(code="item", title=Text("Item", "物料"), words=Text("number of the item that is bought", "所采购物料的编号"), needed=True),
            _column("partner", "Partner", "合作伙伴", "the partner's short name", "合作伙伴的简称", needed=True),
            _column(
                "lead_days",
                "Lead time, days",
                "提前期（天）",
                "calendar days from the order to the partner's door",
                "从下单到合作伙伴发货的日历天数",
                kind="number",
            ),
            _column("transport_days", "Transport, days", "运输（天）", "calendar days from there to your dock", "从那里到您收货处的日历天数", kind="number"),
            _column("minimum", "Minimum lot", "最小批量", "0: any", "0 表示不限", kind="number"),
            _column("multiple", "Lot multiple", "批量倍数", "0: any", "0 表示不限", kind="number"),
            _column("price", "Price", "价格", "of one unit", "每单位价格", kind="number"),
            _column("currency", "Currency", "币种", "ISO 4217, as “EUR”", "ISO 4217 代码，例如“CNY”"),
            _column("priority", "Priority", "优先级", "the lowest first", "数值小者优先", kind="number"),
            _column("policy", "Ordering", "下单方式", "automatic or by hand", "自动或手动", kind="choice", choices=_POLICIES),
            _column("asked", "Asked for promises", "询问承诺", "whether the partner is asked for a date", "是否向合作伙伴询问交期", kind="yes"),
            _column("active", "Active", "启用", "whether it is used", "是否使用", kind="yes"),
            _REMOVE,
        ),
    ),
]
