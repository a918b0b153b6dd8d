import { useMe } from "../app/me.ts";
import { Icon } from "../design/icons.tsx";
import type { View } from "../realtime/snapshots.ts";
import type { StatusChoice } from "./lists.ts";

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
  } else if (view === "attention") {
    title = "Nobody waits too long";
    text = "A conversation is here while a message in it has waited longer than its widget allows.";
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
