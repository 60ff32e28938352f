// Puts a gzipped copy beside every file of text that was built, for the service to send as it is.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const OUT = fileURLToPath(new URL("../../server/web/", import.meta.url));
for (const name of readdirSync(OUT, { recursive: true })) {
  if (/\.(js|css|html|webmanifest)$/.test(name)) writeFileSync(`${OUT}${name}.gz`, gzipSync(readFileSync(OUT + name), { level: 9 }));
}
