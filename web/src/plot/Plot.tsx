import { type ReactNode, useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./plot.css";
import { colour, hatch, onTheme } from "./paint";
import { highest, niceScale, stacked } from "./scale";

/** One series. What is over the others is hatched and stands on nothing. Areas and bars stand on each other in their order, lines do not. A cone reaches down to the series after it. */
export interface Series {
  key: string;
  name: string;
  /** A token, such as `--s1`. */
  token: string;
  looks: "area" | "bar" | "line" | "step" | "dashed" | "dotted" | "hatched" | "hatchedBar" | "over" | "overBar" | "faint" | "cone" | "clear";
  values: readonly (number | null)[];
  width?: number;
}

interface PlotProps {
  title: string;
  /** What the drawing says, for whoever does not see it. */
  said: string;
  series: readonly Series[];
  /** Of a value, at the axis and in the key. */
  format: (value: number) => string;
  /** Of the place with that number. */
  place: (at: number) => string;
  /** Words below the drawing: evenly from its beginning to its end. */
  below: readonly string[];
  /** The axis goes at least so high. */
  least?: number;
  height?: number;
  /** In the key also where nothing is pointed at: what this says of a series. */
  note?: (series: Series) => string;
  /** Instead of a drawing where all values are nothing. */
  empty?: string;
  /** Words in the drawing, at a value. */
  mark?: { value: number; words: string } | undefined;
  children?: ReactNode;
}

const STACKED = new Set(["area", "bar", "hatched", "hatchedBar"]);

/** A plot: the drawing stretches, words are HTML. */
export function Plot({ title, said, series, format, place, below, least, height = 176, note, empty, mark, children }: PlotProps) {
  const [at, setAt] = useState<number | null>(null);
  const piled = series.filter((each) => STACKED.has(each.looks));
  const sums = stacked(piled.map((each) => each.values));
  const shown = series.map((each) => (STACKED.has(each.looks) ? (sums[piled.indexOf(each)] ?? []) : each.values));
  const most = highest(shown);
  const { top, ticks } = niceScale(most, least);
  const named = series.filter((each) => each.name);
  return (
    <figure className="plot">
      <figcaption className="plot__head">
        <h2>{title}</h2>
        {at !== null && <span className="plot__at num">{place(at)}</span>}
        {children}
      </figcaption>
      <div className="chart" style={{ "--h": `${height}px` } as React.CSSProperties}>
        <div className="chart__y" aria-hidden="true" style={{ minWidth: `${widest(ticks.map(format))}ch` }}>
          {ticks.map((tick) => (
            <span key={tick} style={{ bottom: `${(tick / top) * 100}%` }}>
              {format(tick)}
            </span>
          ))}
        </div>
        <div className="chart__p" role="img" aria-label={most === 0 && empty ? empty : said}>
          {ticks.map((tick) => (
            <i key={tick} style={{ bottom: `${(tick / top) * 100}%` }} />
          ))}
          {most === 0 && empty ? <p className="plot__empty"><span>{empty}</span></p> : <Drawing series={series} shown={shown} top={top} height={height} onPoint={setAt} />}
          {mark && (
            <span className="callout callout--r" style={{ bottom: `${(mark.value / top) * 100}%` }}>
              {mark.words}
            </span>
          )}
        </div>
        <div className="chart__x" aria-hidden="true">
          {below.map((words, number) => (
            <span key={`${number}-${words}`}>{words}</span>
          ))}
        </div>
      </div>
      <ul className="plot__key">
        {named.map((each) => {
          const value = at === null ? null : each.values[at];
          const said = value !== null && value !== undefined ? format(value) : (at === null && note?.(each)) || "";
          return (
            <li key={each.key} className={`key key--${each.looks}`} style={{ "--k": `var(${each.token})` } as React.CSSProperties}>
              {each.name} {said && <span className="num">{said}</span>}
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

/** How many digits wide the widest of these is; what is not Latin is twice as wide. */
function widest(words: readonly string[]): number {
  return Math.max(5, ...words.map((each) => [...each].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 2 : 1), 0)));
}

interface DrawingProps {
  series: readonly Series[];
  shown: readonly (readonly (number | null)[])[];
  top: number;
  height: number;
  onPoint: (at: number | null) => void;
}

function Drawing({ series, shown, top, height, onPoint }: DrawingProps) {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot>(undefined);
  const scale = useRef(top);
  scale.current = top;
  const shape = series.map((each) => `${each.key}/${each.looks}`).join();
  const count = shown[0]?.length ?? 0;
  // What stands higher is drawn first, and what stands lower over it: `order` goes from the top down.
  const order = [...series.keys()].sort((one, other) => layer(series[one]) - layer(series[other]) || other - one);
  const data = [Array.from({ length: count }, (_, at) => at), ...order.map((number) => shown[number] ?? [])] as uPlot.AlignedData;

  // Made anew only when its shape changes; new values come with the effect below.
  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height,
        padding: [0, 0, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: false, range: (_, low, high) => (series.some((each) => each.looks === "bar") ? [low - 0.5, high + 0.5] : [low, high]) }, y: { range: () => [0, scale.current] } },
        axes: [{ show: false }, { show: false }],
        bands: cones(series, order, box),
        series: [{}, ...order.map((number) => look(box, series[number]))],
        hooks: { setCursor: [(now) => onPoint(now.cursor.idx ?? null)] },
      },
      data,
      box,
    );
    drawn.current = plot;
    const sized = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
    sized.observe(box);
    const themed = onTheme(() => plot.redraw(false));
    return () => {
      themed();
      sized.disconnect();
      plot.destroy();
      drawn.current = undefined;
    };
  }, [shape, height]);
  useEffect(() => drawn.current?.setData(data));
  return <div className="drawing" ref={host} />;
}

function layer(series: Series | undefined): number {
  return series && STACKED.has(series.looks) ? 0 : series?.looks === "faint" ? 1 : series?.looks.startsWith("over") ? 3 : 2;
}

/** Between a cone and the series after it. */
function cones(series: readonly Series[], order: readonly number[], host: HTMLElement): uPlot.Band[] {
  const at = (number: number) => order.indexOf(number) + 1;
  return series.flatMap((each, number) => (each.looks === "cone" ? [{ series: [at(number), at(number + 1)] as [number, number], fill: () => faint(colour(host, each.token)) }] : []));
}

/** The same colour, thin. */
function faint(ink: string): string {
  return ink.replace(/^rgb\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)\)$/, "rgb($1 $2 $3 / 0.16)");
}

function paths(found: uPlot.Series.PathBuilder | undefined): { paths?: uPlot.Series.PathBuilder } {
  return found ? { paths: found } : {};
}

function look(host: HTMLElement, series: Series | undefined): uPlot.Series {
  if (!series) return { show: false };
  const ink = () => colour(host, series.token);
  const none = { points: { show: false }, spanGaps: true };
  switch (series.looks) {
    case "area":
      return { ...none, width: 0, fill: ink };
    case "bar":
      return { ...none, width: 0, fill: ink, ...paths(uPlot.paths.bars?.({ size: [0.68, 40] })) };
    case "overBar":
    case "hatchedBar":
      return { ...none, width: 0, fill: (plot) => hatch(plot.ctx, ink()), ...paths(uPlot.paths.bars?.({ size: [0.68, 40] })) };
    case "over":
    case "hatched":
      return { ...none, width: 0, fill: (plot) => hatch(plot.ctx, ink()) };
    case "faint":
      return { ...none, width: 0, fill: () => faint(ink()) };
    case "cone":
    case "clear":
      return { ...none, width: 0 };
    case "step":
      return { ...none, width: series.width ?? 1.25, stroke: ink, ...paths(uPlot.paths.stepped?.({ align: 1 })) };
    default:
      return { ...none, width: series.width ?? 1.75, stroke: ink, ...(series.looks === "dashed" ? { dash: [5, 4] } : series.looks === "dotted" ? { dash: [3, 4] } : {}) };
  }
}
