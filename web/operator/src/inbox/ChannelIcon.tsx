import type { Channel } from "../api/types.ts";
import { Icon, type IconName } from "../design/icons.tsx";

const BY_TYPE: Record<string, IconName> = {
  website: "globe",
  email: "mail",
  phone: "phone",
  sms: "phone",
  api: "api",
  custom: "exchange",
};

export function channelIcon(type: string): IconName {
  return BY_TYPE[type] ?? "chat";
}

/** Where a conversation takes place. The website is the usual place: its icon is enough. */
export function ChannelIcon({ channel }: { channel: Channel }) {
  return (
    <span className="channel" title={channel.name}>
      <Icon name={channelIcon(channel.type)} size={14} />
      <span className={channel.type === "website" ? "hidden-text" : "channel-name"} dir="auto">
        {channel.name}
      </span>
    </span>
  );
}
