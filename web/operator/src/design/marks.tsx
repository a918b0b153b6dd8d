import type { ReactNode } from "react";
import type { ConversationStatus, Presence } from "../api/types.ts";
import { Icon, type IconName } from "./icons.tsx";

function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

interface AvatarProps {
  name: string;
  id: number;
  image?: string;
  size?: "small" | "large";
}

export function Avatar({ name, id, image, size }: AvatarProps) {
  return (
    <span
      className={`avatar tone-${id % 6}${size ? ` ${size}` : ""}`}
      data-initials={image ? undefined : initials(name)}
      aria-hidden="true"
    >
      {image && <img src={image} alt="" />}
    </span>
  );
}

const PRESENCE: Record<Presence, string> = { online: "Online", away: "Away", offline: "Offline" };

export function presenceName(presence: Presence): string {
  return PRESENCE[presence];
}

export function PresenceDot({ presence }: { presence: Presence }) {
  return <span className={`dot ${presence}`} aria-hidden="true" />;
}

const STATUS: Record<ConversationStatus, { text: string; tone: string }> = {
  new: { text: "New", tone: "accent" },
  open: { text: "Open", tone: "good" },
  pending: { text: "Pending", tone: "warn" },
  ended: { text: "Ended", tone: "" },
};

export function StatusTag({ status }: { status: ConversationStatus }) {
  const { text, tone } = STATUS[status];
  return <span className={`tag ${tone}`}>{text}</span>;
}

export function statusName(status: ConversationStatus): string {
  return STATUS[status].text;
}

export function Skeleton({ width, height = 12 }: { width: number | string; height?: number }) {
  return <span className="skeleton" style={{ width, height }} />;
}

interface CalloutProps {
  tone?: "bad" | "warn" | "good";
  icon?: IconName;
  /** For what stands there for long and changes by itself: not read out at every change. */
  still?: boolean;
  children: ReactNode;
}

export function Callout(props: CalloutProps) {
  const icon = props.icon ?? (props.tone === "good" ? "checkCircle" : props.tone ? "alert" : "info");
  return (
    <div
      className={`callout ${props.tone ?? ""}`}
      role={props.still || !props.tone ? undefined : props.tone === "bad" ? "alert" : "status"}
    >
      <Icon name={icon} />
      <div>{props.children}</div>
    </div>
  );
}
