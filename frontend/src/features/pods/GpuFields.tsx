/** Which GPU and how many, with what is free right now beside every type. */
import { Button, Group, MultiSelect, NumberInput, Radio, Stack, Text } from "@mantine/core";
import { useSession } from "../../api/session";
import type { GpuType, Quota } from "../../api/types";
import { useText } from "../../i18n/language";
import { type FormValues, mostGpus } from "./createForm";
import classes from "./pods.module.css";

/** What the overview knows of a GPU type right now. */
export interface Supply {
  free: number;
  total: number;
  nodes: string[];
}

interface GpuFieldsProps {
  values: FormValues;
  onChange: (part: Partial<FormValues>) => void;
  errors: Record<string, string>;
  supply: Record<string, Supply>;
  quota: Quota | undefined;
}

export function GpuFields({ values, onChange, errors, supply, quota }: GpuFieldsProps) {
  const text = useText();
  const { config } = useSession();
  const chosen = config.gpuTypes.find(({ name }) => name === values.gpuType);
  const choose = (name: string) =>
    onChange({
      gpuType: name,
      gpuCount: name === "" ? 0 : Math.max(1, values.gpuCount),
      gpuDevices: [],
      nodeName: null,
    });
  return (
    <Stack gap="sm">
      <Radio.Group
        label={text.create.gpuType}
        value={values.gpuType}
        onChange={choose}
        error={errors.gpuType}
      >
        <div className={classes.choices}>
          {config.gpuTypes.map((type) => (
            <Choice
              key={type.name}
              value={type.name}
              title={type.label}
              hint={supplyText(supply[type.name], text.create)}
              share={shareFree(supply[type.name])}
            />
          ))}
          <Choice value="" title={text.create.noGpu} hint={text.create.noGpuHint} share={null} />
        </div>
      </Radio.Group>
      {chosen && (
        <CountField
          type={chosen}
          values={values}
          onChange={onChange}
          errors={errors}
          free={supply[chosen.name]?.free}
          quota={quota}
        />
      )}
      {values.nodeName !== null && (
        <Group gap="xs">
          <Text size="sm">{text.create.onNode(values.nodeName)}</Text>
          <Button variant="subtle" size="compact-xs" onClick={() => onChange({ nodeName: null })}>
            {text.create.anyNode}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

interface CountFieldProps extends Omit<GpuFieldsProps, "supply"> {
  type: GpuType;
  free: number | undefined;
}

function CountField({ type, values, onChange, errors, free, quota }: CountFieldProps) {
  const text = useText();
  const most = mostGpus(type, quota);
  const boundByQuota = quota !== undefined && most < type.maxPerPod;
  const bound = boundByQuota
    ? text.create.countBoundByQuota(most, quota.gpuLimit)
    : text.create.countBound(most);
  return (
    <>
      <NumberInput
        label={text.create.gpuCount}
        description={most === 0 ? text.create.quotaSpent : bound}
        value={values.gpuCount}
        onChange={(count) => onChange({ gpuCount: Number(count) || 1 })}
        min={1}
        max={Math.max(1, most)}
        clampBehavior="strict"
        allowDecimal={false}
        error={errors.gpuCount}
        maw={260}
      />
      {free !== undefined && values.gpuCount > free && (
        <Text size="sm" c="var(--genet-warning)" role="status">
          {text.create.countAboveFree(free)}
        </Text>
      )}
      {type.mode === "shared" && (
        <MultiSelect
          label={text.create.cards}
          description={text.create.cardsHint}
          data={Array.from({ length: type.gpusPerNode ?? type.maxPerPod }, (_, index) => ({
            value: String(index),
            label: text.create.card(index),
          }))}
          value={values.gpuDevices.map(String)}
          onChange={(cards) => onChange({ gpuDevices: cards.map(Number) })}
          error={errors.gpuDevices}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  value: string;
  title: string;
  hint: string;
  /** Share that is free, 0 to 1; null where there is none to show. */
  share: number | null;
}

function Choice({ value, title, hint, share }: ChoiceProps) {
  return (
    <Radio.Card value={value} className={classes.choice}>
      <Radio.Indicator size="xs" mt={3} />
      <div className={classes.choiceText}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
        {share !== null && (
          <div className={classes.share} aria-hidden>
            <div style={{ width: `${share * 100}%` }} />
          </div>
        )}
      </div>
    </Radio.Card>
  );
}

function supplyText(
  supply: Supply | undefined,
  text: { freeNow: (free: number, total: number) => string; freeUnknown: string },
): string {
  return supply ? text.freeNow(supply.free, supply.total) : text.freeUnknown;
}

function shareFree(supply: Supply | undefined): number | null {
  return supply && supply.total > 0 ? supply.free / supply.total : null;
}
