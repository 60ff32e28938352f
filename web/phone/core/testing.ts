/** For tests: a service that behaves as ours does, a network that does not, and a phone's empty database. */

import "fake-indexeddb/auto";

import { deleteDB } from "idb";

import type { World } from "./api";
import * as drafts from "./drafts";
import { sha256 } from "./ids";
import { rememberSkew } from "./known";
import { CHECK_IN, type Capture, type Draft } from "./records";
import { type Kept, NAME, close } from "./storage";

export const NOON = Date.parse("2018-11-20T04:00:00Z");
export const PERSON = "P001";
export const TOKEN = "token-of-P001";
export const CAPTURE: Capture = {
  at: NOON,
  position: { latitude: 37.811268, longitude: 117.012492, accuracy_m: 12, crs: "wgs84" },
  noPosition: null,
  skewS: 0,
};

export async function emptyPhone(): Promise<void> {
  await close();
  await deleteDB(NAME);
}

type Did = Kept<Draft | null>;
type Photo = Parameters<typeof drafts.addPhoto>[1];

/** The person's open draft, begun where there is none: as a screen does before anything is changed. */
async function open(person: string, subject: string, now: number): Promise<Draft> {
  const begun = (await drafts.draftOf(person, subject)) ?? (await drafts.beginDraft(person, subject, {}, now));
  if (!("ok" in begun)) return begun;
  if (!begun.ok) throw new Error(begun.why);
  return begun.value;
}
export async function changeDraft(person: string, subject: string, change: drafts.Change, now: number): Promise<Did> {
  return drafts.changeDraft(await open(person, subject, now), change);
}
export async function captureInto(person: string, capture: Capture, now: number): Promise<Did> {
  return drafts.captureInto(await open(person, CHECK_IN, now), capture);
}
export async function addPhoto(person: string, subject: string, photo: Photo, now: number): Promise<Did> {
  return drafts.addPhoto(await open(person, subject, now), photo);
}
export async function withdraw(person: string, subject: string, digests: readonly string[], now: number): Promise<Did> {
  return drafts.withdraw(await open(person, subject, now), digests);
}

/** A photo of so many bytes, with its digest. */
export async function picture(
  fill: number,
  size = 1000,
): Promise<{ sha256: string; type: "image/jpeg"; bytes: ArrayBuffer }> {
  const { buffer } = new Uint8Array(size).fill(fill);
  return { sha256: await sha256(buffer), type: "image/jpeg", bytes: buffer };
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": type, ...headers } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json(status, { type: "about:blank", title: "…", status, code, detail: "原因" }, headers);
}

interface Heard {
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly body: unknown;
}
type Trouble = (heard: Heard) => Response | Error | null;

/** The service as far as an outbox sees it: what it has promised, and what stands between. */
export class Service {
  readonly heard: Heard[] = [];
  readonly visits = new Map<string, { person: string; content: string; body: Record<string, unknown> }>();
  readonly additions: Heard[] = [];
  readonly photos = new Map<string, Uint8Array>();
  readonly people = new Map([[TOKEN, PERSON]]);
  /** What happens before the service hears anything: the request is lost, or somebody else answers. */
  before: Trouble = () => null;
  /** What happens on the way back: the service has acted, the answer is lost. */
  after: Trouble = () => null;
  now = NOON;

  readonly world: World = {
    fetch: (input, init) => this.fetch(String(input), init ?? {}),
    now: () => this.now,
    language: () => "zh",
    metServer: (skew) => void rememberSkew(skew),
  };

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const raw = init.body ?? null;
    const body = typeof raw === "string" ? (JSON.parse(raw) as unknown) : raw;
    const token = headers.get("Authorization")?.replace("Bearer ", "") ?? null;
    const heard = { method: init.method ?? "GET", path, token, body };
    this.heard.push(heard);
    const trouble = this.before(heard);
    if (trouble instanceof Error) throw trouble;
    if (trouble) return trouble;
    const answer = await this.answer(heard);
    const lost = this.after(heard);
    if (lost instanceof Error) throw lost;
    return lost ?? answer;
  }

  private async answer({ method, path, token, body }: Heard): Promise<Response> {
    const person = this.people.get(token ?? "");
    if (person === undefined) return problem(401, "unauthenticated");
    const photo = /^\/api\/v1\/visits\/([^/]+)\/photos\/([^/]+)$/.exec(path);
    if (method === "PUT" && photo) return this.takePhoto(person, photo[1]!, photo[2]!, body as ArrayBuffer);
    const visit = /^\/api\/v1\/visits\/([^/]+)(\/additions)?$/.exec(path);
    if (!visit) return problem(404, "not-found");
    if (visit[2]) return this.takeAddition(person, visit[1]!, { method, path, token, body });
    const { device: _device, ...rest } = body as Record<string, unknown>;
    const old = this.visits.get(visit[1]!);
    const content = JSON.stringify(rest);
    if (old && old.person !== person) return problem(404, "not-found");
    if (old && old.content !== content) return problem(409, "visit-differs");
    this.visits.set(visit[1]!, { person, content, body: old?.body ?? (body as Record<string, unknown>) });
    return json(old ? 200 : 201, { id: visit[1], status: "confirmed" });
  }

  private takeAddition(person: string, id: string, heard: Heard): Response {
    const visit = this.visits.get(id);
    if (visit?.person !== person) return problem(404, "not-found");
    this.additions.push(heard);
    const { photos } = heard.body as { photos: string[] };
    visit.body = { ...visit.body, photos: [...(visit.body["photos"] as string[]), ...photos] };
    return json(200, { id, status: "review" });
  }

  private async takePhoto(person: string, id: string, digest: string, bytes: ArrayBuffer): Promise<Response> {
    const visit = this.visits.get(id);
    if (visit?.person !== person) return problem(404, "not-found");
    if (!(visit.body["photos"] as string[]).includes(digest)) return problem(404, "photo-not-announced");
    if ((await sha256(bytes)) !== digest) return problem(422, "photo-digest");
    const key = `${id}/${digest}`;
    const had = this.photos.has(key);
    this.photos.set(key, new Uint8Array(bytes));
    return json(had ? 200 : 201, { sha256: digest, visit: { id, status: "confirmed" } });
  }
}
