import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../model/state";
import { currentOf } from "../model/view";
import { Avatars } from "./Avatar";
import { Composer } from "./Composer";
import { useUi } from "./context";
import { Icon } from "./Icon";
import { List } from "./List";
import { Thread } from "./Thread";

export interface PanelProps {
  state: State;
  phone: boolean;
  dark: boolean;
  /** The launcher is not there to close it. */
  needsClose: boolean;
  /** Opened by somebody, not by a reload: the focus moves in. */
  takeFocus: boolean;
}

function Header({ state, needsClose }: { state: State; needsClose: boolean }) {
  const { controller, texts } = useUi();
  const { widget, operators } = state.answer;
  const current = currentOf(state);
  const people = current?.operator ? [current.operator] : operators;
  const online = state.availability === "online";
  const inList = state.screen === "list";
  return (
    <div class="head">
      {inList ? (
        <button
          type="button"
          class="tool"
          aria-label={texts.back}
          title={texts.back}
          onClick={() => controller.showConversation(state.conversationId)}
        >
          <Icon name="back" />
        </button>
      ) : (
        people.length > 0 && <Avatars people={people} />
      )}
      <div class="titles">
        <h2 title={widget.title}>{inList ? texts.conversations : widget.title}</h2>
        {!inList && (
          <p>
            <span class={`dot ${state.availability}`} />
            <span>{online ? widget.subtitle || texts.online : texts[state.availability]}</span>
          </p>
        )}
      </div>
      {!inList && current && current.status !== "ended" && (
        <button
          type="button"
          class="tool"
          aria-label={texts.end}
          title={texts.end}
          aria-expanded={state.ending !== "no"}
          onClick={() => controller.ask(state.ending === "no" ? "asked" : "no")}
        >
          <Icon name="done" />
        </button>
      )}
      {!inList && state.conversations.length > 0 && (
        <button
          type="button"
          class="tool"
          aria-label={texts.list}
          title={texts.list}
          onClick={controller.showList}
        >
          <Icon name="list" />
        </button>
      )}
      {needsClose && (
        <button
          type="button"
          class="tool"
          aria-label={texts.close}
          title={texts.close}
          onClick={() => controller.setOpen(false)}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

function EndQuestion({ state }: { state: State }) {
  const { controller, texts } = useUi();
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form and cannot be a flex box everywhere
    <div class="notice question" role="group" aria-label={texts.endQuestion}>
      <p>{state.ending === "failed" ? texts.endFailed : texts.endQuestion}</p>
      <button ref={keep} type="button" class="plain" onClick={() => controller.ask("no")}>
        {texts.endNo}
      </button>
      <button
        type="button"
        class="primary"
        disabled={state.ending === "busy"}
        onClick={() => void controller.end()}
      >
        {texts.endYes}
      </button>
    </div>
  );
}

function Ended() {
  const { controller, texts } = useUi();
  return (
    <div class="notice">
      <p>
        <strong>{texts.endedTitle}</strong> {texts.endedHint}
      </p>
      <button type="button" class="plain" onClick={() => controller.showConversation(null)}>
        {texts.newConversation}
      </button>
    </div>
  );
}

/** New messages of the team, for those who listen; everything else stays silent. */
function Announcer() {
  const { controller, texts } = useUi();
  const [said, say] = useState("");
  useEffect(() => {
    controller.announced((name, body) => say(texts.said(name || texts.team, body)));
    return () => controller.announced(() => undefined);
  }, [controller, texts]);
  return (
    <div class="sr" aria-live="polite" aria-atomic="true">
      {said}
    </div>
  );
}

export function Panel({ state, phone, dark, needsClose, takeFocus }: PanelProps) {
  const { controller, texts, lang, rtl } = useUi();
  const panel = useRef<HTMLDivElement>(null);
  const current = currentOf(state);
  const locked = state.answer.identity_required && !state.signedIn;

  const focusIn = () => {
    const area = panel.current?.querySelector("textarea");
    // On a phone the keyboard would cover half of what there is to read first.
    if (area && !phone) area.focus({ preventScroll: true });
    else panel.current?.focus({ preventScroll: true });
  };

  // Once, when it opens; at once, so that the focus is never nowhere.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const box = panel.current;
    const root = box?.getRootNode() as ShadowRoot | undefined;
    if (takeFocus) focusIn();
    return () => {
      // Only if the focus would be lost with the panel; what the page has taken it keeps.
      if (root && document.activeElement !== root.host && document.activeElement !== document.body) return;
      const launcher = root?.querySelector<HTMLElement>(".launcher");
      const elsewhere = before && before !== document.body && before !== root?.host && before.isConnected;
      if (elsewhere) before.focus({ preventScroll: true });
      else launcher?.focus({ preventScroll: true });
    };
  }, []);

  const screen = useRef(state.screen);
  useEffect(() => {
    if (screen.current === state.screen) return;
    screen.current = state.screen;
    if (state.screen === "list") panel.current?.querySelector<HTMLElement>(".list button")?.focus();
    else focusIn();
  });

  const ending = useRef(state.ending);
  useEffect(() => {
    if (ending.current !== "no" && state.ending === "no") focusIn();
    ending.current = state.ending;
  });

  // The part of a phone's screen that the keyboard leaves free.
  useLayoutEffect(() => {
    const box = panel.current;
    const view = window.visualViewport;
    if (!phone || !box || !view) return;
    const cover = () => {
      // Somebody looks closer with two fingers; that is not the keyboard.
      if (view.scale > 1.01) return;
      box.style.top = `${view.offsetTop}px`;
      box.style.height = `${view.height}px`;
    };
    cover();
    view.addEventListener("resize", cover);
    view.addEventListener("scroll", cover);
    return () => {
      view.removeEventListener("resize", cover);
      view.removeEventListener("scroll", cover);
      box.style.top = box.style.height = "";
    };
  }, [phone]);

  const onKeyDown = (event: KeyboardEvent) => {
    // The page's own shortcuts must not fire while somebody writes here.
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (state.ending !== "no") controller.ask("no");
    else controller.setOpen(false);
  };
  const keep = (event: Event) => event.stopPropagation();

  return (
    <div
      ref={panel}
      class={`panel ${state.answer.widget.position}${dark ? " dark" : ""}${phone ? " phone" : ""}`}
      role="dialog"
      aria-label={state.answer.widget.title}
      aria-modal={phone}
      tabIndex={-1}
      dir={rtl ? "rtl" : "ltr"}
      lang={lang}
      onKeyDown={onKeyDown}
      onKeyUp={keep}
      onKeyPress={keep}
    >
      <Header state={state} needsClose={needsClose} />
      {state.screen === "list" ? (
        <List state={state} />
      ) : (
        <>
          {/* Always there, so that a screen reader notices when it gets its text. */}
          <div class="line" role="status">
            {state.lineLost && (
              <p>
                <Icon name="line" />
                {texts.lineLost}
              </p>
            )}
          </div>
          <Thread state={state} />
          {state.ending !== "no" ? <EndQuestion state={state} /> : current?.status === "ended" && <Ended />}
          {locked ? <p class="notice">{texts.identityRequired}</p> : <Composer state={state} />}
        </>
      )}
      <Announcer />
    </div>
  );
}
