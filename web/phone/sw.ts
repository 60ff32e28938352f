/** Keeps the pages on the phone, so that later starts need no network. */

import { SYNC, sendAll } from "./core/sender";
import { browser } from "./core/world";

declare const __FILES__: string[];
declare const __VERSION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const SHELL = `shell-${__VERSION__}`;

worker.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(tidy().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  // The API is never kept: what the phone knows of it is in its own database
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (__FILES__.includes(url.pathname)) event.respondWith(kept(event.request, url.pathname));
});

// Background Sync, where the browser has it: there is a network again, whether the app is open or not
worker.addEventListener("sync" as "activate", (event: ExtendableEvent & { readonly tag?: string }) => {
  if (event.tag === SYNC) event.waitUntil(sendRest());
});

/** Fails while something is left that time may cure: then the browser asks again. */
async function sendRest(): Promise<void> {
  const passed = await sendAll(browser(() => "zh"));
  if (passed === null || passed.nextAt !== null) throw new Error("more is to be sent");
}

/** All or nothing: a start without network must find every file of one version. */
async function fill(): Promise<void> {
  const cache = await caches.open(SHELL);
  await cache.addAll(__FILES__.map((file) => new Request(file, { cache: "no-cache" })));
}

async function tidy(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("shell-") && name !== SHELL).map((name) => caches.delete(name)),
  );
}

async function kept(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(SHELL);
  return (await cache.match(path)) || fetch(request);
}
