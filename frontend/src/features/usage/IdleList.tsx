/** Pods that hold GPUs and do nothing with them, the longest first. */
import { Anchor, Table, Text } from "@mantine/core";
import type { Usage } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatAgo, formatMoment, useNow } from "../../lib/time";
import classes from "./usage.module.css";

interface IdleListProps {
  idle: Usage["idle"];
  onHolder: (user: string) => void;
}

const MINUTE = 60_000;

export function IdleList({ idle, onHolder }: IdleListProps) {
  const { text, locale } = useLanguage();
  const now = useNow(MINUTE);
  const { idleColumns } = text.usage;
  const sorted = idle.toSorted((a, b) => a.idleSince.localeCompare(b.idleSince));
  return (
    <Table.ScrollContainer minWidth={480}>
      <Table className={classes.rows} verticalSpacing={6} data-testid="idle">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{idleColumns.pod}</Table.Th>
            <Table.Th>{idleColumns.user}</Table.Th>
            <Table.Th className={classes.figure}>{idleColumns.devices}</Table.Th>
            <Table.Th>{idleColumns.since}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map(({ pod, namespace, user, devices, idleSince }) => (
            <Table.Tr key={`${namespace} ${pod}`}>
              <Table.Th scope="row" className={classes.key}>
                <Text size="sm">{pod}</Text>
              </Table.Th>
              <Table.Td>
                {user === null ? (
                  namespace
                ) : (
                  <Anchor
                    component="button"
                    size="sm"
                    title={text.usage.showOnMap(user)}
                    onClick={() => onHolder(user)}
                  >
                    {user}
                  </Anchor>
                )}
              </Table.Td>
              <Table.Td className={classes.figure}>{devices}</Table.Td>
              <Table.Td>
                {formatMoment(idleSince, locale)}{" "}
                <Text span size="xs" c="dimmed">
                  {formatAgo(now - Date.parse(idleSince), locale)}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
