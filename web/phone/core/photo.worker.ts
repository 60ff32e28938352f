/** Scales one photo outside the page's own thread: a slow phone goes on taking taps meanwhile. */

import { type Tools, shrink } from "./scaling";

const tools: Tools = {
  decode: async (picture, wanted) => {
    const resize = wanted
      ? { resizeWidth: wanted.width, resizeHeight: wanted.height, resizeQuality: "high" as const }
      : {};
    const bitmap = await createImageBitmap(picture, resize);
    return { source: bitmap, width: bitmap.width, height: bitmap.height, free: () => bitmap.close() };
  },
  surface: ({ width, height }) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no canvas");
    return {
      context,
      jpeg: (quality) => canvas.convertToBlob({ type: "image/jpeg", quality }),
      free: () => {
        canvas.width = canvas.height = 0;
      },
    };
  },
};

const here = self as unknown as { postMessage(message: unknown, transfer?: Transferable[]): void };

self.onmessage = async ({ data }: MessageEvent<Blob>) => {
  if (typeof OffscreenCanvas === "undefined" || typeof createImageBitmap === "undefined") {
    here.postMessage(null);
    return;
  }
  const shrunk = await shrink(data, tools);
  here.postMessage(shrunk, shrunk.ok ? [shrunk.bytes] : []);
};
