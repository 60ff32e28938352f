import { createI18n } from "vue-i18n";
import { expect, test } from "vitest";

import en from "./messages/en.json";
import zh from "./messages/zh.json";
import type { ToDo } from "./service";
import { dayName, distance, lastOf, monthPlus, nearDay, owedSentence, placeName, weeksOf, windowName } from "./words";

const i18n = createI18n({ legacy: false, locale: "zh", fallbackLocale: false as const, messages: { zh, en } });
const speaking = (locale: "zh" | "en") => {
  i18n.global.locale.value = locale;
  return i18n.global.t as (key: string, values?: Record<string, string | number>) => string;
};
const te = (key: string): boolean => i18n.global.te(key);

const TODAY = "2018-11-20"; // a Tuesday
const week: ToDo = {
  duty: "envoy-weekly-visit", person: "E200268", person_name: "王", place: "371481200268", place_name: "东赵村",
  township: "371481200", township_name: "西段乡", window: "2018-W47", opens_on: "2018-11-19", due_on: "2018-11-25",
  status: "due", reason: "", needed: 1, done: 0, visits: [], awaited: [], explanation: null, excuse: null,
  remaining: 1, until: "2018-11-26T00:00:00+08:00", grace_until: "2018-11-29T00:00:00+08:00",
};

test.each([
  [{}, "本周还差 1 次走访，周日截止。", "This week: 1 more visit, until Sunday."],
  [{ status: "met", remaining: 0 }, "本周的走访已完成。", "This week's visit is done."],
  [
    { duty: "envoy-study-day", window: "2018-12", opens_on: "2018-12-15", due_on: "2018-12-15", status: "upcoming" },
    "12月15日要党员集中学习。",
    "15 December: study meeting of party members.",
  ],
  [
    { duty: "secretary-office-day", opens_on: TODAY, due_on: TODAY },
    "今天要中心村坐班，还没有签到。",
    "Today: office day, no check-in yet.",
  ],
  [{ status: "excused", reason: "leave", remaining: 0 }, "本周的走访不用做：已请假。", "This week's visit is not owed: leave."],
  [
    { window: "2018-W46", opens_on: "2018-11-12", due_on: "2018-11-18", status: "grace", grace_until: "2018-11-22T00:00:00+08:00" },
    "上周的走访没有完成。当时已经签到的，明天结束前联网发出还算数；确实没做的，请说明原因。",
    "Last week: visit not done. If you did check in then, connect by the end of tomorrow and it counts; if not, please explain.",
  ],
] as [Partial<ToDo>, string, string][])("what is owed is said in a sentence: %j", (change, chinese, english) => {
  expect(owedSentence(speaking("zh"), te, { ...week, ...change }, TODAY)).toBe(chinese);
  expect(owedSentence(speaking("en"), te, { ...week, ...change }, TODAY)).toBe(english);
});

test("near days are named as people name them", () => {
  const t = speaking("zh");
  expect(["2018-11-19", TODAY, "2018-11-21", "2018-11-25", "2018-11-26"].map((day) => nearDay(t, day, TODAY))).toEqual([
    "昨天", "今天", "明天", "周日", "11月26日",
  ]);
  expect(dayName(speaking("en"), "2018-01-05")).toBe("5 January");
});

test("weeks are named from today", () => {
  const t = speaking("zh");
  const named = (opens_on: string) => windowName(t, { window: "2018-W01", opens_on }, TODAY);
  expect([named("2018-11-05"), named("2018-11-12"), named("2018-11-19"), named("2018-11-26")]).toEqual([
    "11月5日那周", "上周", "本周", "下周",
  ]);
});

test("a month's weeks begin on Mondays and hold all its days", () => {
  const weeks = weeksOf("2018-11");
  expect(weeks.map((days) => days[0])).toEqual(["2018-10-29", "2018-11-05", "2018-11-12", "2018-11-19", "2018-11-26"]);
  expect([lastOf("2020-02"), monthPlus("2018-12", 1), monthPlus("2018-01", -1)]).toEqual(["2020-02-29", "2019-01", "2017-12"]);
});

test("a village is named with its township, a township only once", () => {
  expect(placeName(week)).toBe("西段乡东赵村");
  expect(placeName({ place_name: "西段乡", township_name: "西段乡" })).toBe("西段乡");
});

test("distances are metres, then kilometres", () => {
  const t = speaking("zh");
  expect([distance(t, 12.4), distance(t, 3214), distance(t, 15_800)]).toEqual(["12 米", "3.2 公里", "16 公里"]);
});
