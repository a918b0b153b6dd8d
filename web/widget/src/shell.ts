import { type Bus, createBus, type Listener } from "./bus";
import { drawLauncher, type Launcher } from "./launcher";
import type { Memory } from "./memory";
import { type Pages, pages } from "./pages";
import { failure, type Result, success } from "./result";
import type { Additional, Availability, Contact, ContactFields, Invitation, WidgetAnswer } from "./wire";

// The outer half: the page's API, the widget's settings, the launcher. It is small enough for the loader and
// fetches the inner half, the messenger itself, when something needs it.

export interface Visibility {
  /** The panel. */
  main?: boolean;
  /** The launcher button. */
  button?: boolean;
}

export interface PublicState {
  visibility: "hidden" | "minimized" | "maximized";
  availability: Availability | null;
  connection: "idle" | "online" | "connecting";
  unread: number;
  conversationId: number | null;
  conversations: { id: number; status: string; unread: number }[];
  contact: Contact | null;
}

export interface OpenOptions {
  /** The page opens it, not the visitor; operators see that. */
  proactive?: boolean;
}

/** A free field of the contact: what it is called and what it holds, or the latter alone. */
export type FreeField = string | Additional;

export interface ContactInfo extends Omit<ContactFields, "additional"> {
  additional01?: FreeField;
  additional02?: FreeField;
  additional03?: FreeField;
  custom?: Record<string, unknown>;
}

/** What a site says about its visitor: name, email and phone are known to the team as such, the rest as custom data. */
export type Traits = Record<string, unknown>;

/** Who the site says somebody is, unsigned: the team sees it, and nobody is signed in by it. */
export interface Claimed {
  id: string;
  traits?: Traits | undefined;
}

/** What the outer half hands to the inner one. */
export interface Surroundings {
  key: string;
  base: string;
  nonce: string;
  answer: WidgetAnswer;
  launcher: Launcher;
  bus: Bus;
  pages: Pages;
  /** Is the launcher wanted by the page? */
  buttonWanted: () => boolean;
  /** Made by the first part that needs it; the parts share it. */
  memory?: Memory;
}

export interface Inner {
  open(options?: OpenOptions): Promise<Result<void>>;
  close(): Promise<Result<void>>;
  toggle(): Promise<Result<void>>;
  refresh(): void;
  setContactInfo(info: ContactInfo): Promise<Result<void>>;
  setCustomData(data: Record<string, unknown>): Promise<Result<void>>;
  /** Signed, where the id is a JWT. */
  identify(claimed: Claimed): Promise<Result<void>>;
  /** An operator has written first; null takes it back. */
  invite(invitation: Invitation | null): Promise<Result<void>>;
  logout(): Promise<Result<void>>;
  openConversation(id: number): Promise<Result<void>>;
  /** One of the widget's goals was reached, by its key; counts while a conversation goes on. */
  goal(key: string): Promise<Result<void>>;
  /** Rates the conversation that is shown, 1 to 5. */
  rate(value: number): Promise<Result<void>>;
  detach(): void;
}

/** Calls the inner half. */
export type Caller = (name: keyof Inner, value?: unknown) => Promise<Result<void>>;

/** What messenger.js exports. */
export type Attach = (surroundings: Surroundings) => Promise<Inner>;
/** What here.js exports. `tell` does not load the messenger, `call` does. */
export type Stay = (surroundings: Surroundings | undefined, tell: Caller, call: Caller) => void;

export interface Api {
  mount(): Promise<Result<void>>;
  unmount(): Promise<Result<void>>;
  open(options?: OpenOptions): Promise<Result<void>>;
  close(): Promise<Result<void>>;
  toggle(): Promise<Result<void>>;
  setVisibility(visibility: Visibility): Promise<Result<void>>;
  setContactInfo(info: ContactInfo): Promise<Result<void>>;
  setCustomData(data: Record<string, unknown>): Promise<Result<void>>;
  /**
   * Who the visitor is. With a JWT, signed with the widget's identity secret, they are signed in. With an id of the site's own
   * and facts about them, which anybody can type into a browser, the team sees both and nothing else happens.
   */
  identify(id: string, traits?: Traits): Promise<Result<void>>;
  logout(): Promise<Result<void>>;
  openConversation(id: number): Promise<Result<void>>;
  /** One of the widget's goals was reached, by its key; counts while a conversation goes on. */
  goal(key: string): Promise<Result<void>>;
  /** Rates the conversation that is shown, 1 to 5. */
  rate(value: number): Promise<Result<void>>;
  getState(): Promise<Result<PublicState>>;
  subscribe(listener: (state: PublicState) => void): () => void;
  state$: { subscribe(listener: (state: PublicState) => void): { unsubscribe(): void } };
  on(event: string, listener: Listener): () => void;
}

export interface ShellOptions {
  key: string;
  base: string;
  nonce: string;
  /** The element to live in; without it the page's body. */
  parent?: HTMLElement | undefined;
}

const bodyReady = (): unknown =>
  document.body || new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));

const unmounted = failure<never>("not_mounted", "call mount() first");

/** An empty answer of a call that had nothing to do. */
const done = success<void>(undefined);

export function createShell(options: ShellOptions): Api {
  const { key, base } = options;
  const part = (name: string) => import(/* @vite-ignore */ `${base}/widget/${name}.js`);
  const bus = createBus();
  let around: Surroundings | undefined;
  let mounting: Promise<Result<void>> | undefined;
  let inner: Promise<Inner> | undefined;
  let buttonWanted = true;
  /** Why there is nothing to call. */
  let refused: Result<never> = unmounted;
  /** Facts the page told before anything needed the messenger; they are no reason to load it. */
  let told: [keyof Inner, unknown][] = [];

  const idle = (): PublicState => ({
    visibility: around && buttonWanted ? "minimized" : "hidden",
    availability: around?.answer.availability ?? null,
    connection: "idle",
    unread: 0,
    conversationId: null,
    conversations: [],
    contact: null,
  });

  const problem = (code: string, message: string): Result<never> => {
    console.warn(`[parley] ${code}: ${message}`);
    bus.emit("error", { code, message });
    return failure(code, message);
  };

  /** Somebody comes from a mail. */
  const arrive = () => pages.way && void call("open");
  pages.onChange(arrive);

  async function start(): Promise<Result<void>> {
    let answer: WidgetAnswer & { code: string; detail: string };
    try {
      const response = await fetch(`${base}/visitor/v1/widgets/${key}`, { credentials: "omit" });
      answer = await response.json();
    } catch (fault) {
      answer = { code: "network", detail: String(fault) } as typeof answer;
    }
    if (!answer.widget) {
      // A failed start can be tried again.
      mounting = undefined;
      refused = problem(answer.code, answer.detail);
      return refused;
    }
    await bodyReady();
    // Unmounted while the answer was on its way.
    if (!mounting) return done;
    const launcher = drawLauncher(answer.widget, options.nonce, options.parent ?? document.body);
    around = {
      ...options,
      answer,
      launcher,
      bus,
      pages,
      buttonWanted: () => buttonWanted,
    };
    const { button } = launcher;
    button.hidden = !buttonWanted;
    const warm = () => void load();
    // A finger enters too.
    for (const sign of ["pointerenter", "focus"]) button.addEventListener(sign, warm);
    button.addEventListener("click", () => void call("toggle"));
    bus.emit("state", idle());
    bus.emit("ready");
    try {
      // It is there since the visitor wrote something: that may still have to be sent, and news may come.
      if (localStorage[`parley:${key}:visits`]) warm();
    } catch {
      // The browser does not let us look.
    }
    arrive();
    if (answer.show_visitors) {
      part("here")
        .then(({ stay }: { stay: Stay }) => stay(around, tell, call))
        .catch(() => 0);
    }
    return done;
  }

  const mount = () => {
    mounting ??= start();
    return mounting;
  };

  async function fetchInner(): Promise<Inner> {
    try {
      const { attach }: { attach: Attach } = await part("messenger");
      const target = await attach(around as Surroundings);
      for (const [name, value] of told) void run(target, name, value);
      told = [];
      return target;
    } catch (fault) {
      inner = undefined;
      throw fault;
    }
  }

  const load = () => {
    inner ??= fetchInner();
    return inner;
  };

  const run = (target: Inner, name: keyof Inner, value: unknown) =>
    (target[name] as (value: unknown) => Promise<Result<void>>)(value);

  const tell: Caller = async (name, value) => {
    if (inner) return call(name, value);
    told.push([name, value]);
    return done;
  };

  async function call(name: keyof Inner, value?: unknown): Promise<Result<void>> {
    if (!mounting) return refused;
    const mounted = await mounting;
    if (mounted.kind === "error") return mounted;
    if (!around) return unmounted;
    try {
      const target = await load();
      return await run(target, name, value);
    } catch (fault) {
      return problem("load_failed", String(fault));
    }
  }

  async function unmount(): Promise<Result<void>> {
    const running = inner;
    mounting = inner = undefined;
    refused = unmounted;
    if (running) (await running.catch(() => undefined))?.detach();
    around?.launcher.root.host.remove();
    around = undefined;
    bus.forget("ready");
    bus.emit("state", idle());
    return done;
  }

  async function setVisibility(visibility: Visibility): Promise<Result<void>> {
    const { main, button } = visibility ?? {};
    if (button !== undefined) {
      buttonWanted = button;
      if (inner) (await inner.catch(() => undefined))?.refresh();
      else if (around) {
        around.launcher.button.hidden = !button;
        bus.emit("state", idle());
      }
    }
    if (main === undefined || (!main && !inner)) return done;
    return call(main ? "open" : "close");
  }

  const subscribe = (listener: (state: PublicState) => void) => bus.on("state", listener as Listener);

  // One line per method, so that the type checker sees each of them.
  return {
    mount,
    unmount,
    open: (options) => call("open", options),
    close: async () => (inner ? call("close") : done),
    toggle: () => call("toggle"),
    setVisibility,
    setContactInfo: (info) => tell("setContactInfo", info),
    setCustomData: (data) => tell("setCustomData", data),
    identify: (id, traits) => (/^eyJ/.test(id) ? call : tell)("identify", { id, traits }),
    logout: () => call("logout"),
    openConversation: (id) => call("openConversation", id),
    goal: (key) => tell("goal", key),
    rate: (value) => call("rate", value),
    getState: async () => success((bus.last("state") as PublicState | undefined) ?? idle()),
    subscribe,
    state$: { subscribe: (listener) => ({ unsubscribe: subscribe(listener) }) },
    on: bus.on,
  };
}
