import { useQueryClient } from "@tanstack/react-query";
import type { Conversation } from "../api/types.ts";
import { Action } from "../design/Action.tsx";
import { Window } from "../design/Dialogs.tsx";
import { TextEntry } from "../design/fields.tsx";
import { Callout } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { useForm } from "../settings/form.ts";
import { sentence } from "../settings/standing.ts";
import { mail } from "./api.ts";
import { useMailProblem } from "./useMailProblem.ts";
import "./transcript.css";

/** Mails what was said, to the contact or to somebody else. */
export default function SendTranscript({
  conversation,
  onClose,
}: {
  conversation: Conversation;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const { id, contact } = conversation;
  const problem = useMailProblem(contact);
  const form = useForm({ to: contact.email }, async ({ to }, key) => {
    const receiver = to.trim();
    const sent = await mail.transcript(id, receiver === contact.email ? undefined : receiver, key);
    void client.invalidateQueries({ queryKey: ["mails"] });
    onClose();
    toast(
      sent.reason
        ? `The transcript waits. ${sentence(sent.reason)}`
        : `The transcript is on its way to ${sent.receiver}`,
    );
  });
  const to = form.values.to.trim();
  const fault = form.fault("receiver");
  return (
    <Window open onClose={onClose} title="Send transcript">
      <form className="form transcript-form" onSubmit={form.submit} noValidate>
        <TextEntry
          label="To"
          type="email"
          value={form.values.to}
          onChange={(value) => form.set("to", value)}
          error={fault}
          hint={
            to === "" || to === contact.email
              ? "Everything that was said, without internal notes. Files are links."
              : "Whoever reads this mail reads the whole conversation, files included."
          }
          required
          autoFocus
        />
        {problem && to === problem.address && (
          <Callout tone="warn" still>
            Mails to this address were refused. {sentence(problem.reason)}
          </Callout>
        )}
        {form.trouble && fault === undefined && <Callout tone="bad">{sentence(form.trouble.detail)}</Callout>}
        <div className="dialog-actions">
          <Action onPress={onClose}>Cancel</Action>
          <Action type="submit" kind="primary" icon="mail" isDisabled={form.busy || to === ""}>
            Send
          </Action>
        </div>
      </form>
    </Window>
  );
}
