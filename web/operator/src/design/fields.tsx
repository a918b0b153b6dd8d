import { type ReactNode, useId } from "react";
import {
  Button,
  Checkbox,
  FieldError,
  Input,
  type InputProps,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Switch,
  Text,
  TextArea,
  TextField,
} from "react-aria-components";
import { Icon } from "./icons.tsx";

export function Fault({ text }: { text: string | undefined }) {
  return (
    <FieldError className="field-error">
      <Icon name="alert" size={16} />
      <span>{text}</span>
    </FieldError>
  );
}

/** What every field has around it. */
export interface FieldProps {
  label: string;
  error?: string;
  hint?: ReactNode;
  hideLabel?: boolean;
}

export function frameOf({ label, error, hideLabel }: FieldProps) {
  return {
    className: "field",
    isInvalid: error !== undefined,
    validationBehavior: "aria" as const,
    "aria-label": hideLabel ? label : undefined,
  };
}

export function Caption({ label, hideLabel }: FieldProps) {
  return hideLabel ? null : <Label className="field-label">{label}</Label>;
}

/** What stands below a field: what it is for, and what is wrong with it. */
export function Below({ hint, error }: FieldProps) {
  return (
    <>
      {hint && (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      <Fault text={error} />
    </>
  );
}

interface TextProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "email" | "password" | "url" | "tel" | "number" | "color" | "datetime-local" | "date";
  autoComplete?: string;
  inputMode?: InputProps["inputMode"];
  required?: boolean;
  autoFocus?: boolean;
  lines?: number;
  placeholder?: string;
  mono?: boolean;
  disabled?: boolean;
}

export function TextEntry(props: TextProps) {
  const { value, onChange, lines } = props;
  const look = props.mono ? "input mono" : "input";
  return (
    <TextField
      {...frameOf(props)}
      value={value}
      onChange={onChange}
      type={lines ? undefined : props.type}
      isRequired={props.required}
      isDisabled={props.disabled}
      autoComplete={props.autoComplete ?? "off"}
      inputMode={props.inputMode}
      autoFocus={props.autoFocus}
      spellCheck={props.mono ? "false" : undefined}
    >
      <Caption {...props} />
      {lines ? (
        <TextArea className={look} rows={lines} placeholder={props.placeholder} />
      ) : (
        <Input className={look} placeholder={props.placeholder} />
      )}
      <Below {...props} />
    </TextField>
  );
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  hint?: string;
}

export interface ChoiceProps<Value extends string> extends FieldProps {
  value: Value;
  choices: Choice<Value>[];
  onChange: (value: Value) => void;
}

export function ChoiceEntry<Value extends string>(props: ChoiceProps<Value>) {
  return (
    <Select
      {...frameOf(props)}
      placeholder="Choose one"
      value={props.value}
      onChange={(key) => props.onChange(key as Value)}
    >
      <Caption {...props} />
      <Button className="select-button">
        <SelectValue className="select-value" />
        <Icon name="down" size={16} />
      </Button>
      <Below {...props} />
      <Popover className="popover" offset={4}>
        <ListBox className="menu" items={props.choices}>
          {(choice) => (
            <ListBoxItem id={choice.value} textValue={choice.label} className="menu-item">
              <Text slot="label" className="menu-text">
                {choice.label}
              </Text>
              <Icon name="check" size={16} className="menu-check" />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

export function CheckEntry(props: {
  value?: string;
  selected?: boolean;
  onChange?: (selected: boolean) => void;
  children: ReactNode;
  hint?: ReactNode;
  disabled?: boolean;
}) {
  const hintId = useId();
  return (
    <Checkbox
      className="check"
      value={props.value}
      isSelected={props.selected}
      onChange={props.onChange}
      isDisabled={props.disabled}
      aria-describedby={props.hint ? hintId : undefined}
    >
      <span className="check-box">
        <Icon name="check" size={14} />
      </span>
      <span className="check-text">
        {props.children}
        {props.hint && (
          <span className="field-hint check-hint" id={hintId}>
            {props.hint}
          </span>
        )}
      </span>
    </Checkbox>
  );
}

export function SwitchEntry(props: {
  selected: boolean;
  onChange: (selected: boolean) => void;
  children: ReactNode;
  hint?: ReactNode;
}) {
  const hintId = useId();
  return (
    <Switch
      className="check"
      isSelected={props.selected}
      onChange={props.onChange}
      aria-describedby={props.hint ? hintId : undefined}
    >
      <span className="switch-track" />
      <span className="check-text">
        {props.children}
        {props.hint && (
          <span className="field-hint check-hint" id={hintId}>
            {props.hint}
          </span>
        )}
      </span>
    </Switch>
  );
}
