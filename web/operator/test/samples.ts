import type { Conversation, Event, EventData, Media, Message, OperatorFull } from "../src/api/types.ts";

export function operator(id: number): OperatorFull {
  return {
    id,
    name: `Operator ${id}`,
    first_name: "Operator",
    last_name: String(id),
    alias: "",
    email: `operator${id}@example.com`,
    image_url: "",
    status: "online",
    username: `operator${id}`,
    lang: "en",
    locale: "en_US",
    timezone: "UTC",
    role: "operator",
    active: true,
    slots: 5,
    availability: "online",
    groups: [],
    open_conversations: 0,
    created_at: "2026-01-01T00:00:00.000000Z",
  };
}

export function conversation(fields: Partial<Conversation> & { id: number }): Conversation {
  return {
    uuid: `u-${fields.id}`,
    status: "open",
    channel: { id: null, type: "website", name: "Website" },
    widget: null,
    contact: {
      id: fields.id,
      uuid: "c",
      name: "",
      display_name: `Visitor ${fields.id}`,
      email: "",
      phone: "",
      external_id: "",
      custom: {},
      created_at: "2026-01-01T00:00:00.000000Z",
      updated_at: "2026-01-01T00:00:00.000000Z",
    },
    group: null,
    operator: null,
    topic: "",
    created_at: "2026-01-01T00:00:00.000000Z",
    ended_at: null,
    updated_at: "2026-01-01T00:00:00.000000Z",
    last_message: null,
    message_count: 1,
    operator_read: 0,
    contact_delivered: 0,
    contact_read: 0,
    unread: 0,
    session: null,
    visit: null,
    custom: {},
    ...fields,
  };
}

export function message(fields: Partial<Message> & { number: number }): Message {
  return {
    id: 100 + fields.number,
    conversation_id: 1,
    session_id: 1,
    ref: "",
    type: "message",
    note: false,
    sender: { type: "contact", id: 1, name: "" },
    body: `message ${fields.number}`,
    event: null,
    reference: null,
    client_id: null,
    sent_at: "2026-11-22T10:00:00.000000Z",
    state: "sent",
    ...fields,
  };
}

export function event(type: string, seq: number, data: EventData): Event {
  return { type, seq, timestamp: "2026-11-22T10:00:00.000000Z", data };
}

export function media(fields: Partial<Media> = {}): Media {
  return {
    id: 1,
    kind: "image",
    state: "stored",
    name: "mug.png",
    content_type: "image/png",
    size: 1000,
    width: 800,
    height: 600,
    duration_ms: null,
    peaks: [],
    url: "https://chat.example/media/k/mug.png?e=1&s=a",
    thumb_url: null,
    error: null,
    ...fields,
  };
}
