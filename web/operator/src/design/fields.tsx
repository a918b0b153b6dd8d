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

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  hint?: ReactNode;
  hideLabel?: boolean;
  type?: "text" | "email" | "password" | "url" | "tel" | "number" | "color" | "datetime-local";
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
  const { label, value, onChange, error, hint, lines } = props;
  const look = props.mono ? "input mono" : "input";
  return (
    <TextField
      className="field"
      value={value}
      onChange={onChange}
      type={lines ? undefined : props.type}
      isInvalid={error !== undefined}
      isRequired={props.required}
      isDisabled={props.disabled}
      autoComplete={props.autoComplete ?? "off"}
      inputMode={props.inputMode}
      autoFocus={props.autoFocus}
      validationBehavior="aria"
      spellCheck={props.mono ? "false" : undefined}
      aria-label={props.hideLabel ? label : undefined}
    >
      {!props.hideLabel && <Label className="field-label">{label}</Label>}
      {lines ? (
        <TextArea className={look} rows={lines} placeholder={props.placeholder} />
      ) : (
        <Input className={look} placeholder={props.placeholder} />
      )}
      {hint && (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      <Fault text={error} />
    </TextField>
  );
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  hint?: string;
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  choices: Choice<Value>[];
  onChange: (value: Value) => void;
  error?: string;
  hint?: ReactNode;
  hideLabel?: boolean;
}

export function ChoiceEntry<Value extends string>(props: ChoiceProps<Value>) {
  return (
    <Select
      className="field"
      value={props.value}
      onChange={(key) => props.onChange(key as Value)}
      isInvalid={props.error !== undefined}
      validationBehavior="aria"
      aria-label={props.hideLabel ? props.label : undefined}
    >
      {!props.hideLabel && <Label className="field-label">{props.label}</Label>}
      <Button className="select-button">
        <SelectValue className="select-value" />
        <Icon name="down" size={16} />
      </Button>
      {props.hint && (
        <Text slot="description" className="field-hint">
          {props.hint}
        </Text>
      )}
      <Fault text={props.error} />
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
