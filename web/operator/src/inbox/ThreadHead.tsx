import { useState } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { asApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation } from "../api/types.ts";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { useShortcut } from "../app/shortcuts.ts";
import { Action, IconAction } from "../design/Action.tsx";
import { Icon } from "../design/icons.tsx";
import { StatusTag } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { endSoon, undoEnd } from "./ending.ts";
import { Forward } from "./Forward.tsx";

interface HeadProps {
  conversation: Conversation;
  ending: boolean;
  contactShown: boolean;
  onToggleContact: () => void;
  onLeave: () => void;
}

export function ThreadHead(props: HeadProps) {
  const { conversation, ending } = props;
  const { contact, operator, group, status, id } = conversation;
  const live = useLive();
  const me = useMe().operator;
  const [forwarding, setForwarding] = useState(false);
  const ended = status === "ended";
  const mine = operator?.id === me.id;

  const run = (work: Promise<Conversation>, done: string) => {
    work.then(
      (answer) => {
        live.adopt(answer);
        toast(done, { milliseconds: 2500 });
      },
      (cause) => toast(asApiError(cause).detail),
    );
  };
  const take = () => run(conversations.assign(id, me.id), "The conversation is yours");
  const release = () => run(conversations.assign(id, null), "The conversation is unassigned again");
  const end = () => endSoon(live, id, contact.display_name);
  const reopen = () => run(conversations.reopen(id), "Reopened");
  const pend = () =>
    status === "pending"
      ? run(conversations.setStatus(id, "open"), "Open again")
      : run(conversations.setStatus(id, "pending"), "Marked as pending");

  useShortcut("t", "Take the conversation", take, !mine && !ended);
  useShortcut("f", "Forward the conversation", () => setForwarding(true), !ended);
  useShortcut("p", status === "pending" ? "Open again" : "Mark as pending", pend, !ended);
  useShortcut("e", "End the conversation", end, !ended && !ending);

  return (
    <header className="thread-head">
      <div className="thread-back">
        <IconAction icon="left" label="Back to the list" onPress={props.onLeave} />
      </div>
      <div className="thread-who">
        <h2 className="thread-name" dir="auto">
          {contact.display_name}
        </h2>
        <div className="thread-facts">
          <StatusTag status={status} />
          <span className="thread-owner">
            {operator ? (mine ? "Yours" : operator.name) : "Unassigned"}
            {group ? ` · ${group.name}` : ""}
          </span>
        </div>
      </div>
      <div className="thread-actions">
        {!ended && !mine && (
          <Action small icon="take" onPress={take}>
            Take
          </Action>
        )}
        {!ended && (
          <Forward conversation={conversation} open={forwarding} onOpenChange={setForwarding} onDone={run} />
        )}
        {ended ? (
          <Action small icon="reopen" onPress={reopen}>
            Reopen
          </Action>
        ) : ending ? (
          <Action small icon="reopen" onPress={() => undoEnd(id)}>
            Undo end
          </Action>
        ) : (
          <Action small icon="checkCircle" onPress={end} aria-label="End conversation">
            <span className="thread-action-text">End</span>
          </Action>
        )}
        <MenuTrigger>
          <Button className="button quiet icon-only" aria-label="More actions">
            <Icon name="dots" />
          </Button>
          <Popover className="popover" placement="bottom end" offset={4}>
            <Menu className="menu" aria-label="More actions">
              {!ended && (
                <MenuItem className="menu-item" onAction={pend}>
                  <Icon name="pending" />
                  <span className="menu-text">{status === "pending" ? "Open again" : "Mark as pending"}</span>
                  <kbd>P</kbd>
                </MenuItem>
              )}
              {!ended && operator && (
                <MenuItem className="menu-item" onAction={release}>
                  <Icon name="user" />
                  <span className="menu-text">Unassign</span>
                </MenuItem>
              )}
              <MenuItem className="menu-item" onAction={props.onToggleContact}>
                <Icon name="panel" />
                <span className="menu-text">
                  {props.contactShown ? "Hide the contact" : "Show the contact"}
                </span>
                <kbd>I</kbd>
              </MenuItem>
            </Menu>
          </Popover>
        </MenuTrigger>
        <IconAction
          icon="panel"
          label={props.contactShown ? "Hide the contact" : "Show the contact"}
          shortcut="I"
          onPress={props.onToggleContact}
        />
      </div>
    </header>
  );
}
