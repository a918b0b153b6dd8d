import type { MessageState } from "../api/types.ts";
import { Icon, type IconName } from "../design/icons.tsx";

const LOOK: Record<MessageState, { icon: IconName; text: string }> = {
  pending: { icon: "clock", text: "Sending" },
  sent: { icon: "check", text: "Sent" },
  delivered: { icon: "checks", text: "Delivered" },
  read: { icon: "checks", text: "Read" },
  failed: { icon: "alert", text: "Failed" },
};

export function Tick({ state }: { state: MessageState }) {
  const { icon, text } = LOOK[state];
  return (
    <span className={`tick ${state}`} title={text} role="img" aria-label={text}>
      <Icon name={icon} size={15} />
    </span>
  );
}
