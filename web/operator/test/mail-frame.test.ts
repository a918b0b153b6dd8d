import { describe, expect, it } from "vitest";
import { apart, asSeen } from "../src/mail/frame.ts";
import { mailIn } from "../src/mail/sent.ts";
import { actionName, stateOf, whoIs } from "../src/mail/words.ts";

describe("a mail apart from its styles", () => {
  it("takes style sheets out and renames style attributes", () => {
    const { html, css } = apart(
      '<html><head><style type="text/css">a { color: red }</style><STYLE>b {}</STYLE ></head>' +
        '<body style="margin:0"><p class="x" STYLE = \'color:blue\'>style="kept" in words</p></body></html>',
    );
    expect(css).toBe("a { color: red }\nb {}");
    expect(html).toBe(
      '<html><head></head><body data-style="margin:0"><p class="x" data-style = \'color:blue\'>style="kept" in words</p></body></html>',
    );
  });

  it("leaves what only looks like one", () => {
    expect(apart('<p data-style="x" title="y">').html).toBe('<p data-style="x" title="y">');
    expect(apart("no markup at all").html).toBe("no markup at all");
  });
});

describe("a style sheet on another screen", () => {
  const css =
    "@media (prefers-color-scheme: dark) { a {} } @media screen and ( PREFERS-COLOR-SCHEME:light ) { b {} }";
  it("follows the screen that was chosen", () => {
    expect(asSeen(css, true)).toBe(
      "@media (min-width: 0) { a {} } @media screen and (max-width: 0) { b {} }",
    );
    expect(asSeen(css, false)).toBe(
      "@media (max-width: 0) { a {} } @media screen and (min-width: 0) { b {} }",
    );
  });
});

describe("the mail in a delivery", () => {
  const whole = {
    html: "<p>",
    text: "t",
    subject: "s",
    receiver: "a@b.example",
    email_type: "transcript",
    context: {},
  };
  it("is read from the six keys", () => {
    expect(mailIn(JSON.stringify(whole))).toEqual({
      html: "<p>",
      text: "t",
      subject: "s",
      receiver: "a@b.example",
    });
  });
  it("is none before it is made, or in something else", () => {
    for (const body of ["", "null", "[]", "{", '"x"', JSON.stringify({ ...whole, html: 1 })])
      expect(mailIn(body)).toBeNull();
  });
});

describe("words for mails and the audit log", () => {
  it("tell a mail that waits from one that is held up", () => {
    expect(stateOf({ state: "queued", reason: "" }).label).toBe("Waiting");
    expect(stateOf({ state: "queued", reason: "trying again: 503" }).label).toBe("Delayed");
    expect(stateOf({ state: "failed", reason: "550" }).label).toBe("Not sent");
  });
  it("name who it was", () => {
    const names = (id: number) => (id === 3 ? "Ada Keller" : undefined);
    expect(whoIs("operator:3", names)).toBe("Ada Keller");
    expect(whoIs("operator:4", names)).toBe("Operator 4");
    expect(whoIs("address:2001:db8::1", names)).toBe("Address 2001:db8::1");
    expect(whoIs("system", names)).toBe("The server");
    expect(whoIs("robot:1", names)).toBe("robot:1");
    expect(actionName("reauth.locked")).toBe("Sign-in by mail was locked");
    expect(actionName("something.new")).toBe("something.new");
  });
});
