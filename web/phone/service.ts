/** The calls that the screens make, for whoever is signed in. */

import type { components } from "../made/api";
import type { Result, World } from "./core/api";
import { service } from "./core/calls";

type Schemas = components["schemas"];
export type Me = Schemas["MeOut"];
export type ToDo = Schemas["ToDoOut"];
export type Obligation = Schemas["ObligationOut"];
export type MyPlace = Schemas["MyPlaceOut"];
export type Visit = Schemas["VisitOut"];
export type VisitBrief = Schemas["VisitBriefOut"];
export type CountsFor = Schemas["CountsForOut"];
export type Finding = Schemas["FindingOut"];
export type Leave = Schemas["LeaveOut"];
export type LeaveIn = Schemas["LeaveIn"];
export type Notice = Schemas["NoticeOut"];
export type Token = Schemas["TokenOut"];
export type { Result };

/** Of 200 items each: more than any person's month. */
const PAGES = 20;

interface Page<T> {
  items: T[];
  next: string | null;
}

/** The service as it speaks to one person. */
export function serviceFor(world: World, token: () => string | null) {
  return {
    signIn: (json: Schemas["TokenIn"], oldToken: string | null) => service(world, oldToken, "post", "/tokens", { json }),
    activate: (json: Schemas["ActivationIn"]) => service(world, null, "post", "/activations", { json }),
    signOut: () => service(world, token(), "delete", "/tokens/current", {}),
    me: () => service(world, token(), "get", "/me", {}),
    visit: (visit: string) => service(world, token(), "get", "/visits/{visit}", { path: { visit } }),
    visits: (person: string, from: string, to: string) =>
      whole((cursor) => service(world, token(), "get", "/visits", { query: { person, from, to, limit: 200, cursor } })),
    appeal: (visit: string, reason: string) =>
      service(world, token(), "post", "/visits/{visit}/appeal", { path: { visit }, json: { reason } }),
    obligations: (person: string, from: string, to: string) =>
      whole((cursor) => service(world, token(), "get", "/obligations", { query: { person, from, to, limit: 200, cursor } })),
    explain: (json: Schemas["ExplanationIn"]) => service(world, token(), "post", "/obligations/explanations", { json }),
    leave: (person: string) => service(world, token(), "get", "/leave", { query: { person, limit: 50 } }),
    askForLeave: (json: LeaveIn) => service(world, token(), "post", "/leave", { json }),
    takeLeaveBack: (leave: string) => service(world, token(), "delete", "/leave/{leave}", { path: { leave } }),
    notices: () => service(world, token(), "get", "/me/notices", { query: { limit: 100 } }),
    readNotices: (until: number) => service(world, token(), "post", "/me/notices/read", { json: { until } }),
  };
}

/** A list with all its pages, or the first thing that went wrong. */
async function whole<T>(ask: (cursor?: string) => Promise<Result<Page<T>>>): Promise<Result<T[]>> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 1; ; page++) {
    const result = await ask(cursor);
    if (!result.ok) return result;
    items.push(...result.value.items);
    if (result.value.next === null || page === PAGES) return { ...result, value: items };
    cursor = result.value.next;
  }
}
