// The service worker: one classic script at the top, so that it governs every page, with the list of the phone's files in it.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { OLDEST, OUT } from "./target.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Chunk {
  file: string;
  css?: string[];
  assets?: string[];
  imports?: string[];
  dynamicImports?: string[];
}

/** The files that the phone's pages are made of: all that its entry leads to. */
function shell(): string[] {
  const path = here(`${OUT}/.vite/manifest.json`);
  if (!existsSync(path)) throw new Error("Build the pages first: vite build");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as Record<string, Chunk>;
  const found = new Set<string>();
  const follow = (key: string): void => {
    const chunk = manifest[key];
    if (!chunk || found.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) found.add(file);
    for (const next of [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]) follow(next);
  };
  follow("phone/index.html");
  return ["/", "/manifest.webmanifest", "/icons/192.png", ...[...found].map((file) => `/${file}`).sort()];
}

const files = shell();
const version = createHash("sha256")
  .update(JSON.stringify(files))
  .update(readFileSync(here(`${OUT}/phone/index.html`)))
  .digest("hex")
  .slice(0, 12);

export default defineConfig({
  define: { __FILES__: JSON.stringify(files), __VERSION__: JSON.stringify(version) },
  publicDir: false,
  build: {
    outDir: here(OUT),
    emptyOutDir: false,
    target: OLDEST,
    lib: { entry: here("phone/sw.ts"), formats: ["iife"], name: "daocun", fileName: () => "sw.js" },
  },
});
