// A voice note from the microphone.

export interface Recording {
  file: Blob;
  name: string;
  ms: number;
  /** Loudness over the time, 0 to 100, at most 64 values. */
  peaks: number[];
}

export interface Recorder {
  /** Loudness so far, 0 to 1, ten a second. */
  readonly levels: readonly number[];
  ms(): number;
  stop(): Promise<Recording>;
  cancel(): void;
}

/** What browsers record, best first; Safari knows the second only. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const ENDINGS: Record<string, string> = { "audio/mp4": "m4a", "audio/ogg": "ogg" };
const TICK = 100;

/** At most `count` values of 0 to 100: the loudest of each part, so that a short word is seen. */
export function peaksOf(levels: readonly number[], count = 64): number[] {
  const parts = Math.min(count, levels.length);
  const loudest = Math.max(0.05, ...levels);
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((i * levels.length) / parts);
    const to = Math.max(from + 1, Math.floor(((i + 1) * levels.length) / parts));
    return Math.round((Math.max(0, ...levels.slice(from, to)) / loudest) * 100);
  });
}

/** Rejects with the browser's DOMException when there is no microphone to be had. */
export async function startRecorder(): Promise<Recorder> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true },
  });
  const stopTracks = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  let sound: AudioContext | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, {
      audioBitsPerSecond: 32_000,
      ...(mimeType ? { mimeType } : {}),
    });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => void parts.push(data);
    sound = new AudioContext();
    const meter = sound.createAnalyser();
    sound.createMediaStreamSource(stream).connect(meter);
    const samples = new Uint8Array(meter.fftSize);
    const levels: number[] = [];
    timer = setInterval(() => {
      meter.getByteTimeDomainData(samples);
      levels.push(samples.reduce((most, one) => Math.max(most, Math.abs(one - 128)), 0) / 128);
    }, TICK);
    recorder.start(1000);
    const began = performance.now();
    const end = () => {
      clearInterval(timer);
      stopTracks();
      void sound?.close();
    };
    return {
      levels,
      ms: () => Math.round(performance.now() - began),
      stop() {
        const ms = Math.round(performance.now() - began);
        return new Promise((resolve) => {
          const done = () => {
            end();
            const type = (recorder.mimeType || mimeType || "audio/webm").split(";")[0] as string;
            const at = new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-");
            resolve({
              file: new Blob(parts, { type }),
              name: `voice-${at}.${ENDINGS[type] ?? "webm"}`,
              ms,
              peaks: peaksOf(levels),
            });
          };
          // The device may have gone away meanwhile; what was recorded until then counts.
          if (recorder.state === "inactive") done();
          else {
            recorder.onstop = done;
            recorder.stop();
          }
        });
      },
      cancel() {
        recorder.ondataavailable = null;
        if (recorder.state !== "inactive") recorder.stop();
        end();
      },
    };
  } catch (fault) {
    clearInterval(timer);
    stopTracks();
    void sound?.close();
    throw fault;
  }
}
