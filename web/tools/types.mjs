// Turns swagger.json into TypeScript types: `node tools/types.mjs FILE > made/api.d.ts`.
import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import converter from "swagger2openapi";

// Only to whom they belong, so they may be absent from an answer
const SOMETIMES = { FindingOut: ["visits", "resembles"], ProblemOut: true };

const document = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const [name, definition] of Object.entries(document.definitions)) {
  const sometimes = SOMETIMES[name] ?? [];
  // The service writes every member of its answers, null where there is nothing; Swagger would call them optional
  if (name.endsWith("Out") && sometimes !== true) {
    definition.required = Object.keys(definition.properties).filter((member) => !sometimes.includes(member));
  }
}
// What may be null: an enum names it too, which is once too often; beside a $ref nothing is read, so it goes around it
const plain = JSON.parse(JSON.stringify(document), (key, value) => {
  if (key === "enum" && Array.isArray(value)) return value.filter((one) => one !== null);
  if (value?.$ref && value["x-nullable"]) return { allOf: [{ $ref: value.$ref }], "x-nullable": true };
  return value;
});
const { openapi } = await converter.convertObj(plain, { patch: true, warnOnly: true });
process.stdout.write("// Made from the service's own swagger.json by tools/types.mjs\n\n");
process.stdout.write(astToString(await openapiTS(openapi, { defaultNonNullable: false })));
