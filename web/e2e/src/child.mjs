// A child process whose output is kept, so that a failed test can show it.
import { spawn } from "node:child_process";
import { once } from "node:events";

export class Child {
  #process;
  #output = "";

  constructor(command, args, options = {}) {
    this.#process = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        this.#output += text;
        this.#process.emit("said");
      });
    }
    this.exited = new Promise((resolve) => {
      this.#process.once("error", (cause) => {
        this.#output += String(cause);
        resolve({ code: null, signal: null });
      });
      this.#process.once("close", (code, signal) => resolve({ code, signal }));
    });
  }

  get output() {
    return this.#output;
  }

  get pid() {
    return this.#process.pid;
  }

  /** Waits until the output matches, and returns the match. Fails when the process ends or takes too long. */
  async says(pattern, milliseconds = 20_000) {
    const limit = AbortSignal.timeout(milliseconds);
    const ended = this.exited.then(() => "ended");
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match) return match;
      const said = once(this.#process, "said", { signal: limit }).catch(() => "late");
      const news = await Promise.race([said, ended]);
      if (news === "late" || news === "ended") {
        const last = pattern.exec(this.#output);
        if (last) return last;
        throw new Error(`${this.#process.spawnargs.join(" ")}: ${news} without saying ${pattern}. It said:\n${this.#output}`);
      }
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal) {
    this.#process.kill(signal);
    return this.exited;
  }
}
