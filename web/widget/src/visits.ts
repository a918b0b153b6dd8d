import type { Pages } from "./pages";
import type { Vault } from "./vault";
import type { Visit } from "./wire";

// Where the visitor is, came from, and how often. A visit ends with the tab.

interface Session {
  initial: string;
  referrer: string;
  pages: number;
}

function readSession(stored: unknown): Session | null {
  const found = stored as Partial<Session> | null;
  if (typeof found?.initial !== "string" || typeof found.pages !== "number") return null;
  return { initial: found.initial, referrer: String(found.referrer ?? ""), pages: found.pages };
}

/** The server keeps addresses up to this length; a longer one says nothing more. */
const cut = (text: string) => text.slice(0, 2000);

export function countVisits(
  vault: Vault,
  pages: Pages,
): {
  current(): Omit<Visit, "proactive">;
  stop(): void;
} {
  const earlier = readSession(vault.read("session"));
  const before = earlier?.pages ?? 0;
  if (!earlier) vault.set("visits", String((Number(vault.get("visits")) || 0) + 1));
  const session = (): Session => ({
    initial: earlier?.initial ?? pages.initialUrl,
    referrer: earlier?.referrer ?? pages.referrer,
    pages: before + pages.count(),
  });
  const save = () => vault.set("session", JSON.stringify(session()));
  save();
  const stop = pages.onChange(save);
  return {
    stop,
    current() {
      const { initial, referrer, pages: seen } = session();
      return {
        url: cut(location.href),
        title: cut(document.title),
        initial_url: cut(initial),
        referrer: cut(referrer),
        page_impressions: seen,
        visits: Math.max(1, Number(vault.get("visits")) || 1),
      };
    },
  };
}
