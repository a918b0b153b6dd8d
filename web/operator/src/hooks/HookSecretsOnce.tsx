import { Action } from "../design/Action.tsx";
import { Copyable } from "../design/Copyable.tsx";
import { Window } from "../design/Dialogs.tsx";
import { Callout } from "../design/marks.tsx";
import type { HookSecrets, WidgetHook } from "./api.ts";

interface SecretsProps {
  secrets: HookSecrets | null;
  hooks: WidgetHook[];
  onClose: () => void;
}

/** The secrets of the webhooks that were just made, each with its name. */
export function HookSecretsOnce({ secrets, hooks, onClose }: SecretsProps) {
  const made = hooks.filter(({ hook }) => secrets?.[hook] !== undefined);
  const one = made.length === 1;
  return (
    <Window
      open={secrets !== null}
      onClose={onClose}
      title={one ? "Signing secret" : "Signing secrets"}
      dismissable={false}
      wide
    >
      <div>
        Your program checks the <code>webhook-signature</code> header of every call with{" "}
        {one ? "it" : "the secret of its webhook"}. Receivers that do not look at the header work without.
      </div>
      {made.map(({ hook, title }) => (
        <div key={hook} className="stack-small">
          <span className="field-label">{title}</span>
          <Copyable text={secrets?.[hook] ?? ""} label={`Secret: ${title}`} wrap />
        </div>
      ))}
      <Callout tone="warn">
        {one ? "It is" : "They are"} not shown again. Keep {one ? "it" : "them"} where your program can read{" "}
        {one ? "it" : "them"} and nobody else.
      </Callout>
      <div className="dialog-actions">
        <Action kind="primary" onPress={onClose}>
          I have stored {one ? "it" : "them"}
        </Action>
      </div>
    </Window>
  );
}
