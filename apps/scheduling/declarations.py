"""What scheduling contributes: who may plan, how a refusal is told, and what it reacts to."""

from django.utils.translation import gettext_lazy as _

from apps.base.announcing import Question
from apps.base.problems import Problem
from apps.base.text import Text
from apps.catalog.services.sheets import Column, Sheet
from apps.documents.services import Counted, Moved, Owner, Panel
from apps.scheduling.services import (
    AlreadyRunning,
    BecameOrder,
    CapacityChanged,
    Frozen,
    HoldExpired,
    NotBroken,
    NotDoable,
    NotHeld,
    NotRunning,
    PlanAsked,
    PlanChanged,
)

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {
    "schedule.view": _EVERYBODY,
    "schedule.change": {"planner", "integration"},
    "schedule.break": {"planner", "dock", "integration"},
}

MENU = [
    {"code": "promises", "label": Text("Promises", "交期承诺"), "url": "promises", "icon": "calendar-event", "permission": "promise.view", "order": 15},
    {"code": "schedule", "label": Text("Schedule", "排程"), "url": "schedule", "icon": "calendar-time", "permission": "schedule.view", "order": 30},
]

REACTIONS = {
    PlanAsked: ["apps.scheduling.tasks.replan_soon"],
    Moved: ["apps.scheduling.services.promising.react", "apps.scheduling.services.retaining.part_gone"],
    Counted: ["apps.scheduling.services.promising.counted"],
    CapacityChanged: ["apps.scheduling.services.promising.capacity_changed", "apps.scheduling.services.retaining.keep_holds"],
    PlanChanged: ["apps.scheduling.services.promising.plan_changed"],
}

# What partners may ask without a promise, who answers the configurator, and how a promise is entered, moved and told.
QUESTIONS = {
    "estimate": Question(document_type="promise", answer="apps.scheduling.services.promising.answer_estimate"),
    "impact": Question(document_type="promise", answer="apps.scheduling.services.promising.answer_impact"),
}
ESTIMATES = ["apps.scheduling.services.promising.estimate_configuration"]
OWNED = {
    "promise": Owner(
        enter="apps.scheduling.services.promising.enter",
        make="apps.scheduling.services.promising.make",
        tell="apps.scheduling.services.promising.tell",
        shapes="apps.scheduling.services.promising.telling.OWNED",
        page="promise_new",
        move_pages={"hold": "promise_hold", "commit": "promise_order"},
    )
}
PANELS = {
    "promise": [
        Panel(
            code="made-of",
            template="promises/_panel.html",
            show="apps.scheduling.services.promising.facts",
            permission="promise.view",
            css="css/promises.css",
        )
    ]
}

_NOT_NOW = _("This is not possible now.")
PROBLEMS = {
    AlreadyRunning: Problem(status=409, code="already-running", title=_NOT_NOW),
    NotRunning: Problem(status=409, code="not-running", title=_NOT_NOW),
    NotBroken: Problem(status=409, code="not-broken", title=_NOT_NOW),
    NotDoable: Problem(status=409, code="not-doable", title=_NOT_NOW),
    NotHeld: Problem(status=409, code="not-held", title=_("It cannot be held any more.")),
    BecameOrder: Problem(status=409, code="became-order", title=_NOT_NOW),
    Frozen: Problem(status=409, code="frozen", title=_("It cannot be taken back any more.")),
    HoldExpired: Problem(status=409, code="hold-expired", title=_("The hold has expired.")),
}


def _column(code: str, en: str, zh: str, words: str, words_zh: str, **more: object) -> Column:
    return Column(code=code, title=Text(en, zh), words=Text(words, words_zh), **more)  # type: ignore[arg-type]


_SHIFTS = ("shifts as “06:00-14:00, 14:00-22:00”", "班次，例如“06:00-14:00, 14:00-22:00”")
_WEEK = {
    "monday": ("Monday", "星期一"),
    "tuesday": ("Tuesday", "星期二"),
    "wednesday": ("Wednesday", "星期三"),
    "thursday": ("Thursday", "星期四"),
    "friday": ("Friday", "星期五"),
    "saturday": ("Saturday", "星期六"),
    "sunday": ("Sunday", "星期日"),
}

# What the workbook of the structure carries of how things are made.
SHEETS = [
    Sheet(
        code="calendars",
        title=Text("Calendars", "日历"),
        load="apps.scheduling.services.sheeting.load_calendars",
        dump="apps.scheduling.services.sheeting.dump_calendars",
        columns=(
            _column("code", "Code", "代码", "your own short name of the calendar", "您为该日历取的简称", needed=True),
            _column("name", "Name", "名称", "what it is called", "日历名称", needed=True),
            _column("time_zone", "Time zone", "时区", "as “Europe/Berlin”", "例如“Asia/Shanghai”"),
            _column(
                "country",
                "Holidays of",
                "节假日所属国家",
                "two letters of ISO 3166-1; empty: holidays are worked",
                "ISO 3166-1 两位字母代码；留空则节假日照常上班",
            ),
            _column("subdivision", "Part of the country", "地区", "as “BY” for Bavaria", "例如巴伐利亚为“BY”"),
            *(_column(code, en, zh, *_SHIFTS) for code, (en, zh) in _WEEK.items()),
        ),
    ),
    Sheet(
        code="resources",
        title=Text("Resources", "资源"),
        load="apps.scheduling.services.sheeting.load_resources",
        dump="apps.scheduling.services.sheeting.dump_resources",
        columns=(
            _column("code", "Code", "代码", "your own short name of the machine", "您为该设备取的简称", needed=True),
            _column("name", "Name", "名称", "in English", "英文", needed=True),
            _column("name_zh", "Chinese name", "中文名称", "in Chinese", "中文"),
            _column("site", "Site", "地点", "code of the site", "地点代码"),
            _column("calendar", "Calendar", "日历", "code of the calendar", "日历代码", needed=True),
            _column("pool", "Pool", "资源组", "code of the group whose members can stand in for one another", "可互相替代的资源组代码"),
            _column(
                "efficiency",
                "Efficiency, percent",
                "效率（%）",
                "100 is usual; at 50 a run takes twice its time",
                "通常为 100；50 表示加工时间加倍",
                kind="number",
            ),
        ),
    ),
    Sheet(
        code="operations",
        title=Text("Operations", "工序"),
        load="apps.scheduling.services.sheeting.load_operations",
        dump="apps.scheduling.services.sheeting.dump_operations",
        columns=(
            _column("item", "Item", "物料", "number of the item that is made", "所制造物料的编号", needed=True),
            _column("routing", "Routing", "工艺路线", "code of one of several ways of making it", "多种工艺之一的代码"),
            _column("priority", "Priority", "优先级", "the way with the lowest first", "数值小者优先", kind="number"),
            _column("position", "Position", "工序号", "10, 20 …", "10、20……", kind="number", needed=True),
            _column("name", "Name", "名称", "in English", "英文", needed=True),
            _column("name_zh", "Chinese name", "中文名称", "in Chinese", "中文"),
            _column("pool", "Pool or resource", "资源组或资源", "code; empty: it only takes time", "代码；留空表示只占用时间"),
            _column("setup", "Set-up, minutes", "准备时间（分钟）", "minutes a job", "每张工单的分钟数", kind="number"),
            _column("run", "Run time, minutes", "加工时间（分钟）", "minutes a unit: number or formula", "每单位的分钟数：数字或公式"),
            _column("condition", "Condition", "条件", "formula, as “colour = red”; empty: always", "公式，例如“colour = red”；留空表示始终适用"),
            _column("lag", "Waiting after it, minutes", "工序后等待（分钟）", "cooling, drying, transport", "冷却、干燥、转运", kind="number"),
            _column("remove", "Remove", "删除", "“yes” takes this row out", "填“是”则删除该行", kind="yes"),
        ),
    ),
]
