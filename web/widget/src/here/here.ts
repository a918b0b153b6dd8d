import { backoff } from "../../../shared/backoff";
import { memoryOf } from "../memory";
import type { Stay } from "../shell";
import type { HereAnswer, Invitation } from "../wire";
import { makeBubble } from "./bubble";

// Tells the team that somebody is on the site, page by page, and shows what an operator writes to them first. Loaded only where
// the widget says that its visitors are shown. Nothing of it is stored on the device: who the server takes us for is in memory.

/** The server answers after 20 seconds; this long without is a dead line. */
const LIMIT = 40_000;
/** Answers come no faster than this, whatever the server does. */
const PACE = 1000;
/** Single-page sites set the title a moment after the address. */
const TITLE = 300;
/** So long an invitation is shown. */
const SHOWN = 30 * 60_000;

/** Not now, but perhaps later; anything else that is no answer is a no. */
const passing = (status: number): boolean =>
  status === 0 || status === 408 || status === 425 || status === 429 || status >= 500;

const staying = new WeakSet<object>();

export const stay: Stay = (around, tell, call) => {
  // Unmounted, and perhaps mounted again, while this was on its way.
  if (!around || staying.has(around)) return;
  staying.add(around);
  const { base, key: widget, bus, launcher, pages } = around;
  const { host } = launcher.root;
  const { vault, visits } = memoryOf(around);
  const end = new AbortController();
  const ending = { signal: end.signal };

  let key = "";
  let stopped = false;
  let asking: AbortController | undefined;
  let wake = () => {};
  let deadToken: string | null = null;
  /** What was in the vault when the running call was made. */
  let seenToken: string | null = null;
  let invitation: Invitation | null = null;
  let dismissed = 0;
  let shown = 0;
  let titleTimer: ReturnType<typeof setTimeout> | undefined;
  let oldTimer: ReturnType<typeof setTimeout> | undefined;

  const bubble = makeBubble(
    around,
    () => void call("open"),
    () => {
      dismissed = invitation?.id ?? 0;
      show();
    },
  );

  /** Beside a closed messenger only, and not where the page hides the button. */
  function show(): void {
    const { visibility } = (bus.last("state") ?? {}) as { visibility?: string };
    const next = invitation && invitation.id !== dismissed && visibility === "minimized" ? invitation.id : 0;
    if (next === shown) return;
    shown = next;
    bubble.show(next ? invitation : null);
  }

  /** Nothing, too: what was withdrawn, is too old or was answered elsewhere leaves the messenger. */
  function heard(given: Invitation | null): void {
    const left = given ? Date.parse(given.created_at) + SHOWN - Date.now() : 0;
    const next = left > 0 ? given : null;
    clearTimeout(oldTimer);
    // Without a line nobody else says that it is too old.
    if (next) oldTimer = setTimeout(() => heard(null), Math.min(left, SHOWN));
    if (next?.id !== invitation?.id) void tell("invite", next);
    invitation = next;
    show();
  }

  /** Who the visitor is changed: the server learns it at once, not when the running call is over. */
  function compare(): void {
    if (vault.get("token") !== seenToken) asking?.abort();
  }

  const post = (left: boolean, signal?: AbortSignal): Promise<Response> => {
    const token = vault.get("token");
    seenToken = token;
    return fetch(`${base}/visitor/v1/widgets/${widget}/here`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(token && token !== deadToken && { Authorization: `Bearer ${token}` }),
      },
      credentials: "omit",
      cache: "no-store",
      // The page may be gone before the answer.
      keepalive: left,
      ...(signal && { signal }),
      body: JSON.stringify({ key, visit: { ...visits.current(), proactive: false }, left }),
    });
  };

  /** One call. Returns the milliseconds until the next, or null for never. */
  async function ask(attempt: number): Promise<{ good: boolean; wait: number } | null> {
    const mine = new AbortController();
    asking = mine;
    const timer = setTimeout(() => mine.abort(), LIMIT);
    const began = Date.now();
    try {
      const response = await post(false, mine.signal);
      if (!response.ok) {
        if (response.status === 401 && seenToken && seenToken !== deadToken) {
          deadToken = seenToken;
          return { good: false, wait: 0 };
        }
        if (!passing(response.status)) return null;
        const asked = Number(response.headers.get("Retry-After")) * 1000 || 0;
        return { good: false, wait: Math.max(asked, backoff(attempt, 2000, 60_000)) };
      }
      const answer: HereAnswer = await response.json();
      if (mine.signal.aborted) return { good: true, wait: 0 };
      key = answer.key;
      heard(answer.invitation);
      return { good: true, wait: Math.max(0, PACE - (Date.now() - began)) };
    } catch {
      // Called off, because there is another page to tell of; or the line is dead.
      const called = mine.signal.aborted && Date.now() - began < LIMIT;
      return called ? { good: true, wait: 0 } : { good: false, wait: backoff(attempt, 2000, 60_000) };
    } finally {
      clearTimeout(timer);
    }
  }

  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function run(): Promise<void> {
    let attempt = 0;
    while (!stopped) {
      // Nobody looks at a page in the background, and each line of one would be missing to the others.
      if (document.visibilityState === "hidden") {
        await sleep(2 ** 30);
        continue;
      }
      const next = await ask(attempt);
      if (stopped) return;
      if (!next) {
        heard(null);
        return stop();
      }
      attempt = next.good ? 0 : attempt + 1;
      if (next.wait) await sleep(next.wait);
    }
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    end.abort();
    asking?.abort();
    clearTimeout(titleTimer);
    clearTimeout(oldTimer);
    unpage();
    unstate();
    unwatch();
    bubble.remove();
    wake();
  }

  /** The page is left, or the messenger taken out of it. */
  function leave(): void {
    asking?.abort();
    if (key) post(true).catch(() => undefined);
  }

  const unpage = pages.onChange(() => {
    clearTimeout(titleTimer);
    titleTimer = setTimeout(() => asking?.abort(), TITLE);
  });
  const unstate = bus.on("state", () => {
    if (host.isConnected) {
      compare();
      return show();
    }
    leave();
    stop();
  });
  // Another tab may have written.
  const unwatch = vault.onChange(compare);
  document.addEventListener("visibilitychange", () => wake(), ending);
  window.addEventListener("online", () => wake(), ending);
  window.addEventListener("pagehide", leave, ending);
  // Back from the browser's memory of pages.
  window.addEventListener("pageshow", () => wake(), ending);
  void run();
};
