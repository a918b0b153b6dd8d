import type { ReactNode } from "react";
import type { ApiError } from "../api/error.ts";
import { milliseconds } from "../app/clock.ts";
import { Callout } from "../design/marks.tsx";
import { sentence } from "../settings/standing.ts";
import type { Tested } from "./api.ts";

interface OutcomeProps {
  trouble: ApiError | null;
  answer: Tested | null;
  good: string;
  bad: string;
  children?: ReactNode;
}

/** What came of a test: green or red, with the status and the time. */
export function TestedCallout({ trouble, answer, good, bad, children }: OutcomeProps) {
  return (
    <div aria-live="polite" className="stack">
      {trouble && (
        <Callout tone="bad" still>
          {sentence(trouble.detail)}
        </Callout>
      )}
      {answer && (
        <Callout tone={answer.ok ? "good" : "bad"} still>
          <strong>{answer.ok ? good : bad}</strong>
          <span className="tested-facts">
            {answer.status ? `: ${answer.status} after ` : " after "}
            {milliseconds(answer.took_ms)}
          </span>
          {answer.detail && <span className="tested-detail">{sentence(answer.detail)}</span>}
          {children}
        </Callout>
      )}
    </div>
  );
}
