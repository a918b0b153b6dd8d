// The stand-in server's part for channels: their settings and logs, what contacts are known by there, and conversations
// that an operator begins.

const stamp = (ms) => `${new Date(ms).toISOString().slice(0, -1)}000Z`;
const HOUR = 3_600_000;

export const CHANNEL_TYPES = [
  {
    type: "website",
    label: "Website",
    description: "The messenger on your sites. Each widget is a door of its own.",
    creatable: false,
    fields: [],
  },
  {
    type: "custom",
    label: "Custom channel",
    description: "Any message system that can post JSON and take it.",
    creatable: true,
    fields: [
      {
        name: "outbound_url",
        label: "Outbound URL",
        help: "Replies are posted to it.",
        kind: "url",
        required: true,
        generated: false,
        default: "",
        options: [],
      },
      {
        name: "outbound_token",
        label: "Outbound auth token",
        help: "Sent with every call to the Outbound URL.",
        kind: "secret",
        required: false,
        generated: true,
        default: "",
        options: [],
      },
      {
        name: "inbound_token",
        label: "Inbound auth token",
        help: "Whoever posts to the Inbound URL has to send it.",
        kind: "secret",
        required: false,
        generated: true,
        default: "",
        options: [],
      },
      {
        name: "version",
        label: "Version",
        help: "",
        kind: "choice",
        required: true,
        generated: false,
        default: "1",
        options: [
          { value: "1", label: "1: contacts are known by their e-mail address" },
          { value: "2", label: "2: contacts are known by an id of yours; edits and deletions are sent" },
        ],
      },
    ],
  },
];

const STATS = {
  pending: 0,
  dead: 0,
  lag_seconds: 0,
  last_status: 200,
  last_attempt_at: null,
  breaker: "closed",
  failing_since: null,
};

function channel(id, name, more = {}) {
  const now = Date.now();
  return {
    id,
    type: "custom",
    name,
    widget_id: 1,
    widgets: [],
    settings: { outbound_url: `https://gateway.example/${id}/messages`, version: "1" },
    secrets: {
      outbound_token: { set: true, hint: "x9Qf", previous_expires_at: null },
      inbound_token: { set: true, hint: "7Kd2", previous_expires_at: null },
    },
    inbound_url: `https://chat.example/channels/ch${id}_Zk3vQ8wN5tR1xB7mL0pJ9dF2sH6yC4aG`,
    merge: true,
    auto_reply: false,
    state: "active",
    state_reason: "",
    created_at: stamp(now - 500 * HOUR),
    updated_at: stamp(now - 300 * HOUR),
    ...more,
    stats: { ...STATS, last_attempt_at: stamp(now - 50_000), ...more.stats },
  };
}

/** Gives a new world two channels, one of them in trouble, and lets some conversations be on the first. */
export function addChannels(world) {
  const now = Date.now();
  world.channels = [
    channel(1, "WhatsUp gateway", {
      widgets: [1],
      auto_reply: true,
      secrets: {
        outbound_token: { set: true, hint: "x9Qf", previous_expires_at: null },
        inbound_token: { set: true, hint: "7Kd2", previous_expires_at: stamp(now + 5 * HOUR) },
      },
    }),
    channel(2, "SMS of the shops in the north of the country", {
      settings: { outbound_url: "https://sms.example/out", version: "2" },
      merge: false,
      widget_id: 2,
      stats: {
        pending: 3,
        dead: 1,
        lag_seconds: 900,
        last_status: 502,
        breaker: "open",
        failing_since: stamp(now - 26 * HOUR),
      },
    }),
  ];
  world.addresses = [];
  let next = 1;
  for (const c of world.conversations.values()) {
    if (c.id % 5 !== 3) continue;
    const on = world.channels[c.id % 10 === 3 ? 0 : 1];
    c.channel = { id: on.id, type: on.type, name: on.name };
    c.session.visit = null;
    c.visit = null;
    world.addresses.push({
      id: next++,
      contact: c.contact.id,
      channel: { id: on.id, name: on.name },
      address:
        on.settings.version === "2"
          ? `id:customer-${4000 + c.contact.id}`
          : c.contact.email || `c${c.id}@example.com`,
      email: c.contact.email,
      merged: on.merge,
      created_at: stamp(now - 90 * HOUR),
      separated_at: null,
    });
  }
  world.inbound = Array.from({ length: 63 }, (_, i) => {
    const entry = {
      id: 63 - i,
      at: stamp(now - i * 240_000),
      ip: "198.51.100.7",
      status: 200,
      code: null,
      detail: null,
      message_id: 40 + i,
      conversation_id: 3,
      duplicate: false,
    };
    const refused = (status, code, detail) =>
      Object.assign(entry, { status, code, detail, message_id: null, conversation_id: null });
    if (i === 1) entry.duplicate = true;
    if (i === 2) refused(403, "channel.token_wrong", "the token is wrong; 41 like it came since 10:02");
    if (i === 4) refused(422, "field.required", "email is missing");
    if (i === 7) refused(400, "json.invalid", "the body is not JSON: unexpected end at byte 18");
    if (i === 9) refused(500, "internal", "the server failed to store the message");
    return entry;
  });
  world.deliveries.push(
    ...[0, 1, 2].map((i) => ({
      ...world.deliveries[1],
      id: 900 - i,
      endpoint_id: null,
      channel_id: 2,
      event_name: "message.sent",
      conversation_id: 8,
      state: i === 0 ? "pending" : i === 1 ? "dead" : "delivered",
      attempts: i === 1 ? 9 : 1,
      last_status: i === 2 ? 200 : 502,
      last_error: i === 2 ? "" : "the receiver answered 502 Bad Gateway",
    })),
  );
  return world;
}

function check(world, body, Refused) {
  const errors = [];
  const fault = (field, code, detail) => errors.push({ field, code, detail });
  if (body.name !== undefined && (!body.name || [...body.name].length > 80))
    fault("name", "field.invalid", "a name has 1 to 80 characters");
  const url = body.settings?.outbound_url;
  if (url !== undefined && /\/\/(10\.|127\.|192\.168\.|localhost)/.test(url))
    fault("settings.outbound_url", "channel.url_refused", "the address is in a private network");
  if (body.widget_id !== undefined && !world.widgets.some((w) => w.id === body.widget_id))
    fault("widget_id", "field.invalid", "there is no such widget");
  for (const [name, value] of Object.entries(body.secrets ?? {}))
    if (value.length < 8) fault(`secrets.${name}`, "field.invalid", "a token has at least 8 characters");
  if (errors.length === 0) return;
  throw new Refused(422, "request.invalid", "Some fields need a correction.", {
    errors: errors.length > 1 ? errors : undefined,
    ...(errors.length === 1 && { field: errors[0].field, detail: errors[0].detail }),
  });
}

const MADE = { outbound_token: "tok_o_8WqZ2nRv5LxC0hTy3BkJ", inbound_token: "tok_i_M4dS7fGp1QzX6uEa9KwN" };

export function channelRoutes(world, { emit, PASS, Refused, addMessage, chartOf, operator }) {
  const one = (id) => {
    const found = (world.channels ?? []).find((each) => each.id === Number(id));
    if (!found) throw new Refused(404, "channel.not_found", "There is no such channel.");
    return found;
  };
  const talk = (contact, on, widget) => {
    const id = Math.max(0, ...world.conversations.keys()) + 1;
    const first = [...world.conversations.values()][0];
    const c = {
      ...structuredClone(first),
      id,
      status: "open",
      channel: { id: on.id, type: on.type, name: on.name },
      widget: { id: widget.id, name: widget.name },
      contact,
      group: null,
      operator: null,
      message_count: 0,
      operator_read: 0,
      unread: 0,
      last_message: null,
      created_at: stamp(Date.now()),
      updated_at: stamp(Date.now()),
      session: null,
      visit: null,
      custom: {},
      tags: [],
      flagged: false,
      rating: null,
      topic: "",
    };
    world.conversations.set(id, c);
    world.messages.set(id, []);
    emit(world, "conversation.created", { conversation: { ...c } });
    return c;
  };
  const contactOf = (fields) => {
    const known = [...world.contacts.values()].find((each) => fields.email && each.email === fields.email);
    if (known) return known;
    const id = Math.max(0, ...world.contacts.keys()) + 1;
    const made = {
      ...structuredClone([...world.contacts.values()][0]),
      id,
      name: fields.name ?? "",
      display_name: fields.name || `Visitor ${id}`,
      email: fields.email ?? "",
      phone: "",
      external_id: "",
      custom: {},
      additional: [],
    };
    world.contacts.set(id, made);
    return made;
  };
  return [
    ["GET", /^\/channel-types$/, () => ({ items: CHANNEL_TYPES })],
    ["GET", /^\/channels$/, () => ({ items: world.channels ?? [] })],
    [
      "POST",
      /^\/channels$/,
      (_, body) => {
        check(world, body, Refused);
        world.channels ??= [];
        const { secrets = {}, ...fields } = body;
        const values = { ...MADE, ...secrets };
        const made = channel(Math.max(0, ...world.channels.map((each) => each.id)) + 1, body.name, {
          ...fields,
          secrets: Object.fromEntries(
            Object.entries(values).map(([name, value]) => [
              name,
              { set: true, hint: value.slice(-4), previous_expires_at: null },
            ]),
          ),
          stats: { ...STATS, last_status: null, last_attempt_at: null },
        });
        world.channels.push(made);
        world.newChannel = body;
        return [201, { channel: made, secrets: values }];
      },
    ],
    ["GET", /^\/channels\/(\d+)$/, ([id]) => one(id)],
    [
      "PATCH",
      /^\/channels\/(\d+)$/,
      ([id], body) => {
        check(world, body, Refused);
        return Object.assign(one(id), body);
      },
    ],
    [
      "DELETE",
      /^\/channels\/(\d+)$/,
      ([id]) => {
        world.channels = world.channels.filter((each) => each.id !== Number(id));
      },
    ],
    [
      "POST",
      /^\/channels\/(\d+)\/(pause|resume)$/,
      ([id, what], body) => {
        const c = one(id);
        c.state = what === "pause" ? "paused" : "active";
        c.state_reason = what === "pause" ? "paused by Ada Keller" : "";
        if (what === "resume") {
          world.lastResume = body;
          Object.assign(c.stats, { pending: 0, lag_seconds: 0, breaker: "closed", failing_since: null });
        }
        return c;
      },
    ],
    [
      "POST",
      /^\/channels\/(\d+)\/rotate$/,
      ([id], body) => {
        check(world, { secrets: body.value === undefined ? {} : { [body.secret]: body.value } }, Refused);
        const mark = one(id).secrets[body.secret];
        const value = body.value ?? "tok_r_Y3vB8nM2kL5jH7gF4dS1";
        mark.hint = value.slice(-4);
        mark.previous_expires_at = body.overlap_hours ? stamp(Date.now() + body.overlap_hours * HOUR) : null;
        world.rotated = body;
        return { value };
      },
    ],
    [
      "POST",
      /^\/channels\/(\d+)\/test$/,
      ([id], body) => {
        const c = one(id);
        if (body.direction === "in") {
          const contact = contactOf({ email: "test@example.com", name: "Test" });
          const talked = talk(contact, c, world.widgets[0]);
          const message = addMessage(world, talked.id, {
            body: "This is a test.",
            sender: { type: "contact", id: contact.id, name: contact.name },
          });
          emit(world, "message.received", { conversation: { ...talked }, message });
          return { delivery_id: null, conversation_id: talked.id, message_id: message.id };
        }
        const good = c.stats.failing_since === null;
        const d = {
          ...world.deliveries[1],
          id: Math.max(...world.deliveries.map((each) => each.id)) + 1,
          endpoint_id: null,
          channel_id: c.id,
          event: { id: 0, seq: 0, type: "test" },
          event_name: "test",
          conversation_id: null,
          state: "pending",
          attempts: 0,
          created_at: stamp(Date.now()),
        };
        world.deliveries.unshift(d);
        setTimeout(
          () =>
            Object.assign(d, {
              attempts: 1,
              last_status: good ? 200 : 502,
              state: good ? "delivered" : "pending",
            }),
          400,
        );
        return { delivery_id: d.id, conversation_id: null, message_id: null };
      },
    ],
    [
      "GET",
      /^\/channels\/(\d+)\/chart$/,
      ([id], _, query) => chartOf(Number(id), query.get("range") ?? "1h"),
    ],
    [
      "GET",
      /^\/channels\/(\d+)\/inbound$/,
      ([id], _, query) => {
        one(id);
        const items = Number(id) === 1 ? (world.inbound ?? []) : [];
        const from = Number(query.get("cursor") ?? 0);
        return {
          items: items.slice(from, from + 50),
          next_cursor: from + 50 < items.length ? String(from + 50) : null,
        };
      },
    ],
    [
      "GET",
      /^\/contacts\/(\d+)\/addresses$/,
      ([id]) => ({
        items: (world.addresses ?? [])
          .filter((each) => each.contact === Number(id))
          .map(({ contact, ...each }) => each),
      }),
    ],
    [
      "POST",
      /^\/contacts\/(\d+)\/addresses\/(\d+)\/separate$/,
      ([id, address]) => {
        const found = world.addresses.find((each) => each.id === Number(address));
        const old = world.contacts.get(Number(id));
        const contact = { ...contactOf({ name: old.name }), email: found.email };
        world.contacts.set(contact.id, contact);
        Object.assign(found, { contact: contact.id, separated_at: stamp(Date.now()) });
        for (const c of world.conversations.values())
          if (c.contact.id === Number(id) && c.channel.id === found.channel.id) {
            c.contact = contact;
            emit(world, "conversation.updated", { conversation: { ...c } });
          }
        return { contact };
      },
    ],
    [
      "POST",
      /^\/conversations$/,
      (_, body) => {
        const c = one(body.channel_id);
        if (!body.contact_id && body.email !== undefined && !body.email.includes("@"))
          throw new Refused(422, "field.invalid", "this is not an e-mail address", { field: "email" });
        const contact = body.contact_id ? world.contacts.get(body.contact_id) : contactOf(body);
        const talked = talk(
          contact,
          c,
          world.widgets.find((w) => w.id === c.widget_id),
        );
        const o = operator();
        talked.operator = world.brief(o);
        const message = addMessage(world, talked.id, {
          body: body.body,
          state: "pending",
          sender: { type: "operator", id: o.id, name: o.name },
        });
        talked.operator_read = message.number;
        emit(world, "message.sent", { conversation: { ...talked }, message });
        world.started = body;
        return [201, { message, conversation: talked }];
      },
    ],
    [
      "GET",
      /^\/events$/,
      (_, __, query) => {
        const types = (query.get("types") ?? "").split(",");
        const after = Number(query.get("after") ?? 0);
        return {
          items: world.events.filter((event) => event.seq > after && types.includes(event.type)),
          next_after: world.seq,
          seq: world.seq,
        };
      },
    ],
    // Deliveries of channels are of no endpoint; the rest of the question is answered elsewhere.
    [
      "GET",
      /^\/deliveries$/,
      (_, __, query) => {
        const asked = query.get("channel_id");
        if (!asked) return PASS;
        const state = query.get("state");
        return {
          items: world.deliveries.filter(
            (d) => d.channel_id === Number(asked) && (!state || d.state === state),
          ),
          next_cursor: null,
        };
      },
    ],
  ];
}
