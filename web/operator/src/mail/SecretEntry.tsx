import { Action } from "../design/Action.tsx";
import { TextEntry } from "../design/fields.tsx";
import type { SecretValue } from "./secret.ts";

interface SecretProps {
  label: string;
  value: SecretValue;
  onChange: (value: SecretValue) => void;
  /** Whether one is stored, and how it ends where that may be told. */
  stored: boolean;
  tail?: string;
  hint?: string;
  error?: string;
  password?: boolean;
}

/** A secret that is never shown again: typed anew, kept as it is, or taken away. */
export function SecretEntry({ label, value, onChange, stored, tail, hint, error, password }: SecretProps) {
  const kept = stored && !value.gone && value.typed === "";
  return (
    <div className="secret-entry">
      <TextEntry
        label={label}
        type={password ? "password" : "text"}
        autoComplete={password ? "new-password" : "off"}
        value={value.typed}
        onChange={(typed) => onChange({ typed, gone: typed === "" && value.gone })}
        placeholder={kept ? `••••••••${tail ?? ""}` : undefined}
        hint={
          kept
            ? "It is stored. Leave this empty to keep it."
            : stored && value.gone
              ? "It is taken away when you save."
              : hint
        }
        error={error}
        mono
      />
      {stored && value.typed === "" && (
        <Action
          onPress={() => onChange({ typed: "", gone: !value.gone })}
          aria-label={value.gone ? `Keep the ${label.toLowerCase()}` : `Remove the ${label.toLowerCase()}`}
        >
          {value.gone ? "Keep" : "Remove"}
        </Action>
      )}
    </div>
  );
}
