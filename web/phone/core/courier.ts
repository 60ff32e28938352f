/** When to send: on open, at every save, when the network or the person is back, after a pause, and by Background Sync. */

import type { World } from "./api";
import { nudge } from "./outbox";
import { type Passed, SYNC, sendAll } from "./sender";

/** Without anything else to go by (somebody else is sending). */
const LATER_MS = 30_000;
/** Timers of more than this run over; there is no hurry then anyway. */
const LONGEST_MS = 15 * 60_000;

export interface Courier {
  /** Sends what is due; to be called after every save and sign-in. */
  readonly send: () => Promise<void>;
  /** The same, cutting our own pauses short: the person pressed "send now". */
  readonly hurry: () => Promise<void>;
  readonly stop: () => void;
}

interface Page {
  readonly window: Pick<Window, "addEventListener" | "removeEventListener">;
  readonly document: Pick<Document, "addEventListener" | "removeEventListener" | "visibilityState">;
}

/** Begins to send, and goes on until stopped. Several calls at once become one pass and one after it. */
export function courier(world: World, page: Page, pass: (world: World) => Promise<Passed | null> = sendAll): Courier {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const run = async (): Promise<void> => {
    do {
      again = false;
      clearTimeout(timer);
      const passed = await pass(world).catch(() => null);
      const at = passed ? passed.nextAt : world.now() + LATER_MS;
      if (at !== null && !stopped) {
        const wait = Math.min(LONGEST_MS, Math.max(1000, at - world.now()));
        timer = setTimeout(() => void send(), wait);
      }
      if (passed && passed.left > 0) await askForSync();
    } while (again && !stopped);
  };
  const send = (): Promise<void> => {
    again = true;
    running ??= run().finally(() => {
      running = null;
      if (again && !stopped) void send();
    });
    return running;
  };
  const hurry = async (): Promise<void> => {
    await nudge(world.now()).catch(() => undefined);
    await send();
  };
  const back = (): void => void hurry();
  const seen = (): void => {
    if (page.document.visibilityState === "visible") back();
  };
  page.window.addEventListener("online", back);
  page.document.addEventListener("visibilitychange", seen);
  back();
  return {
    send,
    hurry,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      page.window.removeEventListener("online", back);
      page.document.removeEventListener("visibilitychange", seen);
    },
  };
}

/** Where the browser has it (not on iOS), it sends also after the page is closed. */
async function askForSync(): Promise<void> {
  if (typeof navigator === "undefined" || !("serviceWorker" in navigator)) return;
  try {
    const registration = (await navigator.serviceWorker.getRegistration()) as
      (ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } }) | undefined;
    await registration?.sync?.register(SYNC);
  } catch {
    // Refused by its person or by a private window: the page itself goes on sending.
  }
}
