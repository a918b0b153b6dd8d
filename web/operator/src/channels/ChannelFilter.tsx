import { Button, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { go, usePlace } from "../app/router.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { channelIcon } from "../inbox/ChannelIcon.tsx";
import { channelOf, inboxAddress } from "../inbox/lists.ts";
import { useChannels } from "./useChannels.ts";

const ALL = "all";

/** Narrows the inbox to one channel. While the website is the only one there is nothing to choose. */
export default function ChannelFilter() {
  const place = usePlace();
  const chosen = channelOf(place);
  const channels = useChannels().data ?? [];
  if (channels.length === 0 && !chosen) return null;
  const choices: { value: string; label: string; icon: IconName }[] = [
    { value: ALL, label: "Every channel", icon: "inbox" },
    { value: "website", label: "Website", icon: channelIcon("website") },
    ...channels.map(({ id, name, type }) => ({ value: String(id), label: name, icon: channelIcon(type) })),
  ];
  const now = choices.find((each) => each.value === (chosen || ALL)) ?? {
    label: `Channel ${chosen}`,
    icon: channelIcon("custom"),
  };
  return (
    <MenuTrigger>
      <Button
        className="button quiet small list-channel"
        aria-label={`Channel: ${now.label}`}
        data-set={chosen ? true : undefined}
      >
        <Icon name={now.icon} size={16} />
        {chosen && (
          <span className="list-channel-name" dir="auto">
            {now.label}
          </span>
        )}
        <Icon name="down" size={14} />
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <Menu
          className="menu"
          aria-label="Channel"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[chosen || ALL]}
          onAction={(key) => go(inboxAddress(place, { channel: key === ALL ? "" : String(key) }))}
        >
          {choices.map(({ value, label, icon }) => (
            <MenuItem key={value} id={value} className="menu-item" textValue={label}>
              <Icon name={icon} />
              <span className="menu-text" dir="auto">
                {label}
              </span>
              <Icon name="check" size={16} className="menu-check" />
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
