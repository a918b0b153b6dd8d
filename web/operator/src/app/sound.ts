import { useEffect } from "react";
import { useLive } from "./live-context.ts";
import { useMe } from "./me.ts";
import { remembered } from "./stored.ts";

let context: AudioContext | null = null;

/** Two short soft tones; made here so that no file has to be loaded. */
export function chime(): void {
  context ??= new AudioContext();
  const begin = context.currentTime;
  for (const [index, frequency] of [660, 880].entries()) {
    const at = begin + index * 0.09;
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.08, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.22);
  }
}

/** A sound for what concerns this operator, only when asked for and not while the page is in focus. */
export function useArrivalSound(): void {
  const live = useLive();
  const me = useMe().operator.id;
  useEffect(
    () =>
      live.onArrival((event) => {
        if (event.type !== "message.received" || remembered("sound") !== "on" || document.hasFocus()) return;
        const operator = event.data.conversation?.operator;
        if (!operator || operator.id === me) chime();
      }),
    [live, me],
  );
}
