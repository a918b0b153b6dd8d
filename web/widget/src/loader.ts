import { type Api, type Attach, createShell } from "./shell";

// The script of the snippet. It runs once, asynchronously, and leaves window.parley behind.

type Call = (name: string, ...values: unknown[]) => unknown;
type Stub = Call & { q?: Iterable<unknown>[]; mount?: unknown };

const page = window as Window & { parley?: Stub };
const script = document.currentScript as HTMLScriptElement | null;
const key = script?.dataset["widget"];
const earlier = page.parley;

if (!script || !key) console.warn("[parley] the script tag needs data-widget");
else if (earlier?.mount) console.warn("[parley] loaded twice");
else {
  const home = new URL(".", script.src).href;
  const api: Api = createShell({
    key,
    base: new URL("..", script.src).href.replace(/\/$/, ""),
    nonce: script.nonce || script.dataset["nonce"] || "",
    attach: async () =>
      ((await import(/* @vite-ignore */ `${home}messenger.js`)) as { attach: Attach }).attach,
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
