// A receiver of callbacks that shows what it gets, and can be told to misbehave.

interface Call {
  n: number;
  endpoint: string;
  received_at: string;
  method: string;
  headers: Record<string, string>;
  body: string;
  status: number | null;
  duration_ms: number;
  attempt: number;
  webhook_id: string;
  signature: "valid" | "invalid" | "missing";
}

type Mode = "ok" | "fail" | "hang" | "gone";

const MODES: { id: Mode; label: string; text: string }[] = [
  { id: "ok", label: "OK", text: "Answers 200 at once. Every callback comes once, in order." },
  {
    id: "fail",
    label: "Fail",
    text: "Answers 500. The server repeats with growing pauses; later events of the same conversation wait behind it. Switch back to OK and watch them follow.",
  },
  {
    id: "hang",
    label: "Hang",
    text: "Takes the call and never answers. The server gives up after its timeout and repeats; nobody in a chat notices.",
  },
  {
    id: "gone",
    label: "Gone",
    text: "Answers 410: do not call again. The server stops this endpoint until it is resumed in the Message Center.",
  },
];
const KEEP = 500;

let calls: Call[] = [];
let next = 0;
let mode: Mode | null = null;
let kind = "all";
/** The chosen callback; null follows the newest. */
let chosen: number | null = null;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page lacks #${id}.`);
  return found;
}

type Child = Node | string | null;

function make(tag: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

function nameOf(call: Call): string {
  try {
    const body: unknown = JSON.parse(call.body);
    if (typeof body === "object" && body !== null) {
      const fields = body as Record<string, unknown>;
      if (typeof fields._type === "string") return [fields._type, fields._event].filter(Boolean).join(".");
      if (typeof fields.type === "string") return fields.type;
    }
  } catch {
    // Not every body is JSON: a test call may be empty.
  }
  return call.body === "" ? "(empty)" : "(not JSON)";
}

const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

function duration(value: number): string {
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

function statusTag(call: Call): HTMLElement {
  if (!call.status) return make("span", { class: "tag bad" }, "no answer");
  const tone = call.status < 300 ? "good" : "bad";
  return make("span", { class: `tag ${tone}` }, String(call.status));
}

function attemptTag(call: Call): HTMLElement | null {
  const before = calls.filter((other) => other.webhook_id === call.webhook_id && other.n <= call.n).length;
  const attempt = Math.max(call.attempt, call.webhook_id ? before : 1);
  return attempt > 1 ? make("span", { class: "tag warn" }, `attempt ${attempt}`) : null;
}

// --- the list ---

const list = element("calls");

function shown(): Call[] {
  return kind === "all" ? calls : calls.filter((call) => call.endpoint === kind);
}

function current(): Call | undefined {
  return calls.find((call) => call.n === chosen) ?? shown()[0];
}

function row(call: Call, fresh: boolean): HTMLElement {
  const button = make(
    "button",
    { type: "button", class: fresh ? "call fresh" : "call", "data-call": String(call.n) },
    make("span", { class: "call-name" }, nameOf(call)),
    make(
      "span",
      { class: "call-tags" },
      call.signature === "valid" ? null : make("span", { class: "tag bad" }, `signature ${call.signature}`),
      attemptTag(call),
      statusTag(call),
    ),
    make("span", { class: "call-tags" }, make("span", { class: "tag" }, call.endpoint)),
    make(
      "span",
      { class: "call-facts" },
      `${duration(call.duration_ms)} · `,
      make("time", { datetime: call.received_at }, timeOfDay.format(Date.parse(call.received_at))),
    ),
  );
  button.addEventListener("click", () => {
    chosen = call.n;
    element("panes").dataset.detail = "";
    drawDetail();
    mark();
  });
  return make("li", {}, button);
}

function drawList(fresh: Set<number>): void {
  const at = list.scrollTop;
  const before = list.scrollHeight;
  list.replaceChildren(...shown().map((call) => row(call, fresh.has(call.n))));
  // New rows come in above; what is being read stays where it is.
  if (at > 0) list.scrollTop = at + list.scrollHeight - before;
  element("no-calls").hidden = calls.length > 0;
  mark();
  drawKinds();
}

function mark(): void {
  const number = String(current()?.n);
  for (const button of list.querySelectorAll<HTMLElement>(".call")) {
    if (button.dataset.call === number) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

function drawKinds(): void {
  const kinds = ["all", ...new Set(["userlike", "standard", ...calls.map((call) => call.endpoint)])];
  const focused =
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset.kind : undefined;
  element("kinds").replaceChildren(
    ...kinds.map((each) => {
      const count = each === "all" ? calls.length : calls.filter((call) => call.endpoint === each).length;
      const button = make(
        "button",
        { type: "button", class: "kind", "data-kind": each, "aria-pressed": String(each === kind) },
        each === "all" ? "All " : `${each} `,
        make("span", {}, String(count)),
      );
      button.addEventListener("click", () => {
        kind = each;
        chosen = null;
        drawList(new Set());
        drawDetail();
      });
      return button;
    }),
  );
  if (focused) element("kinds").querySelector<HTMLElement>(`[data-kind="${focused}"]`)?.focus();
}

// --- one callback ---

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function json(text: string): HTMLElement {
  const box = make("pre", { class: "json", tabindex: "0", role: "group", "aria-label": "Body" });
  let pretty = text;
  try {
    pretty = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    box.append(text || "(empty)");
    return box;
  }
  let from = 0;
  for (const match of pretty.matchAll(TOKEN)) {
    box.append(pretty.slice(from, match.index));
    const [whole, quoted, colon] = match;
    if (quoted && colon) box.append(make("span", { class: "json-key" }, quoted), colon);
    else box.append(make("span", { class: quoted ? "json-string" : "json-value" }, whole));
    from = match.index + whole.length;
  }
  box.append(pretty.slice(from));
  return box;
}

const VERDICT: Record<Call["signature"], { tone: string; text: string }> = {
  valid: {
    tone: "good",
    text: "The signature is valid: the call comes from this server and nobody changed it.",
  },
  invalid: {
    tone: "bad",
    text: "The signature does not fit the body. A real receiver must refuse this call.",
  },
  missing: { tone: "warn", text: "The call carries no signature." },
};

let drawn = "";

function drawDetail(): void {
  const call = current();
  const pane = element("detail");
  const key = call ? `${call.n}:${call.status}` : "none";
  if (key === drawn) return;
  drawn = key;
  if (!call) {
    pane.replaceChildren(make("p", { class: "detail-none" }, "Callbacks show here as they arrive."));
    return;
  }
  const back = make("button", { type: "button", class: "button quiet small detail-back" }, "← All callbacks");
  back.addEventListener("click", () => {
    delete element("panes").dataset.detail;
    list.querySelector<HTMLElement>('.call[aria-current="true"]')?.focus();
  });
  const facts: [string, string][] = [
    ["Received", timeOfDay.format(Date.parse(call.received_at))],
    ["Answered", call.status ? `${call.status} in ${duration(call.duration_ms)}` : "not answered"],
    ["Attempt", String(call.attempt)],
    ["webhook-id", call.webhook_id || "none"],
  ];
  const verdict = VERDICT[call.signature];
  pane.replaceChildren(
    back,
    make(
      "div",
      { class: "detail-head" },
      make("h2", {}, nameOf(call)),
      make("span", { class: "tag" }, call.endpoint),
      statusTag(call),
      attemptTag(call),
    ),
    make(
      "dl",
      { class: "facts" },
      ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    ),
    make("p", { class: `callout verdict ${verdict.tone}` }, verdict.text),
    make("h3", {}, "Body"),
    json(call.body),
    make("h3", {}, "Headers"),
    make(
      "dl",
      { class: "headers" },
      ...Object.entries(call.headers).map(([name, value]) =>
        make("div", {}, make("dt", {}, name), make("dd", {}, value)),
      ),
    ),
  );
}

// --- the receiver's mode ---

function drawModes(): void {
  const box = element("modes");
  if (box.childElementCount === 0) {
    for (const each of MODES) {
      const input = make("input", { type: "radio", name: "mode", value: each.id }) as HTMLInputElement;
      input.addEventListener("change", () => void setMode(each.id));
      box.append(
        make(
          "label",
          { class: "mode" },
          input,
          make("span", { class: each.id === "ok" ? "" : "trouble" }, each.label),
        ),
      );
    }
  }
  for (const input of box.querySelectorAll<HTMLInputElement>("input")) input.checked = input.value === mode;
  element("mode-text").textContent = MODES.find((each) => each.id === mode)?.text ?? "";
}

async function setMode(wanted: Mode): Promise<void> {
  const before = mode;
  mode = wanted;
  drawModes();
  try {
    const answer = await fetch("/demo/inspector/mode", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ mode: wanted }),
    });
    if (!answer.ok) throw new Error(String(answer.status));
  } catch {
    mode = before;
    drawModes();
    element("mode-text").textContent = "The server did not take the change. Is it running?";
  }
}

async function readMode(): Promise<void> {
  try {
    const answer = await fetch("/demo/inspector/mode");
    if (answer.ok) mode = ((await answer.json()) as { mode: Mode }).mode;
  } catch {
    // The line below the list says that the server is not there.
  }
  drawModes();
}

// --- listening ---

function drawLine(text: string, lost: boolean): void {
  const line = element("line");
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("lost", lost);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, milliseconds));
}

async function listen(): Promise<void> {
  for (let failures = 0; ; ) {
    try {
      const answer = await fetch(`/demo/inspector/calls?after=${next}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const page = (await answer.json()) as { items: Call[]; next: number };
      if (failures > 0) await readMode();
      failures = 0;
      drawLine("Listening", false);
      // A smaller number means that the server began anew.
      if (page.next < next) calls = [];
      next = page.next;
      if (page.items.length > 0) {
        const fresh = new Set(page.items.map((call) => call.n));
        const first = calls.length === 0;
        calls = [...page.items.toReversed(), ...calls.filter((call) => !fresh.has(call.n))]
          .sort((a, b) => b.n - a.n)
          .slice(0, KEEP);
        drawList(first ? new Set() : fresh);
        drawDetail();
      } else {
        await pause(100);
      }
    } catch {
      failures += 1;
      if (failures > 1) drawLine("Server not reachable", true);
      await pause(Math.min(5000, 500 * failures));
    }
  }
}

element("clear").addEventListener("click", () => {
  void fetch("/demo/inspector/calls", { method: "DELETE" }).catch(() => {});
  calls = [];
  chosen = null;
  delete element("panes").dataset.detail;
  drawList(new Set());
  drawDetail();
});

// --- the theme, shared with the Message Center ---

function applyTheme(): void {
  try {
    const theme = localStorage.getItem("parley.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage the system's theme is used.
  }
}

element("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme;
  const isDark =
    dark === "dark" || (dark !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  const wanted = isDark ? "light" : "dark";
  document.documentElement.dataset.theme = wanted;
  try {
    localStorage.setItem("parley.theme", wanted);
  } catch {
    // It holds as long as the page.
  }
});

applyTheme();
drawModes();
drawList(new Set());
drawDetail();
void readMode();
void listen();
