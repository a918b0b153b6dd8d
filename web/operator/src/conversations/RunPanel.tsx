import { Link } from "../app/router.tsx";
import { Action, IconAction } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { MissingAddon } from "../inbox/addon.tsx";
import { handled, isAddonMissing, progressLine, resultLine } from "./bulk.ts";
import { dismissRun, type Run, stopRun } from "./run.ts";

/** So many of the failures are listed at once; the rest is counted. */
const LISTED = 100;

interface PanelProps {
  run: Run;
  nameOf: (id: number) => string;
  onChoose: (ids: number[]) => void;
}

/** What is being done to many conversations, and what has become of it. */
export function RunPanel({ run, nameOf, onChoose }: PanelProps) {
  const { tally, order } = run;
  if (!tally.finished) {
    const line = progressLine(order.action, tally);
    return (
      <section className="run" aria-label="Action under way">
        <div className="run-head">
          <span className="run-line">{line}</span>
          <Action small isDisabled={run.stopping} onPress={stopRun}>
            {run.stopping ? "Stopping…" : "Stop"}
          </Action>
        </div>
        <progress className="run-bar" max={tally.total} value={handled(tally)} aria-label={line} />
      </section>
    );
  }
  const missing = isAddonMissing(tally);
  const good = tally.failures.length === 0 && !tally.halted;
  const open = [...tally.failures.map(({ id }) => id), ...tally.left];
  return (
    <section className="run" aria-label="Result of the action">
      <div className="run-head">
        <Icon name={good ? "checkCircle" : "alert"} className={good ? "run-good" : "run-bad"} />
        <span className="run-line">
          {run.stopping && tally.left.length > 0 && "Stopped. "}
          {resultLine(order.action, tally)}
        </span>
        <IconAction icon="close" label="Close the result" onPress={dismissRun} />
      </div>
      {missing ? (
        <p className="run-why">
          <MissingAddon detail={tally.halted?.detail ?? ""} />
        </p>
      ) : (
        tally.halted && <p className="run-why">It did not go on: {tally.halted.detail}</p>
      )}
      {!missing && tally.failures.length > 0 && (
        <details className="run-failures">
          <summary>What failed and why</summary>
          <ul>
            {tally.failures.slice(0, LISTED).map(({ id, detail, code }) => (
              <li key={id}>
                <Link to={`/inbox/${id}`} dir="auto">
                  {nameOf(id)}
                </Link>
                <span className="run-reason">{detail || code}</span>
              </li>
            ))}
          </ul>
          {tally.failures.length > LISTED && (
            <p className="field-hint">And {(tally.failures.length - LISTED).toLocaleString("en-US")} more.</p>
          )}
        </details>
      )}
      {!missing && open.length > 0 && (
        <div>
          <Action small onPress={() => onChoose(open)}>
            {open.length === 1
              ? "Choose the one that is not done"
              : `Choose the ${open.length.toLocaleString("en-US")} that are not done`}
          </Action>
        </div>
      )}
    </section>
  );
}
