import { useState } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import { Action, IconAction } from "../design/Action.tsx";
import { Confirm, Window } from "../design/Dialogs.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import type { BulkAction, BulkOrder } from "./api.ts";
import { PeoplePicker } from "./PeoplePicker.tsx";
import { TagPicker } from "./TagPicker.tsx";

interface Entry {
  action: BulkAction;
  label: string;
  icon: IconName;
  /** Stands beside the menu where there is room. */
  near?: boolean;
  danger?: boolean;
}

const GROUPS: Entry[][] = [
  [
    { action: "send", label: "Send to API", icon: "api", near: true },
    { action: "unsend", label: "Take back from API", icon: "reopen" },
  ],
  [
    { action: "assign", label: "Assign…", icon: "user", near: true },
    { action: "forward", label: "Forward…", icon: "forward" },
  ],
  [
    { action: "tag", label: "Tag…", icon: "tag", near: true },
    { action: "untag", label: "Untag…", icon: "close" },
  ],
  [{ action: "transcript", label: "Send transcript…", icon: "mail" }],
  [
    { action: "end", label: "End…", icon: "checkCircle", danger: true },
    { action: "reopen", label: "Reopen", icon: "reopen" },
  ],
];
const NEAR = GROUPS.flat().filter((entry) => entry.near);

export function howMany(count: number): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? "conversation" : "conversations"}`;
}

interface BulkProps {
  count: number;
  busy: boolean;
  /** What there is beyond what is chosen: to choose all that matches. */
  more: { label: string; run: () => void } | null;
  counting: boolean;
  onOrder: (order: BulkOrder) => void;
  onClear: () => void;
}

/** What can be done with what is chosen. */
export function BulkMenu({ count, busy, more, counting, onOrder, onClear }: BulkProps) {
  const [asking, setAsking] = useState<BulkAction | null>(null);
  const close = () => setAsking(null);
  const order = (next: BulkOrder) => {
    close();
    onOrder(next);
  };
  const choose = (action: BulkAction) => {
    if (action === "send" || action === "unsend" || action === "reopen") onOrder({ action });
    else setAsking(action);
  };
  return (
    <section className="bulk" aria-label="Chosen conversations">
      <span className="bulk-count" role="status">
        {count.toLocaleString("en-US")} chosen
      </span>
      {more ? (
        <Action kind="quiet" small onPress={more.run}>
          {more.label}
        </Action>
      ) : (
        counting && <span className="field-hint">Counting…</span>
      )}
      <span className="bulk-space" />
      <span className="bulk-near">
        {NEAR.map(({ action, label, icon }) => (
          <Action key={action} small icon={icon} isDisabled={busy} onPress={() => choose(action)}>
            {label}
          </Action>
        ))}
      </span>
      <MenuTrigger>
        <Button className="button primary small" isDisabled={busy}>
          Actions
          <Icon name="up" size={14} />
        </Button>
        <Popover className="popover" placement="top end" offset={6}>
          <Menu
            className="menu"
            aria-label="Actions for the chosen conversations"
            onAction={(key) => choose(key as BulkAction)}
          >
            {GROUPS.flatMap((entries, index) => [
              ...(index > 0 ? [<Separator key={`line-${entries[0]?.action}`} className="menu-line" />] : []),
              ...entries.map(({ action, label, icon, danger }) => (
                <MenuItem
                  key={action}
                  id={action}
                  className={danger ? "menu-item danger" : "menu-item"}
                  textValue={label}
                >
                  <Icon name={icon} />
                  <span className="menu-text">{label}</span>
                </MenuItem>
              )),
            ])}
          </Menu>
        </Popover>
      </MenuTrigger>
      <IconAction icon="close" label="Choose none" shortcut="Esc" onPress={onClear} />

      <Window open={asking === "assign"} onClose={close} title={`Assign ${howMany(count)}`}>
        <PeoplePicker
          nobody
          onPick={(target) => "operator_id" in target && order({ action: "assign", ...target })}
        />
      </Window>
      <Window open={asking === "forward"} onClose={close} title={`Forward ${howMany(count)}`}>
        <PeoplePicker groups onPick={(target) => order({ action: "forward", ...target })} />
      </Window>
      <Window open={asking === "tag"} onClose={close} title={`Tag ${howMany(count)}`}>
        <TagPicker
          removing={false}
          action="Tag"
          onPick={(tags) => order({ action: "tag", tags })}
          onCancel={close}
        />
      </Window>
      <Window open={asking === "untag"} onClose={close} title={`Take tags off ${howMany(count)}`}>
        <TagPicker
          removing
          action="Untag"
          onPick={(tags) => order({ action: "untag", tags })}
          onCancel={close}
        />
      </Window>
      <Window
        open={asking === "transcript"}
        onClose={close}
        title={`Send the transcript${count === 1 ? "" : "s"} of ${howMany(count)}?`}
      >
        <p>
          Each contact gets what was said by mail, without internal notes. Conversations whose contact has no
          e-mail address are listed afterwards. What is sent cannot be called back.
        </p>
        <div className="dialog-actions">
          <Action onPress={close}>Cancel</Action>
          <Action kind="primary" icon="mail" onPress={() => order({ action: "transcript" })}>
            {count === 1 ? "Send it" : `Send ${count.toLocaleString("en-US")} transcripts`}
          </Action>
        </div>
      </Window>
      <Confirm
        open={asking === "end"}
        title={`End ${howMany(count)}?`}
        action={count === 1 ? "End it" : `End all ${count.toLocaleString("en-US")}`}
        onClose={close}
        onConfirm={() => onOrder({ action: "end" })}
      >
        Their contacts see that the conversation has ended, and what is told to your programs cannot be called
        back. They can be reopened.
      </Confirm>
    </section>
  );
}
