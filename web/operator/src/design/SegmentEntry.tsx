import type { ReactNode } from "react";
import { Label, Radio, RadioGroup, Text } from "react-aria-components";
import { type Choice, Fault } from "./fields.tsx";

interface SegmentProps<Value extends string> {
  label: string;
  value: Value;
  choices: Choice<Value>[];
  onChange: (value: Value) => void;
  error?: string;
  hint?: ReactNode;
  hideLabel?: boolean;
}

/** One of a few, all of them in sight. */
export function SegmentEntry<Value extends string>(props: SegmentProps<Value>) {
  return (
    <RadioGroup
      className="field"
      orientation="horizontal"
      value={props.value}
      onChange={(value) => props.onChange(value as Value)}
      isInvalid={props.error !== undefined}
      validationBehavior="aria"
      aria-label={props.hideLabel ? props.label : undefined}
    >
      {!props.hideLabel && <Label className="field-label">{props.label}</Label>}
      <div className="segments">
        {props.choices.map((choice) => (
          <Radio key={choice.value} value={choice.value} className="segment">
            {choice.label}
          </Radio>
        ))}
      </div>
      {props.hint && (
        <Text slot="description" className="field-hint">
          {props.hint}
        </Text>
      )}
      <Fault text={props.error} />
    </RadioGroup>
  );
}
