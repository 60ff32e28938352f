import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { World } from "./api";
import { type Courier, courier } from "./courier";
import type { Passed } from "./sender";
import { NOON, Service, emptyPhone } from "./testing";

describe("the courier", () => {
  const events = new EventTarget();
  const page = {
    window: events as unknown as Window,
    document: Object.assign(events, { visibilityState: "visible" }) as never,
  };
  let passes: number;
  let next: Passed | null;
  let slow: Promise<void>;
  let mine: Courier;
  const world: World = new Service().world;

  beforeEach(async () => {
    await emptyPhone();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    passes = 0;
    next = { left: 0, nextAt: null };
    slow = Promise.resolve();
    mine = courier(world, page, async () => {
      passes += 1;
      await slow;
      return next;
    });
    await mine.send();
    passes = 0;
  });
  afterEach(() => {
    mine.stop();
    vi.useRealTimers();
  });

  it("goes when the network is back and when the person looks", async () => {
    for (const name of ["online", "visibilitychange"]) events.dispatchEvent(new Event(name));
    await vi.waitFor(() => expect(passes).toBeGreaterThan(0));
  });

  it("goes again when it is time, not sooner", async () => {
    next = { left: 1, nextAt: NOON + 60_000 };
    await mine.send();
    expect(passes).toBe(1);
    await vi.advanceTimersByTimeAsync(59_000);
    expect(passes).toBe(1);
    next = { left: 0, nextAt: null };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(passes).toBe(2);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(passes).toBe(2);
  });

  it("comes back while somebody else is sending", async () => {
    next = null;
    await mine.send();
    await vi.advanceTimersByTimeAsync(31_000);
    expect(passes).toBe(2);
  });

  it("many calls at once are one pass and one after it", async () => {
    let go = (): void => undefined;
    slow = new Promise((done) => {
      go = done;
    });
    const all = [mine.send(), mine.send(), mine.send()];
    go();
    await Promise.all(all);
    expect(passes).toBe(2);
  });

  it("stopped, it goes no more", async () => {
    mine.stop();
    events.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(passes).toBe(0);
  });
});
