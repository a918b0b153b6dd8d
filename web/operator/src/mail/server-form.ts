// What the form of the mail server holds, and how it becomes what the API takes.

import { ApiError, type FieldFault } from "../api/error.ts";
import type { MailServer, MailServerInput, Tls } from "./api.ts";
import { changedSecret, type SecretValue, UNCHANGED } from "./secret.ts";

export interface ServerValues {
  host: string;
  port: string;
  tls: Tls;
  username: string;
  password: SecretValue;
  from_email: string;
  from_name: string;
  reply_to: string;
  /** Empty means no limit. */
  per_minute: string;
  dkim_domain: string;
  dkim_selector: string;
  /** What becomes of the key: as it is, a new one made by the server, a pasted one, none any more. */
  dkim_key: "keep" | "make" | "paste" | "remove";
  dkim_pasted: string;
}

/** Where mail servers usually listen for each way of encryption. */
export const PORTS: Record<Tls, string> = { starttls: "587", tls: "465", none: "25" };

export const TLS_CHOICES: { value: Tls; label: string }[] = [
  { value: "starttls", label: "STARTTLS" },
  { value: "tls", label: "TLS" },
  { value: "none", label: "None" },
];

/** The form's names in the server's faults. */
export const SERVER_FIELDS = [
  "host",
  "port",
  "tls",
  "username",
  "password",
  "from_email",
  "from_name",
  "reply_to",
  "per_minute",
  "dkim.domain",
  "dkim.selector",
  "dkim.private_key",
];

export function serverValues(server: MailServer): ServerValues {
  const unset = server.state === "unset";
  return {
    host: server.host,
    port: server.port ? String(server.port) : PORTS.starttls,
    tls: unset ? "starttls" : server.tls || "starttls",
    username: server.username,
    password: UNCHANGED,
    from_email: server.from_email,
    from_name: server.from_name,
    reply_to: server.reply_to,
    per_minute: server.per_minute > 0 ? String(server.per_minute) : "",
    dkim_domain: server.dkim.domain,
    dkim_selector: server.dkim.selector,
    dkim_key: "keep",
    dkim_pasted: "",
  };
}

/** The encryption after a choice. The port follows while it is one of the usual ones. */
export function withTls(values: ServerValues, tls: Tls): Pick<ServerValues, "tls" | "port"> {
  const usual = values.port.trim() === "" || Object.values(PORTS).includes(values.port.trim());
  return { tls, port: usual ? PORTS[tls] : values.port };
}

/** Digits as a number; NaN is what no server takes. */
function whole(text: string): number {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
}

/** Throws what can be told without asking the server. */
export function serverInput(values: ServerValues): MailServerInput {
  const errors: FieldFault[] = [];
  const fault = (field: string, detail: string) => errors.push({ field, code: "field.invalid", detail });
  const port = whole(values.port);
  if (!(port >= 1 && port <= 65_535)) fault("port", "A port is a number from 1 to 65535.");
  const perMinute = values.per_minute.trim() === "" ? 0 : whole(values.per_minute);
  if (Number.isNaN(perMinute)) fault("per_minute", "Write a number, or leave it empty for no limit.");
  if (values.host.trim() === "") fault("host", "Write the host of your mail server.");
  if (values.from_email.trim() === "") fault("from_email", "Write the address that mails come from.");
  if (values.dkim_key === "paste" && values.dkim_pasted.trim() === "")
    fault("dkim.private_key", "Paste the private key, or have one made.");
  if (errors.length > 0)
    throw new ApiError(422, "request.invalid", "Some fields need a correction.", { errors });
  const password = changedSecret(values.password);
  return {
    host: values.host.trim(),
    port,
    tls: values.tls,
    username: values.username.trim(),
    ...(password !== undefined && { password }),
    from_email: values.from_email.trim(),
    from_name: values.from_name.trim(),
    reply_to: values.reply_to.trim(),
    per_minute: perMinute,
    dkim: {
      domain: values.dkim_domain.trim(),
      selector: values.dkim_selector.trim(),
      ...(values.dkim_key === "make" && { generate: true }),
      ...(values.dkim_key === "paste" && { private_key: `${values.dkim_pasted.trim()}\n` }),
      ...(values.dkim_key === "remove" && { private_key: "" }),
    },
  };
}
