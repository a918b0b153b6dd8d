// Somebody else's web shop: another origin than the server's, with a strict content security policy that allows the
// messenger and nothing more.
import { createServer } from "node:http";
import { once } from "node:events";

export async function startShop(serverURL, snippet) {
  const socket = serverURL.replace(/^http/, "ws");
  const policy = [
    "default-src 'none'",
    `script-src ${serverURL}`,
    `connect-src ${serverURL} ${socket}`,
    `img-src ${serverURL} data:`,
    `media-src ${serverURL}`,
    "style-src 'none'",
    "base-uri 'none'",
  ].join("; ");
  const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>
${snippet}
</head>
<body><main><h1>A shop</h1><p>It sells lamps.</p></main></body>
</html>`;
  const http = createServer((request, response) => {
    if (request.url === "/favicon.ico") {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
    response.end(page);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    url: `http://localhost:${http.address().port}/`,
    stop: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}
