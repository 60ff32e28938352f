import { existsSync, readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { orientationOf, rewritten } from "./exif";
import { exifOf, isHeic, isJpeg, sizeOf, withExif } from "./jpeg";
import { turn, within } from "./scaling";

type Field = readonly [tag: number, type: number, value: readonly number[] | string];

/** A TIFF block with these directories, written the long way round: an independent writer for the reader under test. */
function tiff(
  small: boolean,
  main: readonly Field[],
  exif: readonly Field[] = [],
  gps: readonly Field[] = [],
  thumbnail = 0,
): Uint8Array {
  const bytes = new Uint8Array(4000 + thumbnail);
  const data = new DataView(bytes.buffer);
  let free = 1000;
  const put = (at: number, fields: readonly Field[], next: number): void => {
    data.setUint16(at, fields.length, small);
    fields.forEach(([tag, type, value], n) => {
      const place = at + 2 + 12 * n;
      const values = typeof value === "string" ? Array.from(`${value}\0`, (letter) => letter.charCodeAt(0)) : value;
      const width = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 7: 1 }[type] ?? 1;
      data.setUint16(place, tag, small);
      data.setUint16(place + 2, type, small);
      data.setUint32(place + 4, type === 5 ? values.length / 2 : values.length, small);
      let to = place + 8;
      if (values.length * width > 4) {
        data.setUint32(place + 8, free, small);
        to = free;
        free += values.length * width + 1;
      }
      values.forEach((one, m) => {
        if (width === 1) data.setUint8(to + m, one);
        else if (width === 2) data.setUint16(to + 2 * m, one, small);
        else data.setUint32(to + 4 * m, one, small);
      });
    });
    data.setUint32(at + 2 + 12 * fields.length, next, small);
  };
  bytes.fill(small ? 0x49 : 0x4d, 0, 2);
  data.setUint16(2, 42, small);
  data.setUint32(4, 8, small);
  const pointers: Field[] = [];
  if (exif.length > 0) pointers.push([0x8769, 4, [300]]);
  if (gps.length > 0) pointers.push([0x8825, 4, [600]]);
  put(8, [...main, ...pointers], thumbnail > 0 ? 800 : 0);
  if (exif.length > 0) put(300, exif, 0);
  if (gps.length > 0) put(600, gps, 0);
  if (thumbnail > 0) {
    put(
      800,
      [
        [0x0103, 3, [6]],
        [0x0201, 4, [4000]],
        [0x0202, 4, [thumbnail]],
      ],
      0,
    );
    bytes.fill(0xee, 4000);
  }
  return bytes;
}

/** What a block says, read in the plainest way: tag to raw bytes in hex, by directory; and where "next" leads. */
function said(block: Uint8Array): {
  main: Record<string, string>;
  exif: Record<string, string>;
  gps: Record<string, string>;
  next: number;
} {
  const small = block[0] === 0x49;
  const data = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let next = -1;
  const read = (at: number): Record<string, string> => {
    const found: Record<string, string> = {};
    const many = data.getUint16(at, small);
    for (let n = 0; n < many; n++) {
      const place = at + 2 + 12 * n;
      const width = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8][data.getUint16(place + 2, small)]!;
      const length = width * data.getUint32(place + 4, small);
      const from = length <= 4 ? place + 8 : data.getUint32(place + 8, small);
      expect(from + length).toBeLessThanOrEqual(block.length);
      found[data.getUint16(place, small).toString(16)] = Buffer.from(block.subarray(from, from + length)).toString(
        "hex",
      );
    }
    next = data.getUint32(at + 2 + 12 * many, small);
    return found;
  };
  const main = read(data.getUint32(4, small));
  const last = next;
  const at = (hex: string | undefined): number => {
    const pointer = new DataView(Uint8Array.from(Buffer.from(hex!, "hex")).buffer);
    return pointer.getUint32(0, small);
  };
  return {
    main,
    exif: main["8769"] ? read(at(main["8769"])) : {},
    gps: main["8825"] ? read(at(main["8825"])) : {},
    next: last,
  };
}

const MAIN: Field[] = [
  [0x0100, 4, [4000]],
  [0x010f, 2, "HMD Global"],
  [0x0112, 3, [6]],
  [0x0132, 2, "2018:11:20 09:31:05"],
];
const EXIF: Field[] = [
  [0x829a, 5, [1, 100]],
  [0x9003, 2, "2018:11:20 09:31:05"],
  [0x9011, 2, "+08:00"],
  [0x927c, 7, Array.from({ length: 200 }, () => 7)],
  [0xa002, 4, [4000]],
  [0xa003, 4, [3000]],
];
const GPS: Field[] = [
  [1, 2, "N"],
  [2, 5, [37, 1, 48, 1, 4056, 100]],
  [3, 2, "E"],
  [4, 5, [117, 1, 0, 1, 4497, 100]],
];
const SIZE = { width: 1200, height: 1600 };

describe.each([
  ["small", true],
  ["big", false],
] as const)("a block with its %s end first", (_name, small) => {
  const block = tiff(small, MAIN, EXIF, GPS, 500);
  const before = said(block);
  const after = said(rewritten(block, SIZE)!);

  it("keeps time, position and camera to the byte", () => {
    expect(after.gps).toEqual(before.gps);
    for (const tag of ["9003", "9011", "829a"]) expect(after.exif[tag]).toBe(before.exif[tag]);
    for (const tag of ["10f", "132"]) expect(after.main[tag]).toBe(before.main[tag]);
  });

  it("says upright, and the new size", () => {
    expect([orientationOf(block), orientationOf(rewritten(block, SIZE)!)]).toEqual([6, 1]);
    expect([after.exif["a002"], after.exif["a003"]]).toEqual(
      small ? ["b0040000", "40060000"] : ["000004b0", "00000640"],
    );
  });

  it("has no thumbnail, no maker's note, and nothing of the old size", () => {
    expect(after.next).toBe(0);
    expect(Object.keys(after.exif)).not.toContain("927c");
    expect(Object.keys(after.main)).not.toContain("100");
    expect(Buffer.from(rewritten(block, SIZE)!).includes(Buffer.alloc(20, 0xee))).toBe(false);
  });

  it("written again stays as it is", () => {
    const once = rewritten(block, SIZE)!;
    expect(rewritten(once, SIZE)).toEqual(once);
  });
});

describe("what makes no sense", () => {
  const good = tiff(true, MAIN, EXIF, GPS, 50);

  it("is no block", () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(7),
      new Uint8Array(100),
      Uint8Array.of(0x49, 0x49, 42, 0, 255, 255, 255, 255),
    ]) {
      expect([rewritten(bytes, SIZE), orientationOf(bytes)]).toEqual([null, 1]);
    }
  });

  it("never throws, cut anywhere or with any byte changed", () => {
    for (let length = 0; length < good.length; length += 3) rewritten(good.subarray(0, length), SIZE);
    for (let at = 0; at < 900; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bad = good.slice();
        bad[at] = value;
        const block = rewritten(bad, SIZE);
        if (block) said(block);
        orientationOf(bad);
      }
    }
  });

  it("an orientation outside 1 to 8 is none", () => {
    expect([0, 9, 77].map((n) => orientationOf(tiff(true, [[0x0112, 3, [n]]])))).toEqual([1, 1, 1]);
  });

  it("a directory that leads to itself ends", () => {
    expect(
      rewritten(
        tiff(true, [
          [0x0112, 3, [6]],
          [0x8769, 4, [8]],
          [0x8825, 4, [8]],
        ]),
        SIZE,
      ),
    ).not.toBeNull();
  });
});

describe("a JPEG", () => {
  const app1 = (content: number[]): number[] => [
    0xff,
    0xe1,
    (content.length + 2) >> 8,
    (content.length + 2) & 0xff,
    ...content,
  ];
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0];
  const frame = [0xff, 0xc2, 0, 11, 8, 0x0b, 0xb8, 0x0f, 0xa0, 1, 1, 0x11, 0];
  const jpeg = Uint8Array.from([
    0xff,
    0xd8,
    ...app1([...exif, 1, 2, 3]),
    ...app1([0x68, 0x74]),
    ...frame,
    0xff,
    0xda,
    0,
    2,
    9,
    0xff,
    0xe1,
    0,
    9,
  ]);

  it("tells its size and its EXIF", () => {
    expect(sizeOf(jpeg)).toEqual({ width: 4000, height: 3000 });
    expect([...exifOf(jpeg)!]).toEqual([1, 2, 3]);
  });

  it("gets another EXIF in place of its own, and all else stays", () => {
    const other = withExif(jpeg, Uint8Array.of(7, 8));
    expect([...exifOf(other)!]).toEqual([7, 8]);
    expect([...withExif(other, Uint8Array.of(1, 2, 3))]).toEqual([...jpeg]);
    expect(exifOf(withExif(jpeg, null))).toBeNull();
    expect([...withExif(jpeg, null).slice(-10)]).toEqual([...jpeg.slice(-10)]);
  });

  it("cut anywhere never throws", () => {
    for (let length = 0; length <= jpeg.length; length++) {
      const cut = jpeg.subarray(0, length);
      sizeOf(cut);
      withExif(cut, exifOf(cut));
    }
    expect([sizeOf(Uint8Array.of(1, 2)), isJpeg(Uint8Array.of(0xff))]).toEqual([null, false]);
  });

  it("is not a HEIC, which is known by its brand", () => {
    const heic = Uint8Array.from(Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"));
    expect([isHeic(heic), isHeic(jpeg), isHeic(new Uint8Array())]).toEqual([true, false, false]);
  });
});

describe("upright", () => {
  const size = { width: 400, height: 300 };
  // Where the four corners of the picture as it lies go, by EXIF 2.3's table of orientations.
  it.each([
    [1, [0, 0], [400, 300]],
    [2, [400, 0], [0, 300]],
    [3, [400, 300], [0, 0]],
    [4, [0, 300], [400, 0]],
    [5, [0, 0], [300, 400]],
    [6, [300, 0], [0, 400]],
    [7, [300, 400], [0, 0]],
    [8, [0, 400], [300, 0]],
  ])("orientation %d", (orientation, first, last) => {
    const [a, b, c, d, e, f] = turn(orientation, size);
    const go = (x: number, y: number): number[] => [a * x + c * y + e, b * x + d * y + f];
    expect([go(0, 0), go(400, 300)]).toEqual([first, last]);
  });

  it("never larger than it was, at most the longest edge", () => {
    expect(within({ width: 4000, height: 3000 }, 1600)).toEqual({ width: 1600, height: 1200 });
    expect(within({ width: 800, height: 600 }, 1600)).toEqual({ width: 800, height: 600 });
    expect(within({ width: 20_000, height: 3 }, 1600)).toEqual({ width: 1600, height: 1 });
  });
});

const REAL = resolve(import.meta.dirname, "../../../../shared/data/photos");
describe.skipIf(!existsSync(REAL))("photos of real cameras", () => {
  const names = existsSync(REAL) ? readdirSync(REAL).filter((name) => name.endsWith(".jpg")) : [];

  it.each(names)("%s keeps its time and position", (name) => {
    const jpeg = new Uint8Array(readFileSync(resolve(REAL, name)));
    expect(sizeOf(jpeg)?.width).toBeGreaterThan(100);
    const block = exifOf(jpeg)!;
    const before = said(block);
    const copy = withExif(jpeg, rewritten(block, SIZE));
    const after = said(exifOf(copy)!);
    expect(after.gps).toEqual(before.gps);
    expect(Object.keys(after.gps).length).toBeGreaterThan(3);
    expect(after.exif["9003"]).toBe(before.exif["9003"]);
    expect(after.exif["9003"]).toBeDefined();
    expect([orientationOf(exifOf(copy)!), after.next]).toEqual([1, 0]);
    expect(exifOf(copy)!.length).toBeLessThan(8000);
    expect(sizeOf(copy)).toEqual(sizeOf(jpeg));
  });
});
