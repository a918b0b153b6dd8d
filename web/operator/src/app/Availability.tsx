import { Suspense } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover, Text } from "react-aria-components";
import type { Presence } from "../api/types.ts";
import { Icon } from "../design/icons.tsx";
import { PresenceDot, presenceName } from "../design/marks.tsx";
import { useCounts } from "../inbox/lists.ts";
import { lazily } from "./lazily.tsx";
import { useLineState } from "./live-context.ts";
import { useMe } from "./me.ts";
import { useAvailability } from "./useAvailability.ts";

const WidgetPresence = lazily(() => import("./WidgetPresence.tsx"));

const CHOICES: { id: Presence; text: string }[] = [
  { id: "online", text: "New conversations come to you" },
  { id: "away", text: "You keep yours, new ones go elsewhere" },
  { id: "offline", text: "Visitors do not see you" },
];

export function Availability() {
  const { operator } = useMe();
  const line = useLineState();
  const counts = useCounts();
  const setAvailability = useAvailability();

  // Without the line nobody is reachable, whatever was chosen.
  const shown: Presence = line === "open" ? operator.availability : "offline";
  const open = counts?.mine ?? operator.open_conversations;
  return (
    <MenuTrigger>
      <Button className="button quiet availability">
        <PresenceDot presence={shown} />
        <span className="hidden-text">Availability: </span>
        <span className="availability-text">{presenceName(operator.availability)}</span>
        <span className="availability-slots" data-full={open >= operator.slots || undefined}>
          {open}/{operator.slots}
        </span>
        <span className="hidden-text"> slots</span>
        <Icon name="down" size={14} />
      </Button>
      <Popover className="popover" placement="bottom end" offset={4}>
        <Menu
          className="menu"
          aria-label="Availability"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[operator.availability]}
          onAction={(key) => setAvailability(key as Presence)}
        >
          {CHOICES.map((choice) => (
            <MenuItem
              key={choice.id}
              id={choice.id}
              className="menu-item two-lines"
              textValue={presenceName(choice.id)}
            >
              <PresenceDot presence={choice.id} />
              <span className="menu-text">
                <Text slot="label">{presenceName(choice.id)}</Text>
                <Text slot="description" className="menu-hint">
                  {choice.text}
                </Text>
              </span>
              <Icon name="check" size={16} className="menu-check" />
            </MenuItem>
          ))}
        </Menu>
        <Suspense fallback={null}>
          <WidgetPresence />
        </Suspense>
      </Popover>
    </MenuTrigger>
  );
}
