import { useState } from "react";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import { fill } from "./fill.ts";

interface PreviewProps {
  body: string;
  options: string[];
  operator: string;
}

const SAMPLE = { email: "ann.berg@example.com", widget: "Our shop" };

/** The text with made-up values, for somebody who is known and for somebody who is not. */
export function ReplyPreview({ body, options, operator }: PreviewProps) {
  const [who, setWho] = useState<"known" | "unknown">("known");
  const text = fill(body.trim(), {
    ...SAMPLE,
    operator,
    name: who === "known" ? "Ann Berg" : "",
    email: who === "known" ? SAMPLE.email : "",
  });
  const shown = options.filter((option) => option.trim());
  return (
    <div className="stack">
      <SegmentEntry
        label="Sent to"
        hideLabel
        value={who}
        onChange={setWho}
        choices={[
          { value: "known", label: "With a name" },
          { value: "unknown", label: "Without a name" },
        ]}
      />
      {text === "" ? (
        <p className="field-hint">Nothing written yet.</p>
      ) : (
        <div className="reply-preview">
          <p className="reply-bubble" dir="auto">
            {text}
          </p>
          {shown.length > 0 && (
            <ul className="reply-choices" aria-label="Answers">
              {shown.map((option, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: two may be the same while they are written
                <li key={index} className="reply-choice" dir="auto">
                  {option}
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </div>
  );
}
