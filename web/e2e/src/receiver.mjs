// The test's side of the recorder: starts it, steers it, asks it what came.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "./child.mjs";
import { freePort } from "./ports.mjs";

export class Receiver {
  static async start() {
    const receiver = new Receiver();
    receiver.dir = await mkdtemp(join(tmpdir(), "parley-recorder-"));
    const port = await freePort();
    receiver.url = `http://127.0.0.1:${port}`;
    const script = fileURLToPath(new URL("recorder.mjs", import.meta.url));
    receiver.child = new Child(process.execPath, [script, String(port), join(receiver.dir, "calls.jsonl")]);
    await receiver.child.says(/ready/);
    return receiver;
  }

  hook(name) {
    return `${this.url}/hooks/${name}`;
  }

  async control(settings) {
    const answer = await fetch(`${this.url}/control`, { method: "PUT", body: JSON.stringify(settings) });
    if (!answer.ok) throw new Error(`recorder: ${answer.status}`);
  }

  /** All calls, as soon as there are at least count of them. */
  async calls(count, milliseconds = 30_000) {
    try {
      const answer = await fetch(`${this.url}/calls?count=${count}`, { signal: AbortSignal.timeout(milliseconds) });
      return await answer.json();
    } catch (cause) {
      const got = await (await fetch(`${this.url}/calls`)).json();
      const names = got.map((call) => `${call.name} ${call.mode} ${call.body.slice(0, 120)}`);
      throw new Error(`wanted ${count} calls, got ${got.length}:\n${names.join("\n")}`, { cause });
    }
  }

  async stop() {
    await this.child.end("SIGKILL");
    await rm(this.dir, { recursive: true, force: true });
  }
}
