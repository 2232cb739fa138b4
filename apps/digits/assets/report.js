/* global uPlot */
// Draws the charts of the report; again when the colours or the width change.
(() => {
  const charts = JSON.parse(document.getElementById('data').textContent);
  const holder = document.getElementById('charts');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const strokes = {
    light: ['#0b62b0', '#b3470b', '#23733a', '#7a3fa0', '#8a6500', '#a3195b'],
    dark: ['#6db3f8', '#f0995c', '#71c98a', '#c39bf0', '#d9b44a', '#f07fb0'],
  };
  const figures = charts.map(({ title }) => {
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = title;
    figure.append(caption);
    holder.append(figure);
    return figure;
  });
  let drawn = [];

  const numbers = (_plot, value) => (value === null ? '–' : String(Number(value.toPrecision(4))));
  const axis = (ink, line) => ({ stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } });
  const draw = () => {
    for (const plot of drawn) plot.destroy();
    const style = getComputedStyle(document.querySelector('th'));
    const ink = style.color;
    const line = style.borderBottomColor;
    const colours = dark.matches ? strokes.dark : strokes.light;
    drawn = charts.map(({ x, lines }, i) => {
      const series = lines.map(({ label, marked, dashed }, j) => ({
        label,
        stroke: colours[j % colours.length],
        width: 1.5,
        ...(dashed && { dash: [6, 6] }),
        spanGaps: true,
        points: { show: marked || x.length < 3, size: 6, fill: colours[j % colours.length] },
        value: numbers,
      }));
      return new uPlot(
        {
          width: figures[i].clientWidth,
          height: 260,
          scales: { x: { time: false } },
          series: [{ label: 'step' }, ...series],
          axes: [
            axis(ink, line),
            { ...axis(ink, line), size: 60, values: (_plot, at) => at.map((v) => numbers(null, v)) },
          ],
        },
        [x, ...lines.map(({ y }) => y)],
        figures[i],
      );
    });
  };
  dark.addEventListener('change', draw);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    draw();
  });
  draw();
})();
