/** One sender at a time, over all tabs and the service worker. */

import { database, writing } from "./storage";

const NAME = "daocun-outbox";
const LEASE = "lease";

interface Lease {
  readonly holder: string;
  readonly until: number;
}

/** Holds the turn; `renew` before anything that may last, with how long in ms. False: the turn was lost, stop. */
export interface Turn {
  renew(forMs: number): Promise<boolean>;
}

/**
 * Does the work when nobody else is at it.
 *
 * With Web Locks it waits for its turn. Without, it takes a lease that ends by itself when its holder is killed, and
 * comes back with null at once while another holds it.
 */
export async function inTurn<T>(
  work: (turn: Turn) => Promise<T>,
  holder: string,
  now: () => number,
  locks: LockManager | null = navigator.locks ?? null,
): Promise<T | null> {
  if (locks) return locks.request(NAME, () => work({ renew: async () => true }));
  const renew = (forMs: number) => take(holder, now(), forMs);
  if (!(await renew(FIRST_LEASE_MS))) return null;
  try {
    return await work({ renew });
  } finally {
    await release(holder);
  }
}

const FIRST_LEASE_MS = 30_000;
const LONGEST_LEASE_MS = 10 * 60_000;

async function take(holder: string, now: number, forMs: number): Promise<boolean> {
  const tx = writing(await database(), ["notes"]);
  const old = (await tx.store.get(LEASE))?.value as Lease | undefined;
  // A lease that ends later than any lease could was written by a clock since put right.
  const held = old !== undefined && old.holder !== holder && old.until > now && old.until <= now + LONGEST_LEASE_MS;
  if (!held) await tx.store.put({ name: LEASE, value: { holder, until: now + Math.min(forMs, LONGEST_LEASE_MS) } });
  await tx.done;
  return !held;
}

async function release(holder: string): Promise<void> {
  const tx = writing(await database(), ["notes"]);
  const old = (await tx.store.get(LEASE))?.value as Lease | undefined;
  if (old?.holder === holder) await tx.store.delete(LEASE);
  await tx.done;
}
