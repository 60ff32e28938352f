import { describe, expect, it } from "vitest";

import { type Asked, DAMAGED_TRIES, type Reply, heard, retryAfter } from "./hearing";

const ID = "018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d";
const SHA = "ab".repeat(32);
const record: Asked = { what: "record", visit: ID };
const photo: Asked = { what: "photo", sha256: SHA };

function answer(
  status: number,
  json: unknown,
  type = status < 400 ? "application/json" : "application/problem+json",
): Reply {
  return { kind: "answer", status, type, json, retryAfterS: null };
}
function problem(status: number, code: string): Reply {
  return answer(status, { type: "about:blank", title: "…", status, code, detail: "原因" });
}
function html(status: number): Reply {
  return { kind: "answer", status, type: "text/html; charset=utf-8", json: undefined, retryAfterS: null };
}

describe("only the service's own promise counts", () => {
  it.each([200, 201])("%d with our id", (status) => {
    expect(heard(record, answer(status, { id: ID }), 0)).toEqual({ type: "record-accepted" });
    expect(heard(photo, answer(status, { sha256: SHA }), 0)).toEqual({ type: "photo-accepted", sha256: SHA });
  });

  it("with a charset as well", () => {
    expect(heard(record, answer(201, { id: ID }, "Application/JSON; charset=utf-8"), 0).type).toBe("record-accepted");
  });

  const others: readonly (readonly [string, Reply])[] = [
    ["a portal's page", html(200)],
    ["a portal's JSON", answer(200, { code: 0, msg: "please sign in" })],
    ["another record", answer(200, { id: ID.replace("0", "1") })],
    ["another photo", answer(200, { sha256: "cd".repeat(32) })],
    ["JSON that says it is a page", answer(200, { id: ID, sha256: SHA }, "text/html")],
    ["a list", answer(200, [ID])],
    ["nothing", answer(200, undefined)],
    ["202", answer(202, { id: ID, sha256: SHA })],
    ["204", { kind: "answer", status: 204, type: "", json: undefined, retryAfterS: null }],
    ["a redirect not followed", { kind: "answer", status: 0, type: "", json: undefined, retryAfterS: null }],
    ["a redirect", html(302)],
    ["a firewall's 403", html(403)],
    ["a proxy's 404", html(404)],
    ["a proxy's 413", html(413)],
    ["a proxy's 401", html(401)],
    ["JSON's 401 of somebody else", answer(401, { error: "unauthorized" }, "application/json")],
    ["511", html(511)],
    ["a problem with another status than its own", answer(422, { status: 400, code: "invalid" })],
  ];
  it.each(others)("%s is somebody else's word", (_name, reply) => {
    for (const asked of [record, photo])
      expect(heard(asked, reply, 0)).toMatchObject({ type: "later", why: "foreign" });
  });
});

describe("what passes by itself waits", () => {
  it.each([408, 425, 429, 503])("%d, whoever says so", (status) => {
    for (const reply of [html(status), problem(status, "unavailable")]) {
      expect(heard(record, { ...reply, retryAfterS: 30 } as Reply, 0)).toEqual({
        type: "later",
        why: "busy",
        status,
        retryAfterS: 30,
      });
    }
  });
  it.each([500, 502, 504, 520])("%d", (status) => {
    expect(heard(photo, html(status), 3)).toMatchObject({ type: "later", why: "server", status });
  });
  it.each(["network", "timeout"] as const)("%s", (kind) => {
    expect(heard(photo, { kind }, 3)).toEqual({ type: "later", why: kind, status: null, retryAfterS: null });
  });
});

describe("what the service refuses", () => {
  it("a dead token asks to sign in", () => {
    expect(heard(record, problem(401, "unauthenticated"), 0)).toEqual({ type: "sign-in-needed" });
  });

  it.each([
    [409, "visit-differs"],
    [409, "visit-not-open"],
    [404, "not-found"],
    [403, "forbidden"],
    [413, "too-large"],
    [415, "unsupported-type"],
    [422, "invalid"],
  ])("a record: %d %s is shown with its reason", (status, code) => {
    expect(heard(record, problem(status, code), 0)).toMatchObject({
      type: "record-refused",
      refusal: { status, code, detail: "原因" },
    });
  });

  it.each([
    [404, "photo-not-announced"],
    [413, "photo-too-large"],
    [415, "unsupported-type"],
    [422, "photo-unreadable"],
    [422, "photo-type"],
    [422, "photo-heic"],
    [422, "photo-too-many-pixels"],
    [422, "photo-too-many-scans"],
  ])("a photo: %d %s ends that photo only", (status, code) => {
    expect(heard(photo, problem(status, code), 0)).toMatchObject({
      type: "photo-refused",
      sha256: SHA,
      refusal: { code },
    });
  });

  it("a photo whose visit is unknown sends the record again", () => {
    expect(heard(photo, problem(404, "not-found"), 0)).toEqual({ type: "record-unknown" });
  });

  it.each([
    [400, "body-cut"],
    [400, "malformed-body"],
    [411, "length-required"],
    [422, "photo-digest"],
    [422, "photo-length"],
    [422, "photo-truncated"],
  ])("%d %s was damaged on the way: again, but not for ever", (status, code) => {
    expect(heard(photo, problem(status, code), 0)).toMatchObject({ type: "later", why: "damaged" });
    expect(heard(photo, problem(status, code), DAMAGED_TRIES - 1)).toMatchObject({ type: "photo-refused" });
  });

  it("names the fields that do not fit", () => {
    const errors = [{ pointer: "/place", code: "unknown-place", detail: "没有这个地点" }];
    const reply = answer(422, { status: 422, code: "invalid", detail: "…", errors });
    expect(heard(record, reply, 0)).toMatchObject({ refusal: { errors } });
  });
});

it("Retry-After is read as seconds or as a day and time", () => {
  const now = Date.parse("2018-11-20T01:31:00Z");
  expect(retryAfter("120", now)).toBe(120);
  expect(retryAfter("Tue, 20 Nov 2018 01:32:00 GMT", now)).toBe(60);
  expect([
    retryAfter(null, now),
    retryAfter("soon", now),
    retryAfter("-5", now),
    retryAfter("Tue, 20 Nov 2018 01:30:00 GMT", now),
  ]).toEqual([null, null, null, null]);
});
