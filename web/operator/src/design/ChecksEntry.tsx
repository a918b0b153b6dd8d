import { CheckboxGroup } from "react-aria-components";
import { Below, Caption, CheckEntry, type Choice, type FieldProps, frameOf } from "./fields.tsx";

export interface CheckChoice extends Choice<string> {
  /** A name of the wire, not a word. */
  mono?: boolean;
}

interface ChecksProps extends FieldProps {
  value: string[];
  choices: CheckChoice[];
  onChange: (value: string[]) => void;
  /** Short ones stand side by side. */
  columns?: boolean;
}

/** Any of several, all of them in sight. */
export function ChecksEntry(props: ChecksProps) {
  return (
    <CheckboxGroup {...frameOf(props)} value={props.value} onChange={props.onChange}>
      <Caption {...props} />
      <div className={props.columns ? "checks" : "event-checks"}>
        {props.choices.map((choice) => (
          <CheckEntry key={choice.value} value={choice.value} hint={choice.hint}>
            <span className={choice.mono ? "mono" : undefined}>{choice.label}</span>
          </CheckEntry>
        ))}
        {props.choices.length === 0 && <span className="field-hint">There is none yet.</span>}
      </div>
      <Below {...props} />
    </CheckboxGroup>
  );
}
