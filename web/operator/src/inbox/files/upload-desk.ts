// The page's uploads, and what a browser does for them.

import { announceSignedOut } from "../../api/client.ts";
import { ApiError, errorFrom, offlineError } from "../../api/error.ts";
import { mediaLimits } from "../../api/routes.ts";
import type { Uploaded } from "../../api/types.ts";
import { toast } from "../../design/toasts.tsx";
import { type Held, shelf } from "./held.ts";
import { MOST, type Transfer, Uploads } from "./uploads.ts";

/** fetch() tells nothing of the way up; this does. */
function transfer(file: Blob, held: Held, progress: (part: number) => void): Transfer {
  const request = new XMLHttpRequest();
  const query = new URLSearchParams({ name: held.name });
  if (held.voice) {
    query.set("voice", "1");
    query.set("duration_ms", String(held.voice.durationMs));
    query.set("peaks", held.voice.peaks.join(","));
  }
  const answer = new Promise<Uploaded>((resolve, reject) => {
    request.open("POST", `/api/v1/media?${query}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status < 300) {
        try {
          resolve(JSON.parse(request.responseText) as Uploaded);
        } catch {
          reject(new ApiError(502, "http.unreadable", "The server's answer could not be read."));
        }
        return;
      }
      const error = errorFrom(request.status, request.responseText, request.getResponseHeader("Retry-After"));
      announceSignedOut(error);
      reject(error);
    };
    request.onerror = () => reject(offlineError());
    request.onabort = () => reject(new ApiError(410, "file.dropped", "The upload was cancelled."));
    request.send(file);
  });
  return { answer, abort: () => request.abort() };
}

let asked: Promise<number> | null = null;

/** The longest file that the server takes, in bytes; asked once. */
export function uploadLimit(): Promise<number> {
  asked ??= mediaLimits().then(
    (limits) => limits.max_upload,
    (cause) => {
      asked = null;
      throw cause;
    },
  );
  return asked;
}

export const uploads = new Uploads({
  shelf,
  transfer,
  limit: uploadLimit,
  preview: (file) => URL.createObjectURL(file),
  forget: (preview) => URL.revokeObjectURL(preview),
});

/** Puts files into a tray, unless there is no room for them. */
export async function attach(tray: string, files: File[]): Promise<void> {
  const left = await uploads.add(tray, files);
  if (left > 0) toast(`${left} left out: ${MOST} files go at once.`);
}

window.addEventListener("online", () => uploads.retryAll());
// What is held is nowhere else: leaving the page asks first.
window.addEventListener("beforeunload", (event) => {
  if (shelf.size > 0) event.preventDefault();
});
