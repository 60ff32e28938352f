"""The words that files, tables and screens use for our values, in English and in Chinese."""

from collections.abc import Mapping

from server.domain.calendar import DayKind
from server.domain.checks import VisitStatus
from server.domain.duties import Activity
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
    """The Chinese word that we write for a value; importing it gives the value back."""
    return vocabulary[value][0]
