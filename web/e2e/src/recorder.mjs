// A receiver of callbacks, as another company would run it: a process of its own, which knows nothing of Parley but the
// signing secrets. Run it with a port and a file. Each call is written to the file before it is answered.
//
//   POST /hooks/NAME    a callback
//   PUT  /control       {"secrets": {NAME: "whsec_…"}, "mode": "ok" | "fail" | "hang"}; what is left out stays as it is
//   GET  /calls?count=N answers with all calls as soon as there are N of them
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const [port, file] = process.argv.slice(2);
const secrets = {};
const hanging = new Set();
const waiting = new Set();
let mode = "ok";
let calls = 0;
writeFileSync(file, "");

function verify(name, headers, body) {
  try {
    new Webhook(secrets[name]).verify(body, headers);
    return "";
  } catch (cause) {
    return String(cause);
  }
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text) => {
      body += text;
    });
    request.on("end", () => resolve(body));
    request.on("error", reject);
  });
}

function answer(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

const recorded = () => readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));

createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const body = await readBody(request);
  if (url.pathname === "/control") {
    const { secrets: added = {}, mode: next = mode } = JSON.parse(body);
    Object.assign(secrets, added);
    mode = next;
    return answer(response, 200, { mode });
  }
  if (url.pathname === "/calls") {
    const count = Number(url.searchParams.get("count") ?? 0);
    const tell = () => answer(response, 200, recorded());
    if (calls >= count) return tell();
    const waiter = { count, tell };
    waiting.add(waiter);
    response.on("close", () => waiting.delete(waiter));
    return undefined;
  }
  const name = url.pathname.replace("/hooks/", "");
  const { headers } = request;
  const call = { name, method: request.method, mode, headers, body, fault: verify(name, headers, body) };
  appendFileSync(file, `${JSON.stringify(call)}\n`);
  calls += 1;
  for (const waiter of waiting) {
    if (calls >= waiter.count) {
      waiting.delete(waiter);
      waiter.tell();
    }
  }
  if (mode === "hang") {
    hanging.add(response);
    return undefined;
  }
  return answer(response, mode === "fail" ? 500 : 200, {});
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
