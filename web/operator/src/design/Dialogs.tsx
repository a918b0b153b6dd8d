import type { ReactNode } from "react";
import { Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Action } from "./Action.tsx";

interface WindowProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  wide?: boolean;
  dismissable?: boolean;
}

export function Window({ open, onClose, title, children, wide, dismissable = true }: WindowProps) {
  return (
    <ModalOverlay
      className="veil"
      isOpen={open}
      onOpenChange={(next) => !next && onClose()}
      isDismissable={dismissable}
    >
      <Modal className={wide ? "modal wide" : "modal"}>
        <Dialog className="dialog">
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmProps {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** For what cannot be undone. Everything else gets an undo instead. */
export function Confirm(props: ConfirmProps) {
  return (
    <Window open={props.open} onClose={props.onClose} title={props.title}>
      <div>{props.children}</div>
      <div className="dialog-actions">
        <Action onPress={props.onClose}>Cancel</Action>
        <Action
          kind="danger"
          onPress={() => {
            props.onConfirm();
            props.onClose();
          }}
        >
          {props.action}
        </Action>
      </div>
    </Window>
  );
}
