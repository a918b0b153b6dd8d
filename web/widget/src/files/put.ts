import type { Answer } from "../http";
import type { Uploaded } from "../wire";
import type { UploadCall } from "./uploads";

/** A line that moves nothing for so long is dead. */
const SILENCE = 60_000;

/** Posts one file. XMLHttpRequest, because fetch does not tell how much has gone out. */
export function putFile(
  url: string,
  token: string | null,
  file: Blob,
  progress: (loaded: number) => void,
): UploadCall {
  const request = new XMLHttpRequest();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const answer = new Promise<Answer<Uploaded>>((resolve) => {
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), SILENCE);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      moved();
      progress(total ? loaded / total : 0);
    };
    request.onloadend = () => {
      clearTimeout(timer);
      const { status } = request;
      let said: (Uploaded & { code?: string; detail?: string }) | null = null;
      try {
        said = JSON.parse(request.responseText);
      } catch {
        // A proxy in between answers in its own words; the status is enough.
      }
      if (status >= 200 && status < 300 && said?.key) {
        resolve({ ok: true, value: said });
        return;
      }
      resolve({
        ok: false,
        status,
        code: said?.code ?? (status ? `http.${status}` : "network"),
        message: said?.detail ?? "",
        wait: Number(status && request.getResponseHeader("Retry-After")) || 0,
      });
    };
    request.open("POST", url);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    moved();
    request.send(file);
  });
  return { answer, abort: () => request.abort() };
}
