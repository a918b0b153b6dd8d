import { type RefObject, Suspense, useEffect, useRef, useState } from "react";
import { Button, Dialog, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { type ApiError, asApiError } from "../api/error.ts";
import { conversations } from "../api/routes.ts";
import type { Conversation } from "../api/types.ts";
import { useNow } from "../app/clock.ts";
import { lazily } from "../app/lazily.tsx";
import { useLive } from "../app/live-context.ts";
import { useMe } from "../app/me.ts";
import { useShortcut } from "../app/shortcuts.ts";
import { IconAction } from "../design/Action.tsx";
import { Icon, type IconName } from "../design/icons.tsx";
import { StatusTag } from "../design/marks.tsx";
import { toast } from "../design/toasts.tsx";
import { MissingAddon } from "./addon.tsx";
import { AlarmBadge, OfflineBadge } from "./alarm/Badges.tsx";
import { BarAction } from "./BarAction.tsx";
import { ChannelIcon } from "./ChannelIcon.tsx";
import { endSoon, undoEnd } from "./ending.ts";
import { FlagBadge } from "./FlagBadge.tsx";
import { useFlagged, wantFlag } from "./flags.ts";
import { TagPopover } from "./TagEditor.tsx";

const Forward = lazily(() => import("./Forward.tsx"));
const Discard = lazily(() => import("./closing/Discard.tsx"));
const SendToWebhook = lazily(() => import("./closing/SendToWebhook.tsx"));
const SendTranscript = lazily(() => import("../mail/SendTranscript.tsx"));

interface HeadProps {
  conversation: Conversation;
  ending: boolean;
  contactShown: boolean;
  onToggleContact: () => void;
  onLeave: () => void;
}

/** What the bar has room for: names beside the icons, icons alone, or one action and a menu. */
type Room = "names" | "icons" | "menu";
const NAMES_FROM = 680;
const ICONS_FROM = 465;

// What fitted last is what the next conversation begins with, so that nothing jumps while going through the list.
let lastRoom: Room = "icons";

function useRoom(box: RefObject<HTMLElement | null>): Room {
  const [room, setRoom] = useState(lastRoom);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      lastRoom = width >= NAMES_FROM ? "names" : width >= ICONS_FROM ? "icons" : "menu";
      setRoom(lastRoom);
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return room;
}

interface BarItem {
  id: string;
  icon: IconName;
  /** In the bar, where there is room for it; without one it is an icon only. */
  name: string;
  /** In a tip, in the menu and for readers. */
  label: string;
  shortcut?: string;
  pressed?: boolean;
  /** Stays in the bar when all others go into the menu. */
  stays?: boolean;
  run: (from?: HTMLElement) => void;
}

export function ThreadHead(props: HeadProps) {
  const { conversation, ending } = props;
  const { contact, operator, group, status, id } = conversation;
  const live = useLive();
  const me = useMe().operator;
  const now = useNow();
  const head = useRef<HTMLElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const anchor = useRef<HTMLElement>(null);
  const [open, setOpen] = useState<
    "forward" | "tags" | "missing" | "transcript" | "discard" | "webhook" | null
  >(null);
  const [missing, setMissing] = useState("");
  const room = useRoom(head);
  const flagged = useFlagged(conversation);
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
  const show = (what: typeof open, from?: HTMLElement) => {
    anchor.current = from ?? bar.current;
    setOpen(what);
  };
  const close = () => setOpen(null);
  const take = () => run(conversations.assign(id, me.id), "The conversation is yours");
  const release = () => run(conversations.assign(id, null), "The conversation is unassigned again");
  const end = () => endSoon(live, id, contact.display_name);
  const reopen = () => run(conversations.reopen(id), "Reopened");
  const pend = () =>
    status === "pending"
      ? run(conversations.setStatus(id, "open"), "Open again")
      : run(conversations.setStatus(id, "pending"), "Marked as pending");
  const flag = (from?: HTMLElement) =>
    wantFlag(live, id, !flagged, (error: ApiError) => {
      if (error.code !== "addon.missing") {
        toast(error.detail);
        return;
      }
      setMissing(error.detail);
      show("missing", from?.isConnected ? from : undefined);
    });

  useShortcut("t", "Take the conversation", take, !mine && !ended);
  useShortcut("f", "Forward the conversation", () => show("forward"), !ended);
  useShortcut("l", "Tag the conversation", () => show("tags"));
  useShortcut("a", flagged ? "Do not send it to the API" : "Send it to the API", () => flag());
  useShortcut("m", "Send the transcript", () => show("transcript"));
  useShortcut("p", status === "pending" ? "Open again" : "Mark as pending", pend, !ended);
  useShortcut("e", "End the conversation", end, !ended && !ending);

  const items: BarItem[] = [];
  if (!ended && !mine)
    items.push({
      id: "take",
      icon: "take",
      name: "Take",
      label: "Take",
      shortcut: "T",
      stays: true,
      run: take,
    });
  if (!ended)
    items.push({
      id: "forward",
      icon: "forward",
      name: "Forward",
      label: "Forward",
      shortcut: "F",
      run: (from) => show("forward", from),
    });
  items.push(
    {
      id: "tag",
      icon: "tag",
      name: "Tag",
      label: "Tag",
      shortcut: "L",
      run: (from) => show("tags", from),
    },
    {
      id: "api",
      icon: "api",
      name: "Send to API",
      label: "Send to API",
      shortcut: "A",
      pressed: flagged,
      run: flag,
    },
  );
  if (ended)
    items.push({ id: "end", icon: "reopen", name: "Reopen", label: "Reopen", stays: true, run: reopen });
  else if (ending)
    items.push({
      id: "end",
      icon: "reopen",
      name: "Undo end",
      label: "Undo end",
      stays: true,
      run: () => undoEnd(id),
    });
  else
    items.push({
      id: "end",
      icon: "checkCircle",
      name: "End",
      label: "End conversation",
      shortcut: "E",
      stays: true,
      run: end,
    });
  items.push({
    id: "mail",
    icon: "mail",
    name: "",
    label: "Send transcript",
    shortcut: "M",
    run: () => show("transcript"),
  });
  const inBar = room === "menu" ? items.filter((item) => item.stays) : items;
  const inMenu = room === "menu" ? items.filter((item) => !item.stays) : [];

  return (
    <header className="thread-head" ref={head} data-room={room}>
      <div className="thread-back">
        <IconAction icon="left" label="Back to the list" onPress={props.onLeave} />
      </div>
      <div className="thread-who">
        <h2 className="thread-name" dir="auto">
          {contact.display_name}
        </h2>
        <div className="thread-facts">
          <StatusTag status={status} />
          {conversation.unanswered_at && <AlarmBadge since={conversation.unanswered_at} now={now} />}
          {conversation.session?.offline && <OfflineBadge />}
          {flagged && <FlagBadge />}
          <ChannelIcon channel={conversation.channel} />
          <span className="thread-owner">
            {operator ? (mine ? "Yours" : operator.name) : "Unassigned"}
            {group ? ` · ${group.name}` : ""}
          </span>
        </div>
      </div>
      <div className="thread-actions" ref={bar}>
        {inBar.map(({ id: key, ...item }) => (
          <BarAction key={key} {...item} named={key === "take" || (room === "names" && item.name !== "")} />
        ))}
        <MenuTrigger>
          <Button className="button quiet icon-only" aria-label="More actions">
            <Icon name="dots" />
          </Button>
          <Popover className="popover" placement="bottom end" offset={4}>
            <Menu className="menu" aria-label="More actions">
              {inMenu.map((item) => (
                <MenuItem
                  key={item.id}
                  className="menu-item"
                  // The menu gives the focus back before something else may take it.
                  onAction={() => requestAnimationFrame(() => item.run())}
                >
                  <Icon name={item.icon} />
                  <span className="menu-text">{item.pressed ? "Do not send to API" : item.label}</span>
                  <kbd>{item.shortcut}</kbd>
                </MenuItem>
              ))}
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
              {conversation.widget && (
                <MenuItem className="menu-item" onAction={() => show("webhook")}>
                  <Icon name="exchange" />
                  <span className="menu-text">Send to webhook…</span>
                </MenuItem>
              )}
              {!ended && !ending && (
                <MenuItem className="menu-item" onAction={() => show("discard")}>
                  <Icon name="trash" />
                  <span className="menu-text">Discard…</span>
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
        {room !== "menu" && (
          <IconAction
            icon="panel"
            label={props.contactShown ? "Hide the contact" : "Show the contact"}
            shortcut="I"
            onPress={props.onToggleContact}
          />
        )}
      </div>
      {open === "forward" && (
        <Suspense>
          <Forward conversation={conversation} anchor={anchor} onClose={close} onDone={run} />
        </Suspense>
      )}
      {open === "tags" && <TagPopover conversation={conversation} anchor={anchor} onClose={close} />}
      {open === "transcript" && (
        <Suspense>
          <SendTranscript conversation={conversation} onClose={close} />
        </Suspense>
      )}
      {open === "discard" && (
        <Suspense>
          <Discard conversation={conversation} onClose={close} />
        </Suspense>
      )}
      {open === "webhook" && (
        <Suspense>
          <SendToWebhook conversation={conversation} onClose={close} />
        </Suspense>
      )}
      {open === "missing" && (
        <Popover
          className="popover"
          triggerRef={anchor}
          isOpen
          onOpenChange={(next) => !next && close()}
          placement="bottom end"
          offset={4}
        >
          <Dialog className="missing" aria-label="Send to API is not set up">
            <MissingAddon detail={missing} />
          </Dialog>
        </Popover>
      )}
    </header>
  );
}
