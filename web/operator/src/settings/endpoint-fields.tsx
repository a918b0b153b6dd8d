import { type CheckChoice, ChecksEntry } from "../design/ChecksEntry.tsx";
import { SwitchEntry, TextEntry } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { Rows } from "../design/Rows.tsx";
import { type HeaderLine, MASK } from "./endpoint-form.ts";
import { SecretOnce } from "./parts.tsx";

/** What there is to choose from, and what was chosen once and is no more. */
export function known(
  items: { id: number; name: string }[] | undefined,
  chosen: string[],
  kind: string,
): CheckChoice[] {
  const there = (items ?? []).map((each) => ({ value: String(each.id), label: each.name }));
  const gone = items
    ? chosen
        .filter((id) => !there.some((each) => each.value === id))
        .map((id) => ({ value: id, label: `${kind} ${id}, deleted` }))
    : [];
  return [...there, ...gone];
}

interface ScopeProps {
  every: boolean;
  onEvery: (every: boolean) => void;
  title: string;
  hint: string;
  label: string;
  chosen: string[];
  onChosen: (chosen: string[]) => void;
  error: string | undefined;
  choices: CheckChoice[];
}

/** Everything, or only what is checked. */
export function Scope(props: ScopeProps) {
  return (
    <div className="scope">
      <SwitchEntry selected={props.every} onChange={props.onEvery} hint={props.hint}>
        {props.title}
      </SwitchEntry>
      {!props.every && (
        <div className="scope-choices">
          <ChecksEntry
            label={props.label}
            value={props.chosen}
            onChange={props.onChosen}
            error={props.error}
            choices={props.choices}
          />
        </div>
      )}
    </div>
  );
}

interface HeadersProps {
  lines: HeaderLine[];
  onChange: (lines: HeaderLine[]) => void;
  error: string | undefined;
}

export function HeaderLines({ lines, onChange, error }: HeadersProps) {
  return (
    <fieldset className="plain-set stack">
      <legend className="field-label">Headers</legend>
      <span className="field-hint">
        Sent with every call, for example for authorization. Values are not shown again.
      </span>
      {error && (
        <span className="field-error" role="alert">
          <Icon name="alert" size={16} />
          <span>{error}</span>
        </span>
      )}
      <Rows
        kind="header"
        className="header-line"
        items={lines}
        onChange={onChange}
        fresh={() => ({ name: "", value: "" })}
      >
        {(line, index, change) => (
          <>
            <TextEntry
              label={`Header ${index + 1}`}
              value={line.name}
              onChange={(name) => change({ ...line, name })}
              mono
            />
            <TextEntry
              label={`Value ${index + 1}`}
              value={line.value}
              onChange={(value) => change({ ...line, value })}
              hint={line.value === MASK ? "Kept as it is" : undefined}
              mono
            />
          </>
        )}
      </Rows>
    </fieldset>
  );
}

/** The secret of an endpoint that was just made. */
export function SigningSecret({ secret, onClose }: { secret: string | null; onClose: () => void }) {
  return (
    <SecretOnce secret={secret} title="Signing secret" label="Signing secret" onClose={onClose}>
      Your program checks the <code>webhook-signature</code> header of every call with it.
    </SecretOnce>
  );
}
