/** Records on their way to the service: saved before a word is said about it, and gone only 14 days after its promise. */

import { announce } from "./changes";
import { written } from "./clock";
import { isEmpty } from "./drafts";
import { newId } from "./ids";
import { type Event, begun, hopeful, step } from "./machine";
import { CHECK_IN, type CheckInBody, type Draft, type Saved, type StoredPhoto, type Visit } from "./records";
import { type Kept, database, kept, writing } from "./storage";

/** How long what was sent is kept, so that it can be sent again. */
export const KEPT_MS = 14 * 24 * 3_600_000;

/**
 * Turns the person's check-in draft into a record in the outbox; it is on the disk when this comes back.
 *
 * A draft without an activity or a capture is a fault of the screen's. Null: there is no draft (saved twice), or it is
 * another than the one with this `id`.
 */
export function save(person: string, offline: boolean, now: number, id?: string): Promise<Kept<Saved | null>> {
  return move(person, CHECK_IN, id, (draft) => ({
    id: draft.id,
    kind: "check-in",
    visit: draft.id,
    person,
    savedAt: now,
    photos: draft.photos,
    body: checkIn(draft, offline),
    progress: step(begun(digests(draft)), { type: "saved" }, now, 0),
    answer: null,
  }));
}

/** The same for an addition to a visit; what it withdraws is no longer waited for in the visit's own record. */
export function saveAddition(person: string, visit: string, now: number, id?: string): Promise<Kept<Saved | null>> {
  return move(person, visit, id, (draft) => ({
    id: draft.id,
    kind: "addition",
    visit,
    person,
    savedAt: now,
    photos: draft.photos,
    body: { photos: digests(draft), withdrawn: [...draft.withdrawn], note: draft.note },
    progress: step(begun(digests(draft)), { type: "saved" }, now, 0),
    answer: null,
  }));
}

/** A person's records, latest first. */
export async function recordsOf(person: string): Promise<Saved[]> {
  const found = await (await database()).getAllFromIndex("records", "person", person);
  return found.sort((one, other) => other.savedAt - one.savedAt);
}

/** One record, null if it is not here. */
export async function recordOf(id: string): Promise<Saved | null> {
  return (await (await database()).get("records", id)) ?? null;
}

/** Everybody's records that the service has not promised yet, oldest first. */
export async function unsent(): Promise<Saved[]> {
  const found = await (await database()).getAll("records");
  return found.filter((record) => record.progress.state !== "sent").sort((one, other) => one.savedAt - other.savedAt);
}

/** How many of a person's records are not promised yet. */
export async function countUnsent(person: string): Promise<number> {
  return (await recordsOf(person)).filter((record) => record.progress.state !== "sent").length;
}

/** Photos that a visit cannot be waited for any longer: announced, and no record here can still bring them. */
export function lost(records: readonly Saved[], visit: string, missing: readonly string[]): string[] {
  const its = records.filter((record) => record.visit === visit);
  const coming = its.flatMap((record) => hopeful(record.progress));
  const stuck = its
    .filter(({ progress }) => progress.state === "refused" && progress.recordSentAt !== null)
    .flatMap(({ progress }) => progress.photos.filter((photo) => photo.refusal !== null).map((photo) => photo.sha256));
  return [...new Set([...missing, ...stuck])].filter((sha256) => !coming.includes(sha256));
}

/** A photo's bytes, of a draft or a record. */
export async function photoOf(record: string, sha256: string): Promise<StoredPhoto | null> {
  return (await (await database()).get("photos", [record, sha256])) ?? null;
}

/** Lets something happen to a record, and what the service answered with it; the record as it stands then. */
export async function happen(id: string, event: Event, now: number, answer?: Visit): Promise<Saved | null> {
  const tx = writing(await database(), ["records"]);
  const old = await tx.store.get(id);
  let record = old ?? null;
  if (old) {
    const progress = step(old.progress, event, now, Math.random());
    record = { ...old, progress, answer: answer ?? old.answer };
    if (progress !== old.progress || answer !== undefined) await tx.store.put(record);
  }
  await tx.done;
  announce();
  return record;
}

/** Tries a record again now, as its person wishes: one that waits, one refused, or one sent long ago. */
export function sendAgain(id: string, now: number): Promise<Kept<Saved | null>> {
  return kept(() => happen(id, { type: "again" }, now));
}

/** Tries everything again now: the network is back, or the person says so. */
export async function nudge(now: number): Promise<void> {
  for (const record of await unsent()) {
    if (record.progress.state === "waiting" || record.progress.state === "waiting-photos") {
      await happen(record.id, { type: "again" }, now);
    }
  }
}

/**
 * Makes a refused record, or one never tried, a draft again; null if it is neither, or another draft is open with something in it.
 *
 * A record whose id is taken (by other content, or by somebody else) gets a new one.
 */
export function editAgain(id: string, now: number): Promise<Kept<Draft | null>> {
  return kept(async () => {
    const tx = writing(await database(), ["drafts", "records", "photos"]);
    const record = await tx.objectStore("records").get(id);
    const subject = record?.kind === "addition" ? record.visit : CHECK_IN;
    const open = record ? await tx.objectStore("drafts").get([record.person, subject]) : undefined;
    const edited = record ? step(record.progress, { type: "edited" }, now, 0) : null;
    if (!record || (open && !isEmpty(open)) || edited?.state !== "draft") {
      await tx.done;
      return null;
    }
    const trouble = record.progress.trouble;
    const taken = trouble?.kind === "refusal" && ["visit-differs", "not-found", "conflict"].includes(trouble.code);
    const draft = asDraft(record, subject, taken ? newId(now) : record.id);
    await tx.objectStore("drafts").put(draft);
    await tx.objectStore("records").delete(record.id);
    if (draft.id !== record.id) {
      const photos = tx.objectStore("photos");
      for (const photo of await photos.index("record").getAll(record.id)) {
        await photos.put({ ...photo, record: draft.id });
        await photos.delete([record.id, photo.sha256]);
      }
    }
    await tx.done;
    announce();
    return draft;
  });
}

/** Drops what was promised long enough ago; how many records. */
export async function prune(now: number): Promise<number> {
  const tx = writing(await database(), ["records", "photos"]);
  const photos = tx.objectStore("photos");
  let gone = 0;
  for (const record of await tx.objectStore("records").getAll()) {
    const { state, sentAt } = record.progress;
    if (state !== "sent" || sentAt === null || sentAt + KEPT_MS > now) continue;
    await tx.objectStore("records").delete(record.id);
    for (const key of await photos.index("record").getAllKeys(record.id)) await photos.delete(key);
    gone += 1;
  }
  await tx.done;
  return gone;
}

function move(
  person: string,
  subject: string,
  id: string | undefined,
  make: (draft: Draft) => Saved,
): Promise<Kept<Saved | null>> {
  return kept(async () => {
    // The photos were written with the draft, under the same id: one small transaction makes all of it a record.
    const tx = writing(await database(), ["drafts", "records"]);
    const draft = await tx.objectStore("drafts").get([person, subject]);
    let saved: Saved | null = null;
    if (draft && draft.id === (id ?? draft.id)) {
      saved = make(draft);
      await tx.objectStore("records").put(saved);
      await tx.objectStore("drafts").delete([person, subject]);
      if (saved.kind === "addition" && saved.body.withdrawn.length > 0) {
        const about = await tx.objectStore("records").get(saved.visit);
        if (about) {
          const progress = step(about.progress, { type: "replaced" }, saved.savedAt, 0);
          await tx.objectStore("records").put({ ...about, progress });
        }
      }
    }
    await tx.done;
    announce();
    return saved;
  });
}

function digests(draft: Draft): string[] {
  return draft.photos.map((photo) => photo.sha256);
}

function checkIn(draft: Draft, offline: boolean): CheckInBody {
  const { activity, capture } = draft;
  if (activity === null || capture === null) throw new TypeError("a draft without activity or capture");
  return {
    activity,
    ...(draft.place === null ? {} : { place: draft.place }),
    captured_at: written(capture.at),
    position: capture.position,
    photos: digests(draft),
    functions: [...draft.functions],
    note: draft.note,
    device: {
      skew_s: capture.skewS,
      offline,
      ...(capture.position === null && capture.noPosition !== null ? { no_position: capture.noPosition } : {}),
    },
  };
}

function asDraft(record: Saved, subject: string, id: string): Draft {
  const common = { person: record.person, subject, id, startedAt: record.savedAt, photos: record.photos, edited: true };
  if (record.kind === "addition") {
    const { note, withdrawn } = record.body;
    return { ...common, activity: null, place: null, functions: [], note, withdrawn, capture: null };
  }
  const { activity, place, functions, note, position, captured_at, device } = record.body;
  return {
    ...common,
    activity,
    place: place ?? null,
    functions: functions ?? [],
    note: note ?? "",
    withdrawn: [],
    capture: {
      at: Date.parse(captured_at),
      position,
      noPosition: device.no_position ?? null,
      skewS: device.skew_s,
    },
  };
}
