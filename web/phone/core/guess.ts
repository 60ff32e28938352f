/** The activity that a person most likely came for, from the day and what they owe. */

import type { Activity } from "./records";

/** What an obligation in `GET /me` says, as far as this needs it. */
export interface Owed {
  readonly duty: string;
  readonly opens_on: string;
  readonly due_on: string;
  readonly remaining: number;
}

/** Which activity a shipped duty asks for; a county's own duties say nothing, so the usual one is guessed. */
const ASKED: Readonly<Record<string, Activity>> = {
  "envoy-weekly-visit": "visit",
  "envoy-study-day": "study",
  "secretary-office-day": "office",
  "secretary-monthly-round": "visit",
  "leader-monthly-day": "visit",
};

/** The activity of what is owed on just this day, else of what is owed soonest, else a visit; without a posting: other. */
export function guess(today: string, owed: readonly Owed[], hasPosting: boolean): Activity {
  const open = owed.filter((one) => one.remaining > 0 && one.opens_on <= today && today <= one.due_on);
  const first = open
    .filter((one) => ASKED[one.duty] !== undefined)
    .sort((one, other) => days(one) - days(other) || one.due_on.localeCompare(other.due_on))[0];
  return first ? (ASKED[first.duty] ?? "visit") : hasPosting ? "visit" : "other";
}

function days(one: Owed): number {
  return Date.parse(one.due_on) - Date.parse(one.opens_on);
}
