import { beforeEach, describe, expect, it, vi } from "vitest";

import { lastSkew } from "./known";
import { happen, lost, nudge, recordOf, save, saveAddition } from "./outbox";
import { CHECK_IN, type Saved } from "./records";
import { sendAll } from "./sender";
import { currentSession, sessionOf, signedIn, signedOut } from "./sessions";
import { database } from "./storage";
import {
  CAPTURE,
  NOON,
  PERSON,
  Service,
  TOKEN,
  addPhoto,
  captureInto,
  changeDraft,
  emptyPhone,
  json,
  picture,
  problem,
  withdraw,
} from "./testing";
import { inTurn } from "./turns";

let service: Service;

beforeEach(async () => {
  await emptyPhone();
  service = new Service();
  await signIn(PERSON, TOKEN);
});

async function signIn(person: string, token: string): Promise<void> {
  await signedIn({ person, name: person, token, expiresAt: "2018-12-31T00:00:00Z" }, NOON);
}

async function saved(photos = 1, person = PERSON, fill = 0): Promise<Saved> {
  await changeDraft(person, CHECK_IN, { activity: "visit" }, service.now);
  await captureInto(person, CAPTURE, service.now);
  for (let n = 1; n <= photos; n++) await addPhoto(person, CHECK_IN, await picture(fill + n), service.now);
  const result = await save(person, true, service.now++);
  if (!result.ok || !result.value) throw new Error("not saved");
  return result.value;
}

const send = () => sendAll(service.world, null);
const state = async (record: Saved) => (await recordOf(record.id))?.progress.state;
const paths = () =>
  service.heard.map(({ method, path }) => `${method} ${path.replace("/api/v1", "").replace(/[0-9a-f]{40,}/, "…")}`);

describe("a good network", () => {
  it("takes the small records first, then each photo as raw bytes", async () => {
    const [one, other] = [await saved(2), await saved(1, PERSON, 10)];
    expect(await send()).toEqual({ left: 0, nextAt: null });
    const [a, b] = [one.id, other.id];
    expect(paths()).toEqual([
      `PUT /visits/${a}`,
      `PUT /visits/${b}`,
      `PUT /visits/${a}/photos/…`,
      `PUT /visits/${a}/photos/…`,
      `PUT /visits/${b}/photos/…`,
    ]);
    expect([await state(one), await state(other), service.photos.size]).toEqual(["sent", "sent", 3]);
    expect((await recordOf(a))?.answer).toMatchObject({ id: a, status: "confirmed" });
  });

  it("says when it was sent, and what the phone's clock was off by", async () => {
    await saved(0);
    service.now += 90_000;
    await send();
    const { device } = service.heard[0]!.body as { device: Record<string, unknown> };
    expect(Date.parse(device["sent_at"] as string)).toBe(Math.floor(service.now / 1000) * 1000);
    expect(device).toMatchObject({ skew_s: 0, offline: true });
  });

  it("what was sent is not sent again", async () => {
    await saved(1);
    await send();
    const heard = service.heard.length;
    await send();
    expect(service.heard).toHaveLength(heard);
  });
});

describe("a bad network", () => {
  it("an answer lost on the way back makes no second visit", async () => {
    const record = await saved(1);
    for (let n = 0; n < 3; n++) {
      service.after = () => new TypeError("network");
      await send();
      service.now += 3_600_000;
    }
    service.after = () => null;
    await send();
    expect([await state(record), service.visits.size, service.photos.size]).toEqual(["sent", 1, 1]);
  });

  it("stops at the first failure and pauses, so that two hundred waiting do not try one by one", async () => {
    for (let n = 0; n < 5; n++) await saved(0);
    service.before = () => new TypeError("network");
    const passed = await send();
    expect(service.heard).toHaveLength(1);
    expect(passed?.left).toBe(5);
    expect(passed!.nextAt!).toBeGreaterThan(service.now + 1000);
  });

  it("what never gets through does not keep the others from it", async () => {
    const records = [await saved(0), await saved(0), await saved(0)];
    const { id } = records[0]!;
    service.before = ({ path }) => (path.includes(id) ? new TypeError("network") : null);
    for (let n = 0; n < 3; n++) {
      service.now += 3_600_000;
      await send();
    }
    expect(await Promise.all(records.map(state))).toEqual(["waiting", "sent", "sent"]);
  });

  it("the network's return cuts a pause short, the service's wish stands", async () => {
    const record = await saved(0);
    service.before = () => new TypeError("network");
    await send();
    service.before = () => problem(503, "unavailable", { "Retry-After": "60" });
    await nudge(service.now);
    await send();
    service.before = () => null;
    await nudge(service.now);
    await send();
    expect(await state(record)).toBe("waiting");
    service.now += 60_000;
    await send();
    expect(await state(record)).toBe("sent");
  });

  it.each([
    ["a page", () => new Response("<html>please sign in</html>", { headers: { "Content-Type": "text/html" } })],
    ["JSON", () => json(200, { code: 0 })],
    ["a page that says it is JSON", () => new Response("<html>", { headers: { "Content-Type": "application/json" } })],
  ])("a portal that answers everything with %s is not believed", async (_name, portal) => {
    const record = await saved(1);
    service.before = portal;
    for (let n = 0; n < 4; n++) {
      service.now += 3_600_000;
      await send();
    }
    expect([await state(record), (await recordOf(record.id))?.progress.trouble]).toEqual([
      "waiting",
      { kind: "foreign", status: 200 },
    ]);
    service.before = () => null;
    service.now += 3_600_000;
    await send();
    expect([await state(record), service.visits.size, service.photos.size]).toEqual(["sent", 1, 1]);
  });

  it("killed while sending a photo, it goes on with that photo", async () => {
    const record = await saved(2);
    await happen(record.id, { type: "begin" }, service.now);
    await happen(record.id, { type: "record-accepted" }, service.now);
    await happen(record.id, { type: "begin" }, service.now);
    service.visits.set(record.id, { person: PERSON, content: "", body: { ...record.body } });
    expect(await state(record)).toBe("sending-photos");
    await send();
    expect([await state(record), service.photos.size]).toEqual(["sent", 2]);
    expect(paths().filter((path) => !path.includes("photos"))).toEqual([]);
  });

  it("killed while sending the record, it sends that again", async () => {
    const record = await saved(1);
    await happen(record.id, { type: "begin" }, service.now);
    await send();
    expect([await state(record), service.visits.size]).toEqual(["sent", 1]);
  });

  it("500 for one record leaves the others worth trying", async () => {
    const [one, other] = [await saved(0), await saved(0)];
    service.before = ({ path }) => (path.includes(one.id) ? problem(500, "unexpected") : null);
    await send();
    expect([await state(one), await state(other)]).toEqual(["waiting", "sent"]);
  });
});

it("a full disk is told, and once there is room everything goes", async () => {
  const record = await saved(1);
  const { put } = IDBObjectStore.prototype;
  const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...given) {
    if (this.name === "records") throw new DOMException("no room", "QuotaExceededError");
    return put.apply(this, given);
  });
  expect(await send()).toMatchObject({ left: 1, full: true });
  full.mockRestore();
  expect((await send())?.full).toBeUndefined();
  expect(await state(record)).toBe("sent");
});

describe("refusals", () => {
  it("are kept with their reason and do not block the others", async () => {
    const [one, other] = [await saved(1), await saved(1, PERSON, 10)];
    service.before = ({ path }) => (path.endsWith(one.id) ? problem(422, "invalid") : null);
    expect(await send()).toEqual({ left: 1, nextAt: null });
    expect([await state(one), await state(other)]).toEqual(["refused", "sent"]);
    expect((await recordOf(one.id))?.progress.trouble).toMatchObject({ code: "invalid", detail: "原因" });
  });

  it("of one photo let the other photos through; an addition with another photo settles it", async () => {
    const record = await saved(2);
    const [bad] = record.photos;
    service.before = ({ path }) => (path.endsWith(bad!.sha256) ? problem(422, "photo-unreadable") : null);
    await send();
    expect([await state(record), service.photos.size]).toEqual(["refused", 1]);
    await withdraw(PERSON, record.visit, [bad!.sha256], service.now);
    await addPhoto(PERSON, record.visit, await picture(9), service.now);
    const addition = await saveAddition(PERSON, record.visit, service.now);
    await send();
    expect([await state(record), addition.ok && (await state(addition.value!))]).toEqual(["sent", "sent"]);
    expect(service.additions[0]?.body).toMatchObject({ withdrawn: [bad!.sha256], photos: [(await picture(9)).sha256] });
    expect(service.photos.size).toBe(2);
  });

  it.each(["refused", "lost"])("a photo that is %s is not waited for, what was sent or may be sent is", async (what) => {
    const record = await saved(3);
    const [bad, other, last] = record.photos.map((photo) => photo.sha256);
    if (what === "lost") await (await database()).delete("photos", [record.id, bad!]);
    else service.before = ({ path }) => (path.endsWith(bad!) ? problem(422, "photo-unreadable") : null);
    expect(lost([record], record.visit, [bad!, other!])).toEqual([]);
    await send();
    const after = (await recordOf(record.id))!;
    // What the service said last may be older than what was sent since; with no word of it the refusal is enough
    for (const missing of [[bad!, other!, last!], []]) expect(lost([after], record.visit, missing)).toEqual([bad]);
    expect(lost([after], "another visit", [])).toEqual([]);
    expect(lost([], record.visit, [other!])).toEqual([other]);
  });

  it("a photo that the phone has lost does not keep the others from being sent", async () => {
    const [one, other] = [await saved(1), await saved(1, PERSON, 10)];
    await (await database()).delete("photos", [one.id, one.photos[0]!.sha256]);
    await send();
    expect([await state(one), await state(other)]).toEqual(["refused", "sent"]);
    expect((await recordOf(one.id))?.progress.trouble).toMatchObject({ code: "photo-lost" });
  });

  it("a photo whose visit the service has lost brings the record again", async () => {
    const record = await saved(1);
    service.before = ({ path }) => {
      if (path.includes("photos")) service.visits.clear();
      return null;
    };
    await send();
    expect(await state(record)).toBe("waiting");
    service.before = () => null;
    service.now += 3_600_000;
    await send();
    expect([await state(record), service.visits.size, service.photos.size]).toEqual(["sent", 1, 1]);
  });
});

describe("whose token", () => {
  it("each record goes with its own person's, on a phone that two share", async () => {
    await signIn("P002", "token-of-P002");
    service.people.set("token-of-P002", "P002");
    const [one, other] = [await saved(1), await saved(1, "P002", 10)];
    await send();
    expect([service.visits.get(one.id)?.person, service.visits.get(other.id)?.person]).toEqual([PERSON, "P002"]);
    expect((await currentSession())?.person).toBe("P002");
  });

  it("a dead one keeps everything and asks to sign in; then it is sent", async () => {
    const record = await saved(1);
    service.people.clear();
    await send();
    expect([await state(record), (await sessionOf(PERSON))?.dead, service.heard.length]).toEqual([
      "needs-sign-in",
      true,
      1,
    ]);
    await send();
    expect(service.heard).toHaveLength(1);
    service.people.set("new", PERSON);
    await signIn(PERSON, "new");
    expect(await state(record)).toBe("waiting");
    await send();
    expect(await state(record)).toBe("sent");
  });

  it("one refused after its person has signed in anew says nothing of the new one", async () => {
    const record = await saved(1);
    service.people.clear();
    service.people.set("new", PERSON);
    // The old token is on its way while its person signs in
    const { world } = service;
    let first = true;
    const slow: typeof fetch = async (input, init) => {
      const answer = await world.fetch(input, init);
      if (first) await signIn(PERSON, "new");
      first = false;
      return answer;
    };
    await sendAll({ ...world, fetch: slow }, null);
    expect([await state(record), (await sessionOf(PERSON))?.dead, service.heard.map(({ token }) => token)]).toEqual([
      "sent",
      false,
      [TOKEN, "new", "new"],
    ]);
  });

  it("a record of somebody signed out stays, and is sent with nobody else's token", async () => {
    const record = await saved(1);
    await signedOut(PERSON);
    await signIn("P002", "token-of-P002");
    service.people.set("token-of-P002", "P002");
    await send();
    expect([await state(record), service.heard.length]).toEqual(["needs-sign-in", 0]);
    await signIn(PERSON, TOKEN);
    await send();
    expect([await state(record), service.visits.get(record.id)?.person]).toEqual(["sent", PERSON]);
  });
});

describe("one sender at a time", () => {
  it("without Web Locks by a lease, which ends by itself when its holder is killed", async () => {
    await saved(1);
    const now = () => service.now;
    let release = (): void => undefined;
    const held = new Promise<void>((done) => {
      release = done;
    });
    const first = inTurn(() => held, "another tab", now, null);
    await new Promise((done) => setTimeout(done, 20));
    expect(await send()).toBeNull();
    expect(service.heard).toHaveLength(0);
    service.now += 10 * 60_000;
    expect((await send())?.left).toBe(0);
    release();
    await first;
  });

  it("a tab that comes back late finds its turn gone", async () => {
    const now = () => service.now;
    const renewed = await inTurn(
      async (turn) => {
        service.now += 10 * 60_000;
        return inTurn(() => turn.renew(1000), "other", now, null);
      },
      "first",
      now,
      null,
    );
    expect(renewed).toBe(false);
  });

  it("two passes at once send everything once", async () => {
    for (let n = 0; n < 5; n++) await saved(1, PERSON, n * 10);
    await Promise.all([send(), send(), send()]);
    expect(service.heard).toHaveLength(10);
  });
});

it("the skew seen at a contact is kept", async () => {
  await saved(0);
  service.after = () => json(200, { id: "other" }, { Date: new Date(service.now - 2 * 86_400_000).toUTCString() });
  await send();
  await new Promise((done) => setTimeout(done, 20));
  expect((await lastSkew())?.skewS).toBeCloseTo(2 * 86_400, -1);
});
