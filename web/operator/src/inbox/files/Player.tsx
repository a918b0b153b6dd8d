import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { Button } from "react-aria-components";
import type { Media } from "../../api/types.ts";
import { Icon } from "../../design/icons.tsx";
import { lengthText } from "./sizes.ts";
import { barsOf } from "./waves.ts";

const SPEEDS = [1, 1.5, 2];
const STEP = 5;
const WIDTH = 192;
const HEIGHT = 32;

/** Only one thing is heard at a time, and whoever listens fast listens fast to the next one, too. */
let heard: HTMLAudioElement | null = null;
let speed = 1;

interface Props {
  media: Media;
  url: string;
  onError: () => void;
}

export function Player({ media, url, onError }: Props) {
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [rate, setRate] = useState(speed);
  // What a browser records says nothing of its own length.
  const [found, setFound] = useState(0);
  const length = media.duration_ms ? media.duration_ms / 1000 : found;
  const voice = media.kind === "voice";
  const name = voice ? "Voice message" : media.name;

  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (playing) element.pause();
    else {
      element.playbackRate = rate;
      // The address may be too old: the error handler hears of it.
      void element.play().catch(() => {});
    }
  };
  const seek = (to: number) => {
    const element = audio.current;
    const next = Math.min(length, Math.max(0, to));
    setAt(next);
    if (element && Number.isFinite(next)) element.currentTime = next;
  };
  const faster = () => {
    speed = SPEEDS[(SPEEDS.indexOf(rate) + 1) % SPEEDS.length] ?? 1;
    setRate(speed);
    if (audio.current) audio.current.playbackRate = speed;
  };
  const point = (event: PointerEvent<HTMLDivElement>) => {
    if (event.type === "pointermove" && event.buttons !== 1) return;
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    const box = event.currentTarget.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * length);
  };
  const onKey = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: at - STEP,
      ArrowDown: at - STEP,
      ArrowRight: at + STEP,
      ArrowUp: at + STEP,
      Home: 0,
      End: length,
    }[event.key];
    if (to !== undefined) seek(to);
    else if (event.key === " " || event.key === "Enter") toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const part = length > 0 ? Math.min(1, at / length) : 0;
  const bars = barsOf(media.peaks.length > 0 ? media.peaks : [], WIDTH, HEIGHT);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of controls, not of fields
    <div className="player" role="group" aria-label={name}>
      <Button
        className="player-toggle"
        onPress={toggle}
        aria-label={playing ? "Pause" : voice ? "Play the voice message" : `Play ${media.name}`}
      >
        <Icon name={playing ? "pause" : "play"} size={18} />
      </Button>
      <div className="player-middle">
        {!voice && (
          <span className="file-name" dir="auto" title={media.name}>
            {media.name}
          </span>
        )}
        <div
          className={bars ? "wave" : "wave flat"}
          role="slider"
          tabIndex={0}
          aria-label={`Position in ${voice ? "the voice message" : media.name}`}
          aria-valuemin={0}
          aria-valuemax={Math.round(length)}
          aria-valuenow={Math.round(at)}
          aria-valuetext={`${lengthText(at * 1000)} of ${lengthText(length * 1000)}`}
          onPointerDown={point}
          onPointerMove={point}
          onKeyDown={onKey}
        >
          <Bars bars={bars} />
          <div className="wave-past" style={{ clipPath: `inset(0 ${100 - part * 100}% 0 0)` }}>
            <Bars bars={bars} />
          </div>
        </div>
        <span className="player-foot">
          <span>{lengthText((playing || at > 0 ? at : length) * 1000)}</span>
          <Button className="player-speed" onPress={faster} aria-label={`Speed: ${rate} times`}>
            {rate}×
          </Button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/useMediaCaption: what people say to each other comes without captions */}
      <audio
        ref={audio}
        src={url}
        preload={media.duration_ms ? "none" : "metadata"}
        onPlay={(event) => {
          if (heard && heard !== event.currentTarget) heard.pause();
          heard = event.currentTarget;
          setPlaying(true);
        }}
        onPause={() => setPlaying(false)}
        onEnded={() => {
          setPlaying(false);
          setAt(0);
        }}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
        onLoadedMetadata={(event) => {
          const { duration } = event.currentTarget;
          if (Number.isFinite(duration)) setFound(duration);
          if (at > 0) event.currentTarget.currentTime = at;
        }}
        onError={() => {
          setPlaying(false);
          onError();
        }}
      />
    </div>
  );
}

function Bars({ bars }: { bars: string }) {
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {bars ? (
        <path d={bars} strokeWidth="2" strokeLinecap="round" stroke="currentColor" fill="none" />
      ) : (
        <path
          d={`M2 ${HEIGHT / 2}H${WIDTH - 2}`}
          strokeWidth="4"
          strokeLinecap="round"
          stroke="currentColor"
        />
      )}
    </svg>
  );
}
