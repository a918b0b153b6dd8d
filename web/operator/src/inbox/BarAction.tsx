import { useRef } from "react";
import { Button, OverlayArrow, ToggleButton, Tooltip, TooltipTrigger } from "react-aria-components";
import { Icon, type IconName } from "../design/icons.tsx";

interface BarActionProps {
  icon: IconName;
  name: string;
  label: string;
  shortcut?: string;
  /** Given for what is switched on and off. */
  pressed?: boolean;
  named: boolean;
  run: (from?: HTMLElement) => void;
}

/** One action of the bar above a thread: with its name where there is room, else with a tip. */
export function BarAction({ icon, name, label, shortcut, pressed, named, run }: BarActionProps) {
  const button = useRef<HTMLButtonElement>(null);
  const common = {
    ref: button,
    "aria-label": label,
    onPress: () => run(button.current ?? undefined),
    className: named ? "button quiet small bar-action" : "button quiet icon-only bar-action",
  };
  const inside = (
    <>
      <Icon name={icon} size={named ? 16 : 18} />
      {named && name}
    </>
  );
  return (
    <TooltipTrigger delay={500} closeDelay={50}>
      {pressed === undefined ? (
        <Button {...common}>{inside}</Button>
      ) : (
        <ToggleButton {...common} isSelected={pressed}>
          {inside}
        </ToggleButton>
      )}
      <Tooltip className="tip" offset={6}>
        <OverlayArrow />
        {pressed === undefined ? label : pressed ? "Will be sent when the status changes" : "Send to API"}{" "}
        {shortcut && <kbd>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
