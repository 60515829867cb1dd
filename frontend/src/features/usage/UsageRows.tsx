/** GPU-hours by key, the most first; the bar is the share of the largest. */
import { Anchor, Table, Text } from "@mantine/core";
import { useSession } from "../../api/session";
import type { UsageBy, UsageRow } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { percentText } from "../../lib/readings";
import classes from "./usage.module.css";

interface UsageRowsProps {
  rows: UsageRow[];
  by: UsageBy;
  onHolder: (user: string) => void;
}

export function UsageRows({ rows, by, onHolder }: UsageRowsProps) {
  const { text, locale } = useLanguage();
  const { config } = useSession();
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const most = Math.max(...rows.map(({ gpuHours }) => gpuHours), 0);
  const sorted = rows.toSorted((a, b) => b.gpuHours - a.gpuHours || b.gpusNow - a.gpusNow);
  const label = (key: string) => config.gpuTypes.find(({ name }) => name === key)?.label ?? key;
  return (
    <Table className={classes.rows} verticalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.usage.keys[by]}</Table.Th>
          <Table.Th className={classes.barColumn}>{text.usage.gpuHours}</Table.Th>
          <Table.Th className={classes.figure}>{text.usage.utilization}</Table.Th>
          <Table.Th className={classes.figure}>{text.usage.gpusNow}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sorted.map(({ key, gpuHours, gpusNow, meanUtilization }) => (
          <Table.Tr key={key}>
            <Table.Th scope="row" className={classes.key}>
              {by === "user" && key !== "" ? (
                <Anchor
                  component="button"
                  size="sm"
                  title={text.usage.showOnMap(key)}
                  onClick={() => onHolder(key)}
                >
                  {key}
                </Anchor>
              ) : (
                <Text size="sm">{key === "" ? text.usage.nobody : by === "type" ? label(key) : key}</Text>
              )}
            </Table.Th>
            <Table.Td>
              <div className={classes.hours}>
                <div className={classes.bar} aria-hidden>
                  <div
                    className={classes.held}
                    style={{ width: `${most > 0 ? (gpuHours / most) * 100 : 0}%` }}
                  >
                    {meanUtilization !== null && (
                      <div className={classes.worked} style={{ width: `${meanUtilization}%` }} />
                    )}
                  </div>
                </div>
                <span data-label={text.usage.gpuHours}>{number.format(gpuHours)}</span>
              </div>
            </Table.Td>
            <Table.Td className={classes.figure} data-label={text.usage.utilization}>
              {percentText(meanUtilization) ?? "–"}
            </Table.Td>
            <Table.Td className={classes.figure} data-label={text.usage.gpusNow}>
              {number.format(gpusNow)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
