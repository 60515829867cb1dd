/** Programs that act for a person until they are told to stop: kubectl on each machine is one. */
import { Table } from "@mantine/core";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import classes from "./account.module.css";
import { Revocable } from "./Revocable";
import { useGrants, useRevokeGrant } from "./useAccount";

export function GrantsPanel() {
  const { text, locale } = useLanguage();
  const { columns, never, grants } = text.account;
  const { data, error, refetch } = useGrants();
  const revoke = useRevokeGrant();
  return (
    <Revocable
      words={grants}
      items={data?.grants.map((grant) => ({ ...grant, name: grant.client }))}
      error={error}
      onRetry={refetch}
      revoke={revoke}
      columns={[columns.program, columns.from, columns.created, columns.lastUsed, columns.expires]}
      cells={({ client, userAgent, createdAt, lastUsedAt, expiresAt }) => (
        <>
          <Table.Td className={classes.name ?? ""}>{client}</Table.Td>
          <Table.Td>
            <div className={classes.agent} title={userAgent ?? ""}>
              {userAgent ?? "–"}
            </div>
          </Table.Td>
          <Table.Td data-label={columns.created}>{formatMoment(createdAt, locale)}</Table.Td>
          <Table.Td data-label={columns.lastUsed}>
            {lastUsedAt ? formatMoment(lastUsedAt, locale) : never}
          </Table.Td>
          <Table.Td data-label={columns.expires}>{formatMoment(expiresAt, locale)}</Table.Td>
        </>
      )}
    />
  );
}
