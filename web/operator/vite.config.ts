import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { budget } from "./size.ts";

// The component library carries its own few texts in thirty languages. The Message Center speaks English,
// so the other tables would be weight nobody reads.
function englishOnly(): Plugin {
  const table = /[\\/](?:intl|[a-z]+)[\\/](?:[a-z]+[\\/])?([a-z]{2}-[A-Z]{2})\.m?js$/;
  return {
    name: "english-only",
    enforce: "pre",
    load(id) {
      const found = id.includes("react-aria") || id.includes("react-stately") ? table.exec(id) : null;
      if (found && found[1] !== "en-US") {
        return "export default {};";
      }
      return null;
    },
  };
}

export default defineConfig({
  base: "/app/",
  plugins: [englishOnly(), react(), budget()],
  build: {
    outDir: "../dist/operator",
    emptyOutDir: true,
    // light-dark() and the rest of the style sheets go out as written.
    target: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        // What the inbox shares with lazy pages would fall into a dozen files of some hundred bytes, which compress badly.
        codeSplitting: {
          groups: [
            {
              name: "inbox-parts",
              test: /src[\\/](app[\\/]clock|inbox[\\/](ChannelIcon|outcome|place|drafts|wishes|tags|addon|FlagBadge|events|Prose|alarm[\\/]Badges|files[\\/]hold|commands[\\/](desk|line|useCommands)))\.tsx?$/,
            },
          ],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      "/api": { target: "http://127.0.0.1:8787", ws: true },
      "/demo": { target: "http://127.0.0.1:8787" },
    },
  },
});
