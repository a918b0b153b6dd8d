import { type Api, createShell } from "./shell";

// The script of the snippet. It runs once, asynchronously, and leaves window.parley behind.

type Call = (name: string, ...values: unknown[]) => unknown;
type Stub = Call & { q?: Iterable<unknown>[]; mount?: unknown };

const page = window as Window & { parley?: Stub };
const script = document.currentScript as HTMLScriptElement | null;
const key = script?.dataset["widget"];
const earlier = page.parley;

if (!script || !key || earlier?.mount) console.warn("[parley] loaded twice, or no data-widget");
else {
  const api: Api = createShell({
    key,
    base: new URL("..", script.src).href.slice(0, -1),
    nonce: script.nonce || script.dataset["nonce"] || "",
  });
  const run: Call = (name, ...values) => {
    const method = (api as unknown as Record<string, unknown>)[name];
    if (typeof method === "function") return method(...values);
    console.warn(`[parley] no ${name}()`);
  };
  page.parley = Object.assign(run, api);
  if (script.dataset["start"] !== "manual") void api.mount();
  for (const [name, ...values] of earlier?.q ?? []) {
    run(String(name), ...values);
  }
}
