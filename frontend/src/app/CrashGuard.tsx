/** Shows that the page broke, instead of an empty window. React has no hook for this. */
import { Container } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useText } from "../i18n/language";
import { Problem } from "../ui/Problem";

interface CrashGuardState {
  error: unknown;
}

export class CrashGuard extends Component<{ children: ReactNode }, CrashGuardState> {
  override state: CrashGuardState = { error: null };

  static getDerivedStateFromError(error: unknown): CrashGuardState {
    return { error };
  }

  override render() {
    return this.state.error === null ? this.props.children : <Crash error={this.state.error} />;
  }
}

function Crash({ error }: { error: unknown }) {
  const text = useText();
  return (
    <Container size="xs" py="xl">
      <Problem title={text.app.crashed} error={error} onRetry={() => window.location.reload()} />
    </Container>
  );
}
