import { Suspense, useEffect, useState } from "react";
import { Action } from "../design/Action.tsx";
import { Icon, Mark } from "../design/icons.tsx";
import { useAllOpen } from "../inbox/lists.ts";
import { AccountMenu } from "./AccountMenu.tsx";
import { Availability } from "./Availability.tsx";
import { lazily, lazyPage } from "./lazily.tsx";
import { useLineLost } from "./live-context.ts";
import { useMe } from "./me.ts";
import { Link, usePlace } from "./router.tsx";
import { useShortcut } from "./shortcuts.ts";
import { useArrivalSound } from "./sound.ts";

const Inbox = lazyPage(() => import("../inbox/Inbox.tsx"));
const Settings = lazyPage(() => import("../settings/Settings.tsx"));
const AllConversations = lazyPage(() => import("../conversations/AllConversations.tsx"));
const Transcript = lazyPage(() => import("../transcripts/Transcript.tsx"));
const Visitors = lazyPage(() => import("../visitors/Visitors.tsx"));
const VisitorsLink = lazily(() => import("../visitors/VisitorsLink.tsx"));
const ShortcutHelp = lazily(() => import("./ShortcutHelp.tsx"));
const Palette = lazily(() => import("../palette/Palette.tsx"));
const Attention = lazily(() => import("../settings/Attention.tsx"));
const StartConversation = lazily(() => import("../channels/StartConversation.tsx"));

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

export function Shell() {
  const { path } = usePlace();
  const me = useMe();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [starting, setStarting] = useState(false);
  useTitleBadge();
  useArrivalSound();
  useShortcut("?", "Show keyboard shortcuts", () => setHelp(true));
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.key.toLowerCase() === "k" &&
        (event.metaKey || event.ctrlKey) &&
        !event.altKey &&
        !event.shiftKey
      ) {
        event.preventDefault();
        setPalette((open) => !open);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  const inSettings = path.startsWith("/settings");
  const inTable = path === "/conversations";
  const elsewhere =
    path === "/visitors" ? <Visitors /> : path.startsWith("/transcripts/") && <Transcript path={path} />;
  const admin = me.operator.role === "admin";
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="bar">
        <Link to="/" className="bar-home" aria-label="Parley, inbox">
          <Mark size={26} />
          <span className="bar-name">Parley</span>
        </Link>
        <nav className="bar-nav" aria-label="Main">
          <Link
            to="/"
            className="bar-link"
            aria-current={inSettings || inTable || elsewhere ? undefined : "page"}
          >
            <Icon name="inbox" />
            <span className="bar-link-text">Inbox</span>
          </Link>
          <Link to="/conversations" className="bar-link" aria-current={inTable ? "page" : undefined}>
            <Icon name="table" />
            <span className="bar-link-text">All conversations</span>
          </Link>
          <Suspense fallback={null}>
            <VisitorsLink />
          </Suspense>
          {admin && (
            <>
              <Link to="/settings" className="bar-link" aria-current={inSettings ? "page" : undefined}>
                <Icon name="sliders" />
                <span className="bar-link-text">Settings</span>
              </Link>
              <Suspense fallback={null}>
                <Attention />
              </Suspense>
            </>
          )}
        </nav>
        <div className="bar-search">
          <Action icon="search" onPress={() => setPalette(true)}>
            <span className="bar-search-text">Search or jump to…</span>
            <kbd>{APPLE ? "⌘" : "Ctrl"} K</kbd>
          </Action>
        </div>
        <Availability />
        <AccountMenu onShortcuts={() => setHelp(true)} />
      </header>
      <LineBanner />
      <div className="content" id="content" tabIndex={-1}>
        <Suspense fallback={<div className="blank" />}>
          {elsewhere || (inSettings ? <Settings /> : inTable ? <AllConversations /> : <Inbox />)}
        </Suspense>
      </div>
      {palette && (
        <Suspense fallback={null}>
          <Palette
            onClose={() => setPalette(false)}
            onShortcuts={() => setHelp(true)}
            onStart={() => setStarting(true)}
          />
        </Suspense>
      )}
      {starting && (
        <Suspense fallback={null}>
          <StartConversation onClose={() => setStarting(false)} />
        </Suspense>
      )}
      {help && (
        <Suspense fallback={null}>
          <ShortcutHelp open={help} onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </div>
  );
}

function LineBanner() {
  const lost = useLineLost();
  return (
    <div role="status" className="line-status">
      {lost && (
        <div className="line-banner">
          <Icon name="alert" size={16} />
          <span>Connection lost. Reconnecting… Nothing is missed: what happens meanwhile follows.</span>
        </div>
      )}
    </div>
  );
}

/** Unread messages of conversations that are mine or nobody's, in the tab's title. */
function useTitleBadge(): void {
  const me = useMe();
  const open = useAllOpen();
  let unread = 0;
  for (const item of open.data?.items ?? []) {
    if (item.unread > 0 && (!item.operator || item.operator.id === me.operator.id)) unread += item.unread;
  }
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : "Parley";
  }, [unread]);
}
