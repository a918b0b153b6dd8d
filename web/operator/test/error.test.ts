import { describe, expect, it } from "vitest";
import { errorOf } from "../src/api/error.ts";

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

describe("an error answer", () => {
  it("keeps code, detail, field and request", async () => {
    const error = await errorOf(
      answer(422, {
        title: "Invalid",
        detail: "Too long.",
        code: "message.too_long",
        field: "body",
        request_id: "r1",
      }),
    );
    expect(error).toMatchObject({
      status: 422,
      code: "message.too_long",
      detail: "Too long.",
      field: "body",
      requestId: "r1",
    });
    expect(error.byField().get("body")).toBe("Too long.");
    expect(error.transient).toBe(false);
  });

  it("keeps several faults, the first for a field", async () => {
    const errors = [
      { field: "email", code: "a", detail: "Not an address." },
      { field: "email", code: "b", detail: "Too long." },
      { field: "name", code: "c", detail: "Missing." },
    ];
    const faults = (
      await errorOf(answer(422, { code: "request.invalid", title: "Invalid", errors }))
    ).byField();
    expect([...faults]).toEqual([
      ["email", "Not an address."],
      ["name", "Missing."],
    ]);
  });

  it("tells when to try again", async () => {
    const error = await errorOf(
      answer(429, { code: "auth.too_many", detail: "Wait." }, { "Retry-After": "17" }),
    );
    expect(error.retryAfter).toBe(17);
    expect(error.transient).toBe(true);
  });

  it("makes something of a proxy's page", async () => {
    const error = await errorOf(answer(502, "<html>Bad gateway</html>"));
    expect(error).toMatchObject({ status: 502, code: "http.502", transient: true });
  });
});
