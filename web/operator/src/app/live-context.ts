import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { LineState } from "../realtime/connection.ts";
import type { Live } from "../realtime/live.ts";
import type { ConversationPresence } from "../realtime/presence.ts";

export const LiveContext = createContext<Live | null>(null);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error("The live line is missing above this component.");
  return live;
}

export function useLineState(): LineState {
  const live = useLive();
  return useSyncExternalStore(live.subscribeLine, () => live.lineState());
}

export function usePresence(conversationId: number): ConversationPresence {
  const { presence } = useLive();
  return useSyncExternalStore(presence.subscribe, () => presence.of(conversationId));
}

/** True once the line has been down for three seconds: a short break is nobody's business. */
export function useLineLost(): boolean {
  const state = useLineState();
  const [lost, setLost] = useState(false);
  const down = state !== "open";
  useEffect(() => {
    if (!down) {
      setLost(false);
      return;
    }
    const timer = window.setTimeout(() => setLost(true), 3000);
    return () => window.clearTimeout(timer);
  }, [down]);
  return lost;
}
