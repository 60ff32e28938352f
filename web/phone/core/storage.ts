/** The phone's database, and how a full or missing one is told. */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames, openDB } from "idb";

import type { Draft, Known, Saved, Session, StoredPhoto } from "./records";

export interface Tables extends DBSchema {
  drafts: { key: [string, string]; value: Draft };
  records: { key: string; value: Saved; indexes: { person: string } };
  photos: { key: [string, string]; value: StoredPhoto; indexes: { record: string } };
  sessions: { key: string; value: Session };
  known: { key: [string, string]; value: Known };
  notes: { key: string; value: { name: string; value: unknown } };
}
export type Database = IDBPDatabase<Tables>;

export const NAME = "daocun";
const VERSION = 1;

/** A value, or why it is not kept, for the screen to say: `full` disk, or a browser that keeps nothing. */
export type Kept<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: "full" | "unavailable" };

export type NotKept = Extract<Kept<unknown>, { ok: false }>;

let opened: Promise<Database> | null = null;

/** The one connection of this tab or worker, opened again when the browser has closed it. */
export function database(): Promise<Database> {
  opened ??= open().catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** Closes the connection. */
export async function close(): Promise<void> {
  const connection = opened;
  opened = null;
  (await connection?.catch(() => null))?.close();
}

/** A transaction that has reached the disk when it is done: Chromium's own default only promises the system's cache. */
export function writing<const Names extends readonly StoreNames<Tables>[]>(
  connection: Database,
  stores: Names,
): IDBPTransaction<Tables, Names, "readwrite"> {
  const tx = connection.transaction(stores, "readwrite", { durability: "strict" });
  // A request that fails is told to whoever awaits it; that the transaction then fails too is no news.
  tx.done.catch(() => undefined);
  return tx;
}

/** What some work with the database came to; anything but a full or missing disk is a fault of ours and is thrown. */
export async function kept<T>(work: () => Promise<T>): Promise<Kept<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    const why = reason(error);
    if (why === null) throw error;
    return { ok: false, why };
  }
}

async function open(): Promise<Database> {
  const connection = await openDB<Tables>(NAME, VERSION, {
    upgrade(db) {
      db.createObjectStore("drafts", { keyPath: ["person", "subject"] });
      db.createObjectStore("records", { keyPath: "id" }).createIndex("person", "person");
      db.createObjectStore("photos", { keyPath: ["record", "sha256"] }).createIndex("record", "record");
      db.createObjectStore("sessions", { keyPath: "person" });
      db.createObjectStore("known", { keyPath: ["person", "name"] });
      db.createObjectStore("notes", { keyPath: "name" });
    },
    blocking: () => void close(),
    terminated: () => {
      opened = null;
    },
  });
  return connection;
}

function reason(error: unknown): "full" | "unavailable" | null {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") return "full";
  // Private windows and broken profiles; an aborted transaction without a reason is how some engines say "disk full".
  if (name === "AbortError") return "full";
  return ["InvalidStateError", "SecurityError", "UnknownError", "VersionError"].includes(name) ? "unavailable" : null;
}
