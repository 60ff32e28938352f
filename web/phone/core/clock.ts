/** The phone's clock against the server's, and instants as the API writes them. */

/** The skew at a contact: phone clock minus server clock, in whole seconds; `at` is when, by the phone's clock. */
export interface Skew {
  readonly skewS: number;
  readonly at: number;
}

/** What is left open by a `Date` header without fractions of a second. */
const HALF_SECOND_MS = 500;

/**
 * The skew seen at one contact, null if the answer had no proper `Date`.
 *
 * The server is taken to have looked at its clock halfway between question and answer (`sent`, `received`: phone, ms).
 * What the round trip cannot tell from nothing is nothing.
 */
export function skewOf(date: string | null, sent: number, received: number): Skew | null {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (!Number.isFinite(server) || received < sent) return null;
  const off = (sent + received) / 2 - (server + HALF_SECOND_MS);
  const unsure = (received - sent) / 2 + HALF_SECOND_MS;
  return { skewS: Math.abs(off) <= unsure ? 0 : Math.round(off / 1000), at: received };
}

/** The skew as far as it still holds, in seconds: a clock that shows an earlier time than at the contact was turned back. */
export function stillKnown(skew: Skew | null, now: number): number | null {
  return skew === null || now < skew.at ? null : skew.skewS;
}

/** An instant of the phone's clock with the phone's own offset, to the second: `2018-11-20T09:31:05+08:00`. */
export function written(at: number, offsetMinutes = -new Date(at).getTimezoneOffset()): string {
  const local = new Date(at + offsetMinutes * 60_000).toISOString().slice(0, 19);
  const off = Math.abs(offsetMinutes);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${local}${offsetMinutes < 0 ? "-" : "+"}${two(off / 60)}:${two(off % 60)}`;
}
