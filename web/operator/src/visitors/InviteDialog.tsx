import { useQueryClient } from "@tanstack/react-query";
import { Link } from "../app/router.tsx";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { useForm } from "../settings/form.ts";
import { sentence } from "../settings/standing.ts";
import { type Visitor, visitors } from "./api.ts";
import { shortAddress } from "./words.ts";

interface InviteProps {
  /** As it was when the dialog opened. */
  visitor: Visitor;
  /** As the list has it now; null once they left. */
  now: Visitor | null;
  onClose: () => void;
}

/** Writes to somebody on the site first. */
export function InviteDialog({ visitor, now, onClose }: InviteProps) {
  const client = useQueryClient();
  const name = visitor.handle_or_name;
  const form = useForm({ body: "" }, async ({ body }, key) => {
    await visitors.invite(visitor.id, body.trim(), key);
    onClose();
    toast(`${name} sees your message in a moment`);
    void client.invalidateQueries({ queryKey: ["visitors"] });
  });
  const gone = now === null || form.trouble?.code === "visitor.gone";
  const talking = now?.conversation_id ?? null;
  const fault = form.fault("body");
  const page = now ?? visitor;
  return (
    <Window open onClose={onClose} title={`Invite ${name}`}>
      <form className="form invite-form" onSubmit={form.submit} noValidate>
        <p>
          On <strong dir="auto">{page.title || shortAddress(page.url)}</strong>. Your message appears beside
          the messenger; when they answer, the conversation is yours.
        </p>
        <TextEntry
          label="Message"
          value={form.values.body}
          onChange={(value) => form.set("body", value)}
          error={fault}
          lines={4}
          placeholder="Can I help you to choose?"
          required
          autoFocus
        />
        {talking !== null ? (
          <Callout tone="warn">
            They are in a conversation now.{" "}
            <Link to={`/inbox/${talking}`} onClick={onClose}>
              Write there
            </Link>
          </Callout>
        ) : gone ? (
          <Callout tone="warn">They have left the site. An invitation reaches only who is there.</Callout>
        ) : (
          form.trouble && fault === undefined && <Callout tone="bad">{sentence(form.trouble.detail)}</Callout>
        )}
        <div className="dialog-actions">
          <Action onPress={onClose}>Cancel</Action>
          <Action
            type="submit"
            kind="primary"
            icon="send"
            isDisabled={form.busy || gone || talking !== null || form.values.body.trim() === ""}
          >
            Invite
          </Action>
        </div>
      </form>
    </Window>
  );
}
