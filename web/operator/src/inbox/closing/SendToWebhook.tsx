import type { Conversation } from "../../api/types.ts";
import { useMe } from "../../app/me.ts";
import { Link } from "../../app/router.tsx";
import { Action } from "../../design/Action.tsx";
import { Window } from "../../design/Dialogs.tsx";
import { TextEntry } from "../../design/fields.tsx";
import { Callout } from "../../design/marks.tsx";
import { toast } from "../../design/toasts.tsx";
import { useForm } from "../../settings/form.ts";
import { sentence } from "../../settings/standing.ts";
import { sendToWebhook } from "./api.ts";
import "../../mail/transcript.css";
import { LONGEST_WORD, MOST_WORDS, wordsOf } from "./words.ts";

/** Sends the transcript to the widget's webhook at once, before the end or after it. */
export default function SendToWebhook({
  conversation,
  onClose,
}: {
  conversation: Conversation;
  onClose: () => void;
}) {
  const admin = useMe().operator.role === "admin";
  const { id, widget } = conversation;
  const form = useForm({ extra: "" }, async ({ extra }, key) => {
    await sendToWebhook(id, wordsOf(extra), key);
    onClose();
    toast("The transcript is on its way to the webhook");
  });
  const words = wordsOf(form.values.extra);
  const fault =
    words.length > MOST_WORDS
      ? `At most ${MOST_WORDS} words can go along.`
      : words.some((word) => [...word].length > LONGEST_WORD)
        ? `A word can have ${LONGEST_WORD} characters.`
        : form.fault("extra");
  const missing = form.trouble?.code === "hook.missing";
  return (
    <Window open onClose={onClose} title="Send to webhook">
      <form className="form transcript-form" onSubmit={form.submit} noValidate>
        <p>
          The transcript goes to the webhook of{" "}
          {widget ? <strong dir="auto">{widget.name}</strong> : "the widget"} as it is now.
        </p>
        <TextEntry
          label="Words to go along"
          value={form.values.extra}
          onChange={(value) => form.set("extra", value)}
          error={fault}
          hint={
            words.length > 1
              ? `${words.length} words: ${words.slice(0, 5).join(" · ")}${words.length > 5 ? " …" : ""}`
              : "Optional. Blanks part them, quotes hold several together."
          }
          placeholder='billing "second line"'
          autoFocus
        />
        {missing ? (
          <Callout tone="warn">
            The widget has no webhook for transcripts.{" "}
            {admin && widget ? (
              <Link to={`/settings/widgets/${widget.id}/webhooks`} onClick={onClose}>
                Set one up
              </Link>
            ) : (
              "An administrator can set one up."
            )}
          </Callout>
        ) : (
          form.trouble && fault === undefined && <Callout tone="bad">{sentence(form.trouble.detail)}</Callout>
        )}
        <div className="dialog-actions">
          <Action onPress={onClose}>Cancel</Action>
          <Action
            type="submit"
            kind="primary"
            icon="send"
            isDisabled={form.busy || (fault !== undefined && form.fault("extra") === undefined)}
          >
            Send
          </Action>
        </div>
      </form>
    </Window>
  );
}
