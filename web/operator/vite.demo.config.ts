import { cpSync, existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const source = fileURLToPath(new URL("../demo/", import.meta.url));
const target = fileURLToPath(new URL("../dist/demo/", import.meta.url));

// The shop is plain files, filled in by the server; they go along as they are.
function shop(): Plugin {
  return {
    name: "shop",
    closeBundle() {
      mkdirSync(target, { recursive: true });
      for (const name of ["shop.html", "shop.css", "shop.js"]) {
        if (existsSync(source + name)) cpSync(source + name, target + name);
      }
    },
  };
}

export default defineConfig({
  root: source,
  base: "/demo/",
  publicDir: false,
  plugins: [shop()],
  build: {
    outDir: target,
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: `${source}inspector.html` },
  },
});
