"""Keeps stored verdicts true: judges the windows that a change touched, and the days nobody asked about before."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta

from server.domain.engine import Obligation, PersonFacts, judge
from server.domain.periods import DAY, Window, local_day, midnight, month_of, windows
from server.services.deployment import Deployment
from server.storage import obligations, people, register, spans
from server.storage import visits as visit_rows
from server.storage.database import Connection

CHUNK = 400  # people judged in one transaction
WINDOWS = 24  # windows judged at a time
WORK = 5000  # windows of all people together, judged in one transaction: nobody checks in while it is stored
Progress = Callable[[int, int], None]


def no_progress(_done: int, _all: int) -> None:
    """Tells nobody."""


def ensure_judged(
    deployment: Deployment, first: date, last: date, progress: Progress = no_progress, only: str | None = None
) -> None:
    """Sees to it that stored verdicts cover every window that shares a day with the span, and are up to date.

    Verdicts stored under other settings (time zone, first day of service, calendar) are thrown away first. Whole months
    are judged, so that asking about each day in turn does not judge the same windows again every day. With `only`, what
    waits for that one person is judged, so that nobody's page waits for a county's import.
    """
    with deployment.database.read() as connection:
        missing = unjudged(connection, deployment, first, last)
    if missing is not None:
        _extend(deployment, *missing)
    work_off(deployment, progress, only)


def ensure_judged_for(deployment: Deployment, first: date, last: date, today: date, only: str | None = None) -> None:
    """As `ensure_judged`, for somebody who asks over the network: for them nothing beyond `horizon` is judged."""
    if first <= horizon(today):
        ensure_judged(deployment, first, min(last, horizon(today)), only=only)
    else:
        work_off(deployment, only=only)


def horizon(today: date) -> date:
    """The last day whose verdicts are kept stored: the end of next month."""
    return month_of(month_of(today).last + DAY).last


def unjudged(connection: Connection, deployment: Deployment, first: date, last: date) -> tuple[date, date] | None:
    """The months for which verdicts must be stored first to say what is owed in a span of days; none if they are."""
    state = register.state(connection)
    span = (month_of(first).first, month_of(last).last)
    if state.basis == deployment.basis and _within(span, state):
        return None
    # To look for the earliest posting is to look at all of them: not each time somebody asks.
    earliest = people.first_posting(connection)
    if earliest is not None and span[1] < earliest:
        return None  # nobody owed anything yet
    span = (month_of(min(max(first, earliest or last), last)).first, span[1])
    return None if state.basis == deployment.basis and _within(span, state) else span


def _within(span: tuple[date, date], state: register.State) -> bool:
    if state.judged_from is None or state.judged_to is None:
        return False
    return state.judged_from <= span[0] and span[1] <= state.judged_to


def _extend(deployment: Deployment, first: date, last: date) -> None:
    with deployment.database.write() as connection:
        state = register.state(connection, lock=True)
        if state.basis != deployment.basis:
            _start_afresh(connection, deployment, state)
            new_spans = [(min(first, state.judged_from or first), max(last, state.judged_to or last))]
        elif state.judged_from is None or state.judged_to is None:
            new_spans = [(first, last)]
        else:
            new_spans = [(first, state.judged_from - DAY), (state.judged_to + DAY, last)]
        for begin, end in new_spans:
            if begin <= end:
                posted = people.posted_between(connection, begin - timedelta(days=31), end + timedelta(days=31))
                people.mark_stale(connection, ((person, begin, end) for person in posted))
        register.set_judged(connection, min(first, state.judged_from or first), max(last, state.judged_to or last))
        # Who is about to store a visit, and saw that no verdicts are stored for its windows, must look again.
        register.bump(connection)


def _start_afresh(connection: Connection, deployment: Deployment, state: register.State) -> None:
    """Throws every stored verdict away; nothing worked out before may be stored after this."""
    obligations.forget(connection)
    if state.basis != deployment.basis:
        # Days may have been reckoned in another zone, also those that were imported before anything was judged.
        visit_rows.set_days(connection, lambda instant: local_day(instant, deployment.zone))
    register.set_basis(connection, deployment.basis)
    register.bump(connection)


def rebuild(deployment: Deployment, first: date, last: date, progress: Progress = no_progress) -> None:
    """Throws every stored verdict away and judges the span from scratch."""
    with deployment.database.write() as connection:
        _start_afresh(connection, deployment, register.state(connection, lock=True))
        spans.clear_all(connection)
        register.set_judged(connection, first, last)
        posted = people.posted_between(connection, first - timedelta(days=31), last + timedelta(days=31))
        people.mark_stale(connection, ((person, first, last) for person in posted))
    work_off(deployment, progress)


def work_off(
    deployment: Deployment, progress: Progress = no_progress, only: str | Collection[str] | None = None
) -> int:
    """Judges everything that is marked stale, or what is marked of some people; the number of people judged."""
    only = [only] if isinstance(only, str) else only
    with deployment.database.read() as connection:
        waiting = spans.waiting(connection)
    done = 0
    while True:
        with deployment.database.read() as connection:
            marks = spans.next_people(connection, CHUNK, only)
        if not marks:
            return done
        done += _judge_marked(deployment, marks)
        progress(min(done, waiting), waiting)


def _judge_marked(deployment: Deployment, marks: dict[str, list[spans.Mark]]) -> int:
    """Judges the marked windows of some people, of as many as is not too much to store at once.

    Those whose facts moved on meanwhile keep their marks.
    """
    with deployment.database.read() as connection:
        state = register.state(connection)
        asked = _share({code: _windows(marks[code], state) for code in sorted(marks)})
        codes = list(asked)
        versions = people.all_versions(connection, codes)
        before, after = judged_again(connection, deployment, asked, state.revision)
    with deployment.database.write() as connection:
        held = people.all_versions(connection, codes, lock=True)
        if register.state(connection).revision != state.revision:
            return 0
        settled = {code for code in codes if held.get(code) == versions.get(code)}
        old = {k: o for k, o in before.items() if o.person in settled}
        obligations.apply(connection, *obligations.differences(old, (o for o in after if o.person in settled)))
        spans.clear(connection, [mark.id for code in settled for mark in marks[code]])
    return len(settled)


def _share(asked: dict[str, list[Window]]) -> dict[str, list[Window]]:
    """The first of these people, with `WORK` windows in all; at least one of them."""
    taken: dict[str, list[Window]] = {}
    work = 0
    for code, its in asked.items():
        work += len(its)
        if taken and work > WORK:
            break
        taken[code] = its
    return taken


def _windows(marks: Sequence[spans.Mark], state: register.State) -> list[Window]:
    """The windows, among those for which verdicts are stored, that share a day with a mark."""
    if state.judged_from is None or state.judged_to is None:
        return []
    found: dict[Window, None] = {}
    for mark in marks:
        # A window belongs to the stored ones if any of its days does: look a month further on both sides.
        first = max(mark.first, state.judged_from - timedelta(days=31))
        last = min(mark.last, state.judged_to + timedelta(days=31))
        if first <= last:
            found.update(dict.fromkeys(w for w in windows(first, last) if is_stored(w, state)))
    return list(found)


def is_stored(window: Window, state: register.State | people.Versions) -> bool:
    """Whether verdicts of this window are stored."""
    if state.judged_from is None or state.judged_to is None:
        return False
    return window.first <= state.judged_to and window.last >= state.judged_from


def judged_again(
    connection: Connection, deployment: Deployment, asked: dict[str, list[Window]], revision: int
) -> tuple[dict[obligations.Key, Obligation], list[Obligation]]:
    """What is stored for these people and windows, and what the facts say now."""
    world = deployment.world(connection, revision)
    before: dict[obligations.Key, Obligation] = {}
    after: list[Obligation] = []
    groups: dict[tuple[Window, ...], list[str]] = defaultdict(list)
    for person, its in asked.items():
        if its:
            groups[tuple(its)].append(person)
    for its_windows, codes in groups.items():
        postings = people.postings_of(connection, codes)
        leaves = people.leaves_of(connection, codes)
        excused = people.excused_of(connection, codes)
        # Every window looks at every visit it is given: a few months at a time, years do not cost their square.
        for some in people.chunks(sorted(its_windows, key=lambda w: (w.first, w.label)), WINDOWS):
            first = midnight(min(w.first for w in some), deployment.zone)
            last = midnight(max(w.last for w in some) + DAY, deployment.zone)
            visits = visit_rows.facts_between(connection, codes, first, last)
            before.update(obligations.stored(connection, codes, [window.label for window in some]))
            for code in codes:
                facts = PersonFacts(
                    code, postings.get(code, ()), leaves.get(code, ()), visits.get(code, ()),
                    excused.get(code, frozenset()),
                )  # fmt: skip
                after += judge(facts, some, world)
    return before, after
