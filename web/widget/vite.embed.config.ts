import { defineConfig } from "vite";

// The module form of the loader, whole in one file.
export default defineConfig({
  build: {
    outDir: "../dist/widget",
    emptyOutDir: false,
    target: "es2022",
    cssTarget: ["chrome112", "firefox115", "safari16.4"],
    lib: { entry: "src/embed.ts", formats: ["es"], fileName: () => "embed.js" },
    rolldownOptions: { output: { minify: true } },
  },
});
