import { Suspense, useEffect, useRef, useSyncExternalStore } from "react";
import { lazily } from "../app/lazily.tsx";
import { useLive } from "../app/live-context.ts";
import { go, usePlace } from "../app/router.tsx";
import { remember, useRemembered } from "../app/stored.ts";
import { ContactPane, ContactSheet } from "./ContactPane.tsx";
import { ConversationList } from "./ConversationList.tsx";
import { inboxAddress, openConversation } from "./lists.ts";
import { Thread } from "./Thread.tsx";
import { useOutboxEchoes } from "./useOutbox.ts";
import "./inbox.css";

const NothingOpen = lazily(() => import("./NothingOpen.tsx"));

const wide = window.matchMedia("(min-width: 1180px)");

function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      wide.addEventListener("change", listener);
      return () => wide.removeEventListener("change", listener);
    },
    () => wide.matches,
  );
}

export default function Inbox() {
  const place = usePlace();
  const live = useLive();
  const open = openConversation(place);
  const isWide = useWide();
  const paneHidden = useRemembered("contact-pane") === "hidden";
  const sheet = useRemembered("contact-sheet") === String(open);
  useOutboxEchoes();

  useEffect(() => {
    const tell = () => live.viewing(document.visibilityState === "visible" ? open : null);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [live, open]);
  useEffect(() => () => live.viewing(null), [live]);

  // A sheet belongs to the conversation it was opened on, not to the next visit.
  const last = useRef(open);
  useEffect(() => {
    if (last.current !== open) remember("contact-sheet", null);
    last.current = open;
  }, [open]);

  const toggleContact = () => {
    if (isWide) remember("contact-pane", paneHidden ? null : "hidden");
    else remember("contact-sheet", sheet ? null : String(open));
  };

  return (
    <main className="inbox" data-open={open !== null || undefined}>
      <h1 className="hidden-text">Inbox</h1>
      <ConversationList />
      <section className="thread-pane" aria-label="Conversation">
        {open === null ? (
          <Suspense>
            <NothingOpen />
          </Suspense>
        ) : (
          <Thread
            key={open}
            id={open}
            onToggleContact={toggleContact}
            contactShown={isWide ? !paneHidden : sheet}
            onLeave={() => go(inboxAddress(place, { id: null }))}
          />
        )}
      </section>
      {open !== null && isWide && !paneHidden && <ContactPane key={`contact-${open}`} id={open} />}
      {open !== null && !isWide && (
        <ContactSheet id={open} open={sheet} onClose={() => remember("contact-sheet", null)} />
      )}
    </main>
  );
}
