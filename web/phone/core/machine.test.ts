import { describe, expect, it } from "vitest";

import {
  type Event,
  type EventType,
  LONGEST_HOLD_MS,
  LONGEST_PAUSE_MS,
  type Progress,
  type Refusal,
  STATES,
  type State,
  begun,
  dueAt,
  isDue,
  nextPhoto,
  pause,
  step,
} from "./machine";

const NOW = 1_542_677_465_000;
const refusal: Refusal = { kind: "refusal", status: 422, code: "invalid", detail: "…", errors: [] };

const EVENTS: { readonly [T in EventType]: Extract<Event, { type: T }> } = {
  saved: { type: "saved" },
  begin: { type: "begin" },
  "record-accepted": { type: "record-accepted" },
  "record-refused": { type: "record-refused", refusal },
  "photo-accepted": { type: "photo-accepted", sha256: "a" },
  "photo-refused": { type: "photo-refused", sha256: "a", refusal },
  "record-unknown": { type: "record-unknown" },
  later: { type: "later", why: "network", status: null, retryAfterS: null },
  "sign-in-needed": { type: "sign-in-needed" },
  "signed-in": { type: "signed-in" },
  interrupted: { type: "interrupted" },
  again: { type: "again" },
  replaced: { type: "replaced" },
  edited: { type: "edited" },
};

const base = begun(["a", "b"]);
const PROMISED = { recordSentAt: NOW - 1000 };
/** One progress for each state, and a second where the record had been promised already or something was tried. */
const FROM: Readonly<Record<string, Progress>> = {
  draft: base,
  waiting: { ...base, state: "waiting" },
  "waiting, tried": { ...base, state: "waiting", tries: 2, notBefore: NOW + 9000 },
  "sending-record": { ...base, state: "sending-record" },
  "sending-record without photos": { ...begun([]), state: "sending-record" },
  "waiting-photos": { ...base, ...PROMISED, state: "waiting-photos" },
  "sending-photos": { ...base, ...PROMISED, state: "sending-photos" },
  "sending the last photo": { ...begun(["a"]), ...PROMISED, state: "sending-photos" },
  sent: { ...base, ...PROMISED, state: "sent", sentAt: NOW - 500 },
  refused: { ...base, state: "refused", trouble: refusal },
  "refused photo": { ...base, ...PROMISED, state: "refused", trouble: refusal },
  "needs-sign-in": { ...base, state: "needs-sign-in" },
  "needs-sign-in for photos": { ...base, ...PROMISED, state: "needs-sign-in" },
};

/** Where each event leads; what is not named here must change nothing at all. */
const LEADS: Readonly<Record<string, Partial<Record<EventType, State>>>> = {
  draft: { saved: "waiting" },
  waiting: { begin: "sending-record", "sign-in-needed": "needs-sign-in", again: "waiting", edited: "draft" },
  "waiting, tried": { begin: "sending-record", "sign-in-needed": "needs-sign-in", again: "waiting" },
  "sending-record": {
    "record-accepted": "waiting-photos",
    "record-refused": "refused",
    later: "waiting",
    "sign-in-needed": "needs-sign-in",
    interrupted: "waiting",
  },
  "sending-record without photos": {
    "record-accepted": "sent",
    "record-refused": "refused",
    later: "waiting",
    "sign-in-needed": "needs-sign-in",
    interrupted: "waiting",
  },
  "waiting-photos": { begin: "sending-photos", "sign-in-needed": "needs-sign-in", again: "waiting-photos" },
  "sending-photos": {
    "photo-accepted": "waiting-photos",
    "photo-refused": "waiting-photos",
    "record-unknown": "waiting",
    later: "waiting-photos",
    "sign-in-needed": "needs-sign-in",
    interrupted: "waiting-photos",
  },
  "sending the last photo": {
    "photo-accepted": "sent",
    "photo-refused": "refused",
    "record-unknown": "waiting",
    later: "waiting-photos",
    "sign-in-needed": "needs-sign-in",
    interrupted: "waiting-photos",
  },
  sent: { again: "waiting" },
  refused: { again: "waiting", edited: "draft" },
  "refused photo": { again: "waiting-photos", replaced: "sent" },
  "needs-sign-in": { "signed-in": "waiting" },
  "needs-sign-in for photos": { "signed-in": "waiting-photos" },
};

describe("every event in every state", () => {
  const cases = Object.keys(FROM).flatMap((name) =>
    Object.keys(EVENTS).map((type) => [name, type as EventType] as const),
  );

  it("is walked", () => {
    expect(new Set(Object.values(FROM).map(({ state }) => state))).toEqual(new Set(STATES));
    expect(cases).toHaveLength(Object.keys(FROM).length * Object.keys(EVENTS).length);
  });

  it.each(cases)("%s, %s", (name, type) => {
    const from = FROM[name]!;
    const to = step(from, EVENTS[type], NOW, 0.5);
    const lead = LEADS[name]?.[type];
    if (lead === undefined && !(name === "waiting, tried" && type === "edited")) expect(to).toBe(from);
    else expect(to.state).toBe(lead ?? "waiting");
  });
});

/** All that can be reached from a draft by any events in any order, short of counting tries without end. */
function reachable(): Map<string, Progress> {
  const events: Event[] = [
    ...Object.values(EVENTS),
    { type: "photo-accepted", sha256: "b" },
    { type: "photo-refused", sha256: "b", refusal },
  ];
  const known = new Map<string, Progress>();
  const key = (p: Progress): string =>
    JSON.stringify([
      p.state,
      p.recordSentAt,
      p.photos,
      Math.min(p.tries, 2),
      p.notBefore > 0,
      p.trouble?.kind,
      p.sentAt,
    ]);
  const todo = [base];
  for (let progress = todo.pop(); progress; progress = todo.pop()) {
    if (known.has(key(progress))) continue;
    known.set(key(progress), progress);
    for (const event of events) todo.push(step(progress, event, NOW, 0.5));
  }
  return known;
}

describe("whatever happens, in whatever order", () => {
  const all = [...reachable().values()];

  it("every state is reached", () => {
    expect(new Set(all.map(({ state }) => state))).toEqual(new Set(STATES));
    expect(all.length).toBeGreaterThan(60);
  });

  it("sent means that the record was promised, and each photo promised, or refused and replaced by its person", () => {
    for (const progress of all.filter(({ state }) => state === "sent")) {
      expect(progress.recordSentAt).not.toBeNull();
      expect(progress.sentAt).not.toBeNull();
      for (const photo of progress.photos) expect(photo.sentAt ?? photo.refusal).not.toBeNull();
    }
  });

  it("no photo is promised before its record", () => {
    for (const progress of all) {
      if (progress.recordSentAt === null) expect(progress.photos.every((photo) => photo.sentAt === null)).toBe(true);
    }
  });

  it("photos are never lost on the way", () => {
    for (const progress of all) expect(progress.photos.map((photo) => photo.sha256)).toEqual(["a", "b"]);
  });

  it("nothing is stuck: from everywhere a good network and a person get it sent", () => {
    for (const progress of all) {
      let now = progress;
      for (let n = 0; n < 12 && now.state !== "sent"; n++) now = helped(now);
      expect(now.state).toBe("sent");
    }
  });

  function helped(progress: Progress): Progress {
    const photo = nextPhoto(progress);
    const event: Readonly<Record<State, Event>> = {
      draft: EVENTS.saved,
      waiting: EVENTS.begin,
      "sending-record": EVENTS["record-accepted"],
      "waiting-photos": EVENTS.begin,
      "sending-photos": { type: "photo-accepted", sha256: photo ?? "" },
      refused: EVENTS.again,
      "needs-sign-in": EVENTS["signed-in"],
      sent: EVENTS.again,
    };
    return step(progress, event[progress.state], NOW, 0.5);
  }
});

describe("pauses", () => {
  it("grow, with jitter, and stop growing", () => {
    const middle = [1, 2, 3, 4].map((tries) => pause(tries, 0.5));
    expect(middle).toEqual([4000, 8000, 16_000, 32_000]);
    expect([pause(1, 0), pause(1, 1)]).toEqual([2000, 6000]);
    expect(pause(50, 1)).toBe(LONGEST_PAUSE_MS);
  });

  it("a promise ends them, except between a record and its photos", () => {
    const later = step(FROM["sending-record"]!, EVENTS.later, NOW, 0.5);
    expect(isDue(later, NOW)).toBe(false);
    expect(isDue(later, NOW + 4000)).toBe(true);
    const accepted = step(step(later, EVENTS.begin, NOW, 0), EVENTS["record-accepted"], NOW, 0);
    expect(isDue(accepted, NOW)).toBe(true);
    expect(accepted.tries).toBe(1);
    expect(step(step(accepted, EVENTS.begin, NOW, 0), EVENTS["photo-accepted"], NOW, 0).tries).toBe(0);
  });

  it("a record promised and then unknown is not sent in a circle", () => {
    let progress = FROM["sending-photos"]!;
    const pauses: number[] = [];
    for (let n = 0; n < 4; n++) {
      progress = step(progress, EVENTS["record-unknown"], NOW, 0.5);
      pauses.push(progress.notBefore - NOW);
      for (const event of [EVENTS.begin, EVENTS["record-accepted"], EVENTS.begin])
        progress = step(progress, event, NOW, 0.5);
    }
    expect(pauses).toEqual([4000, 8000, 16_000, 32_000]);
  });

  it("the service's own wish outlasts the person's finger, within an hour", () => {
    const asked = (retryAfterS: number): Progress =>
      step(FROM["sending-record"]!, { type: "later", why: "busy", status: 503, retryAfterS }, NOW, 0.5);
    const pressed = step(asked(120), EVENTS.again, NOW, 0);
    expect(dueAt(pressed)).toBe(NOW + 120_000);
    expect(isDue(pressed, NOW + 119_999)).toBe(false);
    expect(dueAt(asked(1e9))).toBe(NOW + LONGEST_HOLD_MS);
  });

  it("one set by a clock that ran ahead does not hold for days", () => {
    const later = step(FROM["sending-record"]!, EVENTS.later, NOW + 2 * 86_400_000, 0.5);
    expect(isDue(later, NOW)).toBe(true);
  });
});
