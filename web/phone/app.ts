/** What the screens share: who is signed in, what the phone knows of them, and what is on its way. */

import { computed, shallowReactive } from "vue";

import { refusesToken } from "./core/api";
import { browser } from "./core/world";
import { onChange } from "./core/changes";
import { recall, remember } from "./core/known";
import { type Courier, courier } from "./core/courier";
import { recordsOf } from "./core/outbox";
import { askToPersist } from "./core/persist";
import type { Saved, Session } from "./core/records";
import { currentSession, sessionDied, signedIn, signedOut } from "./core/sessions";
import { sendAll } from "./core/sender";
import { type NotKept, kept } from "./core/storage";
import { language } from "./language";
import { type Me, type Notice, type Result, type Token, serviceFor } from "./service";

export const world = browser(language);
export const service = serviceFor(world, () => state.session?.token ?? null);

export const state = shallowReactive({
  /** Whether the phone's own database has been read, or why it cannot be. */
  ready: false,
  closed: null as NotKept["why"] | null,
  session: null as Session | null,
  agreed: false,
  me: null as Me | null,
  meAt: null as number | null,
  notices: [] as Notice[],
  records: [] as Saved[],
  /** Whether the last call reached the service. */
  reached: true,
  storageFull: false,
  /** Whether a full disk keeps what is saved from being sent. */
  stuck: false,
});

export const unsent = computed(() => state.records.filter((record) => record.progress.state !== "sent").length);
export const unread = computed(() => state.notices.filter((notice) => notice.read_at === null).length);

const CONSENT = "consent";
const ME = "me";
const NOTICES = "notices";
const OFTEN_MS = 60_000;

let sender: Courier | null = null;
let seenAt = 0;
let reading = 0;
let isReading = false;
let readAgain = false;

/** Reads what the phone keeps and begins to send; again only if that could not be read. */
export async function start(): Promise<void> {
  const read = await kept(readPhone);
  state.closed = read.ok ? null : read.why;
  if (!read.ok || state.ready) return;
  state.ready = true;
  onChange(() => void changed());
  window.addEventListener("online", () => void refresh());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void refreshSometimes();
  });
  sender = courier(world, { window, document }, async (its) => {
    const passed = await sendAll(its);
    state.stuck = passed?.full === true;
    return passed;
  });
  void refresh();
}

/** Sends what is due: after a save and a sign-in. */
export async function send(): Promise<void> {
  await sender?.send();
}

/** Sends now, whatever our own pauses say: the person pressed the button. */
export async function hurry(): Promise<void> {
  await sender?.hurry();
}

/**
 * What the phone keeps has changed; once something has arrived, the service knows more than it did.
 *
 * Changes come as fast as fingers type: those that come while one is read are read together after it.
 */
async function changed(): Promise<void> {
  if (isReading) {
    readAgain = true;
    return;
  }
  isReading = true;
  const before = sent();
  try {
    do {
      readAgain = false;
      await readPhone();
    } while (readAgain);
  } finally {
    isReading = false;
  }
  if (sent() > before) await refresh();
}

/** Promises so far: of records, and of records with all their photos. */
function sent(): number {
  const promised = state.records.filter((record) => record.progress.recordSentAt !== null);
  return promised.length + promised.filter((record) => record.progress.state === "sent").length;
}

/** Photos of a visit that are on their way from this phone. */
export function onTheirWay(visit: string): string[] {
  return state.records
    .filter((record) => record.visit === visit && record.progress.state !== "refused")
    .flatMap((record) => record.progress.photos.filter((photo) => photo.sentAt === null).map((photo) => photo.sha256));
}

/** The session, the records and the last known state, as they stand in the database. */
export async function readPhone(): Promise<void> {
  const mine = ++reading;
  const session = await currentSession();
  const person = session?.person ?? null;
  const [records, me, consent, notices] = person
    ? await Promise.all([recordsOf(person), recall<Me>(person, ME), recall<boolean>(person, CONSENT), recall<Notice[]>(person, NOTICES)])
    : [[], null, null, null];
  // A later reading has begun meanwhile: it knows better
  if (mine !== reading) return;
  state.session = session;
  state.records = records;
  state.me = me?.value ?? null;
  state.meAt = me?.at ?? null;
  state.agreed = consent?.value === true;
  state.notices = notices?.value ?? [];
}

/** Asks the service how things stand; what it says is kept for times without signal. */
export async function refresh(): Promise<void> {
  const session = state.session;
  if (!session || session.dead) return;
  const me = await heard(service.me());
  if (!me.ok || state.session?.token !== session.token) return;
  seenAt = world.now();
  await remember(session.person, ME, me.value, seenAt);
  const notices = await heard(service.notices());
  if (notices.ok) await remember(session.person, NOTICES, notices.value.items, world.now());
}

/** The same, unless that was done just now. */
export async function refreshSometimes(): Promise<void> {
  if (world.now() - seenAt > OFTEN_MS) await refresh();
}

/** Notes what a call says of the connection and of the session, and gives it on. */
export async function heard<T>(result: Promise<Result<T>>): Promise<Result<T>> {
  const session = state.session;
  const got = await result;
  state.reached = got.ok || got.why === "refused" || got.why === "server";
  if (session && refusesToken(got)) await sessionDied(session.person, session.token);
  return got;
}

export async function signIn(given: { phone: string; password: string }): Promise<Entered> {
  return enter(await heard(service.signIn(given, state.session?.token ?? null)));
}

export async function activate(given: { phone: string; code: string; password: string }): Promise<Entered> {
  return enter(await heard(service.activate(given)));
}

/** What signing in came to: also, that the service took it and this phone could not keep it. */
export type Entered = Result<Token> | NotKept;

async function enter(result: Result<Token>): Promise<Entered> {
  if (!result.ok) return result;
  const { token, expires_at, person } = result.value;
  const done = await signedIn({ person: person.code, name: person.name, token, expiresAt: expires_at }, world.now());
  if (!done.ok) return done;
  await readPhone();
  await refresh();
  void send();
  return result;
}

/** Signs out here and, if it can be reached, at the service; what is unsent stays and waits for its person. */
export async function signOut(): Promise<void> {
  const session = state.session;
  if (!session) return;
  await service.signOut();
  await signedOut(session.person);
  await readPhone();
}

/** The person has read what is recorded and begins. */
export async function agree(): Promise<void> {
  if (!state.session) return;
  await remember(state.session.person, CONSENT, true, world.now());
  state.agreed = true;
  void askToPersist();
}
