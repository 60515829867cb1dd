/** Pods that hold GPUs and do nothing with them, the longest first. */
import { Anchor, Table, Text } from "@mantine/core";
import { useSession } from "../../api/session";
import type { Usage } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatAgo, formatMoment, useNow } from "../../lib/time";
import classes from "./usage.module.css";

interface IdleListProps {
  idle: Usage["idle"];
  onHolder: (user: string) => void;
  /** A pod of one's own is to be shown. */
  onPod: (id: string) => void;
}

const MINUTE = 60_000;

export function IdleList({ idle, onHolder, onPod }: IdleListProps) {
  const { text, locale } = useLanguage();
  const { auth } = useSession();
  const now = useNow(MINUTE);
  const { idleColumns } = text.usage;
  const sorted = idle.toSorted((a, b) => a.idleSince.localeCompare(b.idleSince));
  return (
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
              {user !== null && user === auth.userIdentifier ? (
                <Anchor component="button" size="sm" onClick={() => onPod(pod)}>
                  {text.node.openPod(pod)}
                </Anchor>
              ) : (
                <Text size="sm">{pod}</Text>
              )}
            </Table.Th>
            <Table.Td data-label={idleColumns.user}>
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
            <Table.Td className={classes.figure} data-label={idleColumns.devices}>
              {devices}
            </Table.Td>
            <Table.Td data-label={idleColumns.since}>
              {formatMoment(idleSince, locale)}{" "}
              <Text span size="xs" c="dimmed">
                {formatAgo(now - Date.parse(idleSince), locale)}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
