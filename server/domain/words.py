"""The words that files, tables and screens use for our values, in English and in Chinese."""

from collections.abc import Mapping

from server.domain.calendar import DayKind
from server.domain.checkins import Function
from server.domain.checks import VisitStatus
from server.domain.duties import Activity, DayOff, Fixed, Target
from server.domain.engine import Reason, Status
from server.domain.places import Level
from server.domain.postings import LeaveKind, Role

# A value: its Chinese word, then other words taken for it. The value is its own English word.
Vocabulary = Mapping[str, tuple[str, ...]]

NO_MARK = "none"  # in a file of days: takes that day's marks away

LEVELS: Vocabulary = {
    Level.COUNTY: ("县（市、区）", "县", "市", "区"),
    Level.TOWNSHIP: ("乡镇（街道）", "乡镇", "乡", "镇", "街道"),
    Level.DISTRICT: ("管区",),
    Level.VILLAGE: ("村（社区）", "村", "社区"),
}

ROLES: Vocabulary = {
    Role.ENVOY: ("党建特派员",),
    Role.DISTRICT_SECRETARY: ("管区书记",),
    Role.PAIRED_LEADER: ("包乡县级领导",),
    Role.FIRST_SECRETARY: ("第一书记",),
    Role.STATIONED_CADRE: ("驻村干部",),
    Role.SECONDED_CADRE: ("挂职干部",),
}

LEAVE_KINDS: Vocabulary = {
    LeaveKind.ANNUAL: ("年休假",),
    LeaveKind.SICK: ("病假",),
    LeaveKind.TRAINING: ("培训",),
    LeaveKind.MEETING: ("会议",),
    LeaveKind.OTHER: ("其他",),
}

MARKS: Vocabulary = {
    DayKind.OFF: ("休",),
    DayKind.WORK: ("班",),
    DayKind.CLOSED: ("封闭", "停"),
    NO_MARK: ("无",),
}

WEEKDAYS: Vocabulary = {
    "1": ("周一", "星期一"),
    "2": ("周二", "星期二"),
    "3": ("周三", "星期三"),
    "4": ("周四", "星期四"),
    "5": ("周五", "星期五"),
}

ACTIVITIES: Vocabulary = {
    Activity.VISIT: ("走访",),
    Activity.STUDY: ("集中学习",),
    Activity.OFFICE: ("坐班",),
    Activity.OTHER: ("其他",),
}

IMPORTED_STATUSES: Vocabulary = {
    VisitStatus.CONFIRMED: ("已确认",),
    VisitStatus.REVIEW: ("待核实",),
    VisitStatus.REJECTED: ("已驳回",),
}

# Of visits that no file brings in
VISIT_STATUSES: Vocabulary = {
    **IMPORTED_STATUSES,
    VisitStatus.INCOMPLETE: ("照片未到齐",),
    VisitStatus.RETURNED: ("已退回",),
}

FUNCTIONS: Vocabulary = {
    Function.ORGANISATION_GUIDE: ("组织建设指导员",),
    Function.POLICY_EXPLAINER: ("农村政策宣传员",),
    Function.WORK_SUPERVISOR: ("落实工作督导员",),
    Function.GO_BETWEEN: ("上下沟通信息员",),
    Function.SERVICE_WORKER: ("新农村建设服务员",),
    Function.GRID_COUNSELLOR: ("城乡网格化辅导员",),
}

STATUSES: Vocabulary = {
    Status.MET: ("已完成",),
    Status.EXCUSED: ("已免除",),
    Status.PENDING: ("待核实",),
    Status.UPCOMING: ("未开始",),
    Status.DUE: ("待完成",),
    Status.GRACE: ("宽限中",),
    Status.MISSED: ("未完成",),
}

REASONS: Vocabulary = {
    Reason.HOLIDAY: ("放假",),
    Reason.LEAVE: ("请假",),
    Reason.CLOSED: ("封闭",),
    Reason.DECISION: ("批准免除",),
}

ACCOUNT_STATES: Vocabulary = {"invited": ("待激活",), "active": ("在用",), "revoked": ("已停用",)}

PROPOSAL_STATUSES: Vocabulary = {
    "waiting": ("待决定",),
    "approved": ("已同意",),
    "refused": ("不同意",),
    "withdrawn": ("已撤回",),
}

PROPOSAL_KINDS: Vocabulary = {
    "day-mark": ("标记日期",),
    "day-move": ("调整固定日",),
    "day-unmove": ("恢复固定日",),
    "duty-end": ("停止任务",),
    "duty-version": ("改动任务",),
    "excuse": ("免除任务",),
    "excuse-end": ("撤销免除",),
    "place-change": ("改动地点",),
    "place-merge": ("合并地点",),
    "place-new": ("新建地点",),
    "place-split": ("拆分地点",),
    "posting-new": ("新增任职",),
    "posting-change": ("改动任职",),
    "posting-delete": ("删除任职",),
    "posting-move": ("调动",),
}

EVERY: Vocabulary = {"week": ("每周",), "month": ("每月",)}

TARGETS: Vocabulary = {
    Target.POSTING: ("任职地点",),
    Target.CENTRAL_VILLAGE: ("中心村",),
    Target.EACH_VILLAGE: ("辖区各村",),
}

FIXED: Vocabulary = {
    Fixed.ANY: ("任意一天",),
    Fixed.MONTH_DAY: ("每月固定日",),
    Fixed.WEEKDAY: ("每周固定日",),
    Fixed.OFFICE_WEEKDAY: ("坐班日",),
}

DAYS_OFF: Vocabulary = {DayOff.SKIP: ("跳过",), DayOff.SHIFT: ("顺延",), DayOff.KEEP: ("照常",)}

_NARROW = str.maketrans("（）", "()")


def same_form(text: str) -> str:
    """A word with its wide and narrow brackets made alike, for comparing."""
    return text.translate(_NARROW)


def readings(vocabulary: Vocabulary) -> dict[str, str]:
    """Every word taken in a file, in the form of `same_form`, with the value it stands for."""
    taken: dict[str, str] = {}
    for value, chinese in vocabulary.items():
        for word in (value, *chinese):
            taken[same_form(word)] = value
    return taken


def in_chinese(vocabulary: Vocabulary, value: str) -> str:
    """The Chinese word that we write for a value, or for each of several with spaces between.

    Importing it gives the value back.
    """
    return "、".join(vocabulary.get(one, (one,))[0] for one in value.split(" "))
