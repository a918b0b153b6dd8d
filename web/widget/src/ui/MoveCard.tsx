import type { State } from "../model/state";
import { moveTexts } from "../texts/move";
import type { Ui } from "./context";
import type { Kit } from "./Later";
import css from "./move.css?inline";

// The step from the website to another channel: where to, under which address, and a clear word of consent.

export interface MoveProps {
  ui: Pick<Ui, "lang" | "texts" | "dress"> & { controller: Pick<Ui["controller"], "ask" | "say"> };
  state: Pick<State, "answer" | "contact" | "conversationId">;
}

/** Roots that have the styles already. */
const dressed = new WeakSet<object>();

/** The server looks closer; this keeps slips from being sent. */
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export function make({ h, useEffect, useRef, useState }: Kit) {
  return function MoveCard({ ui, state }: MoveProps) {
    const texts = moveTexts(ui.lang);
    const channels = state.answer.channels ?? [];
    const [chosen, choose] = useState(channels[0]?.id);
    const [email, write] = useState(state.contact?.email ?? "");
    const [trouble, tell] = useState("");
    const [busy, wait] = useState(false);
    const form = useRef<HTMLFormElement>(null);
    const field = useRef<HTMLInputElement>(null);
    const channel = channels.find((one) => one.id === chosen) ?? channels[0];

    useEffect(() => {
      const root = form.current?.getRootNode();
      if (root && !dressed.has(root)) {
        dressed.add(root);
        ui.dress(css);
      }
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
  };
}
