/** The queue as files that its person can bring to the office, where no network will come in time (docs/handed-in.md). */

import { written } from "./clock";
import { photoOf, recordsOf } from "./outbox";
import type { Saved } from "./records";

export const FORMAT = "daocun-handed-in";
export const VERSION = 1;
/** The service takes 32 MiB; in base64, 18 MB of photos are 24. */
const MOST_BYTES = 18_000_000;
const MOST_RECORDS = 500;
/** A multiple of three: pieces of base64 can then be put together. */
const PIECE = 3 * 8192;

export interface HandIn {
  readonly name: string;
  readonly file: Blob;
  readonly records: number;
}

/**
 * The person's unsent check-ins, photos and all, as one file or several; empty when nothing waits.
 *
 * Additions are not among them: only the phone itself sends those.
 */
export async function handIn(person: string, now: number, most: number = MOST_BYTES): Promise<HandIn[]> {
  const waiting = (await recordsOf(person))
    .filter((record) => record.kind === "check-in" && record.progress.state !== "sent")
    .reverse();
  const groups = grouped(waiting, most);
  const files: HandIn[] = [];
  for (const [place, records] of groups.entries()) {
    const head = {
      format: FORMAT,
      version: VERSION,
      person,
      saved_at: written(now),
      part: place + 1,
      parts: groups.length,
    };
    const parts = [JSON.stringify(head).slice(0, -1), ',"records":['];
    for (const [n, record] of records.entries()) {
      if (n > 0) parts.push(",");
      parts.push(...(await pieces(record)));
    }
    parts.push("]}\n");
    const day = written(now).slice(0, 10);
    const name = `daocun-${person}-${day}${groups.length > 1 ? `-${place + 1}` : ""}.json`;
    files.push({ name, file: new Blob(parts, { type: "application/json" }), records: records.length });
  }
  return files;
}

function grouped(records: readonly Saved[], most: number): Saved[][] {
  const groups: Saved[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const its = record.photos.reduce((sum, photo) => sum + photo.size, 0);
    if (size + its > most || groups[groups.length - 1]?.length === MOST_RECORDS) {
      groups.push([]);
      size = 0;
    }
    groups[groups.length - 1]?.push(record);
    size += its;
  }
  return groups;
}

/** One record as JSON, its photos one at a time: all at once would not fit into a small phone. */
async function pieces(record: Saved): Promise<string[]> {
  const head = { kind: record.kind, id: record.visit, body: record.body };
  const out = [JSON.stringify(head).slice(0, -1), ',"photos":['];
  let held = 0;
  for (const { sha256, type } of record.photos) {
    const photo = await photoOf(record.id, sha256);
    if (photo === null) continue;
    out.push(`${held++ > 0 ? "," : ""}{"sha256":"${sha256}","type":"${type}","data":"`, base64(photo.bytes), '"}');
  }
  out.push("]}");
  return out;
}

function base64(bytes: ArrayBuffer): string {
  const all = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < all.length; at += PIECE) text += btoa(String.fromCharCode(...all.subarray(at, at + PIECE)));
  return text;
}
