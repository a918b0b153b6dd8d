import { Fragment, h } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State } from "../model/state";
import { currentOf, isAway, isOver } from "../model/view";
import { Avatars } from "./Avatar";
import { Composer } from "./Composer";
import type { Ui } from "./context";
import { Icon, Tool } from "./Icon";
import { account, ask, away, Later, list } from "./Later";
import { Thread } from "./Thread";

export interface PanelProps {
  ui: Ui;
  state: State;
  phone: boolean;
  dark: boolean;
  /** The launcher is not there to close it. */
  needsClose: boolean;
  /** Opened by somebody, not by a reload: the focus moves in. */
  takeFocus: boolean;
}

function Header({
  ui,
  state,
  needsClose,
  form,
}: Omit<PanelProps, "phone" | "dark" | "takeFocus"> & { form: boolean }) {
  const { controller, texts } = ui;
  const { widget, operators, channels } = state.answer;
  const current = currentOf(state);
  const people = current?.operator ? [current.operator] : operators;
  const online = state.availability === "online";
  const { screen } = state;
  const inThread = screen === "thread";
  const next =
    inThread && state.conversations.length > 0
      ? "list"
      : screen !== "account" && state.settled && (state.signedIn || state.answer.sign_in) && "account";
  const toggle = (wish: State["ending"]) => () => controller.ask(state.ending === wish ? "no" : wish);
  return (
    <div class="head">
      {inThread ? (
        people.length > 0 && <Avatars ui={ui} people={people} />
      ) : (
        <Tool
          icon="back"
          label={texts.back}
          onClick={() => controller.showConversation(state.conversationId)}
        />
      )}
      <div class="titles">
        <h2 title={widget.title}>
          {inThread ? widget.title : screen === "list" ? texts.conversations : texts.account}
        </h2>
        {inThread && (
          <p>
            <span class={`dot ${state.availability}`} />
            <span>
              {online ? widget.subtitle || texts.online : texts[state.availability]}
              {/* Beside the form, and where only the form goes on, it would be wrong: its answer comes by mail. */}
              {!form && state.availability === "offline" && texts.waits}
            </span>
          </p>
        )}
      </div>
      {inThread && current && !isOver(current) && (
        <>
          {channels?.[0] && current.channel?.type === "website" && (
            <Tool
              icon="move"
              label={texts.moveTo(channels.map((one) => one.name).join(" / "))}
              expanded={state.ending === "move"}
              onClick={toggle("move")}
            />
          )}
          <Tool icon="done" label={texts.end} expanded={state.ending === "asked"} onClick={toggle("asked")} />
        </>
      )}
      {next && <Tool icon={next} label={texts[next]} onClick={() => controller.show(next)} />}
      {needsClose && <Tool icon="close" label={texts.close} onClick={() => controller.setOpen(false)} />}
    </div>
  );
}

function Over({ ui, title, hint }: { ui: Ui; title: string; hint: string }) {
  const { controller, texts } = ui;
  return (
    <div class="notice">
      <p>
        <strong dir="auto">{title}</strong> {hint}
      </p>
      <button type="button" class="plain" onClick={() => controller.showConversation(null)}>
        {texts.newConversation}
      </button>
    </div>
  );
}

/** New messages of the team, for those who listen; everything else stays silent. */
function Announcer({ ui }: { ui: Ui }) {
  const { controller, texts } = ui;
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

export function Panel({ ui, state, phone, dark, needsClose, takeFocus }: PanelProps) {
  const { controller, texts, lang, rtl } = ui;
  const panel = useRef<HTMLDivElement>(null);
  const current = currentOf(state);
  const locked = state.answer.identity_required && !state.signedIn;
  const moved = current?.moved;
  // Where the form is, it stays until it has nothing more to say.
  const kept = useRef(false);
  const absent = isAway(state);
  const form = kept.current || (absent && !current);

  const focusIn = () => {
    const area = panel.current?.querySelector("textarea");
    // On a phone the keyboard would cover half of what there is to read first.
    (phone ? panel.current : (area ?? panel.current))?.focus({ preventScroll: true });
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
      const elsewhere = before && before !== document.body && before !== root?.host && before.isConnected;
      const next = elsewhere ? before : root?.querySelector<HTMLElement>(".launcher");
      next?.focus({ preventScroll: true });
    };
  }, []);

  // Another screen, or the question above the composer is gone.
  const before = useRef(state);
  useEffect(() => {
    const { screen, ending } = before.current;
    before.current = state;
    // The list and the account take the focus themselves, once they are there.
    if ((screen !== state.screen && state.screen === "thread") || (ending !== "no" && state.ending === "no"))
      focusIn();
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

  /** Files that are dropped or pasted; what is over them belongs to the page, and the page must not open them. */
  const take = (event: { type: string; preventDefault(): void } & Partial<DragEvent & ClipboardEvent>) => {
    const { type, clipboardData } = event;
    const data = event.dataTransfer ?? clipboardData;
    if (!data?.types.includes("Files") || clipboardData?.getData("text")) return;
    event.preventDefault();
    const list = [...data.files];
    if (!locked && !moved && !form && state.screen === "thread" && state.answer.max_upload)
      ui.withFiles((files) => files.take(type, list));
  };

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
      onPaste={take}
      onDragOver={take}
      onDrop={take}
    >
      <Header ui={ui} state={state} needsClose={needsClose} form={form || absent} />
      {state.screen === "list" ? (
        <Later from={list} ui={ui} state={state} />
      ) : state.screen === "account" ? (
        // Another key, or it would go on as the list.
        <Later key="account" from={account} ui={ui} state={state} />
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
          {form ? (
            <Later
              from={away}
              ui={ui}
              state={state}
              keep={(on) => {
                if (kept.current === on) return;
                kept.current = on;
                controller.refresh();
              }}
            />
          ) : (
            <Thread ui={ui} state={state} />
          )}
          {state.welcome && <Later from={account} ui={ui} state={state} />}
          {state.ending !== "no" ? (
            <Later from={ask} ui={ui} state={state} />
          ) : moved ? (
            <Over ui={ui} title={texts.movedTo(current.channel?.name ?? "")} hint="" />
          ) : (
            current?.status === "ended" && (
              <Over ui={ui} title={texts.endedTitle} hint={absent ? "" : texts.endedHint} />
            )
          )}
          {locked ? (
            <p class="notice">{texts.identityRequired}</p>
          ) : (
            !moved && !form && !absent && <Composer ui={ui} state={state} />
          )}
        </>
      )}
      <Announcer ui={ui} />
    </div>
  );
}
