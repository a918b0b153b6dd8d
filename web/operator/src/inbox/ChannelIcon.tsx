import type { Channel } from "../api/types.ts";
import { Icon, type IconName } from "../design/icons.tsx";

const BY_TYPE: Record<string, IconName> = {
  website: "globe",
  email: "mail",
  phone: "phone",
  sms: "phone",
  api: "api",
};

export function ChannelIcon({ channel }: { channel: Channel }) {
  return (
    <span className="channel" title={channel.name}>
      <Icon name={BY_TYPE[channel.type] ?? "chat"} size={14} />
      <span className="hidden-text">{channel.name}</span>
    </span>
  );
}
