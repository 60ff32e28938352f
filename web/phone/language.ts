/** Chinese first, English by one switch; the choice stays on the phone. */

import { createI18n } from "vue-i18n";

import en from "./messages/en.json";
import zh from "./messages/zh.json";

export type Language = "zh" | "en";

const KEY = "daocun-language";

function chosen(): Language {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept === "zh" || kept === "en") return kept;
  } catch {
    // A browser that keeps nothing: its own language will do
  }
  return navigator.language.startsWith("en") ? "en" : "zh";
}

export const i18n = createI18n({
  legacy: false,
  locale: chosen(),
  fallbackLocale: false as const,
  messages: { zh, en },
});

export function language(): Language {
  return i18n.global.locale.value;
}

export function speak(next: Language): void {
  i18n.global.locale.value = next;
  show();
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // As above
  }
}

/** Tells the browser, and so a screen reader, which language this is. */
export function show(): void {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  document.title = i18n.global.t("app.name");
}
