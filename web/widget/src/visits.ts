import type { Pages } from "./pages";
import type { Vault } from "./vault";
import type { Visit } from "./wire";

// Where the visitor is, came from, and how often. A visit ends with the tab.

interface Session {
  initial: string;
  referrer: string;
  pages: number;
}

function readSession(text: string | null): Session | null {
  try {
    const found = JSON.parse(text ?? "null") as Partial<Session> | null;
    if (typeof found?.initial !== "string" || typeof found.pages !== "number") return null;
    return { initial: found.initial, referrer: String(found.referrer ?? ""), pages: found.pages };
  } catch {
    return null;
  }
}

/** The server keeps addresses up to this length; a longer one says nothing more. */
const LONGEST = 2000;

export function countVisits(
  vault: Vault,
  pages: Pages,
): {
  current(): Omit<Visit, "proactive">;
  stop(): void;
} {
  const earlier = readSession(vault.get("session"));
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
        url: location.href.slice(0, LONGEST),
        title: document.title.slice(0, LONGEST),
        initial_url: initial.slice(0, LONGEST),
        referrer: referrer.slice(0, LONGEST),
        page_impressions: seen,
        visits: Math.max(1, Number(vault.get("visits")) || 1),
      };
    },
  };
}
