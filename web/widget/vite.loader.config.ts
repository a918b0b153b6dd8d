import { defineConfig } from "vite";

// The loader: one classic script, so that the snippet works on every page without type="module".
// Library mode, because it leaves import() as it is.
export default defineConfig({
  build: {
    outDir: "../dist/widget",
    emptyOutDir: true,
    target: "es2022",
    // Newer than the script needs, so that logical properties are not spelled out per direction.
    cssTarget: ["chrome112", "firefox115", "safari16.4"],
    lib: { entry: "src/loader.ts", formats: ["iife"], name: "parleyLoader", fileName: () => "loader.js" },
  },
});
