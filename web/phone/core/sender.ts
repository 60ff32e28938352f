/** Sends what waits: small records first, then photos, one request at a time, one sender at a time. */

import { type World, ask, patience } from "./api";
import { written } from "./clock";
import { type Asked, type Reply, heard } from "./hearing";
import { type Event, type Refusal, dueAt, isDue, nextPhoto } from "./machine";
import { happen, photoOf, prune, unsent } from "./outbox";
import { newId } from "./ids";
import type { Saved, Visit } from "./records";
import { sessionDied, sessionOf } from "./sessions";
import { kept } from "./storage";
import { type Turn, inTurn } from "./turns";

/** What a pass came to: how many records are left, and when the next pass makes sense (phone, ms), null if not by time. */
export interface Passed {
  readonly left: number;
  readonly nextAt: number | null;
  /** Nothing can be sent until its person makes room: what becomes of it could not be noted. */
  readonly full?: boolean;
}

/** The name of the Background Sync that the service worker answers with `sendAll`. */
export const SYNC = "outbox";
const SPARE_MS = 15_000;
const FULL_DISK_MS = 60_000;
/** A photo that the phone itself has lost (a damaged disk): its person adds another. */
export const PHOTO_LOST = "photo-lost";
const LOST: Refusal = { kind: "refusal", status: 0, code: PHOTO_LOST, detail: "", errors: [] };

/** Sends everything that is due; null if somebody else is sending and we did not wait for them. */
export async function sendAll(
  world: World,
  locks: LockManager | null = navigator.locks ?? null,
): Promise<Passed | null> {
  const passed = await kept(async () => {
    // What may go gives its room to what must stay.
    await prune(world.now());
    return inTurn((turn) => pass(world, turn), newId(world.now()), world.now, locks);
  });
  // A promise that could not be noted on a full disk is asked for again: sending twice is safe.
  if (passed.ok) return passed.value;
  return { left: (await unsent()).length, nextAt: world.now() + FULL_DISK_MS, full: passed.why === "full" };
}

async function pass(world: World, turn: Turn): Promise<Passed> {
  await recover(world);
  let stopped = 0;
  while (stopped === 0) {
    const chosen = await choose(world);
    if (chosen === null) break;
    const { record, token } = chosen;
    const size = record.photos.reduce((most, photo) => Math.max(most, photo.size), 0);
    if (!(await turn.renew(patience(size) + SPARE_MS))) break;
    stopped = await sendOne(world, record, token);
  }
  const left = await unsent();
  const times = left.map((record) => dueAt(record.progress)).filter((at) => at !== null);
  return { left: left.length, nextAt: times.length > 0 ? Math.max(stopped, Math.min(...times)) : null };
}

/** Whoever held the turn before may have been killed in the middle: what it was sending waits again. */
async function recover(world: World): Promise<void> {
  for (const { id, progress } of await unsent()) {
    if (progress.state === "sending-record" || progress.state === "sending-photos") {
      await happen(id, { type: "interrupted" }, world.now());
    }
  }
}

/**
 * The next record to work on, with its own person's token: first all that still lack their small record.
 *
 * The least tried first: what never gets through must not keep the others from it.
 */
async function choose(world: World): Promise<{ record: Saved; token: string } | null> {
  const due = (await unsent()).filter((record) => isDue(record.progress, world.now()));
  const turn = ({ progress }: Saved): number => (progress.state === "waiting" ? 0 : 1);
  due.sort(
    (one, other) => turn(one) - turn(other) || one.progress.tries - other.progress.tries || one.savedAt - other.savedAt,
  );
  for (const record of due) {
    const session = await sessionOf(record.person);
    if (session && !session.dead) return { record, token: session.token };
    await happen(record.id, { type: "sign-in-needed" }, world.now());
  }
  return null;
}

/** Sends a record or its next photo; until when it makes no sense to go on with others, 0 if it does. */
async function sendOne(world: World, record: Saved, token: string): Promise<number> {
  await happen(record.id, { type: "begin" }, world.now());
  const sha256 = record.progress.recordSentAt === null ? null : nextPhoto(record.progress);
  const asked: Asked = sha256 === null ? { what: "record", visit: record.visit } : { what: "photo", sha256 };
  const reply =
    sha256 === null ? await sendRecord(world, record, token) : await sendPhoto(world, record, sha256, token);
  if (reply === null) {
    await happen(record.id, { type: "photo-refused", sha256: sha256 ?? "", refusal: LOST }, world.now());
    return 0;
  }
  const event = await withSession(heard(asked, reply, record.progress.tries), record.person, token);
  const after = await happen(record.id, event, world.now(), visitIn(event, reply));
  if (event.type === "sign-in-needed") await sessionDied(record.person, token);
  // Only the service's own trouble with this one record leaves the others worth trying.
  const everybodys = event.type === "later" && ["network", "timeout", "foreign", "busy"].includes(event.why);
  return everybodys && after ? (dueAt(after.progress) ?? 0) : 0;
}

/** A refused token that its person has replaced meanwhile says nothing of the new one. */
async function withSession(event: Event, person: string, token: string): Promise<Event> {
  if (event.type !== "sign-in-needed") return event;
  const session = await sessionOf(person);
  return session && !session.dead && session.token !== token ? { type: "interrupted" } : event;
}

function sendRecord(world: World, record: Saved, token: string): Promise<Reply> {
  if (record.kind === "addition") {
    return ask(world, { method: "POST", path: `/visits/${record.visit}/additions`, token, json: record.body });
  }
  const device = { ...record.body.device, sent_at: written(world.now()) };
  return ask(world, { method: "PUT", path: `/visits/${record.visit}`, token, json: { ...record.body, device } });
}

async function sendPhoto(world: World, record: Saved, sha256: string, token: string): Promise<Reply | null> {
  const photo = await photoOf(record.id, sha256);
  if (photo === null) return null;
  const bytes = { data: photo.bytes, type: photo.type };
  return ask(world, { method: "PUT", path: `/visits/${record.visit}/photos/${sha256}`, token, bytes });
}

/** The visit in a promise: as the answer itself, or beside the photo. */
function visitIn(event: Event, reply: Reply): Visit | undefined {
  if (reply.kind !== "answer") return undefined;
  if (event.type === "record-accepted") return reply.json as Visit;
  return event.type === "photo-accepted" ? (reply.json as { visit?: Visit }).visit : undefined;
}
