import { defineConfig } from "vitest/config";

// The messenger: one ES module with a stable name, plus hashed chunks for what is loaded later.
// Library mode, because it leaves import() as it is; the page needs no preloading.
export default defineConfig({
  // Classic, because calls of h() are smaller than those of the automatic runtime.
  oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" } },
  build: {
    outDir: "../dist/widget",
    // The loader was written to the same folder a moment ago.
    emptyOutDir: false,
    target: "es2022",
    cssTarget: ["chrome112", "firefox115", "safari16.4"],
    lib: { entry: "src/messenger.ts", formats: ["es"], fileName: () => "messenger.js" },
    rolldownOptions: {
      output: { chunkFileNames: "[name]-[hash].js", minify: true, comments: { annotation: false } },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
  },
});
