/** What a person is working on: every change is on the disk before it shows. */

import { announce } from "./changes";
import { distanceM } from "./distance";
import { newId } from "./ids";
import { CHECK_IN, type Capture, type Draft, type MediaType, type StoredPhoto } from "./records";
import { type Kept, database, kept, writing } from "./storage";

/** As long as the person may still be standing there, a better fix replaces an earlier one. */
export const SAME_STAY_MS = 15 * 60_000;

/** Which draft a screen has open; what comes late never lands in the next one. */
export type Open = Pick<Draft, "person" | "subject" | "id">;

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

/**
 * The person's open draft; a new one, with what is likely, where there is none.
 *
 * One of an earlier stay that holds nothing says nothing of where its person stood: all is taken anew, under its id.
 */
export function beginDraft(person: string, subject: string, likely: Change, now: number): Promise<Kept<Draft>> {
  return kept(async () => {
    const tx = writing(await database(), ["drafts"]);
    const open = await tx.store.get([person, subject]);
    if (open && !(isEmpty(open) && Math.abs(now - open.startedAt) > SAME_STAY_MS)) {
      await tx.done;
      return open;
    }
    const draft = { ...fresh(person, subject, now), ...likely, ...(open ? { id: open.id } : {}) };
    await Promise.all([tx.store.put(draft), tx.done]);
    announce();
    return draft;
  });
}

/** Whether its person has put nothing into it; a record made a draft again has all of its own. */
export function isEmpty(draft: Draft): boolean {
  const { photos, functions, withdrawn, note, edited } = draft;
  return photos.length + functions.length + withdrawn.length === 0 && note.trim() === "" && edited !== true;
}

/** Changes the draft; null, here and below, if it is no longer open: saved or thrown away, perhaps in another tab. */
export function changeDraft(open: Open, change: Change): Promise<Kept<Draft | null>> {
  return rewrite(open, (draft) => ({ ...draft, ...change }));
}

/**
 * Puts a fix into the draft, if it is better than none or than the one taken during the same stay.
 *
 * `asked`: its person wants the place looked for again, also after the first photo.
 */
export function captureInto(open: Open, capture: Capture, asked = false): Promise<Kept<Draft | null>> {
  return rewrite(open, (draft) => ({
    ...draft,
    capture: better(draft.capture, capture, asked || draft.photos.length === 0),
  }));
}

/** Which of two captures of one draft holds: the best fix of one stay, of the later place if they may have moved on. */
export function better(old: Capture | null, next: Capture, mayMove: boolean): Capture {
  if (old === null || old.position === null) return next.position === null && old !== null ? old : next;
  if (next.position === null) return old;
  // Later than any stay: the draft was opened again on the way home, or the clock was moved.
  if (Math.abs(next.at - old.at) > SAME_STAY_MS) return old;
  const worst = Number.POSITIVE_INFINITY;
  const [was, is] = [old.position.accuracy_m ?? worst, next.position.accuracy_m ?? worst];
  if (mayMove && next.at > old.at && distanceM(old.position, next.position) > was + is) return next;
  return is <= was ? next : old;
}

/** Adds a photo; the same one twice is one. */
export async function addPhoto(
  open: Open,
  photo: { readonly sha256: string; readonly type: MediaType; readonly bytes: ArrayBuffer },
): Promise<Kept<Draft | null>> {
  const meta = { sha256: photo.sha256, type: photo.type, size: photo.bytes.byteLength };
  return rewrite(
    open,
    (draft) => ({ ...draft, photos: [...draft.photos.filter((one) => one.sha256 !== meta.sha256), meta] }),
    (draft) => ({ put: { ...meta, record: draft.id, bytes: photo.bytes } }),
  );
}

/** Takes a photo out again. */
export function removePhoto(open: Open, sha256: string): Promise<Kept<Draft | null>> {
  return rewrite(
    open,
    (draft) => ({ ...draft, photos: draft.photos.filter((one) => one.sha256 !== sha256) }),
    (draft) => ({ drop: [draft.id, sha256] }),
  );
}

/** In an addition: announced pictures that will not come, because the service refused them. */
export function withdraw(open: Open, withdrawn: readonly string[]): Promise<Kept<Draft | null>> {
  return rewrite(open, (draft) => ({
    ...draft,
    withdrawn: [...new Set([...draft.withdrawn, ...withdrawn])],
  }));
}

/** What a draft may lack that its person should think about before it is saved. */
export type Doubt = "photo" | "position";

/** The first thing it lacks that its person has not been asked about (`asked`: they save it all the same). */
export function doubtOf(draft: Draft, photosNeeded: number, asked: ReadonlySet<Doubt>): Doubt | null {
  if (draft.photos.length < photosNeeded && !asked.has("photo")) return "photo";
  return !draft.capture?.position && !asked.has("position") ? "position" : null;
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

function fresh(person: string, subject: string, now: number): Draft {
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
  { person, subject, id }: Open,
  change: (draft: Draft) => Draft,
  bytes?: (draft: Draft) => Bytes,
): Promise<Kept<Draft | null>> {
  return kept(async () => {
    const tx = writing(await database(), ["drafts", "photos"]);
    const drafts = tx.objectStore("drafts");
    const open = await drafts.get([person, subject]);
    if (open?.id !== id) {
      await tx.done;
      return null;
    }
    const draft = change(open);
    const what = bytes?.(draft);
    const writes: Promise<unknown>[] = [drafts.put(draft)];
    if (what && "put" in what) writes.push(tx.objectStore("photos").put(what.put));
    if (what && "drop" in what) writes.push(tx.objectStore("photos").delete(what.drop));
    await Promise.all([...writes, tx.done]);
    announce();
    return draft;
  });
}
