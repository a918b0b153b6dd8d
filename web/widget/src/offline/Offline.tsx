import type { State } from "../model/state";
import type { Ui } from "../ui/context";
import type { Kit } from "../ui/Later";
import { type BoxPorts, type OfflineBox, openBox, type Words } from "./box";
import css from "./offline.css?inline";
import { backText, offlineTexts } from "./texts";

// The form for when nobody is there, and what becomes of what is left in it. Loaded when it is shown, or when a message from
// an earlier page still has to be sent.

export interface OfflineProps {
  ui: Pick<Ui, "texts" | "lang" | "locale" | "dress"> & {
    controller: Pick<Ui["controller"], "draft" | "setDraft" | "showConversation" | "offline">;
  };
  state: Pick<State, "answer" | "contact">;
  /** The form stays although somebody is there again: something is in it, or it has something to say. */
  keep(on: boolean): void;
}

/** The server looks closer; this keeps slips from being sent. */
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const LONGEST = 5000;
const LONGEST_NAME = 120;

/** Where name and address are kept while they are written; the message is the draft of a new conversation. */
const DRAFT = "offline";

export const open = (ports: BoxPorts): OfflineBox => openBox(ports);

type Trouble = "" | "wrong" | "empty" | "long" | "failed";

function drafted(text: string): Partial<Words> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
const word = (value: unknown) => (typeof value === "string" ? value : "");

export function make({ h, useEffect, useRef, useState }: Kit) {
  interface FormProps extends OfflineProps {
    box: OfflineBox;
  }

  function Form({ ui, state, keep, box }: FormProps) {
    const texts = offlineTexts(ui.lang);
    const { controller } = ui;
    const [words, put] = useState<Words>(() => {
      const known = box.known();
      const written = drafted(controller.draft(DRAFT));
      const refused = box.takeBack();
      return {
        name: refused?.name ?? word(written.name ?? known["name"]),
        email: refused?.email ?? word(written.email ?? known["email"]),
        message: refused?.message ?? controller.draft(),
      };
    });
    const [trouble, tell] = useState<Trouble>(() => {
      const { is, code } = box.state();
      // Of the three only the address can look right here and wrong there.
      return is !== "refused" ? "" : /^(field|email)\./.test(`${code}`) ? "wrong" : "failed";
    });
    const form = useRef<HTMLFormElement>(null);

    useEffect(() => {
      const root = form.current?.getRootNode() as ShadowRoot | undefined;
      // The focus was moved into the panel; on a phone it stays there, for the keyboard would cover the form.
      const panel = root?.activeElement;
      if (trouble || (panel?.matches(".panel:not(.phone)") ?? false))
        form.current
          ?.querySelector<HTMLElement>("[aria-invalid=true], input:placeholder-shown, textarea")
          ?.focus();
      write(words);
    }, []);

    const write = (next: Words) => {
      put(next);
      controller.setDraft(next.message);
      controller.setDraft(JSON.stringify({ name: next.name, email: next.email }), DRAFT);
      keep(next.message.trim() !== "");
    };

    const submit = (event: Event) => {
      event.preventDefault();
      const text = words.message.trim();
      const wrong: Trouble = !ADDRESS.test(words.email.trim())
        ? "wrong"
        : !text
          ? "empty"
          : [...text].length > LONGEST
            ? "long"
            : "";
      tell(wrong);
      if (wrong) {
        form.current?.querySelector<HTMLElement>(wrong === "wrong" ? "[type=email]" : "textarea")?.focus();
        return;
      }
      controller.setDraft("");
      controller.setDraft("", DRAFT);
      box.leave(words);
    };

    const number = (value: number) => value.toLocaleString(ui.locale);
    const told =
      trouble === "long"
        ? texts.long(number(LONGEST), number([...words.message.trim()].length))
        : trouble === "failed"
          ? ui.texts.endFailed
          : trouble && texts[trouble];
    const atEmail = trouble === "wrong";
    const atMessage = trouble === "empty" || trouble === "long";
    /** Always there, so that a screen reader hears the words come. */
    const below = (id: string, on: boolean) => (
      <p id={`offline-${id}`} class="wrong" role="alert">
        {on && told}
      </p>
    );
    const back = backText(state.answer.opens_at, new Date(), ui.lang, ui.locale);

    return (
      <form ref={form} class="offline" aria-labelledby="offline-title" noValidate onSubmit={submit}>
        <h3 id="offline-title">{texts.title}</h3>
        <p>{back ? `${back} ${texts.answer}` : texts.answer}</p>
        <label>
          {texts.name}
          <input
            type="text"
            autocomplete="name"
            dir="auto"
            placeholder=" "
            maxLength={LONGEST_NAME}
            value={words.name}
            onInput={({ currentTarget }) => write({ ...words, name: currentTarget.value })}
          />
        </label>
        <label>
          {texts.email}
          <input
            type="email"
            autocomplete="email"
            dir="ltr"
            placeholder=" "
            required
            maxLength={254}
            value={words.email}
            aria-invalid={atEmail}
            aria-describedby={atEmail ? "offline-email" : undefined}
            onInput={({ currentTarget }) => write({ ...words, email: currentTarget.value })}
          />
        </label>
        {below("email", atEmail)}
        <label class="grows">
          {texts.message}
          <textarea
            dir="auto"
            rows={5}
            required
            value={words.message}
            aria-invalid={atMessage}
            aria-describedby={atMessage ? "offline-message" : undefined}
            onInput={({ currentTarget }) => write({ ...words, message: currentTarget.value })}
          />
        </label>
        {below("message", atMessage)}
        {below("all", trouble === "failed")}
        <button type="submit" class="primary">
          {texts.send}
        </button>
      </form>
    );
  }

  const Sign = ({ done }: { done: boolean }) => (
    <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
      <path
        d={
          done
            ? "m7.5 12.5 3 3 6-6.5M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0"
            : "M12 7.5V12l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0"
        }
      />
    </svg>
  );

  return function Offline(props: OfflineProps) {
    const { ui, keep } = props;
    const texts = offlineTexts(ui.lang);
    const [box, found] = useState<OfflineBox | null>(null);
    const [, redraw] = useState(0);
    const place = useRef<HTMLDivElement>(null);
    const left = box?.state();
    const is = left?.is ?? "writing";
    const writing = is === "writing" || is === "refused";

    useEffect(() => {
      ui.dress(css);
      let gone = false;
      let unwatch = () => {};
      let mine: OfflineBox | undefined;
      ui.controller.offline().then(
        (one) => {
          if (gone) return;
          mine = one;
          // Of an earlier message nobody wants to hear now.
          if (one.state().is === "sent") one.done();
          unwatch = one.watch(() => redraw((count) => count + 1));
          found(one);
        },
        () => undefined,
      );
      return () => {
        gone = true;
        unwatch();
        if (mine?.state().is === "sent") mine.done();
        keep(false);
      };
    }, []);

    useEffect(() => {
      if (box && !writing) {
        keep(true);
        // What had the focus is gone.
        place.current?.focus({ preventScroll: true });
      }
    }, [box, writing, is === "sent"]);

    return (
      <div ref={place} class="away" tabIndex={-1}>
        {box && writing && <Form {...props} box={box} />}
        {/* Always there, so that a screen reader hears the words come. */}
        <div role="status" class="told">
          {box && !writing && <Sign done={is === "sent"} />}
          {is === "sending" && <p>{texts.sending}</p>}
          {is === "waiting" && <p>{texts.waiting}</p>}
          {is === "sent" && <strong>{texts.thanks}</strong>}
          {is === "sent" && <p>{texts.stored(left?.email ?? "")}</p>}
        </div>
        {is === "sent" && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              const { conversationId } = left ?? {};
              keep(false);
              ui.controller.showConversation(conversationId ?? null);
            }}
          >
            {texts.show}
          </button>
        )}
      </div>
    );
  };
}
