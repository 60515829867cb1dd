/** What deleting or restarting a pod costs, as the server says: it knows what is mounted. */
import { List, Skeleton, Text } from "@mantine/core";
import { useText } from "../../i18n/language";
import { Problem } from "../../ui/Problem";
import { useConsequences } from "./usePods";

export function Consequences({ id, of }: { id: string; of: "delete" | "restart" }) {
  const text = useText();
  const { data, error } = useConsequences(id);
  if (error) {
    return <Problem title={text.pods.consequencesFailed} error={error} />;
  }
  if (!data) {
    return <Skeleton height={120} aria-busy />;
  }
  const { lost, kept } = data[of];
  return (
    <>
      <Items title={text.pods.deleteLost} items={lost} />
      <Items title={text.pods.deleteKept} items={kept} />
    </>
  );
}

function Items({ title, items }: { title: string; items: { code: string; text: string }[] }) {
  const text = useText();
  return (
    <div>
      <Text fw={600} size="sm">
        {title}
      </Text>
      {items.length === 0 ? (
        <Text size="sm">{text.pods.nothing}</Text>
      ) : (
        <List size="sm">
          {items.map(({ code, text: sentence }) => (
            <List.Item key={`${code} ${sentence}`}>{sentence}</List.Item>
          ))}
        </List>
      )}
    </div>
  );
}
