import { useQuery } from "@tanstack/react-query";
import { widgets } from "../api/routes.ts";
import { useMe } from "../app/me.ts";
import { Copyable } from "../design/Copyable.tsx";
import { Icon } from "../design/icons.tsx";
import { keys, type View } from "../realtime/snapshots.ts";
import { type StatusChoice, useCounts } from "./lists.ts";

function useWidgets(enabled: boolean) {
  return useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgets.list()).items,
    enabled,
    retry: false,
  });
}

interface NoConversationsProps {
  view: View;
  status: StatusChoice;
  filtered: boolean;
  total: number | undefined;
}

export function NoConversations({ view, status, filtered, total }: NoConversationsProps) {
  const { demo } = useMe();
  let title = "Nobody has written yet";
  let text = "New conversations appear here by themselves.";
  if (filtered) {
    title = "Nothing matches";
    text =
      "The filter looks at names, addresses and last lines of the loaded list. Ctrl K searches all people.";
  } else if (status !== "not_ended") {
    title = "None here";
    text = "No conversation has this status.";
  } else if (view === "mine") {
    title = "Nothing is yours";
    text = total ? "Take one from Unassigned: answering is enough." : text;
  } else if (view === "unassigned" && total) {
    title = "Nobody waits";
    text = "Every open conversation has an operator.";
  }
  return (
    <div className="list-state">
      <Icon name={filtered ? "search" : "inbox"} size={28} />
      <strong>{title}</strong>
      <p>{text}</p>
      {total === 0 && demo && (
        <p>
          Try it: write from the <a href="/demo/shop">demo shop</a>.
        </p>
      )}
    </div>
  );
}

/** The middle column before anything is chosen; on a new server it says how the first message gets here. */
export function NothingOpen() {
  const me = useMe();
  const counts = useCounts();
  const fresh = counts !== undefined && counts.all === 0;
  const admin = me.operator.role === "admin";
  const list = useWidgets(fresh && admin);
  const widget = list.data?.[0];
  if (!fresh) {
    return (
      <div className="nothing">
        <Icon name="chat" size={36} />
        <h2>No conversation chosen</h2>
        <p>
          <kbd>J</kbd> <kbd>K</kbd> go through the list, <kbd>Enter</kbd> opens, <kbd>?</kbd> shows all keys.
        </p>
      </div>
    );
  }
  return (
    <div className="nothing first">
      <Icon name="chat" size={36} />
      <h2>Your first conversation</h2>
      {me.demo && (
        <p>
          Open the <a href="/demo/shop">demo shop</a> in another window and write to it. The message is here
          before you are back.
        </p>
      )}
      {widget && (
        <div className="nothing-snippet">
          <p>{me.demo ? "Or put this" : "Put this"} before the end of your site's body:</p>
          <Copyable text={widget.snippet} label="Snippet" wrap />
        </div>
      )}
    </div>
  );
}
