import { Radio, RadioGroup } from "react-aria-components";
import { Below, Caption, type ChoiceProps, frameOf } from "./fields.tsx";

/** One of a few, all of them in sight. */
export function SegmentEntry<Value extends string>(props: ChoiceProps<Value>) {
  return (
    <RadioGroup
      {...frameOf(props)}
      orientation="horizontal"
      value={props.value}
      onChange={(value) => props.onChange(value as Value)}
    >
      <Caption {...props} />
      <div className="segments">
        {props.choices.map((choice) => (
          <Radio key={choice.value} value={choice.value} className="segment">
            {choice.label}
          </Radio>
        ))}
      </div>
      <Below {...props} />
    </RadioGroup>
  );
}
