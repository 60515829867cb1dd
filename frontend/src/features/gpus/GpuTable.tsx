// biome-ignore-all lint/a11y/useSemanticElements: rows are placed one by one, which table elements do not allow
/** The map's twin for those who cannot see or point at it: the same GPUs as a grid, only the visible rows in the page. */
import { Text } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useLanguage } from "../../i18n/language";
import { holderText, memoryText, percentText, podsText, sinceText, unitText } from "./deviceText";
import classes from "./gpus.module.css";
import { StateMark } from "./heatmap/StateMark";
import type { Device, Fleet } from "./model";

interface GpuTableProps {
  fleet: Fleet;
  /** The GPUs that the filter leaves, in the map's order. */
  devices: number[];
  active: number | null;
  onActive: (device: number | null) => void;
  onChoose: (device: Device) => void;
}

const ROW_HEIGHT = 34;
const PAGE = 10;

export function GpuTable({ fleet, devices, active, onActive, onChoose }: GpuTableProps) {
  const { text, locale } = useLanguage();
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
      onChoose(fleet.device(active));
    } else if (event.key === "Escape") {
      onActive(null);
    }
  };

  const { columns, states } = text.gpus;
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
        {Object.entries(columns).map(([key, name]) => (
          <div key={key} role="columnheader" tabIndex={-1}>
            {name}
          </div>
        ))}
      </div>
      <div role="rowgroup" style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const device = fleet.device(devices[index] as number);
          const cells = [
            device.node.name,
            device.index,
            device.group.label,
            <span key="state" className={classes.stateCell}>
              <StateMark state={device.status} />
              {states[device.status]}
            </span>,
            holderText(device, text),
            podsText(device),
            sinceText(device, locale),
            percentText(device.utilization),
            memoryText(device, locale),
            unitText(device.power, "W", locale),
            unitText(device.temperature, "°C", locale),
          ];
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
              onClick={() => onActive(devices[index] as number)}
              onDoubleClick={() => onChoose(device)}
            >
              {cells.map((cell, column) => (
                <Text key={column} component="div" role="gridcell" tabIndex={-1} size="xs" truncate>
                  {cell ?? "–"}
                </Text>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function rowId(index: number): string {
  return `gpu-row-${index}`;
}
