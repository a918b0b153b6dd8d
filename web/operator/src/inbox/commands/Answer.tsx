import { IconAction } from "../../design/Action.tsx";
import { Icon } from "../../design/icons.tsx";
import type { Answered } from "./desk.ts";

/** A line of the help begins with how a command is typed. */
const TYPED = /^(\$[^:]+)(: .*)$/s;

function AnswerLine({ text }: { text: string }) {
  const [, typed, meaning] = TYPED.exec(text) ?? [];
  if (!typed) return text || "\u00a0";
  return (
    <span className="answer-typed">
      <span className="mono">{typed}</span>
      {meaning}
    </span>
  );
}

/** What a command said. It stands in the thread of whoever asked and nowhere else. */
export function Answer({ answer, onDismiss }: { answer: Answered; onDismiss: () => void }) {
  const { lines } = answer;
  const short = lines.length === 1;
  return (
    <li className="answer" data-answer>
      <div className="answer-head">
        <Icon name="eye" size={14} />
        <span className="answer-about">
          {short ? (
            <span className="answer-line" dir="auto">
              <AnswerLine text={lines[0] ?? ""} />
            </span>
          ) : (
            <span className="mono">{answer.line.split(/\s/)[0]}</span>
          )}
          <span className="answer-only"> Only you see this</span>
        </span>
        <IconAction icon="close" label="Remove this answer" onPress={onDismiss} />
      </div>
      {!short && (
        <div className="answer-lines">
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: they never change
            <div key={index} dir="auto">
              <AnswerLine text={line} />
            </div>
          ))}
        </div>
      )}
    </li>
  );
}
