import { defineConfig } from "vite";

// Who is on the site: a part with a stable name, because the loader fetches it, whole in one file.
export default defineConfig({
  build: {
    outDir: "../dist/widget",
    emptyOutDir: false,
    target: "es2022",
    cssTarget: ["chrome112", "firefox115", "safari16.4"],
    lib: { entry: "src/here/here.ts", formats: ["es"], fileName: () => "here.js" },
    rolldownOptions: { output: { minify: true } },
  },
});
