import type { Controller, Said } from "../controller";
import { afterTexts } from "../texts/after";
import type { Conversation, WidgetAnswer } from "../wire";
import css from "./after.css?inline";
import type { Ui } from "./context";
import type { Kit } from "./Later";

// The card at the end of a thread: rating, feedback, survey. Each is sent at once and says thanks; what was said is part of
// the conversation, so that a reload shows it too. The file is loaded when a conversation has ended.

export interface CardProps {
  ui: Pick<Ui, "texts" | "lang" | "dress"> & { controller: Pick<Controller, "say"> };
  asks: Pick<WidgetAnswer, "rating_form" | "ask_feedback" | "survey">;
  conversation: Conversation;
  /** The thread has got longer; true means that its end is what is being looked at. */
  grown(): boolean;
}

const STAR =
  "m12 3.6 2.6 5.300 5.800.8-4.200 4.100 1 5.800-5.200-2.700-5.200 2.700 1-5.800-4.200-4.100 5.800-.8Z";
const THUMB =
  "M7 10.500v9H4v-9h3Zm0 1 4-7.500c1.400 0 2.300 1 2.100 2.400l-.4 2.900h5.100c1.300 0 2.300 1.200 2 2.500l-1.300 6c-.2 1-1 1.700-2 1.700H7";

/** Keys move through the stars one by one; what they stop at is meant. */
const PAUSE = 700;
const LONGEST = 5000;

/** Feedback that is being written, by conversation: closing the messenger loses none of it. */
const drafts = new Map<number, string>();

/** Roots that have the styles already. */
const dressed = new WeakSet<object>();

export function make({ h, useEffect, useRef, useState }: Kit) {
  /** Sends, and knows how it went. */
  function useSending(send: (body: Record<string, unknown>) => Promise<boolean>) {
    const [state, set] = useState<"idle" | "busy" | "failed">("idle");
    const last = useRef<Record<string, unknown>>({});
    const run = async (body = last.current) => {
      last.current = body;
      set("busy");
      const good = await send(body);
      if (last.current === body) set(good ? "idle" : "failed");
      return good;
    };
    return { busy: state === "busy", failed: state === "failed", run };
  }

  const said = async ({ ui, conversation }: CardProps, what: Said, body: Record<string, unknown>) =>
    (await ui.controller.say(conversation.id, what, body)).kind === "success";

  const icon = (path: string, turned = false) =>
    h(
      "svg",
      { viewBox: "0 0 24 24", "aria-hidden": "true", class: turned ? "turned" : "" },
      h("path", { d: path }),
    );

  /** Always there, so that a screen reader hears the words come; it takes the focus of what went away. */
  function Thanks({ text, focus }: { text: string; focus?: boolean }) {
    const line = useRef<HTMLParagraphElement>(null);
    useEffect(() => {
      if (text && focus) line.current?.focus({ preventScroll: true });
    }, [text]);
    return h("p", { ref: line, role: "status", class: "thanks", tabIndex: -1 }, text);
  }

  function Failed({ shown, card, again }: { shown: boolean; card: CardProps; again?: () => void }) {
    return h(
      "div",
      { role: "alert" },
      shown && h("p", { class: "trouble" }, card.ui.texts.endFailed),
      shown &&
        again &&
        h("button", { type: "button", class: "plain", onClick: again }, afterTexts(card.ui.lang).again),
    );
  }

  function Rating({ card }: { card: CardProps }) {
    const texts = afterTexts(card.ui.lang);
    const thumbs = card.asks.rating_form === "thumbs";
    const stored = card.conversation.rating;
    const [picked, pick] = useState<number | null>(null);
    const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
    const { busy, failed, run } = useSending((body) => said(card, "rating", body));
    const send = async (value: number) => {
      clearTimeout(timer.current);
      timer.current = undefined;
      if (await run({ value })) pick((now) => (now === value ? null : now));
    };
    const choose = (value: number) => {
      pick(value);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void send(value), PAUSE);
    };
    const owed = useRef<() => void>(() => undefined);
    owed.current = () => {
      if (timer.current !== undefined && picked !== null) void send(picked);
    };
    // Closed before the pause was over: it counts all the same.
    useEffect(() => () => owed.current(), []);
    const shown = picked ?? stored ?? 0;
    const options = thumbs ? [5, 1] : [1, 2, 3, 4, 5];
    return h(
      "div",
      { class: "part" },
      h("p", { id: "after-rate", class: "asked" }, texts.rate),
      h(
        "div",
        { role: "radiogroup", "aria-labelledby": "after-rate", class: thumbs ? "thumbs" : "stars" },
        options.map((value) =>
          h(
            "label",
            { key: value, class: (thumbs ? value === shown : value <= shown) ? "on" : "" },
            h("input", {
              type: "radio",
              class: "sr",
              name: "after-rating",
              value,
              checked: value === shown,
              onChange: () => choose(value),
            }),
            icon(thumbs ? THUMB : STAR, value === 1 && thumbs),
            h("span", { class: "sr" }, thumbs ? (value === 5 ? texts.good : texts.bad) : texts.star(value)),
          ),
        ),
      ),
      h(Thanks, { text: stored !== null && picked === null && !busy ? texts.thanks : "" }),
      h(Failed, { shown: failed, card, again: () => void run() }),
    );
  }

  function Feedback({ card }: { card: CardProps }) {
    const texts = afterTexts(card.ui.lang);
    const { id } = card.conversation;
    const [text, put] = useState(drafts.get(id) ?? "");
    const write = (next: string) => {
      drafts.set(id, next);
      put(next);
    };
    const [own, setOwn] = useState(false);
    const { busy, failed, run } = useSending((body) => said(card, "feedback", body));
    const { feedback } = card.conversation;
    const send = async (event: Event) => {
      event.preventDefault();
      if (!text.trim() || busy) return;
      setOwn(true);
      if (await run({ text })) drafts.delete(id);
    };
    return h(
      "form",
      { class: "part", onSubmit: send },
      !feedback && h("label", { for: "after-feedback", class: "asked" }, texts.feedback),
      !feedback &&
        h("textarea", {
          id: "after-feedback",
          dir: "auto",
          rows: 3,
          maxLength: LONGEST,
          value: text,
          onInput: (event: Event) => write((event.target as HTMLTextAreaElement).value),
        }),
      !feedback &&
        h("button", { type: "submit", class: "primary", disabled: !text.trim() || busy }, texts.send),
      h(Thanks, { text: feedback ? texts.thanksFeedback : "", focus: own }),
      h(Failed, { shown: failed && !feedback, card }),
    );
  }

  function Survey({ card, question, options }: { card: CardProps; question: string; options: string[] }) {
    const texts = afterTexts(card.ui.lang);
    const [own, setOwn] = useState(false);
    const { busy, failed, run } = useSending((body) => said(card, "survey", body));
    const { survey } = card.conversation;
    return h(
      "div",
      { class: "part" },
      h("p", { id: "after-survey", class: "asked", dir: "auto" }, question),
      !survey &&
        h(
          "div",
          { role: "group", "aria-labelledby": "after-survey", class: "options" },
          options.map((option) =>
            h(
              "button",
              {
                key: option,
                type: "button",
                class: "plain",
                dir: "auto",
                disabled: busy,
                onClick: () => {
                  setOwn(true);
                  void run({ option });
                },
              },
              option,
            ),
          ),
        ),
      h(Thanks, { text: survey ? texts.thanks : "", focus: own }),
      h(Failed, { shown: failed && !survey, card, again: () => void run() }),
    );
  }

  return function Card(card: CardProps) {
    const { asks, conversation, ui } = card;
    const box = useRef<HTMLDivElement>(null);
    useEffect(() => {
      const { current } = box;
      const log = current?.parentElement;
      if (!current || !log) return;
      const root = current.getRootNode();
      if (!dressed.has(root)) {
        dressed.add(root);
        ui.dress(css);
      }
      // Its beginning, where it is longer than the thread's window; else all of it.
      if (card.grown())
        log.scrollTop += current.getBoundingClientRect().top - log.getBoundingClientRect().top - 8;
    }, []);
    return h(
      "div",
      { ref: box, class: "after", role: "group", "aria-label": afterTexts(card.ui.lang).card },
      // What belongs to one conversation must not show up in the next.
      asks.rating_form && h(Rating, { key: `r${conversation.id}`, card }),
      asks.ask_feedback && h(Feedback, { key: `f${conversation.id}`, card }),
      asks.survey && h(Survey, { key: `s${conversation.id}`, card, ...asks.survey }),
    );
  };
}
