import { beforeEach, describe, expect, it } from "vitest";

import * as drafts from "./drafts";
import { draftOf, dropDraft, removePhoto } from "./drafts";
import { step } from "./machine";
import {
  KEPT_MS,
  countUnsent,
  editAgain,
  happen,
  photoOf,
  prune,
  recordOf,
  recordsOf,
  save,
  sendAgain,
  unsent,
} from "./outbox";
import { CHECK_IN, type Saved } from "./records";
import { type Kept, close, database, kept } from "./storage";
import { CAPTURE, NOON, PERSON, addPhoto, captureInto, changeDraft, emptyPhone, picture } from "./testing";

beforeEach(emptyPhone);

function value<T>(result: Kept<T>): T {
  if (!result.ok) throw new Error(result.why);
  return result.value;
}

/** What is on the disk, as an app started anew would find it. */
async function restarted<T>(read: () => Promise<T>): Promise<T> {
  await close();
  return read();
}

async function drafted(): Promise<string> {
  await changeDraft(PERSON, CHECK_IN, { activity: "visit", note: "东赵村" }, NOON);
  await captureInto(PERSON, CAPTURE, NOON);
  const photo = await picture(1);
  await addPhoto(PERSON, CHECK_IN, photo, NOON);
  return photo.sha256;
}

async function saved(): Promise<Saved> {
  await drafted();
  return value(await save(PERSON, true, NOON))!;
}

describe("a draft", () => {
  it("is on the disk after each change", async () => {
    await changeDraft(PERSON, CHECK_IN, { activity: "study" }, NOON);
    expect(await restarted(() => draftOf(PERSON))).toMatchObject({ activity: "study", photos: [] });
    const { id } = (await draftOf(PERSON))!;
    await changeDraft(PERSON, CHECK_IN, { note: "党员活动日" }, NOON);
    const photo = await picture(1);
    await addPhoto(PERSON, CHECK_IN, photo, NOON);
    const found = await restarted(() => draftOf(PERSON));
    expect(found).toMatchObject({
      id,
      activity: "study",
      note: "党员活动日",
      photos: [{ sha256: photo.sha256, size: 1000 }],
    });
    expect((await photoOf(id, photo.sha256))?.bytes.byteLength).toBe(1000);
  });

  it("keeps the place first stood at, by its best fix", async () => {
    const at = (accuracy_m: number, minutes: number) => ({
      ...CAPTURE,
      at: NOON + minutes * 60_000,
      position: { ...CAPTURE.position!, accuracy_m },
    });
    const accuracy = async () => (await draftOf(PERSON))?.capture?.position?.accuracy_m;
    await captureInto(PERSON, { ...CAPTURE, position: null, noPosition: "timeout" }, NOON);
    await captureInto(PERSON, at(80, 1), NOON);
    expect(await accuracy()).toBe(80);
    await captureInto(PERSON, at(200, 2), NOON);
    expect(await accuracy()).toBe(80);
    await captureInto(PERSON, at(9, 3), NOON);
    expect(await accuracy()).toBe(9);
    await captureInto(PERSON, at(5, 60), NOON); // on the way home
    expect(await accuracy()).toBe(9);
    await captureInto(PERSON, { ...CAPTURE, position: null, noPosition: "off" }, NOON);
    expect(await accuracy()).toBe(9);
  });

  it("loses a photo taken out, and everything when its person throws it away", async () => {
    const sha = await drafted();
    const { id } = (await draftOf(PERSON))!;
    await removePhoto((await draftOf(PERSON))!, sha);
    expect([(await draftOf(PERSON))?.photos, await photoOf(id, sha)]).toEqual([[], null]);
    await drafted();
    await dropDraft(PERSON, CHECK_IN);
    expect([await draftOf(PERSON), await photoOf(id, sha)]).toEqual([null, null]);
  });

  it("follows its person within one stay, but not with a photo unless they ask", async () => {
    const village = { ...CAPTURE, at: NOON + 600_000, position: { ...CAPTURE.position!, latitude: 37.83, accuracy_m: 20 } };
    const latitude = async () => (await draftOf(PERSON))?.capture?.position?.latitude;
    await captureInto(PERSON, CAPTURE, NOON); // on the road, 12 m sharp
    await captureInto(PERSON, village, NOON);
    expect(await latitude()).toBe(37.83);
    await addPhoto(PERSON, CHECK_IN, await picture(1), NOON);
    const home = { ...village, at: NOON + 900_000, position: { ...village.position, latitude: 37.9, accuracy_m: 30 } };
    await captureInto(PERSON, home, NOON);
    expect(await latitude()).toBe(37.83);
    await drafts.captureInto((await draftOf(PERSON))!, home, true);
    expect(await latitude()).toBe(37.9);
  });

  it("with nothing in it is begun anew after the stay, with something in it or before that it is not", async () => {
    const again = (minutes: number) => drafts.beginDraft(PERSON, CHECK_IN, { activity: "study" }, NOON + minutes * 60_000);
    const first = value(await drafts.beginDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON));
    await captureInto(PERSON, CAPTURE, NOON);
    expect(value(await again(15))).toMatchObject({ activity: "visit", capture: CAPTURE });
    expect(value(await again(16))).toMatchObject({ id: first.id, activity: "study", capture: null });
    await captureInto(PERSON, CAPTURE, NOON);
    await addPhoto(PERSON, CHECK_IN, await picture(1), NOON);
    expect(value(await again(600))).toMatchObject({ capture: CAPTURE, startedAt: NOON + 16 * 60_000 });
  });

  it("takes nothing that comes late from the one before, and none is begun by it", async () => {
    await drafted();
    const before = (await draftOf(PERSON))!;
    await save(PERSON, true, NOON);
    const late = async () => [
      value(await drafts.changeDraft(before, { note: "晚了" })),
      value(await drafts.captureInto(before, CAPTURE)),
      value(await drafts.addPhoto(before, await picture(2))),
      value(await removePhoto(before, "x")),
      value(await drafts.withdraw(before, ["x"])),
    ];
    expect([await late(), await draftOf(PERSON)]).toEqual([[null, null, null, null, null], null]);
    const next = value(await drafts.beginDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON));
    expect([await late(), await draftOf(PERSON)]).toEqual([[null, null, null, null, null], next]);
    expect(await photoOf(before.id, (await picture(2)).sha256)).toBeNull();
    expect(value(await save(PERSON, true, NOON, before.id))).toBeNull();
  });

  it("is doubted for one thing at a time", async () => {
    const empty = value(await drafts.beginDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON));
    const doubts = (...asked: drafts.Doubt[]) => drafts.doubtOf(empty, 1, new Set(asked));
    expect([doubts(), doubts("photo"), doubts("photo", "position")]).toEqual(["photo", "position", null]);
    expect(drafts.doubtOf({ ...empty, capture: CAPTURE }, 0, new Set())).toBeNull();
  });

  it("belongs to its person", async () => {
    await drafted();
    expect(await draftOf("P002")).toBeNull();
  });
});

describe("saving", () => {
  it("puts record and photos on the disk before it comes back", async () => {
    const sha = await drafted();
    const { id } = (await draftOf(PERSON))!;
    expect((await save(PERSON, true, NOON)).ok).toBe(true);
    const record = await restarted(() => recordOf(id));
    expect(record).toMatchObject({ id, visit: id, person: PERSON, kind: "check-in", progress: { state: "waiting" } });
    expect(record?.body).toMatchObject({
      activity: "visit",
      photos: [sha],
      note: "东赵村",
      device: { skew_s: 0, offline: true },
    });
    expect(Date.parse((record as { body: { captured_at: string } }).body.captured_at)).toBe(NOON);
    expect((await photoOf(id, sha))?.bytes.byteLength).toBe(1000);
    expect([await draftOf(PERSON), await countUnsent(PERSON)]).toEqual([null, 1]);
  });

  it("twice is once", async () => {
    await saved();
    expect(value(await save(PERSON, true, NOON))).toBeNull();
    expect(await recordsOf(PERSON)).toHaveLength(1);
  });

  it("without a position says why", async () => {
    await changeDraft(PERSON, CHECK_IN, { activity: "other" }, NOON);
    await captureInto(PERSON, { at: NOON, position: null, noPosition: "denied", skewS: null }, NOON);
    expect(value(await save(PERSON, false, NOON))?.body).toMatchObject({
      position: null,
      device: { no_position: "denied", skew_s: null, offline: false },
    });
  });

  it("either writes all or nothing, also when the disk is full", async () => {
    await drafted();
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function full(this: IDBObjectStore, ...args: Parameters<typeof put>) {
      if (this.name === "records") throw new DOMException("no room", "QuotaExceededError");
      return put.apply(this, args);
    };
    try {
      expect(await save(PERSON, true, NOON)).toEqual({ ok: false, why: "full" });
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    const draft = await restarted(() => draftOf(PERSON));
    expect([draft?.photos.length, await countUnsent(PERSON)]).toEqual([1, 0]);
    expect((await save(PERSON, true, NOON)).ok).toBe(true);
  });
});

describe("what is kept", () => {
  it("stays until 14 days after its promise, photos too, and can be sent again", async () => {
    const { id, photos } = await saved();
    for (const event of [
      { type: "begin" },
      { type: "record-accepted" },
      { type: "begin" },
      { type: "photo-accepted", sha256: photos[0]!.sha256 },
    ] as const) {
      await happen(id, event, NOON);
    }
    expect((await recordOf(id))?.progress.state).toBe("sent");
    expect(await prune(NOON + KEPT_MS - 1)).toBe(0);
    expect(value(await sendAgain(id, NOON))?.progress.state).toBe("waiting");
    expect(await prune(NOON + 10 * KEPT_MS)).toBe(0);
    for (const event of [
      { type: "begin" },
      { type: "record-accepted" },
      { type: "begin" },
      { type: "photo-accepted", sha256: photos[0]!.sha256 },
    ] as const) {
      await happen(id, event, NOON);
    }
    expect(await prune(NOON + KEPT_MS)).toBe(1);
    expect([await recordOf(id), await photoOf(id, photos[0]!.sha256)]).toEqual([null, null]);
  });

  it("unsent is never pruned", async () => {
    await saved();
    expect(await prune(NOON + 1000 * KEPT_MS)).toBe(0);
    expect(await unsent()).toHaveLength(1);
  });
});

describe("editing", () => {
  const refuse = async (id: string, code: string): Promise<void> => {
    await happen(id, { type: "begin" }, NOON);
    await happen(
      id,
      { type: "record-refused", refusal: { kind: "refusal", status: 422, code, detail: "", errors: [] } },
      NOON,
    );
  };

  it("a refused record becomes a draft of the same id, and can be saved again", async () => {
    const { id, photos } = await saved();
    await refuse(id, "invalid");
    const draft = value(await editAgain(id, NOON));
    expect(draft).toMatchObject({ id, activity: "visit", note: "东赵村", photos, capture: { ...CAPTURE, at: NOON } });
    expect(await recordOf(id)).toBeNull();
    await changeDraft(PERSON, CHECK_IN, { place: "371481200268" }, NOON);
    expect(value(await save(PERSON, true, NOON))).toMatchObject({
      id,
      body: { place: "371481200268" },
      progress: { state: "waiting" },
    });
  });

  it("an id that is taken is changed, the photos go along", async () => {
    const { id, photos } = await saved();
    await refuse(id, "visit-differs");
    const draft = value(await editAgain(id, NOON))!;
    expect(draft.id).not.toBe(id);
    expect((await photoOf(draft.id, photos[0]!.sha256))?.bytes.byteLength).toBe(1000);
    expect(await photoOf(id, photos[0]!.sha256)).toBeNull();
  });

  it("an open draft with nothing in it is no hindrance, and what is edited keeps its time and place", async () => {
    await changeDraft(PERSON, CHECK_IN, { activity: "other" }, NOON);
    await captureInto(PERSON, CAPTURE, NOON);
    const { id } = value(await save(PERSON, true, NOON))!;
    await refuse(id, "invalid");
    await changeDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON);
    expect(value(await editAgain(id, NOON))).toMatchObject({ id, activity: "other" });
    const opened = value(await drafts.beginDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON + 86_400_000));
    expect(opened).toMatchObject({ id, activity: "other", capture: CAPTURE });
  });

  it("a record that may have arrived is not edited, and no other draft is overwritten", async () => {
    const { id } = await saved();
    await happen(id, { type: "begin" }, NOON);
    await happen(id, { type: "later", why: "network", status: null, retryAfterS: null }, NOON);
    expect(value(await editAgain(id, NOON))).toBeNull();
    await happen(id, { type: "begin" }, NOON);
    await refuse(id, "invalid");
    await changeDraft(PERSON, CHECK_IN, { note: "another" }, NOON);
    expect(value(await editAgain(id, NOON))).toBeNull();
    expect((await draftOf(PERSON))?.note).toBe("another");
  });
});

it("every write asks for the disk itself", async () => {
  const asked: unknown[] = [];
  const connection = await database();
  const transaction = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function spy(this: IDBDatabase, ...args: Parameters<typeof transaction>) {
    if (args[1] === "readwrite") asked.push(args[2]);
    return transaction.apply(this, args);
  };
  try {
    const { id } = await saved();
    await happen(id, { type: "begin" }, NOON);
    await prune(NOON);
    await editAgain(id, NOON);
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
  expect(connection.name).toBe("daocun");
  expect(asked.length).toBeGreaterThan(6);
  for (const options of asked) expect(options).toEqual({ durability: "strict" });
});

it("a fault of ours is not taken for a full disk", async () => {
  await expect(kept(async () => step(undefined as never, { type: "begin" }, 0, 0))).rejects.toThrow(TypeError);
});
