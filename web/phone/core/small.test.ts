import { beforeEach, describe, expect, it, vi } from "vitest";

import { call, patience, refusesToken } from "./api";
import { skewOf, stillKnown, written } from "./clock";
import { type Owed, guess } from "./guess";
import { handIn } from "./handing-in";
import { newId } from "./ids";
import { forget, recall, remember } from "./known";
import { save } from "./outbox";
import { askToPersist } from "./persist";
import { CHECK_IN } from "./records";
import { type Tools, shrink } from "./scaling";
import { database } from "./storage";
import {
  CAPTURE,
  NOON,
  PERSON,
  Service,
  addPhoto,
  captureInto,
  changeDraft,
  emptyPhone,
  json,
  picture,
  problem,
} from "./testing";

beforeEach(emptyPhone);

describe("the clock", () => {
  const date = new Date(NOON).toUTCString();

  it.each([
    ["two days ahead", 2 * 86_400_000, 2 * 86_400],
    ["an hour behind", -3_600_000, -3600],
    ["nine seconds ahead", 9000, 9],
  ])("%s is seen in the middle of a round trip", (_name, off, skewS) => {
    expect(skewOf(date, NOON + off - 1000 + 500, NOON + off + 1000 + 500)?.skewS).toBe(skewS);
  });

  it("what a slow round trip cannot tell from nothing is nothing", () => {
    expect(skewOf(date, NOON, NOON + 4000)?.skewS).toBe(0);
    expect(skewOf(date, NOON + 2000, NOON + 2000)?.skewS).not.toBe(0);
  });

  it("without a proper Date, or when the clock was turned back meanwhile, nothing is known", () => {
    expect([skewOf(null, 0, 1), skewOf("noon", 0, 1), skewOf(date, NOON, NOON - 1)]).toEqual([null, null, null]);
  });

  it("turned back since the last contact is not known any more", () => {
    const skew = { skewS: 172_800, at: NOON };
    expect([stillKnown(skew, NOON + 1), stillKnown(skew, NOON - 1), stillKnown(null, NOON)]).toEqual([172_800, null, null]);
  });

  it("is written with the phone's own offset", () => {
    expect(written(NOON, 480)).toBe("2018-11-20T12:00:00+08:00");
    expect(written(NOON, -210)).toBe("2018-11-20T00:30:00-03:30");
    expect(written(NOON + 999, 0)).toBe("2018-11-20T04:00:00+00:00");
  });
});

it("an id is a UUID of version 7, in order of time", () => {
  const ids = [newId(NOON), newId(NOON + 1), newId(NOON + 100_000)];
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...ids].sort()).toEqual(ids);
  expect(Number.parseInt(ids[0]!.replace("-", "").slice(0, 12), 16)).toBe(NOON);
  expect(new Set(Array.from({ length: 1000 }, () => newId(NOON))).size).toBe(1000);
});

describe("the likely activity", () => {
  const owed = (duty: string, opens_on: string, due_on: string, remaining = 1): Owed => ({
    duty,
    opens_on,
    due_on,
    remaining,
  });
  const week = owed("envoy-weekly-visit", "2018-11-12", "2018-11-18");
  const study = owed("envoy-study-day", "2018-11-15", "2018-11-15");
  const office = owed("secretary-office-day", "2018-11-14", "2018-11-14");
  const round = owed("secretary-monthly-round", "2018-11-01", "2018-11-30");

  it.each([
    ["the 15th", "2018-11-15", [week, study], "study"],
    ["another day", "2018-11-16", [week, study], "visit"],
    ["the 15th, held already", "2018-11-15", [week, { ...study, remaining: 0 }], "visit"],
    ["a secretary's office day", "2018-11-14", [round, office], "office"],
    ["the day after", "2018-11-15", [round, office], "visit"],
    ["a duty of the county's own", "2018-11-15", [owed("flood-watch", "2018-11-15", "2018-11-15")], "visit"],
    ["nothing owed", "2018-11-15", [], "visit"],
  ] as const)("%s", (_name, today, all, activity) => {
    expect(guess(today, all, true)).toBe(activity);
  });

  it("of somebody without a posting is something else", () => {
    expect(guess("2018-11-15", [], false)).toBe("other");
  });
});

describe("a call", () => {
  const ask = (service: Service) =>
    call<{ id: string }>(service.world, { method: "PUT", path: "/visits/x", token: "t", json: {} });
  const answered = (response: () => Response | Error) => {
    const service = new Service();
    service.before = response;
    return ask(service);
  };

  it("is a value, a refusal in the service's words, or nobody who is the service", async () => {
    expect(await answered(() => json(201, { id: "x" }, { ETag: '"3"' }))).toEqual({
      ok: true,
      status: 201,
      value: { id: "x" },
      etag: '"3"',
    });
    expect(await answered(() => new Response(null, { status: 204 }))).toMatchObject({ ok: true, status: 204 });
    expect(await answered(() => problem(429, "too-many-requests", { "Retry-After": "7" }))).toMatchObject({
      ok: false,
      why: "refused",
      refusal: { code: "too-many-requests", detail: "原因" },
      retryAfterS: 7,
    });
    expect(await answered(() => new TypeError("network"))).toEqual({ ok: false, why: "network" });
    expect(await answered(() => new Response("<html>", { status: 200 }))).toEqual({ ok: false, why: "foreign" });
    expect(await answered(() => new Response("<html>", { status: 502 }))).toEqual({ ok: false, why: "server" });
  });

  it("says the language, and follows nobody elsewhere", async () => {
    let sent: RequestInit = {};
    const world = {
      ...new Service().world,
      fetch: async (_input: RequestInfo | URL, init?: RequestInit) => {
        sent = init ?? {};
        return json(200, {});
      },
    };
    await call(world, { method: "GET", path: "/me", token: "t" });
    expect(sent).toMatchObject({ redirect: "manual", cache: "no-store", credentials: "omit" });
    expect(sent.headers).toMatchObject({ "Accept-Language": "zh-CN", Authorization: "Bearer t" });
  });

  it("has patience for a village's network: 300 KB at 50 KB/s with 2 s latency, several times over", () => {
    expect(patience(300_000)).toBeGreaterThan(4 * (2 * 2000 + 6000));
  });
});

it("the last known state is kept by person", async () => {
  await remember(PERSON, "me", { today: "2018-11-20" }, NOON);
  await remember("P002", "me", { today: "2018-11-19" }, NOON);
  expect(await recall(PERSON, "me")).toEqual({ value: { today: "2018-11-20" }, at: NOON });
  await forget(PERSON);
  expect([await recall(PERSON, "me"), (await recall("P002", "me"))?.at]).toEqual([null, NOON]);
});

it.each([
  ["unauthenticated", true],
  ["sign-in-failed", false],
  ["activation-failed", false],
])("a 401 that says %s ends the session: %s", async (code, ends) => {
  const service = new Service();
  service.before = () => problem(401, code);
  expect(refusesToken(await call(service.world, { method: "POST", path: "/tokens" }))).toBe(ends);
});

it("a file that cannot be read is said to be unreadable", async () => {
  class Failing {
    error = new DOMException("gone", "NotReadableError");
    onerror: () => void = () => undefined;
    readAsArrayBuffer(): void {
      this.onerror();
    }
  }
  vi.stubGlobal("FileReader", Failing);
  expect(await shrink(new Blob(["?"]), {} as Tools)).toEqual({ ok: false, why: "unreadable" });
  vi.unstubAllGlobals();
});

describe("the queue as a file", () => {
  async function three(): Promise<void> {
    for (let n = 0; n < 3; n++) {
      await changeDraft(PERSON, CHECK_IN, { activity: "visit", note: `第 ${n} 次` }, NOON + n);
      await captureInto(PERSON, CAPTURE, NOON + n);
      await addPhoto(PERSON, CHECK_IN, await picture(n, 30_000), NOON + n);
      await save(PERSON, true, NOON + n);
    }
  }

  it("holds what was saved, photos byte for byte, oldest first", async () => {
    await three();
    const [only, ...others] = await handIn(PERSON, NOON);
    expect([others, only?.name, only?.records]).toEqual([[], "daocun-P001-2018-11-20.json", 3]);
    const held = JSON.parse(await only!.file.text());
    expect(held).toMatchObject({ format: "daocun-handed-in", version: 1, person: PERSON, part: 1, parts: 1 });
    expect(held.records.map((one: { body: { note: string } }) => one.body.note)).toEqual([
      "第 0 次",
      "第 1 次",
      "第 2 次",
    ]);
    const [photo] = held.records[1].photos;
    expect(photo).toMatchObject({ sha256: held.records[1].body.photos[0], type: "image/jpeg" });
    expect(Buffer.from(photo.data, "base64")).toEqual(Buffer.alloc(30_000, 1));
  });

  it("is whole also when the phone has lost a photo", async () => {
    await changeDraft(PERSON, CHECK_IN, { activity: "visit" }, NOON);
    await captureInto(PERSON, CAPTURE, NOON);
    for (const n of [1, 2]) await addPhoto(PERSON, CHECK_IN, await picture(n), NOON);
    const saved = await save(PERSON, true, NOON);
    if (!saved.ok || !saved.value) throw new Error("not saved");
    const [lost, kept] = saved.value.photos;
    await (await database()).delete("photos", [saved.value.id, lost!.sha256]);
    const [only] = await handIn(PERSON, NOON);
    const { records } = JSON.parse(await only!.file.text());
    expect(records[0].photos.map((one: { sha256: string }) => one.sha256)).toEqual([kept!.sha256]);
  });

  it("is divided before it gets too large, and empty when nothing waits", async () => {
    expect(await handIn(PERSON, NOON)).toEqual([]);
    await three();
    const files = await handIn(PERSON, NOON, 70_000);
    expect(files.map(({ name, records }) => [name, records])).toEqual([
      ["daocun-P001-2018-11-20-1.json", 2],
      ["daocun-P001-2018-11-20-2.json", 1],
    ]);
    expect(await handIn("P002", NOON)).toEqual([]);
  });
});

it("persistence is asked for, and a browser without it is no error", async () => {
  const manager = (persisted: boolean, granted: boolean) =>
    ({ persisted: async () => persisted, persist: async () => granted }) as StorageManager;
  expect(await askToPersist(manager(false, true))).toBe(true);
  expect(await askToPersist(manager(true, false))).toBe(true);
  expect(await askToPersist(manager(false, false))).toBe(false);
  expect(await askToPersist({} as StorageManager)).toBe(false);
});
