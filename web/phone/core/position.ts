/** Where the phone is: the best of several fixes, found while its person does something else. */

import { distanceM } from "./distance";
import type { NoPosition, SentPosition } from "./records";

/** Worse than this the service has a person look at it (metres). */
export const COARSE_M = 100;
/** Good enough to stop burning the battery (metres). */
export const SHARP_M = 15;
/** How long until "none found" is said; the search goes on behind it. */
export const PATIENCE_MS = 45_000;
/** An older fix says where the phone was, not where it is. */
const FRESH_MS = 2 * 60_000;

export interface Fix {
  readonly position: SentPosition;
  /** When it was taken, by the phone's clock. */
  readonly at: number;
}

/** What the screen shows: searching, a fix (coarse or not), or why there is none. */
export type Found =
  | { readonly kind: "searching" }
  | { readonly kind: "fixed" | "coarse"; readonly fix: Fix }
  | { readonly kind: NoPosition };

export interface Search {
  /** What is known now. */
  readonly found: () => Found;
  readonly stop: () => void;
}

/** Searches until stopped or sharp, telling each change; without the browser's help it is `off`. */
export function search(
  geolocation: Geolocation | undefined,
  now: () => number,
  tell: (found: Found) => void,
  patienceMs: number = PATIENCE_MS,
): Search {
  let found: Found = geolocation ? { kind: "searching" } : { kind: "off" };
  let watching: number | null = null;
  const become = (next: Found): void => {
    if (next === found) return;
    found = next;
    tell(found);
  };
  const stop = (): void => {
    clearTimeout(timer);
    if (watching !== null) geolocation?.clearWatch(watching);
    watching = null;
  };
  const timer = setTimeout(() => become(after(found, "timeout")), patienceMs);
  if (!geolocation) {
    stop();
    tell(found);
    return { found: () => found, stop };
  }
  watching = geolocation.watchPosition(
    ({ coords, timestamp }) => {
      // A provider's own time may be off by hours (GPS weeks); only a believable one is taken.
      const at = Math.abs(timestamp - now()) < FRESH_MS ? timestamp : now();
      become(seen(found, { position: sent(coords), at }));
      if ("fix" in found && (found.fix.position.accuracy_m ?? COARSE_M) <= SHARP_M) stop();
    },
    (error) => become(after(found, error.code === 1 ? "denied" : error.code === 2 ? "off" : "timeout")),
    { enableHighAccuracy: true, maximumAge: 0, timeout: patienceMs },
  );
  return { found: () => found, stop };
}

/** A position as it is sent; Chromium gives WGS-84 also in China. */
export function sent(coords: Pick<GeolocationCoordinates, "latitude" | "longitude" | "accuracy">): SentPosition {
  const round = (value: number, digits: number): number => Number(value.toFixed(digits));
  const accuracy =
    Number.isFinite(coords.accuracy) && coords.accuracy >= 0 ? Math.min(round(coords.accuracy, 1), 1e6) : null;
  return {
    latitude: round(coords.latitude, 7),
    longitude: round(coords.longitude, 7),
    accuracy_m: accuracy,
    crs: "wgs84",
  };
}

/** What is found once there is another fix: the sharper one, unless the person has moved away or the old one is old. */
export function seen(before: Found, fix: Fix): Found {
  const old = "fix" in before ? before.fix : null;
  if (old && fix.at - old.at <= FRESH_MS && !hasMoved(old, fix) && reach(old) <= reach(fix)) return before;
  return { kind: reach(fix) > COARSE_M ? "coarse" : "fixed", fix };
}

/** A fix that is there is not lost by what comes after it. */
function after(before: Found, kind: NoPosition): Found {
  return "fix" in before ? before : { kind };
}

function hasMoved(old: Fix, next: Fix): boolean {
  return distanceM(old.position, next.position) > reach(old) + reach(next);
}

function reach(fix: Fix): number {
  return fix.position.accuracy_m ?? 1e6;
}
