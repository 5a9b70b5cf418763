import { card, escapeHtml, grid, legend } from './page.js';
import { seriesColor } from './page-style.js';

/** A quantity over another, training steps for instance: one line per series. */
export interface Curve {
  title: string;
  /** What x counts. */
  xLabel: string;
  scale?: 'linear' | 'log';
  series: { name: string; x: ArrayLike<number>; y: ArrayLike<number> }[];
}

const axis = {
  axisLine: { lineStyle: { color: 'var(--line)' } },
  axisTick: { show: false },
  axisLabel: { color: 'var(--muted)', fontSize: 12, formatter: formatTick },
  splitLine: { lineStyle: { color: 'var(--line)', opacity: 0.6 } },
};
const width = 400;
/** On a linear axis: the library fails on ranges of numbers that are no more than this. */
const drawnAsZero = 1e-12;

/** Draws charts of one page as SVG text without a DOM. The library is loaded when the first page is written, not before. */
export async function createChartDrawing(): Promise<{
  /** A card for each, side by side, with a legend where there are several lines. */
  curveCards(curves: readonly Curve[]): string;
  /** How often each code is used: one `<svg>`, its size left to the style sheet. */
  drawUsage(counts: Int32Array): string;
}> {
  const echarts = await import('echarts');
  let drawn = 0;

  function draw(
    height: number,
    label: string,
    option: Parameters<ReturnType<typeof echarts.init>['setOption']>[0],
  ): string {
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
    let svg: string;
    try {
      chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...option });
      svg = chart.renderToSVGString();
    } finally {
      chart.dispose(); // a chart that is left keeps the process alive
    }
    const name = `chart-${drawn++}`;
    return svg
      .replace(/<style[\s\S]*?<\/style>/g, '') // hover rules
      .replace(/ class="[^"]*"/g, '')
      .replace(/ (pointer-events|ecmeta_\w+)="[^"]*"/g, '')
      .replace(/zr\d+-/g, `${name}-`) // numbered over the life of the process: equal reports must have equal bytes
      .replace(/<rect [^>]*fill="none"[^>]*><\/rect>\n?/, '')
      .replace(/<svg [^>]*>/, `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">`);
  }

  function drawCurve({ title, xLabel, scale = 'linear', series }: Curve): string {
    return draw(220, escapeHtml(title), {
      grid: { left: 48, right: 12, top: 12, bottom: 40 },
      xAxis: {
        type: 'value',
        name: xLabel,
        nameLocation: 'middle',
        nameGap: 24,
        scale: true,
        minInterval: 1,
        splitNumber: 4,
        ...axis,
        nameTextStyle: { color: 'var(--muted)', fontSize: 12 },
        splitLine: { show: false },
      },
      yAxis: { type: scale === 'log' ? 'log' : 'value', scale: true, splitNumber: 4, ...axis },
      series: series.map(({ x, y }, number) => ({
        type: 'line',
        data: Array.from(x, (value, at) => [value, scale === 'log' || Math.abs(y[at]) > drawnAsZero ? y[at] : 0]),
        sampling: 'lttb',
        showSymbol: x.length === 1,
        silent: true,
        lineStyle: { color: seriesColor(number), width: 1.6 },
        itemStyle: { color: seriesColor(number) },
      })),
    });
  }

  return {
    curveCards(curves) {
      const cards = curves.map((curve) => {
        const { title, series } = curve;
        const names = series.map(({ name }, number) => ({ name, color: seriesColor(number) }));
        return card(title, `${names.length > 1 ? legend(names) : ''}${drawCurve(curve)}`);
      });
      return grid(cards, ' wide');
    },

    drawUsage(counts) {
      return draw(130, 'items per code, most used first', {
        grid: { left: 40, right: 4, top: 8, bottom: 8 },
        xAxis: { type: 'category', show: false, data: Array.from(counts.keys()) },
        yAxis: { type: 'value', splitNumber: 3, minInterval: 1, ...axis },
        series: [
          {
            type: 'bar',
            data: Array.from(counts.toSorted((a, b) => b - a)),
            barCategoryGap: '0%',
            silent: true,
            itemStyle: { color: seriesColor(0) },
          },
        ],
      });
    },
  };
}

function formatTick(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(0);
  if (Math.abs(value) >= 1e6) return `${value / 1e6}M`;
  if (Math.abs(value) >= 1e4) return `${value / 1e3}k`;
  return String(Number(value.toPrecision(4)));
}
