import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/error.ts";
import type { CommandAnswer } from "../src/api/types.ts";
import { CommandDesk, type Running } from "../src/inbox/commands/desk.ts";
import { conversation, message } from "./samples.ts";

function bench(stored: string | null = null) {
  const runs: {
    entry: Running;
    resolve: (answer: CommandAnswer) => void;
    reject: (cause: unknown) => void;
  }[] = [];
  const later: (() => void)[] = [];
  const done: Running[] = [];
  let saved = stored;
  const desk = new CommandDesk({
    run: (entry) => new Promise((resolve, reject) => runs.push({ entry, resolve, reject })),
    done: (entry) => done.push(entry),
    end: () => 7,
    later: (run) => later.push(run),
    store: (text) => {
      saved = text;
    },
    stored: () => saved,
  });
  return { desk, runs, later, done, saved: () => saved };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const answer = (lines: string[], more: Partial<CommandAnswer> = {}): CommandAnswer => ({
  command: "api",
  lines,
  conversation: conversation({ id: 1 }),
  message: null,
  ...more,
});
const offline = () => new ApiError(0, "network.unreachable", "gone");

describe("the desk of commands", () => {
  it("shows an answer behind the last line of the thread", async () => {
    const { desk, runs, done } = bench();
    desk.run(1, "$api", false);
    expect(desk.of(1).running).toMatchObject({ line: "$api", state: "running" });
    runs[0]?.resolve(answer(["It will be sent."]));
    await settle();
    expect(desk.of(1).running).toBeNull();
    expect(desk.of(1).answers).toMatchObject([{ line: "$api", lines: ["It will be sent."], after: 7 }]);
    expect(done).toHaveLength(1);
    expect(desk.of(2).answers).toEqual([]);
  });

  it("puts an answer behind the note that its command left", async () => {
    const { desk, runs } = bench();
    desk.run(1, "$note hello", true);
    runs[0]?.resolve(answer(["Stored."], { message: message({ number: 9, note: true }) }));
    await settle();
    expect(desk.of(1).answers[0]?.after).toBe(9);
  });

  it("runs one command of a conversation at a time", () => {
    const { desk, runs } = bench();
    desk.run(1, "$api", false);
    desk.run(1, "$end", false);
    desk.run(2, "$end", false);
    expect(runs.map((each) => each.entry.line)).toEqual(["$api", "$end"]);
    expect(runs[1]?.entry.conversationId).toBe(2);
  });

  it("keeps one key over all tries", async () => {
    const { desk, runs, later } = bench();
    desk.run(1, "$end", false);
    runs[0]?.reject(offline());
    await settle();
    expect(desk.of(1).running?.state).toBe("waiting");
    later.shift()?.();
    expect(runs).toHaveLength(2);
    expect(runs[1]?.entry.key).toBe(runs[0]?.entry.key);
    runs[1]?.resolve(answer(["Ended."]));
    await settle();
    expect(desk.of(1).answers).toHaveLength(1);
  });

  it("says what was refused, until something else is typed", async () => {
    const { desk, runs } = bench();
    desk.run(1, "$forwrad ann", false);
    runs[0]?.reject(new ApiError(422, "command.unknown", "did you mean $forward?", { field: "line" }));
    await settle();
    expect(desk.of(1)).toMatchObject({
      running: null,
      fault: { line: "$forwrad ann", code: "command.unknown", detail: "did you mean $forward?" },
    });
    desk.forgive(1);
    expect(desk.of(1).fault).toBeNull();
  });

  it("gives up what waits, and does not try it again behind one's back", async () => {
    const { desk, runs, later } = bench();
    desk.run(1, "$end", false);
    desk.cancel(1);
    expect(desk.of(1).running, "what is under way goes on").not.toBeNull();
    runs[0]?.reject(offline());
    await settle();
    desk.cancel(1);
    expect(desk.of(1).running).toBeNull();
    later.shift()?.();
    desk.wake();
    expect(runs).toHaveLength(1);
  });

  it("tries once when the connection comes back before the timer", async () => {
    const { desk, runs, later } = bench();
    desk.run(1, "$end", false);
    runs[0]?.reject(offline());
    await settle();
    desk.wake();
    later.shift()?.();
    expect(runs).toHaveLength(2);
  });

  it("goes on after a reload with the same key, and forgets what was said", async () => {
    const first = bench();
    first.desk.run(1, "$end", true);
    const key = first.desk.of(1).running?.key;
    const second = bench(first.saved());
    second.later.shift()?.();
    expect(second.runs[0]?.entry).toMatchObject({ key, line: "$end", note: true });
    second.runs[0]?.resolve(answer(["Ended."]));
    await settle();
    expect(second.desk.of(1).answers).toHaveLength(1);
    expect(bench(second.saved()).desk.of(1)).toEqual({ running: null, fault: null, answers: [] });
    expect(bench("no json").desk.of(1).running).toBeNull();
  });

  it("takes an answer away when asked to", async () => {
    const { desk, runs } = bench();
    desk.run(1, "$help", false);
    runs[0]?.resolve(answer(["$api: …"]));
    await settle();
    desk.dismiss(1, desk.of(1).answers[0]?.key ?? "");
    expect(desk.of(1).answers).toEqual([]);
  });
});
