/** The real browser, for the modules that are given their world. */

import type { World } from "./api";
import { rememberSkew } from "./known";

/** Fetches, reads the phone's clock, and keeps the skew seen at every contact. */
export function browser(language: () => "zh" | "en"): World {
  return {
    fetch: (input, init) => fetch(input, init),
    now: () => Date.now(),
    language,
    metServer: (skew) => void rememberSkew(skew),
  };
}
