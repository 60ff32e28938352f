import { expect, test } from "vitest";

import { parse, to } from "./route";

test.each([
  ["", "today", []],
  ["#/", "today", []],
  ["#/nonsense", "today", []],
  ["#/month/2018-11", "month", ["2018-11"]],
  ["#/visit/018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d", "visit", ["018c5c2e-7d11-7c3a-9f00-0d0f5b0a1c2d"]],
  ["#activate=ABCDEFGHJK&person=E200268", "activate", ["ABCDEFGHJK", "E200268"]],
  ["#activate=ABCDEFGHJK", "activate", ["ABCDEFGHJK", ""]],
  ["#/%E0%A4%A", "today", []],
])("%s leads to %s", (fragment, screen, args) => {
  expect(parse(fragment)).toEqual({ screen, args });
});

test("an address leads where it says, whatever stands in it", () => {
  expect(parse(to("explain", "a/b", "村 1"))).toEqual({ screen: "explain", args: ["a/b", "村 1"] });
});
