import type { Media } from "../wire";
import { clockText } from "./describe";
import type { Desk } from "./Files";

// Plays what can be heard: a button, the waveform to move in, the speed.

const SPEEDS = [1, 1.5, 2];
/** A file without peaks, one that was not recorded here, has an even line. */
const EVEN = Array.from({ length: 40 }, () => 24);

/** One at a time. */
let playing: HTMLAudioElement | null = null;

export function makePlayer({ kit, texts, ui, Glyph }: Desk) {
  const { h, useEffect, useRef, useState } = kit;

  return function Player({ media, url, broken }: { media: Media; url: string; broken(): void }) {
    const audio = useRef<HTMLAudioElement>(null);
    const [on, turn] = useState(false);
    const [at, move] = useState(0);
    const [length, measure] = useState((media.duration_ms ?? 0) / 1000);
    const [speed, set] = useState(1);
    useEffect(
      () => () => {
        if (playing === audio.current) playing = null;
      },
      [],
    );

    const toggle = () => {
      const one = audio.current;
      if (!one) return;
      if (!one.paused) {
        one.pause();
        return;
      }
      if (playing !== one) playing?.pause();
      playing = one;
      one.playbackRate = speed;
      // Refused without a gesture of the visitor, or the file is gone: the error event tells the latter.
      one.play().catch(() => undefined);
    };
    const share = length ? Math.min(1, at / length) : 0;
    const bars = media.peaks.length ? media.peaks : EVEN;
    const said = texts.positionOf(clockText(at), clockText(length));
    const rate = `${new Intl.NumberFormat(ui.locale).format(speed)}×`;
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset belongs to a form and cannot be a flex box everywhere
      <div
        class="text player"
        dir="ltr"
        role="group"
        aria-label={`${texts.kinds[media.kind]} ${clockText(length)}`}
      >
        {/* biome-ignore lint/a11y/useMediaCaption: what somebody sent has none */}
        <audio
          ref={audio}
          src={url}
          preload="none"
          onPlay={() => turn(true)}
          onPause={() => turn(false)}
          onTimeUpdate={({ currentTarget }) => move(currentTarget.currentTime)}
          onDurationChange={({ currentTarget: { duration } }) => {
            // What a browser records does not say how long it is.
            if (Number.isFinite(duration)) measure(duration);
          }}
          onEnded={() => move(0)}
          onError={broken}
        />
        <button type="button" class="go" aria-label={on ? texts.pause : texts.play} onClick={toggle}>
          <Glyph name={on ? "pause" : "play"} />
        </button>
        <span class="wave">
          <span class="bars" aria-hidden="true">
            {bars.map((peak, i) => (
              <i
                key={i}
                class={i < share * bars.length ? "on" : ""}
                style={{ height: `${Math.max(8, peak)}%` }}
              />
            ))}
          </span>
          <input
            type="range"
            aria-label={texts.position}
            aria-valuetext={said}
            min={0}
            max={length || 1}
            step={0.1}
            value={at}
            onInput={({ currentTarget }) => {
              const to = Number(currentTarget.value);
              move(to);
              if (audio.current) audio.current.currentTime = to;
            }}
          />
        </span>
        <span class="clock" aria-hidden="true">
          {clockText(at || length)}
        </span>
        <button
          type="button"
          class="rate"
          aria-label={texts.speed(rate)}
          title={texts.speed(rate)}
          onClick={() => {
            const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length] as number;
            set(next);
            if (audio.current) audio.current.playbackRate = next;
          }}
        >
          {rate}
        </button>
      </div>
    );
  };
}
