import { defineConfig } from "vite";

// The messenger: one ES module with a stable name, plus hashed chunks for what is loaded later.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/widget",
    // The loader was written to the same folder a moment ago.
    emptyOutDir: false,
    target: "es2022",
    cssTarget: ["chrome112", "firefox115", "safari16.4"],
    modulePreload: false,
    rollupOptions: {
      input: "src/messenger.ts",
      preserveEntrySignatures: "strict",
      output: {
        format: "es",
        entryFileNames: "messenger.js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
  },
} as Parameters<typeof defineConfig>[0]);
