// The real binary on a free port, with a data directory of its own. It can be killed at any moment and started again.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Child } from "./child.mjs";
import { freePort } from "./ports.mjs";

const run = promisify(execFile);
const binary = process.env.PARLEY ?? fileURLToPath(new URL("../../../bin/parley", import.meta.url));

/** Our own environment without the variables that would configure the server. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY")));
}

export class Server {
  #child;

  static async make(options = {}) {
    await access(binary).catch(() => {
      throw new Error(`${binary} is missing: run make build`);
    });
    const server = new Server();
    server.data = await mkdtemp(join(tmpdir(), "parley-e2e-"));
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.verb = options.verb ?? "serve";
    return server;
  }

  /** Runs a verb of the binary to its end and returns what it printed. */
  async verbOnce(...args) {
    const { stdout } = await run(binary, [...args, "--data", this.data], { env: environment() });
    return stdout.trim();
  }

  /** Starts the server and waits until it says that it is ready. Returns what it printed so far. */
  async start() {
    const args = [this.verb, "--data", this.data, "--listen", `127.0.0.1:${this.port}`, "--public-url", this.url];
    if (this.verb === "serve") args.push("--allow-private-targets", "127.0.0.0/8", "--allow-private-links", "127.0.0.0/8");
    this.#child = new Child(binary, args, { env: environment() });
    await this.#child.says(/ready/);
    return this.#child;
  }

  get output() {
    return this.#child?.output ?? "";
  }

  /** The power goes: no clean-up, no goodbye. */
  async kill9() {
    const { signal } = await this.#child.end("SIGKILL");
    assert.equal(signal, "SIGKILL");
  }

  /** A clean stop, which must end with exit code 0. */
  async stop() {
    if (!this.#child) return;
    const { code } = await this.#child.end("SIGTERM");
    this.#child = undefined;
    assert.equal(code, 0, "SIGTERM ends the server with exit code 0");
  }

  /** Ends the server whatever state it is in, and deletes its data. */
  async remove() {
    await this.#child?.end("SIGKILL");
    await rm(this.data, { recursive: true, force: true });
  }

  /** Calls the operator API with the token. */
  async api(method, path, body) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }
}
