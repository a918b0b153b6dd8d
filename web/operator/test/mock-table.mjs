// The stand-in server's part for the table of all conversations and for what widgets ask their visitors: filters, ids,
// tags, bulk actions and export, in memory.

const TAGS = ["refund", "damaged parcel", "VAT", "wholesale", "islands", "a rather long tag to see it cut"];
const RATINGS = [5, 4, null, 1, null, 2, 3, null];

/** Gives a new world what conversations and widgets carry beside their messages. */
export function dress(world) {
  for (const c of world.conversations.values()) {
    c.tags ??= TAGS.filter((_, index) => (c.id * 7 + index * 3) % 5 === 0);
    c.flagged ??= c.id % 9 === 4;
    c.rating ??= RATINGS[c.id % RATINGS.length];
    c.topic ||= c.id % 6 === 0 ? "Delivery" : "";
    if (c.session && c.rating !== null)
      c.session.rating ??= {
        value: c.rating,
        form: c.id % 4 === 1 && [1, 5].includes(c.rating) ? "thumbs" : "stars",
      };
  }
  for (const w of world.widgets) {
    w.privacy_mode ??= false;
    w.rating_form ??= "stars";
    w.ask_feedback ??= true;
    w.survey ??=
      w.id === 2
        ? null
        : {
            question: "Did we solve it?",
            options: ["Yes, completely", "In part", "No"],
          };
    w.goals ??=
      w.id === 2
        ? []
        : [
            { id: 1, name: "Order placed", match: "prefix", pattern: "https://shop.example/thanks" },
            { id: 2, name: "Newsletter", match: "script", pattern: "newsletter" },
          ];
  }
  world.addon ??= true;
  return world;
}

/** Whether a conversation passes the filters that the table sends. Views and statuses are looked at elsewhere. */
export function fits(world, c, query) {
  const one = (name, of) => !query.get(name) || of === Number(query.get(name));
  const many = (name, test) => query.getAll(name).length === 0 || query.getAll(name).some(test);
  const words = (query.get("q") ?? "").toLowerCase();
  const text = () =>
    [c.contact.name, c.contact.email, ...world.messages.get(c.id).map((m) => m.body)]
      .join("\n")
      .toLowerCase();
  return (
    one("widget_id", c.widget?.id) &&
    one("group_id", c.group?.id) &&
    one("operator_id", c.operator?.id) &&
    (!query.get("channel") ||
      query.get("channel") === (c.channel.id === null ? c.channel.type : String(c.channel.id))) &&
    many("tag", (tag) => c.tags.includes(tag)) &&
    many("rating", (rating) => (rating === "none" ? c.rating === null : c.rating === Number(rating))) &&
    (!query.get("from") || Date.parse(c.created_at) >= Date.parse(query.get("from"))) &&
    (!query.get("to") || Date.parse(c.created_at) < Date.parse(query.get("to"))) &&
    (words === "" || text().includes(words))
  );
}

function matching(world, query) {
  const asked = query.get("status") ?? "new,open,pending";
  return [...world.conversations.values()]
    .filter((c) => asked === "all" || asked.split(",").includes(c.status))
    .filter((c) => query.get("view") !== "unassigned" || !c.operator)
    .filter((c) => fits(world, c, query))
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
}

function checkWidget(body, Refused) {
  const errors = [];
  const fault = (field, code, detail) => errors.push({ field, code, detail });
  if (body.survey) {
    if (!body.survey.question.trim())
      fault("survey.question", "field.required", "survey.question is missing");
    if (body.survey.options.length === 0)
      fault("survey.options", "field.invalid", "a survey has 1 to 10 options");
    for (const [index, option] of body.survey.options.entries())
      if (body.survey.options.indexOf(option) < index)
        fault(`survey.options[${index}]`, "field.invalid", "two options are the same");
  }
  for (const [index, goal] of (body.goals ?? []).entries()) {
    if (!goal.name) fault(`goals[${index}].name`, "field.required", "give the goal a name");
    if (["exact", "prefix"].includes(goal.match) && !/^(https?:\/\/\w|\/)/.test(goal.pattern))
      fault(
        `goals[${index}].pattern`,
        "field.invalid",
        "write a whole address like https://shop.example/thanks, or a path like /thanks",
      );
  }
  if (errors.length > 0)
    throw new Refused(422, "request.invalid", "Some fields need a correction.", {
      errors: errors.length > 1 ? errors : undefined,
      ...(errors.length === 1 && { field: errors[0].field, detail: errors[0].detail }),
    });
}

/** One action on one conversation: true when it changed something. */
function act(world, c, body, { emit, Refused }) {
  const told = (type) => emit(world, type, { conversation: { ...c } });
  const set = (field, value, type) => {
    if (c[field] === value) return false;
    c[field] = value;
    told(type);
    return true;
  };
  switch (body.action) {
    case "send":
      if (!world.addon)
        throw new Refused(
          409,
          "addon.missing",
          "No API add-on is set up: give it a callback URL under Settings, Add-ons, API.",
        );
      return set("flagged", true, "conversation.updated");
    case "unsend":
      return set("flagged", false, "conversation.updated");
    case "end":
      c.flagged = false;
      return set("status", "ended", "conversation.ended");
    case "reopen":
      return c.status === "ended" && set("status", "open", "conversation.reopened");
    case "assign":
    case "forward": {
      if (c.status === "ended")
        throw new Refused(409, "conversation.ended", "the conversation has ended; reopen it first");
      const o = world.operators.find((each) => each.id === body.operator_id);
      const g = world.groups.find((each) => each.id === body.group_id);
      if (g) c.group = { id: g.id, name: g.name };
      if (!g && c.operator?.id === o.id) return false;
      c.operator = o ? world.brief(o) : null;
      told("conversation.assigned");
      return true;
    }
    default: {
      const before = c.tags.length;
      c.tags =
        body.action === "tag"
          ? [...new Set([...c.tags, ...body.tags])]
          : c.tags.filter((tag) => !body.tags.includes(tag));
      if (c.tags.length === before) return false;
      told("conversation.updated");
      return true;
    }
  }
}

export function tableRoutes(world, tools) {
  return [
    [
      "GET",
      /^\/conversations$/,
      () => {
        if (world.tableBroken) throw new tools.Refused(403, "auth.denied", "This is not for you today.");
        return tools.PASS;
      },
    ],
    [
      "GET",
      /^\/conversations\/ids$/,
      (_, __, query) => {
        const ids = matching(world, query).map((c) => c.id);
        return { ids: ids.slice(0, 10_000), more: ids.length > 10_000 };
      },
    ],
    ["GET", /^\/conversations\/export$/, (_, __, query) => matching(world, query)],
    [
      "POST",
      /^\/conversations\/bulk$/,
      (_, body) => {
        world.bulks = [...(world.bulks ?? []), body];
        const results = body.conversation_ids.map((id) => {
          const c = world.conversations.get(id);
          try {
            if (!c)
              throw new tools.Refused(
                404,
                "conversation.not_found",
                "there is no such conversation any more",
              );
            return { id, ok: true, changed: act(world, c, body, tools), code: null, detail: null };
          } catch (error) {
            return { id, ok: false, changed: false, code: error.code, detail: error.detail };
          }
        });
        return {
          results,
          done: results.filter((each) => each.ok && each.changed).length,
          unchanged: results.filter((each) => each.ok && !each.changed).length,
          failed: results.filter((each) => !each.ok).length,
        };
      },
    ],
    [
      "GET",
      /^\/tags$/,
      () => {
        const counts = new Map();
        for (const c of world.conversations.values())
          for (const tag of c.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
        return {
          items: [...counts]
            .map(([tag, count]) => ({ tag, count }))
            .sort((a, b) => b.count - a.count || a.tag.localeCompare(b.tag)),
        };
      },
    ],
    // Only looks at what it knows; the widget itself is changed by the route behind it.
    [
      "PATCH",
      /^\/widgets\/(\d+)$/,
      (_, body) => {
        checkWidget(body, tools.Refused);
        return tools.PASS;
      },
    ],
  ];
}
