import { asApiError } from "../../api/error.ts";
import type { Conversation } from "../../api/types.ts";
import { useLive } from "../../app/live-context.ts";
import { Confirm } from "../../design/Dialogs.tsx";
import { toast } from "../../design/toasts.tsx";
import { discard } from "./api.ts";

/** Asks before a conversation is ended as one that nobody has to hear of. */
export default function Discard({
  conversation,
  onClose,
}: {
  conversation: Conversation;
  onClose: () => void;
}) {
  const live = useLive();
  const { id, contact } = conversation;
  const confirm = () =>
    void discard(id).then(
      (answer) => {
        live.adopt(answer);
        toast("Discarded", { milliseconds: 2500 });
      },
      (cause) => toast(`Not discarded: ${asApiError(cause).detail}`),
    );
  return (
    <Confirm open title="Discard this conversation?" action="Discard" onConfirm={confirm} onClose={onClose}>
      <p>
        It ends now. No transcript goes to <bdi>{contact.display_name}</bdi> or to a webhook, and nobody is
        asked for a rating. What was written stays readable here.
      </p>
    </Confirm>
  );
}
