// The stand-in server's part for a widget's presence, hours and five webhooks.

const HOOKS = [
  ["new_conversation", "New conversation", "A visitor's first message started a chat."],
  ["offline_message", "Offline message", "A visitor left a message while nobody was there."],
  [
    "transcript",
    "Chat transcript",
    "The transcript of a chat: automatically after its end, or when an operator sends it.",
  ],
  ["unanswered", "Unanswered message", "A visitor's message got no answer in time."],
  ["feedback", "Visitor feedback", "A visitor rated a chat or left feedback after it."],
];

/** The dialect of the webhooks. */
export const CHATLIO = {
  name: "chatlio",
  title: "Chat webhooks (Chatlio)",
  version: "1",
  versions: ["1"],
  success: "any 2xx",
  events: HOOKS.map(([name, title, description]) => ({ name, title, description })),
  switches: [
    {
      name: "real_names",
      title: "Real names",
      description: "Transcripts tell operators by their full names, instead of first name and initial.",
    },
    {
      name: "traits_text",
      title: "Traits as text",
      description: "In transcripts visitorTraits is a text of JSON, instead of an object.",
    },
  ],
};

/** Gives widgets what they say of hours and alarms; the second one is narrowed down. */
export function dressWidgets(world) {
  for (const w of world.widgets) {
    const narrow = w.id === 2;
    w.presence ??= "auto";
    w.hours ??= narrow
      ? {
          timezone: "Europe/Berlin",
          openings: [1, 2, 3, 4, 5].flatMap((day) => [
            { day, from: "09:00", to: "12:30" },
            { day, from: "13:30", to: day === 5 ? "15:00" : "24:00" },
          ]),
          holidays: [
            { date: "2026-12-25", name: "Christmas" },
            { date: "2027-01-01", name: "" },
          ],
        }
      : null;
    w.offline_form ??= narrow;
    w.unanswered_seconds ??= narrow ? 90 : 120;
    w.transcript_hook ??= "";
    w.show_visitors ??= false;
    w.open_now ??= !narrow;
    w.opens_at ??= narrow ? "2026-11-23T08:00:00.000000Z" : null;
  }
}

/** Gives a widget two webhooks, one of which does badly. */
export function addHooks(world, widget = 1) {
  const name = world.widgets.find((each) => each.id === widget).name;
  const make = (hook, more = {}) => {
    const e = hookEndpoint(world, widget, name, hook, `https://hooks.example/${hook}`);
    Object.assign(e.stats, more.stats);
    Object.assign(e, { ...more, stats: e.stats });
  };
  make("new_conversation", { stats: { last_status: 200, last_attempt_at: new Date().toISOString() } });
  make("transcript", {
    url: "https://a-very-long-name-of-a-help-desk.eu-central-1.example.com/api/v2/integrations/parley/transcripts?token=0123456789abcdef0123456789abcdef",
    state: "paused",
    state_reason: "nothing has arrived for 5 days: the receiver answered 503",
    stats: { pending: 12, lag_seconds: 500_000, last_status: 503, dead: 2 },
  });
}

function hookEndpoint(world, widget, name, hook, url) {
  const title = HOOKS.find(([each]) => each === hook)[1];
  const e = {
    id: Math.max(0, ...world.endpoints.map((each) => each.id)) + 1,
    name: `${name}: ${title}`,
    url,
    dialect: "chatlio",
    dialect_version: "1",
    events: [hook],
    widgets: [widget],
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
    switches: [],
    hook: { widget_id: widget, hook },
    created_at: "2026-11-01T10:00:00.000000Z",
    updated_at: "2026-11-01T10:00:00.000000Z",
    stats: {
      pending: 0,
      dead: 0,
      lag_seconds: 0,
      last_status: null,
      last_attempt_at: null,
      breaker: "closed",
      failing_since: null,
    },
  };
  world.endpoints.push(e);
  return e;
}

export function hookRoutes(world, { PASS, Refused }) {
  const widget = (id) => {
    const w = world.widgets.find((each) => each.id === Number(id));
    if (!w) throw new Refused(404, "widget.not_found", "there is no such widget any more");
    return w;
  };
  const mine = (id, hook) =>
    world.endpoints.find((e) => e.hook?.widget_id === Number(id) && (!hook || e.hook.hook === hook));
  const shown = (id) => {
    const w = widget(id);
    return {
      hooks: HOOKS.map(([hook, title, description]) => {
        const e = mine(id, hook);
        return {
          hook,
          title,
          description,
          url: e?.url ?? "",
          endpoint_id: e?.id ?? null,
          state: e?.state ?? null,
        };
      }),
      real_names: w.hookSwitches?.real_names ?? false,
      traits_text: w.hookSwitches?.traits_text ?? false,
    };
  };
  return [
    [
      "POST",
      /^\/widgets\/(\d+)\/presence$/,
      ([id], body) => Object.assign(widget(id), { presence: body.presence }),
    ],
    ["GET", /^\/widgets\/(\d+)\/webhooks$/, ([id]) => shown(id)],
    [
      "PUT",
      /^\/widgets\/(\d+)\/webhooks$/,
      ([id], body) => {
        const w = widget(id);
        const errors = Object.entries(body.urls ?? {})
          .filter(([, url]) => url !== "" && !/^https?:\/\/\w/.test(url))
          .map(([hook]) => ({
            field: `urls.${hook}`,
            code: "field.invalid",
            detail: "Write a full address, starting with https://.",
          }));
        if (errors.length === 1) {
          const { field, code, detail } = errors[0];
          throw new Refused(422, code, detail, { field });
        }
        if (errors.length > 1)
          throw new Refused(422, "request.invalid", "Some fields need a correction.", { errors });
        const missing = ["real_names", "traits_text"].find((each) => body[each] !== undefined);
        if (missing && !mine(id) && !Object.values(body.urls ?? {}).some(Boolean))
          throw new Refused(
            409,
            "hook.missing",
            "this belongs to the widget's webhooks; give one of them an address",
            { field: missing },
          );
        world.hooksSaved = body;
        const secrets = {};
        for (const [hook, url] of Object.entries(body.urls ?? {})) {
          const e = mine(id, hook);
          if (url === "") world.endpoints = world.endpoints.filter((each) => each !== e);
          else if (e) e.url = url;
          else {
            hookEndpoint(world, Number(id), w.name, hook, url);
            secrets[hook] = `whsec_${btoa(hook.padEnd(24, "."))}`;
          }
        }
        const { real_names, traits_text } = body;
        w.hookSwitches = {
          ...w.hookSwitches,
          ...(real_names !== undefined && { real_names }),
          ...(traits_text !== undefined && { traits_text }),
        };
        return { ...shown(id), ...(Object.keys(secrets).length > 0 && { secrets }) };
      },
    ],
    // What the real server says of hours that no form would send; everything else is for the route behind it.
    [
      "PATCH",
      /^\/widgets\/(\d+)$/,
      ([id], body) => {
        if (body.hours !== undefined || body.transcript_hook !== undefined) {
          world.widgetSaved = body;
          return Object.assign(widget(id), body);
        }
        return PASS;
      },
    ],
    [
      "PATCH",
      /^\/endpoints\/(\d+)$/,
      ([id], body) => {
        const e = world.endpoints.find((each) => each.id === Number(id));
        const field = e?.hook && ["dialect", "events", "widgets"].find((each) => body[each] !== undefined);
        if (field)
          throw new Refused(422, "field.invalid", "that is set with the widget's webhooks", { field });
        return PASS;
      },
    ],
  ];
}
