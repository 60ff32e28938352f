/** Who is signed in on this phone; several people may share one, and each record goes with its own person's token. */

import { announce } from "./changes";
import { step } from "./machine";
import type { Session } from "./records";
import { type Kept, database, kept, writing } from "./storage";

const CURRENT = "person";

/** Keeps a new session and makes its person the current one; what waited for their sign-in may be sent again. */
export function signedIn(session: Omit<Session, "dead">, now: number): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["sessions", "notes", "records"]);
    const writes: Promise<unknown>[] = [
      tx.objectStore("sessions").put({ ...session, dead: false }),
      tx.objectStore("notes").put({ name: CURRENT, value: session.person }),
    ];
    const records = tx.objectStore("records");
    for (const record of await records.index("person").getAll(session.person)) {
      const progress = step(record.progress, { type: "signed-in" }, now, 0);
      if (progress !== record.progress) writes.push(records.put({ ...record, progress }));
    }
    await Promise.all([...writes, tx.done]);
    announce();
  });
}

/** The current person's session, also a dead one; null when nobody is signed in. */
export async function currentSession(): Promise<Session | null> {
  const person = (await (await database()).get("notes", CURRENT))?.value;
  return typeof person === "string" ? sessionOf(person) : null;
}

/** A person's session on this phone, null without one. */
export async function sessionOf(person: string): Promise<Session | null> {
  return (await (await database()).get("sessions", person)) ?? null;
}

/** Marks the session as refused by the service, unless its person has signed in anew since. */
export async function sessionDied(person: string, token: string): Promise<void> {
  const tx = writing(await database(), ["sessions"]);
  const session = await tx.store.get(person);
  if (session?.token === token) await tx.store.put({ ...session, dead: true });
  await tx.done;
  announce();
}

/** Forgets the person's session on this phone; what they saved stays and waits for them. */
export function signedOut(person: string): Promise<Kept<void>> {
  return kept(async () => {
    const tx = writing(await database(), ["sessions", "notes"]);
    const current = (await tx.objectStore("notes").get(CURRENT))?.value;
    await tx.objectStore("sessions").delete(person);
    if (current === person) await tx.objectStore("notes").delete(CURRENT);
    await tx.done;
    announce();
  });
}
