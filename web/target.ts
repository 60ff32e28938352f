/**
 * The oldest engine that the pages run in: Chromium 69 of 2018, the first with Web Locks, OffscreenCanvas and Array.flat,
 * and what Android 9 shipped with. The build is checked against it (tools/check-build.mjs); docs/phone.md has the reason.
 */
export const OLDEST = "chrome69";
export const OUT = "../server/web";
