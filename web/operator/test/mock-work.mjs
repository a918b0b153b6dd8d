// The stand-in server's part for alarms, offline messages, choices, transcripts and visitors on the site.

const stamp = (ms) => `${new Date(ms).toISOString().slice(0, -1)}000Z`;

const PAGES = [
  ["https://shop.example/", "Harbour & Pine"],
  ["https://shop.example/lamps", "Lamps"],
  ["https://shop.example/lamps/walnut?utm_source=newsletter", "Walnut lamp – Harbour & Pine"],
  ["https://shop.example/delivery", ""],
];

function visitor(id, fields = {}) {
  const now = Date.now();
  const count = 1 + (id % PAGES.length);
  const trail = PAGES.slice(0, count).map(([url, title], index) => ({
    url,
    title,
    at: stamp(now - (count - index) * 70_000),
  }));
  return {
    id,
    widget_id: 1,
    contact_id: null,
    conversation_id: null,
    handle_or_name: `guest-${id}`,
    url: trail.at(-1).url,
    title: trail.at(-1).title,
    referrer: id % 2 ? "https://search.example/?q=walnut+lamp" : "",
    trail,
    pages: count,
    visits: 1 + (id % 3),
    started_at: trail[0].at,
    seen_at: stamp(now - 2000),
    browser: "Firefox",
    os: "Linux",
    device: "desktop",
    city: id % 2 ? "Malmö" : "",
    country: id % 2 ? "Sweden" : "",
    ip: "203.0.113.9",
    invited_at: null,
    ...fields,
  };
}

/** Who is on the sites: some of every kind. */
export function addVisitors(world) {
  for (const widget of world.widgets) widget.show_visitors = true;
  world.visitors = [
    visitor(30, { contact_id: 2, conversation_id: 2, handle_or_name: "Mei Tanaka" }),
    visitor(31),
    visitor(32, { invited_at: stamp(Date.now() - 100_000) }),
    visitor(33, {
      handle_or_name: "Wolfeschlegelsteinhausenbergerdorff-Habsburg von und zu Hohenlohe-Langenburg",
      title: "Averyveryverylongtitlewithoutanyspaceswhichmustnotmakethepagewiderthanthescreenwhateverhappens",
      widget_id: 2,
      pages: 64,
    }),
    visitor(34, { url: "javascript:alert(1)", title: "", browser: "", os: "", city: "", country: "" }),
  ];
}

/** Alarms that ring, messages of the offline form, and a question with answers. */
export function addWork(world) {
  for (const [id, minutes] of [
    [1, 3],
    [3, 0],
    [5, 64],
    [9, 26 * 60],
  ]) {
    const c = world.conversations.get(id);
    if (c && c.status !== "ended") c.unanswered_at = stamp(Date.now() - minutes * 60_000);
  }
  for (const id of [2, 5]) {
    const c = world.conversations.get(id);
    if (c) c.session.offline = true;
  }
  const asked = world.messages.get(3)?.findLast((m) => m.sender.type === "operator" && !m.note);
  if (asked) asked.choices = ["My order", "An invoice", "Something that has a longer name than all others"];
}

export function isOfWork(c, query) {
  return query.get("attention") !== "true" || Boolean(c.unanswered_at);
}

export function workCounts(open) {
  return { attention: open.filter((c) => c.unanswered_at).length };
}

export function workRoutes(world, { Refused, emit, addMessage, operator }) {
  const conversation = (id) => {
    const c = world.conversations.get(Number(id));
    if (!c) throw new Refused(404, "conversation.not_found", "there is no such conversation");
    return c;
  };
  return [
    [
      "GET",
      /^\/conversations\/by-uuid$/,
      (_, __, query) => {
        if (world.transcriptBroken) throw new Refused(503, "server.busy", "the server is busy");
        const c = [...world.conversations.values()].find((each) => each.uuid === query.get("uuid"));
        return { ...conversation(c?.id), seq: world.seq };
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/discard$/,
      ([id]) => {
        const c = conversation(id);
        const { id: operator_id, name } = operator();
        Object.assign(c, { status: "ended", ended_at: stamp(Date.now()), unanswered_at: null });
        const message = addMessage(world, c.id, {
          type: "event",
          sender: { type: "system", id: null, name: "" },
          event: { name: "ended", by: { type: "operator", id: operator_id, name }, reason: "operator" },
        });
        world.discarded = [...(world.discarded ?? []), c.id];
        emit(world, "conversation.ended", { conversation: { ...c }, message });
        return c;
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/webhook$/,
      ([id], body) => {
        conversation(id);
        if (world.noHook) throw new Refused(409, "hook.missing", "the widget has no webhook for transcripts");
        world.sentToWebhook = body.extra;
        return [202, {}];
      },
    ],
    [
      "GET",
      /^\/visitors$/,
      (_, __, query) => {
        if (world.visitorsBroken) throw new Refused(503, "server.busy", "the server is busy");
        const widget = Number(query.get("widget_id")) || null;
        const shown = world.visitors ?? [];
        return { items: shown.filter((each) => widget === null || each.widget_id === widget) };
      },
    ],
    [
      "POST",
      /^\/visitors\/(\d+)\/invite$/,
      ([id], body) => {
        const found = (world.visitors ?? []).find((each) => each.id === Number(id));
        if (!found) throw new Refused(404, "visitor.gone", "the visitor is not on the site any more");
        if (body.body.includes("REFUSE"))
          throw new Refused(422, "text.invalid", "the text holds a character that cannot be stored", {
            field: "body",
          });
        found.invited_at = stamp(Date.now());
        world.invited = body.body;
        return [201, { invitation_id: 9 }];
      },
    ],
  ];
}
