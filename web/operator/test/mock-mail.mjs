// The stand-in server's part for mails: the mail server, what widgets say of mails, what became of them, and the audit log.

const stamp = (ms) => `${new Date(ms).toISOString().slice(0, -1)}000Z`;
const HOUR = 3_600_000;

const NO_SERVER = {
  host: "",
  port: 0,
  tls: "",
  username: "",
  has_password: false,
  from_email: "",
  from_name: "",
  reply_to: "",
  per_minute: 0,
  dkim: { domain: "", selector: "", has_key: false, record: null },
  state: "unset",
  reason: "",
  waiting: 0,
  widgets: [],
};

const RECORD =
  "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuJ2MR8tEmbFhV1pPcYkVxYbTJx9yP3WcS5k0lq9nQn2ZbGqvH0T6xEw1sLZr";

const DEFAULTS = {
  transcript_subject: "Your conversation with {widget}",
  transcript_intro: "Hello {name},\n\nthis is what was said.",
  missed_subject: "{widget} has answered you",
  missed_intro: "Hello {name},\n\nthe answer came after you had left.",
  reauth_subject: "Your way back to {widget}",
  reauth_intro: "Hello {name},\n\nsomebody, probably you, wants to sign in.",
  footer: "You get this mail because you wrote to us. Answers to it by mail are not read.",
};
const EMPTY = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, ""]));

const WIDGET = {
  inbound_url: "",
  custom_email_api: { enabled: false, url: "", has_token: false, token_hint: "", context_as_text: false },
  transcript_on_end: false,
  transcript_offer: false,
  sign_in: true,
  missed_after_seconds: 0,
  from_name: "",
  logo_url: "",
  texts: EMPTY,
};

function escaped(text) {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;" })[sign]);
}

const LINES = [
  ["Ann Berg", "Hello, does the walnut lamp come with a longer cord?"],
  ["Ada Keller", "Good morning! Yes: 3 m instead of 1.8 m. Shall I add it to your order?"],
  ["Ann Berg", "<b>Yes</b>, please & thank you!"],
];

/** Formed like a real one: styles in the head and at the elements, nothing else. */
function write(kind, texts, widget) {
  const own = (name) =>
    (texts[name] || DEFAULTS[name]).replaceAll("{name}", "Ann").replaceAll("{widget}", widget.name);
  const intro = own(`${kind}_intro`);
  const lines = kind === "reauth" ? [] : kind === "missed" ? LINES.slice(1, 2) : LINES;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title><style>
    @media (prefers-color-scheme: dark) { .page { background: #14161a !important } .card { background: #1e2127 !important; color: #e8eaee !important } .soft { color: #a0a8b6 !important } }
    @media (max-width: 400px) { .card { padding: 16px !important } }
  </style></head><body style="margin:0"><div class="page" style="background:#f2f3f6;padding:24px 12px;font:15px/22px system-ui,sans-serif">
  <div class="card" style="max-width:560px;margin:0 auto;padding:24px;border-radius:8px;background:#fff;color:#1a1d24">
  <p style="margin:0 0 16px;font-weight:600;color:${widget.color}">${escaped(widget.name)}</p>
  <p style="margin:0 0 16px;white-space:pre-line">${escaped(intro)}</p>
  ${lines.map(([who, said]) => `<p style="margin:0 0 12px"><strong>${who}</strong><br>${escaped(said)}</p>`).join("")}
  ${kind === "reauth" ? '<p style="margin:0 0 16px;font:600 22px monospace">ABCDE-12345</p>' : ""}
  <p style="margin:0 0 16px"><a href="https://shop.example/help#parley=x" style="display:inline-block;padding:10px 16px;border-radius:6px;background:${widget.color};color:#fff;text-decoration:none">Go on with the conversation</a></p>
  <p class="soft" style="margin:0;font-size:13px;color:#565e6c">${escaped(own("footer"))}</p>
  <script>document.title = "run"</script></div></div></body></html>`;
  const text = [intro, ...lines.map(([who, said]) => `${who}:\n${said}`), own("footer")].join("\n\n");
  return { subject: own(`${kind}_subject`), html, text };
}

function mailOf(id, more) {
  return {
    id,
    kind: "transcript",
    state: "sent",
    reason: "",
    receiver: "ann.berg@example.org",
    conversation_id: 3,
    contact_id: 3,
    asked_by: "operator:1",
    created_at: stamp(Date.now() - id * 700_000),
    done_at: stamp(Date.now() - id * 690_000),
    delivery_id: 1000 + id,
    ...more,
  };
}

/** Gives a new world a mail server, a widget with a callback, mails in every state and something in the audit log. */
export function addMails(world) {
  const now = Date.now();
  world.mailServer = {
    ...structuredClone(NO_SERVER),
    host: "smtp.harbour-and-pine.example",
    port: 587,
    tls: "starttls",
    username: "support@harbour-and-pine.example",
    has_password: true,
    from_email: "support@harbour-and-pine.example",
    from_name: "Harbour & Pine",
    per_minute: 60,
    dkim: { domain: "harbour-and-pine.example", selector: "parley", has_key: true, record: RECORD },
    state: "ok",
    waiting: 1,
  };
  world.widgetMail = {
    1: {
      ...structuredClone(WIDGET),
      inbound_url: "https://shop.example/help",
      custom_email_api: {
        enabled: true,
        url: "https://shop.example/parley/email",
        has_token: true,
        token_hint: "cr3t",
        context_as_text: false,
      },
      transcript_on_end: true,
      missed_after_seconds: 900,
      from_name: "Harbour & Pine",
      texts: { ...EMPTY, transcript_subject: "What we talked about, {name}" },
    },
  };
  const talk = world.conversations.get(3);
  const email = talk.contact.email;
  world.mails = [
    mailOf(1, { state: "queued", receiver: email, done_at: null, contact_id: talk.contact.id }),
    mailOf(2, {
      kind: "missed",
      state: "queued",
      reason: "trying again: the receiver answered 503 Service Unavailable",
      receiver: email,
      done_at: null,
      asked_by: "system",
      contact_id: talk.contact.id,
    }),
    mailOf(3, {
      state: "failed",
      receiver: "a.very.long.address.that.does.not.end@subdomain.example.com",
      reason: "the mail server refused it: 550 5.1.1 no such user here",
      contact_id: talk.contact.id,
    }),
    mailOf(4, { receiver: email, contact_id: talk.contact.id }),
    mailOf(5, {
      kind: "reauth",
      receiver: email,
      conversation_id: null,
      asked_by: "contact:4",
      delivery_id: null,
    }),
    mailOf(6, {
      state: "dropped",
      reason: "the contact's data was deleted",
      receiver: "tomas@example.org",
      conversation_id: 2,
    }),
  ];
  world.mailProblem = { address: email, reason: "550 5.1.1 no such user here", at: stamp(now - 5 * HOUR) };
  world.problemOf = talk.contact.id;
  world.audit = [
    ["reauth.locked", "address:203.0.113.7", "widget:1", "5 wrong links or codes; locked for 15 minutes"],
    ["contact.erased", "contact:11", "contact:11", "2 conversations, 31 messages and 4 files"],
    ["mail_server.changed", "operator:1", "", ""],
  ].map(([action, by, subject, detail], index) => ({
    id: 3 - index,
    at: stamp(now - index * 26 * HOUR),
    action,
    by,
    subject,
    detail,
  }));
  return world;
}

const STATES = { queued: "pending", sent: "delivered", failed: "dead", dropped: "dropped" };

function deliveryOf(world, mail) {
  const retried = mail.reason.startsWith("trying again");
  return {
    ...world.deliveries[1],
    id: mail.delivery_id,
    endpoint_id: null,
    channel_id: null,
    event: { id: 70 + mail.id, seq: 70 + mail.id, type: "mail.queued" },
    event_name: mail.kind === "reauth" ? "reauth" : "transcript",
    conversation_id: mail.conversation_id,
    state: STATES[mail.state],
    attempts: mail.state === "queued" ? (retried ? 2 : 0) : 1,
    next_attempt_at: retried ? stamp(Date.now() + 40_000) : null,
    created_at: mail.created_at,
    last_status: mail.state === "sent" ? 250 : null,
    last_error: mail.state === "failed" ? mail.reason : retried ? "the receiver answered 503" : "",
    replay_of: null,
  };
}

export function mailRoutes(world, { emit, Refused }) {
  const server = () => (world.mailServer ??= structuredClone(NO_SERVER));
  const ofWidget = (id) => {
    if (!world.widgets.some((each) => each.id === Number(id)))
      throw new Refused(404, "widget.not_found", "There is no such widget.");
    world.widgetMail ??= {};
    world.widgetMail[id] ??= structuredClone(WIDGET);
    const own = world.widgetMail[id];
    const out = own.custom_email_api.enabled || server().state !== "unset";
    return {
      ...own,
      default_texts: DEFAULTS,
      state: out ? "ok" : "waiting",
      reason: out ? "" : "no mail server is set up",
    };
  };
  const states = () =>
    world.widgets.map(({ id, name }) => {
      const { state, reason } = ofWidget(id);
      return { widget_id: id, name, state, reason, waiting: id === 1 ? server().waiting : 0, failed: id - 1 };
    });
  const faults = (errors) => {
    if (errors.length === 0) return;
    throw new Refused(422, "request.invalid", "Some fields need a correction.", {
      errors: errors.length > 1 ? errors : undefined,
      ...(errors.length === 1 && { field: errors[0].field, detail: errors[0].detail }),
    });
  };
  const page = (items, query) => {
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    const next = from + limit < items.length ? String(from + limit) : null;
    return { items: items.slice(from, from + limit), next_cursor: next };
  };
  const mails = () => (world.mails ??= []);
  const one = (id) => {
    const mail = mails().find((each) => each.delivery_id === Number(id));
    if (!mail) throw new Refused(404, "delivery.not_found", "There is no such delivery.");
    return mail;
  };
  return [
    ["GET", /^\/mail\/server$/, () => ({ ...server(), widgets: states() })],
    [
      "PATCH",
      /^\/mail\/server$/,
      (_, body) => {
        const errors = [];
        if (body.host?.includes("/"))
          errors.push({
            field: "host",
            code: "field.invalid",
            detail: "write a host, such as smtp.example.com",
          });
        if (body.from_email !== undefined && !body.from_email.includes("@"))
          errors.push({
            field: "from_email",
            code: "field.invalid",
            detail: "this is not an e-mail address",
          });
        if (body.dkim?.private_key && !body.dkim.private_key.includes("BEGIN"))
          errors.push({ field: "dkim.private_key", code: "field.invalid", detail: "this is no PEM key" });
        faults(errors);
        world.serverSaved = body;
        const { password, dkim = {}, ...rest } = body;
        const { private_key, generate, ...names } = dkim;
        const now = server();
        Object.assign(now, rest, { state: "ok", waiting: 0 });
        if (password !== undefined) now.has_password = password !== "";
        Object.assign(now.dkim, names);
        if (generate || private_key) Object.assign(now.dkim, { has_key: true, record: RECORD });
        else if (private_key === "") Object.assign(now.dkim, { has_key: false, record: "" });
        return now;
      },
    ],
    [
      "DELETE",
      /^\/mail\/server$/,
      () => {
        world.mailServer = structuredClone(NO_SERVER);
      },
    ],
    [
      "POST",
      /^\/mail\/server\/test$/,
      (_, body) => {
        if (!body.to.includes("@"))
          throw new Refused(422, "field.invalid", "this is not an e-mail address", { field: "to" });
        return body.to.includes("nobody")
          ? {
              ok: false,
              status: 550,
              took_ms: 212.4,
              detail: "the server refused the address: 550 no such user here",
            }
          : { ok: true, status: 250, took_ms: 183.1, detail: "250 2.0.0 queued as 4F2A" };
      },
    ],
    ["GET", /^\/widgets\/(\d+)\/mail$/, ([id]) => ofWidget(id)],
    [
      "PATCH",
      /^\/widgets\/(\d+)\/mail$/,
      ([id], body) => {
        ofWidget(id);
        const own = world.widgetMail[id];
        const errors = [];
        const fault = (field, detail) => errors.push({ field, code: "field.invalid", detail });
        if (body.inbound_url && !/^https?:\/\/\w/.test(body.inbound_url))
          fault("inbound_url", "write a full address, starting with http:// or https://");
        if (body.custom_email_api?.url && /\/\/(10\.|127\.|localhost)/.test(body.custom_email_api.url))
          fault("custom_email_api.url", "the address is in a private network");
        if (body.logo_url && !body.logo_url.startsWith("https://"))
          fault("logo_url", "a logo has an address that begins with https://");
        for (const [name, text] of Object.entries(body.texts ?? {}))
          if (name.endsWith("_subject") && text.length > 200)
            fault(`texts.${name}`, "a subject has at most 200 characters");
        faults(errors);
        world.widgetMailSaved = body;
        const { custom_email_api, texts, ...rest } = body;
        Object.assign(own, rest);
        Object.assign(own.texts, texts);
        if (custom_email_api) {
          const { token, ...api } = custom_email_api;
          Object.assign(own.custom_email_api, api);
          if (token !== undefined)
            Object.assign(own.custom_email_api, { has_token: token !== "", token_hint: token.slice(-4) });
        }
        return ofWidget(id);
      },
    ],
    [
      "POST",
      /^\/widgets\/(\d+)\/mail\/test$/,
      ([id]) => {
        const { url } = ofWidget(id).custom_email_api;
        return url.includes("gone")
          ? { ok: false, status: 404, took_ms: 31.2, detail: "the receiver answered 404 Not Found" }
          : url.includes("slow")
            ? { ok: false, status: null, took_ms: 15_003, detail: "no answer within 15 seconds" }
            : { ok: true, status: 200, took_ms: 42.4, detail: "Connected" };
      },
    ],
    [
      "POST",
      /^\/widgets\/(\d+)\/mail\/preview$/,
      ([id], body) => {
        world.previewed = body;
        return write(
          body.kind,
          { ...ofWidget(id).texts, ...body.texts },
          world.widgets.find((each) => each.id === Number(id)),
        );
      },
    ],
    [
      "GET",
      /^\/mails$/,
      (_, __, query) => {
        const state = query.get("state");
        const conversation = query.get("conversation_id");
        const found = mails().filter(
          (each) =>
            (!state || each.state === state) &&
            (!conversation || each.conversation_id === Number(conversation)),
        );
        return page(found, query);
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/transcript$/,
      ([id], body) => {
        const c = world.conversations.get(Number(id));
        const receiver = body.receiver ?? c.contact.email;
        if (!receiver)
          throw new Refused(422, "mail.address_missing", "the contact has no e-mail address", {
            field: "receiver",
          });
        if (!receiver.includes("@"))
          throw new Refused(422, "field.invalid", "this is not an e-mail address", { field: "receiver" });
        const unset = server().state === "unset";
        const made = mailOf(Math.max(0, ...mails().map((each) => each.id)) + 1, {
          state: "queued",
          reason: unset ? "no mail server is set up" : "",
          receiver,
          conversation_id: c.id,
          contact_id: c.contact.id,
          created_at: stamp(Date.now()),
          done_at: null,
        });
        mails().unshift(made);
        world.transcript = body;
        emit(world, "mail.queued", { conversation: { ...c }, mail: { id: made.id, kind: made.kind } });
        if (!unset) setTimeout(() => Object.assign(made, { state: "sent", done_at: stamp(Date.now()) }), 300);
        return [202, made];
      },
    ],
    [
      "GET",
      /^\/contacts\/(\d+)$/,
      ([id]) => ({
        ...world.contacts.get(Number(id)),
        mail_problem: world.problemOf === Number(id) ? world.mailProblem : null,
      }),
    ],
    ["GET", /^\/audit$/, (_, __, query) => page(world.audit ?? [], query)],
    [
      "GET",
      /^\/mail\/deliveries$/,
      (_, __, query) => {
        const state = query.get("state");
        const all = mails()
          .filter((each) => each.delivery_id !== null)
          .map((each) => deliveryOf(world, each));
        return page(
          all.filter((each) => !state || each.state === state),
          query,
        );
      },
    ],
    [
      "GET",
      /^\/mail\/deliveries\/(\d+)$/,
      ([id]) => {
        const mail = one(id);
        const d = deliveryOf(world, mail);
        const written = write(mail.kind, {}, world.widgets[0]);
        return {
          ...d,
          request: {
            url:
              d.state === "delivered"
                ? "smtp://smtp.harbour-and-pine.example:587"
                : "https://shop.example/parley/email",
            headers: {
              "Content-Type": "application/json",
              "API-SECURITY-TOKEN": "***",
              "Webhook-Id": d.webhook_id,
            },
            body: JSON.stringify({
              html: written.html.replaceAll("parley=x", "parley=•••"),
              receiver: mail.receiver,
              subject: written.subject,
              text: written.text,
              email_type: d.event_name,
              context: { messages: [], conversation_url: "https://shop.example/help#parley=•••" },
            }),
          },
          attempt_log: Array.from({ length: d.attempts }, (_, index) => ({
            number: index + 1,
            started_at: stamp(Date.parse(d.created_at) + index * 30_000),
            duration_ms: 212.5,
            status: d.state === "delivered" ? 250 : 503,
            error: d.state === "delivered" ? "" : d.last_error,
            response_headers: {},
            response_body: d.state === "delivered" ? "250 2.0.0 queued as 4F2A" : "",
            outcome: d.state === "delivered" ? "delivered" : d.state === "dead" ? "dead" : "retry",
            retry_at: d.state === "pending" ? d.next_attempt_at : null,
          })),
        };
      },
    ],
    [
      "POST",
      /^\/mail\/deliveries\/(\d+)\/(replay|revive)$/,
      ([id]) => {
        const mail = one(id);
        Object.assign(mail, { state: "queued", reason: "", done_at: null });
        return { delivery: deliveryOf(world, mail) };
      },
    ],
  ];
}
