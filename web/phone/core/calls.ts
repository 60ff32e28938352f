/** Calls whose paths, bodies and answers are those of the service's own description: a changed contract ends the build. */

import type { paths } from "../../made/api";
import { type Result, type World, call } from "./api";

type Verb = "get" | "put" | "post" | "patch" | "delete";
type Operation<P extends keyof paths, V extends Verb> = V extends keyof paths[P] ? NonNullable<paths[P][V]> : never;

type Json<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { json: B }
  : { json?: undefined };
type InPath<O> = O extends { parameters: { path: infer I } } ? { path: I } : { path?: undefined };
type Query<O> = O extends { parameters: { query?: infer Q } } ? { query?: Q } : { query?: undefined };
type Said<O> = Json<O> & InPath<O> & Query<O> & { headers?: Readonly<Record<string, string>> };

type Content<R, S extends number> = R extends { [K in S]: { content: { "application/json": infer A } } } ? A : never;
/** What an operation answers when it goes well. */
export type Answer<O> = O extends { responses: infer R } ? Content<R, 200> | Content<R, 201> | Content<R, 202> : never;

/** Calls one operation of the API, for a person by their token. */
export function service<P extends keyof paths, V extends Verb>(
  world: World,
  token: string | null,
  verb: V,
  path: P,
  said: Said<Operation<P, V>>,
): Promise<Result<Answer<Operation<P, V>>>> {
  const { json, headers } = said;
  return call(world, {
    method: verb.toUpperCase() as Uppercase<V>,
    path:
      filled(path, said.path as Record<string, unknown> | undefined) +
      query(said.query as Record<string, unknown> | undefined),
    token,
    json,
    ...(headers ? { headers } : {}),
  });
}

function filled(path: string, values: Record<string, unknown> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(values[name])));
}

function query(values: Record<string, unknown> = {}): string {
  const pairs = Object.keys(values)
    .filter((name) => values[name] !== undefined && values[name] !== null)
    .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(String(values[name]))}`);
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
}
