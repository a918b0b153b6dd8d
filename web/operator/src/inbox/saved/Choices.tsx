import { Action } from "../../design/Action.tsx";
import "./choices.css";

/** The answers that a message offers, as its contact sees them. */
export default function Choices({ list }: { list: string[] }) {
  return (
    <ul className="choices" aria-label="Answers to click">
      {list.map((choice) => (
        <li key={choice} className="choice" dir="auto">
          {choice}
        </li>
      ))}
    </ul>
  );
}

interface DraftProps {
  list: string[];
  /** Where nothing can be clicked they go out as lines of the message. */
  clickable: boolean;
  onRemove: () => void;
}

/** The answers that will go with what is being written. */
export function ChoicesDraft({ list, clickable, onRemove }: DraftProps) {
  return (
    <div className="choices-draft">
      <span className="choices-hint">{clickable ? "Answers to click:" : "Goes out as a numbered list:"}</span>
      <Choices list={list} />
      <Action small kind="quiet" icon="close" onPress={onRemove}>
        Send without
      </Action>
    </div>
  );
}
