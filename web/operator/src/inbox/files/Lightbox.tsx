import { useEffect, useRef, useState } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import type { Message } from "../../api/types.ts";
import { IconAction } from "../../design/Action.tsx";
import { Icon } from "../../design/icons.tsx";
import { useThread } from "../lists.ts";
import { ownAddress, useRenewal } from "./renew.ts";
import { sizeText } from "./sizes.ts";

/** A picture as large as the window; the arrows go through all that are loaded of the conversation. */
export default function Lightbox({ message, onClose }: { message: Message; onClose: () => void }) {
  const thread = useThread(message.conversation_id);
  const [number, setNumber] = useState(message.number);
  const pictures = (thread.data?.items ?? []).filter(
    ({ media }) => media?.kind === "image" && media.state === "stored" && media.url,
  );
  const index = pictures.findIndex((each) => each.number === number);
  const shown = pictures[index] ?? (message.number === number ? message : undefined);
  const step = (by: number) => setNumber(pictures[index + by]?.number ?? number);
  const latest = useRef(step);
  latest.current = step;
  useEffect(() => {
    // The focus may be anywhere in the window.
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "ArrowLeft") latest.current(-1);
      else if (event.key === "ArrowRight") latest.current(1);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    // Deleted while somebody looks at it.
    if (!shown) onClose();
  }, [shown, onClose]);
  const { media } = shown ?? message;
  if (!shown || !media?.url) return null;
  const url = ownAddress(media.url);
  return (
    <ModalOverlay className="lightbox" isOpen onOpenChange={(open) => !open && onClose()} isDismissable>
      <Modal className="lightbox-window">
        <Dialog className="lightbox-dialog" aria-label={`Picture: ${media.name}`}>
          <div className="lightbox-frame">
            <div className="lightbox-bar">
              <span className="file-about">
                <span className="file-name" dir="auto">
                  {media.name}
                </span>
                <span className="file-facts">
                  {media.width && media.height ? `${media.width} × ${media.height} · ` : ""}
                  {sizeText(media.size)}
                  {pictures.length > 1 && ` · ${index + 1} of ${pictures.length}`}
                </span>
              </span>
              <a
                className="button quiet icon-only"
                href={url}
                download={media.name}
                aria-label="Download"
                title="Download"
              >
                <Icon name="download" />
              </a>
              <IconAction icon="close" label="Close" onPress={onClose} />
            </div>
            <div className="lightbox-stage">
              <Large key={url} message={shown} url={url} />
              {pictures.length > 1 && (
                <>
                  <span className="lightbox-step before">
                    <IconAction
                      icon="left"
                      label="Previous picture"
                      onPress={() => step(-1)}
                      isDisabled={index <= 0}
                    />
                  </span>
                  <span className="lightbox-step after">
                    <IconAction
                      icon="right"
                      label="Next picture"
                      onPress={() => step(1)}
                      isDisabled={index >= pictures.length - 1}
                    />
                  </span>
                </>
              )}
            </div>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Large({ message, url }: { message: Message; url: string }) {
  const renewal = useRenewal(message, (one) => one.media?.url);
  const { media } = message;
  if (renewal.broken) return <p role="alert">The picture could not be loaded.</p>;
  return (
    <img
      src={url}
      alt={message.body || media?.name || "Picture"}
      width={media?.width ?? undefined}
      height={media?.height ?? undefined}
      onError={renewal.onError}
    />
  );
}
