// Measures what a visitor downloads and fails the build when a budget is broken.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../dist/widget");
const budgets = { "loader.js": 3072, "embed.js": 4096, "messenger.js": 25_000, "here.js": 4096 };

/** Parts that are loaded when they are needed, by the beginning of their names; each has a budget of its own. */
const later = {
  Account: 6_400,
  Files: 9_000,
  Voice: 2_560,
  AfterCard: 3_072,
  AskCard: 2_304,
  List: 1_536,
  facts: 640,
  phone: 400,
  Offline: 4_608,
  de: 1_100,
};

const gzip = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;

/** The entry and everything it imports statically, directly or not. */
function initialFiles(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const source = readFileSync(join(dist, entry), "utf8");
  for (const match of source.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) {
    initialFiles(match[1], seen);
  }
  return seen;
}

let broken = false;
const initial = new Set();
for (const [entry, budget] of Object.entries(budgets)) {
  const files = [...initialFiles(entry)];
  for (const file of files) initial.add(file);
  const bytes = files.reduce((sum, file) => sum + gzip(file), 0);
  const verdict = bytes > budget ? "OVER BUDGET" : "ok";
  if (bytes > budget) broken = true;
  console.log(`${entry}: ${bytes} B gzip of ${budget} B (${files.length} file(s)) ${verdict}`);
}
for (const file of readdirSync(dist)) {
  if (!file.endsWith(".js") || initial.has(file)) continue;
  const bytes = gzip(file);
  const budget = later[file.split("-")[0]] ?? 0;
  if (bytes > budget) broken = true;
  console.log(
    `${file}: ${bytes} B gzip of ${budget} B, loaded later ${bytes > budget ? "OVER BUDGET" : "ok"}`,
  );
}
if (broken) process.exit(1);
