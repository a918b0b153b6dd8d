import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Chart, ChartRange } from "../api/types.ts";
import { milliseconds } from "../app/clock.ts";
import { go, usePlace } from "../app/router.tsx";
import { Skeleton } from "../design/marks.tsx";
import { SegmentEntry } from "../design/SegmentEntry.tsx";
import {
  type Axis,
  isRange,
  lagAxis,
  lagText,
  latencyAxis,
  latencyTick,
  RANGES,
  rateAxis,
  rateText,
  type Sample,
  samplesOf,
  summaryOf,
  timeTicks,
} from "./chart-scale.ts";
import { LoadFault } from "./parts.tsx";

interface ChartProps {
  /** Of what it is, as the cache names it: the kind and the id. */
  of: readonly [kind: "endpoints" | "channels", id: number];
  load: (range: ChartRange) => Promise<Chart>;
}

/** How an endpoint or channel has been doing: calls a minute, how long answers took, how far behind sending was. */
export function EndpointChart({ of, load }: ChartProps) {
  const place = usePlace();
  const asked = place.query.get("range");
  const range: ChartRange = isRange(asked) ? asked : "1h";
  const chart = useQuery({
    queryKey: [...of, "chart", range],
    queryFn: async () => ({ range, chart: await load(range) }),
    placeholderData: keepPreviousData,
    refetchOnMount: "always",
    // Not while the page is hidden; at once when it is seen again.
    refetchInterval: RANGES.find((each) => each.value === range)?.refresh,
    refetchOnWindowFocus: "always",
  });
  const choose = (value: ChartRange) => {
    const query = new URLSearchParams(place.query);
    if (value === "1h") query.delete("range");
    else query.set("range", value);
    const text = query.toString();
    go(place.path + (text ? `?${text}` : ""), { replace: true });
  };
  const samples = useMemo(
    () => (chart.data ? samplesOf(chart.data.chart, chart.dataUpdatedAt) : []),
    [chart.data, chart.dataUpdatedAt],
  );
  return (
    <section className="card pad stack">
      <div className="inline wrap spread">
        <h2>Calls and answers</h2>
        <SegmentEntry
          label="Time shown"
          hideLabel
          value={range}
          onChange={choose}
          choices={RANGES.map(({ value, label }) => ({ value, label }))}
        />
      </div>
      {chart.data ? (
        <Figure samples={samples} range={chart.data.range} stale={chart.isPlaceholderData} />
      ) : chart.isError ? (
        <LoadFault error={chart.error} onRetry={() => void chart.refetch()} />
      ) : (
        <Skeleton width="100%" height={360} />
      )}
    </section>
  );
}

function Figure({ samples, range, stale }: { samples: Sample[]; range: ChartRange; stale: boolean }) {
  const silent = samples.every((each) => each.delivered + each.failed === 0 && each.lag === 0);
  return (
    <figure className="chart" data-stale={stale || undefined}>
      <figcaption className="field-hint">{summaryOf(samples, range)}</figcaption>
      {!silent && (
        <>
          <Panels samples={samples} range={range} />
          <Table samples={samples} range={range} />
        </>
      )}
    </figure>
  );
}

const GUTTER = 52;
const HEIGHTS = { rate: 112, latency: 96, lag: 64 };
const ABOVE = 8;

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayClock = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "numeric", minute: "2-digit" });

function startText(sample: Sample, range: ChartRange): string {
  return (range === "1h" ? clock : dayClock).format(sample.at);
}

function stepText(sample: Sample, range: ChartRange): string {
  const start = startText(sample, range);
  return range === "1h" ? start : `${start} – ${clock.format(sample.until)}`;
}

function Panels({ samples, range }: { samples: Sample[]; range: ChartRange }) {
  const { box, width } = useWidth();
  const [pointed, setPointed] = useState<number | null>(null);
  const first = samples[0]?.at ?? 0;
  const last = samples.at(-1)?.until ?? 1;
  const inner = Math.max(1, width - GUTTER);
  const slot = inner / samples.length;
  const x = (at: number) => GUTTER + ((at - first) / (last - first)) * inner;
  const ticks = timeTicks(
    first,
    last,
    range === "7d" ? Math.min(7, Math.floor(inner / 50)) : Math.max(2, Math.floor(inner / 90)),
  );
  const label = (at: number) =>
    range === "7d" ? `${weekday.format(at)} ${new Date(at).getDate()}` : clock.format(at);
  const shown = pointed === null ? undefined : samples[pointed];

  const rates = rateAxis(Math.max(...samples.map((each) => each.deliveredRate + each.failedRate)));
  const known = samples.flatMap((each) => (each.mean === null ? [] : [each.mean, each.max ?? each.mean]));
  const latencies = latencyAxis(Math.min(...known, 1000), Math.max(...known, 1));
  const lags = lagAxis(Math.max(...samples.map((each) => each.lag)));

  const point = (event: PointerEvent<HTMLElement>) => {
    const left = event.clientX - event.currentTarget.getBoundingClientRect().left - GUTTER;
    const index = Math.floor(left / slot);
    setPointed(index >= 0 && index < samples.length ? index : null);
  };
  const frame = { width, x, ticks, pointed: shown && x((shown.at + shown.until) / 2) };

  return (
    // The pointer only reads out what the table below tells as well.
    <div
      className="chart-panels"
      ref={box}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setPointed(null)}
    >
      <div className="chart-when" aria-hidden="true">
        {shown ? stepText(shown, range) : "\u00a0"}
      </div>
      <PanelHead
        title="Calls per minute"
        keys={[
          { look: "accepted", name: "Accepted", value: shown && rateText(shown.deliveredRate) },
          { look: "failed", name: "Failed", value: shown && rateText(shown.failedRate) },
        ]}
      />
      <Plot {...frame} height={HEIGHTS.rate} axis={rates} text={rateText}>
        {samples.map((each) => {
          const bottom = ABOVE + HEIGHTS.rate;
          const good = rates.place(each.deliveredRate) * HEIGHTS.rate;
          const bad = rates.place(each.failedRate) * HEIGHTS.rate;
          const bar = { x: x(each.at), width: Math.max(1, slot - (slot > 4 ? 1 : 0.5)) };
          return (
            <g key={each.at}>
              {good > 0 && <rect className="chart-accepted" {...bar} y={bottom - good} height={good} />}
              {bad > 0 && <rect className="chart-failed" {...bar} y={bottom - good - bad} height={bad} />}
            </g>
          );
        })}
      </Plot>
      <PanelHead
        title="Time to answer"
        keys={[
          { look: "mean", name: "Mean", value: shown && latencyText(shown.mean) },
          { look: "slowest", name: "Slowest", value: shown && latencyText(shown.max) },
        ]}
      />
      <Plot {...frame} height={HEIGHTS.latency} axis={latencies} text={latencyTick}>
        {samples.map((each) => {
          if (each.mean === null || each.max === null) return null;
          const top = ABOVE + HEIGHTS.latency * (1 - latencies.place(each.max));
          const bottom = ABOVE + HEIGHTS.latency * (1 - latencies.place(each.mean));
          return (
            <rect
              key={each.at}
              className="chart-slowest"
              x={x(each.at)}
              width={Math.max(1, slot - (slot > 4 ? 1 : 0.5))}
              y={top}
              height={Math.max(1, bottom - top)}
            />
          );
        })}
        <path
          className="chart-mean"
          d={lineOf(samples, x, (value) => ABOVE + HEIGHTS.latency * (1 - latencies.place(value)))}
        />
      </Plot>
      <PanelHead title="Behind" keys={[{ look: "lag", name: "Most", value: shown && lagText(shown.lag) }]} />
      <Plot {...frame} height={HEIGHTS.lag} axis={lags} text={lagText} times={label}>
        {samples.map((each) => {
          const high = lags.place(each.lag) * HEIGHTS.lag;
          return (
            high > 0 && (
              <rect
                key={each.at}
                className="chart-lag"
                x={x(each.at)}
                width={slot}
                y={ABOVE + HEIGHTS.lag - high}
                height={high}
              />
            )
          );
        })}
      </Plot>
    </div>
  );
}

function latencyText(value: number | null): string {
  return value === null ? "no call" : milliseconds(value);
}

/** A line through the means that breaks where nothing was called; a mean between two breaks is a short dash. */
function lineOf(samples: Sample[], x: (at: number) => number, y: (value: number) => number): string {
  let path = "";
  let open = false;
  for (const [index, each] of samples.entries()) {
    if (each.mean === null) {
      open = false;
      continue;
    }
    const alone = !open && (samples[index + 1]?.mean ?? null) === null;
    const height = y(each.mean).toFixed(1);
    if (alone) path += `M${x(each.at).toFixed(1)} ${height}H${x(each.until).toFixed(1)}`;
    else path += `${open ? "L" : "M"}${x((each.at + each.until) / 2).toFixed(1)} ${height}`;
    open = true;
  }
  return path;
}

function PanelHead(props: {
  title: string;
  keys: { look: string; name: string; value: string | undefined }[];
}) {
  return (
    <div className="chart-head" aria-hidden="true">
      <span className="chart-title">{props.title}</span>
      {props.keys.map((key) => (
        <span key={key.look} className="chart-key">
          <span className={`chart-mark ${key.look}`} />
          {key.name}
          {key.value !== undefined && <strong>{key.value}</strong>}
        </span>
      ))}
    </div>
  );
}

interface PlotProps {
  width: number;
  height: number;
  axis: Axis;
  text: (value: number) => string;
  x: (at: number) => number;
  ticks: number[];
  pointed: number | undefined;
  times?: (at: number) => string;
  children: ReactNode;
}

function Plot({ width, height, axis, text, x, ticks, pointed, times, children }: PlotProps) {
  const bottom = ABOVE + height;
  return (
    <svg
      className="chart-plot"
      width={width}
      height={bottom + (times ? 22 : 4)}
      aria-hidden="true"
      focusable="false"
    >
      {ticks.map((at) => (
        <line key={at} className="chart-grid" x1={x(at)} x2={x(at)} y1={ABOVE} y2={bottom} />
      ))}
      {axis.ticks.map((value) => {
        const y = ABOVE + height * (1 - axis.place(value));
        return (
          <g key={value}>
            <line className="chart-grid" x1={GUTTER} x2={width} y1={y} y2={y} />
            <text className="chart-text" x={GUTTER - 6} y={y + 4} textAnchor="end">
              {text(value)}
            </text>
          </g>
        );
      })}
      {children}
      {times &&
        ticks.map((at) => {
          const label = times(at);
          const half = label.length * 3.2;
          const middle = Math.min(width - half, Math.max(GUTTER, x(at)));
          return (
            <text key={at} className="chart-text" x={middle} y={bottom + 16} textAnchor="middle">
              {label}
            </text>
          );
        })}
      {pointed !== undefined && (
        <line className="chart-pointer" x1={pointed} x2={pointed} y1={ABOVE} y2={bottom} />
      )}
    </svg>
  );
}

function Table({ samples, range }: { samples: Sample[]; range: ChartRange }) {
  const rows = samples.filter((each) => each.delivered + each.failed > 0 || each.lag > 0).reverse();
  return (
    <details className="chart-table">
      <summary>Show as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls */}
      <div className="chart-rows" tabIndex={0} role="group" aria-label="Calls and answers as a table">
        <table>
          <caption className="hidden-text">
            Newest first; times without a call are left out. The rates of the chart are these numbers per
            minute.
          </caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Accepted</th>
              <th scope="col">Failed</th>
              <th scope="col">Mean</th>
              <th scope="col">Slowest</th>
              <th scope="col">Behind</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((each) => (
              <tr key={each.at}>
                <th scope="row">{startText(each, range)}</th>
                <td>{each.delivered}</td>
                <td>{each.failed}</td>
                <td>{latencyText(each.mean)}</td>
                <td>{latencyText(each.max)}</td>
                <td>{lagText(each.lag)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
