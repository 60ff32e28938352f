import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";
import { OLDEST, OUT } from "./target.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The console will be the second entry: console/index.html
export default defineConfig({
  plugins: [vue()],
  define: {
    __VUE_OPTIONS_API__: true, // Vant is written with it
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  worker: { format: "iife" }, // module workers came with Chromium 80
  build: {
    outDir: here(OUT),
    emptyOutDir: true,
    manifest: true,
    target: OLDEST,
    cssTarget: OLDEST,
    assetsInlineLimit: 0, // the policy allows files of ours only
    rolldownOptions: { input: { phone: here("phone/index.html") } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  test: { environment: "node", include: ["phone/**/*.test.ts", "tools/**/*.test.ts"] },
});
