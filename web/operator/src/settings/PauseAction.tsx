import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/error.ts";
import { lasting } from "../app/clock.ts";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { toast } from "../design/toasts.tsx";
import type { WayOut } from "./standing.ts";

export function number(value: number): string {
  return value.toLocaleString("en-US");
}

export function calls(count: number): string {
  return `${number(count)} ${count === 1 ? "call" : "calls"}`;
}

/** Does something to an endpoint or channel, reads it again and says what was done, or why not. */
export function useWayAct(): (work: () => Promise<string>) => Promise<void> {
  const client = useQueryClient();
  return async (work) => {
    try {
      const done = await work();
      await Promise.all([
        client.invalidateQueries({ queryKey: ["endpoints"] }),
        client.invalidateQueries({ queryKey: ["channels"] }),
      ]);
      await client.invalidateQueries({ queryKey: ["deliveries"] });
      if (done) toast(done);
    } catch (cause) {
      toast(asApiError(cause).detail);
    }
  };
}

interface PauseProps {
  way: WayOut & { id: number; name: string };
  routes: {
    pause: (id: number) => Promise<unknown>;
    resume: (id: number, backlog: boolean) => Promise<unknown>;
  };
}

/** Stops the calls of an endpoint or channel, or goes on with them: what waited is sent first or left out. */
export function PauseAction({ way, routes }: PauseProps) {
  const { id, name, stats, state } = way;
  const act = useWayAct();
  const [asking, setAsking] = useState(false);
  const pause = () => act(async () => routes.pause(id).then(() => "Paused. Events are kept for later."));
  const resume = (backlog: boolean) =>
    act(async () => {
      await routes.resume(id, backlog);
      if (stats.pending === 0) return "Sending again";
      return backlog
        ? `Sending again, the ${calls(stats.pending)} that waited first`
        : `Sending again. ${calls(stats.pending)} that waited ${stats.pending === 1 ? "was" : "were"} left out.`;
    });
  if (state === "active") {
    return (
      <Action icon="pause" onPress={() => void pause()}>
        Pause
      </Action>
    );
  }
  return (
    <>
      <Action icon="play" onPress={() => (stats.pending > 0 ? setAsking(true) : void resume(true))}>
        {stats.pending > 0 ? "Resume…" : "Resume"}
      </Action>
      <Window open={asking} onClose={() => setAsking(false)} title={`Resume ${name}?`}>
        <p>
          <strong>{calls(stats.pending)}</strong> {stats.pending === 1 ? "is" : "are"} waiting
          {stats.lag_seconds >= 1 && `, the oldest for ${lasting(stats.lag_seconds)}`}. They can be sent
          first, in order, or be left out. What is left out stays in the log as dropped and can be replayed.
        </p>
        <div className="dialog-actions">
          <Action onPress={() => setAsking(false)}>Cancel</Action>
          {[false, true].map((backlog) => (
            <Action
              key={String(backlog)}
              kind={backlog ? "primary" : "plain"}
              onPress={() => {
                setAsking(false);
                void resume(backlog);
              }}
            >
              {!backlog
                ? "Leave them out"
                : stats.pending === 1
                  ? "Send the waiting call"
                  : `Send the ${number(stats.pending)} waiting calls`}
            </Action>
          ))}
        </div>
      </Window>
    </>
  );
}
