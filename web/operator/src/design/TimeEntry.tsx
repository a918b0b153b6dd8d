import { useEffect, useState } from "react";
import { asLocalEntry, fromLocalEntry } from "../app/stamps.ts";
import { TextEntry } from "./fields.tsx";

interface TimeProps {
  label: string;
  value: string | null;
  onChange: (value: string | null) => void;
  error?: string;
}

/** A date and time in the reader's own time zone. */
export function TimeEntry({ label, value, onChange, error }: TimeProps) {
  const [text, setText] = useState(asLocalEntry(value));
  useEffect(() => {
    setText((now) => (fromLocalEntry(now) === value ? now : asLocalEntry(value)));
  }, [value]);
  return (
    <TextEntry
      label={label}
      type="datetime-local"
      value={text}
      error={error}
      onChange={(next) => {
        setText(next);
        const entered = fromLocalEntry(next);
        if (entered !== undefined) onChange(entered);
      }}
    />
  );
}
