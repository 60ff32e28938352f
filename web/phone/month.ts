/** One month of a person: what was owed, what was done, kept on the phone for times without signal. */

import { heard, service, world } from "./app";
import { recall, remember } from "./core/known";
import type { Obligation, Result, VisitBrief } from "./service";
import { lastOf, monday, plus, weekday } from "./words";

export interface Month {
  readonly obligations: readonly Obligation[];
  readonly visits: readonly VisitBrief[];
}

const named = (month: string): string => `month ${month}`;

/** What the phone knows of it, null if it never asked. */
export async function recallMonth(person: string, month: string): Promise<Month | null> {
  return (await recall<Month>(person, named(month)))?.value ?? null;
}

/** Asks for it, with the weeks that reach over its edges, and keeps it. */
export async function askMonth(person: string, month: string): Promise<Result<Month>> {
  const [from, to] = [monday(`${month}-01`), lastOf(month)];
  const sunday = plus(to, 7 - weekday(to));
  const obligations = await heard(service.obligations(person, from, sunday));
  if (!obligations.ok) return obligations;
  const visits = await heard(service.visits(person, from, sunday));
  if (!visits.ok) return visits;
  const value = { obligations: obligations.value, visits: visits.value };
  await remember(person, named(month), value, world.now());
  return { ...visits, value };
}

/** An obligation of a week or month that the phone has seen. */
export async function recallObligation(
  person: string,
  window: string,
  isIt: (one: Obligation) => boolean,
): Promise<Obligation | null> {
  const months = window.includes("W") ? monthsOfWeek(window) : [window];
  for (const month of months) {
    const found = (await recallMonth(person, month))?.obligations.find(isIt);
    if (found) return found;
  }
  return null;
}

/** The months that an ISO week touches. */
export function monthsOfWeek(window: string): string[] {
  const [year = "", week = "1"] = window.split("-W");
  const first = plus(monday(`${year}-01-04`), 7 * (Number(week) - 1));
  return [...new Set([first.slice(0, 7), plus(first, 6).slice(0, 7)])];
}
