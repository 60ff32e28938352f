/** Calls to the service we came from, with limits in time for slow networks, and what their answers mean. */

import { type Skew, skewOf } from "./clock";
import { type Reply, isObject, isType, refusalIn, retryAfter } from "./hearing";
import type { Refusal } from "./machine";

export const BASE = "/api/v1";
/** A round trip of 2 s, sign-in's slow hash, a busy server; and what a body of so many bytes needs at 10 KB/s. */
const PATIENCE_MS = 20_000;
const SLOWEST_BYTES_PER_MS = 10;

export interface Request {
  readonly method: "GET" | "PUT" | "POST" | "DELETE" | "PATCH";
  /** Below `/api/v1`, with its query. */
  readonly path: string;
  readonly token?: string | null;
  readonly json?: unknown;
  readonly bytes?: { readonly data: ArrayBuffer; readonly type: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a call came to: the service's answer or refusal, or nobody there who is the service. */
export type Result<T> =
  | { readonly ok: true; readonly status: number; readonly value: T; readonly etag: string | null }
  | { readonly ok: false; readonly why: "refused"; readonly refusal: Refusal; readonly retryAfterS: number | null }
  | { readonly ok: false; readonly why: "network" | "timeout" | "foreign" | "server" };

export interface World {
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly language: () => "zh" | "en";
  /** Called at every contact with the service itself. */
  readonly metServer: (skew: Skew) => void;
}

/** How long a request may take, in ms. */
export function patience(bytes: number): number {
  return PATIENCE_MS + bytes / SLOWEST_BYTES_PER_MS;
}

/** Whether the service refused the token itself: a wrong password or a used code is also 401, and says nothing of it. */
export function refusesToken(result: Result<unknown>): boolean {
  return !result.ok && result.why === "refused" && result.refusal.code === "unauthenticated";
}

/** Sends a request and says what came back, whoever answered; never throws for what a network does. */
export async function ask(world: World, request: Request): Promise<Reply> {
  return (await exchange(world, request)).reply;
}

/** Calls the service: its answer as a value, its refusal, or that it was not there. */
export async function call<T>(world: World, request: Request): Promise<Result<T>> {
  const { reply, etag } = await exchange(world, request);
  if (reply.kind !== "answer") return { ok: false, why: reply.kind };
  const { status, type, json } = reply;
  if (status === 204 || (status >= 200 && status < 300 && isType(type, "application/json") && json !== undefined)) {
    return { ok: true, status, value: json as T, etag };
  }
  const refusal = refusalIn(status, type, json);
  if (refusal) return { ok: false, why: "refused", refusal, retryAfterS: reply.retryAfterS };
  return { ok: false, why: status >= 500 && status !== 511 ? "server" : "foreign" };
}

async function exchange(world: World, request: Request): Promise<{ reply: Reply; etag: string | null }> {
  const content = body(request);
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, patience(content.size));
  const sent = world.now();
  try {
    const response = await world.fetch(BASE + request.path, {
      method: request.method,
      headers: headers(world, request, content.type),
      body: content.data,
      signal: abort.signal,
      // Nobody leads us elsewhere: a redirect is a portal's, and it is not to get the token either.
      redirect: "manual",
      cache: "no-store",
      credentials: "omit",
    });
    const received = world.now();
    const type = response.headers.get("Content-Type") ?? "";
    const json =
      isType(type, "application/json") || isType(type, "application/problem+json") ? await parsed(response) : undefined;
    if (isOurs(response.status, type, json)) {
      const skew = skewOf(response.headers.get("Date"), sent, received);
      if (skew) world.metServer(skew);
    }
    const retryAfterS = retryAfter(response.headers.get("Retry-After"), received);
    return {
      reply: { kind: "answer", status: response.status, type, json, retryAfterS },
      etag: response.headers.get("ETag"),
    };
  } catch {
    return { reply: { kind: late ? "timeout" : "network" }, etag: null };
  } finally {
    clearTimeout(timer);
  }
}

/** The text is whole or the request failed; text that is not JSON is nobody's answer. */
async function parsed(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isOurs(status: number, type: string, json: unknown): boolean {
  return status < 400 ? status !== 0 && isObject(json) : refusalIn(status, type, json) !== null;
}

function body(request: Request): { data: BodyInit | null; type: string | null; size: number } {
  if (request.bytes) return { data: request.bytes.data, type: request.bytes.type, size: request.bytes.data.byteLength };
  if (request.json === undefined) return { data: null, type: null, size: 0 };
  const data = JSON.stringify(request.json);
  return { data, type: "application/json", size: data.length };
}

function headers(world: World, request: Request, type: string | null): Record<string, string> {
  const sent: Record<string, string> = {
    Accept: "application/json",
    "Accept-Language": world.language() === "zh" ? "zh-CN" : "en",
    ...request.headers,
  };
  if (type) sent["Content-Type"] = type;
  if (request.token) sent["Authorization"] = `Bearer ${request.token}`;
  return sent;
}
