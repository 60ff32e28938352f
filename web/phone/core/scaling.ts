/** Makes of a camera's photo what is sent: upright, at most 1,600 pixels and about 300 KB, its EXIF kept. */

import { orientationOf, rewritten } from "./exif";
import { sha256 } from "./ids";
import { type Size, exifOf, isHeic, isJpeg, sizeOf, withExif } from "./jpeg";

export const LONGEST_EDGE = 1600;
export const AIM_BYTES = 300_000;
/** A phone with 2 GB cannot hold more decoded pixels than this. */
const MOST_PIXELS = 120_000_000;
const QUALITIES = [0.82, 0.7, 0.58, 0.46];

/** A photo as it will be sent, or why there is none: `heic` this browser cannot read, `unreadable`, `too-large`. */
export type Shrunk =
  | {
      readonly ok: true;
      readonly bytes: ArrayBuffer;
      readonly type: "image/jpeg";
      readonly sha256: string;
      readonly size: Size;
    }
  | { readonly ok: false; readonly why: "heic" | "unreadable" | "too-large" };

export interface Decoded extends Size {
  readonly source: CanvasImageSource;
  readonly free: () => void;
}

export interface Surface {
  /** What both kinds of canvas can do, of the page and of a worker. */
  readonly context: Pick<
    OffscreenCanvasRenderingContext2D,
    "fillStyle" | "fillRect" | "imageSmoothingQuality" | "setTransform" | "drawImage"
  >;
  readonly jpeg: (quality: number) => Promise<Blob>;
  readonly free: () => void;
}

/** What an engine draws with: in a worker, or on the page where a worker cannot draw. */
export interface Tools {
  /** Decodes, scaled to `wanted` where the engine can do so while decoding. */
  readonly decode: (picture: Blob, wanted: Size | null) => Promise<Decoded>;
  readonly surface: (size: Size) => Surface;
}

/** Scales a photo. Never throws for what a file holds; an engine that fails (memory) is told as `unreadable`. */
export async function shrink(file: Blob, tools: Tools): Promise<Shrunk> {
  let heic = false;
  try {
    // The album may hold what is only in a cloud: reading it fails, not only decoding it
    const bytes = await bytesOf(file);
    heic = isHeic(bytes);
    const raw = isJpeg(bytes) ? sizeOf(bytes) : null;
    if (raw && raw.width * raw.height > MOST_PIXELS) return { ok: false, why: "too-large" };
    const tiff = exifOf(bytes);
    return await drawn(file, bytes, tiff, raw, tools);
  } catch {
    return { ok: false, why: heic ? "heic" : "unreadable" };
  }
}

/** The size within the longest edge; never larger than it was. */
export function within(size: Size, longest: number): Size {
  const by = Math.min(1, longest / Math.max(size.width, size.height));
  return { width: Math.max(1, Math.round(size.width * by)), height: Math.max(1, Math.round(size.height * by)) };
}

/** The canvas transform that turns a picture of this size upright from EXIF's orientation 1 to 8. */
export function turn(orientation: number, { width, height }: Size): [number, number, number, number, number, number] {
  switch (orientation) {
    case 2:
      return [-1, 0, 0, 1, width, 0];
    case 3:
      return [-1, 0, 0, -1, width, height];
    case 4:
      return [1, 0, 0, -1, 0, height];
    case 5:
      return [0, 1, 1, 0, 0, 0];
    case 6:
      return [0, 1, -1, 0, height, 0];
    case 7:
      return [0, -1, -1, 0, height, width];
    case 8:
      return [0, -1, 1, 0, 0, width];
    default:
      return [1, 0, 0, 1, 0, 0];
  }
}

async function drawn(
  file: Blob,
  bytes: Uint8Array<ArrayBuffer>,
  tiff: Uint8Array | null,
  raw: Size | null,
  tools: Tools,
): Promise<Shrunk> {
  // Engines differ on whether they turn a picture while decoding. Without its EXIF there is nothing to differ on.
  const plain = tiff ? new Blob([withExif(bytes, null)], { type: "image/jpeg" }) : file;
  const orientation = tiff ? orientationOf(tiff) : 1;
  const decoded = await tools.decode(plain, raw && within(raw, LONGEST_EDGE));
  try {
    for (const longest of [LONGEST_EDGE, LONGEST_EDGE * 0.75, LONGEST_EDGE / 2]) {
      const lying = within(decoded, longest);
      const size = orientation >= 5 ? { width: lying.height, height: lying.width } : lying;
      const found = await encoded(decoded, orientation, lying, size, tools);
      if (found.size > AIM_BYTES * 1.1 && longest > LONGEST_EDGE / 2) continue;
      const jpeg = await bytesOf(found);
      const whole = withExif(jpeg, tiff && rewritten(tiff, size));
      return { ok: true, bytes: whole.buffer, type: "image/jpeg", sha256: await sha256(whole.buffer), size };
    }
  } finally {
    decoded.free();
  }
  return { ok: false, why: "unreadable" };
}

/** The best quality that stays within the aim, or else the smallest. */
async function encoded(decoded: Decoded, orientation: number, lying: Size, size: Size, tools: Tools): Promise<Blob> {
  const surface = tools.surface(size);
  try {
    const { context } = surface;
    // A transparent picture would come out black.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size.width, size.height);
    context.imageSmoothingQuality = "high";
    context.setTransform(...turn(orientation, lying));
    context.drawImage(decoded.source, 0, 0, lying.width, lying.height);
    let found: Blob | null = null;
    for (const quality of QUALITIES) {
      found = await surface.jpeg(quality);
      if (found.size <= AIM_BYTES) break;
    }
    if (!found || found.type !== "image/jpeg") throw new Error("no JPEG came out");
    return found;
  } finally {
    surface.free();
  }
}

/** Chromium 69 has no `Blob.arrayBuffer`. */
function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(new Uint8Array(reader.result as ArrayBuffer));
    reader.onerror = () => fail(reader.error ?? new Error("not readable"));
    reader.readAsArrayBuffer(blob);
  });
}
