/** Which screen is shown: the address's fragment, so that the phone's own back button works and nothing reaches a log. */

import { shallowRef } from "vue";

export const SCREENS = [
  "today", "check-in", "visit", "add", "month", "leave", "explain", "notices", "settings", "outbox", "sign-in", "activate",
] as const;
export type Screen = (typeof SCREENS)[number];

export interface Route {
  readonly screen: Screen;
  readonly args: readonly string[];
}

/** What a fragment leads to; whatever is not known leads to the first page. */
export function parse(fragment: string): Route {
  const text = fragment.replace(/^#\/?/, "");
  if (text.startsWith("activate=")) {
    const given = new URLSearchParams(text);
    return { screen: "activate", args: [given.get("activate") || "", given.get("person") || ""] };
  }
  const [name = "", ...args] = text.split("/").map(decoded);
  const screen = SCREENS.find((one) => one === name);
  return screen ? { screen, args } : { screen: "today", args: [] };
}

export function to(screen: Screen, ...args: string[]): string {
  return `#/${[screen, ...args].map(encodeURIComponent).join("/")}`;
}

export const route = shallowRef<Route>({ screen: "today", args: [] });

export function follow(): void {
  route.value = parse(location.hash);
}

export function go(screen: Screen, ...args: string[]): void {
  location.hash = to(screen, ...args);
}

/** Like `go`, but the back button does not lead here again: a form that has been sent, a code that has been used. */
export function goInstead(screen: Screen, ...args: string[]): void {
  location.replace(to(screen, ...args));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
