/** Days, places and duties as people say them; the sentences themselves are in messages/. */

import type { CountsFor, Obligation, ToDo } from "./service";

/** What vue-i18n's `t` does; so that this can be tested without an app. */
export type Say = (key: string, values?: Record<string, string | number>) => string;

const DAY_MS = 86_400_000;

/** A local day as UTC's midnight: days are counted, never instants. */
function at(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function plus(day: string, days: number): string {
  return new Date(at(day) + days * DAY_MS).toISOString().slice(0, 10);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((at(to) - at(from)) / DAY_MS);
}

/** 1 Monday … 7 Sunday. */
export function weekday(day: string): number {
  return new Date(at(day)).getUTCDay() || 7;
}

export function monday(day: string): string {
  return plus(day, 1 - weekday(day));
}

/** The days from the Monday of the month's first week to the Sunday of its last; `month` is like 2018-11. */
export function weeksOf(month: string): string[][] {
  const last = lastOf(month);
  const weeks: string[][] = [];
  for (let day = monday(`${month}-01`); day <= last; day = plus(day, 7)) {
    weeks.push([0, 1, 2, 3, 4, 5, 6].map((n) => plus(day, n)));
  }
  return weeks;
}

export function lastOf(month: string): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
}

export function monthPlus(month: string, months: number): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7);
}

/** A place is always named with its township: many villages share a name. */
export function placeName(place: { place_name: string; township_name?: string | null }): string {
  const township = place.township_name;
  return township && township !== place.place_name ? `${township}${place.place_name}` : place.place_name;
}

/** 11月25日, 25 November. */
export function dayName(t: Say, day: string): string {
  const [, month = 0, date = 0] = day.split("-").map(Number);
  return t("day.date", { month: t(`month.${month}`), day: date });
}

/** A day as near as it is: 今天, 明天, 周日, 11月30日. */
export function nearDay(t: Say, day: string, today: string): string {
  const away = daysBetween(today, day);
  if (away === 0) return t("day.today");
  if (away === 1) return t("day.tomorrow");
  if (away === -1) return t("day.yesterday");
  if (monday(day) === monday(today)) return t(`weekday.${weekday(day)}`);
  return dayName(t, day);
}

/** The end of a time: midnight belongs to the day before, as people say it. */
export function endName(t: Say, instant: string, today: string): string {
  const day = instant.slice(0, 10);
  return instant.slice(11, 16) === "00:00" ? t("day.end", { day: nearDay(t, plus(day, -1), today) }) : timeName(t, instant, today);
}

/** A time of the county's, as the service wrote it. */
export function timeName(t: Say, instant: string, today: string): string {
  const near = nearDay(t, instant.slice(0, 10), today);
  return t("day.time", { day: near, time: instant.slice(11, 16) });
}

export function dutyName(t: Say, te: (key: string) => boolean, code: string): string {
  return te(`duty.${code}`) ? t(`duty.${code}`) : t("duty.other", { code });
}

/** The week or month of an obligation, as seen from today: 本周, 下周, 上周, 本月, 11月. */
export function windowName(t: Say, owed: Pick<Obligation, "window" | "opens_on">, today: string): string {
  if (owed.window.includes("W")) {
    const weeks = Math.round(daysBetween(monday(today), monday(owed.opens_on)) / 7);
    if (weeks >= -1 && weeks <= 1) return t(`window.week.${weeks + 1}`);
    return t("window.weekOf", { day: dayName(t, monday(owed.opens_on)) });
  }
  if (owed.window === today.slice(0, 7)) return t("window.thisMonth");
  return t(`month.${Number(owed.window.slice(5, 7))}`);
}

/** What is owed, in a sentence: 本周还差 1 次走访，周日截止。 */
export function owedSentence(t: Say, te: (key: string) => boolean, owed: ToDo, today: string): string {
  const values = {
    window: windowName(t, owed, today),
    what: dutyName(t, te, owed.duty),
    n: owed.remaining,
    until: nearDay(t, owed.due_on, today),
    opens: nearDay(t, owed.opens_on, today),
    grace: endName(t, owed.grace_until, today),
  };
  const oneDay = owed.opens_on === owed.due_on;
  if (owed.status === "excused") return t(`owed.excused.${owed.reason || "decision"}`, values);
  if (owed.status === "due" && oneDay) return t("owed.dueToday", values);
  if (owed.status === "upcoming") return t(oneDay ? "owed.upcomingDay" : "owed.upcoming", values);
  return t(`owed.${owed.status}`, values);
}

/** The duty that a visit counts for, as it stands now: 本周走访：已完成。 */
export function countsSentence(t: Say, te: (key: string) => boolean, owed: CountsFor | Obligation, today: string): string {
  return t("visit.countsFor", {
    window: windowName(t, owed, today),
    what: dutyName(t, te, owed.duty),
    status: t(`status.${owed.status}`),
  });
}

/** 320 米, 3.2 公里. */
export function distance(t: Say, metres: number): string {
  return metres < 1000
    ? t("unit.metres", { n: Math.round(metres) })
    : t("unit.kilometres", { n: (metres / 1000).toFixed(metres < 10_000 ? 1 : 0) });
}

/** How a position's accuracy is said: precise, usable or poor. */
export function accuracyWord(metres: number | null): "good" | "fair" | "poor" {
  if (metres === null || metres > 100) return "poor";
  return metres <= 30 ? "good" : "fair";
}
