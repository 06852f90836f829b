/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
// @ts-expect-error plain JavaScript, shared with the command line
import { messagesPlugin } from "./scripts/messages.mjs";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react(), messagesPlugin()],
  resolve: { alias: { "~": here("./src") } },
  build: {
    outDir: here("../src/mecum/surfaces/web/client"),
    emptyOutDir: true,
    // The server's content security policy knows no data: URLs for fonts and styles.
    assetsInlineLimit: 0,
    target: ["chrome123", "firefox128", "safari17.5"],
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What every page needs and what rarely changes: one file each, instead of a dozen small ones.
            { name: "vendor", test: /node_modules\/(react|react-dom|scheduler|@tanstack|@lingui\/core)\//, priority: 2 },
            // The icons of the rail, and those of a conversation: a file for each would be larger than what is in it.
            { name: "icons", test: /lucide-react\/dist\/esm\/icons\/(activity|archive|bell|calendar-clock|chevrons-up-down|cpu|file-text|gauge|ghost|menu|pin|scroll-text|search|square-pen|terminal|users|wallet)\.m?js/, priority: 2 },
            { name: "marks", test: /lucide-react\/dist\/esm\/icons\/(check|chevron-left|chevron-right|copy|ellipsis|pencil|rotate-cw|send)\.m?js/, priority: 2 },
            { name: "common", test: /src\/(api|stream|i18n|shell\/(panels|search)\.|ui\/(Button|DoorBrand|Field|Icon|Line|Meter|Note|Menu|time|toast|useCopy|useAction|useStable)\.)/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { port: 5173, proxy: { "/api": process.env.MECUM_API ?? "http://127.0.0.1:4173" } },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
