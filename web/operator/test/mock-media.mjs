// The stand-in server's part for files in messages: uploads, addresses, edits and deletions, and a conversation that has
// one of everything. All in memory.

import { deflateSync } from "node:zlib";

const stamp = (ms) => `${new Date(ms).toISOString().slice(0, -1)}000Z`;
const WEEK = 7 * 86_400_000;

/** A picture of two colours, so that it can be seen without a decoder's mercy. */
function png(width, height, [r, g, b]) {
  const crcs = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    let crc = 0xffffffff;
    for (const byte of body) crc = crcs[(crc ^ byte) & 0xff] ^ (crc >>> 8);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const light = 0.55 + 0.45 * Math.sin((x + y) / (width / 6));
      rows.set([r * light, g * light, b * light], y * (1 + width * 3) + 1 + x * 3);
    }
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A tone that a browser can play. */
function wav(seconds) {
  const rate = 8000;
  const out = Buffer.alloc(44 + rate * seconds);
  out.write("RIFF", 0);
  out.writeUInt32LE(36 + rate * seconds, 4);
  out.write("WAVEfmt ", 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(1, 22);
  out.writeUInt32LE(rate, 24);
  out.writeUInt32LE(rate, 28);
  out.writeUInt16LE(1, 32);
  out.writeUInt16LE(8, 34);
  out.write("data", 36);
  out.writeUInt32LE(rate * seconds, 40);
  for (let i = 0; i < rate * seconds; i += 1) out[44 + i] = 128 + 20 * Math.sin(i / 3);
  return out;
}

function kindOf(type, voice) {
  if (voice) return "voice";
  if (/^image\/(png|jpeg|gif|webp)$/.test(type)) return "image";
  if (type === "application/pdf") return "pdf";
  return ["audio", "video"].find((kind) => type.startsWith(kind)) ?? "file";
}

function address(world, key, name, variant = "") {
  const end = Date.now() + (world.expired ? -1000 : WEEK);
  return `/media/${key}/${encodeURIComponent(name)}?e=${Math.floor(end / 1000)}${variant}&s=${world.signature ?? "good"}`;
}

function store(world, name, type, bytes, more = {}) {
  world.files ??= new Map();
  const key = `f${world.files.size + 1}kq7`;
  world.files.set(key, { name, type, bytes });
  const kind = kindOf(type, more.voice);
  return {
    key,
    media: {
      id: world.files.size,
      kind,
      state: "stored",
      name,
      content_type: type,
      size: bytes.length,
      width: more.width ?? null,
      height: more.height ?? null,
      duration_ms: more.duration_ms ?? null,
      peaks: more.peaks ?? [],
      url: address(world, key, name),
      thumb_url: kind === "image" ? address(world, key, name, "&v=thumb") : null,
      error: null,
    },
  };
}

const PEAKS = Array.from(
  { length: 64 },
  (_, i) => Math.round(Math.abs(Math.sin(i / 4) * Math.cos(i / 11)) * 92) + 4,
);

/** One of everything, at the end of a conversation of its own channel. */
export function showcase(world, id, addMessage) {
  const c = world.conversations.get(id);
  c.channel = { id: 1, type: "custom", name: "Shop chat" };
  const them = { type: "contact", id: c.contact.id, name: c.contact.name };
  const us = { type: "operator", id: 1, name: "Ada Keller" };
  let at = Date.parse(c.last_message.sent_at);
  const line = (sender, fields) => {
    at += 20_000;
    return addMessage(world, id, { sender, sent_at: stamp(at), ...fields });
  };
  const picture = (name, width, height, colour) =>
    store(world, name, "image/png", png(width, height, colour), { width, height }).media;
  line(them, {
    type: "media",
    media: picture("broken mug.png", 800, 600, [190, 120, 80]),
    body: "This is how it arrived.",
  });
  line(them, { type: "media", media: picture("label.png", 300, 700, [90, 120, 190]) });
  line(us, { type: "media", media: picture("new mug.png", 60, 40, [60, 160, 120]), state: "delivered" });
  line(them, {
    type: "media",
    media: store(world, "Voice message.wav", "audio/wav", wav(9), {
      voice: true,
      duration_ms: 9000,
      peaks: PEAKS,
    }).media,
  });
  line(us, { type: "media", media: store(world, "jingle.wav", "audio/wav", wav(3)).media });
  line(them, {
    type: "media",
    media: store(world, "clip.webm", "video/webm", Buffer.from("none"), { width: 640, height: 360 }).media,
  });
  line(us, {
    type: "media",
    media: store(world, "Invoice 4512.pdf", "application/pdf", Buffer.from("%PDF-1.4\n%%EOF")).media,
    body: "Here is the invoice.",
    state: "pending",
    state_reason: "the receiver answered 503; next try in 2 minutes",
  });
  line(them, {
    type: "media",
    media: store(
      world,
      "a-very-long-name-of-a-file-that-nobody-would-type-by-hand-but-that-machines-make.docx",
      "application/octet-stream",
      Buffer.alloc(1_400_000),
    ).media,
  });
  const remote = (name, state, error) => ({
    ...store(world, name, "image/png", png(400, 300, [150, 90, 160]), { width: 400, height: 300 }).media,
    state,
    error,
    url: null,
    thumb_url: null,
    width: null,
    height: null,
  });
  line(them, { type: "media", media: remote("from-the-app.png", "fetching", null) });
  line(them, { type: "media", media: remote("gone.png", "failed", "the server answered 404") });
  line(them, {
    body: "Is it this one? https://shop.example/lamps/walnut",
    link: {
      url: "https://shop.example/lamps/walnut",
      title: "Walnut lamp – Harbour & Pine",
      description:
        "A table lamp of oiled walnut with a linen shade, made in small numbers. With a cord of 1.8 m.",
      site: "Harbour & Pine",
      image_url: picture("card.png", 320, 320, [120, 160, 90]).url,
    },
  });
  line(us, {
    body: "Yes. See https://example.org",
    link: {
      url: "https://example.org/",
      title: "Example Domain",
      description: "",
      site: "",
      image_url: null,
    },
    edited_at: stamp(at + 30_000),
  });
  line(us, { body: "", deleted_at: stamp(at + 30_000) });
  line(us, {
    type: "media",
    note: true,
    media: store(world, "damage report.pdf", "application/pdf", Buffer.from("%PDF")).media,
    body: "For us only.",
  });
  line(us, {
    body: "A new one leaves today.",
    state: "failed",
    state_code: "channel.refused",
    state_reason: "the receiver answered 410 Gone",
  });
  c.contact_delivered = 0;
  c.contact_read = 0;
  c.unread = 0;
  c.operator_read = c.message_count;
  return c;
}

/** Raw bodies and files, which the JSON routes cannot do. True when the request was answered. */
export function mediaRequest(world, request, url, bytes, response) {
  if (url.pathname.startsWith("/media/")) {
    const key = url.pathname.split("/")[2];
    const file = world.files?.get(key);
    world.served = (world.served ?? 0) + 1;
    const good = url.searchParams.get("s") === (world.signature ?? "good");
    if (!file || !good) response.writeHead(file ? 410 : 404).end();
    else {
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
      const from = range ? Number(range[1]) : 0;
      const to = range?.[2] ? Number(range[2]) : file.bytes.length - 1;
      response.writeHead(range ? 206 : 200, {
        "Content-Type": file.type,
        "Content-Length": to - from + 1,
        "Accept-Ranges": "bytes",
        ...(range && { "Content-Range": `bytes ${from}-${to}/${file.bytes.length}` }),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
      });
      response.end(file.bytes.subarray(from, to + 1));
    }
    return true;
  }
  if (url.pathname !== "/api/v1/media" || request.method !== "POST") return false;
  const json = (status, data) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(data));
  };
  const name = url.searchParams.get("name");
  world.uploads = [
    ...(world.uploads ?? []),
    { name, query: Object.fromEntries(url.searchParams), size: bytes.length },
  ];
  if (world.refuseUploads > 0) {
    world.refuseUploads -= 1;
    json(503, { code: "server.busy", detail: "The server is busy.", status: 503 });
    return true;
  }
  const voice = url.searchParams.get("voice") === "1";
  const type = request.headers["content-type"] ?? "application/octet-stream";
  const image = type === "image/png" && bytes.length > 24;
  const { key, media } = store(world, name, type, bytes, {
    voice,
    width: image ? bytes.readUInt32BE(16) : null,
    height: image ? bytes.readUInt32BE(20) : null,
    duration_ms: Number(url.searchParams.get("duration_ms")) || null,
    peaks: (url.searchParams.get("peaks") ?? "").split(",").filter(Boolean).map(Number),
  });
  world.taken ??= new Map();
  world.taken.set(key, media);
  json(201, { key, ...media });
  return true;
}

/** Renews the addresses of what is sent out: each answer signs anew. */
function signed(world, message) {
  if (!message.media?.url) return message;
  const key = message.media.url.split("/")[2];
  const { name } = message.media;
  return {
    ...message,
    media: {
      ...message.media,
      url: address(world, key, name),
      thumb_url: message.media.thumb_url && address(world, key, name, "&v=thumb"),
    },
  };
}

export function mediaRoutes(world, { emit, PASS, Refused }) {
  const find = (id, messageId) => {
    const message = world.messages.get(Number(id))?.find((each) => each.id === Number(messageId));
    if (!message) throw new Refused(404, "message.not_found", "There is no such message.");
    return message;
  };
  const change = (id, messageId, changed, fields) => {
    const message = find(id, messageId);
    const list = world.messages.get(Number(id));
    const next = { ...message, ...fields };
    list[list.indexOf(message)] = next;
    const c = world.conversations.get(Number(id));
    if (c.last_message.number === next.number)
      c.last_message = { ...c.last_message, body: next.body || (next.media?.name ?? "") };
    emit(world, changed === "deleted" ? "message.deleted" : "message.updated", {
      conversation: { ...c },
      message: signed(world, next),
      changed,
    });
    return { message: signed(world, next), conversation: c };
  };
  return [
    ["GET", /^\/media\/limits$/, () => ({ max_upload: world.maxUpload ?? 25 * 1024 * 1024 })],
    [
      "GET",
      /^\/conversations\/(\d+)\/messages$/,
      ([id], _, query) => {
        const all = world.messages.get(Number(id));
        if (!all || !world.files) return PASS;
        const before = query.get("before");
        const limit = Number(query.get("limit") ?? 50);
        const older = before ? all.filter((m) => m.number < Number(before)) : all;
        return {
          items: older.slice(-limit).map((message) => signed(world, message)),
          has_more: older.length > limit,
          seq: world.seq,
        };
      },
    ],
    [
      "PATCH",
      /^\/conversations\/(\d+)\/messages\/(\d+)$/,
      ([id, messageId], body) => {
        if (body.body.includes("REFUSE"))
          throw new Refused(422, "text.invalid", "The text holds a character that cannot be stored.", {
            field: "body",
          });
        return change(id, messageId, "text", { body: body.body, edited_at: stamp(Date.now()) });
      },
    ],
    [
      "DELETE",
      /^\/conversations\/(\d+)\/messages\/(\d+)$/,
      ([id, messageId]) =>
        change(id, messageId, "deleted", {
          body: "",
          media: null,
          link: null,
          deleted_at: stamp(Date.now()),
        }),
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/messages\/(\d+)\/retry$/,
      ([id, messageId]) => {
        const answer = change(id, messageId, "state", {
          state: "pending",
          state_code: null,
          state_reason: null,
        });
        setTimeout(() => change(id, messageId, "state", { state: "sent" }), 600);
        return answer;
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/messages\/(\d+)\/refetch$/,
      ([id, messageId]) => {
        const { media } = find(id, messageId);
        const answer = change(id, messageId, "media", {
          media: { ...media, state: "fetching", error: null },
        });
        setTimeout(() => {
          const key = `f${media.id}kq7`;
          change(id, messageId, "media", {
            media: {
              ...media,
              state: "stored",
              error: null,
              width: 400,
              height: 300,
              url: address(world, key, media.name),
              thumb_url: address(world, key, media.name, "&v=thumb"),
            },
          });
        }, 600);
        return answer;
      },
    ],
  ];
}

/** What a posted message takes of an upload. */
export function takeMedia(world, body, Refused) {
  if (!body.media) return {};
  const media = world.taken?.get(body.media);
  if (!media) throw new Refused(404, "media.not_found", "There is no such file.", { field: "media" });
  world.taken.delete(body.media);
  return { type: "media", media };
}
