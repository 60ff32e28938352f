import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { distanceM } from "./distance";
import { type Found, search, seen, sent } from "./position";

const NOON = Date.parse("2018-11-20T04:00:00Z");

/** A browser's geolocation whose fixes and errors the test gives. */
class Sky implements Geolocation {
  watching = 0;
  private success: PositionCallback = () => undefined;
  private failure: PositionErrorCallback | null = null;

  watchPosition(success: PositionCallback, failure?: PositionErrorCallback | null): number {
    this.watching += 1;
    this.success = success;
    this.failure = failure ?? null;
    return 7;
  }
  clearWatch(): void {
    this.watching -= 1;
  }
  getCurrentPosition(): void {
    throw new Error("one fix is not enough");
  }
  fix(accuracy: number, latitude = 37.811268, timestamp = NOON): void {
    this.success({ coords: { latitude, longitude: 117.012492, accuracy }, timestamp } as GeolocationPosition);
  }
  fail(code: number): void {
    this.failure?.({ code } as GeolocationPositionError);
  }
}

describe("a search", () => {
  let sky: Sky;
  let told: Found[];
  beforeEach(() => {
    vi.useFakeTimers();
    sky = new Sky();
    told = [];
  });
  afterEach(() => vi.useRealTimers());
  const begin = () =>
    search(
      sky,
      () => NOON,
      (found) => told.push(found),
      45_000,
    );
  const kinds = () => told.map(({ kind }) => kind);
  const accuracy = (found: Found) => ("fix" in found ? found.fix.position.accuracy_m : null);

  it("keeps the best of several fixes and stops when it is sharp", () => {
    const mine = begin();
    for (const metres of [2000, 300, 40, 60, 12]) sky.fix(metres);
    expect(told.map(accuracy)).toEqual([2000, 300, 40, 12]);
    expect(kinds()).toEqual(["coarse", "coarse", "fixed", "fixed"]);
    expect([accuracy(mine.found()), sky.watching]).toEqual([12, 0]);
  });

  it.each([
    [1, "denied"],
    [2, "off"],
    [3, "timeout"],
  ] as const)("error %d is %s", (code, kind) => {
    begin();
    sky.fail(code);
    expect(kinds()).toEqual([kind]);
  });

  it("that never finds anything says so after a while, and goes on behind it", () => {
    begin();
    vi.advanceTimersByTime(44_000);
    expect(kinds()).toEqual([]);
    vi.advanceTimersByTime(2_000);
    sky.fix(30);
    expect(kinds()).toEqual(["timeout", "fixed"]);
  });

  it("a fix found is not lost by a later error or by time", () => {
    begin();
    sky.fix(30);
    sky.fail(3);
    vi.advanceTimersByTime(60_000);
    expect(kinds()).toEqual(["fixed"]);
  });

  it("follows a person who walks, not one whose phone wavers", () => {
    begin();
    sky.fix(20);
    sky.fix(50, 37.811568); // 33 m off: within what both may be wrong by
    expect(told).toHaveLength(1);
    sky.fix(50, 37.821268); // 1.1 km
    expect(accuracy(told[1]!)).toBe(50);
  });

  it("takes the phone's own time where a satellite's makes no sense", () => {
    const mine = begin();
    sky.fix(30, 37.8, 0);
    expect(mine.found()).toMatchObject({ fix: { at: NOON } });
  });

  it("without the browser's help is off at once, and stopping it is harmless", () => {
    const mine = search(
      undefined,
      () => NOON,
      (found) => told.push(found),
    );
    mine.stop();
    expect(kinds()).toEqual(["off"]);
  });

  it("stopped, it uses no battery and says no more", () => {
    begin().stop();
    vi.advanceTimersByTime(60_000);
    expect([kinds(), sky.watching]).toEqual([[], 0]);
  });
});

it("an old fix gives way to a coarser new one", () => {
  const at = (accuracy: number, time: number) => ({
    position: sent({ latitude: 37.8, longitude: 117, accuracy }),
    at: time,
  });
  const before = seen({ kind: "searching" }, at(10, NOON));
  expect(seen(before, at(50, NOON + 60_000))).toBe(before);
  expect(seen(before, at(50, NOON + 180_000))).toMatchObject({ kind: "fixed", fix: { at: NOON + 180_000 } });
});

it("a position is sent in WGS-84 with numbers that JSON can hold", () => {
  expect(sent({ latitude: 37.811268123456, longitude: 117.012492, accuracy: 12.345 })).toEqual({
    latitude: 37.8112681,
    longitude: 117.012492,
    accuracy_m: 12.3,
    crs: "wgs84",
  });
  expect(sent({ latitude: 0, longitude: 0, accuracy: Number.NaN }).accuracy_m).toBeNull();
});

it("distances agree with the geodesic within half a percent", () => {
  // geographiclib: 37.811268, 117.012492 to 37.84, 117.05 is 4,590.7 m
  expect(distanceM({ latitude: 37.811268, longitude: 117.012492 }, { latitude: 37.84, longitude: 117.05 })).toBeCloseTo(
    4590.7,
    -1.5,
  );
  expect(distanceM({ latitude: 1, longitude: 1 }, { latitude: 1, longitude: 1 })).toBe(0);
});
