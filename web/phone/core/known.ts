/** The last known state of things, by person, for times without signal; and the last known skew of the clock. */

import { announce } from "./changes";
import type { Skew } from "./clock";
import { type Kept, database, kept, writing } from "./storage";

const SKEW = "skew";

/** Keeps an answer under a name. */
export function remember(person: string, name: string, value: unknown, now: number): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["known"]);
    await tx.store.put({ person, name, value, at: now });
    await tx.done;
    announce();
  });
}

/** What was kept under a name and when, null if nothing. */
export async function recall<T>(person: string, name: string): Promise<{ value: T; at: number } | null> {
  const found = await (await database()).get("known", [person, name]);
  return found ? { value: found.value as T, at: found.at } : null;
}

/** Forgets all that is known of a person; their records stay. */
export function forget(person: string): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["known"]);
    await tx.store.delete(IDBKeyRange.bound([person, ""], [person, "\uffff"]));
    await tx.done;
  });
}

/** Keeps the skew seen at the latest contact. */
export function rememberSkew(skew: Skew): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["notes"]);
    await tx.store.put({ name: SKEW, value: skew });
    await tx.done;
  });
}

/** The skew at the latest contact, null if there never was one. */
export async function lastSkew(): Promise<Skew | null> {
  return ((await (await database()).get("notes", SKEW))?.value as Skew | undefined) ?? null;
}
