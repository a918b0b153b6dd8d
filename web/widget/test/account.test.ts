import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AccountProps, make } from "../src/account/Account";
import { askedFor, isAddress, isSame, remember, troubleOf, wayOf } from "../src/account/ways";
import type { Answer, Fault } from "../src/http";
import { failure, success } from "../src/result";
import { accountTexts } from "../src/texts/account";
import { en } from "../src/texts/en";
import { kit } from "../src/ui/Later";
import { answer, contact } from "./samples";

const texts = accountTexts("en");
const fault = (status: number, code = "", wait = 0): Fault => ({
  ok: false,
  status,
  code,
  message: "",
  wait,
});

describe("ways", () => {
  it("reads what the loader took out of an address", () => {
    expect(wayOf("=AbC_-123")).toEqual({ link: "AbC_-123" });
    expect(wayOf("-conversation=42")).toEqual({ conversation: 42 });
    for (const odd of [undefined, "", "=", "-conversation=", "-conversation=4x", "x=1", "-conversation=1e9"])
      expect(wayOf(odd), String(odd)).toBeNull();
  });

  it("remembers for an hour which address a mail was asked for", () => {
    let kept = "";
    const memory = {
      draft: () => kept,
      setDraft: (text: string) => {
        kept = text;
      },
    };
    expect(askedFor(memory)).toBe("");
    remember(memory, "ann@shop.example");
    expect(askedFor(memory)).toBe("ann@shop.example");
    expect(askedFor(memory, Date.now() + 3_599_000)).toBe("ann@shop.example");
    expect(askedFor(memory, Date.now() + 3_601_000)).toBe("");
    remember(memory, "");
    expect(kept).toBe("");
    kept = "nonsense";
    expect(askedFor(memory)).toBe("");
  });

  it("compares addresses however they are written", () => {
    expect(isSame("Ann@Shop.example", "ann@shop.EXAMPLE")).toBe(true);
    expect(isSame("ann@shop.example", "bob@shop.example")).toBe(false);
    expect(isSame("", "")).toBe(false);
  });

  it("knows an address from a slip", () => {
    expect(["ann@shop.example", "ä.ö@büro.example"].every(isAddress)).toBe(true);
    expect(["", "ann", "ann@shop", "a b@shop.example", "@shop.example"].some(isAddress)).toBe(false);
  });

  it("puts refusals into words", () => {
    const say = (one: Fault) => troubleOf(one, texts, "failed", "wrong");
    expect(say(fault(403, "reauth.invalid"))).toBe("wrong");
    expect(say(fault(429, "reauth.locked", 900))).toBe(
      "There were too many wrong tries. Please try again in 15 min.",
    );
    expect(say(fault(429, "reauth.locked", 1))).toMatch(/in 1 min/);
    expect(say(fault(429, "mail.limited"))).toBe("That was too often. Please try again later.");
    expect(say(fault(409, "reauth.off"))).toBe(texts.off);
    expect(say(fault(409, "mail.not_offered"))).toBe(texts.off);
    expect(say(fault(422, "field.invalid"))).toBe(texts.wrongEmail);
    expect(say(fault(0, "network"))).toBe("failed");
    expect(say(fault(503, "database.busy"))).toBe("failed");
  });
});

describe("the screen", () => {
  let place: HTMLElement;
  let asked: [string, string, unknown, unknown][];
  let done: string[];
  let token: string | null;
  let answers: Record<string, Answer<unknown>>;
  let pages: { way?: string };
  let drafts: Record<string, string>;
  let unsent: unknown[];
  let me: Answer<unknown>;
  const signedIn = { token: "vt_new", contact: { ...contact, id: 2, email: "ann@shop.example" } };

  const controller = () =>
    ({
      token: () => token,
      state: () => ({ contact: token ? contact : null, outbox: unsent }),
      draft: (name: string) => drafts[name] ?? "",
      setDraft: (text: string, name: string) => {
        drafts[name] = text;
      },
      show: (screen: string) => done.push(`show ${screen}`),
      enter: (who: { token: string }, shown: { conversationId: number | null; welcome?: boolean }) => {
        done.push(`enter ${who.token} ${shown.conversationId}${shown.welcome ? " welcome" : ""}`);
        token = who.token;
      },
      logout: async () => success(void done.push("logout")),
      openConversation: async (id: number) => {
        done.push(`open ${id}`);
        return id === 42 ? success(undefined) : failure("conversation.not_found", "");
      },
      setContactInfo: async () => success(undefined),
      http: {
        me: async () => me,
        ask: async (method: string, path: string, body: unknown, bearer: unknown) => {
          asked.push([method, path, body, bearer]);
          return answers[path] ?? fault(404);
        },
      },
    }) as unknown as AccountProps["ui"]["controller"];

  /** Runs what it does, and what follows from that. */
  const settled = async (run: () => unknown) => {
    await act(async () => void run());
    for (let turn = 0; turn < 4; turn++) await act(() => new Promise((resolve) => setTimeout(resolve)));
  };
  const show = (more: Partial<AccountProps["state"]> = {}) =>
    settled(() =>
      render(
        h(make(kit), {
          ui: {
            texts: en,
            lang: "en",
            locale: "en",
            dress: () => undefined,
            controller: controller(),
            around: { base: "https://chat.example", key: "w_1", pages },
          },
          state: {
            answer: { ...answer, sign_in: true, transcripts: true },
            contact: token ? contact : null,
            conversationId: null,
            screen: "account",
            signedIn: token !== null,
            ...more,
          },
        }),
        place,
      ),
    );
  const press = (name: string) =>
    settled(() => [...place.querySelectorAll("button")].find((one) => one.textContent === name)?.click());

  beforeEach(() => {
    place = document.createElement("div");
    document.body.append(place);
    asked = [];
    done = [];
    token = null;
    pages = {};
    drafts = {};
    unsent = [];
    me = { ok: true, value: { contact } };
    answers = {
      "/me/devices": { ok: true, value: { devices: [] } },
      "/widgets/w_1/sign-in": { ok: true, value: { ...signedIn, conversation_id: 7 } },
      "/logout": { ok: true, value: undefined },
    };
  });
  afterEach(() => {
    act(() => render(null, place));
    place.remove();
    vi.restoreAllMocks();
  });

  it("signs in by a link once, and hands nothing over", async () => {
    pages.way = "=secret";
    await show();
    expect(asked).toEqual([["POST", "/widgets/w_1/sign-in", { link: "secret" }, ""]]);
    expect(done).toEqual(["enter vt_new 7 welcome"]);
    expect(pages.way).toBe("");
  });

  it("asks before somebody becomes somebody else, and gives back what is not wanted", async () => {
    token = "vt_old";
    pages.way = "=secret";
    await show();
    expect(done).toEqual([]);
    expect(place.textContent).toContain("Go on as ann@shop.example?");
    await press("Stay as you are");
    expect(asked.at(-1)).toEqual(["POST", "/logout", {}, "vt_new"]);
    expect(done).toEqual(["show thread"]);
  });

  it("goes on without a question where the mail was asked for here, and ends the old token", async () => {
    token = "vt_old";
    drafts["account"] = `${Date.now()} ann@shop.example`;
    pages.way = "=secret";
    await show();
    expect(asked.find(([, path]) => path.endsWith("sign-in"))).toEqual([
      "POST",
      "/widgets/w_1/sign-in",
      { link: "secret", address: "ann@shop.example" },
      undefined,
    ]);
    expect(done).toEqual(["enter vt_new 7"]);
    expect(asked.at(-1)).toEqual(["POST", "/logout", {}, "vt_old"]);
    expect(drafts["account"]).toBe("");
  });

  it("does not trust the link of another address than a mail was asked for", async () => {
    token = "vt_old";
    drafts["account"] = `${Date.now()} me@shop.example`;
    pages.way = "=secret";
    await show();
    expect(done).toEqual([]);
    expect(place.textContent).toContain("Go on as ann@shop.example?");
    act(() => render(null, place));
    // What was here is handed over, or over.
    me = fault(401);
    pages.way = "=secret";
    await show();
    expect(done).toEqual(["enter vt_new 7 welcome"]);
    act(() => render(null, place));
    token = null;
    done = [];
    drafts["account"] = `${Date.now()} me@shop.example`;
    pages.way = "=secret";
    await show();
    expect(done).toEqual(["enter vt_new 7 welcome"]);
  });

  it("asks too where something is written that did not go out yet", async () => {
    unsent = [{}];
    pages.way = "=secret";
    await show();
    expect(done).toEqual([]);
    await press("Go on as ann@shop.example");
    expect(done).toEqual(["enter vt_new 7"]);
  });

  it("says above the composer who the visitor is now, with the way out", async () => {
    token = "vt_new";
    await show({ screen: "thread", contact: signedIn.contact });
    expect(place.querySelector(".notice p")?.textContent).toBe("You are signed in as ann@shop.example");
    expect(asked).toEqual([]);
    await press("That is me");
    expect(done).toEqual(["enter vt_new undefined"]);
    await press("Not you? Sign out");
    expect(done.at(-1)).toBe("logout");
  });

  it("says that a link is used up and offers a new mail only where there are some", async () => {
    answers["/widgets/w_1/sign-in"] = fault(403, "reauth.invalid");
    pages.way = "=secret";
    await show();
    expect(place.querySelector("[role=alert]")?.textContent).toContain("does not work any more");
    expect(place.textContent).toContain("new mail");
    expect(place.querySelectorAll("input[type=email]").length).toBe(1);
    act(() => render(null, place));
    pages.way = "=secret";
    await show({ answer });
    expect(place.textContent).toContain("does not work any more");
    expect(place.textContent).not.toContain("new mail");
    expect(place.querySelectorAll("form").length).toBe(0);
  });

  it("opens a conversation without a sign-in only for those who have it", async () => {
    token = "vt_old";
    pages.way = "-conversation=42";
    await show();
    expect(done).toEqual(["open 42"]);
    act(() => render(null, place));
    pages.way = "-conversation=43";
    await show();
    expect(place.textContent).toContain("To see this conversation");
    act(() => render(null, place));
    token = null;
    done = [];
    pages.way = "-conversation=42";
    await show({ answer });
    expect(done).toEqual(["show thread"]);
  });

  it("deletes nothing without the tick", async () => {
    token = "vt_old";
    answers["/me/erase"] = { ok: true, value: {} };
    await show();
    await press("Delete my data");
    await press("Delete everything");
    expect(asked.some(([, path]) => path === "/me/erase")).toBe(false);
    await settled(() => place.querySelector<HTMLInputElement>("input[type=checkbox]")?.click());
    await press("Delete everything");
    expect(asked.at(-1)?.slice(0, 3)).toEqual(["POST", "/me/erase", { confirm: true }]);
    expect(done).toEqual(["logout", "show account"]);
    act(() => render(null, place));
    token = null;
    await show();
    expect(place.textContent).toContain("Your data has been deleted.");
  });
});
