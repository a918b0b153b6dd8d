// The stand-in server's part for saved replies and question groups.

const REPLIES = [
  ["reply", "hello", "Greeting", "Hi {name}, this is {operator}. What can I do for you?", []],
  [
    "reply",
    "delivery-to-the-islands-and-other-places",
    "Delivery to the islands and to other places that a parcel reaches only with a second carrier",
    "Delivery to the islands takes two days longer and costs 4.90. You get a second tracking number as soon as the other carrier has the parcel. If nobody is at home, it waits for seven days at the post office that is next to you.",
    [],
  ],
  [
    "reply",
    "broken",
    "",
    "I am sorry about that, {name}. A new one leaves today.\nYou do not have to send anything back.",
    [],
  ],
  ["reply", "تحية", "تحية بالعربية", "مرحبا {name}، كيف يمكنني مساعدتك؟", []],
  [
    "question",
    "kind",
    "Kind of problem",
    "What is it about, {name}?",
    ["My order", "An invoice", "Something else"],
  ],
  [
    "question",
    "rooms",
    "",
    "Which room is the lamp for?",
    ["Living room", "Kitchen", "Bedroom", "Hall", "A room that has a really long name which goes on and on"],
  ],
];

/** Gives a new world its saved texts. */
export function addReplies(world, empty) {
  const at = "2026-11-01T10:00:00.000000Z";
  world.replies = empty
    ? []
    : REPLIES.map(([kind, shortcut, title, body, options], index) => ({
        id: index + 1,
        kind,
        shortcut,
        title,
        body,
        options,
        created_at: at,
        updated_at: at,
      }));
}

export function replyRoutes(world, { Refused, operator }) {
  const of = (id) => {
    const reply = world.replies.find((each) => each.id === Number(id));
    if (!reply) throw new Refused(404, "reply.not_found", "there is no such saved reply any more");
    return reply;
  };
  const check = (reply) => {
    const taken = world.replies.some(
      (each) => each.id !== reply.id && each.kind === reply.kind && each.shortcut === reply.shortcut,
    );
    if (taken)
      throw new Refused(409, "reply.shortcut_taken", `#${reply.shortcut} is taken`, { field: "shortcut" });
    return reply;
  };
  return [
    [
      "GET",
      /^\/replies$/,
      (_, __, query) => {
        const q = (query.get("q") ?? "").toLowerCase();
        return {
          items: world.replies
            .filter((each) => !query.get("kind") || each.kind === query.get("kind"))
            .filter((each) => `${each.shortcut}\n${each.title}\n${each.body}`.toLowerCase().includes(q))
            .sort((a, b) => a.shortcut.localeCompare(b.shortcut)),
        };
      },
    ],
    [
      "POST",
      /^\/replies$/,
      (_, body) => {
        const at = `${new Date().toISOString().slice(0, -1)}000Z`;
        const id = Math.max(0, ...world.replies.map((each) => each.id)) + 1;
        const reply = check({ id, ...body, created_at: at, updated_at: at });
        world.replies.push(reply);
        return [201, reply];
      },
    ],
    [
      "PATCH",
      /^\/replies\/(\d+)$/,
      ([id], body) => {
        check({ ...of(id), ...body });
        return Object.assign(of(id), body);
      },
    ],
    [
      "DELETE",
      /^\/replies\/(\d+)$/,
      ([id]) => {
        const gone = of(id);
        world.replies = world.replies.filter((each) => each !== gone);
      },
    ],
    [
      "POST",
      /^\/conversations\/(\d+)\/replies\/(\d+)\/preview$/,
      ([conversation, id]) => {
        const c = world.conversations.get(Number(conversation));
        if (!c) throw new Refused(404, "conversation.not_found", "there is no such conversation any more");
        const { body, options } = of(id);
        const filled = (c.contact.name ? body : body.replace(/,? \{name\}/g, ""))
          .replaceAll("{name}", c.contact.name)
          .replaceAll("{email}", c.contact.email)
          .replaceAll("{operator}", operator().name)
          .replaceAll("{widget}", c.widget?.name ?? "");
        return { body: filled, options };
      },
    ],
  ];
}
