import { describe, expect, it } from "vitest";
import type { ApiError } from "../src/api/error.ts";
import { type MailServer, type MailTexts, TEXT_NAMES, type WidgetMail } from "../src/mail/api.ts";
import { changedSecret, UNCHANGED } from "../src/mail/secret.ts";
import { type ServerValues, serverInput, serverValues, withTls } from "../src/mail/server-form.ts";
import {
  callbackEdited,
  faultyKind,
  type WidgetMailValues,
  widgetMailInput,
  widgetMailValues,
} from "../src/mail/widget-mail-form.ts";

const SERVER: MailServer = {
  host: "smtp.example.com",
  port: 465,
  tls: "tls",
  username: "chat",
  has_password: true,
  from_email: "chat@example.com",
  from_name: "Shop",
  reply_to: "",
  per_minute: 30,
  dkim: { domain: "example.com", selector: "parley", has_key: true, record: "v=DKIM1; p=x" },
  state: "ok",
  reason: "",
  waiting: 0,
  widgets: [],
};
const NONE: MailServer = {
  ...SERVER,
  host: "",
  port: 0,
  tls: "" as MailServer["tls"],
  username: "",
  has_password: false,
  from_email: "",
  from_name: "",
  per_minute: 0,
  dkim: { domain: "", selector: "", has_key: false, record: null },
  state: "unset",
};

function fieldsOf(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    return [...(error as ApiError).byField().keys()];
  }
  return [];
}

const server = (change: Partial<ServerValues>) => serverInput({ ...serverValues(SERVER), ...change });

describe("the form of the mail server", () => {
  it("begins with what most servers want", () => {
    expect(serverValues(NONE)).toMatchObject({ port: "587", tls: "starttls", per_minute: "" });
  });

  it("gives back what was stored, without secrets", () => {
    expect(server({})).toEqual({
      host: "smtp.example.com",
      port: 465,
      tls: "tls",
      username: "chat",
      from_email: "chat@example.com",
      from_name: "Shop",
      reply_to: "",
      per_minute: 30,
      dkim: { domain: "example.com", selector: "parley" },
    });
  });

  it("sends a secret that was typed, and takes one away", () => {
    expect(server({ password: { typed: " pass word", gone: false } }).password).toBe(" pass word");
    expect(server({ password: { typed: "", gone: true } }).password).toBe("");
    expect("password" in server({})).toBe(false);
  });

  it("makes, pastes and removes a key", () => {
    expect(server({ dkim_key: "make" }).dkim).toMatchObject({ generate: true });
    expect(server({ dkim_key: "paste", dkim_pasted: "  KEY\n\n" }).dkim).toMatchObject({
      private_key: "KEY\n",
    });
    expect(server({ dkim_key: "remove" }).dkim).toMatchObject({ private_key: "" });
    // What was pasted and then left is not sent.
    expect(server({ dkim_pasted: "KEY" }).dkim).toEqual({ domain: "example.com", selector: "parley" });
  });

  it("names every field that cannot be", () => {
    const broken = {
      host: " ",
      port: "70000",
      per_minute: "many",
      from_email: "",
      dkim_key: "paste" as const,
    };
    expect(fieldsOf(() => server(broken))).toEqual([
      "port",
      "per_minute",
      "host",
      "from_email",
      "dkim.private_key",
    ]);
    for (const port of ["", "0", "1.5", "-1", "587a"])
      expect(fieldsOf(() => server({ port }))).toEqual(["port"]);
  });

  it("lets the port follow the encryption while it is a usual one", () => {
    const values = serverValues(SERVER);
    expect(withTls(values, "starttls")).toEqual({ tls: "starttls", port: "587" });
    expect(withTls({ ...values, port: "2525" }, "none")).toEqual({ tls: "none", port: "2525" });
    expect(withTls({ ...values, port: " " }, "none").port).toBe("25");
  });
});

const TEXTS = Object.fromEntries(TEXT_NAMES.map((name) => [name, ""])) as MailTexts;
const MAIL: WidgetMail = {
  inbound_url: "",
  custom_email_api: { enabled: false, url: "", has_token: false, token_hint: null, context_as_text: false },
  transcript_on_end: false,
  transcript_offer: false,
  sign_in: true,
  missed_after_seconds: 0,
  from_name: "",
  logo_url: "",
  texts: TEXTS,
  default_texts: TEXTS,
  state: "ok",
  reason: "",
};
const widget = (change: Partial<WidgetMailValues>) =>
  widgetMailInput({ ...widgetMailValues(MAIL), ...change });

describe("the form of a widget's mails", () => {
  it("keeps what it does not change", () => {
    const { state, reason, default_texts, ...kept } = MAIL;
    const { has_token, token_hint, ...api } = MAIL.custom_email_api;
    expect(widget({})).toEqual({ ...kept, custom_email_api: api });
    const stored = { ...MAIL, missed_after_seconds: 90, texts: { ...TEXTS, footer: "Bye" } };
    expect(widgetMailInput(widgetMailValues(stored))).toMatchObject({
      missed_after_seconds: 90,
      texts: { footer: "Bye" },
    });
  });

  it("takes minutes as people write them", () => {
    expect(widget({ missed: true, missed_minutes: "1,5" }).missed_after_seconds).toBe(90);
    expect(widget({ missed: true }).missed_after_seconds).toBe(900);
    expect(widget({ missed: false, missed_minutes: "nonsense" }).missed_after_seconds).toBe(0);
    for (const missed_minutes of ["", "0.5", "1441", "soon"])
      expect(fieldsOf(() => widget({ missed: true, missed_minutes }))).toEqual(["missed_after_seconds"]);
  });

  it("wants an address for the callback only while it is on", () => {
    expect(fieldsOf(() => widget({ enabled: true }))).toEqual(["custom_email_api.url"]);
    expect(fieldsOf(() => widget({ enabled: false }))).toEqual([]);
  });

  it("sends a token that was typed, and nothing else of it", () => {
    const api = (change: Partial<WidgetMailValues>) => widget(change).custom_email_api;
    expect(api({ token: { typed: "t0ken", gone: false } })).toMatchObject({ token: "t0ken" });
    expect(api({ token: { typed: "", gone: true } })).toMatchObject({ token: "" });
    expect("token" in api({})).toBe(false);
  });

  it("knows when a test would tell of something else than it shows", () => {
    const saved = {
      ...MAIL,
      custom_email_api: { ...MAIL.custom_email_api, enabled: true, url: "https://a.example" },
    };
    const values = widgetMailValues(saved);
    expect(callbackEdited(values, saved)).toBe(false);
    expect(callbackEdited({ ...values, from_name: "x", context_as_text: true }, saved)).toBe(false);
    expect(callbackEdited({ ...values, url: "https://b.example" }, saved)).toBe(true);
    expect(callbackEdited({ ...values, enabled: false }, saved)).toBe(true);
    expect(callbackEdited({ ...values, token: { typed: "x", gone: false } }, saved)).toBe(true);
  });

  it("finds the mail whose text has a fault", () => {
    expect(faultyKind(["inbound_url", "texts.missed_intro"])).toBe("missed");
    expect(faultyKind(["texts.reauth_subject"])).toBe("reauth");
    expect(faultyKind(["texts.footer"])).toBeUndefined();
    expect(faultyKind([])).toBeUndefined();
  });
});

describe("a secret that cannot be shown", () => {
  it("stays, is replaced, or goes", () => {
    expect(changedSecret(UNCHANGED)).toBeUndefined();
    expect(changedSecret({ typed: "new", gone: true })).toBe("new");
    expect(changedSecret({ typed: "", gone: true })).toBe("");
  });
});
