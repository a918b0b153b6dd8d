import type { ReactNode } from "react";
import {
  Button as AriaButton,
  type ButtonProps,
  OverlayArrow,
  Tooltip,
  TooltipTrigger,
} from "react-aria-components";
import { Icon, type IconName } from "./icons.tsx";

interface ActionProps extends Omit<ButtonProps, "children" | "className" | "style"> {
  children?: ReactNode;
  icon?: IconName;
  kind?: "primary" | "danger" | "quiet" | "plain";
  small?: boolean;
}

export function Action({ children, icon, kind = "plain", small, ...rest }: ActionProps) {
  return (
    <AriaButton {...rest} className={`button ${kind}${small ? " small" : ""}`}>
      {icon && <Icon name={icon} size={small ? 16 : 18} />}
      {children}
    </AriaButton>
  );
}

interface IconActionProps extends Omit<ButtonProps, "children" | "className" | "style"> {
  icon: IconName;
  label: string;
  shortcut?: string;
}

/** A button that is only an icon: its label is its name and shows as a tip. */
export function IconAction({ icon, label, shortcut, ...rest }: IconActionProps) {
  return (
    <TooltipTrigger delay={500} closeDelay={50}>
      <AriaButton {...rest} aria-label={label} className="button quiet icon-only">
        <Icon name={icon} />
      </AriaButton>
      <Tooltip className="tip" offset={6}>
        <OverlayArrow />
        {label} {shortcut && <kbd>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
