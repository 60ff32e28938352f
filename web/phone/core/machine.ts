/**
 * What becomes of one record on its way to the service: states, events, and what each event makes of each state.
 *
 * Pure: no clock, no storage, no network. Instants are milliseconds since 1970 by the phone's clock.
 */

export const STATES = [
  "draft", // still with the person
  "waiting", // saved; the record itself is to be sent
  "sending-record",
  "waiting-photos", // the service has promised the record; photos are to be sent
  "sending-photos",
  "sent", // the service has promised everything
  "refused", // the record, or one of its photos, will not be taken as it is
  "needs-sign-in", // kept until its person signs in
] as const;
export type State = (typeof STATES)[number];

/** Why something waits; the screen has a sentence for each. */
export type Delay = "network" | "timeout" | "foreign" | "busy" | "server" | "damaged" | "unknown-record";

/** What stands in the way: a delay, or a refusal in the service's own words. */
export type Trouble =
  | { readonly kind: Delay; readonly status: number | null }
  | {
      readonly kind: "refusal";
      readonly status: number;
      readonly code: string;
      readonly detail: string;
      readonly errors: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
    };
export type Refusal = Extract<Trouble, { kind: "refusal" }>;

export interface PhotoProgress {
  readonly sha256: string;
  readonly sentAt: number | null;
  readonly refusal: Refusal | null;
}

export interface Progress {
  readonly state: State;
  /** When the service promised the record, null before. */
  readonly recordSentAt: number | null;
  readonly photos: readonly PhotoProgress[];
  /** Attempts since something last got through. */
  readonly tries: number;
  /** Our own pause: a person, or a network that is back, may cut it short. */
  readonly notBefore: number;
  /** The service's own wish (Retry-After): kept whoever presses what. */
  readonly heldUntil: number;
  readonly trouble: Trouble | null;
  /** When the last promise came. */
  readonly sentAt: number | null;
}

export type Event =
  | { readonly type: "saved" }
  | { readonly type: "begin" }
  | { readonly type: "record-accepted" }
  | { readonly type: "record-refused"; readonly refusal: Refusal }
  | { readonly type: "photo-accepted"; readonly sha256: string }
  | { readonly type: "photo-refused"; readonly sha256: string; readonly refusal: Refusal }
  | { readonly type: "record-unknown" }
  | {
      readonly type: "later";
      readonly why: Delay;
      readonly status: number | null;
      readonly retryAfterS: number | null;
    }
  | { readonly type: "sign-in-needed" }
  | { readonly type: "signed-in" }
  | { readonly type: "interrupted" }
  | { readonly type: "again" }
  | { readonly type: "replaced" }
  | { readonly type: "edited" };
export type EventType = Event["type"];

export const LONGEST_PAUSE_MS = 15 * 60_000;
export const LONGEST_HOLD_MS = 60 * 60_000;
const FIRST_PAUSE_MS = 4_000;

/** A draft with photos, announced by their digests. */
export function begun(photos: readonly string[]): Progress {
  return {
    state: "draft",
    recordSentAt: null,
    photos: photos.map((sha256) => ({ sha256, sentAt: null, refusal: null })),
    tries: 0,
    notBefore: 0,
    heldUntil: 0,
    trouble: null,
    sentAt: null,
  };
}

/** What an event makes of it; an event that has no meaning in a state (an answer that comes too late) changes nothing. */
export function step(from: Progress, event: Event, now: number, random: number): Progress {
  const next = RULES[from.state][event.type];
  return next === undefined ? from : next(from, event as never, now, random);
}

/** Whether it may be tried now. A pause that ends impossibly late was set by a clock since put right. */
export function isDue(progress: Progress, now: number): boolean {
  return (
    isWaiting(progress) &&
    over(progress.notBefore, LONGEST_PAUSE_MS, now) &&
    over(progress.heldUntil, LONGEST_HOLD_MS, now)
  );
}

/** When it may be tried, null if that is not for time to say. */
export function dueAt(progress: Progress): number | null {
  return isWaiting(progress) ? Math.max(progress.notBefore, progress.heldUntil) : null;
}

export function isWaiting(progress: Progress): boolean {
  return progress.state === "waiting" || progress.state === "waiting-photos";
}

/** The next photo to send, in the order in which they were taken. */
export function nextPhoto(progress: Progress): string | null {
  return progress.photos.find((photo) => photo.sentAt === null && photo.refusal === null)?.sha256 ?? null;
}

/** Photos of a record that the service has or may yet get from this phone: neither refused nor lost. */
export function hopeful(progress: Progress): string[] {
  return progress.photos.filter((photo) => photo.sentAt !== null || photo.refusal === null).map((photo) => photo.sha256);
}

/** A pause in ms after so many tries in a row: doubling, with jitter from `random` (0 to 1), capped. */
export function pause(tries: number, random: number): number {
  const grown = FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 20);
  return Math.min(LONGEST_PAUSE_MS, Math.round(grown * (0.5 + random)));
}

function over(until: number, longest: number, now: number): boolean {
  return until <= now || until > now + longest;
}

type Rule<T extends EventType> = (
  from: Progress,
  event: Extract<Event, { type: T }>,
  now: number,
  random: number,
) => Progress;
type Rules = { readonly [S in State]: { readonly [T in EventType]?: Rule<T> } };

/** Where it waits: for its record as long as the service has not promised that, then for its photos. */
function waitingIn(from: Progress): State {
  return from.recordSentAt === null ? "waiting" : "waiting-photos";
}

const fresh = { tries: 0, notBefore: 0, heldUntil: 0, trouble: null } as const;

function wait(from: Progress, _event: unknown): Progress {
  return { ...from, state: waitingIn(from) };
}

function send(from: Progress): Progress {
  return { ...from, state: from.recordSentAt === null ? "sending-record" : "sending-photos" };
}

function delay(from: Progress, event: Extract<Event, { type: "later" }>, now: number, random: number): Progress {
  const tries = from.tries + 1;
  const hold = event.retryAfterS === null ? 0 : Math.min(LONGEST_HOLD_MS, event.retryAfterS * 1000);
  return {
    ...from,
    state: waitingIn(from),
    tries,
    notBefore: now + pause(tries, random),
    heldUntil: hold === 0 ? 0 : now + hold,
    trouble: { kind: event.why, status: event.status },
  };
}

/** After a promise or a refusal of a part: on to what is left, or to the end. */
function settle(from: Progress, now: number): Progress {
  if (nextPhoto(from) !== null) return { ...from, state: "waiting-photos" };
  const refused = from.photos.find((photo) => photo.refusal !== null);
  return refused
    ? { ...from, state: "refused", trouble: refused.refusal }
    : { ...from, ...fresh, state: "sent", sentAt: now };
}

function askToSignIn(from: Progress): Progress {
  return { ...from, state: "needs-sign-in", trouble: null };
}

function mark(from: Progress, sha256: string, change: Partial<PhotoProgress>): Progress {
  return { ...from, photos: from.photos.map((photo) => (photo.sha256 === sha256 ? { ...photo, ...change } : photo)) };
}

function startOver(from: Progress): Progress {
  const photos = from.photos.map((photo) => ({ ...photo, sentAt: null, refusal: null }));
  return { ...from, photos, recordSentAt: null, sentAt: null };
}

const RULES: Rules = {
  draft: {
    saved: (from) => ({ ...startOver(from), ...fresh, state: "waiting" }),
  },
  waiting: {
    begin: send,
    "sign-in-needed": askToSignIn,
    again: (from) => ({ ...from, notBefore: 0 }),
    // Never tried, so nobody has it: it can be taken back. Once tried, the service may hold what its answer was lost of.
    edited: (from) => (from.tries === 0 ? { ...from, ...fresh, state: "draft" } : from),
  },
  "sending-record": {
    "record-accepted": (from, _event, now) =>
      // Tries are kept until a photo gets through: a record taken and forgotten again must not be sent in a circle.
      settle({ ...from, recordSentAt: now, notBefore: 0, heldUntil: 0, trouble: null }, now),
    "record-refused": (from, event) => ({ ...from, state: "refused", trouble: event.refusal }),
    later: delay,
    "sign-in-needed": askToSignIn,
    // Whether it had got through is not known, so it counts as tried.
    interrupted: (from) => ({ ...from, state: "waiting", tries: from.tries + 1, notBefore: 0 }),
  },
  "waiting-photos": {
    begin: send,
    "sign-in-needed": askToSignIn,
    again: (from) => ({ ...from, notBefore: 0 }),
  },
  "sending-photos": {
    "photo-accepted": (from, event, now) =>
      settle(
        { ...mark(from, event.sha256, { sentAt: now }), tries: 0, notBefore: 0, heldUntil: 0, trouble: null },
        now,
      ),
    "photo-refused": (from, event, now) => settle(mark(from, event.sha256, { refusal: event.refusal }), now),
    // The service does not know the record it had promised (a restored copy, perhaps): all of it again.
    "record-unknown": (from, _event, now, random) =>
      delay(startOver(from), { type: "later", why: "unknown-record", status: 404, retryAfterS: null }, now, random),
    later: delay,
    "sign-in-needed": askToSignIn,
    interrupted: (from) => ({ ...from, state: "waiting-photos", notBefore: 0 }),
  },
  sent: {
    // For a service that was restored from an older copy.
    again: (from) => ({ ...startOver(from), ...fresh, state: "waiting" }),
  },
  refused: {
    again: (from) => ({
      ...from,
      ...fresh,
      state: waitingIn(from),
      photos: from.photos.map((photo) => ({ ...photo, refusal: null })),
    }),
    edited: (from) => (from.recordSentAt === null ? { ...startOver(from), ...fresh, state: "draft" } : from),
    // An addition brings other photos in place of those refused.
    replaced: (from, _event, now) =>
      from.recordSentAt === null ? from : { ...from, ...fresh, state: "sent", sentAt: now },
  },
  "needs-sign-in": {
    "signed-in": (from, event) => wait({ ...from, ...fresh }, event),
  },
};
