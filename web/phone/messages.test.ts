import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import type { Result } from "./core/api";
import en from "./messages/en.json";
import zh from "./messages/zh.json";

const here = fileURLToPath(new URL(".", import.meta.url));

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, before = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const path = before + key;
    if (typeof value === "string") found.set(path, value);
    else for (const entry of flat(value, `${path}.`)) found.set(...entry);
  }
  return found;
}

const chinese = flat(zh);
const english = flat(en);

test("both languages have the same sentences, with the same gaps", () => {
  expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  const gaps = (text = "") => (text.match(/\{\w+\}/g) ?? []).sort();
  const uneven = [...chinese].filter(([key, text]) => gaps(text).join() !== gaps(english.get(key)).join());
  expect(uneven.map(([key]) => key)).toEqual([]);
});

test("no sentence stands in a component", () => {
  const files = (readdirSync(here, { recursive: true }) as string[]).filter((name) => name.endsWith(".vue"));
  const strays = files.flatMap((name) => {
    const [template = ""] = readFileSync(here + name, "utf8").match(/<template>[\s\S]*<\/template>/) ?? [];
    const said = template
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/\{\{[\s\S]*?\}\}/g, "")
      .replace(/<(?:[^>"]|"[^"]*")*>/g, " ");
    return /[\p{L}\p{N}]/u.test(said) ? [`${name}: ${said.trim().replace(/\s+/g, " ")}`] : [];
  });
  expect(strays).toEqual([]);
});

test("what nobody tries again by itself does not promise that", () => {
  const why: Exclude<Result<unknown>, { ok: true } | { why: "refused" }>["why"][] = ["network", "timeout", "foreign", "server"];
  for (const one of why) {
    expect(chinese.get(`call.${one}`)).toMatch(/再试一次/);
    expect(chinese.get(`call.${one}`)).not.toMatch(/自动/);
    expect(english.get(`call.${one}`)).not.toMatch(/by itself/);
  }
  expect(readFileSync(`${here}parts/Problem.vue`, "utf8")).not.toContain("trouble.");
});
