/** The ways into a pod, ready to be taken along, and what it uses now. */
import { Anchor, Button, Group, Stack, Text, Title } from "@mantine/core";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { bytesText, coresText } from "../../lib/readings";
import { Command } from "../../ui/Command";
import { Meter } from "../../ui/Meter";
import classes from "./pods.module.css";
import { useMetrics } from "./usePods";

export function ConnectTab({ pod, keysHref }: { pod: Pod; keysHref: string }) {
  const { text } = useLanguage();
  const words = text.connect;
  const { ssh, sshConfig, vscode, jetbrains, kubectlExec, portForward, hostKeyFingerprints } = pod.connection;
  const lines: [string, string | null][] = [
    [words.sshConfig, sshConfig],
    [words.kubectlExec, kubectlExec],
    [words.portForward, portForward],
  ];
  return (
    <Stack gap="lg">
      <Use id={pod.id} />
      {pod.nodeName === null && <Text c="dimmed">{words.wait}</Text>}
      <section aria-label={words.ssh}>
        <Title order={3} size="h5">
          {words.ssh}
        </Title>
        {ssh ? (
          <>
            <Text size="sm" c="dimmed">
              {words.sshHint} <Anchor href={keysHref}>{words.keys}</Anchor>
            </Text>
            <Command text={ssh} label={words.ssh} />
            <Group gap="xs" mt="sm">
              {vscode && (
                <Button component="a" href={vscode} variant="default" size="xs">
                  {words.openVscode}
                </Button>
              )}
              {jetbrains && (
                <Button component="a" href={jetbrains} variant="default" size="xs">
                  {words.openJetbrains}
                </Button>
              )}
            </Group>
          </>
        ) : (
          <Text size="sm" c="dimmed">
            {words.noSsh}
          </Text>
        )}
      </section>
      {lines.map(
        ([label, line]) =>
          line && (
            <section key={label} aria-label={label}>
              <Title order={3} size="h5">
                {label}
              </Title>
              <Command text={line} label={label} />
            </section>
          ),
      )}
      {hostKeyFingerprints.length > 0 && (
        <section aria-label={words.fingerprints}>
          <Title order={3} size="h5">
            {words.fingerprints}
          </Title>
          {hostKeyFingerprints.map((fingerprint) => (
            <Text key={fingerprint} size="xs" className={classes.fingerprint}>
              {fingerprint}
            </Text>
          ))}
        </section>
      )}
    </Stack>
  );
}

function Use({ id }: { id: string }) {
  const { text, locale } = useLanguage();
  const { data } = useMetrics(id);
  if (!data?.cpu && !data?.memory) {
    return null;
  }
  const { cpu, memory } = data;
  const share = (used: number, limit: number | null) => (limit ? (used / limit) * 100 : null);
  return (
    <section aria-label={text.use.title} className={classes.cardReadings}>
      {cpu && (
        <Meter
          name={text.use.cpu}
          value={coresText(cpu.usedCores, cpu.limitCores, locale)}
          percent={share(cpu.usedCores, cpu.limitCores)}
        />
      )}
      {memory && (
        <Meter
          name={text.use.memory}
          value={bytesText(memory.usedBytes, memory.limitBytes, locale)}
          percent={share(memory.usedBytes, memory.limitBytes)}
        />
      )}
    </section>
  );
}
