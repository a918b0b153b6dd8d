// A stand-in for the server, for looking at the Message Center without one: the operators' part of the contract, in
// memory. Options: --port N, --conversations N, --empty, --demo-only.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WebSocketServer } from "ws";
import { channelRoutes } from "./mock-channels.mjs";
import { CHATLIO, dressWidgets, hookRoutes } from "./mock-hooks.mjs";
import { mailRoutes } from "./mock-mail.mjs";
import { mediaRequest, mediaRoutes, takeMedia } from "./mock-media.mjs";
import { addReplies, replyRoutes } from "./mock-replies.mjs";
import { dress, fits, tableRoutes } from "./mock-table.mjs";
import { isOfWork, workCounts, workRoutes } from "./mock-work.mjs";

// The built apps; another build than the usual one can be looked at with PARLEY_DIST.
const dist = process.env.PARLEY_DIST ?? fileURLToPath(new URL("../../dist/", import.meta.url));
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob: https:; media-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const stamp = (ms) => `${new Date(ms).toISOString().slice(0, -1)}000Z`;
const NAMES = [
  ["Ann Berg", "ann.berg@example.org"],
  ["Tomás Vidal", "tomas@example.org"],
  ["", ""],
  ["Mei Tanaka", "mei.tanaka@example.net"],
  ["د. ليلى حداد", "layla@example.com"],
  [
    "Wolfeschlegelsteinhausenbergerdorff-Habsburg von und zu Hohenlohe-Langenburg",
    "a.very.long.address.that.does.not.end@subdomain.example.com",
  ],
  ["Noor", ""],
  ["Jonas Lindqvist", "jonas@example.se"],
  ["דנה כהן", "dana@example.co.il"],
  ["Priya", "priya@example.in"],
];
const LINES = [
  "Hello, does the walnut lamp come with a longer cord?",
  "I ordered two mugs and one arrived broken. What should I do now? I have a photo of the parcel if you need it.",
  "Thanks, that worked!",
  "Is delivery to the islands possible, and what does it cost?",
  "مرحبا، هل يمكنني تغيير عنوان التوصيل؟ الطلب رقم 4512",
  "Do you have it in green? See https://shop.example/lamps/walnut?utm_source=newsletter&utm_campaign=autumn-collection-2026.",
  "My invoice says VAT 19 % but I am a company in Sweden.",
  "ok",
  "האם המשלוח מגיע עד יום חמישי?",
  "Averyveryverylongwordwithoutanyspaceswhichmustnotmakethepagewiderthanthescreenwhateverhappens",
];
const ANSWERS = [
  "Good morning! Yes: 3 m instead of 1.8 m. Shall I add it to your order?",
  "I am sorry about that. A new one leaves today; please keep the broken one for the parcel service.",
  "You are welcome.",
  "It is possible. Delivery takes two days longer and costs 4.90.",
];

const TAGS = ["damaged", "invoice", "returns and refunds", "vip"];

/** A contact has said what it thinks of the conversation, and reached what the website was after. */
function outcome(world, conversation, at, stars) {
  const { session, contact } = conversation;
  session.rating = stars ? { value: 4, form: "stars" } : { value: 1, form: "thumbs" };
  session.feedback = "Quick and friendly. The first parcel was late, though, and nobody had told me.";
  session.survey = { question: "How did you hear about us?", option: "From a friend" };
  session.goal = { id: 1, name: "Order placed" };
  conversation.rating = session.rating.value;
  const said = { type: "contact", id: contact.id, name: contact.name };
  const line = (fields) => addMessage(world, conversation.id, { sender: said, sent_at: at, ...fields });
  line({
    type: "event",
    sender: { type: "system", id: null, name: "" },
    event: { name: "goal", goal: session.goal },
  });
  line({ type: "rating", event: { name: "rating", rating: session.rating } });
  line({ type: "feedback", body: session.feedback, event: { name: "feedback" } });
  line({ type: "survey", event: { name: "survey", survey: session.survey } });
  conversation.unread = 0;
  conversation.operator_read = conversation.message_count;
}

export const COMMANDS = [
  [
    "api",
    "[on|off]",
    "Sends the conversation to the API add-on when its status changes.",
    "text",
    ["send-to-api"],
  ],
  ["end", "", "Ends the conversation.", "none", ["x", "quit", "close"]],
  [
    "forward",
    "NAME [NOTE]",
    "Hands the conversation to an operator (name, user name or e-mail address) or a group, with a note for them.",
    "operator",
  ],
  ["group", "NAME [NOTE]", "Hands the conversation to a group: its best free operator gets it.", "group"],
  ["note", "TEXT", "Leaves an internal note, which the contact never sees.", "text"],
  ["name", "NAME", "Sets the contact's name.", "text"],
  ["email", "ADDRESS", "Sets the contact's e-mail address.", "text"],
  ["additional01", "VALUE", "Sets the contact's free field 01.", "text"],
  ["topic", "TEXT", "Says in a line what the conversation is about.", "topic"],
  ["tag", "TAG [TAG …]", "Adds tags to the conversation.", "tag"],
  ["untag", "TAG [TAG …]", "Takes tags off the conversation.", "tag"],
  ["info", "", "Shows what is known of the contact: data, browser, page, place and visits.", "none"],
  ["history", "[NUMBER]", "Shows the contact's other conversations, the newest 5.", "number"],
  [
    "transcript",
    "[ADDRESS]",
    "Sends the contact by mail what was said in the conversation, or sends it to another address.",
    "email",
    ["e"],
  ],
  ["discard", "", "Ends the conversation; no transcript goes out, and the contact is not asked.", "none"],
  ["replies", "[WORDS]", "Lists the saved replies, or those that hold the words.", "text"],
  ["reply", "SHORTCUT", "Sends the contact a saved reply.", "reply", ["r"]],
  ["question-groups", "[WORDS]", "Lists the question groups, or those that hold the words.", "text"],
  [
    "question-group",
    "SHORTCUT",
    "Asks the contact a saved question, with answers to click.",
    "question",
    ["qg"],
  ],
  [
    "send-to-webhook",
    "[WORD …]",
    "Sends the transcript to the widget's webhook, with the words as extra data.",
    "text",
    ["stw"],
  ],
  ["online", "", "Lets the widget go by its operators again.", "none", ["on", "auto"]],
  ["offline", "", "Lets the widget say that nobody is there.", "none", ["off"]],
  ["manual-mode", "", "Lets the widget say that somebody is there within its hours.", "none"],
  ["status", "", "Shows whether somebody is there for the widget, and who is online.", "none", ["st"]],
  ["operator-name", "[on|off]", "Has the widget's webhooks tell operators' full names.", "text"],
  ["help", "[COMMAND]", "Lists the commands, or explains one.", "text"],
].map(([name, args, help, argument, aliases = []]) => ({
  name,
  aliases,
  args,
  help,
  argument,
  permission: "operator",
}));

export function makeWorld({ conversations = 40, empty = false } = {}) {
  const now = Date.now();
  const groups = [
    { id: 1, name: "Support", operator_ids: [1, 2] },
    { id: 2, name: "Orders and returns", operator_ids: [2, 3] },
  ];
  const operator = (id, first, last, role, more = {}) => ({
    id,
    name: `${first} ${last}`,
    first_name: first,
    last_name: last,
    alias: "",
    email: `${first.toLowerCase()}@example.com`,
    image_url: "",
    status: "offline",
    username: first.toLowerCase(),
    lang: "en",
    locale: "en_US",
    timezone: "UTC",
    role,
    active: true,
    slots: 5,
    availability: "online",
    groups: groups.filter((g) => g.operator_ids.includes(id)).map(({ id, name }) => ({ id, name })),
    open_conversations: 0,
    created_at: stamp(now - 9e9),
    ...more,
  });
  const operators = [
    operator(1, "Ada", "Keller", "admin", { status: "online" }),
    operator(2, "Ben", "Ortiz", "operator", { status: "online", open_conversations: 3 }),
    operator(3, "Chidi", "Okafor", "operator", { status: "away", open_conversations: 1 }),
    operator(4, "Dora", "Holm", "operator", { active: false }),
  ];
  const brief = (o) => {
    const { id, name, first_name, last_name, alias, email, image_url, status } = o;
    return { id, name, first_name, last_name, alias, email, image_url, status };
  };
  const world = {
    seq: 1000,
    events: [],
    operators,
    groups,
    conversations: new Map(),
    messages: new Map(),
    contacts: new Map(),
    brief,
    keys: new Map(),
    listeners: new Set(),
    signedIn: true,
    failNext: 0,
    delay: 0,
    nextMessage: 1,
  };
  const count = empty ? 0 : conversations;
  const statuses = ["new", "open", "open", "pending", "open", "new", "ended", "open"];
  for (let id = 1; id <= count; id += 1) {
    const [name, email] = NAMES[id % NAMES.length];
    const contactId = id > 30 && id <= 34 ? 1 : id;
    const contact = world.contacts.get(contactId) ?? {
      id: contactId,
      uuid: `00000000-0000-4000-8000-${String(contactId).padStart(12, "0")}`,
      name,
      display_name: name || `Visitor ${contactId}`,
      email,
      phone: id % 3 === 0 ? "+46 70 123 45 67" : "",
      external_id: id % 4 === 0 ? `customer-${4000 + id}` : "",
      custom:
        id % 2
          ? { plan: "pro", orders: 12, newsletter: true, cart: { items: ["lamp", "mug"], total: 89.5 } }
          : {},
      additional: [
        { name: id % 3 === 0 ? "Customer since" : "", value: id % 3 === 0 ? "March 2024" : "" },
        { name: "", value: id % 6 === 0 ? "gold" : "" },
        { name: "", value: "" },
      ],
      created_at: stamp(now - 8e8),
      updated_at: stamp(now - 8e8),
    };
    world.contacts.set(contactId, contact);
    const status = statuses[id % statuses.length];
    const owner = status === "new" ? null : operators[id % 3];
    const messages = [];
    const length = id === 1 ? 500 : 3 + (id % 7);
    const end = now - (count - id < 30 ? (id - 1) * 1000 * 60 * 7 : id * 1000 * 40) - 30_000;
    for (let n = 1; n <= length; n += 1) {
      const fromContact = n % 3 !== 0;
      const at = stamp(end - (length - n) * (id === 1 ? 1000 * 60 * 17 : 1000 * 60 * 3));
      const base = {
        id: world.nextMessage++,
        conversation_id: id,
        session_id: id,
        number: n,
        reference: null,
        client_id: null,
        sent_at: at,
      };
      if (n === 2 && owner) {
        messages.push({
          ...base,
          ref: "",
          type: "event",
          note: false,
          sender: { type: "system", id: null, name: "" },
          body: "",
          state: "sent",
          event: {
            name: "assigned",
            by: { type: "operator", id: owner.id, name: owner.name },
            operator: { id: owner.id, name: owner.name },
            group: null,
            reason: null,
          },
        });
      } else if (n === 5) {
        messages.push({
          ...base,
          ref: "",
          type: "message",
          note: true,
          sender: { type: "operator", id: 2, name: "Ben Ortiz" },
          body: "Asked the warehouse; they look for it this afternoon.",
          state: "sent",
          event: null,
        });
      } else {
        messages.push({
          ...base,
          ref: "",
          type: "message",
          note: false,
          event: null,
          state: "sent",
          sender: fromContact
            ? { type: "contact", id: contactId, name: contact.name }
            : { type: "operator", id: (owner ?? operators[0]).id, name: (owner ?? operators[0]).name },
          body: fromContact ? LINES[(id + n - 1) % LINES.length] : ANSWERS[(id + n) % ANSWERS.length],
        });
      }
    }
    if (status === "ended") {
      messages.push({
        id: world.nextMessage++,
        conversation_id: id,
        session_id: id,
        number: length + 1,
        ref: "",
        type: "event",
        note: false,
        sender: { type: "system", id: null, name: "" },
        body: "",
        state: "sent",
        reference: null,
        client_id: null,
        sent_at: stamp(end),
        event: { name: "ended", by: null, operator: null, group: null, reason: "timeout" },
      });
    }
    const last = messages.at(-1);
    const unread = status === "new" ? length : id % 5 === 0 ? 1 : 0;
    world.messages.set(id, messages);
    world.conversations.set(id, {
      id,
      uuid: `10000000-0000-4000-8000-${String(id).padStart(12, "0")}`,
      status,
      channel: { id: null, type: "website", name: "Website" },
      widget: { id: 1, name: "Demo shop" },
      contact,
      group: id % 3 === 0 ? { id: 2, name: "Orders and returns" } : null,
      operator: owner && brief(owner),
      topic: "",
      created_at: messages[0].sent_at,
      ended_at: status === "ended" ? last.sent_at : null,
      updated_at: last.sent_at,
      last_message: {
        number: last.number,
        body: last.body,
        sender_type: last.sender.type,
        sent_at: last.sent_at,
        type: last.type,
        note: last.note,
      },
      message_count: last.number,
      operator_read: last.number - unread,
      contact_delivered: last.number - 1,
      contact_read: Math.max(0, last.number - 3),
      unread,
      session: {
        id,
        number: 1,
        started_at: messages[0].sent_at,
        ended_at: null,
        end_reason: null,
        visit: {
          url: "https://shop.example/lamps/walnut",
          title: "Walnut lamp – Harbour & Pine",
          initial_url: "https://shop.example/",
          referrer: "https://search.example/?q=walnut+lamp",
          user_agent: "",
          browser: "Firefox",
          browser_version: "145.0",
          os: "Linux",
          device: "desktop",
          ip: "203.0.113.9",
          page_impressions: 4,
          visits: 2,
          city: id % 4 === 0 ? "" : "Malmö",
          country: id % 4 === 0 ? "" : "Sweden",
          lat: id % 4 === 0 ? null : 55.605,
          lon: id % 4 === 0 ? null : 13.0038,
          proactive: id % 4 === 1,
          private: id % 4 === 0,
        },
        rating: null,
        feedback: null,
        survey: null,
        goal: null,
      },
      visit: null,
      custom: id % 2 ? { order: 4512 } : {},
      tags: TAGS.filter((_, index) => (id + index) % 4 === 3),
      flagged: id % 7 === 2,
      rating: null,
    });
    const made = world.conversations.get(id);
    made.visit = made.session.visit;
    if (id % 4 === 0) made.visit.ip = "";
    if (id % 10 === 6) outcome(world, made, stamp(end), id % 20 === 6);
  }
  for (const o of operators) {
    o.open_conversations = [...world.conversations.values()].filter(
      (c) => c.status !== "ended" && c.operator?.id === o.id,
    ).length;
  }
  const widget = (id, name, more = {}) => ({
    id,
    key: `w_${id}7fq2m9`,
    name,
    lang: "en",
    group_id: null,
    domains: ["shop.example", "www.shop.example"],
    color: "#4f46e5",
    position: "right",
    title: "Questions?",
    subtitle: "We answer within minutes.",
    greeting: "Hello! What can we do for you?",
    theme: "auto",
    session_timeout_seconds: 1800,
    identity_required: false,
    has_identity_secret: id === 2,
    active: true,
    created_at: stamp(now - 9e9),
    updated_at: stamp(now - 1e9),
    snippet: `<script src="https://chat.example/widget/loader.js" data-widget="w_${id}7fq2m9" async></script>`,
    ...more,
  });
  world.widgets = [
    widget(1, "Demo shop"),
    widget(2, "Customer area", { color: "#0f766e", domains: [], identity_required: true, group_id: 2 }),
  ];
  const endpoint = (id, name, more = {}) => ({
    id,
    name,
    url: `https://hooks.example/${name.toLowerCase().replaceAll(" ", "-")}`,
    dialect: "standard",
    dialect_version: "1",
    events: [],
    widgets: [],
    groups: [],
    headers: {},
    state: "active",
    state_reason: "",
    has_secret: true,
    in_flight_limit: 16,
    rate_limit: 0,
    timeout_seconds: 15,
    success: "dialect",
    private_ranges: null,
    policy: { name: "keep", email: "keep", ip: "keep", text: "keep" },
    created_at: stamp(now - 9e9),
    updated_at: stamp(now - 9e8),
    stats: {
      pending: 0,
      dead: 0,
      lag_seconds: 0,
      last_status: 200,
      last_attempt_at: stamp(now - 40_000),
      breaker: "closed",
      failing_since: null,
    },
    ...more,
  });
  world.endpoints = empty
    ? []
    : [
        endpoint(1, "Order system", {
          dialect: "userlike",
          dialect_version: "1",
          events: ["chat_session.start", "chat_session.end"],
          widgets: [2],
          groups: [1, 9],
          headers: { "X-Api-Key": "***" },
          rate_limit: 20,
          private_ranges: ["10.20.0.0/16"],
          policy: { name: "keep", email: "hash", ip: "remove", text: "keep" },
        }),
        endpoint(2, "Warehouse", {
          stats: {
            pending: 14,
            dead: 2,
            lag_seconds: 312,
            last_status: 503,
            last_attempt_at: stamp(now - 9000),
            breaker: "open",
            failing_since: stamp(now - 27 * 3_600_000),
          },
        }),
        endpoint(3, "Old reporting", {
          state: "gone",
          state_reason: "the receiver answered 410 and wants no more calls",
        }),
        endpoint(4, "Analytics", {
          state: "paused",
          state_reason: "paused by Ada Keller",
          stats: {
            pending: 2314,
            dead: 0,
            lag_seconds: 4000,
            last_status: 200,
            last_attempt_at: stamp(now - 4_100_000),
            breaker: "closed",
            failing_since: null,
          },
        }),
        endpoint(5, "Data lake", {
          state: "paused",
          state_reason: "nothing has arrived for 5 days: the receiver answered 503",
          stats: {
            pending: 1,
            dead: 0,
            lag_seconds: 500_000,
            last_status: null,
            last_attempt_at: stamp(now - 5_000_000),
            breaker: "open",
            failing_since: stamp(now - 5.3 * 86_400_000),
          },
        }),
      ];
  world.tokens = empty
    ? []
    : [
        {
          id: 1,
          name: "Nightly export",
          scope: "read",
          prefix: "pat_ab12",
          created_at: stamp(now - 8e8),
          last_used_at: stamp(now - 4e7),
          created_by: { id: 1, name: "Ada Keller" },
        },
        {
          id: 2,
          name: "Order system",
          scope: "admin",
          prefix: "pat_9k3f",
          created_at: stamp(now - 5e8),
          last_used_at: null,
          created_by: { id: 1, name: "Ada Keller" },
        },
      ];
  const names = [
    "chat_session.start",
    "chat_session.message_received",
    "chat_session.message_sent",
    "chat_session.end",
    "operator.online",
  ];
  world.tests = 0;
  world.deliveries = empty
    ? []
    : Array.from({ length: 64 }, (_, i) => {
        const id = 64 - i;
        const state = i === 0 || i === 3 ? "pending" : i === 5 ? "dead" : i === 9 ? "dropped" : "delivered";
        return {
          id,
          webhook_id: `msg_${2000 + id}`,
          endpoint_id: 1 + (id % 4),
          event: { id: 900 + id, seq: 900 + id, type: "message.received" },
          event_name: names[id % names.length],
          conversation_id: id % 6 === 0 ? null : 1 + (id % 20),
          state,
          attempts: i === 0 ? 0 : state === "dead" ? 9 : state === "pending" ? 3 : 1,
          next_attempt_at: i === 3 ? stamp(now + 95_000) : null,
          created_at: stamp(now - i * 130_000),
          delivered_at: state === "delivered" ? stamp(now - i * 130_000 + 60) : null,
          last_status: i === 0 ? null : state === "delivered" ? 200 : 503,
          last_error: state === "dead" || i === 3 ? "The receiver answered 503 Service Unavailable." : "",
          replay_of: i === 7 ? 20 : null,
        };
      });
  world.calls = [];
  world.mode = "ok";
  addReplies(world, empty);
  dressWidgets(world);
  return dress(world);
}

const DIALECTS = [
  {
    name: "userlike",
    title: "Userlike API add-on",
    version: "1",
    versions: ["2014", "1"],
    success: "200 only",
    events: [
      ["chat_session.start", "Session started", "A new conversation session is started."],
      ["chat_session.message_received", "Message received", "A contact sends a message in a conversation."],
      ["chat_session.message_sent", "Message sent", "An operator sends a message in a conversation."],
      ["chat_session.unread", "Session unread", "A session ends with messages that no operator has read."],
      ["chat_session.end", "Session ended", "A conversation session ends."],
      ["conversation.ended", "Conversation ended", "A conversation's status is set to ended."],
      ["chat_session.forward", "Forwarded", "A conversation is assigned to another operator or group."],
      ["chat_session.rating", "Rating", "A contact leaves a conversation rating."],
      ["chat_session.feedback", "Feedback", "A contact leaves feedback on a conversation."],
      ["chat_session.survey", "Survey", "A contact answers the survey."],
      ["chat_session.goal", "Goal", "A goal is reached."],
      ["operator.online", "Operator online", "An operator goes online."],
      ["operator.offline", "Operator offline", "An operator goes offline."],
      ["operator.away", "Operator away", "An operator goes away."],
      ["operator.back", "Operator back", "An operator switches from away to online."],
      ["um_widget.config", "Widget changed", "A widget's configuration is changed."],
      [
        "offline_message.receive",
        "Offline message",
        "A visitor left a message while nobody was there.",
        ["2014"],
      ],
    ].map(([name, title, description, versions]) => ({ name, title, description, versions })),
  },
  {
    name: "standard",
    title: "Standard (our own)",
    version: "1",
    versions: ["1"],
    success: "any 2xx",
    events: [
      ["conversation.created", "A conversation begins", "The first message of a contact."],
      ["message.received", "A contact writes", "Every message of a contact."],
      ["message.sent", "An operator writes", "Every reply, not notes."],
      ["session.ended", "A session ends", "With the reason."],
    ].map(([name, title, description]) => ({ name, title, description })),
  },
  CHATLIO,
];

export function emit(world, type, data) {
  world.seq += 1;
  const event = { type, timestamp: stamp(Date.now()), seq: world.seq, data };
  world.events.push(event);
  for (const send of world.listeners) send({ type: "event", event: JSON.parse(JSON.stringify(event)) });
  return event;
}

export function addMessage(world, id, fields) {
  const conversation = world.conversations.get(id);
  const list = world.messages.get(id);
  const message = {
    id: world.nextMessage++,
    conversation_id: id,
    session_id: conversation.session?.id ?? null,
    number: list.length + 1,
    ref: "",
    type: "message",
    note: false,
    body: "",
    event: null,
    reference: null,
    client_id: null,
    sent_at: stamp(Date.now()),
    state: "sent",
    ...fields,
  };
  list.push(message);
  conversation.message_count = message.number;
  conversation.updated_at = message.sent_at;
  conversation.last_message = {
    number: message.number,
    body: message.body || (message.media?.name ?? ""),
    sender_type: message.sender.type,
    sent_at: message.sent_at,
    type: message.type,
    note: message.note,
  };
  if (message.sender.type === "contact") conversation.unread += 1;
  return message;
}

export function contactWrites(world, id, body) {
  const conversation = world.conversations.get(id);
  const message = addMessage(world, id, {
    body,
    sender: { type: "contact", id: conversation.contact.id, name: conversation.contact.name },
  });
  return emit(world, "message.received", { conversation: { ...conversation }, message });
}

const me = (world) => world.operators[0];
const SYSTEM = { type: "system", id: null, name: "" };

function eventLine(world, id, event) {
  const o = me(world);
  return addMessage(world, id, {
    type: "event",
    sender: SYSTEM,
    event: {
      by: { type: "operator", id: o.id, name: o.name },
      operator: null,
      group: null,
      reason: null,
      ...event,
    },
  });
}

/** The answer of a route that leaves the request to the next one. */
const PASS = Symbol("pass");

class Refused extends Error {
  constructor(status, code, detail, more = {}) {
    super(detail);
    Object.assign(this, { status, code, detail, more });
  }
}

function page(items, query, size = 50) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? size);
  return {
    items: items.slice(from, from + limit),
    next_cursor: from + limit < items.length ? String(from + limit) : null,
  };
}

function counts(world) {
  const open = [...world.conversations.values()].filter((c) => c.status !== "ended");
  return {
    mine: open.filter((c) => c.operator?.id === 1).length,
    unassigned: open.filter((c) => !c.operator).length,
    all: open.length,
    ...workCounts(open),
  };
}

const found = (thing, name = "resource") => {
  if (!thing) throw new Refused(404, `${name}.not_found`, "There is no such thing.");
  return thing;
};

function setOperator(world, c, operator, line) {
  c.operator = operator && world.brief(operator);
  const message = eventLine(world, c.id, line);
  emit(world, "conversation.assigned", { conversation: { ...c }, message });
}

const FILTERS = {
  endpoint_id: (d, value) => d.endpoint_id === Number(value),
  state: (d, value) => d.state === value,
  event_name: (d, value) => d.event_name === value,
  conversation_id: (d, value) => d.conversation_id === Number(value),
  event_id: (d, value) => d.event.id === Number(value),
  from: (d, value) => Date.parse(d.created_at) >= Date.parse(value),
  to: (d, value) => Date.parse(d.created_at) < Date.parse(value),
};

function selected(world, filter) {
  for (const name of Object.keys(filter))
    if (!FILTERS[name])
      throw new Refused(422, "request.unknown_field", `There is no ${name}.`, { field: name });
  return world.deliveries.filter((d) =>
    Object.entries(filter).every(([name, value]) => FILTERS[name](d, value)),
  );
}

function checkEndpoint(body) {
  const errors = [];
  const fault = (field, detail) => errors.push({ field, code: "field.invalid", detail });
  if (!body.name) fault("name", "the endpoint needs a name");
  if (!/^https?:\/\/\w/.test(body.url)) fault("url", "Write a full address, starting with https://.");
  if (body.timeout_seconds < 1 || body.timeout_seconds > 60)
    fault("timeout_seconds", "the time-out is from 1 to 60 seconds");
  if (body.in_flight_limit < 1 || body.in_flight_limit > 256)
    fault("in_flight_limit", "the limit of calls under way is from 1 to 256");
  if (body.rate_limit > 10_000) fault("rate_limit", "the limit of calls per second is from 0 to 10000");
  for (const [index, range] of (body.private_ranges ?? []).entries())
    if (!/^[\da-f.:]+\/\d+$/.test(range)) fault(`private_ranges[${index}]`, `${range} is no network range`);
  if (errors.length > 0)
    throw new Refused(422, "request.invalid", "Some fields need a correction.", {
      errors: errors.length > 1 ? errors : undefined,
      ...(errors.length === 1 && { field: errors[0].field, detail: errors[0].detail }),
    });
}

/** A made-up past for each endpoint: busy, failing, silent. The same for the same minute. */
function chartOf(id, range) {
  const [step, count] = { "1h": [60, 60], "24h": [900, 96], "7d": [7200, 84] }[range];
  const end = Math.floor(Date.now() / 1000 / step) * step;
  const points = Array.from({ length: count }, (_, index) => {
    const noise = Math.abs(Math.sin((index + 1) * 12.9898) * 43758.5453) % 1;
    const day = 0.6 + 0.4 * Math.sin(index / 9);
    const silent = id === 3 || (id === 4 && index > count * 0.7) || (id === 5 && index % 9 !== 0);
    const failing = id === 5 || (id === 2 && index > count * 0.55);
    // The last step still runs.
    const passed = index === count - 1 ? Math.max(60, Date.now() / 1000 - end) : step;
    const calls = silent ? 0 : Math.round((failing ? 2 : 24) * (passed / 60) * day * (0.7 + 0.6 * noise));
    const failed = failing ? calls : noise > 0.93 ? Math.ceil(calls * 0.15) : 0;
    const mean = failing ? 9000 : 38 + 30 * noise;
    return {
      at: stamp((end - (count - 1 - index) * step) * 1000),
      delivered: calls - failed,
      failed,
      mean_ms: calls > 0 ? mean : 0,
      max_ms: calls > 0 ? (failed > 0 ? 15_000 : mean * (2 + 4 * noise)) : 0,
      max_lag_seconds:
        calls === 0 ? 0 : failing ? (index - count * 0.55) * step * 0.3 : noise > 0.93 ? 12 : 0.2,
    };
  });
  return { step_seconds: step, points };
}

function setFlag(world, c, flagged) {
  if (flagged && world.noAddon)
    throw new Refused(
      409,
      "addon.missing",
      "the API add-on has no address to send to; an administrator sets it under Add-ons > API",
    );
  c.flagged = flagged;
  emit(world, "conversation.updated", { conversation: { ...c } });
}

function setTags(world, c, tags) {
  c.tags = tags;
  emit(world, "conversation.updated", { conversation: { ...c } });
}

/** The few commands that looking at the composer needs; the others say that they were run. */
function runCommand(world, c, line) {
  const [, typed = "", rest = ""] = /^[$/!](\S+)\s*([\s\S]*)$/.exec(line) ?? [];
  const command = COMMANDS.find(({ name, aliases }) => [name, ...aliases].includes(typed.toLowerCase()));
  if (!command)
    throw new Refused(422, "command.unknown", `there is no command $${typed}; $help lists all commands`, {
      field: "line",
    });
  world.ran = [...(world.ran ?? []), line];
  let message = null;
  let lines = [`$${command.name} was run.`];
  if (command.args && !command.args.startsWith("[") && !rest)
    throw new Refused(422, "command.argument", `type it as $${command.name} ${command.args}`, {
      field: "line",
    });
  if (command.name === "api") {
    setFlag(world, c, !c.flagged);
    lines = [
      c.flagged
        ? "The conversation will be sent to the API when its status changes. $api again takes that back."
        : "The conversation will not be sent to the API.",
    ];
  } else if (command.name === "note") {
    const o = me(world);
    message = addMessage(world, c.id, {
      body: rest,
      note: true,
      sender: { type: "operator", id: o.id, name: o.name },
    });
    emit(world, "message.noted", { conversation: { ...c }, message });
    lines = ["The note is stored. The contact does not see it."];
  } else if (command.name === "forward") {
    const to = world.operators.find((o) => rest.toLowerCase().startsWith(o.name.toLowerCase()));
    if (!to)
      throw new Refused(422, "command.argument", `there is no operator or group “${rest}”`, {
        field: "line",
      });
    setOperator(world, c, to, { name: "forwarded", operator: { id: to.id, name: to.name } });
    lines = [`${to.name} has the conversation now.`];
  } else if (command.name === "tag") {
    setTags(world, c, [...new Set([...c.tags, ...rest.split(/[\s,]+/)])]);
    lines = [`Tags: ${c.tags.join(", ")}`];
  } else if (command.name === "help") {
    lines = COMMANDS.map(({ name, args, help }) => `${`$${name} ${args}`.trim()}: ${help}`);
  }
  return { command: command.name, lines, conversation: c, message };
}

function routes(world) {
  const conversation = (id) => found(world.conversations.get(Number(id)), "conversation");
  return [
    [
      "POST",
      /^\/sign-in$/,
      (_, body) => {
        if (body.password !== "correct horse")
          throw new Refused(401, "auth.wrong_password", "E-mail or password is wrong.");
        world.signedIn = true;
        return { operator: me(world) };
      },
    ],
    [
      "POST",
      /^\/sign-in\/link$/,
      (_, body) => {
        if (body.token !== "fresh") throw new Refused(401, "auth.link_used", "This link was used.");
        world.signedIn = true;
        return { operator: me(world) };
      },
    ],
    [
      "POST",
      /^\/sign-out$/,
      () => {
        world.signedIn = false;
      },
    ],
    [
      "GET",
      /^\/me$/,
      () => ({
        operator: me(world),
        seq: world.seq,
        public_url: "https://chat.example",
        version: "1.0.0",
        demo: true,
      }),
    ],
    [
      "PUT",
      /^\/me\/availability$/,
      (_, body) => {
        me(world).availability = body.availability;
        me(world).status = body.availability;
        emit(world, "operator.status_changed", { operator: { ...me(world) }, status_previous: "online" });
        return { operator: me(world) };
      },
    ],
    [
      "POST",
      /^\/me\/password$/,
      (_, body) => {
        if (body.new.length < 10)
          throw new Refused(422, "password.too_short", "Use at least ten characters.", { field: "new" });
      },
    ],
    [
      "GET",
      /^\/conversations$/,
      (_, __, query) => {
        const statuses = (query.get("status") ?? "new,open,pending").split(",");
        const view = query.get("view") ?? "all";
        const contact = query.get("contact_id");
        const items = [...world.conversations.values()]
          .filter((c) => statuses.includes(c.status))
          .filter((c) =>
            view === "mine" ? c.operator?.id === 1 : view === "unassigned" ? !c.operator : true,
          )
          .filter((c) => !contact || c.contact.id === Number(contact))
          .filter((c) => fits(world, c, query))
          .filter((c) => isOfWork(c, query))
          .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
        return { ...page(items, query), seq: world.seq, counts: counts(world) };
      },
    ],
    ["GET", /^\/conversations\/(\d+)$/, ([id]) => ({ ...conversation(id), seq: world.seq })],
    [
      "GET",
      /^\/conversations\/(\d+)\/messages$/,
      ([id], _, query) => {
        conversation(id);
        const all = world.messages.get(Number(id));
        const before = query.get("before");
        const limit = Number(query.get("limit") ?? 50);
        const older = before ? all.filter((m) => m.number < Number(before)) : all;
        return { items: older.slice(-limit), has_more: older.length > limit, seq: world.seq };
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/messages$/,
      ([id], body) => {
        const c = conversation(id);
        if (c.status === "ended" && !body.note)
          throw new Refused(409, "conversation.ended", "The conversation has ended.");
        if (body.body.includes("REFUSE"))
          throw new Refused(422, "text.invalid", "The text holds a character that cannot be stored.", {
            field: "body",
          });
        const word = /^[$/!](\S+)/.exec(body.body)?.[1];
        if (!body.note && !body.as_text && COMMANDS.some((each) => each.name === word))
          throw new Refused(422, "message.is_command", "the text begins with a command", { field: "body" });
        const o = me(world);
        if (!body.note && !c.operator)
          setOperator(world, c, o, { name: "assigned", operator: { id: o.id, name: o.name } });
        if (!body.note && c.status === "new") {
          c.status = "open";
          emit(world, "conversation.status_changed", { conversation: { ...c } });
        }
        const message = addMessage(world, c.id, {
          body: body.body,
          note: body.note,
          choices: body.choices ?? [],
          sender: { type: "operator", id: o.id, name: o.name },
          ...takeMedia(world, body, Refused),
        });
        c.operator_read = message.number;
        c.unread = 0;
        if (!body.note) c.unanswered_at = null;
        emit(world, body.note ? "message.noted" : "message.sent", { conversation: { ...c }, message });
        if (!body.note)
          setTimeout(() => {
            c.contact_delivered = message.number;
            c.contact_read = message.number;
            emit(world, "conversation.read", { conversation: { ...c }, by: "contact" });
          }, 900);
        return [201, { message, conversation: c }];
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/read$/,
      ([id], body) => {
        const c = conversation(id);
        c.operator_read = body.number;
        c.unread = 0;
        emit(world, "conversation.read", { conversation: { ...c }, by: "operator" });
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/assign$/,
      ([id], body) => {
        const c = conversation(id);
        const o = body.operator_id
          ? found(world.operators.find((each) => each.id === body.operator_id))
          : null;
        setOperator(world, c, o, { name: "assigned", operator: o && { id: o.id, name: o.name } });
        return c;
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/forward$/,
      ([id], body) => {
        const c = conversation(id);
        const o = world.operators.find((each) => each.id === body.operator_id) ?? null;
        const g = world.groups.find((each) => each.id === body.group_id) ?? null;
        if (g) c.group = { id: g.id, name: g.name };
        setOperator(world, c, o, {
          name: "forwarded",
          operator: o && { id: o.id, name: o.name },
          group: g && { id: g.id, name: g.name },
        });
        return c;
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/end$/,
      ([id]) => {
        const c = conversation(id);
        c.status = "ended";
        c.ended_at = stamp(Date.now());
        const message = eventLine(world, c.id, { name: "ended", reason: "operator" });
        emit(world, "conversation.ended", { conversation: { ...c }, message });
        return c;
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/reopen$/,
      ([id]) => {
        const c = conversation(id);
        c.status = "open";
        c.ended_at = null;
        const message = eventLine(world, c.id, { name: "reopened" });
        emit(world, "conversation.reopened", { conversation: { ...c }, message });
        return c;
      },
    ],
    ["GET", /^\/commands$/, () => ({ items: COMMANDS })],
    [
      "GET",
      /^\/tags$/,
      () => {
        const all = [...world.conversations.values()].flatMap((c) => c.tags);
        return {
          items: [...new Set([...all, ...TAGS])]
            .map((tag) => ({ tag, count: all.filter((each) => each === tag).length }))
            .sort((a, b) => b.count - a.count),
        };
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/commands$/,
      ([id], body) => runCommand(world, conversation(id), body.line),
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/flag$/,
      ([id], body) => {
        const c = conversation(id);
        setFlag(world, c, body.flagged);
        return c;
      },
    ],
    [
      "PUT",
      /^\/conversations\/(\d+)\/tags$/,
      ([id], body) => {
        const c = conversation(id);
        setTags(world, c, body.tags);
        return c;
      },
    ],
    [
      "PUT",
      /^\/conversations\/(\d+)\/topic$/,
      ([id], body) => {
        const c = conversation(id);
        if ([...body.topic].length > 120)
          throw new Refused(422, "conversation.topic_long", "a topic has at most 120 characters", {
            field: "topic",
          });
        c.topic = body.topic;
        emit(world, "conversation.updated", { conversation: { ...c } });
        return c;
      },
    ],
    [
      "PUT",
      /^\/conversations\/(\d+)\/status$/,
      ([id], body) => {
        const c = conversation(id);
        c.status = body.status;
        c.updated_at = stamp(Date.now());
        emit(world, "conversation.status_changed", { conversation: { ...c } });
        return c;
      },
    ],
    [
      "GET",
      /^\/contacts$/,
      (_, __, query) => {
        const q = (query.get("q") ?? "").toLowerCase();
        return page(
          [...world.contacts.values()].filter((c) => `${c.name} ${c.email}`.toLowerCase().includes(q)),
          query,
        );
      },
    ],
    [
      "PATCH",
      /^\/contacts\/(\d+)$/,
      ([id], body) => {
        const c = found(world.contacts.get(Number(id)));
        if (body.email && !body.email.includes("@"))
          throw new Refused(422, "contact.email_invalid", "This is not an e-mail address.", {
            field: "email",
          });
        const { additional, ...fields } = body;
        for (const [index, field] of (additional ?? []).entries()) if (field) c.additional[index] = field;
        Object.assign(c, fields, { updated_at: stamp(Date.now()) });
        c.display_name = c.name || `Visitor ${c.id}`;
        emit(world, "contact.updated", { contact: { ...c } });
        return c;
      },
    ],
    ["GET", /^\/operators$/, () => ({ items: world.operators })],
    [
      "POST",
      /^\/operators$/,
      (_, body) => {
        const errors = [];
        if (!body.email?.includes("@"))
          errors.push({ field: "email", code: "email.invalid", detail: "This is not an e-mail address." });
        if (!body.first_name)
          errors.push({ field: "first_name", code: "required", detail: "A first name is needed." });
        if (errors.length > 0)
          throw new Refused(422, "request.invalid", "Some fields need a correction.", { errors });
        const o = {
          ...me(world),
          id: world.operators.length + 1,
          name: `${body.first_name} ${body.last_name}`,
          ...body,
          groups: [],
          active: true,
          open_conversations: 0,
        };
        world.operators.push(o);
        return [
          201,
          {
            operator: o,
            invite_link: body.password ? null : "https://chat.example/app/link#l1_7Qm2c9XvT0aB",
          },
        ];
      },
    ],
    [
      "PATCH",
      /^\/operators\/(\d+)$/,
      ([id], body) => {
        const o = found(world.operators.find((each) => each.id === Number(id)));
        const { group_ids, password, ...rest } = body;
        Object.assign(o, rest);
        if (group_ids)
          o.groups = world.groups
            .filter((g) => group_ids.includes(g.id))
            .map(({ id, name }) => ({ id, name }));
        emit(world, "operator.updated", { operator: { ...o } });
        return o;
      },
    ],
    [
      "POST",
      /^\/operators\/(\d+)\/link$/,
      () => ({ invite_link: "https://chat.example/app/link#l1_7Qm2c9XvT0aB" }),
    ],
    ["GET", /^\/groups$/, () => ({ items: world.groups })],
    [
      "POST",
      /^\/groups$/,
      (_, body) => {
        if (!body.name)
          throw new Refused(422, "group.name_missing", "A group needs a name.", { field: "name" });
        const g = { id: world.groups.length + 1, ...body };
        world.groups.push(g);
        return [201, g];
      },
    ],
    [
      "PATCH",
      /^\/groups\/(\d+)$/,
      ([id], body) => Object.assign(found(world.groups.find((g) => g.id === Number(id))), body),
    ],
    [
      "DELETE",
      /^\/groups\/(\d+)$/,
      () => {
        throw new Refused(409, "group.in_use", "A widget uses this group.");
      },
    ],
    ["GET", /^\/widgets$/, () => ({ items: world.widgets })],
    [
      "POST",
      /^\/widgets$/,
      (_, body) => {
        if (!body.name)
          throw new Refused(422, "widget.name_missing", "A widget needs a name.", { field: "name" });
        const w = { ...world.widgets[0], ...body, id: world.widgets.length + 1 };
        world.widgets.push(w);
        return [201, w];
      },
    ],
    ["GET", /^\/widgets\/(\d+)$/, ([id]) => found(world.widgets.find((w) => w.id === Number(id)))],
    [
      "PATCH",
      /^\/widgets\/(\d+)$/,
      ([id], body) => {
        if (!/^#[0-9a-f]{6}$/i.test(body.color))
          throw new Refused(422, "widget.color_invalid", "Write a colour as #rrggbb.", { field: "color" });
        return Object.assign(found(world.widgets.find((w) => w.id === Number(id))), body);
      },
    ],
    ["POST", /^\/widgets\/(\d+)\/identity-secret$/, () => ({ secret: "ids_5vX0qT9bN2mK7cR4yL8w" })],
    ["GET", /^\/dialects$/, () => ({ items: DIALECTS })],
    ["GET", /^\/endpoints$/, () => ({ items: world.endpoints })],
    [
      "POST",
      /^\/endpoints$/,
      (_, body) => {
        checkEndpoint(body);
        const e = {
          ...makeWorld({ conversations: 0 }).endpoints[0],
          ...body,
          id: world.endpoints.length + 1,
        };
        world.endpoints.push(e);
        return [201, { endpoint: e, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }];
      },
    ],
    ["GET", /^\/endpoints\/(\d+)$/, ([id]) => found(world.endpoints.find((e) => e.id === Number(id)))],
    [
      "PATCH",
      /^\/endpoints\/(\d+)$/,
      ([id], body) => {
        const e = found(world.endpoints.find((each) => each.id === Number(id)));
        checkEndpoint({ ...e, ...body });
        return Object.assign(e, body);
      },
    ],
    [
      "POST",
      /^\/endpoints\/(\d+)\/(pause|resume)$/,
      ([id, what], body) => {
        const e = found(world.endpoints.find((each) => each.id === Number(id)));
        e.state = what === "pause" ? "paused" : "active";
        e.state_reason = what === "pause" ? "paused by Ada Keller" : "";
        if (what === "resume") {
          world.lastResume = body;
          Object.assign(e.stats, { pending: 0, lag_seconds: 0, breaker: "closed", failing_since: null });
        }
        return e;
      },
    ],
    [
      "POST",
      /^\/endpoints\/(\d+)\/test$/,
      ([id], body) => {
        const e = found(world.endpoints.find((each) => each.id === Number(id)));
        if (e.state !== "active")
          throw new Refused(409, "endpoint.paused", "the endpoint is paused; resume it first");
        const dialect = DIALECTS.find((each) => each.name === e.dialect);
        if (body.event && !dialect.events.some((event) => event.name === body.event))
          throw new Refused(422, "endpoint.event_unknown", "The dialect has no such event.", {
            field: "event",
          });
        const d = {
          ...world.deliveries[1],
          id: world.deliveries.length + 1,
          endpoint_id: e.id,
          event: { id: 0, seq: 0, type: "test" },
          event_name: body.event ?? dialect.events[0].name,
          conversation_id: null,
          state: "pending",
          attempts: 0,
          created_at: stamp(Date.now()),
        };
        world.deliveries.unshift(d);
        const good = e.stats.failing_since === null;
        setTimeout(() => Object.assign(d, { attempts: 1, last_status: good ? 200 : 503 }), 500);
        if (good) setTimeout(() => Object.assign(d, { state: "delivered" }), 500);
        return { delivery_id: d.id };
      },
    ],
    [
      "GET",
      /^\/endpoints\/(\d+)\/chart$/,
      ([id], _, query) => chartOf(Number(id), query.get("range") ?? "1h"),
    ],
    [
      "POST",
      /^\/endpoints\/(\d+)\/rotate-secret$/,
      () => ({ secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD" }),
    ],
    [
      "DELETE",
      /^\/endpoints\/(\d+)$/,
      ([id]) => {
        world.endpoints = world.endpoints.filter((e) => e.id !== Number(id));
      },
    ],
    [
      "GET",
      /^\/deliveries$/,
      (_, __, query) => {
        const { cursor, limit, ...filter } = Object.fromEntries(query);
        return page(selected(world, filter), query);
      },
    ],
    [
      "POST",
      /^\/deliveries\/(replay|revive)$/,
      ([what], body) => {
        const { dry_run, ...filter } = body;
        if (!filter.endpoint_id)
          throw new Refused(422, "field.required", "Say which endpoint.", { field: "endpoint_id" });
        const items = selected(world, filter).filter((d) =>
          what === "revive" ? d.state === "dead" : d.state !== "pending",
        );
        const count = items.length * (world.many ?? 1);
        if (count > 10_000 && !dry_run)
          throw new Refused(
            422,
            "delivery.too_many",
            `${count} deliveries match; at most 10000 are replayed at once.`,
          );
        if (!dry_run) {
          world.again = { what, ...body };
          for (const d of items) {
            if (what === "revive") Object.assign(d, { state: "pending", attempts: 0 });
            else
              world.deliveries.unshift({
                ...d,
                id: world.deliveries.length + 1,
                state: "pending",
                attempts: 0,
                replay_of: d.id,
                created_at: stamp(Date.now()),
              });
          }
        }
        return { count, dry_run: dry_run === true };
      },
    ],
    [
      "GET",
      /^\/deliveries\/(\d+)$/,
      ([id]) => {
        const d = found(world.deliveries.find((each) => each.id === Number(id)));
        const body = JSON.stringify({
          _type: "chat_session",
          _event: "message_received",
          id: 17,
          conversation: { id: d.conversation_id },
          client_name: "Ann Berg",
          duration: "00:04:12",
          was_proactive: false,
          rate: null,
          messages: [{ id: 77, body: LINES[5], created_at: "2026-11-22 10:00:00" }],
        });
        return {
          ...d,
          request: {
            url: "https://hooks.example/order-system",
            headers: {
              "Content-Type": "application/json",
              "User-Agent": "Parley/1.0.0",
              "webhook-id": d.webhook_id,
              "webhook-timestamp": "1795341600",
              "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
            },
            body,
          },
          attempt_log: Array.from({ length: d.attempts }, (_, i) => {
            const good = d.state === "delivered" && i === d.attempts - 1;
            return {
              number: i + 1,
              started_at: stamp(Date.parse(d.created_at) + i * 30_000),
              duration_ms: good ? 42.7 : 15_003,
              status: good ? 200 : i % 2 ? null : 503,
              error: good
                ? ""
                : i % 2
                  ? "No answer within 15 seconds."
                  : "The receiver answered 503 Service Unavailable.",
              response_headers: { "Content-Type": "text/plain" },
              response_body: good ? '{"ok":true}' : "upstream is down for maintenance",
              outcome: good ? "delivered" : d.state === "dead" && i === d.attempts - 1 ? "dead" : "retry",
              retry_at: good ? null : stamp(Date.parse(d.created_at) + (i + 1) * 30_000),
            };
          }),
        };
      },
    ],
    [
      "POST",
      /^\/deliveries\/(\d+)\/replay$/,
      ([id]) => [201, { delivery: world.deliveries.find((d) => d.id === Number(id)) }],
    ],
    [
      "POST",
      /^\/deliveries\/(\d+)\/revive$/,
      ([id]) => {
        const d = found(world.deliveries.find((each) => each.id === Number(id)));
        if (d.state !== "dead") throw new Refused(409, "delivery.not_dead", "It was not given up.");
        return { delivery: Object.assign(d, { state: "pending", attempts: 0, next_attempt_at: null }) };
      },
    ],
    ["GET", /^\/tokens$/, () => ({ items: world.tokens })],
    [
      "POST",
      /^\/tokens$/,
      (_, body) => {
        if (!body.name)
          throw new Refused(422, "token.name_missing", "A token needs a name.", { field: "name" });
        const token = {
          id: world.tokens.length + 1,
          ...body,
          prefix: "pat_x7Qz",
          created_at: stamp(Date.now()),
          last_used_at: null,
          created_by: { id: 1, name: "Ada Keller" },
        };
        world.tokens.push(token);
        return [201, { token, secret: "pat_x7QzT0aBvX0qT9bN2mK7cR4yL8wMfKQ9" }];
      },
    ],
    [
      "DELETE",
      /^\/tokens\/(\d+)$/,
      ([id]) => {
        world.tokens = world.tokens.filter((t) => t.id !== Number(id));
      },
    ],
  ];
}

function refuse(response, error) {
  const status = error.status ?? 500;
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(
    JSON.stringify({
      type: `/docs/errors#${error.code}`,
      title: "Refused",
      status,
      detail: error.detail ?? String(error),
      code: error.code ?? "internal",
      request_id: "req_01",
      ...error.more,
    }),
  );
}

async function file(response, path) {
  const full = normalize(join(dist, path));
  if (!full.startsWith(normalize(dist))) return response.writeHead(404).end();
  try {
    const data = await readFile(full);
    response.writeHead(200, {
      "Content-Type": TYPES[extname(full)] ?? "application/octet-stream",
      "Content-Security-Policy": POLICY,
    });
    response.end(data);
  } catch {
    response.writeHead(404, { "Content-Security-Policy": POLICY }).end();
  }
}

export async function startServer(world, port = 0) {
  const tools = { emit, PASS, Refused, addMessage, chartOf, operator: () => me(world) };
  const table = [
    ...mediaRoutes(world, tools),
    ...channelRoutes(world, tools),
    ...mailRoutes(world, tools),
    ...hookRoutes(world, tools),
    ...replyRoutes(world, tools),
    ...workRoutes(world, tools),
    ...tableRoutes(world, tools),
    ...routes(world),
  ];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname.startsWith("/api/v1/")) {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      if (!world.down && mediaRequest(world, request, url, Buffer.concat(chunks), response)) return;
      const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
      const path = url.pathname.slice("/api/v1".length);
      const run = () => {
        try {
          if (world.down) return request.socket.destroy();
          if (world.failNext > 0 && request.method === "POST") {
            world.failNext -= 1;
            throw new Refused(503, "server.busy", "The server is busy.");
          }
          if (!world.signedIn && !path.startsWith("/sign-in"))
            throw new Refused(401, "auth.required", "Sign in first.");
          const key = request.headers["idempotency-key"];
          if (key && world.keys.has(key)) return respond(world.keys.get(key));
          for (const [method, pattern, handle] of table) {
            const match = pattern.exec(path);
            if (!match || method !== request.method) continue;
            const answer = handle(match.slice(1), body, url.searchParams);
            if (answer === PASS) continue;
            if (key) world.keys.set(key, JSON.parse(JSON.stringify(answer ?? null)));
            return respond(answer);
          }
          throw new Refused(404, "route.unknown", "No such route.");
        } catch (error) {
          refuse(response, error);
        }
      };
      const respond = (answer) => {
        if (answer === undefined || answer === null) return response.writeHead(204).end();
        const [status, data] = Array.isArray(answer) ? answer : [200, answer];
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(data));
      };
      if (world.delay > 0) setTimeout(run, world.delay);
      else run();
      return;
    }
    if (mediaRequest(world, request, url, null, response)) return;
    if (url.pathname === "/demo/inspector/mode") {
      if (request.method === "PUT") {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        world.mode = JSON.parse(Buffer.concat(chunks).toString()).mode;
      }
      response.writeHead(200, { "Content-Type": "application/json" });
      return response.end(JSON.stringify({ mode: world.mode }));
    }
    if (url.pathname === "/demo/inspector/calls") {
      if (request.method === "DELETE") {
        world.calls = [];
        return response.writeHead(204).end();
      }
      const after = Number(url.searchParams.get("after"));
      const items = world.calls.filter((call) => call.n > after);
      const answer = () => {
        const now = world.calls.filter((call) => call.n > after);
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ items: now, next: world.calls.at(-1)?.n ?? after }));
      };
      return items.length > 0 ? answer() : setTimeout(answer, 1500);
    }
    if (url.pathname === "/demo/inspector") return file(response, "demo/inspector.html");
    if (url.pathname.startsWith("/demo/")) return file(response, url.pathname.slice(1));
    if (url.pathname.startsWith("/app/assets/") || /^\/app\/[\w-]+\.(js|svg)$/.test(url.pathname)) {
      return file(response, url.pathname.replace("/app/", "operator/"));
    }
    if (url.pathname.startsWith("/app")) return file(response, "operator/index.html");
    if (url.pathname === "/") return response.writeHead(302, { Location: "/app/" }).end();
    response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "parley.v1" });
  world.sockets = new Set();
  server.on("upgrade", (request, socket, head) => {
    if (world.down || request.url !== "/api/v1/socket") return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (line) => {
      const send = (frame) => line.readyState === 1 && line.send(JSON.stringify(frame));
      world.sockets.add(line);
      line.on("message", (data) => {
        const frame = JSON.parse(data.toString());
        if (frame.type !== "hello") return world.onFrame?.(frame, send);
        world.lastHello = frame;
        send({ type: "welcome", seq: world.seq, heartbeat_seconds: 25 });
        for (const event of world.events)
          if (frame.after !== null && event.seq > frame.after) send({ type: "event", event });
        world.listeners.add(send);
      });
      line.on("close", () => {
        world.listeners.delete(send);
        world.sockets.delete(line);
      });
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { server, port: server.address().port };
}

export function broadcast(world, frame) {
  for (const send of world.listeners) send(frame);
}

export function sampleCalls(world) {
  const samples = [
    [
      "userlike",
      {
        _type: "chat_session",
        _event: "start",
        id: 17,
        conversation: { id: 42 },
        client_name: "Ann Berg",
        was_proactive: false,
        rate: null,
        messages: [{ id: 77, body: LINES[0] }],
      },
    ],
    [
      "standard",
      {
        type: "conversation.created",
        timestamp: stamp(Date.now()),
        seq: 12,
        data: { conversation: { id: 42, status: "new" } },
      },
    ],
    [
      "standard",
      {
        type: "message.received",
        timestamp: stamp(Date.now()),
        seq: 13,
        data: { message: { id: 77, body: LINES[4] } },
      },
    ],
    [
      "userlike",
      { _type: "chat_session", _event: "message_received", id: 17, messages: [{ id: 78, body: LINES[9] }] },
    ],
  ];
  for (const [index, [endpoint, body]] of samples.entries()) {
    const repeated = index === 3 ? [500, 500, 200] : [200];
    for (const [attempt, status] of repeated.entries()) {
      world.calls.push({
        n: (world.calls.at(-1)?.n ?? 0) + 1,
        endpoint,
        received_at: stamp(Date.now() - 60_000 + index * 9000 + attempt * 3000),
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "User-Agent": "Parley/1.0.0",
          "webhook-id": `msg_${index}`,
          "webhook-timestamp": "1795341600",
          "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        },
        body: JSON.stringify(body),
        status,
        duration_ms: 1.8 + index,
        attempt: attempt + 1,
        webhook_id: `msg_${index}`,
        signature: index === 2 ? "invalid" : "valid",
      });
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const option = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : Number(process.argv[at + 1]);
  };
  const world = makeWorld({
    conversations: option("conversations", 40),
    empty: process.argv.includes("--empty"),
  });
  sampleCalls(world);
  const { port } = await startServer(world, option("port", 8787));
  console.log(`http://127.0.0.1:${port}/app/`);
}
