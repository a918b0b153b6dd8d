import { type FormEvent, useEffect, useRef, useState } from "react";
import { newKey } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/error.ts";
import { setLeaveGuard } from "../app/router.tsx";

const FAULTY = [
  "[data-invalid] .input",
  ".input[data-invalid]",
  "[data-invalid] .select-button",
  "[data-invalid] input",
]
  .map((each) => `.form ${each}`)
  .join(", ");

export interface Form<Values> {
  values: Values;
  set: <Field extends keyof Values>(field: Field, value: Values[Field]) => void;
  /** The fault of a field, as the server told it. */
  fault: (field: string) => string | undefined;
  /** What is wrong with the whole, or with a field that the form does not show. */
  trouble: ApiError | null;
  busy: boolean;
  dirty: boolean;
  submit: (event?: FormEvent) => void;
  reset: () => void;
}

/**
 * A form that is saved when asked for. `start` is what is stored: when it changes and nothing was edited, the form
 * follows. What was saved counts as not edited: the server may store it in another way, trimmed, masked or with ids.
 */
export function useForm<Values extends object>(
  start: Values,
  save: (values: Values, key: string) => Promise<void>,
): Form<Values> {
  const [values, setValues] = useState(start);
  const [trouble, setTrouble] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const stored = JSON.stringify(start);
  const dirty = JSON.stringify(values) !== stored;
  const base = useRef(stored);
  // The same content is sent with the same key, so that a second press after a lost answer creates nothing twice.
  const key = useRef({ content: "", key: "" });

  useEffect(() => {
    if (base.current === stored) return;
    const untouched = JSON.stringify(values) === base.current;
    base.current = stored;
    if (untouched) setValues(JSON.parse(stored) as Values);
  }, [stored, values]);

  useEffect(() => {
    if (!dirty || busy) return;
    setLeaveGuard(() => window.confirm("Leave without saving your changes?"));
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => {
      setLeaveGuard(null);
      window.removeEventListener("beforeunload", warn);
    };
  }, [dirty, busy]);

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (busy) return;
    const content = JSON.stringify(values);
    if (key.current.content !== content) key.current = { content, key: newKey() };
    setBusy(true);
    setTrouble(null);
    setLeaveGuard(null);
    const before = base.current;
    base.current = content;
    save(values, key.current.key)
      .catch((cause) => {
        base.current = before;
        setTrouble(asApiError(cause));
        // The first field with a fault takes the focus once it is drawn.
        requestAnimationFrame(() => document.querySelector<HTMLElement>(FAULTY)?.focus());
      })
      .finally(() => setBusy(false));
  };

  const faults = trouble?.byField();
  return {
    values,
    set: (field, value) => setValues((now) => ({ ...now, [field]: value })),
    fault: (field) => {
      const own = faults?.get(field);
      if (own) return own;
      for (const [path, detail] of faults ?? []) {
        if (path.startsWith(`${field}.`) || path.startsWith(`${field}[`)) return detail;
      }
      return undefined;
    },
    trouble,
    busy,
    dirty,
    submit,
    reset: () => {
      setValues(start);
      setTrouble(null);
    },
  };
}
