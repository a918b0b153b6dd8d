// Measures what an operator's browser loads before the inbox is there, and fails the build beyond the budget.

import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Compressed bytes of script. The inbox is loaded by the shell, so that settings need not wait for it. */
const BUDGETS = [
  { name: "the start (index.html and what it loads)", also: null, bytes: 162_000 },
  { name: "the first page (the start and the inbox)", also: "src/inbox/Inbox.tsx", bytes: 195_000 },
];

export function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    enforce: "post",
    // Before anything is written: a build that is too large leaves nothing behind that could be taken for a good one.
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
      const first = chunks.filter((chunk) => chunk.isEntry);
      for (const { name, also, bytes } of BUDGETS) {
        const wanted = also === null ? [] : chunks.filter((chunk) => chunk.facadeModuleId?.endsWith(also));
        // A budget that measures nothing would hold for ever.
        if (first.length === 0 || (also !== null && wanted.length === 0)) this.error(`${name}: not found`);
        const files = new Set<string>();
        const add = (file: string) => {
          if (files.has(file)) return;
          files.add(file);
          for (const next of chunks.find((chunk) => chunk.fileName === file)?.imports ?? []) add(next);
        };
        for (const chunk of [...first, ...wanted]) add(chunk.fileName);
        const sum = chunks
          .filter((chunk) => files.has(chunk.fileName))
          .reduce((total, chunk) => total + gzipSync(chunk.code, { level: 9 }).length, 0);
        const line = `${name}: ${sum} B gzip of ${bytes} B (${files.size} files)`;
        if (sum > bytes) this.error(`${line} OVER BUDGET`);
        console.log(`${line} ok`);
      }
    },
  };
}
