/** What a person is working on: every change is on the disk before it shows. */

import { announce } from "./changes";
import { newId } from "./ids";
import { CHECK_IN, type Capture, type Draft, type MediaType, type StoredPhoto } from "./records";
import { type Kept, database, kept, writing } from "./storage";

/** As long as the person may still be standing there, a better fix replaces an earlier one. */
export const SAME_STAY_MS = 15 * 60_000;

/** What may be changed by hand. */
export type Change = Partial<Pick<Draft, "activity" | "place" | "functions" | "note">>;

/** The person's draft, null without one; `subject` is a check-in, or the id of the visit that is added to. */
export async function draftOf(person: string, subject: string = CHECK_IN): Promise<Draft | null> {
  return (await (await database()).get("drafts", [person, subject])) ?? null;
}

/** All drafts of a person. */
export async function draftsOf(person: string): Promise<Draft[]> {
  return (await database()).getAll("drafts", IDBKeyRange.bound([person, ""], [person, "\uffff"]));
}

/** Changes the draft, beginning one where there is none. */
export function changeDraft(person: string, subject: string, change: Change, now: number): Promise<Kept<Draft>> {
  return rewrite(person, subject, now, (draft) => ({ ...draft, ...change }));
}

/** Puts a fix into the draft, if it is better than none or than the one taken during the same stay. */
export function captureInto(person: string, capture: Capture, now: number): Promise<Kept<Draft>> {
  return rewrite(person, CHECK_IN, now, (draft) => ({ ...draft, capture: better(draft.capture, capture) }));
}

/** Which of two captures of one draft holds: the first place stood at, by its best fix. */
export function better(old: Capture | null, next: Capture): Capture {
  if (old === null || old.position === null) return next.position === null && old !== null ? old : next;
  if (next.position === null) return old;
  // Later than any stay: the draft was opened again on the way home, or the clock was moved.
  if (Math.abs(next.at - old.at) > SAME_STAY_MS) return old;
  const worst = Number.POSITIVE_INFINITY;
  return (next.position.accuracy_m ?? worst) <= (old.position.accuracy_m ?? worst) ? next : old;
}

/** Adds a photo; the same one twice is one. */
export async function addPhoto(
  person: string,
  subject: string,
  photo: { readonly sha256: string; readonly type: MediaType; readonly bytes: ArrayBuffer },
  now: number,
): Promise<Kept<Draft>> {
  const meta = { sha256: photo.sha256, type: photo.type, size: photo.bytes.byteLength };
  return rewrite(
    person,
    subject,
    now,
    (draft) => ({ ...draft, photos: [...draft.photos.filter((one) => one.sha256 !== meta.sha256), meta] }),
    (draft) => ({ put: { ...meta, record: draft.id, bytes: photo.bytes } }),
  );
}

/** Takes a photo out again. */
export function removePhoto(person: string, subject: string, sha256: string, now: number): Promise<Kept<Draft>> {
  return rewrite(
    person,
    subject,
    now,
    (draft) => ({ ...draft, photos: draft.photos.filter((one) => one.sha256 !== sha256) }),
    (draft) => ({ drop: [draft.id, sha256] }),
  );
}

/** In an addition: announced pictures that will not come, because the service refused them. */
export function withdraw(
  person: string,
  visit: string,
  withdrawn: readonly string[],
  now: number,
): Promise<Kept<Draft>> {
  return rewrite(person, visit, now, (draft) => ({
    ...draft,
    withdrawn: [...new Set([...draft.withdrawn, ...withdrawn])],
  }));
}

/** Throws a draft away, with its photos: the person said so. */
export function dropDraft(person: string, subject: string): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["drafts", "photos"]);
    const draft = await tx.objectStore("drafts").get([person, subject]);
    if (draft) {
      await tx.objectStore("drafts").delete([person, subject]);
      const photos = tx.objectStore("photos");
      for (const key of await photos.index("record").getAllKeys(draft.id)) await photos.delete(key);
    }
    await tx.done;
    announce();
  });
}

function begin(person: string, subject: string, now: number): Draft {
  return {
    person,
    subject,
    id: newId(now),
    startedAt: now,
    activity: null,
    place: null,
    functions: [],
    note: "",
    photos: [],
    withdrawn: [],
    capture: null,
  };
}

type Bytes = { readonly put: StoredPhoto } | { readonly drop: [string, string] };

function rewrite(
  person: string,
  subject: string,
  now: number,
  change: (draft: Draft) => Draft,
  bytes?: (draft: Draft) => Bytes,
): Promise<Kept<Draft>> {
  return kept(async () => {
    const tx = writing(await database(), ["drafts", "photos"]);
    const drafts = tx.objectStore("drafts");
    const draft = change((await drafts.get([person, subject])) ?? begin(person, subject, now));
    const what = bytes?.(draft);
    const writes: Promise<unknown>[] = [drafts.put(draft)];
    if (what && "put" in what) writes.push(tx.objectStore("photos").put(what.put));
    if (what && "drop" in what) writes.push(tx.objectStore("photos").delete(what.drop));
    await Promise.all([...writes, tx.done]);
    announce();
    return draft;
  });
}
