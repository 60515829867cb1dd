/** A percentage over a time, small. Where nothing was measured there is neither line nor ground. */
import { pathsOf, type Values } from "../lib/series";
import classes from "./charts.module.css";

interface SparklineProps {
  values: Values;
  label: string;
  width?: number;
  height?: number;
}

export function Sparkline({ values, label, width = 160, height = 28 }: SparklineProps) {
  const { line, area, ground } = pathsOf(values, width, height);
  return (
    <svg
      className={classes.sparkline}
      role="img"
      aria-label={label}
      viewBox={`0 -1 ${width} ${height + 2}`}
      width={width}
      height={height + 2}
      preserveAspectRatio="none"
    >
      <title>{label}</title>
      <path className={classes.ground} d={ground} />
      <path className={classes.area} d={area} />
      <path className={classes.line} d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
