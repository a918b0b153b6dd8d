import type { EndReason, Message } from "../api/types.ts";

const REASON: Record<EndReason, string> = {
  operator: "",
  contact: "by the contact",
  timeout: "after a time without messages",
  rule: "by a rule",
  api: "through the API",
};

/** What an event line says. Unknown events show their name, so that a newer server is not silent. */
export function describe(message: Message): string {
  const event = message.event;
  if (!event) return message.body;
  const by = event.by?.name || (event.by?.type === "contact" ? "The contact" : "");
  const reason = event.reason ? REASON[event.reason] : "";
  switch (event.name) {
    case "started":
    case "created":
      return "Conversation started";
    case "ended":
      if (by) return `${by} ended the conversation`;
      return `Conversation ended ${reason}`.trim();
    case "reopened":
      return by ? `${by} reopened the conversation` : "Conversation reopened";
    case "assigned":
      if (!event.operator) return by ? `${by} unassigned the conversation` : "Nobody is assigned any more";
      if (event.by && event.by.id === event.operator.id && event.by.type === "operator")
        return `${event.operator.name} took the conversation`;
      return by ? `${by} assigned ${event.operator.name}` : `${event.operator.name} was assigned`;
    case "forwarded": {
      const to = event.operator?.name ?? event.group?.name ?? "somebody else";
      return by ? `${by} forwarded the conversation to ${to}` : `Forwarded to ${to}`;
    }
    case "session_started":
      return "The contact came back";
    case "session_ended":
      return `Session ended ${reason}`.trim();
    case "status_changed":
      return message.body || "Status changed";
    case "channel_changed": {
      const to = event.channel?.name ?? "another channel";
      return by ? `${by} moved the conversation to ${to}` : `The conversation goes on in ${to}`;
    }
    case "goal":
      return event.goal?.name ? `Reached the goal “${event.goal.name}”` : "Reached a goal";
    default:
      return message.body || event.name.replaceAll("_", " ");
  }
}
