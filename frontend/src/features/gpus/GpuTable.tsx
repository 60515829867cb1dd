// biome-ignore-all lint/a11y/useSemanticElements: rows are placed one by one, which table elements do not allow
/** The map's twin for those who cannot see or point at it: the same GPUs as a grid, only the visible rows in the page. */
import { Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { slotAt, useNodes } from "../../api/nodes";
import type { NodeDetail } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { percentText, unitText } from "../../lib/readings";
import { holderText, idleText, memoryUseText, podsText, sinceText } from "./deviceText";
import { devicesThatMatch, type Filter } from "./filter";
import classes from "./gpus.module.css";
import { StateMark } from "./heatmap/Mark";
import { useRevision } from "./live/OverviewProvider";
import { deviceOf, type Fleet } from "./model";

interface GpuTableProps {
  fleet: Fleet;
  filter: Filter;
  active: number | null;
  onActive: (device: number | null) => void;
  onChoose: (device: number) => void;
  onNode: (name: string) => void;
}

const ROW_HEIGHT = 34;
const PAGE = 10;
/** Rows rest this long before their nodes are asked for. */
const REST = 200;

export function GpuTable({ fleet, filter, active, onActive, onChoose, onNode }: GpuTableProps) {
  const revision = useRevision();
  const { text } = useLanguage();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the fleet changes in place
  const devices = useMemo(() => devicesThatMatch(fleet, filter), [fleet, filter, revision]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: devices.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const activeRow = active === null ? -1 : devices.indexOf(active);
  const { scrollToIndex } = rows;
  useEffect(() => {
    if (activeRow >= 0) {
      scrollToIndex(activeRow);
    }
  }, [activeRow, scrollToIndex]);

  const visible = rows.getVirtualItems();
  const nodeOf = (row: number) => fleet.nodes[fleet.nodeOf[devices[row] as number] as number]?.name ?? "";
  const [names] = useDebouncedValue([...new Set(visible.map(({ index }) => nodeOf(index)))].join(" "), REST);
  const details = useNodes(names === "" ? [] : names.split(" "));

  const press = (event: KeyboardEvent) => {
    const last = devices.length - 1;
    const targets: Record<string, number> = {
      ArrowDown: activeRow + 1,
      ArrowUp: activeRow - 1,
      PageDown: activeRow + PAGE,
      PageUp: activeRow - PAGE,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target !== undefined) {
      event.preventDefault();
      onActive(devices[Math.min(Math.max(target, 0), last)] ?? null);
    } else if (event.key === "Enter" && active !== null && activeRow >= 0) {
      onChoose(active);
    } else if (event.key === " " && activeRow >= 0) {
      event.preventDefault();
      onNode(nodeOf(activeRow));
    } else if (event.key === "Escape") {
      onActive(null);
    }
  };

  return (
    <div
      ref={scroller}
      className={classes.table}
      role="grid"
      aria-label={text.gpus.table}
      aria-rowcount={devices.length + 1}
      aria-readonly
      tabIndex={0}
      {...(activeRow >= 0 && { "aria-activedescendant": rowId(activeRow) })}
      onKeyDown={press}
    >
      <div className={classes.tableHead} role="row" aria-rowindex={1} tabIndex={-1}>
        {COLUMNS.map((key) => (
          <div key={key} role="columnheader" tabIndex={-1}>
            {text.gpus.columns[key]}
          </div>
        ))}
      </div>
      <div role="rowgroup" style={{ height: rows.getTotalSize(), position: "relative" }}>
        {visible.map(({ index, start }) => {
          const device = devices[index] as number;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys for the row that is active
            <div
              key={index}
              id={rowId(index)}
              className={classes.tableRow}
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 2}
              aria-selected={index === activeRow}
              style={{ height: ROW_HEIGHT, transform: `translateY(${start}px)` }}
              onClick={() => onActive(device)}
              onDoubleClick={() => onChoose(device)}
            >
              <Cells fleet={fleet} device={device} detail={details.get(nodeOf(index))} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What most people look for stands first: a phone has room for four of them. */
const COLUMNS = [
  "node",
  "gpu",
  "state",
  "holder",
  "type",
  "pod",
  "since",
  "utilization",
  "memory",
  "power",
  "temperature",
  "idle",
] as const;

interface CellsProps {
  fleet: Fleet;
  device: number;
  detail: NodeDetail | undefined;
}

function Cells({ fleet, device: index, detail }: CellsProps) {
  const { text, locale } = useLanguage();
  const device = deviceOf(fleet, index);
  const slot = detail && slotAt(detail, device);
  const cells: Record<(typeof COLUMNS)[number], React.ReactNode> = {
    node: device.node.name,
    gpu: slot?.index ?? device.place,
    type: device.group.label,
    state: (
      <span className={classes.stateCell}>
        <StateMark state={device.status} />
        {text.gpus.states[device.status]}
      </span>
    ),
    holder: holderText(device, slot, text),
    pod: podsText(slot),
    since: sinceText(slot, locale),
    utilization: percentText(device.utilization),
    memory: memoryUseText(device, slot, locale),
    power: slot && unitText(slot.power, "W", locale),
    temperature: slot && unitText(slot.temperature, "°C", locale),
    idle: idleText(slot, locale),
  };
  return COLUMNS.map((key) => (
    <Text key={key} component="div" role="gridcell" tabIndex={-1} size="xs" truncate>
      {cells[key] ?? "–"}
    </Text>
  ));
}

function rowId(index: number): string {
  return `gpu-row-${index}`;
}
