/** Takes photos from the camera to what is sent, one after another: two decoded at once may end a small phone's tab. */

import { type Shrunk, type Tools, shrink } from "./scaling";

/** A worker that hangs or was killed for its memory gives way to the page after this long. */
const PATIENCE_MS = 60_000;

let queue: Promise<unknown> = Promise.resolve();

/** Scales a photo in a worker, or on the page where the engine has no drawing in workers. */
export function take(file: Blob, make: () => Worker = worker): Promise<Shrunk> {
  const mine = queue.then(async () => (await inWorker(file, make)) ?? shrink(file, page));
  queue = mine.catch(() => undefined);
  return mine;
}

function worker(): Worker {
  // Classic, not a module: old engines know no module workers. Each photo gets its own, and its memory back.
  return new Worker(new URL("./photo.worker.ts", import.meta.url));
}

function inWorker(file: Blob, make: () => Worker): Promise<Shrunk | null> {
  return new Promise((done) => {
    let its: Worker;
    try {
      its = make();
    } catch {
      done(null);
      return;
    }
    const end = (shrunk: Shrunk | null): void => {
      clearTimeout(timer);
      its.terminate();
      done(shrunk);
    };
    const timer = setTimeout(() => end(null), PATIENCE_MS);
    its.onmessage = ({ data }: MessageEvent<Shrunk | null>) => end(data);
    its.onerror = () => end(null);
    its.postMessage(file);
  });
}

const page: Tools = {
  decode: async (picture) => {
    const url = URL.createObjectURL(picture);
    const image = new Image();
    const loaded = new Promise<void>((done, fail) => {
      image.onload = () => done();
      image.onerror = () => fail(new Error("not a picture"));
    });
    image.src = url;
    try {
      await loaded;
    } finally {
      URL.revokeObjectURL(url);
    }
    return {
      source: image,
      width: image.naturalWidth,
      height: image.naturalHeight,
      free: () => image.removeAttribute("src"),
    };
  },
  surface: ({ width, height }) => {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no canvas");
    return {
      context,
      jpeg: (quality) =>
        new Promise((done, fail) => {
          canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no JPEG came out"))), "image/jpeg", quality);
        }),
      free: () => {
        canvas.width = canvas.height = 0;
      },
    };
  },
};
