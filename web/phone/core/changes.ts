/** Tells every screen of the app, in whatever tab, that what the phone keeps has changed. */

const NAME = "daocun-changes";
type Listener = () => void;

const listeners = new Set<Listener>();
let channel: BroadcastChannel | null | undefined;

/** Says that something has changed. */
export function announce(): void {
  for (const listener of listeners) listener();
  others()?.postMessage(null);
}

/** Calls back at every change, here or in another tab or the service worker; what it gives back ends that. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  others();
  return () => listeners.delete(listener);
}

function others(): BroadcastChannel | null {
  if (channel === undefined) {
    channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
    if (channel) {
      channel.onmessage = () => {
        for (const listener of listeners) listener();
      };
      // Node keeps a process alive for an open channel; browsers do not know the word.
      (channel as { unref?: () => void }).unref?.();
    }
  }
  return channel;
}
