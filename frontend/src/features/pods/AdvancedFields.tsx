/** What most people leave alone. */
import { Group, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useText } from "../../i18n/language";
import type { FormValues } from "./createForm";

interface AdvancedFieldsProps {
  values: FormValues;
  onChange: (part: Partial<FormValues>) => void;
  errors: Record<string, string>;
  /** Nodes that have the chosen GPU type. */
  nodes: string[];
}

export function AdvancedFields({ values, onChange, errors, nodes }: AdvancedFieldsProps) {
  const text = useText();
  const names =
    values.nodeName === null || nodes.includes(values.nodeName) ? nodes : [values.nodeName, ...nodes];
  return (
    <Stack gap="sm" pt="sm">
      <Select
        label={text.create.node}
        placeholder={text.create.anyNode}
        data={names}
        value={values.nodeName}
        onChange={(nodeName) => onChange({ nodeName })}
        error={errors.nodeName}
        searchable
        clearable
        limit={100}
      />
      <Group grow align="flex-start">
        <TextInput
          label={text.create.workingDir}
          value={values.workingDir}
          onChange={(event) => onChange({ workingDir: event.currentTarget.value })}
          error={errors.workingDir}
          spellCheck={false}
        />
        <TextInput
          label={text.create.shmSize}
          description={text.create.shmHint}
          value={values.shmSize}
          onChange={(event) => onChange({ shmSize: event.currentTarget.value })}
          error={errors.shmSize}
          spellCheck={false}
          inputWrapperOrder={["label", "input", "description", "error"]}
        />
      </Group>
      <Textarea
        label={text.create.command}
        description={text.create.commandHint}
        value={values.command}
        onChange={(event) => onChange({ command: event.currentTarget.value })}
        error={errors.command}
        rows={3}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      />
      <Textarea
        label={text.create.env}
        description={text.create.envHint}
        value={values.env}
        onChange={(event) => onChange({ env: event.currentTarget.value })}
        error={errors.env}
        rows={3}
        spellCheck={false}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
      />
    </Stack>
  );
}
