import { Icon } from "../design/icons.tsx";
import type { Form } from "./form.ts";

/** The fault of a list as a whole, not of one of its rows. */
export function WholeFault<Values>({ form, field }: { form: Form<Values>; field: string }) {
  const text = form.trouble?.byField().get(field);
  return text ? <FaultLine text={text} /> : null;
}

export function FaultLine({ text }: { text: string }) {
  return (
    <span className="field-error" role="alert">
      <Icon name="alert" size={16} />
      <span>{text}</span>
    </span>
  );
}
