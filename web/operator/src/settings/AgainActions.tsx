import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { newKey } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/error.ts";
import { deliveries } from "../api/routes.ts";
import type { DeliverySelection } from "../api/types.ts";
import { go, place } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { Callout, Skeleton } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { asParameters, inWords, isBackwards, type LogFilter, writeFilter } from "./log-filter.ts";
import { sentence } from "./standing.ts";

type Kind = "replay" | "revive";

/** The server refuses more at once. */
const MOST = 10_000;

function calls(count: number): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? "call" : "calls"}`;
}

const TEXTS = {
  replay: {
    title: "Replay these calls?",
    none: "No finished call matches. Calls that still wait are sent anyway.",
    about:
      "Each is sent once more, with the same body and webhook-id, oldest first. Calls of one conversation keep their order.",
    action: (count: number) => `Replay ${calls(count)}`,
    done: (count: number) => `${calls(count)} will be sent again`,
  },
  revive: {
    title: "Try the dead ones again?",
    none: "No call that was given up matches.",
    about: "They were given up. They wait again from now on and get all their attempts anew.",
    action: (count: number) => `Try ${calls(count)} again`,
    done: (count: number) => `${calls(count)} ${count === 1 ? "waits" : "wait"} to be tried again`,
  },
};

/** Sends again what the filter shows: counted first, then asked, then done. */
export function AgainActions({ filter, endpointName }: { filter: LogFilter; endpointName?: string }) {
  const [asking, setAsking] = useState<{ kind: Kind; filter: LogFilter } | null>(null);
  const ready = filter.endpoint !== null && !isBackwards(filter);
  // Only dead ones can be tried again; a log narrowed to another state holds none.
  const dead = filter.state === null || filter.state === "dead";
  return (
    <div className="inline wrap again">
      <Action small icon="refresh" isDisabled={!ready} onPress={() => setAsking({ kind: "replay", filter })}>
        Replay these…
      </Action>
      {dead && (
        <Action small icon="reopen" isDisabled={!ready} onPress={() => setAsking({ kind: "revive", filter })}>
          Try dead ones again…
        </Action>
      )}
      {filter.endpoint === null && (
        <span className="field-hint">To send calls again, choose one endpoint.</span>
      )}
      {asking && (
        <AgainDialog
          kind={asking.kind}
          filter={asking.filter}
          endpointName={endpointName ?? `Endpoint ${asking.filter.endpoint}`}
          onClose={() => setAsking(null)}
        />
      )}
    </div>
  );
}

interface DialogProps {
  kind: Kind;
  filter: LogFilter;
  endpointName: string;
  onClose: () => void;
}

function AgainDialog({ kind, filter, endpointName, onClose }: DialogProps) {
  const client = useQueryClient();
  const texts = TEXTS[kind];
  const meant: LogFilter = kind === "revive" ? { ...filter, state: null } : filter;
  const selection = asParameters(meant) as DeliverySelection;
  const counted = useQuery({
    queryKey: ["count", kind, selection],
    queryFn: async () => (await deliveries.count(kind, selection)).count,
    gcTime: 0,
  });
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  // One question is answered once: a second press after a lost answer does nothing more.
  const key = useRef(newKey());
  const count = counted.data;
  const tooMany = count !== undefined && count > MOST;
  const refused = trouble ?? (counted.error ? asApiError(counted.error) : null);

  const confirm = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      const done = await deliveries.again(kind, selection, key.current);
      onClose();
      toast(texts.done(done.count), {
        action: {
          label: "Show waiting",
          run: () => {
            const here = place();
            go(`${here.path}?${writeFilter(here.query, { state: "pending", from: null, to: null })}`);
          },
        },
      });
      void client.invalidateQueries({ queryKey: ["deliveries"] });
      void client.invalidateQueries({ queryKey: ["endpoints"] });
    } catch (cause) {
      setTrouble(asApiError(cause));
      setBusy(false);
    }
  };

  return (
    <Window open onClose={onClose} title={texts.title}>
      <dl className="chosen">
        {inWords(meant, endpointName).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div aria-live="polite">
        {refused ? (
          <Callout tone="warn" still>
            {sentence(refused.detail)}
          </Callout>
        ) : tooMany ? (
          <Callout tone="warn" still>
            {calls(count)} match, and at most {MOST.toLocaleString("en-US")} can be sent again at once. Narrow
            the filters, for example to a shorter time, and do it in parts.
          </Callout>
        ) : count === undefined ? (
          <div className="stack-small" role="status" aria-label="Counting">
            <Skeleton width="60%" height={20} />
            <Skeleton width="90%" height={20} />
          </div>
        ) : count === 0 ? (
          <p>{texts.none}</p>
        ) : (
          <p>
            <strong>{calls(count)}</strong> {count === 1 ? "matches" : "match"}. {texts.about}
          </p>
        )}
      </div>
      <div className="dialog-actions">
        <Action onPress={onClose}>{count === 0 || tooMany ? "Close" : "Cancel"}</Action>
        {count === undefined && counted.isError ? (
          <Action icon="refresh" isDisabled={counted.isFetching} onPress={() => void counted.refetch()}>
            Count again
          </Action>
        ) : (
          count !== 0 &&
          !tooMany && (
            <Action kind="primary" isDisabled={count === undefined || busy} onPress={() => void confirm()}>
              {count === undefined ? "Counting…" : texts.action(count)}
            </Action>
          )
        )}
      </div>
    </Window>
  );
}
