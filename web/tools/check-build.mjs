// What the built pages must keep to: they run in the oldest engine, their first load is small, and they ask nobody else.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { parse } from "acorn";

const OUT = fileURLToPath(new URL("../../server/web/", import.meta.url));
const FIRST_LOAD = 200_000;
const wrong = [];

const scripts = [
  ...readdirSync(`${OUT}assets`)
    .filter((name) => name.endsWith(".js"))
    .map((name) => `assets/${name}`),
  "sw.js",
];
const styles = readdirSync(`${OUT}assets`)
  .filter((name) => name.endsWith(".css"))
  .map((name) => `assets/${name}`);
const read = (name) => readFileSync(OUT + name, "utf8");

// The language of 2019 is what Chromium 69 speaks; what it lacks of its library is named below
for (const name of scripts) {
  // import.meta came with Chromium 64, the standard with it two years later
  const text = read(name).replace(/\bimport\.meta\b/g, "importMeta");
  const sourceType = name.startsWith("assets/phone-") ? "module" : "script";
  try {
    parse(text, { ecmaVersion: 2019, sourceType });
  } catch (error) {
    wrong.push(`${name} is not the language of 2019: ${error.message}`);
  }
}
const LATER = [
  ["Object.fromEntries", 73],
  ["Promise.allSettled", 76],
  ["Promise.any", 85],
  [".replaceAll(", 85],
  [".matchAll(", 73],
  ["queueMicrotask(", 71],
  ["structuredClone(", 98],
  ["crypto.randomUUID", 92],
  ["Array.prototype.at", 92],
  [".arrayBuffer()", 76],
  [".findLast(", 97],
  [".hasOwn(", 93],
  ["new WeakRef", 84],
  ["AbortSignal.timeout", 103],
];
// Libraries ask before they use these
const ASKED = new Set([]);
for (const name of scripts) {
  for (const [call, since] of LATER) {
    if (read(name).includes(call) && !ASKED.has(call))
      wrong.push(`${name} uses ${call}, which came with Chromium ${since}`);
  }
}

for (const name of styles) {
  for (const [, selector, body] of read(name).matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
    if (/display:\s*(inline-)?flex/.test(body) && /(^|;)\s*(row-|column-)?gap:/.test(body))
      wrong.push(`${name}: ${selector} has a gap in a flex box (Chromium 84)`);
  }
  for (const [pattern, since] of [
    [/:(is|where|has)\(/, 88],
    [/(^|[;{])inset:/, 87],
    [/aspect-ratio/, 88],
    [/\bclamp\(|\bmin\(|\bmax\(/, 79],
    [/[0-9]d?vh\b.*dvh/, 108],
  ]) {
    if (pattern.test(read(name))) wrong.push(`${name} matches ${pattern}, which came with Chromium ${since}`);
  }
}

const first = ["phone/index.html", "manifest.webmanifest", ...scripts, ...styles];
const bytes = first.reduce((sum, name) => sum + gzipSync(readFileSync(OUT + name), { level: 9 }).length, 0);
if (bytes > FIRST_LOAD) wrong.push(`the first load is ${bytes} bytes gzipped; ${FIRST_LOAD} at most`);

for (const name of first) {
  const away = read(name).match(/(?:src|href)=["']?https?:|url\(\s*["']?(?:https?:)?\/\/|@import/g);
  if (away) wrong.push(`${name} fetches from elsewhere: ${away}`);
}
if (/<script(?![^>]*\bsrc=)|\bstyle=|\bon[a-z]+=/.test(read("phone/index.html")))
  wrong.push("phone/index.html has a script or a style in it, which the policy forbids");

console.log(
  `${scripts.length} scripts, ${styles.length} style sheets; first load ${Math.round(bytes / 1000)} KB gzipped`,
);
if (wrong.length) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
