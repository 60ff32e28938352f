/** The outside of pictures, as bytes: what kind it is, how large, and where a JPEG keeps its EXIF. Never throws. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SOI = 0xd8;
const SOS = 0xda;
const EOI = 0xd9;
const APP1 = 0xe1;
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
const LONGEST_SEGMENT = 0xffff - 2;

interface Segment {
  readonly marker: number;
  /** Where the segment's content begins and ends. */
  readonly start: number;
  readonly end: number;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === SOI;
}

/** HEIC and its kin, which Android's and Apple's cameras write and few browsers read. */
export function isHeic(bytes: Uint8Array): boolean {
  const brand = ascii(bytes, 8, 12);
  return ascii(bytes, 4, 8) === "ftyp" && /^(heic|heix|heim|heis|hevc|hevx|mif1|msf1)$/.test(brand);
}

/** A JPEG's size as its pixels lie, before any turning; null if it cannot be told. */
export function sizeOf(jpeg: Uint8Array): Size | null {
  for (const { marker, start, end } of segments(jpeg)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (!isFrame || end - start < 5) continue;
    const view = new DataView(jpeg.buffer, jpeg.byteOffset + start, end - start);
    const size = { height: view.getUint16(1), width: view.getUint16(3) };
    return size.width > 0 && size.height > 0 ? size : null;
  }
  return null;
}

/** The EXIF block of a JPEG, from its TIFF header on, as a view into the same bytes; null without one. */
export function exifOf(jpeg: Uint8Array): Uint8Array | null {
  for (const segment of segments(jpeg)) {
    if (isExif(jpeg, segment)) return jpeg.subarray(segment.start + EXIF.length, segment.end);
  }
  return null;
}

/** The JPEG with this EXIF block in place of any of its own, directly after its first marker. */
export function withExif(jpeg: Uint8Array, tiff: Uint8Array | null): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [jpeg.subarray(0, 2)];
  if (tiff && tiff.length + EXIF.length <= LONGEST_SEGMENT) {
    const length = tiff.length + EXIF.length + 2;
    parts.push(Uint8Array.of(0xff, APP1, length >> 8, length & 0xff, ...EXIF), tiff);
  }
  let from = 2;
  for (const segment of segments(jpeg)) {
    if (!isExif(jpeg, segment)) continue;
    parts.push(jpeg.subarray(from, segment.start - 4));
    from = segment.end;
  }
  parts.push(jpeg.subarray(from));
  return joined(parts);
}

function isExif(jpeg: Uint8Array, { marker, start, end }: Segment): boolean {
  return marker === APP1 && end - start > EXIF.length && EXIF.every((byte, place) => jpeg[start + place] === byte);
}

/** The segments before the picture's own data. */
function* segments(jpeg: Uint8Array): Generator<Segment> {
  if (!isJpeg(jpeg)) return;
  let at = 2;
  while (at + 4 <= jpeg.length) {
    if (jpeg[at] !== 0xff) return;
    const marker = jpeg[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // filling
      continue;
    }
    if (marker === SOS || marker === EOI) return;
    const end = at + 2 + (((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0));
    if (end < at + 4 || end > jpeg.length) return;
    yield { marker, start: at + 4, end };
    at = end;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
