// A stand-in for the server, for tests only: the visitor API and its socket, in memory, plus levers under
// /mock/… that play the operator and break things. Start it with `npm run mock` and open /demo/shop.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { png, wav } from "./sample-files.mjs";

const web = join(dirname(fileURLToPath(import.meta.url)), "../..");
const TYPES = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".svg": "image/svg+xml",
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: https:; " +
  "media-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

class Problem extends Error {
  constructor(status, code, detail = code, retry = 0) {
    super(detail);
    Object.assign(this, { status, code, detail, retry });
  }
}

export function startMock(port = 0) {
  const widget = {
    id: 1,
    key: "w_demo",
    name: "Demo shop",
    lang: "en",
    color: "#4f46e5",
    position: "right",
    title: "Demo shop",
    subtitle: "Usually answers within minutes",
    greeting: "Hello! How can we help you?",
    theme: "auto",
  };
  const ann = { type: "operator", id: 1, name: "Ann Lee", image_url: "" };
  const world = {
    widget,
    availability: "online",
    identityRequired: false,
    ratingForm: "stars",
    askFeedback: false,
    survey: null,
    goals: ["newsletter"],
    /** How many of the next ratings, feedbacks and answers fail. */
    failSaid: 0,
    seq: 100,
    operators: [
      { name: "Ann Lee", image_url: "" },
      { name: "Ben", image_url: "" },
    ],
    contacts: [],
    conversations: [],
    messages: [],
    tokens: new Map(),
    seen: new Map(),
    log: [],
    /** Levers: how many of the next sends fail, answers delayed, sockets refused, resume too far. */
    failSends: 0,
    failStatus: 503,
    loseAnswers: 0,
    delay: 0,
    denySockets: false,
    tooFar: false,
    frames: [],
    maxUpload: 25 << 20,
    channels: [],
    /** Uploaded and sample files by key. */
    files: new Map(),
    /** How many of the next uploads fail, with what, and how long each takes. */
    failUploads: 0,
    failUploadStatus: 503,
    uploadDelay: 0,
    holdUploads: false,
    uploading: 0,
    mostUploading: 0,
    signIn: true,
    transcripts: true,
    /** Ways to sign in by mail, and the mails that went out. */
    ways: [],
    mails: [],
    wrongTries: 0,
    lockedFor: 0,
    /** How many of the next sign-ins, erasures and downloads fail. */
    failAccount: 0,
    /** Seconds to wait before the next mail may be asked for. */
    askAgainIn: 0,
    /** Browsers by token. */
    browsers: new Map(),
    offlineForm: false,
    opensAt: null,
    showVisitors: false,
    /** How many of the next offline messages fail, and with what. */
    failOffline: 0,
    failOfflineStatus: 503,
    /** Traits that the server does not take. */
    badTraits: false,
    /** Who is on the site by key, and calls of theirs that wait. */
    visitors: new Map(),
    holdHere: 20_000,
  };
  const lines = new Set();
  let ids = 0;
  const now = () => new Date().toISOString().replace("Z", "000Z");

  const wireMessage = (m) => {
    const c = world.conversations.find((one) => one.id === m.conversation_id);
    const own = m.sender.type === "contact";
    const { contactId: _contactId, ...rest } = m;
    return {
      media: null,
      link: null,
      edited_at: null,
      deleted_at: null,
      choices: [],
      ...rest,
      sender: { type: m.sender.type, name: m.sender.name, image_url: "" },
      state: own ? (c.operator_read >= m.number ? "read" : (m.reached ?? "sent")) : "sent",
      reached: undefined,
    };
  };
  const wireConversation = (c) => {
    const own = world.messages.filter((m) => m.conversation_id === c.id);
    const said = own.filter((m) => m.type === "message" || m.type === "media");
    const last = said.at(-1);
    return {
      id: c.id,
      status: c.status,
      created_at: c.created_at,
      ended_at: c.ended_at,
      updated_at: c.updated_at,
      operator: c.operator,
      last_message: last ? wireMessage(last) : null,
      message_count: own.length,
      unread: said.filter((m) => m.sender.type !== "contact" && m.number > c.contact_read).length,
      channel: c.channel ?? { type: "website", name: "" },
      moved: Boolean(c.moved),
      contact_read: c.contact_read,
      operator_read: c.operator_read,
      contact_delivered: c.contact_delivered,
      rating: c.rating ?? null,
      feedback: Boolean(c.feedback),
      survey: Boolean(c.survey),
      asks: !c.discarded,
    };
  };
  const push = (contactId, frame) => {
    const full = { seq: ++world.seq, ...frame };
    world.frames.push({ contactId, full });
    for (const line of lines) if (line.contactId === contactId) line.socket.send(JSON.stringify(full));
  };
  const add = (c, sender, body, extra = {}) => {
    const number = world.messages.filter((m) => m.conversation_id === c.id).length + 1;
    const m = {
      id: ++ids,
      conversation_id: c.id,
      number,
      type: "message",
      sender,
      body,
      event: null,
      client_id: null,
      sent_at: now(),
      ...extra,
    };
    world.messages.push(m);
    c.updated_at = now();
    return m;
  };
  const announce = (c, m) =>
    push(c.contactId, { type: "message", conversation: wireConversation(c), message: wireMessage(m) });
  const changed = (c, m = null) =>
    push(c.contactId, {
      type: "conversation",
      conversation: wireConversation(c),
      message: m && wireMessage(m),
    });
  const open = (contactId) => {
    const c = {
      id: ++ids,
      contactId,
      status: "new",
      created_at: now(),
      updated_at: now(),
      ended_at: null,
      operator: null,
      contact_read: 0,
      operator_read: 0,
      contact_delivered: 0,
    };
    world.conversations.push(c);
    return c;
  };
  const end = (c, by, reason) => {
    c.status = "ended";
    c.ended_at = now();
    changed(
      c,
      add(c, { type: "system", name: "" }, "", {
        type: "event",
        event: { name: "ended", by, operator: null, group: null, reason },
      }),
    );
  };
  const say = (c, what, body) => {
    const extra = { type: what, event: { name: what, rating: null, survey: null } };
    if (what === "rating") {
      c.rating = body.value;
      extra.event.rating = { value: body.value, form: world.ratingForm };
    } else if (what === "feedback") c.feedback = body.text;
    else {
      c.survey = body.option;
      extra.event.survey = { question: world.survey.question, option: body.option };
    }
    changed(c, add(c, { type: "contact", name: "" }, body.text ?? "", extra));
  };
  const wireContact = (one) => ({
    id: one.id,
    uuid: one.uuid,
    name: one.name,
    email: one.email,
    phone: one.phone,
    custom: one.custom,
  });
  const newContact = (fields = {}) => {
    const one = { id: ++ids, uuid: randomUUID(), name: "", email: "", phone: "", custom: {}, ...fields };
    world.contacts.push(one);
    return one;
  };
  const newToken = (contactId, more = {}) => {
    const token = `vt_${randomUUID()}`;
    world.tokens.set(token, contactId);
    const at = now();
    world.browsers.set(token, {
      id: randomUUID(),
      browser: "Chrome",
      os: "Linux",
      created_at: at,
      seen_at: at,
      mailed: false,
      ...more,
    });
    return token;
  };
  const endToken = (token) => {
    world.tokens.delete(token);
    for (const line of lines) {
      if (line.token !== token) continue;
      line.socket.send('{"type":"error","code":"auth.invalid","detail":"token"}');
      line.socket.close(4003);
    }
  };
  const tokensOf = (contactId) =>
    [...world.tokens].filter(([, id]) => id === contactId).map(([token]) => token);

  /** Sends a mail with a way in. */
  function mailWay(contact, conversation = null, expired = false) {
    const code = randomUUID().slice(0, 11).toUpperCase().replaceAll("-", "").padEnd(10, "X");
    const way = {
      contactId: contact.id,
      email: contact.email,
      conversation,
      link: randomUUID().replaceAll("-", "").padEnd(43, "_"),
      code: `${code.slice(0, 5)}-${code.slice(5, 10)}`,
      used: expired,
    };
    world.ways.push(way);
    world.mails.push({ to: contact.email, ...way });
    return way;
  }

  function signIn(request, body) {
    if (world.failAccount > 0) {
      world.failAccount--;
      throw new Problem(503, "database.busy");
    }
    if (world.lockedFor) throw new Problem(429, "reauth.locked", "too many", world.lockedFor);
    const bare = (text) => text.toUpperCase().replace(/[^0-9A-Z]/g, "");
    const way = world.ways.find((one) =>
      body.link ? one.link === body.link : bare(one.code) === bare(body.code),
    );
    world.log.push({ signIn: body, bearer: request.headers.authorization ?? null });
    if (!way || way.used) {
      if (++world.wrongTries >= 5) world.lockedFor = 900;
      throw new Problem(403, "reauth.invalid");
    }
    way.used = true;
    const contact = world.contacts.find((one) => one.id === way.contactId);
    const bearer = request.headers.authorization?.slice(7);
    const guest = world.contacts.find((one) => one.id === world.tokens.get(bearer));
    // Only to the address that was asked for in the guest's browser.
    if (
      guest &&
      guest !== contact &&
      body.address === way.email &&
      (!guest.email || guest.email === way.email)
    ) {
      for (const c of world.conversations) if (c.contactId === guest.id) c.contactId = contact.id;
      for (const token of tokensOf(guest.id)) endToken(token);
    }
    if (contact.signed !== way.email) for (const token of tokensOf(contact.id)) endToken(token);
    contact.signed = way.email;
    return {
      token: newToken(contact.id, { mailed: true }),
      contact: wireContact(contact),
      conversation_id: way.conversation,
    };
  }

  function whoIs(request, needed = true) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (!token) {
      if (needed) throw new Problem(401, "auth.required");
      return null;
    }
    const id = world.tokens.get(token);
    if (!id) throw new Problem(401, "auth.invalid");
    return world.contacts.find((one) => one.id === id);
  }
  const conversationOf = (contact, id) => {
    const c = world.conversations.find((one) => one.id === id && one.contactId === contact?.id);
    if (!c) throw new Problem(404, "conversation.not_found");
    return c;
  };

  /** What a page says about its visitor, unchecked. */
  function claim(body) {
    if (body.claimed && world.badTraits) throw new Problem(422, "custom.invalid", "claimed.traits");
    if (body.claimed && typeof body.claimed.traits !== "object") throw new Problem(422, "request.invalid");
  }

  function leaveOffline(request, body) {
    for (const name of Object.keys(body))
      if (!["client_id", "name", "email", "message", "claimed", "visit"].includes(name))
        throw new Problem(422, "request.unknown_field", name);
    world.log.push({ offline: body });
    if (world.failOffline > 0) {
      world.failOffline--;
      throw new Problem(
        world.failOfflineStatus,
        world.failOfflineStatus === 422 ? "field.invalid" : "server.busy",
      );
    }
    claim(body);
    if (!/^[^@\s]+@[^@\s]+$/.test(body.email)) throw new Problem(422, "field.invalid", "email");
    const known = whoIs(request, false);
    const before = world.seen.get(body.client_id);
    const contact = before
      ? world.contacts.find((one) => one.id === before.contactId)
      : (known ?? newContact({ name: body.name, email: body.email.trim(), claimed: body.claimed ?? null }));
    let c = world.conversations.find((one) => one.id === before?.conversation_id);
    if (!before) {
      c = open(contact.id);
      const m = add(c, { type: "contact", name: contact.name }, body.message.trim());
      world.seen.set(body.client_id, { ...m, contactId: contact.id });
      announce(c, m);
    }
    if (world.loseAnswers > 0) {
      world.loseAnswers--;
      throw new Problem(0, "lost");
    }
    return {
      token: known ? null : newToken(contact.id),
      contact: wireContact(contact),
      conversation_id: c.id,
    };
  }

  /** Somebody is on the site. Waits as the server does. */
  async function here(request, body) {
    whoIs(request, false);
    if (!world.showVisitors) throw new Problem(409, "visitor.list_off");
    world.log.push({ here: body });
    let row = world.visitors.get(body.key);
    if (body.left) {
      world.visitors.delete(body.key);
      return { key: "", invitation: null };
    }
    const first = !row;
    if (!row) {
      row = { key: randomUUID(), invitation: null, told: 0, pages: [] };
      world.visitors.set(row.key, row);
    }
    if (row.pages.at(-1) !== body.visit.url) row.pages.push(body.visit.url);
    const end = Date.now() + world.holdHere;
    while (!first && Date.now() < end && (row.invitation?.id ?? 0) === row.told && !request.destroyed)
      await new Promise((resolve) => setTimeout(resolve, 30));
    row.told = row.invitation?.id ?? 0;
    return { key: row.key, invitation: row.invitation };
  }

  function sendMessage(request, body) {
    for (const name of Object.keys(body)) {
      if (
        ![
          "client_id",
          "body",
          "media",
          "conversation_id",
          "reopen",
          "contact",
          "custom",
          "identity",
          "visit",
          "claimed",
          "invitation",
        ].includes(name)
      )
        throw new Problem(422, "request.unknown_field", name);
    }
    if (world.failSends > 0) {
      world.failSends--;
      throw new Problem(world.failStatus, world.failStatus === 422 ? "text.invalid" : "server.busy");
    }
    claim(body);
    const file = body.media ? world.files.get(body.media) : null;
    if (body.media && !file) throw new Problem(404, "media.not_found");
    if (!body.body.trim() && !file) throw new Problem(422, "message.empty");
    world.log.push({ sent: body });
    let contact = whoIs(request, false);
    const before = world.seen.get(body.client_id);
    if (before) {
      const c = world.conversations.find((one) => one.id === before.conversation_id);
      return {
        token: contact ? null : newToken(c.contactId),
        contact: wireContact(world.contacts.find((one) => one.id === c.contactId)),
        conversation: wireConversation(c),
        message: wireMessage(before),
        duplicate: true,
      };
    }
    let token = null;
    if (!contact) {
      contact = newContact({ ...body.contact, claimed: body.claimed ?? null });
      token = newToken(contact.id);
    }
    let c = body.conversation_id
      ? conversationOf(contact, body.conversation_id)
      : world.conversations
          .filter((one) => one.contactId === contact.id && one.status !== "ended" && !one.moved)
          .at(-1);
    if (c?.status === "ended") {
      if (!body.reopen) throw new Problem(409, "conversation.ended");
      c.status = "open";
      c.ended_at = null;
      c.discarded = false;
      changed(
        c,
        add(c, { type: "system", name: "" }, "", {
          type: "event",
          event: {
            name: "reopened",
            by: { type: "contact", id: contact.id, name: "" },
            operator: null,
            group: null,
            reason: null,
          },
        }),
      );
    }
    if (!c) {
      c = open(contact.id);
      const waiting = [...world.visitors.values()].find(
        ({ invitation }) =>
          invitation?.id === body.invitation?.id && invitation?.secret === body.invitation?.secret,
      );
      if (body.invitation && waiting) {
        add(c, { ...ann, name: waiting.invitation.operator.name }, waiting.invitation.body);
        waiting.invitation = null;
      }
    }
    if (c.moved) throw new Problem(409, "conversation.moved");
    const m = add(c, { type: "contact", name: contact.name }, body.body, {
      client_id: body.client_id,
      ...(file && { type: "media", media: file.media }),
    });
    world.seen.set(body.client_id, m);
    announce(c, m);
    if (world.loseAnswers > 0) {
      world.loseAnswers--;
      throw new Problem(0, "lost");
    }
    return {
      token,
      contact: wireContact(contact),
      conversation: wireConversation(c),
      message: wireMessage(m),
      duplicate: false,
    };
  }

  /** Keeps a file and says what it is. */
  function store(bytes, name, type, more = {}) {
    const key = randomUUID();
    const kind = /^(image|audio|video)\//.exec(type)?.[1] ?? (type === "application/pdf" ? "pdf" : "file");
    const url = `${base}/media/${key}/${encodeURIComponent(name)}`;
    const picture = kind === "image" && bytes.length > 24 && bytes.toString("latin1", 12, 16) === "IHDR";
    const media = {
      kind,
      state: "stored",
      name,
      content_type: type,
      size: bytes.length,
      width: picture ? bytes.readUInt32BE(16) : null,
      height: picture ? bytes.readUInt32BE(20) : null,
      duration_ms: null,
      peaks: [],
      url,
      thumb_url: kind === "image" ? `${url}?v=thumb` : null,
      error: null,
      ...more,
    };
    world.files.set(key, { bytes, media });
    return { key, ...media };
  }

  async function upload(request, url, bytes) {
    world.uploading++;
    world.mostUploading = Math.max(world.mostUploading, world.uploading);
    try {
      if (world.uploadDelay) await new Promise((resolve) => setTimeout(resolve, world.uploadDelay));
      while (world.holdUploads) await new Promise((resolve) => setTimeout(resolve, 20));
      const query = url.searchParams;
      world.log.push({ upload: query.get("name"), token: request.headers.authorization ?? null });
      if (world.failUploads > 0) {
        world.failUploads--;
        throw new Problem(
          world.failUploadStatus,
          world.failUploadStatus === 503 ? "server.busy" : "media.refused",
        );
      }
      if (bytes.length > world.maxUpload) throw new Problem(413, "media.too_large");
      const voice = query.get("voice") === "1" && {
        kind: "voice",
        duration_ms: Number(query.get("duration_ms")),
        peaks: query.get("peaks").split(",").map(Number),
      };
      const {
        state: _state,
        error: _error,
        ...answer
      } = store(bytes, query.get("name"), request.headers["content-type"], voice || {});
      return answer;
    } finally {
      world.uploading--;
    }
  }

  function api(request, url, body) {
    const path = url.pathname.replace("/visitor/v1", "");
    const route = `${request.method} ${path}`;
    let match = /^\/widgets\/([^/]+)(\/.*)?$/.exec(path);
    if (match) {
      if (match[1] === "w_denied")
        throw new Problem(403, "widget.origin_denied", "This site may not show the widget.");
      if (match[1] !== widget.key) throw new Problem(404, "widget.not_found", "There is no such widget.");
      if (!match[2])
        return {
          widget,
          availability: world.availability,
          operators: world.operators,
          identity_required: world.identityRequired,
          rating_form: world.ratingForm,
          ask_feedback: world.askFeedback,
          survey: world.survey,
          max_upload: world.maxUpload,
          channels: world.channels,
          sign_in: world.signIn && !world.identityRequired,
          transcripts: world.transcripts,
          offline_form: world.offlineForm,
          opens_at: world.opensAt,
          show_visitors: world.showVisitors,
        };
      if (match[2] === "/offline-messages") return leaveOffline(request, body);
      if (match[2] === "/here") return here(request, body);
      if (match[2] === "/messages") return sendMessage(request, body);
      if (match[2] === "/sign-in") return signIn(request, body);
      if (match[2] === "/reauth") {
        if (world.askAgainIn) throw new Problem(429, "request.limited", "too many", world.askAgainIn);
        if (!/^[^@\s]+@[^@\s]+$/.test(body.email)) throw new Problem(422, "field.invalid");
        const known = world.contacts.findLast((one) => one.email === body.email && !one.external);
        world.log.push({ asked: body.email });
        if (known) mailWay(known);
        return {};
      }
      if (match[2] === "/identify") {
        if (!body.identity.includes("good"))
          throw new Problem(401, "identity.invalid", "The signature is wrong.");
        const old = whoIs(request, false);
        const contact =
          world.contacts.find((one) => one.external === body.identity) ??
          newContact({ name: "Known", external: body.identity });
        for (const c of world.conversations) if (old && c.contactId === old.id) c.contactId = contact.id;
        return { token: newToken(contact.id), contact: wireContact(contact) };
      }
    }
    const me = whoIs(request);
    if (route === "GET /me") {
      const mine = world.conversations.filter((c) => c.contactId === me.id).map(wireConversation);
      return {
        contact: wireContact(me),
        conversations: mine.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).slice(0, 50),
        seq: world.seq,
      };
    }
    if (route === "PATCH /me") {
      claim(body);
      world.log.push({ changed: body });
      Object.assign(me, body, { custom: { ...me.custom, ...body.custom } });
      push(me.id, { type: "contact", contact: wireContact(me) });
      return { contact: wireContact(me) };
    }
    if (route === "POST /logout") {
      world.tokens.delete(request.headers.authorization.slice(7));
      return undefined;
    }
    if (route === "POST /goals") {
      world.log.push({ goal: body.key });
      if (!world.goals.includes(body.key)) throw new Problem(404, "goal.not_found", "no such goal");
      return { reached: true };
    }
    if (route === "GET /me/devices") {
      const own = request.headers.authorization.slice(7);
      const devices = tokensOf(me.id).map((token) => ({
        ...world.browsers.get(token),
        current: token === own,
      }));
      return { devices };
    }
    match = /^\/me\/devices\/([\w-]+)\/sign-out$/.exec(path);
    if (match) {
      const token = tokensOf(me.id).find((one) => world.browsers.get(one).id === match[1]);
      if (!token) throw new Problem(404, "device.not_found");
      endToken(token);
      return undefined;
    }
    if (route === "GET /me/data" || route === "POST /me/erase") {
      if (world.failAccount > 0) {
        world.failAccount--;
        throw new Problem(503, "database.busy");
      }
      const mine = world.conversations.filter((c) => c.contactId === me.id);
      if (route === "GET /me/data") {
        const messages = (c) => world.messages.filter((m) => m.conversation_id === c.id).map(wireMessage);
        return {
          contact: wireContact(me),
          conversations: mine.map((c) => ({ ...wireConversation(c), messages: messages(c) })),
        };
      }
      if (!body.confirm) throw new Problem(422, "field.invalid");
      world.log.push({ erased: me.id });
      world.messages = world.messages.filter((m) => !mine.some((c) => c.id === m.conversation_id));
      world.conversations = world.conversations.filter((c) => !mine.includes(c));
      world.contacts = world.contacts.filter((one) => one !== me);
      for (const token of tokensOf(me.id)) endToken(token);
      return {};
    }
    match = /^\/conversations\/(\d+)\/(messages|read|end|rating|feedback|survey|channel|transcript)$/.exec(
      path,
    );
    if (!match) throw new Problem(404, "http.not_found");
    const c = conversationOf(me, Number(match[1]));
    if (match[2] === "messages") {
      const before = Number(url.searchParams.get("before") ?? Number.POSITIVE_INFINITY);
      const limit = Number(url.searchParams.get("limit") ?? 50);
      const all = world.messages.filter((m) => m.conversation_id === c.id && m.number < before);
      return { items: all.slice(-limit).map(wireMessage), has_more: all.length > limit, seq: world.seq };
    }
    if (match[2] === "read") {
      world.log.push({ read: body.number, conversation: c.id });
      c.contact_read = Math.max(c.contact_read, body.number);
      changed(c);
      return undefined;
    }
    if (match[2] === "transcript") {
      if (!me.email) throw new Problem(422, "mail.address_missing");
      if (world.askAgainIn) throw new Problem(429, "mail.limited", "too many", world.askAgainIn);
      world.mails.push({ to: me.email, transcript: c.id });
      return {};
    }
    if (match[2] === "channel") {
      world.log.push({ moved: c.id, ...body });
      const channel = world.channels.find((one) => one.id === body.channel_id);
      if (!channel) throw new Problem(409, "channel.not_offered");
      c.channel = { type: channel.type, name: channel.name };
      c.moved = true;
      changed(c);
      return { conversation: wireConversation(c) };
    }
    if (match[2] !== "end") {
      world.log.push({ said: match[2], ...body });
      if (world.failSaid > 0) {
        world.failSaid--;
        throw new Problem(503, "database.busy");
      }
      say(c, match[2], body);
      return { conversation: wireConversation(c) };
    }
    if (c.status !== "ended") end(c, { type: "contact", id: me.id, name: me.name }, "contact");
    return { conversation: wireConversation(c) };
  }

  /** The operator, and trouble. Body: {"do": …}. */
  function lever(body) {
    const c = world.conversations.findLast((one) => !body.conversation || one.id === body.conversation);
    switch (body.do) {
      case "set":
        Object.assign(world, body.world);
        Object.assign(widget, body.widget);
        if (body.world?.availability)
          for (const line of lines)
            line.socket.send(JSON.stringify({ type: "availability", availability: world.availability }));
        return null;
      case "reply": {
        c.operator = { name: body.name ?? ann.name, image_url: "" };
        c.status = "open";
        c.operator_read = world.messages.filter((m) => m.conversation_id === c.id).length;
        const m = add(c, { ...ann, name: body.name ?? ann.name }, body.body, { choices: body.choices ?? [] });
        announce(c, m);
        return wireMessage(m);
      }
      case "file": {
        // A file of the operator: what is given, or a sample.
        const samples = {
          image: [png(640, 400), "garden.png", "image/png"],
          audio: [wav(4), "song.wav", "audio/wav"],
          voice: [wav(4), "voice.wav", "audio/wav"],
          video: [Buffer.alloc(2000), "clip.mp4", "video/mp4"],
          pdf: [Buffer.alloc(180_000), "Delivery note 2026-11.pdf", "application/pdf"],
          file: [Buffer.alloc(2_400_000), "measurements.zip", "application/zip"],
        };
        const { key: _key, ...media } = store(...samples[body.kind], { kind: body.kind, ...body.media });
        const m = add(c, ann, body.body ?? "", { type: "media", media });
        announce(c, m);
        return wireMessage(m);
      }
      case "change": {
        // A message becomes different: edited, deleted, its card or its file came.
        const m = world.messages.findLast(
          (one) => one.number === body.number && one.conversation_id === c.id,
        );
        Object.assign(m, body.patch);
        if (body.card)
          m.link = { ...body.card, image_url: store(png(600, 315), "card.png", "image/png").url };
        push(c.contactId, {
          type: "message_updated",
          conversation: wireConversation(c),
          message: wireMessage(m),
        });
        return null;
      }
      case "invite": {
        // To everybody who is on the site.
        for (const row of world.visitors.values())
          row.invitation = {
            id: ++ids,
            secret: randomUUID(),
            body: body.body,
            operator: { name: body.name ?? ann.name, image_url: "" },
            created_at: now(),
          };
        return null;
      }
      case "mail": {
        const to = world.contacts.find((one) => one.id === c.contactId);
        if (body.email) to.email = body.email;
        return mailWay(to, c.id, body.expired);
      }
      case "browser":
        // The contact is signed in somewhere else too.
        return newToken(c.contactId, body.browser);
      case "note":
        add(c, { type: "contact", name: "" }, "", { type: "event", event: null });
        return null;
      case "read":
        c.operator_read = world.messages.filter((m) => m.conversation_id === c.id).length;
        changed(c);
        return null;
      case "end":
        c.discarded = Boolean(body.discard);
        end(c, { type: "operator", id: 1, name: ann.name }, "operator");
        return null;
      case "typing":
        for (const line of lines)
          line.socket.send(
            JSON.stringify({
              type: "typing",
              conversation_id: c.id,
              by: { type: "operator", id: 1, name: ann.name },
              text: null,
              ttl_seconds: body.ttl ?? 6,
            }),
          );
        return null;
      case "fill":
        for (let i = 0; i < body.count; i++) {
          const own = i % 3 === 0;
          add(
            c,
            own ? { type: "contact", name: "" } : ann,
            `Message ${i + 1}: ${"some words to fill the line ".repeat((i % 4) + 1)}`.trim(),
            {
              sent_at: new Date(Date.now() - (body.count - i) * 7 * 60_000).toISOString(),
              client_id: own ? randomUUID() : null,
            },
          );
        }
        c.contact_read = c.operator_read = body.count;
        return null;
      case "cut":
        for (const line of lines) line.socket.terminate();
        return null;
      case "resync":
        for (const line of lines) {
          line.socket.send('{"type":"resync","reason":"slow"}');
          line.socket.close(4001);
        }
        return null;
      case "log":
        return {
          log: world.log,
          conversations: world.conversations.map(wireConversation),
          messages: world.messages.map(wireMessage),
          contacts: world.contacts,
        };
    }
    throw new Problem(400, "lever");
  }

  function page(request, response, url) {
    const { pathname } = url;
    const file = world.files.get(/^\/media\/([^/]+)\//.exec(pathname)?.[1]);
    if (file) {
      const { bytes, media } = file;
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const end = to ? Number(to) + 1 : bytes.length;
      response.writeHead(from ? 206 : 200, {
        "Content-Type": media.content_type,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Accept-Ranges": "bytes",
        ...(from && { "Content-Range": `bytes ${from}-${end - 1}/${bytes.length}` }),
      });
      return response.end(bytes.subarray(Number(from ?? 0), end));
    }
    const key = url.searchParams.get("key") ?? "w_demo";
    const snippet = `<script src="/widget/loader.js" data-widget="${key}" async></script>`;
    if (pathname === "/demo/shop" || pathname.startsWith("/demo/shop/")) {
      const html = readFileSync(join(web, "demo/shop.html"), "utf8").replace("{{SNIPPET}}", snippet);
      const rtl = url.searchParams.has("rtl") ? html.replace("<html", '<html dir="rtl"') : html;
      response.writeHead(200, { "Content-Type": TYPES[".html"], "Content-Security-Policy": CSP });
      return response.end(rtl);
    }
    if (pathname === "/blank") {
      response.writeHead(200, { "Content-Type": TYPES[".html"], "Content-Security-Policy": CSP });
      return response.end(
        "<!doctype html><html lang=en><title>Blank</title><main><h1>Blank</h1><button>Page button</button></main></html>",
      );
    }
    const asset = pathname.startsWith("/widget/") ? join(web, "dist", pathname) : join(web, pathname);
    if (!/^\/(widget|demo)\/[\w.-]+$/.test(pathname) || !existsSync(asset)) {
      response.writeHead(404);
      return response.end();
    }
    response.writeHead(200, {
      "Content-Type": TYPES[extname(asset)] ?? "text/plain",
      "Access-Control-Allow-Origin": "*",
      "Cache-Control": "no-cache",
    });
    return response.end(readFileSync(asset));
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://mock");
    if (request.method === "GET" && !url.pathname.startsWith("/visitor/"))
      return page(request, response, url);
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
    response.setHeader("Access-Control-Allow-Headers", "authorization, content-type");
    response.setHeader("Access-Control-Allow-Methods", "GET, POST, PATCH");
    response.setHeader("Access-Control-Expose-Headers", "Retry-After");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const parts = [];
    try {
      for await (const part of request) parts.push(part);
    } catch {
      // The visitor called it off.
      return response.destroy();
    }
    const raw = Buffer.concat(parts);
    try {
      if (/^\/visitor\/v1\/widgets\/[^/]+\/media$/.test(url.pathname)) {
        const value = await upload(request, url, raw);
        response.writeHead(201, { "Content-Type": "application/json" });
        return response.end(JSON.stringify(value));
      }
      const text = String(raw);
      const body = text ? JSON.parse(text) : undefined;
      if (url.pathname === "/mock") {
        response.writeHead(200, { "Content-Type": "application/json" });
        return response.end(JSON.stringify(lever(body)));
      }
      if (world.delay) await new Promise((resolve) => setTimeout(resolve, world.delay));
      const value = await api(request, url, body);
      response.writeHead(value === undefined ? 204 : /messages$/.test(url.pathname) && text ? 201 : 200, {
        "Content-Type": "application/json",
      });
      response.end(value === undefined ? "" : JSON.stringify(value));
    } catch (fault) {
      if (fault.code === "lost") return request.socket.destroy();
      const { status = 500, code = "server.fault", detail = String(fault) } = fault;
      if (status === 500) console.error(fault);
      response.writeHead(status, {
        "Content-Type": "application/problem+json",
        ...(fault.retry && { "Retry-After": fault.retry }),
      });
      response.end(
        JSON.stringify({ type: `/docs/errors#${code}`, title: code, status, detail, code, request_id: "1" }),
      );
    }
  });

  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "parley.v1" });
  server.on("upgrade", (request, raw, head) => {
    if (world.denySockets || !request.url.startsWith("/visitor/v1/socket")) return raw.destroy();
    sockets.handleUpgrade(request, raw, head, (socket) => {
      const line = { socket, contactId: 0 };
      const beat = setInterval(() => socket.send('{"type":"ping"}'), 25_000);
      socket.on("close", () => {
        clearInterval(beat);
        lines.delete(line);
      });
      socket.on("message", (data) => {
        const frame = JSON.parse(String(data));
        world.log.push({ frame });
        if (frame.type === "delivered") {
          const c = world.conversations.find((one) => one.id === frame.conversation_id);
          c.contact_delivered = Math.max(c.contact_delivered, frame.number);
        }
        if (frame.type !== "hello") return;
        line.contactId = world.tokens.get(frame.token) ?? 0;
        line.token = frame.token;
        if (!line.contactId) {
          socket.send('{"type":"error","code":"auth.invalid","detail":"token"}');
          return socket.close(4003);
        }
        if (world.tooFar) {
          world.tooFar = false;
          socket.send('{"type":"resync","reason":"too_far"}');
          return socket.close(4001);
        }
        socket.send(JSON.stringify({ type: "welcome", seq: world.seq, heartbeat_seconds: 25 }));
        if (frame.after !== null) {
          for (const { contactId, full } of world.frames) {
            if (contactId === line.contactId && full.seq > frame.after) socket.send(JSON.stringify(full));
          }
        }
        lines.add(line);
      });
    });
  });

  let base = "";
  return new Promise((resolve) =>
    server.listen(port, "127.0.0.1", () => {
      base = `http://127.0.0.1:${server.address().port}`;
      resolve({ base, world, lever, stop: () => server.close() });
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { base } = await startMock(Number(process.env.PORT ?? 8099));
  console.log(`${base}/demo/shop`);
}
