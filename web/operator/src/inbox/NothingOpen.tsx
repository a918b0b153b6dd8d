import { useQuery } from "@tanstack/react-query";
import { widgets } from "../api/routes.ts";
import { useMe } from "../app/me.ts";
import { Copyable } from "../design/Copyable.tsx";
import { Icon } from "../design/icons.tsx";
import { keys } from "../realtime/snapshots.ts";
import { useCounts } from "./lists.ts";

function useWidgets(enabled: boolean) {
  return useQuery({
    queryKey: keys.widgets,
    queryFn: async () => (await widgets.list()).items,
    enabled,
    retry: false,
  });
}

/** The middle column before anything is chosen; on a new server it says how the first message gets here. */
export default function NothingOpen() {
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
