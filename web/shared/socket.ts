import { backoff } from "./backoff";

// A socket that comes back by itself. It knows nothing of what is said over it: the owner builds the first
// frame (with the number of the last event it has seen) and gets every frame that is not housekeeping.

export type LineState = "connecting" | "open" | "waiting" | "stopped";

export interface Frame {
  type: string;
  [key: string]: unknown;
}

export interface LineOptions {
  url: string;
  protocol: string;
  /** The first frame, built anew for each connection so that it carries the newest position. */
  hello: () => Frame;
  onFrame: (frame: Frame) => void;
  onState: (state: LineState) => void;
  /** The server gave up on this position: reload the snapshot; the line reconnects when it is done. */
  onResync: () => Promise<void>;
  /** The server refused the credentials; the line is stopped. */
  onRefused: (code: string) => void;
  random?: () => number;
}

export interface Line {
  send(frame: Frame): boolean;
  state(): LineState;
  /** Connect now if the line is down or may be dead. */
  nudge(): void;
  stop(): void;
}

const SILENCE = 60_000;
const WATCH = 5_000;
/** A watch tick this late means that the machine slept or the tab was frozen. */
const DRIFT = 15_000;
/** A line counts as good again, and waiting times start small again, only after it has held this long. */
const STEADY = 10_000;
const CONNECT_LIMIT = 15_000;

export const CLOSE_RESYNC = 4001;
export const CLOSE_AUTH = 4003;
export const CLOSE_PROTOCOL = 4008;

export function openLine(options: LineOptions): Line {
  let socket: WebSocket | null = null;
  let current: LineState = "connecting";
  let attempt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let steady: ReturnType<typeof setTimeout> | undefined;
  let lastHeard = Date.now();
  let lastTick = Date.now();

  const set = (next: LineState) => {
    if (current === next) return;
    current = next;
    options.onState(next);
  };

  const drop = () => {
    clearTimeout(timer);
    clearTimeout(steady);
    const old = socket;
    socket = null;
    old?.close();
  };

  const later = () => {
    drop();
    set("waiting");
    timer = setTimeout(connect, backoff(attempt++, 500, 15_000, options.random));
  };

  const refuse = (code: string) => {
    drop();
    set("stopped");
    options.onRefused(code);
  };

  const resync = () => {
    drop();
    set("waiting");
    options.onResync().then(
      () => {
        if (current !== "stopped" && !socket) timer = setTimeout(connect, attempt++ ? backoff(attempt) : 0);
      },
      () => {
        if (current !== "stopped" && !socket) later();
      },
    );
  };

  function connect() {
    drop();
    set("connecting");
    let opening: WebSocket;
    try {
      opening = new WebSocket(options.url, options.protocol);
    } catch {
      later();
      return;
    }
    socket = opening;
    lastHeard = Date.now();
    let refused = "";
    timer = setTimeout(() => socket === opening && later(), CONNECT_LIMIT);

    opening.onopen = () => {
      if (socket === opening) opening.send(JSON.stringify(options.hello()));
    };
    opening.onmessage = (message: MessageEvent) => {
      if (socket !== opening) return;
      lastHeard = Date.now();
      let frame: Frame;
      try {
        frame = JSON.parse(String(message.data)) as Frame;
      } catch {
        return;
      }
      switch (frame.type) {
        case "ping":
          opening.send('{"type":"pong"}');
          return;
        case "welcome":
          clearTimeout(timer);
          steady = setTimeout(() => {
            attempt = 0;
          }, STEADY);
          set("open");
          break;
        case "resync":
          resync();
          return;
        case "error":
          refused = String(frame["code"] ?? "");
          break;
      }
      options.onFrame(frame);
    };
    opening.onclose = (event: CloseEvent) => {
      if (socket !== opening) return;
      socket = null;
      if (event.code === CLOSE_AUTH) refuse(refused || "auth.invalid");
      else if (event.code === CLOSE_RESYNC) resync();
      else {
        // Speaking wrongly will not get better by trying often.
        if (event.code === CLOSE_PROTOCOL) attempt = Math.max(attempt, 5);
        later();
      }
    };
  }

  const nudge = () => {
    if (current === "stopped") return;
    attempt = 0;
    if (current === "waiting") connect();
    else if (current === "open" && Date.now() - lastHeard > SILENCE / 2) connect();
  };

  // Coming online may mean another network, on which the old connection is dead without knowing it.
  const online = () => {
    if (current === "stopped") return;
    attempt = 0;
    connect();
  };
  const offline = () => {
    if (current === "open" || current === "connecting") later();
  };
  const visible = () => {
    if (document.visibilityState === "visible") nudge();
  };
  const watch = setInterval(() => {
    const now = Date.now();
    const slept = now - lastTick > DRIFT;
    lastTick = now;
    if (current !== "open") {
      if (slept) nudge();
    } else if (slept || now - lastHeard > SILENCE) {
      attempt = 0;
      connect();
    }
  }, WATCH);
  window.addEventListener("online", online);
  window.addEventListener("offline", offline);
  document.addEventListener("visibilitychange", visible);

  connect();

  return {
    state: () => current,
    nudge,
    send(frame) {
      if (current !== "open" || !socket || socket.readyState !== 1) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    stop() {
      drop();
      set("stopped");
      clearInterval(watch);
      window.removeEventListener("online", online);
      window.removeEventListener("offline", offline);
      document.removeEventListener("visibilitychange", visible);
    },
  };
}
