// Recording a voice message: what the browser gives, without anything to look at.

import type { Voice } from "./held.ts";
import { levelOf, peaksOf } from "./waves.ts";

export const LONGEST_MS = 5 * 60_000;
const SAMPLE_MS = 60;
/** What browsers record, best first; Safari has only the second. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

/** Why nothing can be recorded, in words for whoever wants to. */
export function troubleText(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return "The browser does not let this page use the microphone. Allow it beside the address of the page, then try again.";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "No microphone was found.";
  if (name === "NotReadableError" || name === "AbortError")
    return "The microphone cannot be used. Another program may be using it.";
  if (!window.isSecureContext) return "Recording works only where this page is served with https.";
  return "This browser cannot record.";
}

export interface Recorded {
  blob: Blob;
  name: string;
  voice: Voice;
}

export class Recording {
  /** Loudness since the start, 0 to 1 each. */
  readonly levels: number[] = [];
  private readonly recorder: MediaRecorder;
  private readonly stream: MediaStream;
  private readonly context: AudioContext;
  private readonly chunks: Blob[] = [];
  private readonly timer: number;
  private before = 0;
  private since = performance.now();

  private constructor(stream: MediaStream, onLevel: () => void) {
    this.stream = stream;
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32_000 });
    this.recorder.ondataavailable = (event) => this.chunks.push(event.data);
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    this.timer = window.setInterval(() => {
      if (this.recorder.state === "recording") {
        analyser.getByteTimeDomainData(samples);
        this.levels.push(levelOf(samples));
        if (this.elapsed >= LONGEST_MS) this.pause();
      }
      onLevel();
    }, SAMPLE_MS);
    this.recorder.start(1000);
  }

  static async start(onLevel: () => void): Promise<Recording> {
    if (!navigator.mediaDevices || typeof MediaRecorder === "undefined") throw new Error("not supported");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    return new Recording(stream, onLevel);
  }

  get elapsed(): number {
    const running = this.recorder.state === "recording" ? performance.now() - this.since : 0;
    return Math.min(LONGEST_MS, this.before + running);
  }

  get paused(): boolean {
    return this.recorder.state === "paused";
  }

  get full(): boolean {
    return this.elapsed >= LONGEST_MS;
  }

  pause(): void {
    if (this.recorder.state !== "recording") return;
    this.before = this.elapsed;
    this.recorder.pause();
  }

  resume(): void {
    if (this.recorder.state !== "paused" || this.full) return;
    this.since = performance.now();
    this.recorder.resume();
  }

  /** Ends it and lets go of the microphone. */
  async finish(): Promise<Recorded> {
    const durationMs = Math.round(this.elapsed);
    if (this.recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => {
        this.recorder.onstop = resolve;
      });
      this.recorder.stop();
      await stopped;
    }
    this.release();
    const type = (this.recorder.mimeType || "audio/webm").replace(/;.*$/, "");
    const end = type === "audio/mp4" ? "m4a" : type === "audio/ogg" ? "ogg" : "webm";
    return {
      blob: new Blob(this.chunks, { type }),
      name: `Voice message.${end}`,
      voice: { durationMs, peaks: peaksOf(this.levels) },
    };
  }

  cancel(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.release();
  }

  private release(): void {
    window.clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") void this.context.close();
  }
}
