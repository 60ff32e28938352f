/** What an answer from the network means for what was asked: the service's own word, or anything else that answers. */

import type { Delay, Event, Refusal } from "./machine";

/** What came back over the wire; `json` is undefined unless the body was JSON and said so. */
export type Reply =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly type: string;
      readonly json: unknown;
      readonly retryAfterS: number | null;
    }
  | { readonly kind: "network" }
  | { readonly kind: "timeout" };

/** What was asked: to take the record of a visit (or an addition to it), or one of its photos. */
export type Asked =
  { readonly what: "record"; readonly visit: string } | { readonly what: "photo"; readonly sha256: string };

/** How often something that arrived damaged is sent again before a person is told. */
export const DAMAGED_TRIES = 6;

/** What our service says when bytes were lost or changed on the way: the same bytes may fit next time. */
const DAMAGED: ReadonlySet<string> = new Set([
  "body-cut",
  "bad-request",
  "malformed-body",
  "length-required",
  "photo-digest",
  "photo-length",
  "photo-truncated",
]);

/** Statuses that pass by themselves, whoever between us and the service says them. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** The event that a reply is for what was asked; `tries` are those before it. */
export function heard(asked: Asked, reply: Reply, tries: number): Event {
  if (reply.kind !== "answer") return later(reply.kind, null, null);
  if (isPromise(asked, reply.status, reply.type, reply.json)) {
    return asked.what === "record" ? { type: "record-accepted" } : { type: "photo-accepted", sha256: asked.sha256 };
  }
  if (BUSY.has(reply.status)) return later("busy", reply.status, reply.retryAfterS);
  if (reply.status >= 500 && reply.status !== 511) return later("server", reply.status, reply.retryAfterS);
  const refusal = refusalIn(reply.status, reply.type, reply.json);
  // A portal's page, a redirect, a firewall's 403, a proxy's own 404: not the service's word on anything.
  if (refusal === null) return later("foreign", reply.status, null);
  if (refusal.status === 401) return { type: "sign-in-needed" };
  if (DAMAGED.has(refusal.code) && tries + 1 < DAMAGED_TRIES) return later("damaged", reply.status, null);
  if (asked.what === "record") return { type: "record-refused", refusal };
  if (refusal.code === "not-found") return { type: "record-unknown" };
  return { type: "photo-refused", sha256: asked.sha256, refusal };
}

/** Whether this is the service's promise for exactly what was asked: nothing else counts as sent. */
export function isPromise(asked: Asked, status: number, type: string, json: unknown): boolean {
  if ((status !== 200 && status !== 201) || !isType(type, "application/json") || !isObject(json)) return false;
  return asked.what === "record" ? json["id"] === asked.visit : json["sha256"] === asked.sha256;
}

/** The service's own refusal (RFC 9457), null if somebody else answered. */
export function refusalIn(status: number, type: string, json: unknown): Refusal | null {
  if (status < 400 || !isType(type, "application/problem+json") || !isObject(json)) return null;
  const { code, detail, errors } = json;
  if (typeof code !== "string" || json["status"] !== status) return null;
  return { kind: "refusal", status, code, detail: text(detail) || text(json["title"]), errors: fields(errors) };
}

/** `Retry-After` in seconds, given as a number or as a day and time; null without one that makes sense. */
export function retryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : null;
}

function later(why: Delay, status: number | null, retryAfterS: number | null): Event {
  return { type: "later", why, status, retryAfterS };
}

function fields(errors: unknown): Refusal["errors"] {
  if (!Array.isArray(errors)) return [];
  return errors.filter(isObject).map((error) => ({
    pointer: text(error["pointer"]),
    code: text(error["code"]),
    detail: text(error["detail"]),
  }));
}

export function isType(header: string, type: string): boolean {
  return (header.split(";", 1)[0] ?? "").trim().toLowerCase() === type;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
