import { useRef, useState } from "react";
import { Menu, MenuItem, Popover } from "react-aria-components";
import { asApiError } from "../../api/error.ts";
import { messages } from "../../api/routes.ts";
import type { Message } from "../../api/types.ts";
import { useLive } from "../../app/live-context.ts";
import { useMe } from "../../app/me.ts";
import { copy } from "../../design/Copyable.tsx";
import { Confirm } from "../../design/Dialogs.tsx";
import { Icon } from "../../design/icons.tsx";
import { toast } from "../../design/toasts.tsx";
import { FileGlyph } from "../files/glyphs.tsx";
import { beginEdit, isOwn } from "./edits.ts";

interface Props {
  message: Message;
  /** The button it belongs to. */
  anchor: Element;
  onClose: () => void;
}

export default function MessageMenu({ message, anchor, onClose }: Props) {
  const live = useLive();
  const me = useMe().operator;
  const [open, setOpen] = useState(true);
  const [asking, setAsking] = useState(false);
  const trigger = useRef(anchor);
  trigger.current = anchor;
  const changeable =
    isOwn(message, me.id) ||
    (me.role === "admin" &&
      message.sender.type !== "contact" &&
      message.type !== "event" &&
      !message.deleted_at);

  const remove = () => {
    messages
      .remove(message)
      .then((answer) => live.adoptChanged(message, answer))
      .catch((cause) => toast(asApiError(cause).detail));
  };
  const copyText = () =>
    void copy(message.body).then((done) =>
      toast(done ? "Copied" : "The browser does not allow copying here."),
    );
  return (
    <>
      <Popover
        className="popover"
        aria-label="Message"
        triggerRef={trigger}
        isOpen={open}
        onOpenChange={(next) => {
          setOpen(next);
          if (!next && !asking) onClose();
        }}
        placement="bottom"
        offset={4}
      >
        <Menu className="menu" aria-label="Message" autoFocus="first" onClose={() => setOpen(false)}>
          {message.body !== "" && (
            <MenuItem
              className="menu-item"
              onAction={() => {
                copyText();
                onClose();
              }}
            >
              <Icon name="copy" />
              <span className="menu-text">Copy the text</span>
            </MenuItem>
          )}
          {changeable && (
            <MenuItem
              className="menu-item"
              onAction={() => {
                beginEdit(message);
                onClose();
              }}
            >
              <FileGlyph name="edit" size={18} />
              <span className="menu-text">Edit</span>
              {isOwn(message, me.id) && <kbd>E</kbd>}
            </MenuItem>
          )}
          {changeable && (
            <MenuItem className="menu-item danger" onAction={() => setAsking(true)}>
              <Icon name="trash" />
              <span className="menu-text">Delete…</span>
            </MenuItem>
          )}
          {message.body === "" && !changeable && (
            <MenuItem className="menu-item" isDisabled>
              <span className="menu-text">Nothing can be done with it</span>
            </MenuItem>
          )}
        </Menu>
      </Popover>
      <Confirm
        open={asking}
        title={message.note ? "Delete this note?" : "Delete this message?"}
        action="Delete"
        onConfirm={remove}
        onClose={onClose}
      >
        {message.note
          ? "Its text is removed for all operators. This cannot be undone."
          : "Its text and file are removed here and for the contact; the place it had stays. What another system got over a channel may stay there. This cannot be undone."}
      </Confirm>
    </>
  );
}
