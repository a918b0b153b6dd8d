import type { State } from "../model/state";
import { askTexts } from "../texts/ask";
import css from "./ask.css?inline";
import type { Ui } from "./context";
import type { Kit } from "./Later";

// What is asked above the composer: whether to end the conversation, or the step to another channel: where to, under which
// address, and a clear word of consent.

export interface AskProps {
  ui: Pick<Ui, "lang" | "texts" | "dress"> & { controller: Pick<Ui["controller"], "ask" | "say"> };
  state: Pick<State, "answer" | "contact" | "conversationId" | "ending">;
}

/** The server looks closer; this keeps slips from being sent. */
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export function make({ h, useEffect, useRef, useState }: Kit) {
  function EndQuestion({ ui, state }: AskProps) {
    const { controller } = ui;
    const texts = askTexts(ui.lang);
    const keep = useRef<HTMLButtonElement>(null);
    useEffect(() => keep.current?.focus(), []);
    const end = async () => {
      if (state.conversationId === null) return;
      controller.ask("busy");
      const { kind } = await controller.say(state.conversationId, "end", {});
      controller.ask(kind === "success" ? "no" : "failed");
    };
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form and cannot be a flex box everywhere
      <div class="notice question" role="group" aria-label={texts.end}>
        <p>{state.ending === "failed" ? ui.texts.endFailed : texts.end}</p>
        <button ref={keep} type="button" class="plain" onClick={() => controller.ask("no")}>
          {texts.endNo}
        </button>
        <button type="button" class="primary" disabled={state.ending === "busy"} onClick={() => void end()}>
          {texts.endYes}
        </button>
      </div>
    );
  }

  function MoveCard({ ui, state }: AskProps) {
    const texts = askTexts(ui.lang);
    const channels = state.answer.channels ?? [];
    const [chosen, choose] = useState(channels[0]?.id);
    const [email, write] = useState(state.contact?.email ?? "");
    const [trouble, tell] = useState("");
    const [busy, wait] = useState(false);
    const form = useRef<HTMLFormElement>(null);
    const field = useRef<HTMLInputElement>(null);
    const channel = channels.find((one) => one.id === chosen) ?? channels[0];

    useEffect(() => {
      (form.current?.querySelector("input") ?? field.current)?.focus();
    }, []);

    if (!channel) return null;
    const several = channels.length > 1;
    const title = several ? texts.where : texts.title(channel.name);

    const submit = async (event: Event) => {
      event.preventDefault();
      if (busy || state.conversationId === null) return;
      if (!ADDRESS.test(email.trim())) {
        tell(texts.wrong);
        field.current?.focus();
        return;
      }
      tell("");
      wait(true);
      const body = { channel_id: channel.id, email: email.trim() };
      const result = await ui.controller.say(state.conversationId, "channel", body);
      if (result.kind === "success") {
        ui.controller.ask("no");
        return;
      }
      wait(false);
      const { code } = result;
      tell(
        /^channel\.|not_found/.test(code)
          ? texts.gone
          : /invalid/.test(code)
            ? texts.wrong
            : ui.texts.endFailed,
      );
    };

    return (
      <form ref={form} class="notice moving" aria-labelledby="move-title" noValidate onSubmit={submit}>
        <p id="move-title">
          <strong dir="auto">{title}</strong>
        </p>
        {several && (
          <div class="ways" role="radiogroup" aria-labelledby="move-title">
            {channels.map((one) => (
              <label key={one.id}>
                <input
                  type="radio"
                  name="move-channel"
                  checked={one.id === channel.id}
                  onChange={() => choose(one.id)}
                />
                <span dir="auto">{one.name}</span>
              </label>
            ))}
          </div>
        )}
        <p>{texts.explain(channel.name)}</p>
        <label class="asks">
          {texts.email}
          <input
            ref={field}
            type="email"
            autocomplete="email"
            dir="ltr"
            required
            maxLength={254}
            value={email}
            aria-invalid={trouble === texts.wrong}
            aria-describedby="move-trouble"
            onInput={({ currentTarget }) => write(currentTarget.value)}
          />
        </label>
        <p id="move-trouble" class="wrong" role="alert">
          {trouble}
        </p>
        <button type="button" class="plain" onClick={() => ui.controller.ask("no")}>
          {texts.cancel}
        </button>
        <button type="submit" class="primary" disabled={busy}>
          {texts.go}
        </button>
      </form>
    );
  }

  return function AskCard(props: AskProps) {
    useEffect(() => props.ui.dress(css), []);
    return props.state.ending === "move" ? <MoveCard {...props} /> : <EndQuestion {...props} />;
  };
}
