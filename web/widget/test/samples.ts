import type { Contact, Conversation, Message, WidgetAnswer } from "../src/wire";

export const answer: WidgetAnswer = {
  widget: {
    id: 1,
    key: "w_test",
    name: "Test",
    lang: "en",
    color: "#4f46e5",
    position: "right",
    title: "Test",
    subtitle: "",
    greeting: "",
    theme: "auto",
  },
  availability: "online",
  operators: [],
  identity_required: false,
  rating_form: "stars",
  ask_feedback: true,
  survey: null,
};

export const contact: Contact = { id: 1, uuid: "u", name: "", email: "", phone: "", custom: {} };

const time = (minute: number) =>
  `2026-11-22T${String(10 + Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00.000000Z`;

export const message = (number: number, more: Partial<Message> = {}): Message => ({
  id: 1000 + number,
  conversation_id: 42,
  number,
  type: "message",
  sender: { type: "operator", name: "Ann", image_url: "" },
  body: `text ${number}`,
  event: null,
  client_id: null,
  sent_at: time(number),
  state: "sent",
  ...more,
});

export const own = (number: number, clientId = `c${number}`, more: Partial<Message> = {}): Message =>
  message(number, { sender: { type: "contact", name: "", image_url: "" }, client_id: clientId, ...more });

export const conversation = (more: Partial<Conversation> = {}): Conversation => ({
  id: 42,
  status: "open",
  created_at: time(0),
  ended_at: null,
  updated_at: time(1),
  operator: null,
  last_message: null,
  message_count: 0,
  unread: 0,
  contact_read: 0,
  operator_read: 0,
  contact_delivered: 0,
  rating: null,
  feedback: false,
  survey: false,
  asks: true,
  ...more,
});

export const moment = time;

/** The same numbers in every run, so that a failure can be looked at again. */
export function dice(seed: number): (sides: number) => number {
  let value = seed * 2_654_435_761 + 1;
  return (sides) => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((value / 2 ** 32) * sides);
  };
}

export function shuffle<T>(list: readonly T[], roll: (sides: number) => number): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = roll(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
