/**
 * EXIF as bytes: what is kept when a picture is scaled.
 *
 * A canvas drops a photo's EXIF and turns its pixels upright. So the block is written anew: Orientation 1, the new size,
 * no thumbnail; time, position and the camera's settings as they were. The maker's note goes: it holds offsets into the old block, is
 * large, and nobody here can read it. Never throws: what makes no sense is left out (EXIF 2.3, TIFF 6.0).
 */

import type { Size } from "./jpeg";

const ORIENTATION = 0x0112;
const EXIF_DIRECTORY = 0x8769;
const GPS_DIRECTORY = 0x8825;
const PIXEL_WIDTH = 0xa002;
const PIXEL_HEIGHT = 0xa003;
/** What is of the old picture's bytes: its size, strips, sub-pictures, thumbnail, the maker's note, filling. */
const LEFT_OUT: ReadonlySet<number> = new Set([
  0x0100, 0x0101, 0x0111, 0x0117, 0x014a, 0x0201, 0x0202, 0x927c, 0xa005, 0xea1c,
]);
const LONGEST_VALUE = 4096;
/** Bytes by TIFF type, from 1 on: byte, ascii, short, long, rational, and the signed ones. */
const WIDTHS = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const SHORT = 3;
const LONG = 4;
const HEADER = 8;
/** A JPEG segment holds 64 KB; far less says all that is of use. */
const LONGEST_BLOCK = 60_000;

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Uint8Array;
}

/** How a picture is to be turned, 1 to 8 as EXIF counts; 1 if the block does not say. */
export function orientationOf(tiff: Uint8Array): number {
  const small = isSmall(tiff);
  if (small === null) return 1;
  const entry = directory(tiff, first(tiff, small), small).find(({ tag }) => tag === ORIENTATION);
  const turned = entry?.type === SHORT && entry.count === 1 ? view(entry.value).getUint16(0, small) : 1;
  return turned >= 1 && turned <= 8 ? turned : 1;
}

/** The block for an upright copy of this size; null if there is nothing in it to keep. */
export function rewritten(tiff: Uint8Array, size: Size): Uint8Array | null {
  const small = isSmall(tiff);
  if (small === null) return null;
  const main = directory(tiff, first(tiff, small), small);
  const inside = (tag: number): Entry[] => {
    const pointer = main.find((entry) => entry.tag === tag && entry.type === LONG && entry.count === 1);
    return pointer ? directory(tiff, view(pointer.value).getUint32(0, small), small) : [];
  };
  const exif = inside(EXIF_DIRECTORY).filter(isKept);
  const gps = inside(GPS_DIRECTORY).filter(isKept);
  const own = main.filter(({ tag }) => tag !== EXIF_DIRECTORY && tag !== GPS_DIRECTORY).filter(isKept);
  if (own.length + exif.length + gps.length === 0) return null;
  const block = assembled(
    replaced(own, number(ORIENTATION, SHORT, 1, small)),
    replaced(
      replaced(exif, number(PIXEL_WIDTH, LONG, size.width, small)),
      number(PIXEL_HEIGHT, LONG, size.height, small),
    ),
    gps,
    small,
  );
  return block.length <= LONGEST_BLOCK ? block : null;
}

function isKept({ tag }: Entry): boolean {
  return !LEFT_OUT.has(tag);
}

function replaced(entries: readonly Entry[], by: Entry): Entry[] {
  return [...entries.filter(({ tag }) => tag !== by.tag), by];
}

function number(tag: number, type: number, value: number, small: boolean): Entry {
  const bytes = new Uint8Array(WIDTHS[type] ?? 0);
  if (type === SHORT) view(bytes).setUint16(0, value, small);
  else view(bytes).setUint32(0, value, small);
  return { tag, type, count: 1, value: bytes };
}

/** Whether numbers are written with their small end first; null if this is no TIFF. */
function isSmall(tiff: Uint8Array): boolean | null {
  if (tiff.length < HEADER) return null;
  const small = tiff[0] === 0x49 && tiff[1] === 0x49;
  const big = tiff[0] === 0x4d && tiff[1] === 0x4d;
  return (small || big) && view(tiff).getUint16(2, small) === 42 ? small : null;
}

function first(tiff: Uint8Array, small: boolean): number {
  return view(tiff).getUint32(4, small);
}

/** The entries of a directory; those that point outside, are of no known type or very long are passed over. */
function directory(tiff: Uint8Array, at: number, small: boolean): Entry[] {
  if (at < HEADER || at + 2 > tiff.length) return [];
  const data = view(tiff);
  const entries = new Map<number, Entry>();
  const many = data.getUint16(at, small);
  for (let place = at + 2, n = 0; n < many && place + 12 <= tiff.length; place += 12, n++) {
    const tag = data.getUint16(place, small);
    const type = data.getUint16(place + 2, small);
    const count = data.getUint32(place + 4, small);
    const length = (WIDTHS[type] ?? 0) * count;
    const from = length <= 4 ? place + 8 : data.getUint32(place + 8, small);
    if (length === 0 || length > LONGEST_VALUE || from + length > tiff.length || entries.has(tag)) continue;
    entries.set(tag, { tag, type, count, value: tiff.subarray(from, from + length) });
  }
  return [...entries.values()];
}

/** Header, main directory, EXIF's and GPS's, each followed by its longer values. */
function assembled(main: readonly Entry[], exif: readonly Entry[], gps: readonly Entry[], small: boolean): Uint8Array {
  const pointers = [EXIF_DIRECTORY, ...(gps.length > 0 ? [GPS_DIRECTORY] : [])];
  const exifAt = HEADER + lengthOf(main) + 12 * pointers.length;
  const gpsAt = exifAt + lengthOf(exif);
  const whole = [...main, number(EXIF_DIRECTORY, LONG, exifAt, small)];
  if (gps.length > 0) whole.push(number(GPS_DIRECTORY, LONG, gpsAt, small));
  const block = new Uint8Array(gpsAt + (gps.length > 0 ? lengthOf(gps) : 0));
  const data = view(block);
  block.fill(small ? 0x49 : 0x4d, 0, 2);
  data.setUint16(2, 42, small);
  data.setUint32(4, HEADER, small);
  put(block, data, HEADER, whole, small);
  put(block, data, exifAt, exif, small);
  if (gps.length > 0) put(block, data, gpsAt, gps, small);
  return block;
}

/** Count, entries, "no next directory", and the values that do not fit into an entry, each on an even offset. */
function lengthOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { value }) => sum + 12 + apart(value), 2 + 4);
}

function apart(value: Uint8Array): number {
  return value.length <= 4 ? 0 : value.length + (value.length % 2);
}

function put(block: Uint8Array, data: DataView, at: number, entries: readonly Entry[], small: boolean): void {
  const sorted = [...entries].sort((one, other) => one.tag - other.tag);
  data.setUint16(at, sorted.length, small);
  let place = at + 2;
  let behind = place + 12 * sorted.length + 4;
  for (const { tag, type, count, value } of sorted) {
    data.setUint16(place, tag, small);
    data.setUint16(place + 2, type, small);
    data.setUint32(place + 4, count, small);
    if (value.length <= 4) {
      block.set(value, place + 8);
    } else {
      data.setUint32(place + 8, behind, small);
      block.set(value, behind);
      behind += apart(value);
    }
    place += 12;
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
